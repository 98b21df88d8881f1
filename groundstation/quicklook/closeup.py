"""The moments of a flight that matter: every sample of the key measurements around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from groundstation.event import Event, EventKind
from groundstation.quicklook.figures_of import Times, Values

BEFORE_NS, AFTER_NS = 3_000_000_000, 7_000_000_000
MOMENTS = 12
"""Moments shown: events of the flight first, then the first alarms."""
SHOWN = 4
"""Measurements shown of a moment."""
SAMPLES = 20_000
"""Of a measurement in one window; of more, every second one is kept and so on."""


@dataclass(slots=True)
class Window:
    """The time around a moment."""

    event: Event
    measurements: tuple[str, ...]
    """Full names of what is shown."""
    found: dict[str, list[tuple[Times, Values]]] = field(default_factory=dict)

    @property
    def begin_ns(self) -> int:
        """Where it begins."""
        return self.event.received_ns - BEFORE_NS

    @property
    def end_ns(self) -> int:
        """Where it ends."""
        return self.event.received_ns + AFTER_NS

    def series(self, name: str) -> tuple[Times, Values]:
        """The samples of a measurement, in the order received; empty where there is none."""
        parts = self.found.get(name, [])
        if not parts:
            return np.empty(0, np.int64), np.empty(0)
        times, values = (np.concatenate(column) for column in zip(*parts, strict=True))
        every = -(-len(times) // SAMPLES)
        return times[::every], values[::every]

    def take(self, name: str, times: Times, values: Values) -> None:
        """Take the samples of a measurement, both (n,), that lie within it."""
        if name in self.measurements and times[0] <= self.end_ns and times[-1] >= self.begin_ns:
            inside = (times >= self.begin_ns) & (times <= self.end_ns)
            if inside.any():
                self.found.setdefault(name, []).append((times[inside], values[inside]))


def windows(events: Sequence[Event], key: Sequence[str]) -> list[Window]:
    """The moments worth a closer look, in the order they happened; key are the measurements to show there."""
    flight = [each for each in events if each.kind is EventKind.FLIGHT][:MOMENTS]
    alarms = [each for each in events if each.kind is EventKind.LIMIT and each.name in ("red", "yellow")]
    reds = [each for each in alarms if each.name == "red"]
    chosen = flight + _distinct(reds or alarms)[: max(MOMENTS - len(flight), 0)]
    found = []
    for event in sorted(chosen, key=lambda each: each.received_ns):
        cause = event.detail.get("measurement", "")
        found.append(Window(event, tuple(dict.fromkeys([*([cause] if cause else []), *key]))[:SHOWN]))
    return found


def _distinct(alarms: Sequence[Event]) -> list[Event]:
    """The first alarm of each measurement, four at most."""
    first: dict[str, Event] = {}
    for each in alarms:
        first.setdefault(str(each.detail.get("measurement")), each)
    return list(first.values())[:4]
