"""Limits as a gauge in one line: ``├──┊───●──┊──┤``, from the low to the high limit, the value at its place."""

import math

from groundstation.console.declared import Measurement


def gauge(declared: Measurement, value: float, low: float, high: float, width: int) -> str:
    """The gauge of a value in ``width`` cells; ``low`` and ``high`` are its extremes so far and stand in for an open
    side.

    The ends are the outer limits, ``┊`` the yellow ones; a value beyond an end is an arrow there. Empty where nothing
    is limited.
    """
    bands = [band for band in (declared.yellow, declared.red) if band is not None]
    if not bands or not math.isfinite(value):
        return ""
    lows = [side for side, _ in bands if side is not None]
    highs = [side for _, side in bands if side is not None]
    top = max(highs) if highs else _open_end(min(lows), high, up=True)
    bottom = min(lows) if lows else _open_end(max(highs), low, up=False)
    inner = width - 2
    cells = ["─"] * inner
    for side in declared.yellow or ():
        if side is not None and bottom < side < top:
            cells[_place(side, bottom, top, inner)] = "┊"
    if value < bottom:
        return "◂" + "".join(cells) + "┤"
    if value > top:
        return "├" + "".join(cells) + "▸"
    cells[_place(value, bottom, top, inner)] = "●"
    return f"├{''.join(cells)}┤"


def _open_end(limit: float, extreme: float, *, up: bool) -> float:
    """Where a gauge open on one side ends: at zero where that lies on the open side, else as far as the value went
    and a little more.
    """
    reach = abs(limit) or 1.0
    if up:
        return max(0.0 if limit < 0 else limit + reach, extreme if math.isfinite(extreme) else limit)
    return min(0.0 if limit > 0 else limit - reach, extreme if math.isfinite(extreme) else limit)


def _place(value: float, bottom: float, top: float, cells: int) -> int:
    return min(cells - 1, max(0, int((value - bottom) / (top - bottom) * cells))) if top > bottom else 0
