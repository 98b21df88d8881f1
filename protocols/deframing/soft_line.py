"""Line codes on soft bits: a decoded bit depends on two of the line and is as clear as the less clear of them."""

import numpy as np
from numpy.typing import NDArray

from protocols.coding.line_code import NRZ_M


class SoftDifferential:
    """Decodes NRZ-M or NRZ-S (see :mod:`protocols.coding.line_code`), from a level of zero."""

    def __init__(self, change: int = NRZ_M) -> None:
        """Change is the bit that a change of level stands for."""
        self._sign = np.float32(1.0 if change == NRZ_M else -1.0)
        self._before = np.full(1, -1, np.float32)

    def receive(self, levels: NDArray[np.float32]) -> NDArray[np.float32]:
        """As many bits, float32 (n,), positive for 1. Inverted levels give the same but for the first bit."""
        line = np.concatenate((self._before, levels))
        self._before = line[-1:]
        clear = self._sign * np.minimum(np.abs(line[1:]), np.abs(line[:-1]))
        return np.where((line[1:] > 0) ^ (line[:-1] > 0), clear, -clear)
