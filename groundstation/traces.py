"""The flight so far, coarsely: so that a console opened in its middle can plot it from the beginning."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from protocols.batch import Batch
from protocols.packet import Vehicle

FINEST_NS = 200_000_000
POINTS = 1_000
"""A trace keeps at most so many points; past it every second one goes, and new ones are twice as far apart."""


@dataclass(slots=True)
class Trace:
    """One measurement: a point each so many ns of data time."""

    step_ns: int = FINEST_NS
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    low: float = math.inf
    high: float = -math.inf
    """The least and the greatest value of all there were, not only of the points."""

    def add(self, times: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> bool:
        """Take the points that are due; whether there were any, or the range grew."""
        if not len(times):
            return False
        before = self.low, self.high
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        at, taken = 0, before != (self.low, self.high)
        reached = np.maximum.accumulate(times)  # times may step back: a point is due with the first that reaches it
        while True:
            at = int(np.searchsorted(reached, self.times[-1] + self.step_ns)) if self.times else 0
            if at >= len(times):
                return taken
            self.times.append(int(times[at]))
            self.values.append(float(values[at]))
            taken = True
            if len(self.times) > POINTS:
                del self.times[1::2], self.values[1::2]
                apart = (self.times[-1] - self.times[0]) // (len(self.times) - 1)
                self.step_ns = max(2 * self.step_ns, apart - apart // 8)


class Traces:
    """The traces of the measurements that the flight view shows."""

    def __init__(self, names: Iterable[str]) -> None:
        """Keep the measurements of these full names, ``packet.path``."""
        self._traces = {name: Trace() for name in names}
        self._paths: dict[str, list[str]] = {}
        for name in self._traces:
            packet, path = name.split(".", 1)
            self._paths.setdefault(packet, []).append(path)
        self.changed = False
        """Whether there is anything new since the last payload."""

    @classmethod
    def of(cls, vehicle: Vehicle) -> Traces:
        """The traces of what a vehicle's flight view shows."""
        return cls(dict.fromkeys((*vehicle.display, *vehicle.plots)))

    @property
    def points(self) -> int:
        """How many there are, of all measurements."""
        return sum(len(trace.times) for trace in self._traces.values())

    def fork(self) -> Traces:
        """The same up to now, which go on by themselves."""
        other: Traces = copy.copy(self)
        other._traces = {
            name: replace(trace, times=trace.times.copy(), values=trace.values.copy())
            for name, trace in self._traces.items()
        }
        return other

    def add(self, batch: Batch) -> None:
        """Take what is due of a batch. Arrays and texts have no trace; invalid packets and NaN leave none."""
        for path in self._paths.get(batch.packet, ()):
            trace = self._traces[f"{batch.packet}.{path}"]
            column = batch.columns.get(path)  # a data-dependent packet may be without it
            if column is not None and column.ndim == 1 and column.dtype.kind in "biuf":
                good = batch.valid & np.isfinite(column)
                self.changed |= trace.add(batch.received_ns[good], column[good])

    def as_payload(self, session: str) -> dict[str, Any]:
        """``traces`` of docs/bus.md."""
        self.changed = False
        traces = {
            name: {"received_ns": trace.times, "values": trace.values, "low": trace.low, "high": trace.high}
            for name, trace in self._traces.items()
            if trace.times
        }
        return {"session": session, "traces": traces}
