"""A centred running mean over a stream."""

import numpy as np
from numpy.typing import NDArray


class RunningMean:
    """Means over a window around each value, once the values after it are there."""

    def __init__(self, width: int) -> None:
        """Width is the values of the window; it is taken as odd."""
        self._half = width // 2
        self._held = np.zeros(self._half, np.float64)

    @property
    def delay(self) -> int:
        """How many of the last values have no mean yet."""
        return self._half

    def receive(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """The means that values complete, float64 (n,): of those ``delay`` before values and on."""
        held = np.concatenate((self._held, values))
        width = 2 * self._half + 1
        if len(held) < width:
            self._held = held
            return np.empty(0)
        sums = np.concatenate((np.zeros(1), np.cumsum(held)))
        self._held = held[len(held) - width + 1 :]
        return np.asarray((sums[width:] - sums[:-width]) / width)
