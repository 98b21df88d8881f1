"""Line codes: how bits are changes of level (NRZ-M, NRZ-S) or pairs of levels (Manchester); IRIG 106, chapter 4.

Levels are bits 0 and 1, or soft bits, positive for a one. All carry on over calls.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protocols.coding.convolutional import finite
from protocols.coding.phase_choice import PhaseChooser

NRZ_M = 1
"""A one is a change of level (CCSDS 401: what resolves the polarity of BPSK)."""
NRZ_S = 0
"""A zero is a change of level: the NRZI of HDLC and AX.25."""

_WINDOW = 32
"""Bits on either side that tell how Manchester halves pair: all equal bits, which say nothing, are seldom as long."""
_FULL = 255
"""Cost of a pair of halves of the same level and magnitude."""
_UNSURE = 20 * 2 * _WINDOW
"""Difference of costs within which the pairing stays: a sixth of what random bits make."""


class Differential:
    """NRZ-M or NRZ-S, from a level of zero."""

    def __init__(self, change: int = NRZ_M) -> None:
        """Change is the bit that a change of level stands for."""
        self._kept = np.uint8(change & 1 ^ 1)
        self._level = np.zeros(1, np.uint8)

    def encode(self, bits: ArrayLike) -> NDArray[np.uint8]:
        """The levels of bits uint8 (n,)."""
        changes = (np.asarray(bits, np.uint8) & 1) ^ self._kept
        levels = np.bitwise_xor.accumulate(np.concatenate((self._level, changes)))
        self._level = levels[-1:]
        return np.asarray(levels[1:], np.uint8)

    def decode(self, levels: ArrayLike) -> NDArray[np.uint8]:
        """The bits of levels uint8 (n,)."""
        stream = np.concatenate((self._level, np.asarray(levels, np.uint8) & 1))
        self._level = stream[-1:]
        return stream[1:] ^ stream[:-1] ^ self._kept


def manchester(bits: ArrayLike) -> NDArray[np.uint8]:
    """The half bits of bits uint8 (n,), uint8 (2 n,): a one is 1 0, a zero 0 1 (bi-phase level)."""
    first = np.asarray(bits, np.uint8) & 1
    return np.stack((first, first ^ 1), axis=1).reshape(-1)


class ManchesterDecoder:
    """Soft bits from soft half bits whose pairing it finds, and finds again where halves were lost or gained."""

    def __init__(self) -> None:
        self.erasures = 0  # half bits that were not finite
        self._pending = np.empty(0, np.float32)
        self._chooser = PhaseChooser(np.dtype(np.float32), _WINDOW, _UNSURE)

    @property
    def phase(self) -> int:
        """Which half bit of the stream, 0 or 1, begins the pairs now."""
        return self._chooser.phase

    def receive(self, soft: ArrayLike) -> NDArray[np.float32]:
        """The soft bits, float32 (m,), that half bits, floats (n,), complete."""
        arrived, erasures = finite(soft)
        self.erasures += erasures
        stream = np.concatenate((self._pending, arrived))
        pairs = max(0, len(stream) - 1) // 2  # as many of either pairing
        even, odd = stream[: 2 * pairs].reshape(-1, 2), stream[1 : 2 * pairs + 1].reshape(-1, 2)
        self._pending = stream[2 * pairs :]
        return self._chooser.receive((_bits(even), _bits(odd)), (_costs(even), _costs(odd))).values

    def flush(self) -> NDArray[np.float32]:
        """The soft bits still waiting, float32 (m,)."""
        if len(self._pending) == 2:
            self._chooser.receive((_bits(self._pending[None]), _NONE), (_costs(self._pending[None]), _NO_COSTS))
        self._pending = self._pending[:0]
        return self._chooser.flush().values


_NONE, _NO_COSTS = np.empty(0, np.float32), np.empty(0, np.int64)


def _bits(pairs: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(pairs[:, 0] / 2 - pairs[:, 1] / 2, np.float32)


def _costs(pairs: NDArray[np.float32]) -> NDArray[np.int64]:
    """How little pairs are of opposite levels, 0 to 255: whole numbers add up the same however they are cut."""
    halves = pairs.astype(np.float64)
    size = np.abs(halves).sum(axis=1)
    return np.asarray(_FULL * np.abs(halves.sum(axis=1)) / np.where(size, size, 1), np.int64)
