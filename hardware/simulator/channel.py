"""The radio path from a transmitter to the receiver's samples: Doppler, a clock that is off, fading, and noise.

It is a pure stream: samples of any number in, as many out in the long run, and how they are cut changes none. Its noise
is white over the whole band of the samples and calibrated: of a signal of mean power 1, which is what a
:class:`protocols.modem.modulator.Modulator` sends, Eb/N0 is what was asked for.
"""

from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.oscillator import Oscillator
from protocols.modem.pulse_train import PulseTrain
from protocols.modem.pulses import lowpass

_REACH = 24.0
"""Samples either way that a sample between others is made from: right to a thousandth up to 0.4 of the rate."""
_MOST_CLOCK_ERROR = 100_000.0  # ppm
_PIECE = 1 << 14  # samples done at once: what is computed on the way stays in the cache


class Fading(NamedTuple):
    """How the antenna of a spinning vehicle is seen: its gain goes down and up again evenly, in dB."""

    rate: float
    """Times a second."""
    depth: float
    """dB from the strongest, which is the unfaded signal, to the weakest."""


class Channel:
    """What the air and the receiver's front end do to a signal."""

    def __init__(
        self,
        rate: float,
        *,
        eb_n0: float | None = None,
        bit_rate: float = 0.0,
        offset: float = 0.0,
        drift: float = 0.0,
        clock_error: float = 0.0,
        fading: tuple[float, float] | None = None,
        seed: int = 0,
    ) -> None:
        """Rate is in samples/s; eb_n0 in dB at bit_rate in bits/s, None for no noise, as of the unfaded signal.

        Offset is what the carrier is off, in Hz, and drift how that changes, in Hz/s; clock_error, in parts per
        million, how much faster than said the transmitter's symbols come; fading the rate, in Hz, and depth, in dB,
        of a :class:`Fading`. The same seed gives the same noise. Raises DeclarationError on what cannot be.
        """
        if eb_n0 is not None and not 0 < bit_rate < inf:
            raise DeclarationError(f"eb_n0 {eb_n0:g} dB", "is that of a bit; give bit_rate, in bits/s, too")
        if not abs(offset) <= rate / 2:
            raise DeclarationError(f"offset {offset:g} Hz", f"lies outside the band; give up to {rate / 2:g}")
        if not abs(clock_error) <= _MOST_CLOCK_ERROR:
            problem = f"is in parts per million; give up to {_MOST_CLOCK_ERROR:g}"
            raise DeclarationError(f"clock_error {clock_error:g}", problem)
        self._sigma = 0.0 if eb_n0 is None else sqrt(rate / bit_rate / 10 ** (eb_n0 / 10) / 2)  # on each axis
        self._random = np.random.default_rng(seed)
        self._carrier = Oscillator(offset / rate, drift / rate**2) if offset or drift else None
        self._clock: PulseTrain | None = None
        self.delay = 0.0
        """Samples by which what it gives lags behind what it got."""
        if clock_error:
            step = 1 + clock_error * 1e-6
            self._clock = PulseTrain(lowpass(0.5, _REACH), _REACH, step)
            self.delay = _REACH / step
        self._fading = Fading(*fading) if fading else None
        self._spin = Oscillator(self._fading.rate / rate) if self._fading else None

    def receive(self, samples: NDArray[Any]) -> NDArray[np.complex64]:
        """What the receiver gets of samples, complex (n,), of which a clock error holds back some: complex64 (m,)."""
        pieces = [self._received(samples[begin : begin + _PIECE]) for begin in range(0, len(samples), _PIECE)]
        return np.concatenate([np.empty(0, np.complex64), *pieces])

    def finish(self) -> NDArray[np.complex64]:
        """The samples held back, once no more will come."""
        return self._disturbed(self._clock.finish()) if self._clock else np.empty(0, np.complex64)

    def _received(self, samples: NDArray[Any]) -> NDArray[np.complex64]:
        return self._disturbed(self._clock.receive(samples) if self._clock else samples)

    def _disturbed(self, samples: NDArray[Any]) -> NDArray[np.complex64]:
        """Samples as they come with the receiver's clock."""
        signal = np.asarray(samples, np.complex128)
        if self._carrier:
            signal = signal * self._carrier.turns(len(signal))
        if self._fading and self._spin:
            loss = self._fading.depth / 2 * (1 - np.cos(self._spin.angles(len(signal))))
            signal = signal * 10 ** (loss / -20)
        if self._sigma:
            noise = self._random.standard_normal(2 * len(signal)).view(np.complex128)
            signal = signal + self._sigma * noise
        return signal.astype(np.complex64)
