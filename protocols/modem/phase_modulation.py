"""BPSK, QPSK and OQPSK as they are sent: pulses on two axes, square root raised cosine or rectangles.

Of QPSK and OQPSK the bits go to I and Q in turn, I first, and 1 is positive on either axis: 11 is at 45 degrees, 01 at
135, 00 at 225 and 10 at 315, so that neighbours differ in one bit (Gray). Of OQPSK Q comes half a symbol after I. Baud
counts symbols, of two bits each.
"""

from abc import abstractmethod
from math import sqrt
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.coding.line_code import NRZ_S, Differential, manchester
from protocols.errors import DeclarationError
from protocols.modem.baseband import PULSES, ROLLOFF, audio_carrier
from protocols.modem.modulator import AUDIO, Modulator
from protocols.modem.oscillator import Oscillator
from protocols.modem.pulse_train import PulseTrain
from protocols.modem.pulses import Pulse, root_raised_cosine

Bits = NDArray[np.uint8]
_REACH = 10.0  # symbols of the square root raised cosine either way
_TURNS = np.array((2, 1, 3, 0))
"""Quarters that 00, 01, 10 and 11 turn ahead, if changes of QPSK's phase are sent."""


class PhaseModulator(Modulator):
    """Symbols as pulses on a carrier; of audio, the carrier's real part."""

    STAGGER: ClassVar[float] = 0.0
    """Symbols by which Q is later than I."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool,
        carrier: float | None,
        differential: bool,
        pulse: str,
        rolloff: float,
        split: int = 1,
    ) -> None:
        """Split is the pulses that a symbol is made of. Raises DeclarationError on what cannot be."""
        if pulse not in PULSES:
            raise DeclarationError(f"pulse {pulse!r}", f"there is none of that name; use one of {', '.join(PULSES)}")
        if not 0 < rolloff <= 1:
            raise DeclarationError(f"rolloff {rolloff:g}", "give the share of the band in its edges, above 0 to 1")
        if carrier is None:
            carrier = audio_carrier(baud, iq=iq)
        if not abs(carrier) < rate / 2:
            problem = f"does not fit {rate:g} samples/s; it has to be less than half of that"
            raise DeclarationError(f"carrier {carrier:g} Hz", problem)
        self._carrier_frequency, self._differential, self._split = carrier, differential, split
        self._pulse, reach = (root_raised_cosine(rolloff, _REACH), _REACH) if pulse == "rrc" else (_rectangle, 0.5)
        self._reach = reach + self.STAGGER / 2
        super().__init__(rate, baud, iq=iq)

    @property
    def first(self) -> float:  # noqa: D102 - see Modulator
        late = self._reach - self.STAGGER / 2 + (self._split - 1) / 2
        return late * self.rate / self.baud / self._split

    def _begin(self) -> None:
        self._trains = [
            PulseTrain(_delayed(self._pulse, delay), self._reach, self._split * self.baud / self.rate)
            for delay in (-self.STAGGER / 2, self.STAGGER / 2)[: self.BITS]
        ]
        self._carrier = Oscillator(self._carrier_frequency / self.rate)
        self._odd = np.zeros(0, np.uint8)  # bits of a symbol that is not whole yet

    @abstractmethod
    def _levels(self, bits: Bits) -> Bits:
        """What whole symbols' bits are on each axis, uint8 (axes, n) of 0 and 1."""

    def _modulate(self, bits: Bits) -> NDArray[Any]:
        bits = np.concatenate((self._odd, bits))
        whole = len(bits) // self.BITS * self.BITS
        self._odd = bits[whole:]
        axes = self._levels(bits[:whole]) * 2.0 - 1.0
        return self._modulated([train.receive(axis) for train, axis in zip(self._trains, axes, strict=True)])

    def _finish(self) -> NDArray[Any]:
        last = self._modulate(np.zeros(-len(self._odd) % self.BITS, np.uint8))
        return np.concatenate((last, self._modulated([train.finish() for train in self._trains])))

    def _modulated(self, axes: list[NDArray[np.float64]]) -> NDArray[Any]:
        signal: NDArray[Any] = axes[0] if len(axes) == 1 else (axes[0] + 1j * axes[1]) / sqrt(2)
        if not self.iq:
            angles = self._carrier.angles(len(signal))
            return np.asarray((signal.real * np.cos(angles) - signal.imag * np.sin(angles)) * AUDIO)
        return signal * self._carrier.turns(len(signal)) if self._carrier_frequency else signal


class Psk(PhaseModulator):
    """Binary phase shift keying."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = True,
        carrier: float | None = None,
        differential: bool = False,
        manchester: bool = False,
        pulse: str = "rrc",
        rolloff: float = ROLLOFF,
    ) -> None:
        """Carrier is in Hz: by default 0 for IQ, else 1500 up to 2400 baud and 12000 above.

        Differential sends a 1 as no change of phase and a 0 as its opposite. With manchester a bit is two symbols of
        opposite levels (BPSK-SP), and baud counts bits. Pulse is rrc or nrz. Raises DeclarationError on what cannot be.
        """
        split = 2 if manchester else 1
        super().__init__(
            rate,
            baud,
            iq=iq,
            carrier=carrier,
            differential=differential,
            pulse=pulse,
            rolloff=rolloff,
            split=split,
        )

    def _begin(self) -> None:
        super()._begin()
        self._changes = Differential(NRZ_S)

    def _levels(self, bits: Bits) -> Bits:
        levels = self._changes.encode(bits) if self._differential else bits
        return (manchester(levels) if self._split == 2 else levels)[np.newaxis]


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
        differential: bool = False,
        pulse: str = "rrc",
        rolloff: float = ROLLOFF,
    ) -> None:
        """As BPSK, but differential sends changes of phase: none for 11, a quarter of a turn ahead for 01, half a turn
        for 00, a quarter back for 10; of OQPSK those of either axis, a 1 as none.

        Where the bits' number is odd, a 0 fills the last symbol.
        """
        super().__init__(rate, baud, iq=iq, carrier=carrier, differential=differential, pulse=pulse, rolloff=rolloff)

    def _begin(self) -> None:
        super()._begin()
        self._quarter = np.zeros(1, np.int64)

    def _levels(self, bits: Bits) -> Bits:
        axes = bits.reshape(-1, 2).T
        if not self._differential:
            return axes
        quarters = np.cumsum(np.concatenate((self._quarter, _TURNS[2 * axes[0] + axes[1]]))) % 4
        self._quarter, sent = quarters[-1:], quarters[1:]
        return np.stack(((sent == 0) | (sent == 3), sent < 2)).astype(np.uint8)


class Oqpsk(Qpsk):
    """QPSK whose Q comes half a symbol later: the amplitude never passes zero."""

    STAGGER: ClassVar[float] = 0.5

    def _begin(self) -> None:
        super()._begin()
        self._changes = [Differential(NRZ_S) for _ in range(2)]

    def _levels(self, bits: Bits) -> Bits:
        axes = bits.reshape(-1, 2).T
        if not self._differential:
            return axes
        return np.stack([changes.encode(axis) for changes, axis in zip(self._changes, axes, strict=True)])


def _delayed(pulse: Pulse, delay: float) -> Pulse:
    return lambda t: pulse(t - delay)


def _rectangle(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where((t >= -0.5) & (t < 0.5), 1.0, 0.0)  # open on one side: neighbours never add up


MODULATORS = {"psk": Psk, "qpsk": Qpsk, "oqpsk": Oqpsk}
