"""Where the carrier of an FSK signal is, by its spectrum, and the signal turned there.

Power spectra of windows that overlap are averaged over some hundreds of symbols and held against the band such a
signal fills: the place where most power lies within it is the carrier. A burst is met by windows that lie within it
wherever it begins; while there is none, the last carrier is held. There is no loop that would have to settle.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.modem.turns import turns

_WINDOW = 64  # symbols of a spectrum
_HOPS = 2  # windows that cover each sample
_AVERAGE = 13
"""Spectra averaged for each window: over fewer, runs of equal bits would look like another carrier."""
_CONTRAST = 0.33
"""How much more power the best place has than the mean of all for there to be a signal, of what one as strong as the
noise would have more there. Of a search wider than the signal 99 % of noise stays below, and an Eb/N0 of 0 dB is above
(measured); of a narrow one less is sure, and less is lost."""


class CarrierSearch:
    """Follows the carrier and turns it to zero frequency."""

    def __init__(self, per_symbol: float, half: float, search: float) -> None:
        """Per_symbol is the samples of a symbol; half, of the symbol rate, how far the signal reaches to either side.

        Search, also of the symbol rate, is how far the carrier may be from zero.
        """
        self._hop = max(1, int(_WINDOW * per_symbol / _HOPS))
        self._window = self._hop * _HOPS
        self._size = 1 << (self._window - 1).bit_length()
        bins = self._size / per_symbol  # of the symbol rate
        self._reach = min(int(search * bins) + 1, self._size // 2 - 1)
        self._half = max(1, min(int(half * bins), self._size // 2))
        away = np.abs(np.arange(-self._reach, self._reach + 1)) / self._half
        self._contrast = 1 + _CONTRAST * (1 - np.clip(1 - away, 0, 1).mean())
        outer = self._reach + self._half
        self._bins = np.arange(-outer, outer + 1) % self._size
        self._taper = np.hanning(self._window + 2)[1:-1].astype(np.float32)
        self._weights = np.hanning(_AVERAGE + 2)[1:-1]
        self._held = np.zeros(self._window // 2, np.complex64)
        self._late = np.zeros(_AVERAGE // 2 * self._hop, np.complex64)
        self._spectra = np.zeros((_AVERAGE - 1, 2 * self._reach + 1))
        self.delay = (1 + _AVERAGE // 2) * self._hop
        """Samples by which what it gives lags behind what it got."""
        self.offset = 0.0
        """The newest place of the carrier, in cycles a sample."""
        self._phase = 0.0

    def receive(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The samples with the carrier turned away, complex64 (n,), as far as it is known."""
        held = np.concatenate((self._held, samples))
        count = max(0, (len(held) - self._window) // self._hop + 1)
        self._held = held[count * self._hop :].copy()
        if not count:
            return np.empty(0, np.complex64)
        windows = np.lib.stride_tricks.sliding_window_view(held, self._window)[: count * self._hop : self._hop]
        track = np.concatenate(((self.offset,), self._carriers(windows)))
        begin = self._window // 2 - self._hop
        late = np.concatenate((self._late, held[begin : begin + count * self._hop]))
        self._late = late[count * self._hop :]
        self.offset = float(track[-1])
        return np.asarray(late[: count * self._hop] * turns(-self._phases(track)))

    def _phases(self, track: NDArray[np.float64]) -> NDArray[np.float64]:
        """The phase, in cycles, at each sample of a carrier that changes evenly from hop to hop."""
        share = (np.arange(self._hop) + 1) / self._hop
        rise = self._hop * share * share / 2  # the integral of share
        turned = track[:-1, np.newaxis] * (self._hop * share - rise) + track[1:, np.newaxis] * rise
        begins = self._phase + np.concatenate(((0.0,), np.cumsum(turned[:, -1])))
        self._phase = float(begins[-1] % 1.0)
        return (begins[:-1, np.newaxis] + turned).reshape(-1)

    def _carriers(self, windows: NDArray[np.complex64]) -> NDArray[np.float64]:
        """The carrier in each of windows (n, window), in cycles a sample, float64 (n,)."""
        spectra = np.fft.fft(windows * self._taper, self._size, axis=1)[:, self._bins]
        powers = np.square(spectra.real, dtype=np.float64) + np.square(spectra.imag)
        # Twice over a rectangle: a triangle as wide as the signal, near the shape of all of them.
        held = np.concatenate((self._spectra, _sums(_sums(powers, self._half + 1), self._half + 1)))
        self._spectra = held[len(held) - _AVERAGE + 1 :]
        within = self._weights[0] * held[: len(powers)]
        for number in range(1, _AVERAGE):
            within += self._weights[number] * held[number : number + len(powers)]
        peaks = np.clip(np.argmax(within, axis=1), 1, 2 * self._reach - 1)
        rows = np.arange(len(peaks))
        low, top, high = (within[rows, peaks + k] for k in (-1, 0, 1))
        bend = 2 * top - low - high
        between = np.where(bend > 0, 0.5 * (high - low) / np.where(bend > 0, bend, 1), 0)
        found = (peaks - self._reach + np.clip(between, -0.5, 0.5)) / self._size
        sure = top > within.mean(axis=1) * self._contrast
        newest = np.maximum.accumulate(np.where(sure, rows, -1))
        return np.where(newest >= 0, found[newest], self.offset)


def _sums(powers: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Sums over so many columns."""
    sums = np.cumsum(np.pad(powers, ((0, 0), (1, 0))), axis=1)
    return np.asarray(sums[:, width:] - sums[:, :-width])
