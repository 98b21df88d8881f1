"""Self-synchronising scramblers, whose descrambler needs no frame: one wrong bit in gives one a tap out.

That of 9600 baud packet radio, 1 + x^12 + x^17, is J. Miller's (G3RUH, "9600 Baud Packet Radio Modem Design", 1988).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protocols.errors import DeclarationError

G3RUH = (12, 17)
"""Delays of the taps of 1 + x^12 + x^17."""


class Scrambler:
    """Divides a stream of bits by 1 + sum of x^tap; carries on over calls, from a register of zeros.

    Raises DeclarationError on taps that are not positive.
    """

    def __init__(self, taps: Sequence[int] = G3RUH) -> None:
        self.taps = _checked(taps)
        self._sent = np.zeros(max(taps), np.uint8)

    def scramble(self, bits: ArrayLike) -> NDArray[np.uint8]:
        """Bits uint8 (n,), scrambled.

        As P(x)^2 = P(x^2) over GF(2), 1 / P is P(x) P(x^2) P(x^4) ... up to the length at hand: a few passes without
        feedback. What was sent before goes in front as the input that brings it forth from zeros.
        """
        before = len(self._sent)
        stream = np.concatenate((_filtered(self._sent, self.taps, 1), np.asarray(bits, np.uint8) & 1))
        spread = 1
        while spread * min(self.taps) < len(stream):
            stream = _filtered(stream, self.taps, spread)
            spread *= 2
        self._sent = stream[len(stream) - before :].copy()
        return stream[before:]


class Descrambler:
    """Multiplies a stream of bits by 1 + sum of x^tap; carries on over calls, right after the longest tap's bits.

    Raises DeclarationError on taps that are not positive.
    """

    def __init__(self, taps: Sequence[int] = G3RUH) -> None:
        self.taps = _checked(taps)
        self._received = np.zeros(max(taps), np.uint8)

    def descramble(self, bits: ArrayLike) -> NDArray[np.uint8]:
        """Bits uint8 (n,), descrambled."""
        before = len(self._received)
        stream = np.concatenate((self._received, np.asarray(bits, np.uint8) & 1))
        self._received = stream[len(stream) - before :].copy()
        return _filtered(stream, self.taps, 1)[before:]


def _checked(taps: Sequence[int]) -> tuple[int, ...]:
    if not taps or min(taps) < 1:
        raise DeclarationError("scrambler taps", f"{tuple(taps)} found; use delays from 1 bit, such as (12, 17)")
    return tuple(taps)


def _filtered(stream: NDArray[np.uint8], taps: Sequence[int], spread: int) -> NDArray[np.uint8]:
    """Stream times 1 + sum of x^(spread tap), with zeros before it."""
    made = stream.copy()
    for tap in taps:
        made[spread * tap :] ^= stream[: max(0, len(stream) - spread * tap)]
    return made
