"""AltOS ``.eeprom`` files: flight logs of Altus Metrum's computers, as altosui downloads them.

A header, then the log's memory in hexadecimal: JSON and 32 bytes a line since AltOS 1.8, before that the answers to
console commands and a record a line. The header has the calibration of the sensors and the first record what they read
on the pad, so each log declares its own packets (:mod:`protocols.altos.boards`).

Records are stamped in ticks of 10 ms, 16 bits of them, and those of several tasks are not in order; what was before
boost stands behind the record of the flight. They are given in the order of their ticks, as altosui shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.altos.boards import MADE_BYTES, record_bytes, vehicle_of
from protocols.altos.log import Calibration, LogFormat
from protocols.chunk import Chunk
from protocols.errors import NotARecording
from protocols.packet import Vehicle
from replay.altos_header import LONGEST, calibration, new_header, old_header
from replay.altos_pad import on_the_pad
from replay.altos_records import RecordText
from replay.altos_short_records import short_records
from replay.recording import Damage, RecordedLink, Recording, TimeBase
from replay.tick_clock import TickClock
from replay.time_order import TimeOrder

LINK = "log"
_BLOCK_BYTES = 1 << 20
_WINDOW = 4096
"""Records that may be out of order; GNSS stamps are a second late, what was before boost comes 0.3 s late."""
_TICK_NS = 10_000_000
_FIRST_RECORD = b"F "
"""What the first record's line begins with where the header is not JSON."""


class EepromLog(Recording):
    """An ``.eeprom`` file."""

    suffixes: ClassVar[tuple[str, ...]] = (".eeprom",)
    title: ClassVar[str] = "AltOS flight log"
    time_base = TimeBase.VEHICLE

    def __init__(self, path: Path) -> None:
        """Read header and first records. Raises NotARecording where its log format is none that is known."""
        super().__init__(path)
        self.overhead = self.added = 0
        """Characters that are no digits of a record delivered, and bytes put to records of two bytes, so that file
        size = 2 x (bytes delivered - added) + overhead + damage.discarded."""
        with path.open("rb") as file:
            head = file.read(LONGEST)
        self._told, self._begin, self._old = _header(path, head)
        self._first_line = 1 + head[: self._begin].count(b"\n")
        told = calibration(self._told)
        if told is None:
            problem = f"its log format {self._told.get('log_format')} is not known here; convert it with altosui to CSV"
            raise NotARecording(path, problem)
        self.log_format = LogFormat(told.log_format)
        self.calibration: Calibration = told
        rows = next(self._blocks(Damage()), np.empty((0, self._row_bytes), np.uint8))
        self.calibration = on_the_pad(told, rows)
        self._vehicle: Vehicle = vehicle_of(self.calibration)

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether a header of AltOS comes first."""
        begin = head.lstrip()[:1]
        if begin == b"{":
            return b'"log_format"' in head and b'"config_major"' in head
        return b"\nConfig version" in b"\n" + head and (b"\nmanufacturer" in b"\n" + head or b"\nF 0" in head)

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        framing = {"kind": "fixed", "frame_length": self._row_bytes}
        return {LINK: RecordedLink(self._vehicle.name, framing, declared=self._vehicle)}

    @property
    def header(self) -> Mapping[str, Any]:
        """What the header tells, by the names of its JSON."""
        return self._told

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last chunk; reads the file."""
        first = last = None
        for chunk in EepromLog(self.path).chunks():
            first, last = chunk.received_ns if first is None else first, chunk.received_ns
        return first or 0, last or 0

    @property
    def _row_bytes(self) -> int:
        return max(MADE_BYTES, record_bytes(self.log_format))

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The records, those of one tick in a chunk."""
        self.damage = Damage()
        self.overhead, self.added = self._begin, 0
        clock, order = TickClock(), TimeOrder(_WINDOW)
        for rows in self._blocks(self.damage):
            ticks = rows[:, 2].astype(np.int64) | rows[:, 3].astype(np.int64) << 8
            yield from _by_tick(*order.put(clock.at(ticks) * _TICK_NS, rows), start_ns)
        yield from _by_tick(*order.finish(), start_ns)

    def _blocks(self, damage: Damage) -> Iterator[NDArray[np.uint8]]:
        """The records in the order of the file, uint8 (n, size), a block at a time."""
        size, short = record_bytes(self.log_format), short_records(self.log_format)
        text = RecordText(size, self._old, damage, self._first_line)
        for block in _whole_lines(self.path, self._begin):
            before = text.overhead
            rows = text.rows(block)
            if short is not None:
                given = short.made(rows)
                self.added += (MADE_BYTES - size) * len(given)
                text.overhead += 2 * size * (len(rows) - len(given))
                rows = given
            self.overhead += text.overhead - before
            if len(rows):
                yield rows


def _header(path: Path, head: bytes) -> tuple[Mapping[str, Any], int, bool]:
    """What a file's header tells, the bytes it takes, and whether it is of the older kind. Raises NotARecording."""
    text = head.decode("latin-1")  # a character a byte
    begin = len(text) - len(text.lstrip())
    if text[begin : begin + 1] == "{":
        found = new_header(text[begin:])
        if found is None:
            raise NotARecording(path, "has a header that is no whole JSON; download the flight again with altosui")
        ended = head.find(b"\n", begin + found[1])
        return found[0], ended + 1 if ended >= 0 else len(head), False
    first = 0 if head.startswith(_FIRST_RECORD) else head.find(b"\n" + _FIRST_RECORD) + 1
    end = first if first or head.startswith(_FIRST_RECORD) else len(head)
    return old_header(text[:end]), end, True


def _whole_lines(path: Path, begin: int) -> Iterator[bytes]:
    """The text from a place on in pieces of whole lines; a line longer than a block is cut."""
    with path.open("rb") as file:
        file.seek(begin)
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            text = rest + block
            end = text.rfind(b"\n") + 1 or (len(text) if len(text) >= _BLOCK_BYTES else 0)
            rest = text[end:]
            if end:
                yield text[:end]
        if rest:
            yield rest


def _by_tick(times: NDArray[np.int64], rows: NDArray[np.uint8], start_ns: int | None) -> Iterator[Chunk]:
    """A chunk for each time, of the rows that have it."""
    if start_ns is not None:
        late = int(np.searchsorted(times, start_ns))
        times, rows = times[late:], rows[late:]
    if not len(times):
        return
    size, data = rows.shape[1], np.ascontiguousarray(rows).tobytes()
    begins = np.flatnonzero(np.diff(times, prepend=times[0] - 1))
    edges = [*(begins * size).tolist(), len(data)]
    for begin, end, time in zip(edges, edges[1:], times[begins].tolist(), strict=False):
        yield Chunk(LINK, data[begin:end], time)


FORMAT = EepromLog
