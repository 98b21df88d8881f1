"""PCM, format 1 (11.2.2.2): minor frames, packed or with a container to each word, or the stream as it came.

Recorders store the stream's bits in 16- or 32-bit words, little-endian; turned round, the first bit received is the
highest of the first byte. In an unpacked frame each word stands in the low bits of a container of 16 or 32 bits, or of
as many as it needs.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from construct import Array, BitsInteger, BitStruct, Int16ub, Padding, Struct

from protocols.irig106.packet import Packet
from protocols.irig106.streams import Delivered, bytes_vehicle, swapped_words
from protocols.irig106.tmats import PcmFormat
from protocols.packet import Packet as PacketType
from protocols.packet import Vehicle

_MOST_NAMED = 1024
"""Words up to which each is a measurement of its own."""
_LONGEST_FOUND = 65_536
"""Bytes of a minor frame that is looked for by its stamps."""


class Pcm:
    """How a PCM channel is recorded, by its first packet and what TMATS says of its frames."""

    def __init__(self, packet: Packet, told: PcmFormat | None) -> None:
        """told: the minor frame; without it, or if it does not fit, the frame's length is found by its stamps."""
        word = packet.word()
        self.unpacked, self.throughput = bool(word >> 18 & 1), bool(word >> 20 & 1)
        self.container = 4 if word >> 21 & 1 else 2
        """Bytes of the words that the file holds."""
        self.stamped = bool(word >> 30 & 1) and not self.throughput
        self._head = (12 if self.container == 4 else 10) if self.stamped else 0
        self.told = told
        stated = _padded_bytes(told, self.container, unpacked=self.unpacked) if told else 0
        self.frame_bytes = 0 if self.throughput else stated if self._fits(packet, stated) else self._found(packet)
        """Of a minor frame as it is stored; 0 where there is none or it is not known."""
        if self.frame_bytes != stated:
            self.told = None

    def __call__(self, packet: Packet) -> Delivered:
        """The minor frames of a packet, each with its time; of throughput, the stream."""
        begin, end, size = packet.begin + 4, packet.end, self.frame_bytes
        turned = swapped_words(packet.data[begin:end], self.container)
        if not size:
            return Delivered([(0, turned, packet.time_ns)] if turned else [], len(turned), end - packet.begin)
        pieces, head = [], self._head
        for at in range(0, len(turned) - head - size + 1, head + size):
            time_ns = packet.stamp(begin + at) if head else packet.time_ns
            pieces.append((0, turned[at + head : at + head + size], time_ns))
        return Delivered(pieces, size * len(pieces), 4 + (head + size) * len(pieces))

    def vehicle(self, name: str) -> Vehicle:
        """The words of a minor frame, by TMATS where it tells them."""
        title = "PCM minor frames" if self.frame_bytes else "PCM stream"
        if not self.frame_bytes:
            return bytes_vehicle(name, title)
        told = self.told
        body = _words(told, self.container * 8 if self.unpacked else 0, self.frame_bytes) if told else None
        body = body or Struct("words" / Array(self.frame_bytes // 2, Int16ub))
        return Vehicle(name, title, (PacketType(name, body, doc="a minor frame"),), source="TMATS, P group")

    def _fits(self, packet: Packet, size: int) -> bool:
        """Whether whole minor frames of a size make up a packet."""
        return bool(size) and (packet.end - packet.begin - 4) % (self._head + size) == 0

    def _found(self, packet: Packet) -> int:
        """The length of frames by their stamps: the shortest after which stamps stand that go on; 0: none is."""
        if not self._head:
            return 0
        room, begin = packet.end - packet.begin - 4, packet.begin + 4
        first = packet.stamp(begin)
        for size in range(self.container, min(room - self._head, _LONGEST_FOUND) + 1, self.container):
            step = self._head + size
            if room % step == 0 and _going_on([first, *(packet.stamp(begin + at) for at in range(step, room, step))]):
                return size
        return 0


def _going_on(times: list[int]) -> bool:
    """Whether times rise, and by less than a second."""
    return all(0 < after - before < 1_000_000_000 for before, after in pairwise(times))


def _padded_bytes(told: PcmFormat, container: int, *, unpacked: bool) -> int:
    """Bytes of a minor frame as stored."""
    bits = 8 * container
    lengths = (len(told.sync), *told.word_bits) if unpacked else (told.bits,)
    return sum(-(-length // bits) for length in lengths) * container


def _words(told: PcmFormat, container: int, size: int) -> Any:
    """The declaration of a minor frame; container: bits of one, 0 where the words are packed."""
    lengths = told.word_bits
    fields: list[Any] = [*_filler(len(told.sync), container), "sync" / BitsInteger(len(told.sync))]
    if len(lengths) > _MOST_NAMED and len(set(lengths)) == 1:
        if container and lengths[0] % container:
            return None
        fields.append("words" / Array(len(lengths), BitsInteger(lengths[0])))
    else:
        for number, length in enumerate(lengths, 1):
            fields += _filler(length, container)
            fields += _word(told, number, length)
    used = sum((length + _pad(length, container)) for length in (len(told.sync), *lengths))
    return BitStruct(*fields, *([Padding(8 * size - used)] if 8 * size > used else []))


def _word(told: PcmFormat, number: int, length: int) -> list[Any]:
    """A word, or the parts of the word that has the subframe ID counter in it."""
    if number != told.counter_word:
        return [f"word_{number}" / BitsInteger(length)]
    after = length - told.counter_bit - told.counter_bits
    counter = "subframe" / BitsInteger(told.counter_bits) * f"counts the {told.minor_frames} minor frames"
    before = [f"word_{number}_above" / BitsInteger(told.counter_bit)] if told.counter_bit else []
    return [*before, counter, *([f"word_{number}_below" / BitsInteger(after)] if after else [])]


def _pad(length: int, container: int) -> int:
    return -length % container if container else 0


def _filler(length: int, container: int) -> list[Any]:
    return [Padding(_pad(length, container))] if _pad(length, container) else []
