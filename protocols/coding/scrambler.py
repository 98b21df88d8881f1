"""Self-synchronising scramblers, whose descrambler needs no frame: one wrong bit in gives one a tap out.

That of 9600 baud packet radio, 1 + x^12 + x^17, is J. Miller's (G3RUH, "9600 Baud Packet Radio Modem Design", 1988).

And the fixed sequence PN9, x^9 + x^5 + 1 from all ones, which radio transceivers add to packets (TI design note DN509).
"""

from collections.abc import Sequence
from functools import cache

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


def pn9(octets: int) -> NDArray[np.uint8]:
    """The first octets of PN9, uint8 (octets,): FF E1 1D 9A ED 85 33 24 ..., to be exclusive-ored with a packet."""
    return np.resize(_pn9_period(), octets)


@cache
def _pn9_period() -> NDArray[np.uint8]:
    """Octets until bit and octet boundary coincide again; of each, the bit made first is the least significant."""
    bits = [1] * 9
    while len(bits) < 511:
        bits.append(bits[-9] ^ bits[-4])
    return np.packbits(np.tile(np.array(bits, np.uint8), 8), bitorder="little")
