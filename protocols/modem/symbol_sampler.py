"""The samples of each symbol out of a baseband, once a discriminator's symbols tell where they are and how far the
carrier is off: the discriminator's own mean tells roughly, and its decisions, which data do not move, the rest.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.modem.delay_line import DelayLine
from protocols.modem.running_mean import RunningMean
from protocols.modem.symbol_timing import Symbols
from protocols.modem.turns import turns

_WIDTH = 128
"""Symbols over which the offset is measured: its error then turns the phase by some degrees a symbol."""


_LEAST = 1e-20  # power that counts as some


class SymbolSampler:
    """Takes so many samples out of each symbol and turns the carrier's offset away."""

    def __init__(self, per_symbol: int, taken: int) -> None:
        """Of per_symbol samples in a symbol of the baseband so many are taken, evenly apart."""
        self._places = ((np.arange(taken) + 0.5) / taken - 0.5) * per_symbol
        self._baseband = DelayLine()
        self._size, self._offset = RunningMean(_WIDTH), RunningMean(_WIDTH)
        self._size_weight, self._offset_weight = RunningMean(_WIDTH), RunningMean(_WIDTH)
        self._unsized = np.zeros((4, 0))
        self._unset = np.zeros(0)
        self._before = np.zeros(3)  # of the last symbol: instant, offset, phase
        self.offset = np.nan
        """The newest offset, in cycles a sample."""

    def receive(
        self, baseband: NDArray[np.complex64], symbols: Symbols, means: NDArray[np.float64]
    ) -> tuple[NDArray[np.complex64], NDArray[np.float64]]:
        """Samples, complex64 (n, taken), and instants (n,) of the symbols that all this completes.

        Symbols are a discriminator's, in cycles a sample of the baseband, less the means. They count by their power:
        what noise before a burst would be is weaker, and not as wrong as it is loud.
        """
        self._baseband.receive(baseband)
        middles = self._baseband.at(symbols.instants)
        weights = np.square(middles.real, dtype=np.float64) + np.square(middles.imag)
        sizes = self._size.receive(weights * np.abs(symbols.values)) / np.maximum(
            self._size_weight.receive(weights), _LEAST
        )
        fresh = np.stack((symbols.values, symbols.instants, means, weights))
        fresh = np.concatenate((self._unsized, fresh), axis=1)
        self._unsized = fresh[:, len(sizes) :]
        values, instants, means, weights = fresh[:, : len(sizes)]
        offsets = self._offset.receive(weights * (values + means - np.copysign(sizes, values)))
        strengths = np.maximum(self._offset_weight.receive(weights), _LEAST)
        offsets /= strengths
        instants = np.concatenate((self._unset, instants))
        instants, self._unset = instants[: len(offsets)], instants[len(offsets) :]
        if not len(offsets):
            return np.empty((0, len(self._places)), np.complex64), instants
        self.offset = float(np.average(offsets, weights=strengths))
        samples = self._baseband.at(instants[:, np.newaxis] + self._places)
        self._baseband.forget(instants[-1])
        return samples * self._turns(instants, offsets), instants

    def _turns(self, instants: NDArray[np.float64], offsets: NDArray[np.float64]) -> NDArray[np.complex64]:
        """What turns the offsets away, for each sample of each symbol."""
        before, last, phase = self._before
        steps = np.diff(instants, prepend=before) * (offsets + np.concatenate(((last,), offsets[:-1]))) / 2
        phases = (phase + np.cumsum(steps)) % 1.0
        self._before = np.array((instants[-1], offsets[-1], phases[-1]))
        return turns(-phases[:, np.newaxis] - offsets[:, np.newaxis] * self._places)
