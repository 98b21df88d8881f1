"""The repeat-accumulate code of SMOG-P, ATL-1 and SMOG-1 (M. Maroti, 2015): rate 1/2 in words of 16 bits.

Four passes go through the data, each in an order of its own. Each keeps a word, turns it by a bit and adds the next
word of data to it, sixteen codes side by side. The first pass sends what it has after each word, the others after each
third. Decoded by passing beliefs to and fro (minimum-sum): a pass tells the others what it makes of each bit.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError

LANES = 16
"""Bits of a word."""
PUNCTURE = (1, 3, 3, 3)
"""Words after which each pass sends one."""
ITERATIONS = 20
_MASKS = {
    4: (0x12, 0x17, 0x1B, 0x1E),
    5: (0x21, 0x2D, 0x30, 0x39),
    6: (0x41, 0x53, 0x69, 0x7B),
    7: (0x8E, 0xAF, 0xC3, 0xE7),
    8: (0x108, 0x13B, 0x168, 0x1DC),
    9: (0x204, 0x2E3, 0x369, 0x3AA),
    10: (0x415, 0x4BF, 0x553, 0x62B),
}
"""Feedback of each pass's shift register by the place of its highest bit."""
_SURE = np.float32(1e9)


class Pass(NamedTuple):
    """One way through the data."""

    order: NDArray[np.intp]
    """The word of data of each step, (words,)."""
    sends: NDArray[np.intp]
    """The steps after which a word is sent, the last of them short where it comes out so."""


@dataclass(frozen=True, slots=True)
class RepeatAccumulate:
    """The code for so many words of data, 4 to 2047; raises DeclarationError on others."""

    words: int

    def __post_init__(self) -> None:
        if not 4 <= self.words <= 2047:
            raise DeclarationError("repeat-accumulate code", f"{self.words} words of data found; use 4 to 2047")

    @property
    def code_words(self) -> int:
        """Words sent."""
        return sum(len(each.sends) for each in self.passes)

    @property
    def passes(self) -> tuple[Pass, ...]:
        """The four passes."""
        return _passes(self.words)

    def encode(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The words sent, uint8 (code words, 16), of data, uint8 (words, 16), lowest bit first."""
        sent = []
        for each in self.passes:
            held = np.zeros(LANES, np.uint8)
            states = np.empty((self.words, LANES), np.uint8)
            for step, word in enumerate(each.order.tolist()):
                held = np.roll(held, -1) ^ data[word]
                states[step] = held
            sent.append(states[each.sends])
        return np.concatenate(sent)

    def decode(self, soft: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The data, uint8 (words, 16), most likely sent as soft bits, float32 (code words, 16), positive for 1."""
        told = np.split(-soft.astype(np.float32), np.cumsum([len(each.sends) for each in self.passes])[:-1])
        beliefs = np.zeros((self.words, LANES), np.float32)
        decided = beliefs < 0
        for iteration in range(ITERATIONS):
            for each, words in zip(self.passes, told, strict=True):
                beliefs = self._improved(beliefs, each, words, 0.5 if iteration else 1.0)
            before, decided = decided, beliefs < 0
            if iteration and np.array_equal(decided, before):
                break
        return decided.astype(np.uint8)

    def _improved(
        self, beliefs: NDArray[np.float32], each: Pass, words: NDArray[np.float32], kept: float
    ) -> NDArray[np.float32]:
        """Beliefs after a pass: what is kept of them, and what its neighbours on either side say of each."""
        steps = self.words
        heard = np.zeros((steps, LANES), np.float32)
        heard[each.sends] = words
        ordered = beliefs[each.order]
        before, held = np.empty((steps, LANES), np.float32), np.full(LANES, _SURE)
        for step in range(steps):
            before[step] = held = np.roll(held, -1)
            held = _both(held, ordered[step]) + heard[step]
        told, after = np.empty((steps, LANES), np.float32), np.zeros(LANES, np.float32)
        for step in range(steps - 1, -1, -1):
            after = after + heard[step]
            told[step] = _both(before[step], after)
            after = np.roll(_both(after, ordered[step]), 1)
        improved = beliefs * np.float32(kept)
        improved[each.order] += told
        limit = float(_SURE)
        return np.asarray(np.clip(improved, -limit, limit))


def _both(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """The belief in the sum of two bits."""
    return np.asarray(np.copysign(np.minimum(np.abs(one), np.abs(other)), one) * np.copysign(np.float32(1), other))


@cache
def _passes(words: int) -> tuple[Pass, ...]:
    highest = max(4, words.bit_length() - 1)
    found = []
    for number, (mask, puncture) in enumerate(zip(_MASKS[highest], PUNCTURE, strict=True)):
        offset = words >> 1 + number
        state = 1 + number + offset
        order: list[int] = []
        while len(order) < words:
            state = state >> 1 ^ (mask if state & 1 else 0)
            if state <= words:
                order.append((state - 1 - offset) % words)
        sends = list(range(puncture - 1, words, puncture))
        if words % puncture:
            sends.append(words - 1)
        found.append(Pass(np.array(order, np.intp), np.array(sends, np.intp)))
    return tuple(found)
