"""The extended Golay code (24, 12): 12 bits in 24, any three wrong bits corrected, any four found.

A word is ``parity << 12 | data`` with the parity matrix in its bordered circulant form (F. MacWilliams, N. Sloane,
"The Theory of Error-Correcting Codes", 1977, chapter 2, section 6), as the headers of GomSpace's radios have it.
"""

from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CIRCULANT = 0b10001110110
"""Ones at 1 minus the squares modulo 11, and at none of the others, counted from the lowest bit: the first row."""


class Decoded(NamedTuple):
    """What words hold."""

    data: NDArray[np.uint16]
    """12 bits each, uint16 (n,); as received where they could not be corrected."""
    errors: NDArray[np.int8]
    """Bits corrected in each word, int8 (n,); -1: four or more wrong bits were found."""


def encode(data: ArrayLike) -> NDArray[np.uint32]:
    """The words of data (n,), of which the low 12 bits count: uint32 (n,)."""
    low = np.asarray(data, np.uint32) & 0xFFF
    return np.asarray(_parities()[low] << 12 | low)


def decode(words: ArrayLike) -> Decoded:
    """The data in words (n,), of which the low 24 bits count."""
    received = np.asarray(words, np.uint32)
    syndromes = _parities()[received & 0xFFF] ^ (received >> 12 & 0xFFF)
    patterns, weights = _corrections()
    return Decoded(((received ^ patterns[syndromes]) & 0xFFF).astype(np.uint16), weights[syndromes])


@cache
def _parities() -> NDArray[np.uint32]:
    """The 12 parity bits of each of 4096 data, the first row's highest."""
    turned = [(_CIRCULANT << turn | _CIRCULANT >> (11 - turn)) & 0x7FF for turn in range(11)]
    rows = [each << 1 | 1 for each in turned] + [0xFFE]
    data, parities = np.arange(4096, dtype=np.uint32), np.zeros(4096, np.uint32)
    for row in rows:
        parities = parities << 1 | (np.bitwise_count(data & row) & 1)
    return parities


@cache
def _corrections() -> tuple[NDArray[np.uint32], NDArray[np.int8]]:
    """By syndrome: the pattern of up to three wrong bits that gives it and its weight, or none and -1."""
    patterns, weights = np.zeros(4096, np.uint32), np.full(4096, -1, np.int8)
    for weight in range(4):
        for places in combinations(range(24), weight):
            pattern = sum(1 << place for place in places)
            syndrome = int(_parities()[pattern & 0xFFF]) ^ pattern >> 12
            patterns[syndrome], weights[syndrome] = pattern, weight
    return patterns, weights
