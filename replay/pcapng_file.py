"""Next-generation capture files: sections of blocks, each with its length before and behind (draft-ietf-opsawg-pcapng).

Packets stand in enhanced, simple and obsolete packet blocks; other blocks are passed over by their length. A block
whose two lengths differ is damage; reading goes on at the next block of a kind that matters, its two lengths equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, unpack_from
from typing import BinaryIO, Literal

from replay.pcap_file import LONGEST, Captured
from replay.recording import Damage

SECTION = bytes.fromhex("0a0d0d0a")
"""Type of a section header block; it reads the same in both byte orders."""
MAGICS: dict[bytes, Literal["<", ">"]] = {bytes.fromhex("1a2b3c4d"): ">", bytes.fromhex("4d3c2b1a"): "<"}
INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6
_RESOLUTION, _OFFSET = 9, 14
"""Codes of the options if_tsresol and if_tsoffset."""
LONGEST_BLOCK = 1 << 24
"""Bytes a block may have: Wireshark takes as much."""
MOST_INTERFACES = 1 << 16
_BLOCK_BYTES = 1 << 20
_SECOND_NS = 1_000_000_000
_LATEST_NS = (1 << 63) - 1
_REACH = LONGEST + 4096
"""Bytes of a block that is believed in where another was damaged."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What packets of one interface have in common."""

    link_type: int
    longest: int
    """Bytes of a packet captured at most; 0: all."""
    units: int = 1_000_000
    """Of a time stamp in a second."""
    offset_s: int = 0
    """Added to its time stamps."""

    def time_ns(self, stamp: int, before: int) -> int:
        """The time of a stamp, ns UTC; the one before where it is none that 63 bits hold."""
        found = stamp * _SECOND_NS // self.units + self.offset_s * _SECOND_NS
        return found if 0 <= found <= _LATEST_NS else before


class PcapngFile:
    """The packets of a capture file, in one pass with bounded memory."""

    def __init__(self, file: BinaryIO, damage: Damage) -> None:
        self._file, self._damage = file, damage
        self.taken = 0
        """Bytes of the whole blocks so far."""
        self._offset = 0  # in the file, of the data at hand
        self._now_ns = 0
        self._enter("<")

    def _enter(self, order: str) -> None:
        """Begin a section of this byte order."""
        self._order = order
        self._pair, self._five = Struct(f"{order}II"), Struct(f"{order}IIIII")
        self._interfaces: list[Interface] = []

    def packets(self) -> Iterator[Captured]:
        """All packets; what is no block, or contradicts itself, is counted as damage. Never raises on any bytes."""
        data, at = b"", 0
        while True:
            size = self._size(data, at)
            end = at + size
            if size and end <= len(data):
                if data[end - 4 : end] == data[at + 4 : at + 8]:
                    self.taken += size
                    packet = self._packet(data, at, end)
                    if packet is not None:
                        yield packet
                    at = end
                else:
                    data, at = self._resume(data, at)
                continue
            if not size and len(data) - at >= 12:
                data, at = self._resume(data, at)
                continue
            block = self._file.read(_BLOCK_BYTES)
            if not block:
                if at < len(data):
                    self._damage.note(f"byte {self._offset + at:,}: the file ends within a block", len(data) - at)
                return
            data, at = self._joined(data, at, block), 0

    def _joined(self, data: bytes, at: int, block: bytes) -> bytes:
        self._offset += at
        return data[at:] + block

    def _size(self, data: bytes, at: int) -> int:
        """Bytes of the block that begins here; 0 where none does, or its length is not there yet."""
        if len(data) - at < 12:
            return 0
        kind, size = self._pair.unpack_from(data, at)
        least = 12
        if data.startswith(SECTION, at):
            order = MAGICS.get(data[at + 8 : at + 12])
            size, least = (unpack_from(f"{order}I", data, at + 4)[0], 28) if order else (0, 28)
        elif not kind:
            return 0  # a reserved type, and what stretches of zeros look like
        return size if least <= size <= LONGEST_BLOCK and not size % 4 else 0

    def _resume(self, data: bytes, at: int) -> tuple[bytes, int]:
        """The data and where in it the next block begins; all before it is discarded."""
        kinds = (INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)
        heads = b"|".join(re.escape(each) for each in (SECTION, *(Struct(f"{self._order}I").pack(k) for k in kinds)))
        search, begun, skipped, more = re.compile(b"(?=" + heads + b")"), self._offset + at, 1, True
        at += 1
        while True:
            limit = len(data) - _REACH if more else len(data)
            for found in search.finditer(data, at):
                if found.start() >= limit:
                    break
                size = self._size(data, found.start())
                end = found.start() + size
                if 0 < size <= _REACH and data[end - 4 : end] == data[found.start() + 4 : found.start() + 8]:
                    self._damage.note(f"byte {begun:,}: no block begins here", skipped + found.start() - at)
                    return data, found.start()
            if not more:
                self._damage.note(f"byte {begun:,}: no block begins here or behind it", skipped + len(data) - at)
                return data, len(data)
            keep = max(at, limit)
            block = self._file.read(_BLOCK_BYTES)
            more = bool(block)
            skipped += keep - at
            data, at = self._joined(data, keep, block), 0

    def _packet(self, data: bytes, at: int, end: int) -> Captured | None:
        """The packet in a whole block; None where it holds none."""
        kind, size = self._pair.unpack_from(data, at)
        begin, stamp = at + 28, -1
        if kind == ENHANCED_PACKET and size >= 32:
            number, high, low, captured, original = self._five.unpack_from(data, at + 8)
            stamp = high << 32 | low
        elif kind == OBSOLETE_PACKET and size >= 32:
            number, high, low, captured, original = self._five.unpack_from(data, at + 8)
            number, stamp = unpack_from(f"{self._order}H", data, at + 8)[0], high << 32 | low
        elif kind == SIMPLE_PACKET and size >= 16:
            number, begin, original = 0, at + 12, self._pair.unpack_from(data, at + 4)[1]
            longest = self._interfaces[0].longest if self._interfaces else 0
            captured = min(original, longest or original, size - 16)
        else:
            self._describe(kind, data, at, end)
            return None
        if captured > end - 4 - begin or captured > LONGEST or number >= len(self._interfaces):
            why = "its interface is not described" if number >= len(self._interfaces) else "it is longer than its block"
            self.taken -= size
            self._damage.note(f"byte {self._offset + at:,}: a packet cannot be read: {why}", size)
            return None
        interface = self._interfaces[number]
        if stamp >= 0:
            self._now_ns = interface.time_ns(stamp, self._now_ns)
        return self._now_ns, interface.link_type, data[begin : begin + captured], original - captured

    def _describe(self, kind: int, data: bytes, at: int, end: int) -> None:
        """What a block that holds no packet says of those that follow."""
        if data.startswith(SECTION, at):
            self._enter(MAGICS[data[at + 8 : at + 12]])
        elif kind == INTERFACE and end - at >= 20 and len(self._interfaces) < MOST_INTERFACES:
            self._interfaces.append(_interface(data[at + 8 : end - 4], self._order))


def _interface(body: bytes, order: str) -> Interface:
    """What the body of an interface description block says; options that cannot be are left out."""
    link_type, _, longest = unpack_from(f"{order}HHI", body)
    units, offset_s, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, size = unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == 0 or len(value) < size:
            break
        if code == _RESOLUTION and size == 1:
            units = 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == _OFFSET and size == 8:
            offset_s = unpack_from(f"{order}q", value)[0]
        at += 4 + size + -size % 4
    return Interface(link_type, longest, units, offset_s)
