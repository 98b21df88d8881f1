"""Analog, format 1 (11.2.5.2): samples of one or several subchannels, as rows of simultaneous samples with a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from construct import Array, Float32b, Int16sb, Int16ub, Int32sb, Int32ub, Int64sb, Int64ub, Struct
from numpy.typing import NDArray

from protocols.irig106.packet import Packet
from protocols.irig106.streams import Delivered
from protocols.irig106.tmats import Tmats
from protocols.packet import Packet as PacketType
from protocols.packet import Vehicle

_SIGNED = {"1": False, "2": True, "3": False, "4": False, "B": False, "U": False, "F": False}
r"""By analog format (R-x\AF-n-m): two's complement is given as such, others as the counts stored."""
_NUMBERS = {
    (2, True): Int16sb,
    (2, False): Int16ub,
    (4, True): Int32sb,
    (4, False): Int32ub,
    (8, True): Int64sb,
    (8, False): Int64ub,
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How samples stand in a packet."""

    words: int
    """Channel-specific data words."""
    subchannels: int
    bits: int
    mode: int
    """0 packed; 1 unpacked, padded in the low bits; 3 unpacked, padded in the high bits."""


class Analog:
    """How an analog channel is recorded, by its first packet, and what TMATS says of it."""

    def __init__(self, packet: Packet, tmats: Tmats) -> None:
        """Subchannels sampled at different rates or lengths are not taken apart: ``layout`` is then None."""
        self.layout = _layout(packet)
        channel = packet.header.channel
        form = tmats.of(channel, "AF", "1").upper()
        rate = tmats.of(channel, "ASR")
        self.rate = float(rate) if rate.isascii() and rate.isdigit() and len(rate) < 12 else 0.0
        """Samples a second of a subchannel; 0 where it is not stated, and all have their packet's time."""
        self.floating = form == "F" and self.layout is not None and self.layout.bits == 32
        self.signed = _SIGNED.get(form, True)
        self.names = [tmats.of(channel, "AMN", str(number + 1)) for number in range(self.columns)]

    @property
    def columns(self) -> int:
        """Subchannels."""
        return self.layout.subchannels if self.layout else 0

    @property
    def width(self) -> int:
        """Bytes of a sample as it is given."""
        bits = self.layout.bits if self.layout else 16
        return 2 if bits <= 16 else 4 if bits <= 32 else 8

    @property
    def frame_length(self) -> int:
        """Bytes of a row without its time."""
        return self.columns * self.width

    def __call__(self, packet: Packet) -> Delivered:
        """The rows of a packet as records, big-endian, each begun by its time; none where the layout is another."""
        layout = self.layout
        if layout is None or _layout(packet) != layout:
            return Delivered([], 0, 0)
        begin = packet.begin + 4 * layout.words
        data = packet.data[begin : packet.end]
        samples, used = _samples(data, layout, signed=self.signed)
        count = len(samples) // layout.subchannels
        record = np.dtype([("time", ">i8"), ("samples", f">i{self.width}", (layout.subchannels,))])
        made = np.zeros(count, record)
        made["samples"] = samples[: count * layout.subchannels].reshape(count, layout.subchannels)
        step = 1e9 / self.rate if self.rate else 0.0
        made["time"] = packet.time_ns + np.rint(np.arange(count) * step).astype(np.int64)
        last = int(made["time"][-1]) if count else packet.time_ns
        return Delivered([(0, made.tobytes(), last)] if count else [], used, 4 * layout.words + used)

    def vehicle(self, name: str) -> Vehicle:
        """A row: the samples taken together."""
        number = Float32b if self.floating else _NUMBERS[self.width, self.signed]
        doc = ", ".join(filter(None, self.names)) or "counts"
        field = "sample" / number * doc if self.columns == 1 else "samples" / Array(self.columns, number) * doc
        return Vehicle(name, "analog", (PacketType(name, Struct(field), rate=self.rate, doc="samples"),))


def _layout(packet: Packet) -> _Layout | None:
    """How samples stand, by the channel-specific data words; None where subchannels differ or there is no sense."""
    first = packet.word()
    subchannels, same = first >> 16 & 0xFF or 256, bool(first >> 28 & 1)
    count = 1 if same else subchannels
    words = [packet.word(4 * number) for number in range(count)]
    if 4 * count > packet.end - packet.begin or any((each ^ first) & 0x0F0000FF for each in words):
        return None
    bits, mode = first >> 2 & 63 or 64, first & 3
    return _Layout(count, subchannels, bits, mode) if mode != 2 else None


def _samples(data: bytes, layout: _Layout, *, signed: bool) -> tuple[NDArray[np.int64], int]:
    """All samples in order as int64, and the bytes they took up."""
    bits = layout.bits
    whole = bits if layout.mode == 0 else 16 * -(-bits // 16)  # bits that a sample takes up
    if whole in (16, 32, 64):
        width = whole // 8
        count = len(data) // width
        raw = np.frombuffer(data, f"<i{width}", count).astype(np.int64)
        used = count * width
    else:
        raw, used = _packed(data, whole)
    if layout.mode == 1:
        raw = raw >> (whole - bits) & _mask(bits)
    raw = raw & _mask(bits)
    if signed and bits < 64:
        sign = np.int64(1) << np.int64(bits - 1)
        raw = (raw ^ sign) - sign
    return raw, used


def _mask(bits: int) -> np.int64:
    return np.int64(-1 if bits == 64 else (1 << bits) - 1)


def _packed(data: bytes, bits: int) -> tuple[NDArray[np.int64], int]:
    """Samples of any bits one after the other in 16-bit words, the highest bit of each first."""
    words = np.frombuffer(data, "<u2", len(data) // 2).byteswap()
    count = 16 * len(words) // bits
    each = np.unpackbits(words.view(np.uint8), count=count * bits).reshape(count, bits)
    total = np.zeros(count, np.int64)
    for column in range(bits):
        total = total << 1 | each[:, column]
    return total, len(words) * 2
