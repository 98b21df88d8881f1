"""What is known of one radio link: its newest message, and what its spectrum and its Eb/N0 were.

Memory is bounded: the newest `ROWS` spectra as they came and, for slower waterfalls, the highest of each 5 and each 25
of them; Eb/N0 as `History` keeps it; the newest `FRAMES_KEPT` frames.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from groundstation.console.history import Curve, History, Times
from groundstation.console.radio import Decibels, Radio, RadioFrame, Spectrum

ROWS = 600
"""Rows of a waterfall kept: at 5 a second two minutes, ten minutes and fifty minutes."""
GROUPS = (1, 5, 25)
"""Spectra that make a row of each waterfall."""
FRAMES_KEPT = 4_000
GAP_NS = 2_000_000_000
"""Spectra further apart than this have an empty row between them."""
HOLD_NS = 60_000_000_000
"""The highest power, and what the scale of power is made for, is that of the last minute."""
FLOOR_PERCENT, HIGH_PERCENT = 25, 95
"""The noise floor is what so much of the band does not reach; what is beyond the other are narrow carriers."""
CLIPPING_NS = 5_000_000_000
"""How long a clipped sample is worth a warning."""


class SpectrumRows:
    """A waterfall: the newest rows, each the highest of so many spectra."""

    def __init__(self, bins: int, group: int) -> None:
        self._rows = np.full((ROWS, bins), np.nan, np.float32)
        self._times: Times = np.zeros(ROWS, np.int64)
        self._group = group
        self._in_row = group
        self.count = 0
        """Rows begun so far, also those no longer kept."""
        self.newest_ns = 0

    def append(self, time_ns: int, decibels: Decibels) -> None:
        """Take a spectrum, float32 (bins,)."""
        if self.count and not 0 <= time_ns - self.newest_ns <= GAP_NS:
            self._begin_row(time_ns)  # empty
            self._in_row = self._group
        if self._in_row >= self._group:
            self._begin_row(time_ns)
        at = (self.count - 1) % ROWS
        np.fmax(self._rows[at], decibels, out=self._rows[at])
        self._times[at] = self.newest_ns = time_ns
        self._in_row += 1

    def _begin_row(self, time_ns: int) -> None:
        at = self.count % ROWS
        self._rows[at], self._times[at] = np.nan, time_ns
        self.count, self._in_row = self.count + 1, 0

    def row(self, index: int) -> Decibels | None:
        """A row by its number, from 0 for the first ever, float32 (bins,); None where it is not kept."""
        return self._rows[index % ROWS] if max(0, self.count - ROWS) <= index < self.count else None

    def time_ns(self, index: int) -> int:
        """When a row that is kept was received."""
        return int(self._times[index % ROWS])

    def since(self, time_ns: int) -> NDArray[np.float32]:
        """The rows from a time on, float32 (n, bins), in no order."""
        used = min(self.count, ROWS)
        return self._rows[:used][self._times[:used] >= time_ns]


class RadioState:
    """One radio link."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.radio: Radio | None = None
        """The newest message; None before the first."""
        self.version = 0
        """Changes with every message."""
        self.epoch = 0
        """Changes when what was kept of the spectrum no longer says the same: another band, time moved back."""
        self.rows: tuple[SpectrumRows, ...] = ()
        """A waterfall for each of `GROUPS`; none before the first spectrum."""
        self.clipped_ns = 0
        """When samples were last clipped; 0 for never."""
        self._levels: list[tuple[int, float, float, float]] = []
        self._band: object = None
        self._history = History(0)
        self._frames: dict[object, RadioFrame] = {}

    @property
    def spectrum(self) -> Spectrum | None:
        """The newest spectrum."""
        return self.radio.spectrum if self.radio else None

    @property
    def is_clipping(self) -> bool:
        """Whether samples were at the end of their range a moment ago: less gain would receive more."""
        return bool(self.clipped_ns and self.radio and self.radio.at_ns - self.clipped_ns < CLIPPING_NS)

    def take(self, radio: Radio) -> None:
        """Take a message; one from before the newest (a clock set back) forgets what came after it."""
        before = self.radio
        if before is not None and radio.at_ns < before.at_ns:
            self._forget_after(radio.at_ns)
        if before is not None and (radio.saturated or 0) > (before.saturated or 0):
            self.clipped_ns = radio.at_ns
        self.radio = radio
        self.version += 1
        if radio.spectrum is not None:
            self._add_spectrum(radio, radio.spectrum)
        self._add_history(radio)
        self._add_frames(radio.recent)

    def _forget_after(self, time_ns: int) -> None:
        self._band, self.rows, self._levels, self.clipped_ns = None, (), [], 0
        self._frames = {key: frame for key, frame in self._frames.items() if frame.received_ns < time_ns}

    def _add_spectrum(self, radio: Radio, spectrum: Spectrum) -> None:
        band = (spectrum.low_hz, spectrum.high_hz, len(spectrum.decibels), radio.signal.frequency)
        if band != self._band:
            self._band, self._levels = band, []
            self.rows = tuple(SpectrumRows(len(spectrum.decibels), group) for group in GROUPS)
            self.epoch += 1
        for rows in self.rows:
            rows.append(radio.at_ns, spectrum.decibels)
        known = spectrum.decibels[np.isfinite(spectrum.decibels)]
        if len(known):
            floor, high = np.percentile(known, (FLOOR_PERCENT, HIGH_PERCENT))
            self._levels.append((radio.at_ns, float(floor), float(high), float(known.max())))
        self._levels = [each for each in self._levels if radio.at_ns - each[0] <= HOLD_NS][-ROWS:]

    def levels(self) -> tuple[float, float, float]:
        """Of the last minute the noise floor, what hardly any of the band exceeds, and the highest power, in dB.

        NaN where nothing is known.
        """
        if not self._levels:
            return float("nan"), float("nan"), float("nan")
        _, floors, highs, peaks = zip(*self._levels, strict=True)
        return float(np.median(floors)), float(np.median(highs)), max(peaks)

    def highest(self) -> Decibels | None:
        """The highest power of each part of the band in the last minute, float32 (bins,); None before a spectrum."""
        if self.radio is None or not self.rows:
            return None
        held = self.rows[0].since(self.radio.at_ns - HOLD_NS)
        return np.asarray(np.fmax.reduce(held, axis=0), np.float32) if len(held) else None

    def _add_history(self, radio: Radio) -> None:
        if len(radio.transmitters) != self._history.rows:
            self._history = History(len(radio.transmitters))
        values = [np.nan if each.eb_n0 is None else each.eb_n0 for each in radio.transmitters]
        self._history.append(np.array([radio.at_ns], np.int64), np.array(values, np.float64).reshape(-1, 1))

    def eb_n0(self, transmitter: int, since_ns: int) -> Curve:
        """A transmitter's Eb/N0 in dB over time, that of its frames among it."""
        if transmitter >= self._history.rows:
            return Curve(np.empty(0, np.int64), np.empty(0))
        curve = self._history.curve(transmitter, since_ns)
        own = [each for each in self.frames(transmitter) if each.eb_n0 is not None and each.received_ns >= since_ns]
        times = np.concatenate((curve.times_ns, np.array([each.received_ns for each in own], np.int64)))
        values = np.concatenate((curve.values, np.array([each.eb_n0 for each in own], np.float64)))
        order = np.argsort(times, kind="stable")
        return Curve(times[order], values[order])

    def _add_frames(self, frames: Iterable[RadioFrame]) -> None:
        """Merge: a message lists the newest frames, most of which the one before listed too."""
        alike: dict[RadioFrame, int] = {}
        for frame in frames:
            alike[frame] = alike.get(frame, 0) + 1  # two frames of one chunk may have everything in common
            self._frames[frame, alike[frame]] = frame
        while len(self._frames) > FRAMES_KEPT:
            del self._frames[next(iter(self._frames))]

    def frames(self, transmitter: int | None = None) -> list[RadioFrame]:
        """The frames kept, oldest first; of one transmitter only where it is named."""
        return [each for each in self._frames.values() if transmitter in (None, each.transmitter)]
