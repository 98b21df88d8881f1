"""A plot in braille: several curves over mission time, round ticks, limits as dashed lines, flight events on the
axis.
"""

import math

import numpy as np
from rich.style import Style

from groundstation.console.numerals import Scale
from groundstation.console.picture import Picture
from groundstation.console.widgets import axes, raster
from groundstation.console.widgets.axes import SECOND, Window
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.signs import ORIGIN_SIGNS

BEFORE_T0_S = 10.0
"""Seconds before T-0 that the plot of a flight begins."""
FLIGHT_SPANS_S = (30, 60, 120, 180, 300, 420, 600, 900, 1200, 1800, 2400)
"""Lengths of the frame a flight grows into; it steps up, so that the curve stands still between steps."""
UNKNOWN_T0_SPAN_S = 120.0
GAP_S = 2.5
"""A curve is broken where nothing was received for longer than this, or than three intervals."""
MARGIN, WIDEST_MARGIN = 5, 9
"""Cells left of the plot for the ticks' numbers, at least and at most."""
QUIET_SPAN = 0.02
"""The value axis spans at least this part of the largest limit, so that noise far inside the limits looks like noise.
"""
QUIET_COUNTS = 20
"""And at least this many counts."""


def window_of(picture: Picture, span: float | None) -> Window:
    """The last ``span`` seconds; None for the whole flight since T-0, or the last two minutes before T-0 is known."""
    t0 = picture.status.t0_ns
    zero = picture.now_ns if t0 is None else t0
    now = (picture.now_ns - zero) / SECOND
    if span is None and t0 is not None and now < FLIGHT_SPANS_S[-1]:
        length = next(each for each in FLIGHT_SPANS_S if now <= each)
        return Window(zero, -BEFORE_T0_S, float(length))
    length_s = span or (UNKNOWN_T0_SPAN_S if t0 is None else float(FLIGHT_SPANS_S[-1]))
    return Window(zero, now - length_s, now)


