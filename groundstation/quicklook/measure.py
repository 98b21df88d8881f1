"""Reads a recording through the pipeline that runs live: once for its events, once more for its figures.

The second reading knows when each phase began, so that figures are cut at the events themselves, not at the samples
that decided them some tenths of a second later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from groundstation.event import EventKind
from groundstation.pipeline import Pipeline, blocks, by_link
from groundstation.quicklook.closeup import Window
from groundstation.quicklook.figures_of import BINS, Course, Figures, Times, samples
from groundstation.quicklook.link_course import LinkCourse
from groundstation.reading import Reading
from protocols.batch import Batch, Field
from protocols.chunk import Chunk

COURSES = 64
"""Measurements whose course is kept: those shown in flight, those with limits, and then others."""
KEY = 8
"""Measurements taken for the key ones where the vehicle's declaration names none."""


@dataclass
class Measured:
    """A recording as a quick-look sees it."""

    reading: Reading
    pipeline: Pipeline
    begin_ns: int
    end_ns: int
    phases: dict[str, dict[str, Figures]] = field(default_factory=dict)
    """Figures by phase, then by measurement's full name."""
    courses: dict[str, Course] = field(default_factory=dict)
    """Courses of the measurements worth plotting, by full name."""
    judged: dict[str, dict[str, Figures]] = field(default_factory=dict)
    """Figures of the limited measurements by the phase in which their samples were judged, as live: from the sample
    on that decided it.
    """
    links: dict[str, LinkCourse] = field(default_factory=dict)

    @property
    def step_ns(self) -> int:
        """The length of a course's step."""
        return max((self.end_ns - self.begin_ns) // BINS + 1, 1)

    @cached_property
    def phase_begins(self) -> tuple[list[str], list[int]]:
        """The phases in their order, and when each but the first began."""
        flight = self.pipeline.vehicle.flight
        events = [each for each in self.pipeline.events if each.kind is EventKind.FLIGHT]
        begins = np.maximum.accumulate([each.received_ns for each in events]).tolist() if events else []
        return [flight.first if flight else "", *(str(each.detail["phase"]) for each in events)], begins

    @property
    def t0_ns(self) -> int | None:
        """T-0; None where it is not known."""
        return self.pipeline.flight.t0_ns

    def seconds(self, at_ns: int) -> float:
        """Seconds since T-0, or since the recording's beginning where no T-0 is known."""
        return (at_ns - (self.begin_ns if self.t0_ns is None else self.t0_ns)) / 1e9

    def field_of(self, name: str) -> Field | None:
        """What is declared of a measurement or of an element of one."""
        return self.pipeline.fields.get(name.partition("[")[0])

    def unit(self, name: str) -> str:
        """The unit of a measurement; empty where it has none."""
        told = self.field_of(name)
        return told.unit if told else ""

    def received(self, name: str) -> bool:
        """Whether the packet of a measurement was received."""
        packet = name.partition(".")[0]
        return any(path.decoder.packets.get(packet) for path in self.pipeline.links.values())

    def overall(self, name: str) -> Figures:
        """Figures of the whole recording."""
        whole = Figures()
        for figures in self.phases.values():
            if name in figures:
                whole = whole.joined(figures[name])
        return whole

    @property
    def key_measurements(self) -> list[str]:
        """Those the vehicle shows in flight; else a few with a unit that changed."""
        told = self.pipeline.vehicle
        named = [name for name in dict.fromkeys((*told.display, *told.plots)) if self.received(name)]
        if named:
            return named
        changed = (name for name in self.courses if (found := self.overall(name)).count and found.low < found.high)
        return sorted(changed, key=lambda name: (not self.unit(name), list(self.courses).index(name)))[:KEY]


def measure(reading: Reading, progress: Callable[[int], None]) -> Measured:
    """Read a recording from beginning to end, for events, alarms and links; progress is told the newest time."""
    recording, pipeline = reading.recording, reading.pipeline()
    begin_ns, end_ns = recording.span
    found = Measured(reading, pipeline, begin_ns, end_ns)
    found.links = {name: LinkCourse(begin_ns, found.step_ns) for name in pipeline.links}
    for group in _by_step(recording.chunks(), found.step_ns):
        _count(found, pipeline.receive(*group).batches)
        for name, course in found.links.items():
            path = pipeline.links[name]
            own = [chunk for chunk in group if chunk.link == name]
            if own:
                course.received(own, path.framer.ledger, path.decoder.sequence_gaps)
        progress(group[-1].received_ns)
    for name in pipeline.links:
        _count(found, pipeline.finish(name).batches)
    return found


def add_figures(found: Measured, windows: list[Window], progress: Callable[[int], None]) -> None:
    """Read it again for the figures of every measurement, and every sample in the windows."""
    links, wanted = found.reading.pipeline().links, _Wanted(found)
    for group in blocks(found.reading.recording.chunks()):
        for name, chunks in by_link(group).items():
            for batch in links[name].receive(*chunks):
                _take(found, wanted, windows, batch)
        progress(group[-1].received_ns)
    for path in links.values():
        for batch in path.finish():
            _take(found, wanted, windows, batch)


def _count(found: Measured, batches: list[Batch]) -> None:
    """Count packets, and keep the figures of what has limits."""
    limited = {name.partition(".")[0] for name in found.pipeline.limits}
    for batch in batches:
        found.links[batch.link].packets(batch.received_ns)
        if batch.packet not in limited:
            continue
        for part, phase in found.pipeline.flight.by_phase(batch):
            wanted = [path for path in part.columns if f"{part.packet}.{path}" in found.pipeline.limits]
            for path, (times, values) in samples(part, wanted).items():
                figures = found.judged.setdefault(phase, {}).setdefault(f"{part.packet}.{path}", Figures())
                figures.add(times, values)


def _by_step(chunks: Iterator[Chunk], step_ns: int) -> Iterator[list[Chunk]]:
    """Groups worth a batch, ended where a step of the course ends, so that counts can be told step by step."""
    for group in blocks(chunks):
        begin = 0
        for index in range(1, len(group)):
            if group[index].received_ns // step_ns != group[begin].received_ns // step_ns:
                yield group[begin:index]
                begin = index
        yield group[begin:]


class _Wanted:
    """Which measurements have a course: those that matter, and others until there are COURSES."""

    def __init__(self, found: Measured) -> None:
        pipeline = found.pipeline
        self._found = found
        vehicle = pipeline.vehicle
        self._named = {*vehicle.display, *vehicle.plots, *pipeline.limits}
        self._left = COURSES

    def course(self, name: str) -> Course | None:
        """The course of a measurement; None where it has none."""
        course = self._found.courses.get(name)
        if course is None and (name.partition("[")[0] in self._named or self._left > 0):
            self._left -= 1
            course = self._found.courses[name] = Course(self._found.begin_ns, self._found.step_ns)
        return course


def _take(found: Measured, wanted: _Wanted, windows: list[Window], batch: Batch) -> None:
    """Add what a batch holds."""
    for path, (times, values) in samples(batch).items():
        name = f"{batch.packet}.{path}"
        course = wanted.course(name)
        if course is not None:
            course.add(times, values)
        for phase, rows in _cut(found, times):
            figures = found.phases.setdefault(phase, {}).setdefault(name, Figures())
            figures.add(times[rows], values[rows])
        for window in windows:
            window.take(name, times, values)


def _cut(found: Measured, times: Times) -> Iterator[tuple[str, slice | NDArray[np.intp]]]:
    """The rows that belong to each phase, by the times of the events that begin them.

    An event's own sample still belongs to the phase it ends, so that the apogee is the highest of the ascent.
    """
    names, begins = found.phase_begins
    if len(names) == 1:
        yield names[0], slice(None)
        return
    at = np.searchsorted(begins, times, side="left")
    if at[0] == at[-1] and (at == at[0]).all():
        yield names[at[0]], slice(None)
        return
    for number in np.unique(at).tolist():
        yield names[number], np.flatnonzero(at == number)
