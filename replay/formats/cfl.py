"""CATS ``.cfl`` flight logs: the firmware's version as text ended by NUL, then records one after another.

A record is ``time in ms (u32), type and sensor (u32), payload by type`` (see :mod:`protocols.vehicles.cats`), with
neither checksum nor length, so what lies after an unknown type cannot simply be read on. The writer flushes whole
256-byte pages of flash: after the last record come up to 255 bytes of the page before, which were read already.

Reading goes on after damage only where it is proved that records begin there: eight in a row of known types, none older
than the newest record before the damage and none far ahead of it. What is left of the page before is older, so it never
passes. All bytes in between are discarded and counted. Damage inside a payload cannot be seen, and comes out as data.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from struct import Struct
from typing import BinaryIO, ClassVar

from protocols.chunk import Chunk
from protocols.vehicles.cats import VEHICLE
from replay.recording import Damage, RecordedLink, Recording, TimeBase
from replay.vehicle_clock import VehicleClock

LINK = "log"
_HEAD = Struct("<II")
_SIZES = {
    kind << 4 | sensor: _HEAD.size + packet.body.sizeof()
    for packet in VEHICLE.packets
    for sensor in range(16)
    for kind in (packet.key,)
    if isinstance(kind, int)
}
"""Bytes of a record, header included, by type and sensor: ``recorder.hpp``, REC_ID_MASK."""
_LARGEST = max(_SIZES.values())
_TYPE_WORD = re.compile(
    rb"(?=(?:[\x10-\x1f\x20-\x2f\x40-\x4f\x80-\x8f]\x00|[\x00-\x0f][\x01\x02\x04\x08\x10\x20])\x00\x00)"
)
"""The second word of any record's header."""
_VERSION = re.compile(rb"\d+\.\d+[\w.+-]*")
_LONGEST_VERSION = 64

_MILLISECOND_NS = 1_000_000
_GAP_NS = 500_000_000
"""Records come every few ms; steps over 0.5 s are mostly events, which are stamped with the end of a delay."""
_CHUNK_NS = 50_000_000
"""Vehicle time in a chunk: 20 chunks a second replay smoothly."""
_CHUNK_BYTES = 16_384
_BLOCK_BYTES = 1 << 20

_PROOF = 8
"""Records in a row that prove where records begin: by chance once in 1e60."""
_AHEAD_MS = 60_000
"""How far the time may have gone on over a damaged stretch, and from one record of the proof to the next."""