class Plot(Lines):
    """One or more measurements of the same unit over time."""

    def __init__(self, *names: str, span: float | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.names = names
        """Full names of the measurements shown."""
        self.span = span
        """Seconds shown; None for the whole flight."""
        self._range = (math.inf, -math.inf, 1.0)
        self._scale_of = ""
        self._margin = MARGIN
        self._scale: Scale | None = None

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """Title, area, axis and its numbers, from the top."""
        if not self.names or height < 4 or width < 16:
            return []
        scale = self._scale_for(picture)
        window = window_of(picture, self.span)
        rows, columns = height - 3, width - self._margin - 1
        curves = [self._extremes(picture, name, window, columns * 2) for name in self.names]
        bottom, top, step = self._settle(curves, picture, scale, rows)
        labels = axes.value_labels(bottom, top, step, rows)
        self._margin = min(WIDEST_MARGIN, max(MARGIN, *map(len, labels.values())))  # a change shows at the next drawing
        canvas = self._canvas(picture, curves, scale, (bottom, top), (rows, columns))
        styles = self._styles()
        quiet, margin = self.palette.quiet, self._margin
        area = [[(axes.beside(labels.get(y), margin), quiet), *canvas.row(y, styles)] for y in range(rows)]
        return [self._title(picture, scale), *area, *axes.time_axis(picture, window, columns, margin, quiet)]

    def _scale_for(self, picture: Picture) -> Scale:
        readings = [picture.reading(name) for name in self.names]
        key = f"{self.names}{readings[0].declared.unit}"
        if self._scale is None or self._scale_of != key:
            self._scale, self._scale_of = Scale(readings[0].declared), key
            self._range = (math.inf, -math.inf, 1.0)
        for reading in readings:
            self._scale.adapt(reading.low, reading.high)
        return self._scale

    def _extremes(self, picture: Picture, name: str, window: Window, width: int) -> tuple[raster.Floats, raster.Floats]:
        packet = picture.packets.get(name.partition(".")[0])
        curve = picture.curve(name, window.zero_ns + int(window.start * SECOND))
        seconds = (curve.times_ns - window.zero_ns) / SECOND
        per_second = width / (window.end - window.start)
        x = (seconds - window.start) * per_second
        if self.span is not None:  # a sliding window moves by whole dots
            x = np.floor(seconds * per_second) - math.floor(window.start * per_second) - 1
        apart = float(np.median(np.diff(seconds[:20]))) if len(seconds) > 1 else 0.0  # a long flight's trace is coarse
        gap = max(GAP_S, 3 * packet.interval_ns / SECOND if packet else 0.0, 2 * apart)
        return raster.column_extremes(x, curve.values, width, gap * per_second + 1)

    def _settle(
        self, curves: list[tuple[raster.Floats, raster.Floats]], picture: Picture, scale: Scale, rows: int
    ) -> tuple[float, float, float]:
        """The range of the value axis in the prefixed unit; the old one as long as it still serves."""
        lows = [float(np.nanmin(low)) for low, _ in curves if np.isfinite(low).any()]
        highs = [float(np.nanmax(high)) for _, high in curves if np.isfinite(high).any()]
        if not lows:
            return raster.round_range(0.0, 1.0, max(2, rows // 3))
        low, high = self._widened(picture, min(lows), max(highs))
        bottom, top, step = raster.round_range(low / scale.factor, high / scale.factor, max(2, rows // 3))
        held_bottom, held_top, _ = self._range
        fits = held_bottom <= bottom and top <= held_top
        if not (fits and top - bottom > 0.5 * (held_top - held_bottom)):
            self._range = (bottom, top, step)
        return self._range

    def _widened(self, picture: Picture, low: float, high: float) -> tuple[float, float]:
        """A range made wide enough not to magnify noise, and to show a limit where that at most doubles it."""
        limits = [limit for limit, _ in self._limits(picture)]
        resolution = picture.reading(self.names[0]).declared.resolution
        least = max(QUIET_SPAN * max(map(abs, limits), default=0.0), QUIET_COUNTS * resolution)
        if high - low < least:
            low, high = (low + high - least) / 2, (low + high + least) / 2
        reach = high - low or abs(high)
        for limit in limits:
            if low - reach <= limit <= high + reach:
                low, high = min(low, limit), max(high, limit)
        return low, high

    def _limits(self, picture: Picture) -> list[tuple[float, int]]:
        """Limits of the only measurement shown, with the index of their style; none for several."""
        if len(self.names) != 1:
            return []
        declared = picture.reading(self.names[0]).declared
        bands = ((declared.yellow, 1), (declared.red, 2))
        return [(side, style) for band, style in bands if band for side in band if side is not None]

    def _styles(self) -> list[Style]:
        shades = self.palette
        return [shades.plain, shades.yellow, shades.red_text, shades.faint, shades.accent, shades.strong, shades.quiet]

    def _canvas(
        self,
        picture: Picture,
        curves: list[tuple[raster.Floats, raster.Floats]],
        scale: Scale,
        ends: tuple[float, float],
        size: tuple[int, int],
    ) -> axes.Canvas:
        (rows, columns), (bottom, top) = size, ends
        canvas = axes.Canvas.blank(rows, columns)
        for index, (low, high) in enumerate(curves):
            canvas.add(raster.dots(low / scale.factor, high / scale.factor, bottom, top, rows * 4), 4 + index % 3)
        for limit, style in self._limits(picture):
            y = axes.row_of(limit / scale.factor, bottom, top, rows)
            if 0 <= y < rows:
                free = canvas.codes[y] == raster.BLANK
                canvas.codes[y, free], canvas.styles[y, free] = ord("┄"), style
        return canvas

    def _title(self, picture: Picture, scale: Scale) -> Line:
        styles = self._styles()[4:]
        sign = ORIGIN_SIGNS[picture.origin].strip()
        title: list[tuple[str, Style]] = [(" ", self.palette.plain)]
        for index, name in enumerate(self.names):
            mark = f"{chr(0x2500)} " if len(self.names) > 1 else ""
            title += [(mark, styles[index % 3]), (name.partition(".")[2].replace("_", " "), self.palette.quiet)]
            title.append((", " if index < len(self.names) - 1 or scale.unit else "", self.palette.quiet))
        return [*title, (f"{scale.unit} {sign}", self.palette.quiet)]
