"""The frequency pulse of continuous-phase FSK: a rectangle of one symbol, through a Gaussian filter if there is one."""

from math import erf, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

_TAILS = 5.0  # standard deviations of the Gaussian that a pulse reaches beyond its symbol


class FrequencyPulse:
    """A symbol's frequency and the integral of it, at times in symbols around its middle."""

    def __init__(self, bt: float | None) -> None:
        """Bt is the bandwidth (-3 dB) of the Gaussian filter times the symbol's length, None for no filter."""
        self._sigma = sqrt(log(2)) / (2 * pi * bt) if bt else 0.0
        self.reach = 0.5 + _TAILS * self._sigma
        """How far from its middle it is over."""

    def frequency(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 where the filter leaves it alone; its integral is 1."""
        if not self._sigma:
            return np.where(np.abs(t) <= 0.5, 1.0, 0.0)
        return _below((t + 0.5) / self._sigma) - _below((t - 0.5) / self._sigma)

    def phase(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """The integral up to t, 0 to 1."""
        if not self._sigma:
            return np.clip(t + 0.5, 0, 1)
        late, early = (t + 0.5) / self._sigma, (t - 0.5) / self._sigma
        return self._sigma * (late * _below(late) + _normal(late) - early * _below(early) - _normal(early))


def _normal(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-np.square(x) / 2) / sqrt(2 * pi))


def _below(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of a normal distribution below x."""
    return np.array([0.5 + 0.5 * erf(each / sqrt(2)) for each in x.flat]).reshape(x.shape)