class FlightLog(Recording):
    """A ``.cfl`` flight log."""

    suffixes: ClassVar[tuple[str, ...]] = (".cfl",)
    title: ClassVar[str] = "CATS flight log"
    time_base = TimeBase.VEHICLE

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with path.open("rb") as file:
            self.firmware = _version(file.read(_LONGEST_VERSION))
        """The firmware's version; empty where the log does not begin with one."""
        self.overhead = len(self.firmware) + 1 if self.firmware else 0
        """Bytes of the version and its NUL: file size = bytes delivered + overhead + damage.discarded."""

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether a version comes first and then records, as many as head holds up to the number that proves them."""
        version = _version(head[:_LONGEST_VERSION])
        if not version:
            return False
        at, seen = len(version) + 1, 0
        while at + _HEAD.size <= len(head) and seen < _PROOF:
            size = _SIZES.get(_HEAD.unpack_from(head, at)[1])
            if size is None:
                return False
            at, seen = at + size, seen + 1
        return True

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return {LINK: RecordedLink("cats")}

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last chunk; reads the file."""
        first = last = None
        for chunk in FlightLog(self.path).chunks():
            first, last = chunk.received_ns if first is None else first, chunk.received_ns
        return first or 0, last or 0

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The records, about 50 ms of vehicle time in a chunk."""
        self.damage = Damage()
        with self.path.open("rb") as file:
            file.seek(self.overhead)
            if not self.overhead:
                self.damage.note("the log does not begin with the firmware's version; records are looked for")
            for chunk in _Cutter(self.damage, self.overhead).chunks(file, lost=not self.overhead):
                if start_ns is None or chunk.received_ns >= start_ns:
                    yield chunk


class _Cutter:
    """Cuts a log into chunks of whole records, in one pass with bounded memory."""

    def __init__(self, damage: Damage, offset: int) -> None:
        self.damage = damage
        self.clock = VehicleClock(_GAP_NS)
        self.data = b""
        self.offset = offset
        """Of data in the file."""

    def chunks(self, file: BinaryIO, *, lost: bool) -> Iterator[Chunk]:
        """All chunks of a file from where it stands; lost: it is not known that a record begins there."""
        while block := file.read(_BLOCK_BYTES):
            self.data += block
            lost = yield from self._read(lost)
        if self.data:
            why = "nothing after it is proved to be a record" if lost else "the last record is cut short"
            self.damage.note(f"byte {self.offset:,}: {why}", len(self.data))

    def _read(self, lost: bool) -> Generator[Chunk, None, bool]:
        """Chunks of the records that data holds; what may yet become one stays. Returns whether it is lost."""
        while True:
            if lost and not self._find():
                return True
            lost = yield from self._records()
            if not lost:
                return False
            word = self.data[4:8].hex(" ")
            self.damage.note(f"byte {self.offset:,}: {word} is no type of record")

    def _records(self) -> Generator[Chunk, None, bool]:
        """Chunks of the records at the beginning of data. Returns whether an unknown type ended them."""
        data, clock, unpack = self.data, self.clock, _HEAD.unpack_from
        begun = at = started = 0
        stamp, now, last, end = -1, clock.now_ns, len(data) - _HEAD.size, len(data)
        size: int | None = 0
        while at <= last:
            time, word = unpack(data, at)
            size = _SIZES.get(word)
            if size is None or at + size > end:
                break
            if time != stamp:
                before, stamp, now = now, time, clock.at(time * _MILLISECOND_NS)
                if at == begun:
                    started = now
                elif now - started >= _CHUNK_NS or at - begun >= _CHUNK_BYTES:
                    yield Chunk(LINK, data[begun:at], before)
                    begun, started = at, now
            at += size
        if at > begun:
            yield Chunk(LINK, data[begun:at], now)
        self._drop(at)
        return size is None

    def _find(self) -> bool:
        """Whether a proved beginning of records is in data; all before it is discarded, and what can be none."""
        newest = None if self.clock.stamp_ns is None else self.clock.stamp_ns // _MILLISECOND_NS
        for match in _TYPE_WORD.finditer(self.data, 4):
            at = match.start() - 4
            proved = _proved(self.data, at, newest)
            if proved is None:  # too near the end to tell; the next block will
                self._discard(at)
                return False
            if proved:
                self._discard(at)
                return True
        self._discard(max(0, len(self.data) - _HEAD.size + 1))
        return False

    def _discard(self, count: int) -> None:
        self.damage.discarded += count
        self._drop(count)

    def _drop(self, count: int) -> None:
        self.data = self.data[count:]
        self.offset += count


def _proved(data: bytes, at: int, newest: int | None) -> bool | None:
    """Whether records begin at an offset, the newest time before being known; None where data ends too early."""
    for _ in range(_PROOF):
        if at + _HEAD.size > len(data):
            return None
        time, word = _HEAD.unpack_from(data, at)
        if word not in _SIZES or (newest is not None and not newest <= time <= newest + _AHEAD_MS):
            return False
        newest = time if newest is None else newest
        at += _SIZES[word]
    return True


def _version(head: bytes) -> str:
    """The firmware's version at the beginning of a log; empty where there is none."""
    text, ended, _ = head.partition(b"\0")
    return text.decode() if ended and _VERSION.fullmatch(text) else ""


FORMAT = FlightLog
