"""BPSK, QPSK and OQPSK as they are sent: pulses on two axes, square root raised cosine or rectangles.

Of QPSK and OQPSK the bits go to I and Q in turn, I first, and 1 is positive on either axis: 11 is at 45 degrees, 01 at
135, 00 at 225 and 10 at 315, so that neighbours differ in one bit (Gray). Of OQPSK Q comes half a symbol after I. Baud
counts symbols, of two bits each.
"""

from math import sqrt
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.modulator import AUDIO, Modulator
from protocols.modem.oscillator import Oscillator
from protocols.modem.psk import ROLLOFF, audio_carrier
from protocols.modem.pulse_train import PulseTrain
from protocols.modem.pulses import Pulse, root_raised_cosine

PULSES = ("rrc", "nrz")
"""The pulses there are: square root raised cosine, and the rectangle of a transmitter that does not filter."""
_REACH = 10.0  # symbols of the square root raised cosine either way


class PhaseModulator(Modulator):
    """Symbols as pulses on a carrier; of audio, the carrier's real part."""

    STAGGER: ClassVar[float] = 0.0
    """Symbols by which Q is later than I."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = True,
        carrier: float | None = None,
        differential: bool = False,
        pulse: str = "rrc",
        rolloff: float = ROLLOFF,
    ) -> None:
        """Carrier is in Hz: by default 0 for IQ, else 1500 up to 2400 baud and 12000 above.

        Differential sends a 1 as no change of phase and a 0 as its opposite; pulse is one of PULSES. Raises
        DeclarationError on what cannot be.
        """
        if pulse not in PULSES:
            raise DeclarationError(f"pulse {pulse!r}", f"there is none of that name; use one of {', '.join(PULSES)}")
        if not 0 < rolloff <= 1:
            raise DeclarationError(f"rolloff {rolloff:g}", "give the share of the band in its edges, above 0 to 1")
        if carrier is None:
            carrier = 0.0 if iq else audio_carrier(baud)
        if not abs(carrier) < rate / 2:
            problem = f"does not fit {rate:g} samples/s; it has to be less than half of that"
            raise DeclarationError(f"carrier {carrier:g} Hz", problem)
        self._carrier_frequency, self._differential = carrier, differential
        self._pulse, reach = (root_raised_cosine(rolloff, _REACH), _REACH) if pulse == "rrc" else (_rectangle, 0.5)
        self._reach = reach + self.STAGGER / 2
        super().__init__(rate, baud, iq=iq)

    @property
    def first(self) -> float:  # noqa: D102 - see Modulator
        return (self._reach - self.STAGGER / 2) * self.rate / self.baud

    def _begin(self) -> None:
        self._trains = [
            PulseTrain(_delayed(self._pulse, delay), self._reach, self.baud / self.rate)
            for delay in (-self.STAGGER / 2, self.STAGGER / 2)[: self.BITS]
        ]
        self._carrier = Oscillator(self._carrier_frequency / self.rate)
        self._odd = np.zeros(0, np.uint8)  # bits of a symbol that is not whole yet
        self._state = np.zeros(1, np.uint8)  # of the symbol before, if differential

    def _modulate(self, bits: NDArray[np.uint8]) -> NDArray[Any]:
        bits = np.concatenate((self._odd, bits))
        whole = len(bits) // self.BITS * self.BITS
        self._odd = bits[whole:]
        axes = self._encoded(bits[:whole]).reshape(-1, self.BITS).T * 2.0 - 1.0
        return self._modulated([train.receive(axis) for train, axis in zip(self._trains, axes, strict=True)])

    def _finish(self) -> NDArray[Any]:
        last = self._modulate(np.zeros(-len(self._odd) % self.BITS, np.uint8))
        return np.concatenate((last, self._modulated([train.finish() for train in self._trains])))

    def _encoded(self, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if not self._differential:
            return bits
        states = np.bitwise_xor.accumulate(np.concatenate((self._state, bits ^ 1)))
        self._state = states[-1:]
        return np.asarray(states[1:])

    def _modulated(self, axes: list[NDArray[np.float64]]) -> NDArray[Any]:
        signal: NDArray[Any] = axes[0] if len(axes) == 1 else (axes[0] + 1j * axes[1]) / sqrt(2)
        if not self.iq:
            angles = self._carrier.angles(len(signal))
            return np.asarray((signal.real * np.cos(angles) - signal.imag * np.sin(angles)) * AUDIO)
        return signal * self._carrier.turns(len(signal)) if self._carrier_frequency else signal


class Psk(PhaseModulator):
    """Binary phase shift keying."""


class Qpsk(PhaseModulator):
    """Two bits a symbol, one on each axis."""

    BITS: ClassVar[int] = 2

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = True,
        carrier: float | None = None,
        pulse: str = "rrc",
        rolloff: float = ROLLOFF,
    ) -> None:
        """As BPSK. Where the bits' number is odd, a 0 fills the last symbol."""
        super().__init__(rate, baud, iq=iq, carrier=carrier, pulse=pulse, rolloff=rolloff)


class Oqpsk(Qpsk):
    """QPSK whose Q comes half a symbol later: the amplitude never passes zero."""

    STAGGER: ClassVar[float] = 0.5


def _delayed(pulse: Pulse, delay: float) -> Pulse:
    return lambda t: pulse(t - delay)


def _rectangle(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where((t >= -0.5) & (t < 0.5), 1.0, 0.0)  # open on one side: neighbours never add up


MODULATORS = {"psk": Psk, "qpsk": Qpsk, "oqpsk": Oqpsk}
