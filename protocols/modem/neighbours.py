"""Takes out of each symbol what its neighbours put into it.

Two things come over: the neighbours' data, where the transmitter's or the receiver's filter makes pulses longer than a
symbol; and their noise, since that of a discriminator is the change of a phase's noise, so that of symbols side by side
is partly opposite. The data are known well enough from a first decision: how much of each neighbour's is in a symbol is
measured over some hundreds of symbols and taken away. What neighbours then still deviate from their levels is their
noise, of which a share is added. On GMSK both together are worth 1 to 1.5 dB at one error in a thousand (measured).
"""

import numpy as np
from numpy.typing import NDArray

from protocols.modem.symbol_timing import Symbols

_WIDTH = 256
"""Symbols over which it is measured: the measure is then uncertain by a twentieth of the noise."""
DISCRIMINATOR_SHARE = 0.15
"""Of the neighbours' deviation that is added behind a discriminator: 0.1 to 0.2 serve alike (measured)."""
_MOST = 1.5  # deviation that counts: beyond it the decision was wrong or the symbol a click
_REACH = _WIDTH // 2 + 2


class NeighbourCanceller:
    """Cleans a stream of symbols of two levels, -1 and 1."""

    def __init__(self, share: float) -> None:
        """Share is that of the neighbours' noise to add: 0 where noise of neighbours is independent."""
        self._share = share
        self._held = Symbols(np.zeros(_REACH), np.full(_REACH, -1.0))

    def receive(self, symbols: Symbols) -> Symbols:
        """The real symbols, cleaned, that symbols complete."""
        values = np.concatenate((self._held.values, symbols.values))
        instants = np.concatenate((self._held.instants, symbols.instants))
        keep = max(0, len(values) - 2 * _REACH)
        self._held = Symbols(values[keep:], instants[keep:])
        if not keep:
            return Symbols(np.empty(0), np.empty(0))
        return Symbols(self._cleaned(values), instants[_REACH:-_REACH])

    def _cleaned(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values but for _REACH on either side."""
        signs = np.where(values > 0, 1.0, -1.0)
        before, here, after = signs[:-2], signs[1:-1], signs[2:]
        errors = values[1:-1] - here
        inner = slice(_WIDTH // 2, -(_WIDTH // 2))
        leaked = _means(errors * before) * before[inner] + _means(errors * after) * after[inner]
        noise = np.clip(errors[inner] - leaked, -_MOST, _MOST)
        cleaned = values[1:-1][inner] - leaked
        return np.asarray(cleaned[1:-1] + self._share * (noise[:-2] + noise[2:]))


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over _WIDTH + 1 values around each, but for _WIDTH / 2 on either side."""
    sums = np.concatenate((np.zeros(1), np.cumsum(values)))
    return np.asarray((sums[_WIDTH + 1 :] - sums[: -_WIDTH - 1]) / (_WIDTH + 1))
