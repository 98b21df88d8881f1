"""Eb/N0 of one transmitter over the last minutes, in braille, with a tick for every frame received."""

import math

import numpy as np

from groundstation.console import numerals
from groundstation.console.history import Times
from groundstation.console.picture import Picture
from groundstation.console.radio_view import MARGIN, RadioView
from groundstation.console.widgets import axes, raster
from groundstation.console.widgets.axes import SECOND, Window
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.signs import ORIGIN_SIGNS

SPANS_S = (60.0, 300.0, 1500.0)
"""Seconds shown beside each of the waterfalls."""
GAP_S = 2.5
"""The curve is broken where nothing was known for longer than this, or than a fiftieth of what is shown."""
LEAST_TOP_DB = 10.0
LOWEST_DB, HIGHEST_DB = -10.0, 40.0
"""What lies beyond is drawn at the edge: no receiver works below, and above it makes no difference."""
LATEST_NS = 2**63 - 1


class EbN0Plot(Lines):
    """Title, area, the frames, axis and its numbers."""

    view: RadioView | None = None
    _seen: object = None
    _lines: list[Line]
    _range = (math.inf, -math.inf, 1.0)

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """From the top; without the frames' numbers where it is low."""
        if self.view is None or height < 5 or width < 24:
            return []
        status = picture.status
        seen = (self.view, width, height, self.palette, status.t0_ns, len(picture.events), picture.origin)
        if seen != self._seen:
            self._seen, self._lines = seen, self._drawn_lines(self.view, picture, width - MARGIN, height - 4)
        return list(self._lines)

    def _drawn_lines(self, view: RadioView, picture: Picture, columns: int, rows: int) -> list[Line]:
        radio = view.radio.radio
        newest_ns = radio.at_ns if radio else picture.now_ns
        t0_ns, span = picture.status.t0_ns, SPANS_S[view.pace]
        zero_ns = newest_ns if t0_ns is None else t0_ns
        end = (newest_ns - zero_ns) / SECOND
        window = Window(zero_ns, end - span, end)
        quiet, margin = self.palette.quiet, MARGIN - 1
        return [
            self._title(view, picture),
            *self._area(view, window, columns, rows),
            [(f"{'frame│':>{MARGIN}}", quiet), (self._ticks(view, window, columns), self.palette.accent)],
            *axes.time_axis(picture, window, columns, margin, quiet),
        ]

    def _title(self, view: RadioView, picture: Picture) -> Line:
        shown = view.transmitter
        value = numerals.ABSENT if shown is None or shown.eb_n0 is None else f"{shown.eb_n0:.1f}"
        name = f" of {' '.join((shown.modem, shown.framing)).strip()}" if shown and shown.modem else ""
        return [
            (f" Eb/N0{name}, dB {ORIGIN_SIGNS[picture.origin].strip()} ", self.palette.quiet),
            (value, self.palette.strong),
        ]

    def _area(self, view: RadioView, window: Window, columns: int, rows: int) -> list[Line]:
        since_ns = window.zero_ns + int(window.start * SECOND)
        curve = view.radio.eb_n0(view.chosen, min(max(0, since_ns), LATEST_NS))
        x = _dots(curve.times_ns, window, columns)
        gap = max(GAP_S, (window.end - window.start) / 50) / (window.end - window.start) * 2 * columns + 1
        low, high = raster.column_extremes(x, np.clip(curve.values, LOWEST_DB, HIGHEST_DB), 2 * columns, gap)
        bottom, top, step = self._settle(low, high, rows)
        labels = axes.value_labels(bottom, top, step, rows)
        canvas = axes.Canvas.blank(rows, columns)
        canvas.add(raster.dots(low, high, bottom, top, rows * 4), 1)
        quiet, styles = self.palette.quiet, [self.palette.plain, self.palette.accent]
        return [[(axes.beside(labels.get(y), MARGIN - 1), quiet), *canvas.row(y, styles)] for y in range(rows)]

    def _settle(self, low: raster.Floats, high: raster.Floats, rows: int) -> tuple[float, float, float]:
        """The range of the axis; the old one as long as it still serves."""
        least = float(np.fmin.reduce(low, initial=0.0))
        most = float(np.fmax.reduce(high, initial=LEAST_TOP_DB))
        bottom, top, step = raster.round_range(least, most, max(2, rows // 3))
        held_bottom, held_top, _ = self._range
        fits = held_bottom <= bottom and top <= held_top and top - bottom > 0.5 * (held_top - held_bottom)
        if not fits or len(axes.value_labels(*self._range, rows)) > max(3, rows):
            self._range = (bottom, top, step)
        return self._range

    def _ticks(self, view: RadioView, window: Window, columns: int) -> str:
        """A bar of braille where a frame came: two places a cell."""
        times = np.array([each.received_ns for each in view.radio.frames(view.chosen)], np.int64)
        x = _dots(times, window, columns)
        x = x[(x >= 0) & (x < 2 * columns)].astype(np.intp)
        lit = np.zeros((4, 2 * columns), np.bool_)
        lit[:, x] = True
        return raster.text_of(raster.braille(lit)[0])


def _dots(times_ns: Times, window: Window, columns: int) -> raster.Floats:
    """Times as columns of dots; these move by whole dots, so that a curve stands still between steps."""
    seconds = (times_ns.astype(np.float64) - float(window.zero_ns)) / SECOND
    per_second = 2 * columns / (window.end - window.start)
    return np.asarray(np.floor(seconds * per_second) - math.floor(window.start * per_second) - 1, np.float64)
