"""FSK of any shape: from audio that an FM receiver has discriminated already, or from IQ.

IQ is filtered to the channel and discriminated; from there the signal is NRZ, and both ways are one (see
:mod:`protocols.modem.nrz`). Where the deviation of IQ is known, that only tells where the symbols are and how far the
carrier is off; the bits are told by :mod:`protocols.modem.multi_symbol` from the samples before the discriminator.
"""

from math import ceil
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.modem.demodulator import PAGE_SYMBOLS, Demodulator, SoftBits
from protocols.modem.discriminator import Discriminator
from protocols.modem.down_converter import DownConverter
from protocols.modem.fine_carrier import FineCarrier
from protocols.modem.frequency_pulse import FrequencyPulse
from protocols.modem.multi_symbol import MultiSymbolDetector
from protocols.modem.nrz import NrzSlicer, NrzTiming
from protocols.modem.symbol_sampler import SymbolSampler
from protocols.modem.symbol_timing import CLOCK_ERROR, PER_SYMBOL

_PAGE = 1 << 17
"""Samples of IQ that are filtered at once, at most."""
_SURE = 3.0
"""Eb/N0 in dB that a quarter of a page has to have if it is to tell the carrier's offset."""
_WAIT = 0.1
"""Seconds for which symbols of IQ are gathered where that is more than a page: nobody feels it, and it costs less."""
MOST_INDEX = 3.0
"""Modulation index up to which symbols are detected together; beyond it a discriminator does as well."""


class Fsk(Demodulator):
    """Two-level FSK."""

    INDEX: ClassVar[float | None] = None
    """Modulation index, twice the deviation over the symbol rate, where the kind fixes it."""
    BT: ClassVar[float | None] = None
    """Bandwidth (-3 dB) of the Gaussian filter times the symbol's length, where the kind has one."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = False,
        clock_error: float = CLOCK_ERROR,
        deviation: float | None = None,
        bt: float | None = None,
        carrier: float = 0.0,
        search: float = 0.0,
    ) -> None:
        """Clock_error is the share by which baud may be off.

        Deviation, in Hz, is that of the levels from the carrier; a negative one swaps them. Where neither it nor the
        kind tells, a channel as wide as MSK's is taken and symbols are told one by one. Bt is that of the transmitter's
        Gaussian filter, None for the kind's own. All that matters to IQ alone, as do carrier, in Hz from the band's
        middle, and search, in Hz, which is how far it may be from there: more than a quarter of the symbol rate needs
        it. Raises DeclarationError on what does not fit the rate.
        """
        super().__init__(rate, baud, iq=iq)
        index = self.INDEX if deviation is None else 2 * deviation / baud
        self._deviation = deviation if index is None else index * baud / 2
        self._sign = np.float32(-1 if index and index < 0 else 1)
        self._front: tuple[DownConverter, Discriminator] | None = None
        self._together: tuple[NrzTiming, SymbolSampler, FineCarrier, MultiSymbolDetector] | None = None
        self._offset = np.nan
        self._gathered: list[NDArray[np.complex64]] = []
        per_symbol = rate / baud
        if iq:
            half = abs(index or 0.5) / 2 + 0.5
            per_symbol = PER_SYMBOL * ceil(4 * half / PER_SYMBOL)
            down = DownConverter(rate, baud, per_symbol, half * baud, carrier=carrier, search=search)
            self._front = down, Discriminator()
            self._page = min(self._page, _PAGE)
            self._symbols = max(PAGE_SYMBOLS, int(_WAIT * baud))
            self.WIDTH = Demodulator.WIDTH + self._symbols
            if index and abs(index) <= MOST_INDEX:
                taken = 4 if abs(index) <= 1 else 8
                pulse = FrequencyPulse(self.BT if bt is None else bt)
                self._together = (
                    NrzTiming(per_symbol, clock_error),
                    SymbolSampler(per_symbol, taken),
                    FineCarrier(pulse, index, taken),
                    MultiSymbolDetector(pulse, index, taken),
                )
        self._per_symbol = per_symbol
        self._slicer = NrzSlicer(per_symbol, clock_error)

    @property
    def carrier_offset(self) -> float:
        """Hz from where the carrier was expected, by the newest page with a signal; NaN before any.

        That of audio is told from its deviation, and NaN where that is not known.
        """
        return self._offset

    def _demodulate(self, page: NDArray[Any]) -> SoftBits:
        if not self._front:
            bits = self._slicer.receive(page * self._sign)
            return self._noted(bits, self._slicer.offset / (self._slicer.size + 1e-30) * (self._deviation or np.nan))
        down, discriminator = self._front
        self._gathered.append(down.receive(page))
        if sum(map(len, self._gathered)) < self._symbols * self._per_symbol:
            return SoftBits.none()
        baseband, self._gathered = np.concatenate(self._gathered), []
        bits, within = self._bits(baseband, discriminator.receive(baseband))
        # The discriminator's samples lie half a sample before those it takes.
        bits = SoftBits(bits.values, (bits.places - 0.5) * down.step - down.delay, bits.eb_n0)
        return self._noted(bits, down.offset + within * self.rate / down.step)

    def _noted(self, bits: SoftBits, offset: float) -> SoftBits:
        if len(bits) and np.percentile(bits.eb_n0, 75) > _SURE:
            self._offset = offset
        return bits

    def _bits(self, baseband: NDArray[np.complex64], signal: NDArray[np.float32]) -> tuple[SoftBits, float]:
        """The bits of a page, and the carrier's offset in cycles a sample of the baseband."""
        strength = np.square(baseband.real) + np.square(baseband.imag)
        if not self._together:
            return self._slicer.receive(signal * self._sign, strength), self._slicer.offset * float(self._sign)
        timing, sampler, fine, detector = self._together
        symbols, means = timing.receive(signal, strength)
        bits = detector.receive(*fine.receive(*sampler.receive(baseband, symbols, means)))
        return bits, sampler.offset + fine.offset / self._per_symbol


MODEM = Fsk
