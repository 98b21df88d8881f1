"""Records with type and tick made of those of TeleMini 1 and MicroPeak 2, which are two bytes without either.

What a value is and when it was measured follows from how many came before it (altosui's ``AltosEepromRecordTiny`` and
``AltosEepromRecordMicroPeak2``).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from protocols.altos.boards import MADE_BYTES
from protocols.altos.log import LogFormat
from protocols.altos.state import FlightState, RecordType

Rows = NDArray[np.uint8]


class ShortRecords(Protocol):
    """Makes records of the two bytes of each row, in the order of the file."""

    def made(self, rows: Rows) -> Rows:
        """The records of rows, uint8 (n, 2), that are written, uint8 (m, 8)."""


def short_records(log_format: LogFormat) -> ShortRecords | None:
    """What makes records of those of a log format; None where it has whole ones."""
    match log_format:
        case LogFormat.TINY:
            return TinyRecords()
        case LogFormat.MICROPEAK2:
            return MicroPeakRecords()
    return None


def _record(types: NDArray[np.uint8], ticks: NDArray[np.int64], values: NDArray[np.int64]) -> Rows:
    """``type, 0, tick, value in 32 bits``."""
    rows = np.zeros(len(types), np.dtype([("type", "u1"), ("none", "u1"), ("tick", "<u2"), ("value", "<i4")]))
    rows["type"], rows["tick"], rows["value"] = types, ticks & 0xFFFF, values
    return rows.view(np.uint8).reshape(-1, MADE_BYTES)


class TinyRecords:
    """TeleMini 1: the flight's number, then pressures; a state has the highest bit. 10 a second, after apogee 1."""

    def __init__(self) -> None:
        self._first, self._tick, self._slow = True, 0, False

    def made(self, rows: Rows) -> Rows:
        """The records of rows; what was never written is none."""
        values = rows.view("<u2").reshape(-1).astype(np.int64)
        values = values[values != 0xFFFF]
        if not len(values):
            return _record(np.empty(0, np.uint8), values, values)
        states = (values & 0x8000) != 0
        if self._first:
            states[0] = False
        down = np.cumsum(states & ((values & 0x7FFF) >= FlightState.DROGUE)) > 0
        steps = np.where(states, 0, np.where(down | self._slow, 100, 10))
        types = np.where(states, RecordType.STATE, RecordType.SENSOR).astype(np.uint8)
        if self._first:
            steps[0], types[0], self._first = 0, RecordType.FLIGHT, False
        ticks = self._tick + np.cumsum(steps) - steps
        self._tick += int(steps.sum())
        self._slow = self._slow or bool(down[-1])
        return _record(types, ticks, np.where(states, values & 0x7FFF, values))


_PERIODS = {0: 0.192, 1: 19.2, 2: 0.1}
"""Seconds from one pressure to the next, by what the log says it is: MicroPeak, MicroKite, MicroPeak 2."""


class MicroPeakRecords:
    """MicroPeak 2: pressure on the pad, least pressure, how many follow; then the lower 16 bits of each pressure."""

    _HEAD_ROWS = 5

    def __init__(self) -> None:
        self._head: Rows | None = np.empty((0, 2), np.uint8)
        self._pressure, self._period, self._count, self._left = 0, 0.01, 0, 0

    def made(self, rows: Rows) -> Rows:
        """The records of rows; what comes after the last pressure is none."""
        begin = _record(np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.int64))
        if self._head is not None:
            rows = np.concatenate((self._head, rows))
            if len(rows) < self._HEAD_ROWS:
                self._head = rows
                return begin
            head, rows, self._head = rows[: self._HEAD_ROWS].reshape(-1), rows[self._HEAD_ROWS :], None
            self._pressure = int(head[:4].copy().view("<i4")[0])
            told = int(head[8:].copy().view("<u2")[0])
            self._period, self._left = _PERIODS.get(told >> 12, 0.01), told & 0xFFF
            ground = np.array((self._pressure,), np.int64)
            begin = _record(np.array((RecordType.FLIGHT,), np.uint8), np.zeros(1, np.int64), ground)
        lower = rows[: self._left].copy().view("<u2").reshape(-1).astype(np.int64)
        steps = np.diff(lower, prepend=self._pressure & 0xFFFF).astype(np.int16)  # whichever way round is nearer
        pressures = self._pressure + np.cumsum(steps, dtype=np.int64)
        ticks = np.rint((self._count + np.arange(len(lower))) * self._period * 100).astype(np.int64)
        if len(lower):
            self._pressure = int(pressures[-1])
        self._count, self._left = self._count + len(lower), self._left - len(lower)
        return np.concatenate((begin, _record(np.full(len(lower), RecordType.SENSOR, np.uint8), ticks, pressures)))
