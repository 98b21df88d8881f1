"""The pseudo-randomizer of CCSDS 131.0-B section 10 (9 in issue 3): frames exclusive-ored with a fixed sequence.

The sequence begins anew with each frame, after its sync marker; applying it twice gives the frame back.
"""

from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray


class Randomizer(IntEnum):
    """The sequences there are, by their period in bits."""

    SHORT = 255
    """x^8 + x^7 + x^5 + x^3 + 1 from all ones: every spacecraft until the longer one came, FF 48 0E C0 9A ..."""
    LONG = 131_071
    """x^17 + x^14 + 1, required of new designs since issue 5 of 131.0-B (10.4.1): 1C 71 B9 1B A9 ..."""

    def sequence(self, octets: int) -> NDArray[np.uint8]:
        """The first octets of the sequence, uint8 (octets,)."""
        return np.resize(_period(self), octets)

    def apply(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Frames uint8 (..., length) randomized, or restored."""
        return frames ^ self.sequence(frames.shape[-1])


_TAPS = {Randomizer.SHORT: (0, 3, 5, 7), Randomizer.LONG: (0, 14)}
_START = {Randomizer.SHORT: "11111111", Randomizer.LONG: "00011100011100011"}  # in the order they are sent


@cache
def _period(which: Randomizer) -> NDArray[np.uint8]:
    """Octets until bit and octet boundary coincide again: as many as the period has bits, which is odd."""
    bits, taps = [int(bit) for bit in _START[which]], _TAPS[which]
    for at in range(which - len(bits)):
        bits.append(sum(bits[at + tap] for tap in taps) & 1)
    return np.packbits(np.tile(np.array(bits, np.uint8), 8))
