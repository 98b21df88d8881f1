"""Curves as braille: samples to lit dots to characters, in numpy; and the round numbers for the axes.

A cell of the terminal holds 2 x 4 dots (Unicode block U+2800). Each dot column shows the extremes of the samples that
fall into it, joined to its neighbours, so that no spike is lost however many samples there are.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Dots = NDArray[np.bool_]
Codes = NDArray[np.uint32]

_WEIGHTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint32)
"""The bit of each dot of a cell, by row and column (Unicode 15, braille patterns)."""
BLANK = 0x2800
_TIME_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400)


def column_extremes(x: Floats, y: Floats, width: int, gap: float) -> tuple[Floats, Floats]:
    """The lowest and highest ``y`` in each of ``width`` dot columns, float64 (width,) each; NaN where the curve is not.

    ``x`` is in dot columns, ascending. Empty columns between two samples nearer than ``gap`` columns are filled in a
    straight line; a wider gap stays open.
    """
    low, high = np.full(width, np.nan), np.full(width, np.nan)
    good = np.isfinite(y) & (x >= 0) & (x < width)
    x, y = x[good], y[good]
    if not len(x):
        return low, high
    columns = x.astype(np.int64)
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    used = columns[starts]
    low[used], high[used] = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    empty = np.flatnonzero(np.isnan(low))
    after = np.searchsorted(used, empty)
    between = (after > 0) & (after < len(used))
    empty, after = empty[between], after[between]
    near = used[after] - used[after - 1] <= gap
    low[empty[near]] = high[empty[near]] = np.interp(empty[near] + 0.5, x, y)
    return low, high


def dots(low: Floats, high: Floats, bottom: float, top: float, height: int) -> Dots:
    """The lit dots of a curve given by its column extremes, bool (height, width), row 0 at the top."""
    scale = (height - 1) / (top - bottom) if top > bottom else 0.0
    first = np.rint(_at_edge((top - high) * scale, height))
    last = np.rint(_at_edge((top - low) * scale, height))
    joined_first, joined_last = first, last
    for step in (1, -1):  # each column takes half of the rows between it and its neighbour, so that a curve stays whole
        beside_first, beside_last = _beside(first, step), _beside(last, step)
        from_above = np.where(beside_last < first, np.floor((beside_last + first) / 2) + 1, first)
        from_below = np.where(beside_first > last, np.floor((beside_first + last) / 2), last)
        joined_first, joined_last = np.fmin(joined_first, from_above), np.fmax(joined_last, from_below)
    rows = np.arange(height)[:, None]
    return (rows >= joined_first) & (rows <= joined_last) & (last >= 0) & (first <= height - 1)


def _beside(rows: Floats, step: int) -> Floats:
    """The rows of the column beside each; NaN beyond the ends."""
    beside = np.roll(rows, step)
    beside[0 if step == 1 else -1] = np.nan
    return beside


def _at_edge(rows: Floats, height: int) -> Floats:
    """Rows up to one cell outside drawn at the edge: noise about the end of the axis is not a gap."""
    return np.where((rows > height - 1) & (rows < height + 3), height - 1, np.where((rows < 0) & (rows > -4), 0, rows))


def braille(lit: Dots) -> Codes:
    """Lit dots, bool (4 * rows, 2 * columns), as code points, uint32 (rows, columns)."""
    rows, columns = lit.shape[0] // 4, lit.shape[1] // 2
    cells = lit.reshape(rows, 4, columns, 2)
    weighted: Codes = np.einsum("rycx,yx->rc", cells, _WEIGHTS).astype(np.uint32)
    return weighted + np.uint32(BLANK)


def text_of(codes: Codes) -> str:
    """A row of code points as text; an empty braille cell as a space."""
    return np.where(codes == BLANK, 32, codes).astype("<u4").tobytes().decode("utf-32-le")


def round_step(span: float, most: int) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts a span into at most ``most`` parts."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    raw = span / max(1, most)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= raw * (1 - 1e-9))


def ticks(bottom: float, top: float, step: float) -> list[float]:
    """The multiples of a step from bottom to top."""
    first, last = math.ceil(bottom / step - 1e-9), math.floor(top / step + 1e-9)
    return [index * step for index in range(first, min(last, first + 200) + 1)]


def time_step(span: float, most: int) -> float:
    """A round step in seconds that cuts a span of time into at most ``most`` parts."""
    raw = span / max(1, most)
    return float(next((step for step in _TIME_STEPS if step >= raw), math.ceil(raw / 86_400) * 86_400))


def time_label(mission_time: float, step: float) -> str:
    """A tick's time: ``T-0``, ``T+40``, ``T-0.5``, from ten minutes on ``T+12:00``, from ten hours on ``T+11h``."""
    magnitude, sign = abs(mission_time), "-" if mission_time < 0 else "+"
    if magnitude < 1e-6:
        return "T-0"
    if step < 1:
        return f"T{sign}{magnitude:.1f}"
    if magnitude < 600:
        return f"T{sign}{magnitude:.0f}"
    if magnitude < 36_000:
        return f"T{sign}{int(magnitude) // 60}:{int(magnitude) % 60:02d}"
    return f"T{sign}{magnitude / 3600:.1f}h"


def round_range(low: float, high: float, most: int) -> tuple[float, float, float]:
    """A range of the axis around the data, its ends on ticks, and the step: ``(bottom, top, step)``."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0, 0.5
    if high - low < 1e-12 * max(abs(low), abs(high), 1e-9):
        spread = abs(high) * 0.1 or 1.0
        low, high = low - spread, high + spread
    if -0.03 * high < low < 0.4 * high:  # zero tells more than a larger picture does, or than noise below it
        low = 0.0
    elif 0 > high > 0.4 * low:
        high = 0.0
    step = round_step(high - low, most)
    bottom, top = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return bottom, top, step


def tick_decimals(step: float) -> int:
    """Digits after the point that tell the ticks of a step apart."""
    return max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0


def sparkline(values: Sequence[float] | Floats, width: int) -> str:
    """Values as eight heights of block, the newest at the right, in ``width`` cells; a gap where there is no number."""
    numbers = np.asarray(values, np.float64)[-width:]
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return " " * width
    low, high = float(known.min()), float(known.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        heights = np.where(np.isfinite(numbers), 1, 0)
    else:
        heights = np.nan_to_num(np.rint((numbers - low) / (high - low) * 7) + 1).astype(np.int64)
    return "".join(" ▁▂▃▄▅▆▇█"[height] for height in heights).rjust(width)
