"""BPSK and differential BPSK, from the audio of a single-sideband receiver or from IQ.

At zero frequency and behind its matched filter (see :mod:`protocols.modem.baseband`) symbol timing gives the signal's
symbols, and their phase is turned onto the real axis. Differential decoding is the product of each symbol with the one
before, without any phase; of split-phase bits it is that of whole bits, behind the line code. The sign of all bits
remains unknown: line codes that do not mind, or a marker, settle it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.baseband import LONGEST_DELAY, Baseband, audio_carrier
from protocols.modem.carrier import CarrierPhase
from protocols.modem.demodulator import Demodulator, SoftBits
from protocols.modem.levels import Levels
from protocols.modem.split_phase import SplitPhase
from protocols.modem.symbol_timing import CLOCK_ERROR, Symbols, SymbolTiming

TIMING_SPAN = 63
"""Blocks the timing of PSK is averaged over: small rolloffs leave a weak line."""


class Psk(Demodulator):
    """Binary phase shift keying."""

    WIDTH = LONGEST_DELAY + 2048

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = False,
        carrier: float | None = None,
        differential: bool = False,
        manchester: bool = False,
        pulse: str = "rrc",
        search: float = 0.75,
        clock_error: float = CLOCK_ERROR,
    ) -> None:
        """Carrier is in Hz: by default 0 for IQ, else 1500 up to 2400 baud and 12000 above.

        With manchester a bit is two symbols of opposite levels (BPSK-SP), and baud counts bits. Pulse is rrc, or nrz
        for a transmitter that does not filter. Search is how far the carrier may be from where it should, in symbol
        rates; clock_error the share by which baud may be off. Raises DeclarationError on what cannot be.
        """
        super().__init__(rate, baud, iq=iq)
        carrier = audio_carrier(baud, iq=iq) if carrier is None else carrier
        split = 2 if manchester else 1
        self._baseband = Baseband(
            rate, split * baud, iq=iq, carrier=carrier, search=search / split, pulse=pulse, power=2, split=split
        )
        self._timing = SymbolTiming(TIMING_SPAN, clock_error)
        self._differential = differential
        self._phase = None if differential and not manchester else CarrierPhase(2, split)
        self._before = np.zeros(1, np.float32 if manchester else np.complex64)
        self._levels = Levels(offset=False, share=0.0)
        self._split_phase = SplitPhase() if manchester else None

    @property
    def carrier_offset(self) -> float:
        """How far the carrier now is from where it was expected, in Hz; NaN before it was found."""
        return self._baseband.carrier_offset

    def _demodulate(self, page: NDArray[Any]) -> SoftBits:
        symbols = self._timing.receive(self._baseband.receive(page))
        symbols = Symbols(symbols.values, self._baseband.places(symbols.instants))
        if self._phase:
            turned = self._phase.receive(symbols)
        else:
            turned = Symbols(self._multiplied(symbols.values), symbols.instants)
        bits = self._levels.receive(Symbols(turned.values.real, turned.instants))
        if not self._split_phase:
            return bits
        bits = self._split_phase.receive(bits)  # halves differ by their line code: whole bits alone can be compared
        return SoftBits(self._multiplied(bits.values), bits.places, bits.eb_n0) if self._differential else bits

    def _multiplied(self, values: NDArray[Any]) -> NDArray[Any]:
        """Each of symbols or bits, (n,), multiplied with the one before, as numbers of their size."""
        held = np.concatenate((self._before, values))
        self._before = held[-1:]
        product = held[1:] * held[:-1].conj()
        return np.asarray(product / np.sqrt(np.abs(product) + 1e-30), values.dtype)


MODEM = Psk
