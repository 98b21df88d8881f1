"""Arithmetic in GF(2^8) on whole arrays, by tables.

Sums of products with constants, which is what syndromes, parity and root searches are, go by one table for all: the
contribution of each value at each place, gathered and exclusive-ored (:func:`summed`). A code word costs as many
gathers as it has symbols, whatever the number of results.
"""

from dataclasses import dataclass
from functools import cache
from itertools import accumulate, repeat

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError

Symbols = NDArray[np.uint8]

ORDER = 255
"""Elements of GF(2^8) that are not zero."""

_FEW = 128
"""Rows below which one large gather is quicker than a gather for each place (measured)."""
_PIECE = 4096
"""Rows summed together: their results, 32 bytes each, stay in the second-level cache."""


@dataclass(frozen=True, slots=True)
class Field:
    """GF(2^8) made with one field polynomial."""

    exponential: Symbols
    """alpha ** n, uint8 (510,): twice round, so that a sum of two logarithms needs no reduction."""
    logarithm: NDArray[np.intp]
    """n of alpha ** n, intp (256,); that of zero, which has none, is 0."""
    products: Symbols
    """a * b at ``a << 8 | b``, uint8 (65536,)."""
    inverse: Symbols
    """1 / a, uint8 (256,); that of zero, which has none, is 0."""

    def multiply(self, a: Symbols, b: Symbols) -> Symbols:
        """The products of two arrays, element by element; they broadcast."""
        return self.products.take(np.left_shift(a, 8, dtype=np.uint16) | b, mode="clip")

    def power(self, exponents: NDArray[np.intp]) -> Symbols:
        """Alpha raised to exponents of any size and sign."""
        return self.exponential[exponents % ORDER]


@cache
def field(polynomial: int) -> Field:
    """The field of a primitive polynomial of degree 8, such as 0x187. Raises DeclarationError on any other."""
    turns = list(accumulate(repeat(polynomial, ORDER), _times_alpha, initial=1))
    if not 0x100 < polynomial < 0x200 or len(set(turns)) != ORDER or turns[-1] != 1:
        problem = "is no primitive polynomial of degree 8; use one such as 0x187 (CCSDS) or 0x11D"
        raise DeclarationError("Reed-Solomon field polynomial", f"{polynomial:#x} {problem}")
    exponential = np.array(turns[:ORDER] * 2, np.uint8)
    logarithm = np.zeros(256, np.intp)
    logarithm[exponential[:ORDER]] = np.arange(ORDER)
    products = exponential[logarithm[:, None] + logarithm]
    products[0] = products[:, 0] = 0
    inverse = exponential[ORDER - logarithm]
    inverse[0] = 0
    return Field(exponential, logarithm, products.ravel(), inverse)


def _times_alpha(element: int, polynomial: int) -> int:
    doubled = element << 1
    return doubled ^ polynomial if doubled & 0x100 else doubled


def contributions(values: Symbols) -> NDArray[np.uint64]:
    """A table for :func:`summed` of values uint8 (places, 256, results), its results padded to whole 64-bit words."""
    places, each, results = values.shape
    padded = np.zeros((places, each, -(-results // 8) * 8), np.uint8)
    padded[:, :, :results] = values
    return padded.view(np.uint64)


def summed(table: NDArray[np.uint64], symbols: Symbols) -> Symbols:
    """The sum, in GF(2^8), of what each symbol contributes at its place: uint8 (n, places) -> (n, results, padded)."""
    count, places = symbols.shape
    if count < _FEW:
        at = np.arange(places) << 8 | symbols.astype(np.intp)
        words = np.bitwise_xor.reduce(table.reshape(-1, table.shape[2]).take(at, axis=0, mode="clip"), axis=1)
        return np.ascontiguousarray(words).view(np.uint8)
    total = np.zeros((count, table.shape[2]), np.uint64)
    for first in range(0, count, _PIECE):
        _sum_by_place(table, symbols[first : first + _PIECE], total[first : first + _PIECE])
    return total.view(np.uint8)


def _sum_by_place(table: NDArray[np.uint64], symbols: Symbols, total: NDArray[np.uint64]) -> None:
    columns = np.ascontiguousarray(symbols.T)
    gathered, at = np.empty_like(total), np.empty(len(symbols), np.intp)
    for place, column in zip(table, columns, strict=True):
        at[:] = column
        place.take(at, axis=0, out=gathered, mode="clip")
        np.bitwise_xor(total, gathered, out=total)
