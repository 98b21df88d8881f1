"""The conditions of a flight (protocols/flight.py) run over samples as they stream in.

A watcher sees the finite samples of one measurement since its phase began, in any number of pieces: the cutting makes
no difference. What it remembers is bounded: a few numbers, and of Steady at most 1,024 entries.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from protocols.flight import Above, Below, Condition, Equals, Falls, Rises, Steady

Values = NDArray[np.float64]
Times = NDArray[np.int64]

_ENTRIES = 1024
"""Steady keeps samples nearer to each other than this part of its seconds as one entry: bounded at any rate."""
_NEAR = 0.1
"""Part of the amount of Rises within which a sample still counts as the lowest (protocols/flight.py)."""


class Found(NamedTuple):
    """A condition that has come true."""

    at: int
    """The sample that decided it."""
    time_ns: int
    """The event's time, which lies at that sample or before it."""
    value: float
    """The value at that time."""


class Watcher(Protocol):
    """One condition at work."""

    def scan(self, values: Values, times: Times) -> Found | None:
        """Whether it comes true within these samples, float64 (n,) and int64 (n,) in ns; at which, the first time."""
        ...


def watcher(condition: Condition) -> Watcher:
    """A condition, beginning to watch."""
    match condition:
        case Above():
            return _Stays(1.0, condition.value, condition.seconds)
        case Below():
            return _Stays(-1.0, condition.value, condition.seconds)
        case Equals():
            return _Equals(condition.value)
        case Rises():
            return _Turns(-1.0, condition.amount)
        case Falls():
            return _Turns(1.0, condition.amount)
        case Steady():
            return _Steady(condition.within, condition.seconds)


class _Stays:
    """Above and Below: Below is Above of the negative."""

    def __init__(self, sign: float, value: float, seconds: float) -> None:
        self._sign, self._value, self._span_ns = sign, sign * value, round(seconds * 1e9)
        self._since: tuple[int, float] | None = None  # the first sample of the stretch that the last piece ended in

    def scan(self, values: Values, times: Times) -> Found | None:
        """As Watcher says."""
        over = self._sign * values > self._value
        if not len(over) or not over.any():
            self._since = None if len(over) else self._since
            return None
        if (times[1:] < times[:-1]).any() or (self._since is not None and times[0] < self._since[0]):
            return self._one_by_one(over, values, times)
        index = np.arange(len(over))
        starts = np.maximum.accumulate(np.where(over, -1, index)) + 1  # where the stretch of each sample begins
        begun = times[np.minimum(starts, len(over) - 1)]
        if self._since is not None:
            begun[starts == 0] = self._since[0]
        full = np.flatnonzero(over & (times - begun >= self._span_ns))
        at = int(full[0]) if len(full) else len(over) - 1
        start = int(starts[at])
        if not over[at]:
            self._since = None
        elif start or self._since is None:
            self._since = int(times[start]), float(values[start])
        return Found(at, *self._since) if len(full) and self._since else None

    def _one_by_one(self, over: NDArray[np.bool_], values: Values, times: Times) -> Found | None:
        """The same where the clock goes back: seconds count from the earliest time of the stretch so far."""
        rows = zip(over.tolist(), values.tolist(), times.tolist(), strict=True)
        for at, (inside, value, time_ns) in enumerate(rows):
            if not inside:
                self._since = None
                continue
            if self._since is None or time_ns < self._since[0]:
                self._since = time_ns, value
            if time_ns - self._since[0] >= self._span_ns:
                return Found(at, *self._since)
        return None


class _Equals:
    def __init__(self, value: float) -> None:
        self._value = value

    def scan(self, values: Values, times: Times) -> Found | None:
        """As Watcher says."""
        found = np.flatnonzero(values == self._value)
        return Found(int(found[0]), int(times[found[0]]), self._value) if len(found) else None


class _Turns:
    """Falls (sign 1) and Rises (sign -1): the values times sign have come down from their peak by amount."""

    def __init__(self, sign: float, amount: float) -> None:
        self._sign, self._amount = sign, amount
        self._near = 0.0 if sign > 0 else _NEAR * amount
        self._peak = -np.inf
        self._mark = (0, 0.0)

    def scan(self, values: Values, times: Times) -> Found | None:
        """As Watcher says."""
        if not len(values):
            return None
        signed = self._sign * values
        peaks = np.maximum.accumulate(np.concatenate(((self._peak,), signed)))
        down = np.flatnonzero(peaks[1:] - signed >= self._amount)
        end = int(down[0]) if len(down) else len(values)
        # Falls: the sample that made a new peak; Rises: any sample still near the lowest, the last one counts.
        marks = signed > peaks[:-1] if self._sign > 0 else signed >= peaks[1:] - self._near
        marked = np.flatnonzero(marks[:end])
        if len(marked):
            self._mark = int(times[marked[-1]]), float(values[marked[-1]])
        self._peak = float(peaks[-1])
        return Found(end, *self._mark) if len(down) else None


class _Steady:
    """A window over the newest samples, as long as they stay within the band; its first and its extremes are kept.

    Entries are numbered. The extremes wait in two queues, falling and rising, so that each sample costs the same.
    """

    def __init__(self, within: float, seconds: float) -> None:
        self._within, self._span_ns = within, round(seconds * 1e9)
        self._grain_ns = self._span_ns // _ENTRIES
        self._begins: deque[tuple[int, float]] = deque()
        self._newest = -1
        self._highs: deque[tuple[int, float]] = deque()
        self._lows: deque[tuple[int, float]] = deque()

    def scan(self, values: Values, times: Times) -> Found | None:
        """As Watcher says."""
        for at, (value, time_ns) in enumerate(zip(values.tolist(), times.tolist(), strict=True)):
            self._add(value, time_ns)
            if time_ns - self._begins[0][0] >= self._span_ns:
                return Found(at, *self._begins[0])
        return None

    def _add(self, value: float, time_ns: int) -> None:
        """Take a sample in, and leave behind all that does not lie within a band with it."""
        if self._begins and time_ns < self._begins[0][0]:  # the clock was set back: the seconds count from here
            self._begins = deque((time_ns, each) for _, each in self._begins)
        if not self._begins or time_ns - self._begins[-1][0] > self._grain_ns:
            self._newest += 1
            self._begins.append((time_ns, value))
        for extremes, sign in ((self._highs, 1.0), (self._lows, -1.0)):
            while extremes and sign * extremes[-1][1] <= sign * value:
                extremes.pop()
            if not extremes or extremes[-1][0] != self._newest:
                extremes.append((self._newest, value))
        while self._highs[0][1] - self._lows[0][1] > self._within:
            self._leave(min(self._highs[0][0], self._lows[0][0]))
            if not self._begins:  # the newest entry itself is too wide: it begins again with this sample
                self._newest += 1
                self._begins.append((time_ns, value))
                self._highs.append((self._newest, value))
                self._lows.append((self._newest, value))

    def _leave(self, entry: int) -> None:
        """Drop the entries up to this one."""
        while self._begins and self._newest - len(self._begins) < entry:
            self._begins.popleft()
        for extremes in (self._highs, self._lows):
            while extremes and extremes[0][0] <= entry:
                extremes.popleft()
