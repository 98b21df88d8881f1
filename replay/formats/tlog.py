"""MAVLink ``.tlog`` recordings, as ground stations write them: a time and a frame, one after another.

A record is ``time in us (u64, big-endian), MAVLink frame`` (see :mod:`protocols.mavlink.wire`); the time is UTC, or
counts from when the writer was started. There is no checksum over a record and no marker before it. A record counts as
whole if another follows it, or its frame's check is right. After damage, reading goes on at the next record that is
proved: the check of its frame is right, and its time near the last. The bytes in between are discarded and counted.

Frames of one time make a chunk, so that each keeps its time to the microsecond.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, repeat
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.chunk import Chunk
from protocols.frames import rows_at
from protocols.mavlink.message_set import messages
from protocols.mavlink.wire import CHECK, HEADER, SIGNATURE, SIGNED, V1, V2, check_of
from replay.recording import HEAD_BYTES, Damage, RecordedLink, Recording, TimeBase

LINK = "telemetry"
_TIME = 8
_LATEST_US = 1 << 53
"""The year 2255: what is later is no time, and its nanoseconds stay within 63 bits."""
_MILLENNIUM_US = 946_684_800_000_000
"""2000-01-01 UTC: what is earlier counts from when the writer was started."""
_NEAR_US = 3 * 24 * 3600 * 1_000_000
"""How far the time may have gone, on or back, over a damaged stretch: three days, as other readers have it."""
_BLOCK_BYTES = 1 << 20
_BEGIN = re.compile(b"[\xfd\xfe]")


class TelemetryLog(Recording):
    """A ``.tlog`` recording."""

    suffixes: ClassVar[tuple[str, ...]] = (".tlog",)
    title: ClassVar[str] = "MAVLink telemetry log"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.overhead = 0
        """Bytes of times read so far: file size = bytes delivered + overhead + damage.discarded, when all is read."""
        with path.open("rb") as file:
            first = next(_Cutter(Damage(), block_bytes=HEAD_BYTES).runs(file), None)
        self._first_us = 0 if first is None else int(first.times[0])
        self.time_base = TimeBase.UTC if self._first_us >= _MILLENNIUM_US or first is None else TimeBase.VEHICLE

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether records follow each other from the first byte, until one is proved."""
        for at in _chain(head, 0)[0]:
            if int.from_bytes(head[at : at + _TIME], "big") >= _LATEST_US:
                return False
            if _proved(head, at):
                return True
        return False

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is; MAVProxy merges those it has."""
        return {LINK: RecordedLink("mavlink", "mavlink")}

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last record; reads the file's end, or all of it where that is damaged."""
        last_us = self._first_us
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            begin = max(0, size - _BLOCK_BYTES)
            for start in (begin, 0) if begin else (0,):
                file.seek(start)
                cutter = _Cutter(Damage(), lost=start > 0)
                for run in cutter.runs(file):
                    last_us = int(run.times[-1])
                if not cutter.damage.notes:
                    break
        return 1000 * self._first_us, 1000 * last_us

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The frames, those of one time together."""
        self.damage, self.overhead = Damage(), 0
        waiting = start_ns is not None
        with self.path.open("rb") as file:
            for run in _Cutter(self.damage).runs(file):
                self.overhead += _TIME * len(run.times)
                pieces, times = run.pieces()
                if waiting and start_ns is not None:
                    late = [index for index, time in enumerate(times) if time >= start_ns][:1]
                    if not late:
                        continue
                    pieces, times, waiting = pieces[late[0] :], times[late[0] :], False
                yield from map(Chunk, repeat(LINK), pieces, times)


@dataclass(frozen=True, slots=True)
class _Run:
    """Records that follow each other without anything between them."""

    data: bytes
    begins: NDArray[np.int64]
    """Where each begins in data, int64 (n,); one at least."""
    end: int
    """Where the last one ends."""
    times: NDArray[np.int64]
    """Of each, us, int64 (n,)."""

    def pieces(self) -> tuple[list[bytes], list[int]]:
        """The frames, those of one time in a row together, and their times in ns."""
        first = int(self.begins[0])
        places = self.begins - first
        inside = np.ones(self.end - first, np.bool_)
        np.lib.stride_tricks.sliding_window_view(inside, _TIME, writeable=True)[places] = False
        frames = np.frombuffer(self.data, np.uint8)[first : self.end][inside].tobytes()
        new = np.flatnonzero(np.diff(self.times, prepend=self.times[0] - 1))
        edges = [*(places - _TIME * np.arange(len(places)))[new].tolist(), len(frames)]
        return [frames[begin:end] for begin, end in pairwise(edges)], (self.times[new] * 1000).tolist()


class _Cutter:
    """Cuts a file into runs of records, in one pass with bounded memory."""

    def __init__(self, damage: Damage, *, lost: bool = False, block_bytes: int = 0) -> None:
        """Lost: it is not known that a record begins where the file stands. block_bytes: read together; 0: many."""
        self.damage = damage
        self._lost = lost
        self._block_bytes = block_bytes or _BLOCK_BYTES
        self._data = b""
        self._at = 0  # in data; all before it is done with
        self._offset = 0  # of data in the file
        self._newest: int | None = None

    def runs(self, file: BinaryIO) -> Iterator[_Run]:
        """All records of a file from where it stands."""
        more = True
        while more:
            block = file.read(self._block_bytes)
            more = bool(block)
            self._data, self._offset, self._at = self._data[self._at :] + block, self._offset + self._at, 0
            yield from self._records(last=not more)

    def _records(self, *, last: bool) -> Iterator[_Run]:
        """The records that data holds; what may yet become one, or turn out to be none, stays."""
        while self._at < len(self._data):
            if self._lost and not self._find(last=last):
                return
            begins, end, broken = _chain(self._data, self._at)
            begins, times, end, broken = self._in_time(begins, end, broken=broken)
            if begins and (not _proved(self._data, begins[-1]) if broken else not last):
                end = begins.pop()  # no record follows it, or what does is not known yet
            if begins:
                yield _Run(self._data, np.array(begins, np.int64), end, times[: len(begins)])
                self._newest = int(times[len(begins) - 1])
            self._at = end
            if not broken and not last:
                return
            if end < len(self._data):
                self._lost = True
                self.damage.note(f"byte {self._offset + end:,}: no record begins here")

    def _in_time(self, begins: list[int], end: int, *, broken: bool) -> tuple[list[int], NDArray[np.int64], int, bool]:
        """A chain of records with their times, up to one whose time is far from that before and that is not proved."""
        array = np.frombuffer(self._data, np.uint8)
        stamps = np.ascontiguousarray(rows_at(array, np.array(begins, np.int64), _TIME)).view(">u8").reshape(-1)
        times = np.minimum(stamps, _LATEST_US).astype(np.int64)
        before = times[:1] if self._newest is None else self._newest
        far = (np.abs(np.diff(times, prepend=before)) > _NEAR_US) | (times >= _LATEST_US)
        for index in np.flatnonzero(far).tolist():
            if times[index] >= _LATEST_US or not _proved(self._data, begins[index]):
                return begins[:index], times, begins[index], True
        return begins, times, end, broken

    def _find(self, *, last: bool) -> bool:
        """Whether a proved record is in data, which then begins there; all before it, and what can be none, goes."""
        data, size = self._data, len(self._data)
        for match in _BEGIN.finditer(data, self._at + _TIME):
            at = match.start() - _TIME
            length = _length(data, at)
            if (not length or at + length > size) and not last:
                self._discard_to(at)
                return False
            time = int.from_bytes(data[at : at + _TIME], "big")
            near = self._newest is None or abs(time - self._newest) <= _NEAR_US
            if near and time < _LATEST_US and _proved(data, at):
                self._discard_to(at)
                self._lost = False
                return True
        self._discard_to(size if last else max(self._at, size - _TIME))
        return False

    def _discard_to(self, at: int) -> None:
        self.damage.discarded += at - self._at
        self._at = at


def _chain(data: bytes, at: int) -> tuple[list[int], int, bool]:
    """Where records begin that follow each other, where the last ends, and whether no other can follow it there."""
    begins: list[int] = []
    add, size, place = begins.append, len(data), at + _TIME
    while place + 2 < size:  # a frame's length can be told
        magic = data[place]
        if magic == V2:
            following = place + 20 + data[place + 1]  # 10 of header, 2 of check, 8 of the next time
            if data[place + 2] & SIGNED:
                following += SIGNATURE
        elif magic == V1:
            following = place + 16 + data[place + 1]
        else:
            return begins, place - _TIME, True
        if following > size + _TIME:
            break
        add(place - _TIME)
        place = following
    return begins, place - _TIME, False


def _length(data: bytes, at: int) -> int:
    """Bytes of the record at an offset; 0 where none begins there, or data ends too early to tell."""
    if at + _TIME + 3 > len(data) or data[at + _TIME] not in HEADER:
        return 0
    magic, payload, flags = data[at + _TIME : at + _TIME + 3]
    return _TIME + HEADER[magic] + payload + CHECK + SIGNATURE * (magic == V2 and flags & SIGNED)


def _proved(data: bytes, at: int) -> bool:
    """Whether a whole record lies at an offset, and the check of its frame is right."""
    length = _length(data, at)
    if not length or at + length > len(data):
        return False
    frame = data[at + _TIME : at + length]
    number = frame[5] if frame[0] == V1 else int.from_bytes(frame[7:10], "little")
    end = length - _TIME - CHECK - SIGNATURE * (frame[0] == V2 and frame[2] & SIGNED)
    message = messages().get(number)
    return message is not None and check_of(frame[1:end], message.crc_extra) == frame[end : end + CHECK]


FORMAT = TelemetryLog
