"""Channels whose data are bytes: UART, messages, Ethernet, video, and whatever else is given as it stands.

Each message is a piece with its own time, without the headers around it, so that a channel's pieces are what came over
its wire. Words that the recorder turned round (video, PCM) are turned back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from construct import BitsInteger, BitStruct, Bytes, Const, Flag, GreedyBytes, Int16ub, Padding, Struct

from protocols.irig106.packet import Packet
from protocols.packet import Packet as PacketType
from protocols.packet import Vehicle

TRANSPORT_BYTES = 188
"""Of an MPEG-2 transport packet, which begins with 0x47 (ISO/IEC 13818-1 2.4.3.2)."""
_STAMP = 8


@dataclass(slots=True)
class Delivered:
    """What a packet brought."""

    pieces: list[tuple[int, bytes, int]]
    """Subchannel, bytes, time in ns."""
    carried: int
    """Bytes of the packet's body that the pieces are made of."""
    consumed: int
    """Those, and the headers around them: what is left of the body could not be read."""


@dataclass(frozen=True, slots=True)
class Messages:
    """How messages stand in a packet: ``stamp | header with length | data``, padded to 16 bits."""

    header: int = 4
    """Bytes of the intra-packet data header."""
    length_at: int = 0
    """Where in it the length stands, 16 bits."""
    mask: int = 0xFFFF
    """The bits of it that are the length."""
    sub_mask: int = 0
    """The bits of the header's last 16 that tell a subchannel of its own."""

    def __call__(self, packet: Packet) -> Delivered:
        """The messages of a packet, up to one that cannot be."""
        data, mask, time_ns = packet.data, self.sub_mask, packet.time_ns
        stamp, found, end = self._found(packet)
        pieces, carried = [], 0
        for at, begin, length in found:
            if length:
                sub = (data[begin - 2] | data[begin - 1] << 8) & mask if mask else 0
                pieces.append((sub, data[begin : begin + length], packet.stamp(at) if stamp else time_ns))
                carried += length
        return Delivered(pieces, carried, min(end, packet.end) - packet.begin)

    def subchannels(self, packet: Packet) -> set[int]:
        """The subchannels of a packet's messages that hold something."""
        data, mask = packet.data, self.sub_mask
        _, found, _ = self._found(packet)
        return {(data[begin - 2] | data[begin - 1] << 8) & mask for _, begin, length in found if length}

    def _found(self, packet: Packet) -> tuple[int, list[tuple[int, int, int]], int]:
        """Bytes of a stamp; each message's place, where its data begin, how many there are; where they end."""
        data, last, at = packet.data, packet.end, packet.begin + 4
        stamp, left = self._counted(packet)
        head, length_at, mask = stamp + self.header, stamp + self.length_at, self.mask
        found = []
        while left and at + head <= last:
            length = (data[at + length_at] | data[at + length_at + 1] << 8) & mask
            begin = at + head
            if begin + length > last:
                break
            found.append((at, begin, length))
            at, left = begin + length + (length & 1), left - 1
        return stamp, found, at

    def _counted(self, packet: Packet) -> tuple[int, int]:
        """Bytes of a stamp, and how many messages there are at most."""
        word = packet.word()
        if packet.header.kind == 0x50:  # stamps are optional, and nothing is counted (11.2.12)
            return (_STAMP if word >> 31 else 0), -1
        segmented = packet.header.kind == 0x30 and word >> 16 & 3  # the count is a segment's number (11.2.9.2)
        return _STAMP, -1 if segmented else word & 0xFFFF


def whole(packet: Packet) -> Delivered:
    """The body behind its channel-specific data word, as it stands."""
    data = packet.data[packet.begin + 4 : packet.end]
    length = packet.end - packet.begin
    return Delivered([(0, data, packet.time_ns)] if data else [], len(data), length)


def transport(packet: Packet) -> Delivered:
    """MPEG-2 transport packets (video, formats 0 to 2; 11.2.10), those of 16-bit words turned back into bytes."""
    word, begin, end = packet.word(), packet.begin + 4, packet.end
    stamped = word >> (30 if packet.header.kind == 0x40 else 19) & 1
    step = TRANSPORT_BYTES + (_STAMP if stamped else 0)
    count = max(0, end - begin) // step
    if not count:
        return Delivered([], 0, min(4, end - packet.begin))
    rows = np.frombuffer(packet.data, np.uint8, count * step, begin).reshape(count, step)[:, step - TRANSPORT_BYTES :]
    swapped = rows[0, 0] != 0x47 and rows[0, 1] == 0x47
    data = swapped_words(rows.tobytes(), 2) if swapped else rows.tobytes()
    time_ns = packet.stamp(begin + (count - 1) * step) if stamped else packet.time_ns
    return Delivered([(0, data, time_ns)], len(data), 4 + count * step)


def swapped_words(data: bytes, width: int) -> bytes:
    """Bytes of words of 2 or 4 bytes in the other order; a last part of a word stays."""
    whole_words = len(data) // width * width
    return np.frombuffer(data, f"<u{width}", whole_words // width).byteswap().tobytes() + data[whole_words:]


def bytes_vehicle(name: str, title: str) -> Vehicle:
    """A vehicle of one packet of plain bytes."""
    return _vehicle(name, title, Struct("data" / GreedyBytes))


def _vehicle(name: str, title: str, body: Any) -> Vehicle:
    return Vehicle(name, title, (PacketType(name, body, doc=title),), source="IRIG 106-22 Chapter 11")


ETHERNET = _vehicle(
    "irig106_ethernet",
    "Ethernet frames",
    Struct("destination" / Bytes(6), "source" / Bytes(6), "type" / Int16ub * "or length", "data" / GreedyBytes),
)
VIDEO = _vehicle(
    "irig106_video",
    "MPEG-2 transport packets",
    Struct(
        Const(b"\x47"),
        "header"
        / BitStruct(
            "error" / Flag,
            "start" / Flag * "whether a unit begins",
            "priority" / Flag,
            "pid" / BitsInteger(13),
            "scrambling" / BitsInteger(2),
            "adaptation" / BitsInteger(2),
            "continuity" / BitsInteger(4) * "counts the packets of a PID",
        ),
        Padding(TRANSPORT_BYTES - 4),
    ),
)
