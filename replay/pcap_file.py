"""Classic capture files: a header, then packets one after another (draft-ietf-opsawg-pcap).

Both byte orders, microseconds and nanoseconds, and the longer record headers of the "modified" format. A record whose
header cannot be is damage; reading goes on at the next two headers in a row that can be, near the last time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO

from protocols.errors import RecordingTruncated
from replay.recording import Damage

Captured = tuple[int, int, bytes, int]
"""A packet: time in ns UTC, link type, its bytes, and how many of them the capture left out."""

LONGEST = 1 << 18
"""Bytes a packet may have: libpcap's MAXIMUM_SNAPLEN."""
MAGICS = {
    bytes.fromhex("a1b2c3d4"): (">", 1000, 16),
    bytes.fromhex("d4c3b2a1"): ("<", 1000, 16),
    bytes.fromhex("a1b23c4d"): (">", 1, 16),
    bytes.fromhex("4d3cb2a1"): ("<", 1, 16),
    bytes.fromhex("a1b2cd34"): (">", 1000, 24),
    bytes.fromhex("34cdb2a1"): ("<", 1000, 24),
}
"""Byte order, ns of a fraction's unit, and bytes of a record's header, by the file's first four bytes."""
FILE_HEADER = 24
_BLOCK_BYTES = 1 << 20
_SECOND_NS = 1_000_000_000
_DAY_S = 86_400
_FIRST_BYTE = re.compile(rb"(?=[\x00-\xff])")


class PcapFile:
    """The packets of a capture file, in one pass with bounded memory."""

    def __init__(self, file: BinaryIO, damage: Damage) -> None:
        """Read the file's header. Raises RecordingTruncated on a file that has none."""
        head = file.read(FILE_HEADER)
        if len(head) < FILE_HEADER or head[:4] not in MAGICS:
            raise RecordingTruncated(getattr(file, "name", ""), "has no whole header of a capture; copy it again")
        order, self._unit_ns, self._head = MAGICS[head[:4]]
        self.link_type: int = Struct(f"{order}I").unpack_from(head, 20)[0] & 0xFFFF  # above: length of the FCS
        self._fields = Struct(f"{order}IIII")
        self._order = order
        self._file, self._damage = file, damage
        self.taken = FILE_HEADER
        """Bytes of the file's header and of the whole records so far."""
        self._offset = FILE_HEADER  # in the file, of the block at hand
        self._seconds: int | None = None

    def packets(self) -> Iterator[Captured]:
        """All packets; what is no record is counted as damage. Never raises on any bytes."""
        data, at, unpack, head = b"", 0, self._fields.unpack_from, self._head
        unit, link_type = self._unit_ns, self.link_type
        while True:
            end = at + head
            if end <= len(data):
                seconds, fraction, captured, original = unpack(data, at)
                if captured > LONGEST or fraction * unit >= _SECOND_NS:
                    at, data = self._resume(data, at)
                    continue
                end += captured
                if end <= len(data):
                    self._seconds = seconds
                    self.taken += end - at
                    yield seconds * _SECOND_NS + fraction * unit, link_type, data[at + head : end], original - captured
                    at = end
                    continue
            block = self._file.read(_BLOCK_BYTES)
            if not block:
                if at < len(data):
                    where = f"byte {self._offset + at:,}: the file ends within a packet"
                    self._damage.note(where, len(data) - at)
                return
            data, at = self._joined(data, at, block), 0

    def _joined(self, data: bytes, at: int, block: bytes) -> bytes:
        self._offset += at
        return data[at:] + block

    def _resume(self, data: bytes, at: int) -> tuple[int, bytes]:
        """Where the next record begins, and the data it is counted in; all before it is discarded."""
        begun, skipped, search, more = self._offset + at, 1, self._search(), True
        at += 1
        while True:
            limit = len(data) - self._reach if more else len(data)
            for found in search.finditer(data, at):
                if found.start() >= limit:
                    break
                if self._likely(data, found.start()):
                    self._damage.note(f"byte {begun:,}: no packet begins here", skipped + found.start() - at)
                    return found.start(), data
            if not more:
                self._damage.note(f"byte {begun:,}: no packet begins here or behind it", skipped + len(data) - at)
                return len(data), data
            keep = max(at, limit)
            block = self._file.read(_BLOCK_BYTES)
            more = bool(block)
            skipped += keep - at
            data, at = self._joined(data, keep, block), 0

    @property
    def _reach(self) -> int:
        """Bytes to be seen of a record and of the next one's header to believe in it."""
        return 2 * self._head + LONGEST

    def _search(self) -> re.Pattern[bytes]:
        """What finds places where a record may begin: by the higher half of the seconds, 18 hours; else any."""
        if self._seconds is None:
            return _FIRST_BYTE
        near = [self._seconds + step for step in (-0x10000, 0, 0x10000) if 0 <= self._seconds + step < 1 << 32]
        halves = [(each >> 16).to_bytes(2, "big" if self._order == ">" else "little") for each in near]
        half = b"(?:" + b"|".join(map(re.escape, halves)) + b")"
        return re.compile(b"(?=" + (half if self._order == ">" else rb"[\x00-\xff]{2}" + half) + b")")

    def _likely(self, data: bytes, at: int) -> bool:
        """Whether a record begins here, and at its end another, or the data's."""
        seconds = self._seconds
        for _ in range(2):
            if at + self._head > len(data):
                return at == len(data)
            told, fraction, captured, original = self._fields.unpack_from(data, at)
            if captured > LONGEST or original < captured or fraction * self._unit_ns >= _SECOND_NS:
                return False
            if seconds is not None and abs(told - seconds) > _DAY_S:
                return False
            seconds, at = told, at + self._head + captured
        return True
