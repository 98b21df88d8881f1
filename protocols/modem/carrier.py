"""The carrier of a BPSK signal: its frequency from the spectrum of the square, its phase from the squared symbols.

Squaring takes the data away and leaves a line at twice the carrier's frequency. Frequency is taken from windows that
overlap, so that a burst is met by one that lies within it wherever it begins; phase, once symbols are there, from the
sum of squared symbols around each (A. J. Viterbi, A. M. Viterbi, "Nonlinear estimation of PSK-modulated carrier
phase", IEEE Trans. Inf. Theory 29(4), 1983). Neither has a loop that would have to settle. What is left is the sign.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.modem.symbol_timing import Symbols

_PADDING = 4
"""Bins of the spectrum for each that the window resolves."""
_HOPS = 4
"""Windows that cover each sample."""
_AVERAGE = 5
"""Spectra averaged for each: the line then stands out of noise some dB further down."""
_REACH = 24
"""Symbols either way that the phase is taken over."""


class CarrierFrequency:
    """Follows the carrier and turns it to zero frequency."""

    def __init__(self, window: int, search: float) -> None:
        """Window is the samples of a spectrum; search, in cycles a sample, how far the carrier may be from zero."""
        self._hop = window // _HOPS
        self._window = self._hop * _HOPS
        size = 1 << (self._window * _PADDING - 1).bit_length()
        self._size = size
        frequencies = np.fft.fftfreq(size)
        self._bins = np.flatnonzero(np.abs(frequencies) <= 2 * search)
        self._bins = self._bins[np.argsort(frequencies[self._bins])]
        self._frequencies = frequencies[self._bins] / 2
        self._taper = np.hanning(self._window + 2)[1:-1].astype(np.float32)
        self._held = np.zeros(self._window // 2, np.complex64)
        self._late = np.zeros(_AVERAGE // 2 * self._hop, np.complex64)
        self._spectra = np.zeros((_AVERAGE - 1, len(self._bins)), np.float32)
        self.delay = (1 + _AVERAGE // 2) * self._hop
        """Samples by which what it gives lags behind what it got."""
        self._last = 0.0
        self._phase = 0.0

    def receive(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The samples with the carrier turned away, complex64 (n,), as far as its frequency is known."""
        held = np.concatenate((self._held, samples))
        count = max(0, (len(held) - self._window) // self._hop + 1)
        self._held = held[count * self._hop :]
        if not count:
            return np.empty(0, np.complex64)
        squares = np.square(held)
        windows = np.lib.stride_tricks.sliding_window_view(squares, self._window)[: count * self._hop : self._hop]
        track = self._line(windows)
        middle = self._window // 2
        steps = np.interp(np.arange(count * self._hop) / self._hop, np.arange(count + 1), [self._last, *track])
        phases = self._phase + np.cumsum(steps)
        self._last, self._phase = float(track[-1]), float(phases[-1] % 1.0)
        begin = middle - self._hop
        late = np.concatenate((self._late, held[begin : begin + count * self._hop]))
        self._late = late[count * self._hop :]
        return np.asarray(late[: count * self._hop] * np.exp(-2j * np.pi * phases), np.complex64)

    def _averaged(self, spectra: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sums of each spectrum and those before and behind it: of _AVERAGE, the middle one's place."""
        held = np.concatenate((self._spectra, spectra))
        self._spectra = held[len(held) - _AVERAGE + 1 :]
        sums = np.cumsum(np.concatenate((np.zeros((1, held.shape[1]), np.float64), held)), axis=0)
        return np.asarray(sums[_AVERAGE:] - sums[:-_AVERAGE])

    def _line(self, windows: NDArray[np.complex64]) -> NDArray[np.float64]:
        """The carrier in each of windows (n, window), in cycles a sample, float64 (n,)."""
        spectra = self._averaged(np.abs(np.fft.fft(windows * self._taper, self._size, axis=1)[:, self._bins]))
        peaks = np.clip(np.argmax(spectra, axis=1), 1, len(self._bins) - 2)
        rows = np.arange(len(peaks))
        low, top, high = (spectra[rows, peaks + k] for k in (-1, 0, 1))
        bend = 2 * top - low - high
        between = np.where(bend > 0, 0.5 * (high - low) / np.where(bend > 0, bend, 1), 0)
        return np.asarray(self._frequencies[peaks] + np.clip(between, -0.5, 0.5) / (2 * self._size))


class CarrierPhase:
    """Turns symbols onto the real axis."""

    def __init__(self) -> None:
        self._kernel = np.hanning(2 * _REACH + 3)[1:-1]
        self._squares: NDArray[np.complex128] = np.zeros(_REACH, np.complex128)
        self._held = Symbols(np.zeros(0, np.complex64), np.zeros(0))
        self._turned = 0.0

    def receive(self, symbols: Symbols) -> Symbols:
        """The real parts of the symbols so turned, once _REACH more are there."""
        precise = symbols.values.astype(np.complex128)
        squares: NDArray[np.complex128] = np.concatenate(
            (self._squares, np.square(precise) / (np.abs(precise) + 1e-30))
        )
        values = np.concatenate((self._held.values, symbols.values))
        instants = np.concatenate((self._held.instants, symbols.instants))
        if len(squares) < len(self._kernel):
            self._squares, self._held = squares, Symbols(values, instants)
            return Symbols(np.empty(0, np.float32), np.empty(0))
        self._squares = squares[len(squares) - len(self._kernel) + 1 :]
        double = np.angle(np.convolve(squares, self._kernel, "valid"))
        double = np.unwrap(np.concatenate((np.array((self._turned,)), double)))[1:]
        self._turned = float(double[-1]) % (4 * np.pi)
        count = len(double)
        self._held = Symbols(values[count:], instants[count:])
        return Symbols((values[:count] * np.exp(-0.5j * double)).real, instants[:count])
