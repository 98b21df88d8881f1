"""What is known now of the measurements of one packet type, kept by columns so that a message costs the same for five
values or for fifty.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundstation.console.declared import Measurement, Packet
from groundstation.console.history import Floats, History, Times

FROZEN_SAMPLES = 50
"""A value is called frozen after this many equal samples at least,"""
FROZEN_NS = 5_000_000_000
"""and this long,"""
FROZEN_TIMES = 5
"""and this many times its longest earlier run of equal samples,"""
ALIVE_CHANGES = 10
"""if it has changed this often before. All four are display practice, not a standard: a discrete that never moves is
no news.
"""

Counts = NDArray[np.int64]


class PacketState:
    """The newest values of one packet type, their extremes, their history, and what the bus lost of it."""

    def __init__(self, declared: Packet) -> None:
        self.declared = declared
        self.session = ""
        self.received_ns = 0
        """When the newest packet was received, in data time; 0 before the first."""
        self.valid = True
        """Whether the newest packet was valid."""
        self.seq = 0
        self.missed = 0
        """Messages the bus lost on the way to this screen."""
        self.repeats = 0
        self.count = 0
        """Packets seen by this screen."""
        self.thinned = 1
        """Packets that each one seen stands for: more than 1 where the bus could not carry all of them."""
        self.link = ""
        self.others: dict[str, Any] = {}
        """Newest values that are no single number: texts, bytes, arrays, by path."""
        self.rows: dict[str, int] = {}
        """The row of each numeric measurement in the arrays below."""
        self._paths: frozenset[str] = frozenset()
        self._shapeless: list[str] = []
        self._arrays: list[str] = []
        self._texts: list[str] = []
        self._reset(0)

    def _reset(self, rows: int) -> None:
        self.history = History(rows)
        self.newest: Floats = np.full(rows, np.nan)
        self.low: Floats = np.full(rows, np.nan)
        self.high: Floats = np.full(rows, np.nan)
        self._run: Counts = np.zeros(rows, np.int64)
        self._longest: Counts = np.zeros(rows, np.int64)
        self._changes: Counts = np.zeros(rows, np.int64)
        self._changed_ns: Counts = np.zeros(rows, np.int64)

    def take(self, message: Mapping[str, Any]) -> bool:
        """Take a telemetry message; False for a repeat. Raises KeyError, TypeError or ValueError for one that is not
        as documented.
        """
        seq, session = int(message["seq"]), str(message["session"])
        if session == self.session and seq <= self.seq:
            self.repeats += 1
            return False
        times = np.array(message["received_ns"], np.int64).reshape(-1)
        values = message["values"]
        if not isinstance(values, dict):
            raise TypeError("values are columns by path")
        if not self._paths or values.keys() != self._paths:
            self._learn(values)
        if len(times):
            self._append(times, self._block(values, len(times)))
            self.valid = bool(message["valid"][-1])
            self.received_ns = int(times[-1])
            self.others.update((path, values[path][-1]) for path in (*self._arrays, *self._texts))
        if session == self.session:
            self.missed += seq - self.seq - 1
        self.seq, self.session = seq, session
        self.count += len(times)
        self.link = str(message.get("link", ""))
        self.thinned = max(1, int(message.get("thinned", 1)))
        return True

    def _learn(self, values: Mapping[str, Any]) -> None:
        """Sort the measurements into single numbers, arrays of numbers and others, by what the first message of them
        holds.
        """
        self._shapeless = [path for path, column in values.items() if not _holds(column, str, list)]
        self._arrays = [path for path, column in values.items() if _holds(column, list)]
        self._texts = [path for path, column in values.items() if _holds(column, str)]
        self._paths = frozenset(values)
        self.rows = {path: row for row, path in enumerate((*self._shapeless, *self._arrays))}
        self._reset(len(self.rows))

    def _block(self, values: Mapping[str, Any], count: int) -> Floats:
        """The numbers of a message, float64 (rows, count); of an array the last element, which is the newest where it
        is a burst.
        """
        numbers = np.array([values[path] for path in self._shapeless], np.float64).reshape(-1, count)
        if not self._arrays:
            return numbers
        lasts = [np.array(values[path], np.float64).reshape(count, -1)[:, -1] for path in self._arrays]
        return np.concatenate((numbers, np.array(lasts).reshape(-1, count)))

    def _append(self, times: Times, block: Floats) -> None:
        moved_back = times[0] < self.received_ns
        self.history.append(times, block)
        if moved_back:
            self.low, self.high = self.history.extremes()
            self._run[:] = self._longest[:] = self._changes[:] = 0
        else:
            self.low = np.fmin(self.low, np.fmin.reduce(block, axis=1))
            self.high = np.fmax(self.high, np.fmax.reduce(block, axis=1))
        self._follow_runs(times, block)
        self.newest = block[:, -1]

    def _follow_runs(self, times: Times, block: Floats) -> None:
        """Keep count of how long each value has stood still, now and at the longest before."""
        before = np.concatenate((self.newest[:, None], block[:, :-1]), axis=1)
        differs = (block != before) & ~(np.isnan(block) & np.isnan(before))
        count = len(times)
        changed = differs.any(axis=1)
        ended = np.where(self._is_frozen(int(times[0])), 0, self._run + differs.argmax(axis=1))
        longest = np.maximum(ended, _longest_between(differs)) if count > 2 else ended
        self._longest = np.where(changed, np.maximum(self._longest, longest), self._longest)
        last = count - 1 - differs[:, ::-1].argmax(axis=1)
        self._run = np.where(changed, count - last, self._run + count)
        self._changed_ns = np.where(changed, times[last], self._changed_ns)
        self._changes += differs.sum(axis=1)

    def _is_frozen(self, now_ns: int) -> NDArray[np.bool_]:
        still = (self._run >= FROZEN_SAMPLES) & (now_ns - self._changed_ns >= FROZEN_NS)
        return still & (self._changes >= ALIVE_CHANGES) & (self._run >= FROZEN_TIMES * self._longest)

    def is_frozen(self, path: str) -> bool:
        """Whether a physical value that used to move has stood still, to the last bit, for unusually long."""
        row, declared = self.rows.get(path), self.measurement(path)
        if row is None or declared.labels or declared.is_flag or not declared.unit:
            return False
        return bool(self._is_frozen(self.received_ns)[row])

    def measurement(self, path: str) -> Measurement:
        """A measurement's declaration; an empty one where the definition has none."""
        return self.declared.measurements.get(path) or Measurement(self.declared.name, path)

    @property
    def interval_ns(self) -> float:
        """Nanoseconds expected between packets: as declared, else as seen lately; 0 where neither is known."""
        rate = self.declared.rate if self.declared.rate > 0 else self.seen_rate
        return 1e9 * self.thinned / rate if rate else 0.0

    @property
    def seen_rate(self) -> float:
        """Packets a second of data time over the last fifty; 0 while that cannot be said."""
        times = self.history.times_ns[-50:]
        span = float(times[-1] - times[0]) if len(times) >= 3 else 0.0
        return (len(times) - 1) * 1e9 / span if span else 0.0


def _longest_between(differs: NDArray[np.bool_]) -> Counts:
    """The most samples between two changes in each row, int64 (rows,)."""
    at = np.arange(differs.shape[1])
    newest = np.maximum.accumulate(np.where(differs, at, -1), axis=1)[:, :-1]
    spans = np.where(differs[:, 1:] & (newest >= 0), at[1:] - newest, 0)
    return np.asarray(spans.max(axis=1), np.int64)


def _holds(column: object, *kinds: type) -> bool:
    return isinstance(column, list) and any(isinstance(each, kinds) for each in column)
