"""Convolutional codes of rate 1/2 and constraint length 7: encoder, and Viterbi decoder of soft bits, as streams.

CCSDS 131.0-B section 3: G1 = 171 octal first, then G2 = 133 octal inverted. Both generators have an odd number of taps,
so complemented symbols decode to complemented bits: the polarity of a link is found by its sync marker, not here; which
symbol of a pair is first is found by :mod:`protocols.coding.node_sync`.

A soft bit is positive for a one and the larger the surer; any scale will do. One that is not finite is an erasure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protocols.coding.viterbi import BLOCK, DEPTH, LARGEST, MEMORY, TOGETHER, Trellis, decode_blocks, quantised
from protocols.errors import DeclarationError

Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ConvolutionalCode:
    """Two generators, the newest bit in their highest place. Raises DeclarationError on one not of length 7."""

    first: int = 0o171
    """Generator of the first symbol of a pair."""
    second: int = 0o133
    """Generator of the second symbol."""
    inverted: tuple[bool, bool] = (False, True)
    """Whether each symbol is sent complemented."""

    def __post_init__(self) -> None:
        for generator in (self.first, self.second):
            if generator & 0o101 != 0o101 or generator > 0o177:
                problem = f"{generator:#o} does not use the newest and the oldest of seven bits; use 0o171 and 0o133"
                raise DeclarationError("convolutional code", problem)

    @property
    def trellis(self) -> Trellis:
        """The signs of both symbols on the branches of a zero out of the first half of the states."""
        return Trellis(self._signs(self.first, self.inverted[0]), self._signs(self.second, self.inverted[1]))

    def _signs(self, generator: int, inverted: bool) -> NDArray[np.int16]:
        taps = int(f"{generator:07b}"[::-1], 2)  # in the state the newest bit is the lowest
        ones = np.bitwise_count(np.arange(1 << (MEMORY - 1)) << 1 & taps) & 1
        return np.where(ones ^ inverted, 1, -1).astype(np.int16)


CODES = {
    "ccsds": ConvolutionalCode(),
    "ccsds uninverted": ConvolutionalCode(inverted=(False, False)),
    "nasa-dsn": ConvolutionalCode(0o133, 0o171, inverted=(True, False)),
    "nasa-dsn uninverted": ConvolutionalCode(0o133, 0o171, inverted=(False, False)),
}
"""The variants in use, by the names that ground stations know them by."""


class ConvolutionalEncoder:
    """Encodes a stream of bits; the register starts with zeros and carries on over calls (131.0-B 3.3.2)."""

    def __init__(self, code: ConvolutionalCode = CODES["ccsds"]) -> None:
        self.code = code
        self._register = np.zeros(MEMORY, np.uint8)

    def encode(self, bits: ArrayLike) -> Bits:
        """The symbols, 0 or 1, of bits uint8 (n,): uint8 (2 n,)."""
        stream = np.concatenate((self._register, np.asarray(bits, np.uint8) & 1))
        count = len(stream) - MEMORY
        self._register = stream[count:]
        symbols = np.empty((count, 2), np.uint8)
        for column, generator in enumerate((self.code.first, self.code.second)):
            symbols[:, column] = self.code.inverted[column]
            for delay in range(MEMORY + 1):
                if generator << delay & 0o100:
                    symbols[:, column] ^= stream[MEMORY - delay : MEMORY - delay + count]
        return symbols.reshape(-1)


class ViterbiDecoder:
    """Decodes a stream of soft bits whose pairing is known; how it is cut never changes the bits.

    The stream is decoded in blocks of 512 bits, each with 64 more on either side that let its path settle: a bit comes
    out at most 576 bits after its symbols came in. A block is scaled by its own median, so fading needs no care.
    """

    def __init__(self, code: ConvolutionalCode = CODES["ccsds"], skip: int = 0) -> None:
        """Decode code; skip leading symbols (0 or 1) belong to a pair whose first symbol was not received."""
        self.code = code
        self.skip = skip
        self.erasures = 0  # soft bits that were not finite
        self._trellis = code.trellis
        self._left_to_skip = skip
        self._pending = np.zeros(2 * DEPTH, np.float32)

    def receive(self, soft: ArrayLike) -> Bits:
        """The bits that soft bits, floats (n,), make certain: uint8 (m,)."""
        arrived, erasures = finite(soft)
        self.erasures += erasures
        self._pending = np.concatenate((self._pending, arrived[self._left_to_skip :]))
        self._left_to_skip = max(0, self._left_to_skip - len(arrived))
        blocks = (len(self._pending) // 2 - 2 * DEPTH) // BLOCK
        return self._decode(blocks) if blocks > 0 else np.empty(0, np.uint8)

    def flush(self) -> Bits:
        """The bits still waiting for symbols after them, uint8 (m,); the decoder is as new then."""
        left = len(self._pending) // 2 - DEPTH
        blocks = -(-left // BLOCK)
        whole = np.zeros(2 * (blocks * BLOCK + 2 * DEPTH), np.float32)
        whole[: 2 * (left + DEPTH)] = self._pending[: 2 * (left + DEPTH)]
        self._pending = whole
        bits = self._decode(blocks)[:left] if left > 0 else np.empty(0, np.uint8)
        self._left_to_skip = self.skip
        self._pending = np.zeros(2 * DEPTH, np.float32)
        return bits

    def _decode(self, blocks: int) -> Bits:
        pairs = np.lib.stride_tricks.sliding_window_view(self._pending, 2 * (BLOCK + 2 * DEPTH))
        each = pairs[:: 2 * BLOCK][:blocks]
        groups = (quantised(each[first : first + TOGETHER]) for first in range(0, blocks, TOGETHER))
        bits = [decode_blocks(levels, self._trellis, BLOCK).reshape(-1) for levels in groups]
        self._pending = self._pending[2 * BLOCK * blocks :].copy()
        return np.concatenate(bits)


def decode_terminated(soft: ArrayLike, code: ConvolutionalCode = CODES["ccsds"]) -> Bits:
    """The bits of blocks that each begin and end with the encoder's register at zero.

    Soft bits, floats (n, 2 bits), give uint8 (n, bits), the six zeros that emptied the register among them.
    """
    rows, _ = finite(soft)
    rows = rows[:, : rows.shape[1] // 2 * 2]
    levels = quantised(rows)
    zeros = np.tile(np.array([LARGEST if inverted else -LARGEST for inverted in code.inverted], np.int8), DEPTH)
    around = np.broadcast_to(zeros, (len(rows), len(zeros)))
    return decode_blocks(np.concatenate((around, levels, around), axis=1), code.trellis, rows.shape[1] // 2)


def finite(soft: ArrayLike) -> tuple[NDArray[np.float32], int]:
    """Soft bits as float32 with zeros for those that are not finite, and how many there were."""
    with np.errstate(all="ignore"):
        values = np.array(soft, np.float32)
    good = np.isfinite(values)
    erasures = values.size - int(np.count_nonzero(good))
    if erasures:
        values[~good] = 0
    return values, erasures
