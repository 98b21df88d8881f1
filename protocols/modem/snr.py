"""Eb/N0 from the soft symbols themselves, by their second and fourth moments (M2M4).

For real antipodal symbols of power S in real Gaussian noise of power N: M2 = S + N and M4 = S^2 + 6 S N + 3 N^2, hence
S = sqrt((3 M2^2 - M4) / 2); and Eb/N0 = S / 2N. D. R. Pauluzzi, N. C. Beaulieu, "A comparison of SNR estimation
techniques for the AWGN channel", IEEE Trans. Comm. 48(10), 2000. Behind a discriminator it is the Eb/N0 that antipodal
signalling would need for the same eye.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK = 128
"""Symbols an estimate is taken over."""
_LEAST, _MOST = -10.0, 40.0  # dB; what a block of that size can tell apart


def eb_n0(symbols: NDArray[np.floating]) -> float:
    """Eb/N0 of real antipodal symbols, in dB, -10 to 40. Silence gives -10."""
    return float(_estimates(np.asarray(symbols)[np.newaxis])[0]) if len(symbols) else _LEAST


def _estimates(blocks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Eb/N0 of each of blocks of symbols (n, block), in dB, float64 (n,)."""
    squares = np.square(blocks, dtype=np.float64)
    second = squares.mean(axis=1)
    fourth = np.square(squares).mean(axis=1)
    signal = np.sqrt(np.maximum(0.0, (3 * second**2 - fourth) / 2))
    noise = np.maximum(second - signal, second * 1e-6)
    ratio = signal / np.where(noise > 0, 2 * noise, 1)  # of silence, nothing
    return np.asarray(np.clip(10 * np.log10(np.maximum(ratio, 1e-6)), _LEAST, _MOST))


class EbN0Meter:
    """The running estimate for a stream of symbols."""

    def __init__(self) -> None:
        self._recent = np.zeros(0)

    def receive(self, symbols: NDArray[np.floating]) -> NDArray[np.float32]:
        """The estimate at each symbol, in dB, float32 (n,): over the block that ends with the piece it lies in."""
        whole = len(symbols) // BLOCK * BLOCK
        estimates = np.repeat(_estimates(symbols[:whole].reshape(-1, BLOCK)), BLOCK)
        self._recent = np.concatenate((self._recent, symbols[-BLOCK:]))[-BLOCK:]
        last = np.full(len(symbols) - whole, eb_n0(self._recent))
        return np.concatenate((estimates, last)).astype(np.float32)
