"""Numbers and times as a quick-look writes them."""

from __future__ import annotations

import math

from groundstation.quicklook.measure import Measured


def number(value: float, unit: str = "") -> str:
    """A value with five digits that count, and its unit."""
    if not math.isfinite(value):
        return "-" if math.isnan(value) else f"{value}"
    text = f"{value:.5g}" if abs(value) < 1e5 or abs(value) >= 1e9 else f"{value:,.0f}"
    return f"{text} {unit}".rstrip()


def moment(measured: Measured, at_ns: int) -> str:
    """A time as seconds since T-0, ``T+12.34 s``; since the beginning where no T-0 is known, ``12.34 s``."""
    seconds = measured.seconds(at_ns)
    return f"{seconds:.2f} s" if measured.t0_ns is None else f"T{seconds:+.2f} s"


def band(limits: tuple[float, float] | None) -> str:
    """A limit band; an open side is left out."""
    if limits is None:
        return ""
    low, high = limits
    if math.isinf(low):
        return f"≤ {number(high)}"
    return f"≥ {number(low)}" if math.isinf(high) else f"{number(low)} … {number(high)}"
