"""Split phase (Manchester, SP-L): a bit is two halves of opposite levels, which are received as symbols of their own.

Which two belong together shows in the halves: those of a bit differ, those of two bits often do not. Their difference
is what a filter matched to the whole bit would give, so nothing is lost by deciding afterwards.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.coding.phase_choice import PhaseChooser
from protocols.modem.demodulator import SoftBits
from protocols.modem.snr import EbN0Meter

_WINDOW = 64
"""Bits on either side that tell the pairing."""
_FULL = 255
"""Cost of a pair of equal halves."""
_UNSURE = 3200
"""Difference of costs within which the pairing stays: a tenth of what as many equal halves would cost."""


class SplitPhase:
    """Makes bits of half bits; a one is 1 0, a zero 0 1 (CCSDS 401 2.3; IRIG 106 bi-phase level)."""

    def __init__(self) -> None:
        self._held = SoftBits.none()
        self._chooser = PhaseChooser(np.dtype(np.complex128), _WINDOW, _UNSURE)
        self._meter = EbN0Meter()

    def receive(self, halves: SoftBits) -> SoftBits:
        """The bits that halves complete."""
        held = SoftBits.join([self._held, halves])
        pairs = max(0, len(held) - 1) // 2  # as many of either pairing
        even, odd = (_paired(held, first, pairs) for first in (0, 1))
        self._held = SoftBits(held.values[2 * pairs :], held.places[2 * pairs :], held.eb_n0[2 * pairs :])
        taken = self._chooser.receive((even[0], odd[0]), (even[1], odd[1])).values
        values = taken.real.astype(np.float32)
        return SoftBits(values, taken.imag, self._meter.receive(values))


def _paired(halves: SoftBits, first: int, pairs: int) -> tuple[NDArray[np.complex128], NDArray[np.int64]]:
    """Bits as complex numbers of value and place, and how little the halves of each differ, 0 to _FULL."""
    values = halves.values[first : first + 2 * pairs].astype(np.float64).reshape(-1, 2)
    places = halves.places[first : first + 2 * pairs].reshape(-1, 2).mean(axis=1)
    size = np.abs(values).sum(axis=1)
    costs = _FULL * np.abs(values.sum(axis=1)) / np.where(size, size, 1)
    return (values[:, 0] - values[:, 1]) / 2 + 1j * places, costs.astype(np.int64)
