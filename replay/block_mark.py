"""Marks: one after each block of about 256 KiB or a second of a recording, to seek by and to prove the bytes by.

A mark is a record of an opcode MCAP leaves to applications, so other readers skip it. It tells where its block begins,
and so leads from the end of a cut file back to its start; a finished recording repeats all marks in one attachment.
"""

import zlib
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple, Self

import numpy as np

from replay.mcap_records import RECORD, Opcode

BLOCK_BYTES = 256 * 1024
"""A block ends with the record that fills it up to this: some milliseconds of reading when a seek lands in it."""
BLOCK_NS = 1_000_000_000
"""A block ends after this time too, so that a slow link's recording is proven up to a second before a cut."""

_LAYOUT = Struct("<QQqqqIIIII")
_FIELDS = [("offset", "<u8"), ("start", "<u8"), ("first_ns", "<i8"), ("last_ns", "<i8"), ("latest_ns", "<i8")]
_COUNTS = [(name, "<u4") for name in ("chunks", "events", "crc_before", "crc_after", "crc_own")]

MARK_BYTES = RECORD.size + _LAYOUT.size
"""Length of a mark's record."""
MARK_HEAD = RECORD.pack(Opcode.MARK, _LAYOUT.size)
"""What a mark's record begins with."""

Reader = Callable[[int, int], bytes]
"""``read(offset, size)``: bytes of the file, fewer where it ends."""


class Mark(NamedTuple):
    """What a mark says of the block before it. A block without chunks has zero times."""

    offset: int
    """Where the mark's own record stands, in bytes from the file's start."""
    start: int
    """Where its block begins: after the mark before."""
    first_ns: int
    last_ns: int
    """``received_ns`` of the block's first and last chunk, in the order written."""
    latest_ns: int
    """The greatest ``received_ns`` of its chunks."""
    chunks: int
    events: int
    crc_before: int
    """CRC-32 of the file's bytes up to start."""
    crc_after: int
    """CRC-32 of the file's bytes up to offset: ``crc32(block, crc_before)``."""

    @property
    def end(self) -> int:
        """The first byte after the mark's record."""
        return self.offset + MARK_BYTES

    def record(self) -> bytes:
        """The mark as a record."""
        return MARK_HEAD + self.content()

    def content(self) -> bytes:
        """The mark without its record's head, as the index holds it."""
        fields = _LAYOUT.pack(*self, 0)[:-4]
        return fields + zlib.crc32(fields).to_bytes(4, "little")

    @classmethod
    def parse(cls, data: bytes, offset: int) -> Self | None:
        """The mark whose record stands at offset, from its bytes; None when these are not a whole mark of that place.

        A copy of a mark elsewhere (a recording sent over a link, and recorded) knows another offset.
        """
        if len(data) < MARK_BYTES or not data.startswith(MARK_HEAD):
            return None
        *fields, own = _LAYOUT.unpack_from(data, RECORD.size)
        mark = cls(*fields)
        right = own == zlib.crc32(data[RECORD.size : MARK_BYTES - 4])
        return mark if right and mark.offset == offset and mark.start <= offset else None


def find_marks(read: Reader, start: int, end: int) -> list[Mark]:
    """The marks of a file between two offsets: from the last one back, each telling where the one before stands."""
    found: list[Mark] = []
    while end - start >= MARK_BYTES:
        mark = Mark.parse(read(end - MARK_BYTES, MARK_BYTES), end - MARK_BYTES) or _last_mark(read, start, end)
        if mark is None:
            break
        found.append(mark)
        end = mark.start
    return found[::-1]


def _last_mark(read: Reader, start: int, end: int) -> Mark | None:
    """The last mark that lies wholly between two offsets, by searching backwards."""
    while end - start >= MARK_BYTES:
        base = max(start, end - 2 * BLOCK_BYTES)
        data = read(base, end - base)
        at = data.rfind(MARK_HEAD)
        while at >= 0:
            if mark := Mark.parse(data[at : at + MARK_BYTES], base + at):
                return mark
            at = data.rfind(MARK_HEAD, 0, at + len(MARK_HEAD) - 1)
        if base == start:
            break
        end = base + MARK_BYTES - 1
    return None


class BlockIndex:
    """The marks of a recording, in order."""

    def __init__(self, contents: bytes) -> None:
        """From marks without their heads, one after the other."""
        self._marks = np.frombuffer(contents, dtype=np.dtype(_FIELDS + _COUNTS))
        latest = np.where(self._marks["chunks"] > 0, self._marks["latest_ns"], np.iinfo(np.int64).min)
        self._latest = np.maximum.accumulate(latest)

    @classmethod
    def stored(cls, contents: bytes, start: int, end: int) -> Self | None:
        """The index a finished recording carries; None when it is not one of marks between those offsets."""
        if not contents or len(contents) % _LAYOUT.size:
            return None
        index = cls(contents)
        offsets = index._marks["offset"].astype(np.int64)
        places = np.concatenate(([start], offsets, [end]))
        return index if bool((np.diff(places) > 0).all()) else None

    def offset_of(self, start_ns: int) -> int | None:
        """Where to begin reading for the first chunk at or after start_ns; None: at the file's first block."""
        after = int(np.searchsorted(self._latest, start_ns))
        return self._end(after - 1) if after else None

    def end(self) -> int | None:
        """Where the last marked block ends; None without any."""
        return self._end(len(self._marks) - 1) if len(self._marks) else None

    def last_ns(self) -> int | None:
        """``received_ns`` of the last chunk of the marked blocks; None when they have none."""
        filled = np.flatnonzero(self._marks["chunks"])
        return int(self._marks["last_ns"][filled[-1]]) if len(filled) else None

    def eventful(self) -> list[tuple[int, int]]:
        """Where events stand, as start and end: blocks that have some, and what lies between marks that do not meet."""
        starts, offsets = self._marks["start"].astype(np.int64), self._marks["offset"].astype(np.int64)
        begins = np.concatenate((starts[:1], offsets[:-1] + MARK_BYTES))
        wanted = (self._marks["events"] > 0) | (begins != starts)
        return [(int(begin), int(offset)) for begin, offset in zip(begins[wanted], offsets[wanted], strict=True)]

    def _end(self, number: int) -> int:
        return int(self._marks["offset"][number]) + MARK_BYTES
