"""Reed-Solomon codes over GF(2^8), many code words at a time: CCSDS 131.0-B section 4 (4.3 in issue 3), and any other.

A code word shorter than 255 symbols is one of 255 whose first symbols, the virtual fill, are zero and not sent
(4.3.7); so the width of what is given says how much there is, and a link may send frames of any length. A frame holds
``interleave`` code words symbol by symbol (4.3.5). Nothing a link sends raises: what cannot be corrected is marked.
"""

from dataclasses import dataclass
from functools import cache
from math import gcd
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from protocols.coding.galois import ORDER, Symbols, contributions, field, summed
from protocols.coding.key_equation import Locators, erasure_locators, error_locators, evaluators
from protocols.errors import DeclarationError

CCSDS_FIELD = 0x187
"""x^8 + x^7 + x^2 + x + 1 (131.0-B 4.3.3)."""
CCSDS_PRIMITIVE = 11
"""The generator's roots are powers of alpha^11 (4.3.4), around 127.5."""
DUAL_BASIS = (0x8D, 0xEF, 0xEC, 0x86, 0xFA, 0x99, 0xAF, 0x7B)
"""What each bit of a symbol, highest first, is in Berlekamp's dual basis (131.0-B annex F, the rows of T alpha l)."""

_Any = TypeVar("_Any", bound=np.generic)

_PIECE = 1024
"""Words corrected together: 256 values each at a time fit the second-level cache."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a decoder made of frames."""

    data: Symbols
    """Their data, uint8 (n, data length); as received where a code word could not be corrected."""
    symbols: NDArray[np.int16]
    """Symbols corrected in each code word of each frame, int16 (n, interleave); -1: too many errors to correct."""

    @property
    def good(self) -> NDArray[np.bool_]:
        """Whether every code word of a frame is one now, bool (n,)."""
        return np.asarray((self.symbols >= 0).all(axis=1))


