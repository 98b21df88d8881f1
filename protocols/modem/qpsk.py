"""QPSK, from IQ or from the audio of a single-sideband receiver: two bits a symbol, I then Q, positive for 1.

It is received as BPSK is, with fourth powers in the place of squares: they have no data left, but of noise four times
as much, so what they are averaged over is longer. Any of four phases may then be the right one. A quarter of a turn
from it I and Q change places and one of them its sign: these bits are the second reading (see ``readings``), and the
deframers, which do not mind the sign of all, try both. Differential decoding leaves one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.baseband import LONGEST_DELAY, Baseband, audio_carrier
from protocols.modem.carrier import CarrierPhase
from protocols.modem.demodulator import Demodulator, SoftBits
from protocols.modem.levels import Levels
from protocols.modem.psk import TIMING_SPAN
from protocols.modem.symbol_timing import CLOCK_ERROR, Symbols, SymbolTiming


class Qpsk(Demodulator):
    """Quaternary phase shift keying."""

    WIDTH = LONGEST_DELAY + 2048

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = False,
        carrier: float | None = None,
        differential: bool = False,
        pulse: str = "rrc",
        search: float = 0.5,
        clock_error: float = CLOCK_ERROR,
    ) -> None:
        """Baud counts symbols. Carrier is in Hz: by default 0 for IQ, else 1500 up to 2400 baud and 12000 above.

        Differential tells that changes of phase are sent: none for 11, a quarter of a turn ahead for 01, half a turn
        for 00, a quarter back for 10. Pulse is rrc, or nrz for a transmitter that does not filter. Search is how far
        the carrier may be from where it should, in symbol rates; clock_error the share by which baud may be off.
        Raises DeclarationError on what cannot be.
        """
        super().__init__(rate, baud, iq=iq)
        carrier = audio_carrier(baud, iq=iq) if carrier is None else carrier
        self._baseband = Baseband(rate, baud, iq=iq, carrier=carrier, search=search, pulse=pulse, power=4)
        self._timing = SymbolTiming(TIMING_SPAN, clock_error)
        self._phase = CarrierPhase(4)
        self._axes = [Levels(offset=False, share=0.0) for _ in range(2)]
        self._differential = differential
        self._before = np.ones(2, np.float32)  # I and Q of the last symbol, if differential

    @property
    def carrier_offset(self) -> float:
        """How far the carrier now is from where it was expected, in Hz; NaN before it was found."""
        return self._baseband.carrier_offset

    def readings(self, values: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """The bits received in one call, as they are and as they are a quarter of a turn on: of either, any sign."""
        if self._differential:
            return (values,)
        turned = values.reshape(-1, 2)[:, ::-1] * np.array((1, -1), np.float32)
        return values, turned.reshape(-1)

    def _demodulate(self, page: NDArray[Any]) -> SoftBits:
        symbols = self._phase.receive(self._timing.receive(self._baseband.receive(page)))
        return self._bits(symbols, 0.0)

    def _bits(self, symbols: Symbols, stagger: float) -> SoftBits:
        """The bits of symbols whose Q is stagger matched samples later than their I."""
        parts = (symbols.values.real, 0.0), (symbols.values.imag, stagger)
        first, second = (
            axis.receive(Symbols(values, self._baseband.places(symbols.instants + late)))
            for axis, (values, late) in zip(self._axes, parts, strict=True)
        )
        values = np.stack((first.values, second.values), axis=1)
        values = self._changes(values) if self._differential else values
        places = np.stack((first.places, second.places), axis=1)
        eb_n0 = np.stack((first.eb_n0, second.eb_n0), axis=1)
        whole = places[:, 0] >= 0  # of what a later stage cuts off, both bits
        return SoftBits(values[whole].reshape(-1), places[whole].reshape(-1), eb_n0[whole].reshape(-1))

    def _changes(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of I and Q, float32 (n, 2), how they turned since the symbol before, by its decided phase."""
        held = np.concatenate((self._before[np.newaxis], values))
        self._before = held[-1]
        before = np.where(held[:-1] > 0, 1, -1)
        along = (values * before).sum(axis=1) / 2
        across = (values[:, 1] * before[:, 0] - values[:, 0] * before[:, 1]) / 2
        return np.stack((along - across, along + across), axis=1).astype(np.float32)


MODEM = Qpsk
