"""What a channel is by the type of its packets: what it is called, how its packets are cut, and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from protocols.irig106.analog import Analog
from protocols.irig106.bus_records import RECORDS, Cut
from protocols.irig106.packet import Packet
from protocols.irig106.pcm import Pcm
from protocols.irig106.streams import (
    ETHERNET,
    TRANSPORT_BYTES,
    VIDEO,
    Delivered,
    Messages,
    bytes_vehicle,
    transport,
    whole,
)
from protocols.irig106.tmats import Tmats
from protocols.packet import Vehicle

TMATS, INDEX = 0x01, 0x03
NOT_DELIVERED = frozenset((TMATS, INDEX))
"""Packets about the recording itself: the setup record, and where other packets stand."""
UART, EVENTS = 0x50, 0x02

_KINDS = {
    0x00: "computer",
    0x08: "pcm",
    0x10: "time",
    0x18: "1553",
    0x20: "analog",
    0x28: "discrete",
    0x30: "message",
    0x38: "arinc429",
    0x40: "video",
    0x48: "image",
    0x50: "uart",
    0x58: "ieee1394",
    0x60: "parallel",
    0x68: "ethernet",
    0x70: "tspi",
}
"""By the type's group of eight (table 11-4)."""
_SPECIAL = {0x02: "event", 0x1A: "16pp194", 0x69: "arinc664", 0x78: "can", 0x79: "fibre", 0x7A: "fibre"}
UART_MESSAGES = Messages(sub_mask=0x3FFF)
_STREAMS: dict[int, Callable[[Packet], Delivered]] = {
    0x30: Messages(),
    0x40: transport,
    0x41: transport,
    0x42: transport,
    0x50: UART_MESSAGES,
    0x68: Messages(mask=0x3FFF),
    0x69: Messages(header=20, length_at=2),
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One type of packets of one channel."""

    kind: str
    """``pcm``, ``uart``, ``1553``, ..."""
    deliver: Callable[[Packet], Delivered]
    vehicle: Vehicle
    framing: str | Mapping[str, Any]


def kind_of(data_type: int) -> str:
    """What packets of a type are called."""
    return _SPECIAL.get(data_type) or _KINDS.get(data_type & 0xF8, f"type{data_type:02x}")


def channel_of(packet: Packet, tmats: Tmats) -> Channel:
    """The channel of a packet, the first of its type there."""
    header = packet.header
    kind, data_type = kind_of(header.kind), header.kind
    name = f"irig106_{kind}_{header.channel}"
    if data_type in RECORDS:
        vehicle, cut = RECORDS[data_type]
        return Channel(kind, _Recorded(cut), vehicle, _dated(vehicle.packets[0].body.sizeof()))
    if data_type == 0x09:
        pcm = Pcm(packet, tmats.pcm(header.channel))
        return Channel(kind, pcm, pcm.vehicle(name), "datagram")
    if data_type == 0x21:
        analog = Analog(packet, tmats)
        if analog.layout is not None:
            return Channel(kind, analog, analog.vehicle(name), _dated(analog.frame_length))
    if data_type in (0x40, 0x41, 0x42):
        return Channel(kind, transport, VIDEO, {"kind": "fixed", "frame_length": TRANSPORT_BYTES})
    vehicle = ETHERNET if data_type == 0x68 else _plain(kind)
    return Channel(kind, _STREAMS.get(data_type, whole), vehicle, "datagram")


@dataclass(frozen=True, slots=True)
class _Recorded:
    """Records of all messages of a packet as one piece, which has the time of the last."""

    cut: Cut

    def __call__(self, packet: Packet) -> Delivered:
        records, consumed = self.cut(packet)
        if not len(records):
            return Delivered([], 0, min(consumed, packet.end - packet.begin))
        last = int(records["time"][-1])
        return Delivered([(0, records.tobytes(), last)], max(0, consumed - 4), consumed)


def _dated(frame_length: int) -> Mapping[str, Any]:
    return {"kind": "dated", "frame_length": frame_length}


_DECLARED = {*map(kind_of, RECORDS), "video", "ethernet"}
"""Kinds of which one type is declared: what is of another type of that kind has packets of another name."""
_known: dict[str, Vehicle] = {}


def _plain(kind: str) -> Vehicle:
    """The vehicle of plain bytes that all channels of a kind share."""
    name = f"irig106_{kind}_data" if kind in _DECLARED else f"irig106_{kind}"
    return _known.setdefault(kind, bytes_vehicle(name, f"{kind} data"))
