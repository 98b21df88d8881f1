"""The carrier of a PSK signal: its frequency from spectra of a power, its phase from the same power of the symbols.

Frequency is taken from windows that overlap, so that a burst is met by one that lies within it wherever it begins;
phase, once symbols are there, from the sum of their powers around each (A. J. Viterbi, A. M. Viterbi, "Nonlinear
estimation of PSK-modulated carrier phase", IEEE Trans. Inf. Theory 29(4), 1983). Neither has a loop that would have to
settle. What is left is which of two or four phases is the right one.
"""

import math

import numpy as np
from numpy.typing import NDArray

from protocols.modem.power_spectra import PowerSpectra
from protocols.modem.symbol_timing import Symbols
from protocols.modem.turns import turns

AVERAGE = {2: 5, 4: 9}
"""Spectra averaged for each, by the power: the line then stands out of noise some dB further down."""
_FAINT = 0.1
"""Of what the line was of late, what is no signal any more but its end: it tells no frequency."""
REACH = {2: 24, 4: 96}
"""Symbols either way that the phase is taken over, by the power: the fourth has more noise (measured at 2 dB)."""


class CarrierFrequency:
    """Follows the carrier and turns it to zero frequency."""

    def __init__(self, spectra: PowerSpectra, window: int, hop: int) -> None:
        """Window is the samples of one of spectra, hop those from each to the next."""
        self._spectra, self._window, self._hop = spectra, window, hop
        self._average = AVERAGE[spectra.power]
        self.delay = (1 + self._average // 2) * hop
        """Samples by which what it gives lags behind what it got."""
        self.frequency = math.nan
        """The carrier's as it was last found, in cycles a sample; NaN before it was."""
        self._held = np.zeros(window // 2, np.complex64)
        self._late = np.zeros(self.delay, np.complex64)
        self._rows = np.zeros((self._average - 1, len(spectra.frequencies)), np.float32)
        self._last = 0.0
        self._phase = 0.0
        self._clear = 0.0  # how strong the line was of late

    def receive(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The samples with the carrier turned away, complex64 (n,), as far as its frequency is known."""
        held = np.concatenate((self._held, samples))
        late = np.concatenate((self._late, samples))
        count = max(0, (len(held) - max(self._window, self._hop)) // self._hop + 1)
        done = count * self._hop
        self._held, self._late = held[done:], late[done:]
        if not count:
            return np.empty(0, np.complex64)
        windows = held[: done - self._hop + self._window]
        track = self._track(self._spectra.of(windows, self._hop))
        steps = np.interp(np.arange(done) / self._hop, np.arange(count + 1), [self._last, *track])
        phases = self._phase + np.cumsum(steps)
        self._last, self._phase = float(track[-1]), float(phases[-1] % 1.0)
        return late[:done] * turns(-phases)

    def _track(self, spectra: NDArray[np.float32]) -> NDArray[np.float64]:
        """The carrier some spectra (n, bins) before each, in cycles a sample, float64 (n,)."""
        rows = np.concatenate((self._rows, spectra))
        self._rows = rows[len(spectra) :]
        track, best = np.zeros(len(spectra)), np.zeros(len(spectra))
        for chirp in self._spectra.chirps:
            found, sizes = self._peaks(_along(rows, self._average, chirp))
            better = sizes > best
            track[better], best[better] = found[better], sizes[better]
        self._clear = max(float(best.max()), self._clear / 2)
        if best[-1] > _FAINT * self._clear:
            self.frequency = float(track[-1])
        return track

    def _peaks(self, sums: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The frequency of the largest of each row, between bins by the parabola through three, and its size."""
        frequencies = self._spectra.frequencies
        peaks = np.clip(np.argmax(sums, axis=1), 1, len(frequencies) - 2)
        rows = np.arange(len(peaks))
        low, top, high = (sums[rows, peaks + k].astype(np.float64) for k in (-1, 0, 1))
        bend = 2 * top - low - high
        between = np.where(bend > 0, 0.5 * (high - low) / np.where(bend > 0, bend, 1), 0)
        return frequencies[peaks] + np.clip(between, -0.5, 0.5) * (frequencies[1] - frequencies[0]), top


class CarrierPhase:
    """Turns symbols of BPSK onto the real axis, those of QPSK between the axes."""

    def __init__(self, power: int, split: int = 1) -> None:
        """Power is 2 for BPSK and 4 for QPSK; split is how many symbols a bit is made of."""
        self._power, self._reach = power, REACH[power] * split
        self._kernel = np.hanning(2 * self._reach + 3)[1:-1]
        self._powers: NDArray[np.complex128] = np.zeros(self._reach, np.complex128)
        self._held = Symbols(np.zeros(0, np.complex64), np.zeros(0))
        self._turned = 0.0

    def receive(self, symbols: Symbols) -> Symbols:
        """The symbols so turned, complex128, once as many more as it reaches are there."""
        powers = np.concatenate((self._powers, stripped(symbols.values.astype(np.complex128), self._power)))
        values = np.concatenate((self._held.values, symbols.values))
        instants = np.concatenate((self._held.instants, symbols.instants))
        count = max(0, len(powers) - len(self._kernel) + 1)
        self._powers, self._held = powers[count:], Symbols(values[count:], instants[count:])
        if not count:
            return Symbols(np.empty(0, np.complex128), np.empty(0))
        angles = unwrapped(powers, self._kernel, self._turned)[1:]
        self._turned = float(angles[-1]) % (2 * self._power * np.pi)
        return Symbols(values[:count] * np.exp(-1j / self._power * angles), instants[:count])


def stripped(values: NDArray[np.complex128], power: int) -> NDArray[np.complex128]:
    """Values without their data: of their size, and of power times their phase from where symbols belong."""
    sizes = np.abs(values) + 1e-30
    turned = values * values / sizes
    return turned if power == 2 else -turned * turned / sizes


def unwrapped(powers: NDArray[np.complex128], kernel: NDArray[np.float64], before: float) -> NDArray[np.float64]:
    """The angle before, and those of sums of powers weighted by kernel, each within half a turn of the one before."""
    angles = np.angle(np.convolve(powers, kernel, "valid"))
    return np.unwrap(np.concatenate((np.array((before,)), angles)))


def _along(rows: NDArray[np.float32], several: int, chirp: int) -> NDArray[np.float32]:
    """Sums of several rows each, along lines that move by chirp bins from the first of them to the last."""
    count, bins = len(rows) - several + 1, rows.shape[1]
    sums = np.zeros((count, bins), np.float32)
    for number in range(several):
        moved = round(chirp * (number / (several - 1) - 0.5))
        low, high = max(0, -moved), bins - max(0, moved)
        sums[:, low:high] += rows[number : number + count, low + moved : high + moved]
    return sums
