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
    squares = np.square(symbols, dtype=np.float64)
    if not len(squares) or not (second := float(squares.mean())):
        return _LEAST
    fourth = float(np.square(squares).mean())
    signal = float(np.sqrt(max(0.0, (3 * second**2 - fourth) / 2)))
    noise = max(second - signal, second * 1e-6)
    return float(np.clip(10 * np.log10(max(signal / (2 * noise), 1e-6)), _LEAST, _MOST))


class EbN0Meter:
    """The running estimate for a stream of symbols."""

    def __init__(self) -> None:
        self._recent = np.zeros(0)

    def receive(self, symbols: NDArray[np.floating]) -> NDArray[np.float32]:
        """The estimate at each symbol, in dB, float32 (n,): over the block that ends with the piece it lies in."""
        estimates = np.empty(len(symbols), np.float32)
        for begin in range(0, len(symbols), BLOCK):
            piece = symbols[begin : begin + BLOCK]
            self._recent = np.concatenate((self._recent, piece))[-BLOCK:]
            estimates[begin : begin + BLOCK] = eb_n0(self._recent)
        return estimates
