"""Binary BCH codes of length 15 (R. Bose, D. Ray-Chaudhuri, 1960), softly: of all words the nearest is taken.

A word is the coefficients of x^0 to x^14, so that the parity comes first and the data last.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError

LENGTH = 15
GENERATORS = {11: 0b10011, 7: 0b111010001, 5: 0b10100110111}
"""Generators by the bits of data, over x^4 + x + 1: distances 3, 5 and 7."""


@cache
def words(data: int) -> NDArray[np.uint8]:
    """All words of the code with so many bits of data, uint8 (2 ** data, 15); the first data bit counts most.

    Raises DeclarationError where there is no such code.
    """
    if data not in GENERATORS:
        raise DeclarationError(f"BCH (15, {data})", "there is none; use 5, 7 or 11 bits of data")
    values = np.arange(1 << data)
    bits = (values[:, np.newaxis] >> np.arange(data - 1, -1, -1) & 1).astype(np.uint8)
    found = np.zeros((len(values), LENGTH), np.uint8)
    found[:, LENGTH - data :] = bits
    remainder = found.copy()
    generator = np.array([GENERATORS[data] >> power & 1 for power in range(LENGTH - data + 1)], np.uint8)
    for place in range(LENGTH - 1, LENGTH - data - 1, -1):
        remainder[:, place - len(generator) + 1 : place + 1] ^= remainder[:, place, np.newaxis] * generator
    found[:, : LENGTH - data] = remainder[:, : LENGTH - data]
    return found


def decode(soft: NDArray[np.float32], data: int) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Data, uint8 (n, data), of the words nearest to soft bits, float32 (n, 15), positive for 1; and how many bits of
    each were wrong, (n,).
    """
    known = words(data)
    nearest = known[np.argmax(soft @ (known.T.astype(np.float32) * 2 - 1), axis=1)]
    return nearest[:, LENGTH - data :], np.count_nonzero((soft > 0) != (nearest > 0), axis=1)


def encode(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The words, uint8 (n, 15), of data, uint8 (n, data). Raises DeclarationError where there is no such code."""
    data = bits.shape[1]
    return np.asarray(words(data)[bits.astype(np.intp) @ (1 << np.arange(data - 1, -1, -1))])
