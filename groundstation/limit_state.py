"""One measurement's limits, and the state they are in: within, pending, out.

What decides is the row of judged samples alone: valid rows whose value is a number. NaN says nothing about the
quantity, so it is as if the sample had not come; an infinite value is out of every limit, also of an open side. A
level is entered once ``persistence`` judged samples in a row, which also span ``persistence_s``, lie outside of its
band; it is left with the first sample back inside by ``hysteresis``. Of an array the worst element counts.

Samples are worked through by stretches of one zone (out, edge, in), so that a sensor stuck outside costs a few numpy
operations a batch, whatever its rate.
"""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from protocols.batch import Field
from protocols.measurement import Band

Values = NDArray[np.float64]
Times = NDArray[np.int64]

_LARGEST = sys.float_info.max
_FEW = 32
"""Up to this many samples are sorted into zones faster one by one than by numpy."""


class Level(IntEnum):
    """How far out a measurement is."""

    NOMINAL = 0
    YELLOW = 1
    RED = 2

    @property
    def word(self) -> str:
        """As the bus and the console spell it."""
        return self.name.lower()


class _Zone(IntEnum):
    """Where a sample lies, seen from one band."""

    IN = 0
    EDGE = 1
    """No more outside, but not back inside by the hysteresis."""
    OUT = 2


