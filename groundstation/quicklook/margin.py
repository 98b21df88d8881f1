"""How near measurements came to their limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundstation.quicklook.figures_of import Figures
from groundstation.quicklook.measure import Measured
from groundstation.quicklook.numbers import band


@dataclass(frozen=True, slots=True)
class Margin:
    """A measurement's nearest approach to one of its bands."""

    measurement: str
    level: str
    """``red`` or ``yellow``."""
    band: str
    nearest: float
    """The value nearest to the limit, or furthest beyond it."""
    at_ns: int
    margin: float
    """What was left, in the measurement's unit; negative where it lay outside."""
    part: float | None
    """Of half the band's width; None where a side is open."""


def margins(measured: Measured) -> list[Margin]:
    """The nearest approaches in the phases in which the limits hold, nearest first; arrays by their elements."""
    found = []
    for name, limits in measured.pipeline.limits.items():
        held = [figures for phase, figures in measured.judged.items() if not limits.when or phase in limits.when]
        for element in sorted({each for figures in held for each in figures if each.partition("[")[0] == name}):
            whole = Figures()
            for figures in held:
                whole = whole.joined(figures.get(element, Figures()))
            bands = (("red", limits.red), ("yellow", limits.yellow))
            found += [_margin(element, level, limit, whole) for level, limit in bands if limit is not None]
    return sorted(found, key=lambda each: (each.part is None, each.part if each.part is not None else each.margin))


def _margin(name: str, level: str, limit: tuple[float, float], figures: Figures) -> Margin:
    low, high = limit
    under, over = figures.low - low, high - figures.high
    side = under <= over
    margin = under if side else over
    half = (high - low) / 2
    part = None if math.isinf(half) else margin / half
    nearest, at_ns = (figures.low, figures.low_ns) if side else (figures.high, figures.high_ns)
    return Margin(name, level, band(limit), nearest, at_ns, margin, part)
