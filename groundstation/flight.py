"""Runs a vehicle's declared flight (protocols/flight.py) over the batches: its phase, and when it entered it.

Everything is decided by the data and its times, so a replay gives the events of the flight. Only valid rows and finite
values count; an array's elements count one after the other, at their packet's time. A phase begins with the sample
that decided the transition into it, and its conditions see only what comes after: the next samples of the same packet
type, and those of others that were received later. Transitions come in their order, each once; a station switched on
in flight therefore passes those whose conditions hold already, one with each sample, and waits for the first that does
not.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundstation.event import Event, EventKind
from groundstation.flight_conditions import Found, Times, Values, Watcher, watcher
from protocols.batch import Batch
from protocols.errors import DeclarationError
from protocols.flight import Flight, Transition
from protocols.selection import chosen
from replay.player import CLOCK_STEP_NS

_LONG_AGO = int(np.iinfo(np.int64).min)


class _Begin(NamedTuple):
    """From where on the present phase's conditions count."""

    packet: str = ""
    """The packet type whose sample decided the phase."""
    row: int = -1
    """That sample's row in the packet type's rows of this call; -1 if it was in an earlier one."""
    received_ns: int = _LONG_AGO
    """That sample's time, after which the samples of other packet types count."""


class _Samples(NamedTuple):
    """What one measurement gives a condition."""

    values: Values
    times: Times
    rows: NDArray[np.intp]
    """Which row each belongs to."""


