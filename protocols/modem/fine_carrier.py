"""The last of the carrier's offset, from symbols of continuous-phase FSK once first decisions tell their data.

From symbol to symbol the phase turns by what the data say and by the offset. Decisions over three symbols, which an
offset hardly harms, tell the data; what is left, averaged, is the offset, several times nearer than a discriminator
tells it. A wrong decision spoils two turns and no more, so at one in ten it still serves.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.modem.frequency_pulse import FrequencyPulse
from protocols.modem.running_mean import RunningMean
from protocols.modem.templates import Correlator, Templates, difference, known, windows
from protocols.modem.turns import turns

_WINDOW = 3
_WIDTH = 192
"""Symbols the offset is averaged over: short enough to follow all Doppler there is."""
_LEAST = 1e-20  # power that counts as some
_REACH = 3
"""Symbols on either side that the turn from one to the next depends on."""


class FineCarrier:
    """Turns what is left of the carrier's offset away."""

    def __init__(self, pulse: FrequencyPulse, index: float, per_symbol: int) -> None:
        """Of symbols of this pulse and modulation index, each of per_symbol samples."""
        self._windows = Correlator(Templates(_WINDOW, 0, pulse, index, per_symbol).signals)
        symbol = Templates(1, 1, pulse, index, per_symbol)
        self._symbol, self._back = Correlator(symbol.signals), turns(-symbol.turns)
        self._places = (np.arange(per_symbol) + 0.5) / per_symbol - 0.5
        self._near = np.zeros((2 * _REACH, per_symbol), np.complex64)
        self._real, self._imaginary = RunningMean(_WIDTH), RunningMean(_WIDTH)
        self._late = self._near[:_REACH]
        self._instants = np.full(_REACH, -1.0)
        self._last = self._phase = 0.0  # of the last symbol: offset and phase, in cycles
        self.offset = np.nan
        """The newest offset, in cycles a symbol."""

    def receive(
        self, samples: NDArray[np.complex64], instants: NDArray[np.float64]
    ) -> tuple[NDArray[np.complex64], NDArray[np.float64]]:
        """Samples, complex64 (n, per_symbol), and instants (n,) of the symbols that these complete."""
        near = np.concatenate((self._near, samples))
        late, self._instants = np.concatenate((self._late, samples)), np.concatenate((self._instants, instants))
        self._near = near[len(near) - 2 * _REACH :]
        products = self._products(near) if len(samples) else np.empty(0, np.complex64)
        real, imaginary = self._real.receive(products.real), self._imaginary.receive(products.imag)
        count = len(real)
        instants, self._instants = self._instants[:count], self._instants[count:]
        self._late = late[count:]
        offsets = np.arctan2(imaginary, real) / (2 * np.pi)
        if count:
            self.offset = float(np.average(offsets, weights=np.hypot(imaginary, real) + _LEAST))
        return late[:count] * self._turns(offsets), instants

    def _products(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Each symbol's turn to the next but for data, by their size, for all but _REACH on either side."""
        bits = (difference(self._windows.receive(windows(samples, _WINDOW))) > 0).astype(np.int64)
        matched, rows = known(self._symbol.receive(samples[2:-2]), bits)
        return np.asarray(matched[2:] * matched[1:-1].conj() * self._back[rows[1:-1]])

    def _turns(self, offsets: NDArray[np.float64]) -> NDArray[np.complex64]:
        """What turns offsets away, in cycles a symbol, for each sample of each symbol."""
        if not len(offsets):
            return np.empty((0, len(self._places)), np.complex64)
        steps = (offsets + np.concatenate(((self._last,), offsets[:-1]))) / 2
        phases = (self._phase + np.cumsum(steps)) % 1.0
        self._last, self._phase = float(offsets[-1]), float(phases[-1])
        return turns(-phases[:, np.newaxis] - offsets[:, np.newaxis] * self._places)
