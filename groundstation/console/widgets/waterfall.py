"""The waterfall of a radio link: spectra one below the other, the newest at the top, power as colour.

A cell holds two rows as a half block. Lines move by whole cells, and a line once made is kept while it moves, so that
a new spectrum costs one line. Where the terminal has no 256 colours, or on request, a line is one row of symbols.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundstation.console.picture import Picture
from groundstation.console.radio_state import SpectrumRows
from groundstation.console.radio_view import MARGIN, Band, CellsOfBand, RadioView
from groundstation.console.widgets import colour_map
from groundstation.console.widgets.lines import Line, Lines

LABEL_LINES = 5
"""Every so many lines stands how long ago that was."""
SECOND = 1_000_000_000
Levels = NDArray[np.intp]


class Waterfall(Lines):
    """Power over frequency and time."""

    view: RadioView | None = None
    _key: object = None
    _kept: dict[int, Line]
    """Lines made, by number: line n shows the rows 2n and 2n + 1."""
    _cells: CellsOfBand

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - the view says it all
        """The lines that fit, the newest first, the time at the left."""
        columns, view = width - MARGIN, self.view
        if view is None or columns < 8 or not view.radio.rows or view.radio.spectrum is None:
            return []
        rows, spectrum = view.radio.rows[view.pace], view.radio.spectrum
        key = (view.radio, view.epoch, view.band, view.colours, view.pace, view.shades, columns, self.palette)
        if key != self._key:
            whole = Band(spectrum.low_hz, spectrum.high_hz)
            self._cells = CellsOfBand.of(whole, len(spectrum.decibels), view.band, columns)
            self._key, self._kept = key, {}
        newest = (rows.count - 1) // 2
        first = max(0, newest - height + 1)
        self._kept = {number: line for number, line in self._kept.items() if number >= first}
        numbers = range(newest, first - 1, -1)
        return [
            [(self._margin(rows, number, at), self.palette.quiet), *self._line(view, rows, number)]
            for at, number in enumerate(numbers)
        ]

    def _margin(self, rows: SpectrumRows, number: int, at: int) -> str:
        """How long before the newest row a line is, on every fifth line."""
        if at % LABEL_LINES or rows.row(2 * number) is None:
            return f"{'│':>{MARGIN}}"
        ago = round((rows.newest_ns - rows.time_ns(2 * number)) / SECOND)
        text = "now" if at == 0 else f"−{ago} s" if ago < 100 else f"−{ago // 60}:{ago % 60:02d}"
        return f"{text:>{MARGIN - 1}}┤"

    def _line(self, view: RadioView, rows: SpectrumRows, number: int) -> Line:
        line = self._kept.get(number)
        if line is None:
            lower, upper = rows.row(2 * number), rows.row(2 * number + 1)
            nothing = np.full(len(self._cells.starts), np.nan, np.float32)
            seen = [nothing if row is None else self._cells.highest(row) for row in (upper, lower)]
            line = self._symbols(view, *seen) if view.shades else self._blocks(view, *seen)
            if 2 * number + 2 < rows.count:  # nothing more will come to its rows
                self._kept[number] = line
        return line

    def _blocks(self, view: RadioView, upper: NDArray[np.float32], lower: NDArray[np.float32]) -> Line:
        above, below = (colour_map.levels(each, *view.colours) for each in (upper, lower))
        table = colour_map.half_blocks(self.app.theme)
        return [(table[code][0] * length, table[code][1]) for code, length in _runs(above * colour_map.LEVELS + below)]

    def _symbols(self, view: RadioView, upper: NDArray[np.float32], lower: NDArray[np.float32]) -> Line:
        shown = colour_map.levels(np.fmax(upper, lower), *view.colours, len(colour_map.SHADES))
        return [("".join(colour_map.SHADES[level] * length for level, length in _runs(shown)), self.palette.plain)]


def _runs(codes: Levels) -> Sequence[tuple[int, int]]:
    """Equal neighbours together: value and length of each run."""
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lengths = np.diff(starts, append=len(codes))
    return list(zip(codes[starts].tolist(), lengths.tolist(), strict=True))
