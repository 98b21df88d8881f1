"""An NRZ signal, as it is behind a discriminator: symbols and soft bits.

A filter matched to the symbol, the offset that the carrier's error leaves taken away by a running mean, symbol timing,
and the offset that is left taken away once more by :mod:`protocols.modem.levels`, which knows the data and is not moved
by it: the first mean only has to put the slicer between both levels.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.modem.channel_filter import ChannelFilter, block_ratio
from protocols.modem.delay_line import DelayLine
from protocols.modem.demodulator import SoftBits
from protocols.modem.levels import Levels
from protocols.modem.neighbours import DISCRIMINATOR_SHARE
from protocols.modem.pulses import boxcar
from protocols.modem.running_mean import RunningMean
from protocols.modem.symbol_timing import PER_SYMBOL, Symbols, SymbolTiming

_MEAN = 96
"""Symbols the first mean is taken over: so many random bits move it by a tenth of a level."""
_SPAN = 31
"""Blocks that the timing is averaged over: half a thousand symbols."""
_LIMIT = 0.7
"""Of the effective value, what of a sample counts for the timing: clicks then do not (worth 3 dB there, measured)."""
_PULSE = 1.0
"""Symbols of the matched filter."""


_LEAST = 1e-20  # power that counts as some


class NrzTiming:
    """Where the symbols are, and what they are without the mean of those around."""

    def __init__(self, per_symbol: float, clock_error: float) -> None:
        """Per_symbol is the samples of a symbol; clock_error the share by which that may be off."""
        ratio = block_ratio(per_symbol)
        pulse, reach = boxcar(_PULSE), float(ratio) * (_PULSE / 2 + 0.125)
        self._step = float(ratio / PER_SYMBOL)
        self._matched = ChannelFilter(lambda t: pulse(t / float(ratio)), reach, ratio / PER_SYMBOL)
        self._mean = RunningMean(_MEAN * PER_SYMBOL)
        self._weight = RunningMean(_MEAN * PER_SYMBOL)
        self._strength = ChannelFilter(lambda t: pulse(t / float(ratio)), reach, ratio / PER_SYMBOL)
        self._unlevelled = np.zeros(0, np.float32)
        self._means = DelayLine()
        self._timing = SymbolTiming(_SPAN, clock_error, limit=_LIMIT)

    def receive(
        self, signal: NDArray[np.float32], strength: NDArray[np.float32] | None = None
    ) -> tuple[Symbols, NDArray[np.float64]]:
        """The symbols that signal, float32 (n,), completes, instants in its samples; and the mean taken from each.

        Strength is the power that samples were discriminated at: the mean then is that of what is strong.
        """
        fresh = self._matched.receive(signal)
        filtered = np.concatenate((self._unlevelled, fresh))
        if strength is None:
            means = self._mean.receive(fresh)
        else:
            weights = self._strength.receive(strength).astype(np.float64)
            means = self._mean.receive(fresh * weights) / np.maximum(self._weight.receive(weights), _LEAST)
        ready, self._unlevelled = filtered[: len(means)], filtered[len(means) :]
        self._means.receive(means)
        symbols = self._timing.receive((ready - means).astype(np.float32))
        taken = self._means.at(symbols.instants)
        if len(taken):
            self._means.forget(symbols.instants[-1])
        return Symbols(symbols.values, symbols.instants * self._step), taken


class NrzSlicer:
    """Soft bits of an NRZ signal."""

    def __init__(self, per_symbol: float, clock_error: float) -> None:
        """As for :class:`NrzTiming`."""
        self._timing = NrzTiming(per_symbol, clock_error)
        self._levels = Levels(offset=True, share=DISCRIMINATOR_SHARE)
        self.offset = self.size = np.nan
        """Of the newest symbols, the middle between both levels and the distance of these from it."""

    def receive(self, signal: NDArray[np.float32], strength: NDArray[np.float32] | None = None) -> SoftBits:
        """The bits that signal completes; places in samples of it. Strength is as for :class:`NrzTiming`."""
        symbols, means = self._timing.receive(signal, strength)
        if len(means):
            # Medians: noise before and behind a burst is loud.
            self.size = float(np.median(np.abs(symbols.values)))
            self.offset = float(np.median(symbols.values + means - np.copysign(self.size, symbols.values)))
        return self._levels.receive(symbols)