_ZONES = tuple(_Zone)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one measurement as they hold now: those of its declaration, or what the campaign file says."""

    yellow: Band | None = None
    red: Band | None = None
    persistence: int = 1
    """Samples in a row outside before it counts."""
    persistence_s: float = 0.0
    """Seconds that these samples must span as well."""
    hysteresis: float = 0.0
    """How far inside, in the unit, it must be again."""
    when: tuple[str, ...] = ()
    """The flight phases in which the limits hold; empty: always."""

    @classmethod
    def of(cls, field: Field) -> Limits:
        """The limits that the declaration gives."""
        return cls(field.yellow, field.red, field.persistence, field.persistence_s, field.hysteresis, field.when)

    @property
    def bands(self) -> dict[Level, Band]:
        """The bands there are; an open side stands at the largest number, so that infinity is out of it."""
        given = ((Level.YELLOW, self.yellow), (Level.RED, self.red))
        return {level: (max(float(band[0]), -_LARGEST), min(float(band[1]), _LARGEST)) for level, band in given if band}

    @property
    def inner(self) -> Band:
        """What lies inside this is inside every band."""
        bands = self.bands.values()
        return max((low for low, _ in bands), default=-_LARGEST), min((high for _, high in bands), default=_LARGEST)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A measurement went from one level to another."""

    measurement: str
    """Its full name, ``packet.path``."""
    level: Level
    previous: Level
    received_ns: int
    """The sample that decided it: that made the persistence full, or was back inside."""
    since_ns: int
    """The first sample outside, of those that led to this; of a return, the sample that decided it."""
    value: float
    """The value of the sample that decided it; of an array, its worst element."""
    worst: float
    """The value furthest out since the first sample outside."""
    beyond: float
    """How far worst lies outside of the nearest limit, in the unit."""
    limit: str
    """What is violated: ``red < 27.5``, ``yellow > 40``; empty where nothing is any more."""
    unit: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A measurement that is out of limits at this moment."""

    measurement: str
    level: Level
    value: float
    """The newest."""
    worst: float
    """The furthest out since the first sample outside."""
    beyond: float
    """How far that lies outside of the nearest limit, in the unit."""


class Detector:
    """Decides one level of one measurement."""

    __slots__ = ("_count", "_inside", "_outside", "_persistence", "_since_ns", "_span_ns", "active", "level")

    def __init__(self, level: Level, band: Band, limits: Limits) -> None:
        self.level, self.active = level, False
        self._outside = band
        self._inside = band[0] + limits.hysteresis, band[1] - limits.hysteresis
        self._persistence, self._span_ns = limits.persistence, round(limits.persistence_s * 1e9)
        self._count, self._since_ns = 0, 0

    @property
    def idle(self) -> bool:
        """Whether the level is not entered, and no sample counts towards it."""
        return not self.active and not self._count

    def reset(self) -> None:
        """As if no sample had come."""
        self.active, self._count = False, 0

    def changes(self, lows: Values, highs: Values, times: Times) -> Iterator[tuple[int, bool, int]]:
        """Where the level is entered or left: sample, whether entered, and the time of the first sample outside."""
        for zone, begin, end in self._stretches(lows, highs):
            if zone is not _Zone.OUT:
                self._count = 0
                if self.active and zone is _Zone.IN:
                    self.active = False
                    yield begin, False, int(times[begin])
            elif not self.active:
                at = self._full(begin, end, times)
                if at < end:
                    self.active, self._count = True, 0
                    yield at, True, self._since_ns

    def _full(self, begin: int, end: int, times: Times) -> int:
        """The sample of a stretch outside that makes the persistence full; end where none does.

        Seconds count from the earliest sample so far: a clock set back delays an alarm by them at most.
        """
        if not self._count:
            self._since_ns = int(times[begin])
        at = begin + max(self._persistence - 1 - self._count, 0)
        self._count += end - begin
        if self._span_ns:
            earliest = np.minimum(np.minimum.accumulate(times[begin:end]), self._since_ns)
            late = np.flatnonzero(times[at:end] - earliest[at - begin :] >= self._span_ns)
            at = at + int(late[0]) if len(late) else end
            self._since_ns = int(earliest[min(at, end - 1) - begin])
        return min(at, end)

    def _stretches(self, lows: Values, highs: Values) -> Iterator[tuple[_Zone, int, int]]:
        """Samples in a row in the same zone: zone, first, end."""
        (low, high), (low_in, high_in) = self._outside, self._inside
        if len(lows) <= _FEW:
            pairs = zip(lows.tolist(), highs.tolist(), strict=True)
            few = [
                _Zone.OUT if a < low or b > high else _Zone.IN if a >= low_in and b <= high_in else _Zone.EDGE
                for a, b in pairs
            ]
            begin = 0
            for zone, stretch in groupby(few):
                end = begin + len(list(stretch))
                yield zone, begin, end
                begin = end
            return
        zones = np.where((lows >= low_in) & (highs <= high_in), np.int8(_Zone.IN), np.int8(_Zone.EDGE))
        zones[(lows < low) | (highs > high)] = _Zone.OUT
        edges = [0, *(np.flatnonzero(zones[1:] != zones[:-1]) + 1).tolist(), len(zones)]
        for index, code in enumerate(zones[edges[:-1]].tolist()):
            yield _ZONES[code], edges[index], edges[index + 1]


class Watch:
    """One measurement under its limits."""

    def __init__(self, measurement: str, unit: str, limits: Limits) -> None:
        self.measurement, self.limits, self.level = measurement, limits, Level.NOMINAL
        self._unit = unit
        self._bands, self._inner = limits.bands, limits.inner
        self._detectors = [Detector(level, band, limits) for level, band in self._bands.items()]
        self._active: set[Level] = set()
        self._value, self._worst, self._excess = math.nan, math.nan, -math.inf

    def fork(self) -> Watch:
        """Another one in the same state, which goes on by itself."""
        other: Watch = copy.copy(self)
        other._detectors = [copy.copy(each) for each in self._detectors]
        other._active = set(self._active)
        return other

    @property
    def idle(self) -> bool:
        """Whether it is within limits and no sample counts towards anything else."""
        return all(each.idle for each in self._detectors)

    @property
    def standing(self) -> Standing:
        """Its level, its newest value and its worst."""
        return Standing(self.measurement, self.level, self._value, self._worst, self._excess)

    def rest(self, low: float, high: float, received_ns: int) -> Crossing | None:
        """Return to nominal, because the limits do not hold in this phase; with the sample that shows it."""
        for each in self._detectors:
            each.reset()
        self._active.clear()
        self._value = self._worse(low, high)
        return self._crossing(received_ns, received_ns, low, high)

    def take(self, lows: Values, highs: Values, times: Times) -> list[tuple[int, Crossing]]:
        """What judged samples change: sample and crossing. Least and greatest element of each, float64 (n,)."""
        with np.errstate(over="ignore"):
            excess = np.maximum(highs - self._inner[1], self._inner[0] - lows)
        found, noted = [], 0
        changes = [
            (at, detector.level, entered, outside_ns)
            for detector in self._detectors
            for at, entered, outside_ns in detector.changes(lows, highs, times)
        ]
        for at, group in groupby(sorted(changes), itemgetter(0)):
            noted = self._note(lows, highs, excess, noted, at + 1)
            since_ns = int(times[at])
            for _, level, entered, outside_ns in group:
                (self._active.add if entered else self._active.discard)(level)
                since_ns = min(since_ns, outside_ns)
            crossing = self._crossing(int(times[at]), since_ns, float(lows[at]), float(highs[at]))
            if crossing is not None:
                found.append((at, crossing))
        self._note(lows, highs, excess, noted, len(lows))
        return found

    def _crossing(self, received_ns: int, since_ns: int, low: float, high: float) -> Crossing | None:
        """The step to the level that is now active; None where there is none."""
        previous, self.level = self.level, max(self._active, default=Level.NOMINAL)
        if self.level == previous:
            return None
        beyond, limit = self._excess, ""
        if self.level is Level.NOMINAL:
            self._excess = -math.inf
        else:
            limit = self._limit(low, high)
        return Crossing(
            measurement=self.measurement,
            level=self.level,
            previous=previous,
            received_ns=received_ns,
            since_ns=since_ns,
            value=self._worse(low, high),
            worst=self._worst,
            beyond=beyond,
            limit=limit,
            unit=self._unit,
        )

    def _note(self, lows: Values, highs: Values, excess: Values, begin: int, end: int) -> int:
        """Keep the worst value of the samples from begin to end, back to the first outside; end."""
        if begin >= end:
            return end
        if self.level is Level.NOMINAL:
            inside = np.flatnonzero(excess[begin:end] <= 0)
            if len(inside):
                self._excess, begin = -math.inf, begin + int(inside[-1]) + 1
        if begin < end:
            at = begin + int(excess[begin:end].argmax())
            if excess[at] > self._excess:
                self._excess, self._worst = float(excess[at]), self._worse(float(lows[at]), float(highs[at]))
        self._value = self._worse(float(lows[end - 1]), float(highs[end - 1]))
        return end

    def _worse(self, low: float, high: float) -> float:
        """Which of a sample's least and greatest element is further out, or nearer to it."""
        return high if high - self._inner[1] >= self._inner[0] - low else low

    def _limit(self, low: float, high: float) -> str:
        """The limit of the present level that a sample violates, or that is nearest to it."""
        least, greatest = self._bands[self.level]
        sign, limit = (">", greatest) if high - greatest >= least - low else ("<", least)
        return f"{self.level.word}: infinite" if abs(limit) == _LARGEST else f"{self.level.word} {sign} {limit:.10g}"
