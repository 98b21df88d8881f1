"""AFSK: FSK on an audio subcarrier, from the audio of an FM receiver or from IQ.

The subcarrier is mixed to zero, filtered to its band and discriminated; what comes out is NRZ and goes the way of FSK.
From IQ the radio carrier is discriminated first, and its audio is treated the same. The filter is as wide as the
tones and the shaping of the data need, and no wider: the subcarrier lies so low that its mirror image is near.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.channel_filter import ChannelFilter
from protocols.modem.demodulator import Demodulator, SoftBits
from protocols.modem.discriminator import Discriminator
from protocols.modem.nrz import NrzSlicer
from protocols.modem.pulses import lowpass
from protocols.modem.symbol_timing import CLOCK_ERROR

BELL_202 = (2200.0, 1200.0)
"""The tones of 0 and 1, in Hz, at 1200 baud (Bell System PUB 41212)."""
U482C = (2400.0, 4800.0)
"""Those of GomSpace's U482C at 4800 baud: minimum shift keying around 3600 Hz."""
_SIDE = 0.5
"""Of the symbol rate, what the filter leaves beyond a tone: Carson's rule."""


class Afsk(Demodulator):
    """Two tones in audio."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = False,
        clock_error: float = CLOCK_ERROR,
        tones: tuple[float, float] | None = None,
    ) -> None:
        """Tones are those of 0 and 1 in Hz; by default Bell 202's up to 1200 baud and the U482C's above.

        Clock_error is the share by which baud may be off. Raises DeclarationError on tones that the rate has not.
        """
        super().__init__(rate, baud, iq=iq)
        space, mark = tones or (BELL_202 if baud <= 1200 else U482C)
        if not (0 < min(space, mark) < max(space, mark) < rate / 2):
            problem = f"{rate:g} samples/s hold those between 0 and {rate / 2:g} Hz; give two of them"
            raise DeclarationError(f"tones {space:g}, {mark:g}", problem)
        deviation = (mark - space) / 2
        width = min(abs(deviation) + _SIDE * baud, (space + mark) / 2)
        self._carrier = Discriminator() if iq else None
        self._decimation = max(1, int(rate / (8 * max(baud, width / 2))))
        reach = 1.0 * rate / width
        response = lowpass(width / rate, reach)
        middle = (space + mark) / 2 / rate
        self._channel = ChannelFilter(response, reach, Fraction(self._decimation), shift=middle, blocking=True)
        self._discriminator = Discriminator()
        self._scale = np.float32(rate / self._decimation / deviation)
        self._slicer = NrzSlicer(rate / self._decimation / baud, clock_error)

    def _demodulate(self, page: NDArray[Any]) -> SoftBits:
        audio = self._carrier.receive(page) if self._carrier else page
        signal = self._discriminator.receive(self._channel.receive(audio))
        bits = self._slicer.receive(signal * self._scale)
        return SoftBits(bits.values, bits.places * self._decimation, bits.eb_n0)


MODEM = Afsk
