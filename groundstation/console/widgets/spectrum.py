"""The spectrum of a radio link in braille: the power now, the highest of the last minute behind it, the carriers."""

import numpy as np
from rich.style import Style

from groundstation.console.picture import Picture
from groundstation.console.radio import Decibels
from groundstation.console.radio_view import MARGIN, STEP_DB, RadioView, marks
from groundstation.console.widgets import axes, raster
from groundstation.console.widgets.lines import Line, Lines

NOW, HELD, CARRIER, OTHER = range(4)
"""Styles of the cells."""


class Spectrum(Lines):
    """Power over frequency; the axis stands below it, in a widget of its own."""

    view: RadioView | None = None
    _seen: object = None
    _lines: list[Line]

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - the view says it all
        """The area with the scale of power at its left."""
        columns = width - MARGIN
        if self.view is None or columns < 8:
            return []
        seen = (self.view, width, height, self.palette)
        if seen != self._seen:
            self._seen, self._lines = seen, self._area(self.view, columns, height)
        return list(self._lines)

    def _area(self, view: RadioView, columns: int, rows: int) -> list[Line]:
        bottom, top = view.power
        step = max(STEP_DB, raster.round_step(top - bottom, max(2, rows // 2)))
        labels = axes.value_labels(bottom, top, step, rows)
        canvas = axes.Canvas.blank(rows, columns)
        held = view.radio.highest() if view.hold else None
        spectrum = view.radio.spectrum
        for decibels, style in ((held, HELD), (None if spectrum is None else spectrum.decibels, NOW)):
            if decibels is not None and spectrum is not None:
                canvas.add(self._dots(view, decibels, columns, rows), style)
        for mark in marks(view, columns):
            if mark.carrier is not None:
                free = canvas.codes[:, mark.carrier] <= raster.BLANK
                canvas.codes[free, mark.carrier] = ord("┊")
                canvas.styles[free, mark.carrier] = CARRIER if mark.chosen else OTHER
        quiet, styles = self.palette.quiet, self._styles(view)
        return [[(axes.beside(labels.get(y), MARGIN - 1), quiet), *canvas.row(y, styles)] for y in range(rows)]

    def _styles(self, view: RadioView) -> list[Style]:
        shades = self.palette
        return [shades.quiet if view.is_stale else shades.plain, shades.faint, shades.accent, shades.faint]

    def _dots(self, view: RadioView, decibels: Decibels, columns: int, rows: int) -> raster.Dots:
        spectrum, band = view.radio.spectrum, view.band
        assert spectrum is not None, "its caller has looked"
        per_dot = (band.high - band.low) / (2 * columns)
        apart = (spectrum.high_hz - spectrum.low_hz) / len(decibels) / per_dot
        x = (spectrum.low_hz - band.low) / per_dot + (np.arange(len(decibels)) + 0.5) * apart
        low, high = raster.column_extremes(
            np.asarray(x, np.float64), decibels.astype(np.float64), 2 * columns, apart + 1
        )
        bottom, top = view.power
        return raster.dots(np.clip(low, bottom, top), np.clip(high, bottom, top), bottom, top, rows * 4)
