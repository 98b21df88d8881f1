"""What of a radio link is looked at: which of its transmitters, which part of its band, on which scale of power."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundstation.console.radio import Decibels, Transmitter
from groundstation.console.radio_state import RadioState

STEP_DB = 10.0
BELOW_DB, ABOVE_DB = 6.0, 3.0
"""Room on the scale of power below the noise floor and above the highest peak."""
LEAST_DB = 30.0
"""The scale spans at least this: noise alone is to look flat."""
COLOURED_DB = 30.0
"""Colours are spent on so much above the noise floor: a carrier that is stronger needs no telling apart."""
BROAD_DB = 10.0
"""But on so much at least above what is broad: of the noise of FM, or of audio, the low end is the strongest by far."""
HELD_DB = 4.0
"""The ends of the colours stay where they are until what they are made for is further from them than this."""
MARGIN = 6
"""Cells left of spectrum, axis and waterfall for their numbers."""


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the band, in Hz relative to the signal's frequency."""

    low: float
    high: float

    def zoomed(self, times: int, around: float) -> "Band":
        """A part of this one, so many times narrower, around a frequency or as near to that as it has room."""
        width = (self.high - self.low) / times
        low = min(max(around - width / 2, self.low), self.high - width)
        return Band(low, low + width)

    def place(self, hz: float, cells: int) -> int | None:
        """The cell of so many in which a frequency lies; None where it is outside."""
        at = math.floor((hz - self.low) / (self.high - self.low) * cells)
        return at if 0 <= at < cells else None


class DecibelScale:
    """The range of power that is shown. It grows at once and shrinks late, so that it mostly stands still."""

    def __init__(self) -> None:
        self.bottom, self.top = -100.0, -40.0
        """The ends of the axis, multiples of `STEP_DB`."""
        self.dark = self.bright = math.nan
        """Where the colours begin, at the noise floor, and where they end."""

    def settle(self, floor: float, broad: float, peak: float) -> None:
        """Make it fit the noise floor, what is broad and the highest power of the last minute; NaN changes nothing."""
        if not math.isfinite(floor + broad + peak):
            return
        low, high = floor - BELOW_DB, max(peak + ABOVE_DB, floor + LEAST_DB)
        if not self.bottom <= low <= self.bottom + 2 * STEP_DB:
            self.bottom = math.floor(low / STEP_DB) * STEP_DB
        if not self.top - 2 * STEP_DB <= high <= self.top:
            self.top = math.ceil(high / STEP_DB) * STEP_DB
        bright = max(floor + COLOURED_DB, broad + BROAD_DB)
        if not (abs(self.dark - floor) <= HELD_DB and abs(self.bright - bright) <= HELD_DB):
            self.dark, self.bright = float(round(floor)), float(round(bright))


@dataclass(frozen=True, slots=True)
class RadioView:
    """A radio link as it is looked at; equal while the same is to be drawn."""

    radio: RadioState
    version: int
    epoch: int
    chosen: int
    """The number of the transmitter looked at."""
    band: Band
    power: tuple[float, float]
    """The ends of the axis of power, in dB."""
    colours: tuple[float, float]
    """The power of the darkest and of the brightest colour, in dB."""
    pace: int = 0
    """Which of the waterfalls: the number of its `GROUPS`."""
    hold: bool = True
    """Whether the highest power of the last minute is shown too."""
    is_stale: bool = False
    """Whether it is no longer what is received now."""
    shades: bool = False
    """Whether power is shown by symbols instead of colours."""

    @property
    def transmitter(self) -> Transmitter | None:
        """The transmitter looked at; None where the link has none."""
        several = self.radio.radio.transmitters if self.radio.radio else ()
        return several[self.chosen] if self.chosen < len(several) else None


@dataclass(frozen=True, slots=True)
class CellsOfBand:
    """Which parts of a spectrum are seen in each cell of a row."""

    starts: NDArray[np.intp]
    stop: int

    @classmethod
    def of(cls, whole: Band, bins: int, shown: Band, cells: int) -> "CellsOfBand":
        """For a spectrum of so many bins over the whole band, a part of which is shown in so many cells."""
        edges = (np.linspace(shown.low, shown.high, cells + 1) - whole.low) / (whole.high - whole.low) * bins
        if edges[1] - edges[0] >= 1:  # each part is seen in the cell that its middle lies in
            starts, stop = np.ceil(edges[:-1] - 0.5), math.ceil(edges[-1] - 0.5)
        else:  # each cell shows the part that its own middle lies in
            starts, stop = np.floor((edges[:-1] + edges[1:]) / 2), 0
        starts = np.clip(starts, 0, bins - 1).astype(np.intp)
        return cls(starts, max(int(starts[-1]) + 1, min(bins, stop)))

    def highest(self, decibels: Decibels) -> Decibels:
        """The highest power in each cell, float32 (cells,); NaN where nothing is known."""
        return np.asarray(np.fmax.reduceat(decibels[: self.stop], self.starts), np.float32)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a transmitter is in a row of cells."""

    first: int
    last: int
    """The cells of the band it takes, of which only those in view; last before first where none is."""
    carrier: int | None
    """The cell of its carrier; None where it is out of view."""
    chosen: bool


def marks(view: RadioView, cells: int) -> list[Mark]:
    """The places of the transmitters in a row of cells, that of the one looked at last."""
    several = view.radio.radio.transmitters if view.radio.radio else ()
    found = [
        _mark(view.band, each, cells, chosen=number == view.chosen)
        for number, each in enumerate(several)
        if each.place_hz is not None
    ]
    return sorted(found, key=lambda mark: mark.chosen)


def _mark(band: Band, transmitter: Transmitter, cells: int, *, chosen: bool) -> Mark:
    place, width = transmitter.place_hz or 0.0, transmitter.width_hz or 0.0
    per_hz = cells / (band.high - band.low)
    first = max(0, math.floor((place - width / 2 - band.low) * per_hz))
    last = min(cells - 1, math.floor((place + width / 2 - band.low) * per_hz))
    return Mark(first, last if width else first - 1, band.place(place, cells), chosen)
