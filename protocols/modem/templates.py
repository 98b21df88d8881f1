"""The signals that a few bits of continuous-phase FSK can make, and what of each is in the samples received."""

import numpy as np
from numpy.typing import NDArray

from protocols.modem.frequency_pulse import FrequencyPulse
from protocols.modem.product import product_with_rows

_FINE = 16
"""Points that a sample of a signal is averaged over, as the channel's filter does."""


class Templates:
    """All signals of so many symbols, from a phase of zero on.

    Rows are numbered by their bits: the middle one is the most significant, then come the others in their order.
    """

    def __init__(self, symbols: int, around: int, pulse: FrequencyPulse, index: float, per_symbol: int) -> None:
        """Around is the bits known on either side; what lies beyond is taken as no frequency."""
        count = symbols + 2 * around
        order = [count // 2, *(number for number in range(count) if number != count // 2)]
        bits = np.empty((1 << count, count), np.int64)
        bits[:, order] = np.arange(1 << count)[:, np.newaxis] >> np.arange(count)[::-1] & 1
        edges = np.arange(symbols * per_symbol * _FINE + 1) / (per_symbol * _FINE)
        middles = np.arange(count) - around + 0.5
        phases = (2 * bits - 1) @ pulse.phase(edges - middles[:, np.newaxis]) * (np.pi * index)
        phases -= phases[:, :1]
        fine = np.exp(0.5j * (phases[:, 1:] + phases[:, :-1]))
        self.signals = fine.reshape(len(fine), -1, _FINE).mean(axis=2)
        """Complex128 (rows, symbols * per_symbol)."""
        self.turns = phases[:, -1] / (2 * np.pi)
        """The phase that each ends with, in cycles, float64 (rows,)."""


class Correlator:
    """Holds samples against signals: a product of matrices of real numbers, whose parts are summed in one pass."""

    def __init__(self, signals: NDArray[np.complex128]) -> None:
        """Signals are complex (rows, width)."""
        real = np.stack((signals.real, signals.imag), axis=-1)
        imaginary = np.stack((-signals.imag, signals.real), axis=-1)
        self._matrix = np.stack((real, imaginary)).reshape(2 * len(signals), -1).astype(np.float32)

    def receive(self, windows: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Real and imaginary parts of the correlation of each signal with each of windows (n, width): (2, rows, n)."""
        parts = product_with_rows(self._matrix, windows.view(np.float32))
        return np.asarray(parts.reshape(2, -1, len(windows)))


def windows(samples: NDArray[np.complex64], symbols: int, more: int = 0) -> NDArray[np.complex64]:
    """The samples (n, per_symbol) of so many symbols from each on, and room for more: (n - symbols + 1, width)."""
    count, per_symbol = len(samples) - symbols + 1, samples.shape[1]
    made = np.zeros((count, symbols * per_symbol + more), np.complex64)
    for number in range(symbols):
        made[:, number * per_symbol : (number + 1) * per_symbol] = samples[number : number + count]
    return made


def difference(correlations: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much larger the largest of those whose middle bit is 1 is than that of the others, (n,)."""
    squares = np.square(correlations)
    powers = np.add(squares[0], squares[1], out=squares[0])
    half = len(powers) // 2
    return np.asarray(np.sqrt(powers[half:].max(axis=0)) - np.sqrt(powers[:half].max(axis=0)))


def known(
    correlations: NDArray[np.float32], bits: NDArray[np.int64]
) -> tuple[NDArray[np.complex64], NDArray[np.int64]]:
    """Of correlations of symbols among known neighbours, (2, 8, n), those that n + 2 bits tell; and their rows."""
    rows = 4 * bits[1:-1] + 2 * bits[:-2] + bits[2:]
    real, imaginary = correlations[:, rows, np.arange(len(rows))]
    made = np.empty(len(rows), np.complex64)
    made.real, made.imag = real, imaginary
    return made, rows
