"""Where the errors of Reed-Solomon words are, and how large, for many words at once.

Berlekamp and Massey's shift register synthesis started from the erasures (R. Blahut, "Theory and Practice of Error
Control Codes", 1983, 9.2), then Forney's values. Words lie along the last axis, so that every step is one operation on
a row of all words' coefficients.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.coding.galois import Field, Symbols


class Locators(NamedTuple):
    """Polynomials whose roots are the places in error."""

    coefficients: Symbols
    """uint8 (terms, n), lowest power first."""
    degree: NDArray[np.intp]
    """Errors and erasures each word has, if it can be corrected at all; intp (n,)."""


def erasure_locators(field: Field, places: Symbols, terms: int) -> Locators:
    """The product of (1 + X x) over places X, uint8 (erasures, n); zero where a word has fewer."""
    found = np.zeros((terms, places.shape[1]), np.uint8)
    found[0] = 1
    for place in places:
        found[1:] ^= field.multiply(found[:-1], place)
    return Locators(found, np.count_nonzero(places, axis=0))


def error_locators(field: Field, syndromes: Symbols, erased: Locators) -> Locators:
    """The locators of errors and erasures that syndromes, uint8 (roots, n), ask for."""
    locator, erasures = erased
    terms = len(locator)
    helper, length = locator.copy(), erasures.copy()
    for step in range(1, len(syndromes) + 1):
        reach = min(step, terms)
        window = syndromes[step - reach : step][::-1]
        discrepancy = np.bitwise_xor.reduce(field.multiply(locator[:reach], window), axis=0)
        running = step > erasures
        discrepancy[~running] = 0
        longer = (discrepancy != 0) & (2 * length <= step + erasures - 1)
        shifted = np.zeros_like(helper)
        shifted[1:] = helper[:-1]
        renewed = field.multiply(locator, field.inverse[discrepancy])
        locator = locator ^ field.multiply(shifted, discrepancy)
        helper = np.where(longer, renewed, np.where(running, shifted, helper))
        length = np.where(longer, step + erasures - length, length)
    return Locators(locator, length)


def evaluators(field: Field, syndromes: Symbols, locator: Symbols) -> Symbols:
    """Syndromes times locator below the power ``terms``: what the errors' values are of, uint8 (terms, n)."""
    terms = min(len(locator), len(syndromes))
    product = np.zeros_like(locator)
    for power in range(terms):
        product[power:terms] ^= field.multiply(locator[power], syndromes[: terms - power])
    return product
