"""Spectra of a power of a PSK signal, in which its carrier is a line.

The square of BPSK, and the fourth power of QPSK and of OQPSK, have no data left but a line at twice or four times the
carrier's frequency. How far it stands out depends on how much noise goes into the power: all that a search of several
symbol rates lets through hides it. So the search is divided among filters as wide as the signal, each of which looks
for the line of carriers near its own middle.
"""

import numpy as np
from numpy.typing import NDArray

_PADDING = 2
"""Bins of a spectrum for each that the window resolves."""
_STEP = 0.25
"""Symbol rates from one filter of the bank to the next."""
_WIDTH = 4
"""Samples a symbol behind each filter: what it lets through is narrower, what aliases of its power is far off."""
_CUTOFF = 0.5, 0.2
"""Symbol rates from its middle to where a filter passes half the power, and from there on to where it passes none."""
_SPUR = 5.0
"""Times the median amplitude to which a bin is limited: data do not reach it; what stands out further is no data."""
_CHIRPS: dict[int, tuple[int, ...]] = {2: (-8, -4, 0, 4, 8), 4: (0,)}
"""Bins that a line may move by while windows are averaged, by the power: 150 Hz/s at 1200 baud of BPSK are 7."""


class PowerSpectra:
    """Spectra of a power of what each of a bank of filters lets through."""

    def __init__(self, symbols: int, per_symbol: int, search: float, power: int) -> None:
        """Of windows of so many symbols of per_symbol samples; search is in symbol rates, power 2 or 4."""
        self.power, self._window, self._size = power, symbols * per_symbol, symbols * _WIDTH
        steps = int(np.ceil(max(0.0, search / _STEP - 0.5)))
        self.chirps = _CHIRPS[power]
        """Bins that a line may move by while windows are averaged."""
        centres = np.arange(-steps, steps + 1)[:, np.newaxis] * round(_STEP * symbols)
        half, edge = _CUTOFF
        passed = np.arange(-int((half + edge) * symbols), int((half + edge) * symbols) + 1)
        self._taken = (centres + passed) % self._window
        share = np.clip((np.abs(passed) / symbols - half + edge) / (2 * edge), 0, 1)
        self._response = np.cos(np.pi / 2 * share).astype(np.float32)
        self._slots = passed % self._size
        self._taper = np.hanning(self._size + 2)[1:-1].astype(np.float32)
        finer = power * _PADDING  # bins of the power's spectrum for each of the signal's
        lines = round(_STEP * symbols) * finer
        self._lines = np.arange(-(lines // 2), lines - lines // 2)
        self.frequencies = (centres * finer + self._lines).reshape(-1) / (finer * self._window)
        """The carrier that each bin stands for, in cycles a sample, evenly spaced, float64 (bins,)."""

    def of(self, samples: NDArray[np.complex64], hop: int) -> NDArray[np.float32]:
        """The amplitudes, float32 (n, bins), of the n windows that begin every hop samples and are whole."""
        return np.stack([self._banked(window) for window in _windows(samples, self._window, hop)])

    def _banked(self, window: NDArray[np.complex64]) -> NDArray[np.float32]:
        bands = np.fft.fft(window)[self._taken].astype(np.complex64)
        sizes = np.abs(bands) + np.float32(1e-30)
        bands *= np.minimum(self._response, self._response * _SPUR * np.median(sizes, axis=1, keepdims=True) / sizes)
        padded = np.zeros((len(bands), self._size), np.complex64)
        padded[:, self._slots] = bands
        powers = np.square(np.fft.ifft(padded))
        powers = np.square(powers) if self.power == 4 else powers
        return np.asarray(np.abs(np.fft.fft(powers * self._taper, self._size * _PADDING)[:, self._lines])).reshape(-1)


def _windows(samples: NDArray[np.complex64], size: int, hop: int) -> NDArray[np.complex64]:
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
