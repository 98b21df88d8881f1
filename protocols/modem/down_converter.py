"""From the band of an IQ receiver to one channel: its carrier at zero, at the sample rate that demodulating needs.

A first filter, as coarse as aliases allow, mixes the carrier down and takes most of the samples away; where the
carrier is only known roughly it is looked for in what is left (see :mod:`protocols.modem.carrier_search`); the second
filter is the channel's own.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.carrier_search import CarrierSearch
from protocols.modem.channel_filter import ChannelFilter, block_ratio
from protocols.modem.pulses import lowpass

_COARSE_REACH = 4.0
"""Outputs of the first filter that its response reaches either way: it passes a quarter of their rate untouched."""


class DownConverter:
    """One channel out of a band."""

    def __init__(
        self, rate: float, baud: float, per_symbol: int, half: float, *, carrier: float = 0.0, search: float = 0.0
    ) -> None:
        """Per_symbol samples a symbol come out, of a channel that reaches half, in Hz, to either side of the carrier.

        Carrier is in Hz from the band's middle, and search how far it may be from there. Raises DeclarationError on a
        channel that does not lie in the band.
        """
        if not search >= 0 or not abs(carrier) + search < rate / 2:
            problem = f"the band is {rate:g} Hz wide; give a carrier and a search that lie within, in Hz"
            raise DeclarationError(f"carrier {carrier:g}, search {search:g}", problem)
        kept = 2.2 * half + search
        decimation = _decimation(max(1, int(rate / (_COARSE_REACH * kept))), rate / baud / per_symbol)
        self._rate = rate / decimation
        self._coarse: ChannelFilter | None = None
        shift = carrier / rate
        if decimation > 1 or (search and shift):
            response = lowpass(0.5 / decimation, _COARSE_REACH * decimation)
            reach = _COARSE_REACH * decimation
            self._coarse = ChannelFilter(response, reach, Fraction(decimation), shift=shift, of_complex=True)
            shift = 0.0
        self._search = CarrierSearch(self._rate / baud, half / baud, search / baud) if search else None
        reach = self._rate / half
        step = block_ratio(self._rate / baud) / per_symbol
        response = lowpass(min(1.2 * half / self._rate, 0.5), reach)
        self._channel = ChannelFilter(response, reach, step, shift=shift, of_complex=True)
        self.step = float(step) * decimation
        """Samples that came in for each that goes out."""
        self.delay = self._search.delay * decimation if self._search else 0
        """Samples, of those that came in, by which the first that goes out lags behind the first that came in."""

    @property
    def offset(self) -> float:
        """How far from its place the carrier was found to be, in Hz."""
        return self._search.offset * self._rate if self._search else 0.0

    def receive(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The samples of the channel that samples of the band, complex64 (n,), complete."""
        if self._coarse:
            samples = self._coarse.receive(samples)
        if self._search:
            samples = self._search.receive(samples)
        return self._channel.receive(samples)


def _decimation(most: int, wanted: float) -> int:
    """At most so many, and at least half of them, such that what is left to wanted is as simple a ratio as can be."""
    ratios = {each: block_ratio(wanted / each) for each in range(most, max(0, most // 2 - 1), -1) if each}
    return min(ratios, key=lambda each: ratios[each].numerator * ratios[each].denominator)
