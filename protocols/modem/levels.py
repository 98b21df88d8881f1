"""From symbols to soft bits: the two levels are followed, and symbols given in units of their distance from zero."""

import numpy as np
from numpy.typing import NDArray

from protocols.modem.demodulator import SoftBits
from protocols.modem.neighbours import NeighbourCanceller
from protocols.modem.running_mean import RunningMean
from protocols.modem.snr import EbN0Meter
from protocols.modem.symbol_timing import Symbols

_WIDTH = 48
"""Symbols over which the levels are followed: shorter than a burst's preamble and header."""
_CLEAR = 4.0
"""Soft bits are limited to this, lest noise between bursts outweighs a burst in a decoder."""


class Levels:
    """Makes soft bits of symbols with two levels."""

    def __init__(self, *, offset: bool, share: float) -> None:
        """Offset says whether the levels' mean may be other than zero and is to be taken away.

        It is the mean of what symbols differ from their nearest level, so the data do not move it. Share is that of
        their neighbours' noise to take (see :mod:`protocols.modem.neighbours`).
        """
        self._size = RunningMean(_WIDTH)
        self._offset = RunningMean(_WIDTH) if offset else None
        self._neighbours = NeighbourCanceller(share)
        self._meter = EbN0Meter()
        self._unsized = np.zeros((2, 0))
        self._unset = np.zeros((3, 0))

    def receive(self, symbols: Symbols) -> SoftBits:
        """The soft bits that real symbols complete; places are the symbols' instants."""
        sizes = self._size.receive(np.abs(symbols.values))
        fresh, self._unsized = _split(self._unsized, np.stack((symbols.values, symbols.instants)), len(sizes))
        values, instants = fresh
        if self._offset is not None:
            offsets = self._offset.receive(values - np.copysign(sizes, values))
            fresh, self._unset = _split(self._unset, np.stack((values, instants, sizes)), len(offsets))
            values, instants, sizes = fresh
            values = values - offsets
        levelled = np.clip(values / (sizes + 1e-12), -_CLEAR, _CLEAR)
        cleaned = self._neighbours.receive(Symbols(levelled, instants))
        soft = cleaned.values.astype(np.float32)
        return SoftBits(soft, cleaned.instants, self._meter.receive(soft))


def _split(
    held: NDArray[np.float64], fresh: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first count columns of both one after the other, and the rest."""
    both = np.concatenate((held, fresh), axis=1)
    return both[:, :count], both[:, count:]