class FlightMonitor:
    """The phase of one vehicle's flight. A replay that seeks begins with a new one."""

    def __init__(self, flight: Flight | None) -> None:
        """None: there are no phases and no events. Raises DeclarationError where flight.t0 names none of its events."""
        events = [each.event for each in flight.transitions] if flight else []
        if flight and events and flight.t0 not in events:
            raise DeclarationError("flight.t0", f"{flight.t0!r} is no event of it; name one of {', '.join(events)}")
        self.phase = flight.first if flight else ""
        """The phase the flight is in; empty where none are declared."""
        self.event_times: dict[str, int] = {}
        """The data time of each event so far, in ns."""
        self._phases, self._begins = [self.phase], [_LONG_AGO]
        self._t0 = flight.t0 if flight else ""
        self._left: list[Transition] = list(flight.transitions) if flight else []
        self._begin, self._newest_ns = _Begin(), _LONG_AGO + CLOCK_STEP_NS
        self._watchers: list[tuple[str, Watcher]] = []
        self._next_phase()

    @property
    def t0_ns(self) -> int | None:
        """T-0 in ns; None before it is known."""
        return self.event_times.get(self._t0)

    def fork(self) -> FlightMonitor:
        """Another one in the same state, which goes on by itself."""
        other: FlightMonitor = copy.copy(self)
        other.event_times, other._left = dict(self.event_times), list(self._left)
        other._phases, other._begins = list(self._phases), list(self._begins)
        other._watchers = copy.deepcopy(self._watchers)
        return other

    def watch(self, *batches: Batch) -> list[Event]:
        """The events that batches bring, in order.

        Batches of several packet types that were received together belong into one call: then the order in which
        they are given makes no difference, and neither does how many are received together.
        """
        events = []
        self._follow_clock(batches)
        while self._left:
            found = self._first(batches)
            if found is None:
                break
            events.append(self._enter(*found))
        self._begin = self._begin._replace(row=-1)
        return events

    def _follow_clock(self, batches: Sequence[Batch]) -> None:
        """Where the clock was set back, have the present phase begin before the new time."""
        for times in (batch.received_ns for batch in batches if len(batch)):
            set_back = [int(times[0])] if times[0] < self._newest_ns - CLOCK_STEP_NS else []
            if len(times) > 1:
                set_back += times[1:][times[1:] < times[:-1] - CLOCK_STEP_NS].tolist()
            if set_back:
                before = min(set_back) - 1
                self._begins = [min(each, before) for each in self._begins]
                self._begin = self._begin._replace(received_ns=min(self._begin.received_ns, before))
        self._newest_ns = max((int(batch.received_ns[-1]) for batch in batches if len(batch)), default=self._newest_ns)

    def by_phase(self, batch: Batch) -> Iterator[tuple[Batch, str]]:
        """A batch that was watched, cut where a phase began: each part with its phase, in the order of the rows.

        A row belongs to the phase that the newest decision before its time began.
        """
        if not len(batch) or batch.received_ns[0] > self._begins[-1]:
            yield batch, self.phase
            return
        phases = np.maximum(np.searchsorted(self._begins, batch.received_ns) - 1, 0)
        edges = [0, *(np.flatnonzero(phases[1:] != phases[:-1]) + 1).tolist(), len(batch)]
        for begin, end in pairwise(edges):
            yield (chosen(batch, slice(begin, end)) if len(edges) > 2 else batch), self._phases[phases[begin]]

    def _first(self, batches: Sequence[Batch]) -> tuple[str, Found] | None:
        """The first condition to come true, and its measurement; its sample is then where the next phase begins.

        Within a packet type the rows tell which is first, between packet types the times, last the declaration.
        """
        present = {batch.packet for batch in batches}
        firsts: dict[str, tuple[_Begin, str, Found]] = {}
        for measurement, condition in self._watchers:
            packet, _, path = measurement.partition(".")
            if packet not in present:
                continue
            samples = self._samples(batches, packet, path)
            found = condition.scan(samples.values, samples.times) if len(samples.rows) else None
            if found is not None:
                begin = _Begin(packet, int(samples.rows[found.at]), int(samples.times[found.at]))
                if packet not in firsts or begin.row < firsts[packet][0].row:
                    firsts[packet] = begin, measurement, found
        if not firsts:
            return None
        self._begin, measurement, found = min(firsts.values(), key=lambda each: each[0].received_ns)
        return measurement, found

    def _samples(self, batches: Sequence[Batch], packet: str, path: str) -> _Samples:
        """The samples of a measurement since the phase began."""
        parts, row = [], 0
        for batch in batches:
            if batch.packet == packet:
                parts.append(self._since(batch, path, row))
                row += len(batch)
        if len(parts) == 1:
            return parts[0]
        return _Samples(*(np.concatenate(columns) for columns in zip(_NOTHING, *parts, strict=True)))

    def _since(self, batch: Batch, path: str, row: int) -> _Samples:
        """The samples of one batch, whose first row is row in this call."""
        column = batch.columns.get(path)
        if column is None or column.dtype.kind not in "biuf":
            return _NOTHING
        rows = np.arange(row, row + len(batch))
        own = batch.packet == self._begin.packet
        counts = batch.valid & (rows > self._begin.row if own else batch.received_ns > self._begin.received_ns)
        with np.errstate(invalid="ignore"):
            values: Values = column.astype(np.float64)
        samples = _Samples(values, batch.received_ns, rows)
        if values.ndim > 1:
            each = values[0].size if len(values) else 1
            samples = _Samples(values.reshape(-1), np.repeat(batch.received_ns, each), np.repeat(rows, each))
            counts = np.repeat(counts, each)
        counts = counts & np.isfinite(samples.values)
        if counts.all():
            return samples
        return _Samples(samples.values[counts], samples.times[counts], samples.rows[counts])

    def _enter(self, measurement: str, found: Found) -> Event:
        """Begin the next phase."""
        transition, before = self._left.pop(0), self.phase
        self.phase, self.event_times[transition.event] = transition.phase, found.time_ns
        self._phases.append(self.phase)
        self._begins.append(max(self._begin.received_ns, self._begins[-1]))
        self._next_phase()
        detail: dict[str, Any] = {"phase": self.phase, "value": found.value, "measurement": measurement}
        text = f"{transition.event}: {before} to {self.phase}"
        return Event(EventKind.FLIGHT, transition.event, found.time_ns, text, detail)

    def _next_phase(self) -> None:
        """Watch for the conditions that end the present phase."""
        conditions = self._left[0].when if self._left else ()
        self._watchers = [(each.measurement, watcher(each)) for each in conditions]


_NOTHING = _Samples(np.empty(0), np.empty(0, np.int64), np.empty(0, np.intp))
