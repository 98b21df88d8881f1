"""FSK, GFSK, MSK, PCM/FM and AFSK as they are sent: continuous phase, constant envelope.

The phase is a train of pulses too: each bit turns it by ``pi h`` (h is twice the deviation over the symbol rate) along
the integral of its frequency pulse (J. G. Proakis, "Digital Communications", CPM). So nothing is summed up sample by
sample, and phase is right to the last digit at any rate. A frequency pulse is a rectangle of one symbol, through a
Gaussian filter if there is one.
"""

from functools import partial
from math import inf, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.afsk import BELL_202, U482C
from protocols.modem.frequency_pulse import FrequencyPulse
from protocols.modem.modulator import AUDIO, Modulator
from protocols.modem.oscillator import Oscillator, phasors
from protocols.modem.pulse_train import PulseTrain

_LEAST_BT = 0.1
"""Of a Gaussian filter: below it neighbours cover a bit wholly."""
AFSK_DEVIATION = 3000.0
"""Hz that full audio moves the carrier: what amateur FM of 12.5 to 20 kHz channels uses."""
PCM_FM_DEVIATION = 0.35
"""Peak deviation over the bit rate (IRIG 106, chapter 2: PCM/FM)."""
PCM_FM_FILTER = 0.7
"""Bandwidth (-3 dB) of the premodulation filter over the bit rate (ibid.). Of linear phase; Gaussian here, which
Bessel filters of many poles approach."""


class Fsk(Modulator):
    """Two-level FSK: at ``deviation`` above the carrier for 1 and below for 0; as audio, the level itself."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = True,
        deviation: float | None = None,
        bt: float | None = None,
        carrier: float = 0.0,
    ) -> None:
        """Deviation is in Hz, by default a quarter of baud (MSK); a negative one swaps both levels.

        Bt is that of the Gaussian filter (GFSK: 0.5), None for none; carrier, in Hz, matters to IQ alone. Raises
        DeclarationError on what cannot be.
        """
        self._h = 0.5 if deviation is None else 2 * deviation / baud
        _refuse_bt(bt)
        if not abs(carrier) + abs(self._h) * baud / 2 < rate / 2:
            problem = f"carrier and deviation do not fit {rate:g} samples/s; together they have to be less than half"
            raise DeclarationError("modem 'fsk'", problem)
        self._carrier_frequency = carrier
        self._pulse = FrequencyPulse(bt)
        super().__init__(rate, baud, iq=iq)

    @property
    def first(self) -> float:  # noqa: D102 - see Modulator
        return self._pulse.reach * self.rate / self.baud

    def _begin(self) -> None:
        shape, after = (self._pulse.phase, 1.0) if self.iq else (self._pulse.frequency, 0.0)
        self._train = PulseTrain(shape, self._pulse.reach, self.baud / self.rate, after)
        self._carrier = Oscillator(self._carrier_frequency / self.rate)

    def _modulate(self, bits: NDArray[np.uint8]) -> NDArray[Any]:
        return self._modulated(self._train.receive(bits * 2.0 - 1.0))

    def _finish(self) -> NDArray[Any]:
        return self._modulated(self._train.finish())

    def _modulated(self, shape: NDArray[np.float64]) -> NDArray[Any]:
        if not self.iq:
            return shape * AUDIO
        return phasors(shape * (pi * self._h) + self._carrier.angles(len(shape)))


class PcmFm(Fsk):
    """PCM/FM of IRIG 106: NRZ-L, deviation and premodulation filter as it says."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = True,
        deviation: float | None = None,
        bt: float | None = PCM_FM_FILTER,
        carrier: float = 0.0,
    ) -> None:
        """Deviation is in Hz, by default 0.35 of the bit rate; bt the filter's bandwidth over the bit rate."""
        peak = PCM_FM_DEVIATION * baud if deviation is None else deviation
        super().__init__(rate, baud, iq=iq, deviation=peak, bt=bt, carrier=carrier)


class Afsk(Modulator):
    """Two tones in audio, or an FM carrier with that audio."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = True,
        tones: tuple[float, float] | None = None,
        deviation: float = AFSK_DEVIATION,
    ) -> None:
        """Tones are those of 0 and 1 in Hz, by default Bell 202's up to 1200 baud and the U482C's above.

        Deviation is how far the audio's peaks move the carrier, in Hz. Raises DeclarationError on what does not fit
        the rate.
        """
        self._space, self._mark = tones or (BELL_202 if baud <= 1200 else U482C)
        self._deviation = deviation
        if not (0 < max(self._space, self._mark) < rate / 2 and abs(deviation) < rate / 2):
            problem = f"tones and deviation do not fit {rate:g} samples/s; they have to be less than half of that"
            raise DeclarationError("modem 'afsk'", problem)
        self._pulse = FrequencyPulse(None)
        super().__init__(rate, baud, iq=iq)

    @property
    def first(self) -> float:  # noqa: D102 - see Modulator
        return self._pulse.reach * self.rate / self.baud

    def _begin(self) -> None:
        self._train = PulseTrain(self._pulse.phase, self._pulse.reach, self.baud / self.rate, 1.0)
        self._subcarrier = Oscillator((self._space + self._mark) / 2 / self.rate)
        self._carrier = np.zeros(1, np.int64)  # its phase, in units of _CYCLE

    def _modulate(self, bits: NDArray[np.uint8]) -> NDArray[Any]:
        return self._modulated(self._train.receive(bits * 2.0 - 1.0))

    def _finish(self) -> NDArray[Any]:
        return self._modulated(self._train.finish())

    def _modulated(self, shape: NDArray[np.float64]) -> NDArray[Any]:
        turn = pi * (self._mark - self._space) / self.baud
        audio = np.cos(self._subcarrier.angles(len(shape)) + shape * turn)
        if not self.iq:
            return audio * AUDIO
        steps = np.rint(audio * (self._deviation / self.rate * _CYCLE)).astype(np.int64)
        phases = np.cumsum(np.concatenate((self._carrier, steps))) % _CYCLE  # whole: sums are the same however cut
        self._carrier = phases[-1:]
        return phasors(phases[1:] * (2 * pi / _CYCLE))


def _refuse_bt(bt: float | None) -> None:
    if bt is not None and not _LEAST_BT <= bt < inf:
        raise DeclarationError(f"bt {bt:g}", f"no filter a bit gets through; use {_LEAST_BT:g} or more, or None")


_CYCLE = 1 << 40
_GAUSSIAN = partial(Fsk, bt=0.5)
MODULATORS = {"fsk": Fsk, "gfsk": _GAUSSIAN, "msk": Fsk, "gmsk": _GAUSSIAN, "pcm_fm": PcmFm, "afsk": Afsk}
