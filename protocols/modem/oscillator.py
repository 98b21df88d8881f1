"""A carrier whose phase is counted in whole numbers, so that it is exact after any time and however it is cut.

Phase is held in units of 2^-64 cycles, which wrap by themselves: sample k of a frequency f and a drift d, both per
sample, has the phase ``k f + k (k - 1) / 2 d``.
"""

import numpy as np
from numpy.typing import NDArray

_CYCLE = 1 << 64


def fixed(cycles: float) -> np.uint64:
    """Cycles as a phase in whole numbers."""
    return np.uint64(round(cycles * _CYCLE) % _CYCLE)


def radians(phases: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Phases in whole numbers as angles, 0 to 2 pi, float64 (n,)."""
    return np.asarray((phases >> np.uint64(11)).astype(np.float64) * (2 * np.pi / (_CYCLE >> 11)))


class Oscillator:
    """Gives the phase of a carrier, sample after sample."""

    def __init__(self, frequency: float, drift: float = 0.0) -> None:
        """Frequency is in cycles a sample, drift its change in cycles a sample from each sample to the next."""
        self._frequency, self._drift = fixed(frequency), fixed(drift)
        self._sample = 0

    def angles(self, count: int) -> NDArray[np.float64]:
        """The phases of the next count samples, in radians, 0 to 2 pi, float64 (count,)."""
        one = np.uint64(1)
        numbers = np.arange(self._sample, self._sample + count, dtype=np.uint64)
        self._sample += count
        triangle = (numbers >> one) * ((numbers - one) | one)  # k (k - 1) / 2, without losing its highest bit
        phases = numbers * self._frequency + triangle * self._drift
        return radians(phases.astype(np.uint64, copy=False))

    def turns(self, count: int) -> NDArray[np.complex128]:
        """The carrier itself at the next count samples, complex128 (count,) of amplitude 1."""
        return phasors(self.angles(count))


def phasors(angles: NDArray[np.floating]) -> NDArray[np.complex128]:
    """Complex numbers of amplitude 1 at angles in radians, complex128 (n,)."""
    made = np.empty(len(angles), np.complex128)
    np.cos(angles, out=made.real)
    np.sin(angles, out=made.imag)
    return made
