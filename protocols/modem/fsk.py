"""FSK, GFSK and MSK: from audio that an FM receiver has discriminated already, or from IQ.

IQ is filtered to the channel and discriminated. From there the signal is NRZ, and both ways are one: a filter matched
to the symbol, the offset that the carrier's error leaves taken away by a running mean, symbol timing, and the
offset that is left taken away once more by :mod:`protocols.modem.levels`, which knows the data and is not moved by
it: the first mean only has to put the slicer between both levels.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.channel_filter import ChannelFilter, block_ratio
from protocols.modem.demodulator import Demodulator, SoftBits
from protocols.modem.discriminator import Discriminator
from protocols.modem.levels import Levels
from protocols.modem.neighbours import DISCRIMINATOR_SHARE
from protocols.modem.pulses import boxcar, lowpass
from protocols.modem.running_mean import RunningMean
from protocols.modem.symbol_timing import CLOCK_ERROR, PER_SYMBOL, Symbols, SymbolTiming

_MEAN = 96
"""Symbols the first mean is taken over: so many random bits move it by a tenth of a level."""
_SPAN = 31
"""Blocks that the timing is averaged over: half a thousand symbols."""
_PULSE = 1.0
"""Symbols of the matched filter."""


class NrzSlicer:
    """The part behind the discriminator: an NRZ signal in, soft bits out."""

    def __init__(self, rate: float, baud: float, clock_error: float) -> None:
        per_symbol = block_ratio(rate / baud)
        self._step = per_symbol / PER_SYMBOL
        pulse = boxcar(_PULSE)
        self._matched = ChannelFilter(
            lambda t: pulse(t / float(per_symbol)), float(per_symbol) * (_PULSE / 2 + 0.125), self._step
        )
        self._mean = RunningMean(_MEAN * PER_SYMBOL)
        self._unlevelled = np.zeros(0, np.float32)
        self._timing = SymbolTiming(_SPAN, clock_error)
        self._levels = Levels(offset=True, share=DISCRIMINATOR_SHARE)

    def receive(self, signal: NDArray[np.float32]) -> SoftBits:
        """The bits that signal completes; places in samples of it."""
        filtered = np.concatenate((self._unlevelled, self._matched.receive(signal)))
        means = self._mean.receive(filtered[len(self._unlevelled) :])
        ready, self._unlevelled = filtered[: len(means)], filtered[len(means) :]
        symbols = self._timing.receive((ready - means).astype(np.float32))
        return self._levels.receive(Symbols(symbols.values, symbols.instants * float(self._step)))


class Fsk(Demodulator):
    """Two-level FSK of any shape."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = False,
        clock_error: float = CLOCK_ERROR,
        deviation: float | None = None,
    ) -> None:
        """Clock_error is the share by which baud may be off.

        Deviation, in Hz, is that of the levels from the carrier: of MSK a quarter of baud, which is the default. It is
        used for IQ alone, where it sets the channel's width by Carson's rule.
        """
        super().__init__(rate, baud, iq=iq)
        self._front: tuple[ChannelFilter, Discriminator] | None = None
        decimation = 1
        if iq:
            half = (baud / 4 if deviation is None else abs(deviation)) + baud / 2
            decimation = max(1, int(rate / max(4 * half, 6 * baud)))
            reach = 2.0 * rate / half / 2
            response = lowpass(1.2 * half / rate, reach)
            self._front = (ChannelFilter(response, reach, Fraction(decimation), of_complex=True), Discriminator())
        self._decimation = decimation
        self._slicer = NrzSlicer(rate / decimation, baud, clock_error)

    def _demodulate(self, page: NDArray[Any]) -> SoftBits:
        signal = page
        if self._front:
            channel, discriminator = self._front
            signal = discriminator.receive(channel.receive(page))
        bits = self._slicer.receive(signal)
        return SoftBits(bits.values, bits.places * self._decimation, bits.eb_n0)


MODEM = Fsk