@dataclass(frozen=True, slots=True)
class ReedSolomon:
    """A code of 255 symbols, ``roots`` of them parity, that corrects roots / 2 symbols or ``roots`` erased ones.

    Raises DeclarationError if there is no such code.
    """

    roots: int = 32
    """Parity symbols in a code word."""
    field: int = CCSDS_FIELD
    """Field polynomial, of degree 8."""
    first: int = 112
    """Exponent of the generator's first root, in powers of alpha ** primitive."""
    primitive: int = CCSDS_PRIMITIVE
    """Exponent of alpha whose powers the generator's roots are."""
    dual: bool = False
    """Whether symbols are sent in the dual basis (131.0-B 4.3.9), else in the conventional one."""
    interleave: int = 1
    """Code words in a frame (131.0-B: 1, 2, 3, 4, 5 or 8)."""

    def __post_init__(self) -> None:
        if not 1 <= self.roots < ORDER:
            raise DeclarationError("Reed-Solomon roots", f"{self.roots} found; use 1 to 254, such as 32 or 16")
        if gcd(self.primitive, ORDER) != 1:
            raise DeclarationError("Reed-Solomon primitive", f"{self.primitive} has a factor in common with 255; use 1")
        if self.interleave < 1:
            raise DeclarationError("Reed-Solomon interleave", f"{self.interleave} found; use 1 to 8")
        if self.dual and self.field != CCSDS_FIELD:
            raise DeclarationError("Reed-Solomon dual", "only the CCSDS field 0x187 has one; use dual=False")
        field(self.field)

    def encode(self, data: Symbols) -> Symbols:
        """Frames of data uint8 (n, length), parity behind it. Raises DeclarationError on a length it cannot have."""
        most = ORDER - self.roots
        length, rest = divmod(data.shape[1], self.interleave)
        if rest or not 1 <= length <= most:
            allowed = f"a multiple of {self.interleave} up to {most * self.interleave}"
            raise DeclarationError("Reed-Solomon data", f"{data.shape[1]} symbols found; use {allowed}")
        words = self._words(np.asarray(data, np.uint8))
        parity = summed(_parity_table(self.codeword)[most - length :], words)[:, : self.roots]
        return self._frames(np.concatenate((words, parity), axis=1), len(data))

    def check(self, frames: Symbols) -> NDArray[np.bool_]:
        """Whether each code word of frames uint8 (n, width) is free of errors, bool (n, interleave)."""
        if not self._possible(frames.shape[1]):
            return np.zeros((len(frames), self.interleave), np.bool_)
        return np.asarray(~_any(self._syndromes(self._words(frames))).reshape(-1, self.interleave))

    def decode(self, frames: Symbols, erasures: NDArray[np.bool_] | None = None) -> Corrected:
        """The data of frames uint8 (n, width), corrected; erasures, bool (n, width), are symbols known to be bad.

        A width that no frame of this code has gives words that are all marked as not corrected. Beyond the bound a
        word is taken for another one about once in (roots / 2)! times, as any such decoder does.
        """
        count, width = frames.shape
        if not self._possible(width):
            data = frames[:, : max(0, width - self.roots * self.interleave)]
            return Corrected(data.copy(), np.full((count, self.interleave), -1, np.int16))
        words = self._words(frames)
        erased = None if erasures is None else self._words(np.asarray(erasures, np.bool_))
        symbols = self._correct(words, erased)
        data = self._frames(words[:, : -self.roots], count)
        return Corrected(data, symbols.reshape(count, self.interleave))

    @property
    def codeword(self) -> "ReedSolomon":
        """The same code, not interleaved."""
        return ReedSolomon(self.roots, self.field, self.first, self.primitive, self.dual)

    def _possible(self, width: int) -> bool:
        length, rest = divmod(width, self.interleave)
        return rest == 0 and self.roots < length <= ORDER

    def _words(self, frames: NDArray[_Any]) -> NDArray[_Any]:
        count, width = frames.shape
        apart = frames.reshape(count, width // self.interleave, self.interleave).transpose(0, 2, 1)
        return apart.reshape(count * self.interleave, width // self.interleave).copy()

    def _frames(self, words: Symbols, count: int) -> Symbols:
        together = words.reshape(count, self.interleave, words.shape[1]).transpose(0, 2, 1)
        return together.reshape(count, self.interleave * words.shape[1])

    def _syndromes(self, words: Symbols) -> Symbols:
        return summed(_syndrome_table(self.codeword)[ORDER - words.shape[1] :], words)

    def _correct(self, words: Symbols, erased: NDArray[np.bool_] | None) -> NDArray[np.int16]:
        symbols = np.zeros(len(words), np.int16)
        syndromes = self._syndromes(words)
        bad = np.flatnonzero(_any(syndromes))
        for first in range(0, len(bad), _PIECE):
            rows = bad[first : first + _PIECE]
            mended = words[rows]
            missing = None if erased is None else erased[rows]
            symbols[rows] = _mend(self.codeword, mended, syndromes[rows, : self.roots], missing)
            words[rows] = mended
        return symbols


def _any(rows: Symbols) -> NDArray[np.bool_]:
    """Which rows, of whole 64-bit words, hold anything but zeros."""
    return np.asarray(rows.view(np.uint64).any(axis=1))


def _mend(code: ReedSolomon, words: Symbols, syndromes: Symbols, erased: NDArray[np.bool_] | None) -> NDArray[np.int16]:
    """Correct words in place; return the number of symbols changed in each, or -1, int16 (n,)."""
    elements, tables = field(code.field), _place_tables(code, code.roots // 2 + 1 if erased is None else code.roots + 1)
    columns, fill = np.ascontiguousarray(syndromes.T), ORDER - words.shape[1]
    known = _erasures(code, erased, len(words), len(tables.all))
    locator, degree = error_locators(elements, columns, known)
    numerator = evaluators(elements, columns, locator)
    even, odd = summed(tables.even, locator[0::2].T), summed(tables.odd, locator[1::2].T)
    values = summed(tables.all, numerator.T)
    found = (even == odd)[:, fill:ORDER]
    mendable = (np.count_nonzero(found, axis=1) == degree) & (2 * degree - known.degree <= code.roots)
    row, at = np.nonzero(found & mendable[:, None])
    change = elements.multiply(values[row, fill + at], elements.inverse[odd[row, fill + at]])
    change = elements.multiply(change, elements.power(-code.first * _place_exponents(code))[fill + at])
    words[row, at] ^= _sent(code)[change]
    changed = np.bincount(row[change != 0], minlength=len(words))
    return np.where(mendable, changed, -1).astype(np.int16)


def _erasures(code: ReedSolomon, erased: NDArray[np.bool_] | None, count: int, terms: int) -> Locators:
    """The locators of erased symbols; of more than can be corrected, one more than that is enough to fail."""
    places = np.zeros((code.roots + 1, count), np.uint8)
    if erased is None:
        return erasure_locators(field(code.field), places[:0], terms)
    row, at = np.nonzero(erased)
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    locations = field(code.field).power(_place_exponents(code))[ORDER - erased.shape[1] :]
    kept = rank <= code.roots
    places[rank[kept], row[kept]] = locations[at[kept]]
    return erasure_locators(field(code.field), places[: rank.max(initial=-1) + 1], terms)


def _place_exponents(code: ReedSolomon) -> NDArray[np.intp]:
    """Exponent of alpha that locates each symbol of a full code word, the first sent being the highest power."""
    return code.primitive * np.arange(ORDER - 1, -1, -1)


@cache
def _received(code: ReedSolomon) -> Symbols:
    """Conventional symbol of each received one, uint8 (256,)."""
    return np.argsort(_sent(code)).astype(np.uint8)


@cache
def _sent(code: ReedSolomon) -> Symbols:
    """Symbol sent for each conventional one, uint8 (256,)."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    rows = np.array(DUAL_BASIS if code.dual else [1 << bit for bit in range(7, -1, -1)], np.uint8)
    return np.asarray(np.bitwise_xor.reduce(bits * rows, axis=1), np.uint8)


@cache
def _syndrome_table(code: ReedSolomon) -> NDArray[np.uint64]:
    elements = field(code.field)
    exponents = np.outer(_place_exponents(code), code.first + np.arange(code.roots))
    symbols = _received(code)[:, None]
    return contributions(elements.multiply(symbols, elements.power(exponents)[:, None, :]))


@cache
def _parity_table(code: ReedSolomon) -> NDArray[np.uint64]:
    """What each data symbol adds to the parity: the remainders of x^254, ... x^roots by the generator."""
    elements = field(code.field)
    generator = np.zeros(code.roots + 1, np.uint8)  # highest power first
    generator[0] = 1
    for root in elements.power(code.primitive * (code.first + np.arange(code.roots))):
        generator[1:] ^= elements.multiply(generator[:-1], root)
    remainders = np.zeros((ORDER - code.roots, code.roots), np.uint8)
    remainder = generator[1:]  # of x^roots
    for row in remainders[::-1]:
        row[:] = remainder
        carried = elements.multiply(generator[1:], remainder[:1])
        carried[:-1] ^= remainder[1:]
        remainder = carried
    symbols = _received(code)[:, None]
    return contributions(_sent(code)[elements.multiply(symbols, remainders[:, None, :])])


class _PlaceTables(NamedTuple):
    """Tables that evaluate polynomials at every place: of all powers, and of even and odd ones alone."""

    all: NDArray[np.uint64]
    even: NDArray[np.uint64]
    odd: NDArray[np.uint64]


@cache
def _place_tables(code: ReedSolomon, terms: int) -> _PlaceTables:
    elements = field(code.field)
    powers = elements.power(np.outer(np.arange(terms), -_place_exponents(code)))
    values = elements.multiply(np.arange(256, dtype=np.uint8)[:, None], powers[:, None, :])
    return _PlaceTables(contributions(values), contributions(values[0::2]), contributions(values[1::2]))


CCSDS_223 = ReedSolomon(32, first=112, dual=True)
"""CCSDS (255, 223), E = 16 (131.0-B 4.3.2, 4.3.4)."""
CCSDS_239 = ReedSolomon(16, first=120, dual=True)
"""CCSDS (255, 239), E = 8."""
