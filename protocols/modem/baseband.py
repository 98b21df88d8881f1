"""A PSK signal at zero frequency, behind its matched filter: what BPSK, QPSK and OQPSK have in common.

The signal is mixed to zero, its carrier followed (see :mod:`protocols.modem.carrier`) and the matched filter gives as
many samples a symbol as symbol timing takes. Where the carrier may be symbol rates away, all of that band is followed,
and the matched filter alone takes it down to the signal's.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.carrier import CarrierFrequency
from protocols.modem.channel_filter import ChannelFilter, block_ratio
from protocols.modem.level_offset import LevelOffset
from protocols.modem.power_spectra import PowerSpectra
from protocols.modem.pulses import Pulse, boxcar, lowpass, root_raised_cosine
from protocols.modem.symbol_timing import PER_SYMBOL

ROLLOFF = 0.35
"""Of the matched filter, as in DVB-S (ETSI EN 300 421) and what gr-satellites assumes of all."""
PULSES = ("rrc", "nrz")
"""The pulses there are: square root raised cosine, and the rectangle of a transmitter that does not filter."""
MOST_SEARCH = 64.0
"""Symbol rates that can be searched on either side: what that takes grows with its square."""
_REACH = 5.0  # symbols of the square root raised cosine either way
_NRZ_SPREAD = 1.7
"""Symbol rates that an NRZ signal reaches to either side: 95 % of its power."""
_EDGE = 0.3  # symbol rates beyond that, where the filter is half as strong
_BAND = 0.48  # of the sample rate: no filter is wider
_ROOM = 0.93  # of what lies between an audio carrier and zero, or half the sample rate
_WINDOWS = {2: 128, 4: 512}
"""Symbols a carrier's frequency is taken over, by the power: short enough for Doppler at 1200 baud, and of the fourth
power, whose noise is stronger, as long as QPSK at 2 dB needs (measured)."""
_OFTEN, _SELDOM = 4e-3, 1024
"""Seconds from a window to the next, where a quarter of its symbols are shorter, and symbols at most."""
LONGEST_DELAY = 6 * _SELDOM
"""Symbols by which it lags at most."""


def audio_carrier(baud: float, *, iq: bool = False) -> float:
    """Where radio amateurs put the carrier in a recording's audio, in Hz, unless said otherwise; of IQ, 0."""
    if iq:
        return 0.0
    return 1500.0 if baud <= 2400 else 12000.0


class Baseband:
    """Samples as they come in, PER_SYMBOL matched ones a symbol at zero frequency out."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool,
        carrier: float,
        search: float,
        pulse: str,
        power: int,
        split: int = 1,
    ) -> None:
        """Carrier is in Hz, search in symbol rates around it; power (2 or 4) is what takes the data away.

        Split is how many symbols a bit is made of: the more, the weaker each of them may be.

        Raises DeclarationError on a search or a pulse that there is not.
        """
        if pulse not in PULSES:
            raise DeclarationError(f"pulse {pulse!r}", f"there is none of that name; use one of {', '.join(PULSES)}")
        if not 0 < search <= MOST_SEARCH:
            problem = f"it is in symbol rates, above 0 to {MOST_SEARCH:g}; give a carrier nearer to the true one"
            raise DeclarationError(f"search {search:g}", problem)
        spread = search + (0.5 * (1 + ROLLOFF) if pulse == "rrc" else _NRZ_SPREAD)
        dense = PER_SYMBOL if spread <= 3 else 4 * -(-int(2 * spread + 3) // 4)  # samples a symbol that hold it all
        ratio = block_ratio(rate / baud)
        self._offset = LevelOffset(float(ratio), np.complex64 if iq else np.float32)
        self._hz = rate * dense / float(ratio)
        self._carrier = carrier
        room = _BAND if iq else _ROOM * min(abs(carrier), abs(rate / 2 - abs(carrier))) / rate + 1e-3
        half = min((spread + _EDGE) * baud / rate, room)
        reach = 3.0 / half
        self._channel = ChannelFilter(
            lowpass(half, reach), reach, ratio / dense, shift=carrier / rate or 1e-30, of_complex=iq
        )
        window = _WINDOWS[power] * split
        hop = min(max(window // 4, int(baud * _OFTEN)), _SELDOM)
        self._frequency = CarrierFrequency(PowerSpectra(window, dense, search, power), window * dense, hop * dense)
        self._late = self._frequency.delay * PER_SYMBOL / dense
        self._step = float(ratio / PER_SYMBOL)
        response, length = _matched(pulse)
        self._matched = ChannelFilter(
            lambda t: response(t / dense), length * dense, Fraction(dense, PER_SYMBOL), of_complex=True
        )

    @property
    def carrier_offset(self) -> float:
        """How far the carrier was last found above where it was said to be, in Hz; NaN before it was."""
        return self._frequency.frequency * self._hz

    def receive(self, samples: NDArray[Any]) -> NDArray[np.complex64]:
        """The matched samples that samples, real or complex (n,), complete."""
        return self._matched.receive(self._frequency.receive(self._channel.receive(self._offset.receive(samples))))

    def places(self, instants: NDArray[np.float64]) -> NDArray[np.float64]:
        """Instants in matched samples as places among the samples that came in."""
        return (instants - self._late) * self._step


def _matched(pulse: str) -> tuple[Pulse, float]:
    """The matched filter in symbols, and its reach either way."""
    return (root_raised_cosine(ROLLOFF, _REACH), _REACH) if pulse == "rrc" else (boxcar(1.0), 0.625)
