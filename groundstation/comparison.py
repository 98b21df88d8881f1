"""One recording under two sets of limits: what would have alarmed under one and not under the other.

Where vehicle and framings are the same, it is decoded once and judged twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from groundstation.limits import Crossing, Level, Limits, Standing
from groundstation.pipeline import Pipeline, blocks
from groundstation.reading import Reading
from replay.recording import Recording

MOST = 100_000
"""Alarms kept of each side; more are counted."""


@dataclass(slots=True)
class Episode:
    """One measurement out of limits, from the first sample outside to its return."""

    measurement: str
    number: int
    """In the order of coming; 1 is the first out."""
    since_ns: int
    """The first sample outside."""
    raised_ns: int
    """The sample that made it an alarm."""
    level: Level
    """The highest."""
    limit: str
    """What is violated at that level."""
    worst: float
    unit: str
    end_ns: int | None = None
    """The sample that was back inside; None: it lasts to the end."""
    red_ns: int | None = None
    """The first sample of those that made it red; None: it never was."""
    was_red_ns: int = 0
    """How long it was red, to the last time it eased."""
    red_since_ns: int | None = None
    """Since when it is red; None where it is not, or is over."""

    def red_for(self, last_ns: int) -> int:
        """How long it was red, in ns."""
        return self.was_red_ns + (last_ns - self.red_since_ns if self.red_since_ns is not None else 0)

    def until(self, last_ns: int) -> int:
        """Its end, or the recording's."""
        return last_ns if self.end_ns is None else self.end_ns


class AlarmHistory:
    """All alarms of a recording, one after the other."""

    def __init__(self) -> None:
        self.episodes: list[Episode] = []
        self.count = 0
        """How many there were, of which MOST are kept."""
        self._open: dict[str, Episode] = {}

    def add(self, crossings: Iterable[Crossing]) -> None:
        """Take in crossings in their order."""
        for crossing in crossings:
            episode = self._open.get(crossing.measurement)
            if episode is None:
                if crossing.level is not Level.NOMINAL:
                    self._begin(crossing)
                continue
            episode.worst = crossing.worst
            self._redden(episode, crossing)
            if crossing.level > episode.level:
                episode.level, episode.limit = crossing.level, crossing.limit
            if crossing.level is Level.NOMINAL:
                episode.end_ns = crossing.received_ns
                del self._open[crossing.measurement]

    def end(self, standing: Iterable[Standing]) -> None:
        """The recording ends with these out of limits."""
        for each in standing:
            if each.measurement in self._open:
                self._open[each.measurement].worst = each.worst

    @staticmethod
    def _redden(episode: Episode, crossing: Crossing) -> None:
        """Keep account of how long it is red."""
        if crossing.level is Level.RED:
            episode.red_since_ns = crossing.since_ns
            episode.red_ns = crossing.since_ns if episode.red_ns is None else episode.red_ns
        elif episode.red_since_ns is not None:
            episode.was_red_ns += crossing.received_ns - episode.red_since_ns
            episode.red_since_ns = None

    def _begin(self, crossing: Crossing) -> None:
        self.count += 1
        times, limit = (crossing.since_ns, crossing.received_ns), crossing.limit
        made = Episode(crossing.measurement, self.count, *times, crossing.level, limit, crossing.worst, crossing.unit)
        self._redden(made, crossing)
        self._open[crossing.measurement] = made
        if len(self.episodes) < MOST:
            self.episodes.append(made)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two."""

    name: str
    """The campaign file, or ``as recorded``."""
    pipeline: Pipeline
    history: AlarmHistory


@dataclass(frozen=True, slots=True)
class Pair:
    """The same alarm under both, with another level, beginning, end or extreme value."""

    a: Episode
    b: Episode


class Comparison:
    """A recording judged by two readings of it. Made, then ``run`` once."""

    def __init__(self, a: tuple[str, Reading], b: tuple[str, Reading]) -> None:
        """Each with its name; both of one file. Raises DeclarationError."""
        self.recording: Recording = a[1].recording
        self.a, self.b = (Side(name, reading.pipeline(), AlarmHistory()) for name, reading in (a, b))
        self.decoded_once = _alike(a[1], b[1])
        """Whether they differ in nothing but limits."""
        self.last_ns = 0
        """When the last chunk came."""

    def run(self, progress: Callable[[int], None]) -> None:
        """Read all of it; progress is told the time of the data."""
        for group in blocks(self.recording.chunks()):
            made = self.a.pipeline.receive(*group)
            self.a.history.add(made.crossings)
            other = self.b.pipeline
            result = other.judge(group, made.batches) if self.decoded_once else other.receive(*group)
            self.b.history.add(result.crossings)
            self.last_ns = max(self.last_ns, group[-1].received_ns)
            progress(group[-1].received_ns)
        for name in self.a.pipeline.links:
            made = self.a.pipeline.finish(name)
            self.a.history.add(made.crossings)
            other = self.b.pipeline
            result = other.judge((), made.batches, finished=name) if self.decoded_once else other.finish(name)
            self.b.history.add(result.crossings)
        for side in (self.a, self.b):
            side.history.end(side.pipeline.limit_monitor.standing)

    @property
    def only_a(self) -> list[Episode]:
        """What alarms under A while nothing does under B."""
        return [each for each, other in self._met(self.a, self.b) if other is None]

    @property
    def only_b(self) -> list[Episode]:
        """What alarms under B while nothing does under A."""
        return [each for each, other in self._met(self.b, self.a) if other is None]

    @property
    def otherwise(self) -> list[Pair]:
        """What alarms under both, but not alike."""
        return [Pair(a, b) for a, b in self._met(self.a, self.b) if b is not None and _shown(a) != _shown(b)]

    @property
    def same(self) -> int:
        """How many alarms are the same under both."""
        return sum(b is not None and _shown(a) == _shown(b) for a, b in self._met(self.a, self.b))

    def limits(self) -> dict[str, tuple[Limits | None, Limits | None]]:
        """The limits that are not the same, by measurement: A's and B's, None where there are none."""
        a, b = self.a.pipeline.limits, self.b.pipeline.limits
        return {name: (a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name)}

    def _met(self, side: Side, other: Side) -> Iterator[tuple[Episode, Episode | None]]:
        """Each alarm of a side with the first of the other that it overlaps, of the same measurement."""
        others = _by_measurement(other.history.episodes)
        for episode in side.history.episodes:
            yield episode, self._overlapping(episode, others.get(episode.measurement, ()))

    def _overlapping(self, episode: Episode, others: Sequence[Episode]) -> Episode | None:
        """The first of some alarms of a measurement, one after the other, that ends after another began."""
        at = bisect_left(others, episode.since_ns, key=lambda each: each.until(self.last_ns))
        found = others[at] if at < len(others) else None
        return found if found is not None and found.since_ns <= episode.until(self.last_ns) else None


def _by_measurement(episodes: Iterable[Episode]) -> Mapping[str, Sequence[Episode]]:
    ordered = sorted(episodes, key=lambda each: (each.measurement, each.number))
    return {name: list(own) for name, own in groupby(ordered, key=lambda each: each.measurement)}


def _shown(episode: Episode) -> tuple[object, ...]:
    """What makes two alarms the same to who watches."""
    times = episode.since_ns, episode.raised_ns, episode.end_ns, episode.red_ns, episode.was_red_ns
    return episode.level, *times, episode.worst


def _alike(a: Reading, b: Reading) -> bool:
    """Whether two readings of a file decode it alike."""
    return a.vehicle is b.vehicle and dict(a.framings) == dict(b.framings) and dict(a.declared) == dict(b.declared)
