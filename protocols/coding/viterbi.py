"""Viterbi's algorithm for codes of rate 1/2 and 64 states, on many independent blocks of quantised soft bits.

A block is decoded with some symbols before it, from any state, and some after it, so that its own bits lie where all
survivors agree: blocks need nothing from one another, and numba one at a time or numpy side by side give the same bits.

The state holds the last six bits, the newest lowest. States 2 j and 2 j + 1 are reached from j and j + 32 (a
butterfly), whose branches differ in sign only, as both generators use the newest and the oldest bit.
"""

from typing import NamedTuple

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from protocols.coding.compiled import compiled

MEMORY = 6
"""Bits in the encoder's register before the newest one."""
STATES = 64
"""Of them."""
BLOCK = 512
"""Bits decoded together. Longer ones waste less on their surroundings and make a live link wait longer."""
DEPTH = 64
"""Bits before and after a block: over nine constraint lengths, where five cost nothing measurable (130.1-G 4)."""

LARGEST = 31
"""Limit of soft levels: six bits, whose loss against real numbers is under 0.05 dB (three cost 0.25 dB)."""

_LEVEL = 12
"""Level of the median magnitude."""
_STRIDE = 11
"""Every eleventh magnitude is enough for the median, and takes both symbols of pairs in turn."""
_RESCALE = 256
"""Bits after which metrics are brought back near zero: 256 x 62 and their spread stay within int16."""
TOGETHER = 64
"""Blocks taken together: their soft bits, 330 kB, stay in the second-level cache on the way through."""


class Trellis(NamedTuple):
    """Signs (+1: a one) of the symbols on the branch from state j (0 to 31) on a zero bit."""

    first: NDArray[np.int16]
    """Of the first symbol, int16 (32,)."""
    second: NDArray[np.int16]
    """Of the second symbol, int16 (32,)."""


def quantised(soft: NDArray[np.float32]) -> NDArray[np.int8]:
    """Finite soft bits (blocks, n) in levels of -31 to 31, each block by its own median magnitude."""
    magnitude = np.abs(soft[:, ::_STRIDE])
    scale = np.median(magnitude, axis=1) if magnitude.size else np.ones(len(soft), np.float32)
    silent = scale == 0  # more zeros than soft bits: a burst that begins or ends here
    if silent.any():
        scale[silent] = np.abs(soft[silent]).max(axis=1)
    with np.errstate(over="ignore"):
        levels = soft * (np.float32(_LEVEL) / np.maximum(scale, np.float32(1e-30)))[:, None]
    np.clip(levels, -LARGEST, LARGEST, out=levels)
    return np.asarray(np.rint(levels, out=levels).astype(np.int8))


def decode_blocks(levels: NDArray[np.int8], trellis: Trellis, bits: int) -> NDArray[np.uint8]:
    """The middle bits of blocks of levels, int8 (blocks, 2 steps), as uint8 (blocks, bits)."""
    pairs = np.ascontiguousarray(levels).reshape(len(levels), levels.shape[1] // 2, 2)
    decoded = np.empty((len(pairs), bits), np.uint8)
    loop = compiled(one_by_one)
    if loop is not None:
        loop(pairs, trellis.first, trellis.second, np.empty((pairs.shape[1], STATES), np.uint8), decoded)
        return decoded
    for first in range(0, len(pairs), TOGETHER):
        some = slice(first, first + TOGETHER)
        decoded[some] = side_by_side(pairs[some], trellis, bits)
    return decoded


def one_by_one(
    pairs: NDArray[np.int8],
    first: NDArray[np.int16],
    second: NDArray[np.int16],
    decisions: NDArray[np.uint8],
    decoded: NDArray[np.uint8],
) -> None:
    """Decode blocks one after the other; for numba, whose vector instructions take the 32 butterflies of a bit at once.

    Decisions, uint8 (steps, 64), is room to work in: of the even next states, then of the odd ones.
    """
    steps, bits = pairs.shape[1], decoded.shape[1]
    before = (steps - bits) // 2
    old, new = np.zeros(64, np.int16), np.zeros(64, np.int16)
    for block in range(pairs.shape[0]):
        old[:] = 0
        for step in range(steps):
            a, b = int16(pairs[block, step, 0]), int16(pairs[block, step, 1])
            for j in range(32):
                branch = int16(first[j] * a + second[j] * b)
                zero, one = int16(old[j] + branch), int16(old[j + 32] - branch)
                zero_odd, one_odd = int16(old[j] - branch), int16(old[j + 32] + branch)
                new[j], new[j + 32] = max(zero, one), max(zero_odd, one_odd)
                decisions[step, j], decisions[step, j + 32] = one > zero, one_odd > zero_odd
            for j in range(32):
                old[2 * j], old[2 * j + 1] = new[j], new[j + 32]
            if step % _RESCALE == _RESCALE - 1:
                zeroth = old[0]
                for j in range(64):
                    old[j] = int16(old[j] - zeroth)
        state = np.argmax(old)
        for step in range(steps - 1, before - 1, -1):
            if step < before + bits:
                decoded[block, step - before] = state & 1
            state = (state >> 1) | (np.int64(decisions[step, (state >> 1) | ((state & 1) << 5)]) << 5)


def side_by_side(pairs: NDArray[np.int8], trellis: Trellis, bits: int) -> NDArray[np.uint8]:
    """Decode blocks in step with one another; what the loop does, for numpy."""
    count, steps, _ = pairs.shape
    symbols = np.ascontiguousarray(pairs.transpose(1, 2, 0)).astype(np.int16)
    metrics = np.zeros((32, 2, count), np.int16)  # of state 2 j + newest bit
    decisions = np.empty((steps, 2, 32, count), np.bool_)
    for step in range(steps):
        branch = trellis.first[:, None] * symbols[step, 0] + trellis.second[:, None] * symbols[step, 1]
        low, high = metrics.reshape(2, 32, count)
        candidates = low + branch, low - branch, high - branch, high + branch
        metrics = np.empty((32, 2, count), np.int16)
        for newest in (0, 1):
            zero, one = candidates[newest], candidates[newest + 2]
            np.greater(one, zero, out=decisions[step, newest])
            np.maximum(one, zero, out=metrics[:, newest])
        if step % _RESCALE == _RESCALE - 1:
            metrics -= metrics[0, 0]
    return _walked_back(metrics.reshape(STATES, count).argmax(axis=0), decisions, bits)


def _walked_back(state: NDArray[np.intp], decisions: NDArray[np.bool_], bits: int) -> NDArray[np.uint8]:
    """The middle bits of the paths that end in each block's state, uint8 (blocks, bits)."""
    steps, blocks = len(decisions), np.arange(len(state))
    before = (steps - bits) // 2
    decoded = np.empty((steps, len(state)), np.uint8)
    for step in range(steps - 1, before - 1, -1):
        newest, rest = state & 1, state >> 1
        decoded[step] = newest
        state = rest | decisions[step, newest, rest, blocks].astype(np.intp) << 5
    return np.ascontiguousarray(decoded[before : before + bits].T)
