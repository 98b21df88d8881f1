"""G3RUH's self-synchronising scrambler, x^17 + x^12 + 1 (J. Miller, "9600 baud packet radio modem design", 1988), on
soft bits: each descrambled bit depends on three of the stream and is as clear as the least clear of them.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.coding.scrambler import G3RUH

_SHORT, _LONG = G3RUH
FILL = np.tile(np.array((1, 0), np.uint8), 12)
"""Bits to send first, by which a receiver's register of 17 is filled before what matters begins."""


class SoftDescrambler:
    """Descrambles a stream of soft bits, positive for 1."""

    def __init__(self) -> None:
        self._before = np.full(_LONG, -1, np.float32)

    def receive(self, bits: NDArray[np.float32]) -> NDArray[np.float32]:
        """As many descrambled bits, float32 (n,). Inverted bits give inverted bits."""
        line = np.concatenate((self._before, bits))
        self._before = line[-_LONG:]
        first, second, third = line[_LONG:], line[_LONG - _SHORT : -_SHORT], line[:-_LONG]
        clear = np.minimum(np.minimum(np.abs(first), np.abs(second)), np.abs(third))
        odd = (first > 0) ^ (second > 0) ^ (third > 0)
        return np.where(odd, clear, -clear)
