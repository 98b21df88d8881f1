"""The records of MAVLink telemetry logs: found, followed from one to the next, and found again after damage.

See :mod:`replay.formats.tlog`. Many records are followed in arrays: a step of Python for each takes twice as long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from protocols.framing.tlog import LATEST_US, TIME, times_us
from protocols.mavlink.message_set import messages
from protocols.mavlink.wire import CHECK, HEADER, SIGNATURE, SIGNED, V1, V2, check_of
from replay.recording import Damage

CHUNK_US = 50_000
"""Time in a chunk: 20 chunks a second replay smoothly."""
_NEAR_US = 3 * 24 * 3600 * 1_000_000
"""How far the time may have gone, on or back, over a damaged stretch: three days, as other readers have it."""
BLOCK_BYTES = 1 << 19
_MANY = 4096
"""Bytes from which records are followed in arrays."""
_ROUNDS = 20
_BEGIN = re.compile(b"[\xfd\xfe]")


@dataclass(frozen=True, slots=True)
class Run:
    """Records that follow each other without anything between them."""

    data: bytes
    begins: NDArray[np.int64]
    """Where each begins in data, int64 (n,); one at least."""
    end: int
    """Where the last one ends."""
    times: NDArray[np.int64]
    """Of each, us, int64 (n,)."""

    def pieces(self, first_us: int) -> Iterator[tuple[bytes, int]]:
        """The records in pieces with the time of each piece's last, ns; the log's first time is a piece of its own."""
        steps = (self.times - first_us - 1) // CHUNK_US
        last = np.append(np.flatnonzero(steps[1:] != steps[:-1]), len(steps) - 1)
        edges = [int(self.begins[0]), *self.begins[last[:-1] + 1].tolist(), self.end]
        for (begin, end), time_us in zip(pairwise(edges), self.times[last].tolist(), strict=True):
            yield self.data[begin:end], 1000 * time_us


class RecordCutter:
    """Cuts a file into runs of records, in one pass with bounded memory."""

    def __init__(self, damage: Damage, *, lost: bool = False, block_bytes: int = 0) -> None:
        """Lost: it is not known that a record begins where the file stands. block_bytes: read together; 0: many."""
        self.damage = damage
        self._lost = lost
        self._block_bytes = block_bytes or BLOCK_BYTES
        self._data = b""
        self._at = 0  # in data; all before it is done with
        self._offset = 0  # of data in the file
        self._newest: int | None = None

    def runs(self, file: BinaryIO) -> Iterator[Run]:
        """All records of a file from where it stands."""
        more = True
        while more:
            block = file.read(self._block_bytes)
            more = bool(block)
            self._data, self._offset, self._at = self._data[self._at :] + block, self._offset + self._at, 0
            yield from self._records(last=not more)

    def _records(self, *, last: bool) -> Iterator[Run]:
        """The records that data holds; what may yet become one, or turn out to be none, stays."""
        while self._at < len(self._data):
            if self._lost and not self._find(last=last):
                return
            whole = self._at == 0 and len(self._data) >= _MANY  # and not what follows damage, which may be little
            begins, end, broken = (chain_of_many if whole else chain)(self._data, self._at)
            begins, times, end, broken = self._in_time(begins, end, broken=broken)
            if len(begins) and (not proved(self._data, int(begins[-1])) if broken else not last):
                begins, end = begins[:-1], int(begins[-1])  # no record follows it, or what does is not known yet
            if len(begins):
                yield Run(self._data, begins, end, times[: len(begins)])
                self._newest = int(times[len(begins) - 1])
            self._at = end
            if not broken and not last:
                return
            if end < len(self._data):
                self._lost = True
                self.damage.note(f"byte {self._offset + end:,}: no record begins here")

    def _in_time(
        self, begins: NDArray[np.int64], end: int, *, broken: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], int, bool]:
        """A chain of records with their times, up to one whose time is far from that before and that is not proved."""
        times = times_us(self._data, begins)
        before = times[:1] if self._newest is None else self._newest
        far = (np.abs(np.diff(times, prepend=before)) > _NEAR_US) | (times >= LATEST_US)
        for index in np.flatnonzero(far).tolist():
            if times[index] >= LATEST_US or not proved(self._data, int(begins[index])):
                return begins[:index], times, int(begins[index]), True
        return begins, times, end, broken

    def _find(self, *, last: bool) -> bool:
        """Whether a proved record is in data, which then begins there; all before it, and what can be none, goes."""
        data, size = self._data, len(self._data)
        for match in _BEGIN.finditer(data, self._at + TIME):
            at = match.start() - TIME
            length = _length(data, at)
            if (not length or at + length > size) and not last:
                self._discard_to(at)
                return False
            time = int.from_bytes(data[at : at + TIME], "big")
            near = self._newest is None or abs(time - self._newest) <= _NEAR_US
            if near and time < LATEST_US and proved(data, at):
                self._discard_to(at)
                self._lost = False
                return True
        self._discard_to(size if last else max(self._at, size - TIME))
        return False

    def _discard_to(self, at: int) -> None:
        self.damage.discarded += at - self._at
        self._at = at


Chain = tuple[NDArray[np.int64], int, bool]
"""Where records begin that follow each other, where the last ends, and whether no other can follow it there."""


def chain(data: bytes, at: int) -> Chain:
    """The records that follow each other from an offset on."""
    begins: list[int] = []
    add, size, place = begins.append, len(data), at + TIME
    broken = False
    while place + 2 < size:  # a frame's length can be told
        magic = data[place]
        if magic == V2:
            following = place + 20 + data[place + 1]  # 10 of header, 2 of check, 8 of the next time
            if data[place + 2] & SIGNED:
                following += SIGNATURE
        elif magic == V1:
            following = place + 16 + data[place + 1]
        else:
            broken = True
            break
        if following > size + TIME:
            break
        add(place - TIME)
        place = following
    return np.array(begins, np.int64), place - TIME, broken


def chain_of_many(data: bytes, at: int) -> Chain:
    """The same, in arrays: of all bytes that frames begin with, those that the first leads to.

    Those to which no other leads are left out until none is left: bytes within frames, mostly at once.
    """
    array = np.frombuffer(data, np.uint8)[at:]
    size = len(array)
    begins = np.flatnonzero(array[TIME : size - 2] - np.uint8(V2) < 2)  # wraps: all but the two are further off
    if not len(begins) or begins[0]:
        return chain(data, at)
    version_2 = array[begins + TIME] == V2
    ends = begins + array[begins + (TIME + 1)] + np.where(version_2, 20, 16)
    ends[version_2 & (array[begins + (TIME + 2)] & SIGNED > 0)] += SIGNATURE
    following = np.searchsorted(begins, ends)
    following[following == len(begins)] = 0
    leads = begins[following] == ends
    count, rounds = -1, 0
    while count != (count := int(np.count_nonzero(leads))):
        led_to = np.zeros(len(begins), np.bool_)
        led_to[following[leads]] = led_to[0] = True
        leads &= led_to
        rounds += 1
        if rounds > _ROUNDS:  # bytes that lead to each other all along: such data is no log
            return chain(data, at)
    led_to = np.zeros(len(begins), np.bool_)
    led_to[following[leads]] = led_to[0] = True
    whole = begins[led_to & (ends <= size)]
    end = int(ends[led_to & (ends <= size)][-1]) if len(whole) else 0
    return whole + at, end + at, end + TIME + 2 < size and int(array[end + TIME]) not in HEADER


def _length(data: bytes, at: int) -> int:
    """Bytes of the record at an offset; 0 where none begins there, or data ends too early to tell."""
    if at + TIME + 3 > len(data) or data[at + TIME] not in HEADER:
        return 0
    magic, payload, flags = data[at + TIME : at + TIME + 3]
    return TIME + HEADER[magic] + payload + CHECK + SIGNATURE * (magic == V2 and flags & SIGNED)


def proved(data: bytes, at: int) -> bool:
    """Whether a whole record lies at an offset, and the check of its frame is right."""
    length = _length(data, at)
    if not length or at + length > len(data):
        return False
    frame = data[at + TIME : at + length]
    number = frame[5] if frame[0] == V1 else int.from_bytes(frame[7:10], "little")
    end = length - TIME - CHECK - SIGNATURE * (frame[0] == V2 and frame[2] & SIGNED)
    message = messages().get(number)
    return message is not None and check_of(frame[1:end], message.crc_extra) == frame[end : end + CHECK]
