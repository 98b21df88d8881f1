"""BPSK and differential BPSK, from the audio of a single-sideband receiver or from IQ.

The signal is mixed to zero, its carrier followed (see :mod:`protocols.modem.carrier`), a matched filter (square root
raised cosine) and symbol timing give symbols, and their phase is turned onto the real axis. Differential decoding is
the product of each symbol with the one before, without any phase. The sign of all bits remains unknown: line codes
that do not mind, or a marker, settle it.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.carrier import CarrierFrequency, CarrierPhase
from protocols.modem.channel_filter import ChannelFilter, block_ratio
from protocols.modem.demodulator import Demodulator, SoftBits
from protocols.modem.levels import Levels
from protocols.modem.pulses import lowpass, root_raised_cosine
from protocols.modem.symbol_timing import CLOCK_ERROR, PER_SYMBOL, Symbols, SymbolTiming

ROLLOFF = 0.35
"""Of the matched filter, as in DVB-S (ETSI EN 300 421) and what gr-satellites assumes of all."""
_SPAN = 63  # blocks the timing is averaged over; small rolloffs leave a weak line
_REACH = 5.0  # symbols of the matched filter either way
_WINDOW = 128  # symbols a carrier's frequency is taken over: short enough for Doppler at 1200 baud


def audio_carrier(baud: float) -> float:
    """Where radio amateurs put the carrier in a recording's audio, in Hz, unless said otherwise."""
    return 1500.0 if baud <= 2400 else 12000.0


class Psk(Demodulator):
    """Binary phase shift keying."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = False,
        carrier: float | None = None,
        differential: bool = False,
        search: float = 0.5,
        clock_error: float = CLOCK_ERROR,
    ) -> None:
        """Carrier is in Hz: by default 0 for IQ, else 1500 up to 2400 baud and 12000 above.

        Search is how far the carrier may be from there, in symbol rates; clock_error the share by which baud may be
        off.
        """
        super().__init__(rate, baud, iq=iq)
        if carrier is None:
            carrier = 0.0 if iq else audio_carrier(baud)
        per_symbol = block_ratio(rate / baud)
        step = per_symbol / PER_SYMBOL
        self._step = float(step)
        half = (0.5 * (1 + ROLLOFF) + search) * baud / rate
        wide = 1.5 / half
        self._channel = ChannelFilter(lowpass(half, wide), wide, step, shift=carrier / rate or 1e-30, of_complex=iq)
        self._frequency = CarrierFrequency(_WINDOW * PER_SYMBOL, search / PER_SYMBOL)
        pulse = root_raised_cosine(ROLLOFF, _REACH)
        self._matched = ChannelFilter(
            lambda t: pulse(t / PER_SYMBOL), _REACH * PER_SYMBOL, Fraction(1), of_complex=True
        )
        self._timing = SymbolTiming(_SPAN, clock_error)
        self._phase = None if differential else CarrierPhase()
        self._before = np.zeros(1, np.complex64)
        self._levels = Levels(offset=False, share=0.0)

    def _demodulate(self, page: NDArray[Any]) -> SoftBits:
        samples = self._matched.receive(self._frequency.receive(self._channel.receive(page)))
        symbols = self._timing.receive(samples)
        symbols = Symbols(symbols.values, (symbols.instants - self._frequency.delay) * self._step)
        return self._levels.receive(self._phase.receive(symbols) if self._phase else self._multiplied(symbols))

    def _multiplied(self, symbols: Symbols) -> Symbols:
        """Each symbol multiplied with the one before, as real numbers of a symbol's size."""
        held = np.concatenate((self._before, symbols.values))
        self._before = held[-1:]
        product = held[1:] * held[:-1].conj()
        return Symbols((product.real / np.sqrt(np.abs(product) + 1e-30)).astype(np.float32), symbols.instants)


MODEM = Psk
