"""The error-correcting frame of AO-40, FUNcubes and others (P. Karn, "Proposed coded AO-40 telemetry format", 2002).

256 bytes make two Reed-Solomon (160,128) words, byte by byte in turn; these are CCSDS-randomised and convolutionally
coded with six bits of tail. The symbols fill columns of 65 behind a first one that holds a fixed sequence; the rows of
80 are sent. So a fade hits symbols far apart, and each 80th bit sent is the sequence's.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from protocols.coding.convolutional import ConvolutionalEncoder, decode_terminated
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.deframing.deframer import Deframer
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError

ROWS, COLUMNS = 65, 80
"""The interleaver."""
DATA = 256
"""Bytes of every frame."""
SYNC_ERRORS = 12
"""Bits of the sequence that may be wrong by default: noise passes for it once in five million places."""
_WORDS = 2 * 160  # bytes
_SYMBOLS = 2 * (8 * _WORDS + 6)
_CODE = ReedSolomon(interleave=2)


def _sequence() -> NDArray[np.uint8]:
    """x^7 + x^3 + 1 from all ones, uint8 (ROWS,)."""
    bits = [1] * 7
    while len(bits) < ROWS:
        bits.append(bits[-4] ^ bits[-7])
    return np.array(bits, np.uint8)


class Ao40(MarkedDeframer):
    """AO-40 frames of 256 bytes."""

    MARKED = (ROWS - 1) * COLUMNS + 1
    SKIPPED = 0

    def __init__(self, *, sync_errors: int = SYNC_ERRORS) -> None:
        super().__init__(0, sync_errors, ROWS * COLUMNS)
        self._sequence = _sequence()

    def _markers(self, held: NDArray[np.float32]) -> Iterator[tuple[int, float]]:
        count = len(held) - self.MARKED + 1
        if count < 1:
            return
        bits = (held > 0).astype(np.uint8)
        wrong = np.zeros(count, np.uint8)
        for row, bit in enumerate(self._sequence):
            wrong += bits[row * COLUMNS : row * COLUMNS + count] ^ bit
        for place in np.flatnonzero((wrong <= self._errors) | (wrong >= ROWS - self._errors)).tolist():
            yield place, 1.0 if wrong[place] <= self._errors else -1.0

    def _length(self, header: NDArray[np.float32]) -> int:  # noqa: ARG002 - frames are of one length
        return ROWS * COLUMNS

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        symbols = frame.reshape(ROWS, COLUMNS).T.reshape(-1)[ROWS : ROWS + _SYMBOLS]
        bits = decode_terminated(symbols[np.newaxis])[0, : 8 * _WORDS]
        result = _CODE.decode(Randomizer.SHORT.apply(np.packbits(bits))[np.newaxis])
        return Decoded(result.data[0].tobytes(), int(result.symbols.sum())) if result.good[0] else None

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if len(body) != DATA:
            raise DeclarationError("framing 'ao40'", f"a frame of {len(body)} bytes; all have {DATA}: pad it")
        words = Randomizer.SHORT.apply(_CODE.encode(np.frombuffer(body, np.uint8)[np.newaxis])[0])
        bits = np.concatenate((np.unpackbits(words), np.zeros(6, np.uint8)))
        sent = np.zeros(ROWS * COLUMNS, np.uint8)
        sent[:ROWS] = self._sequence
        sent[ROWS : ROWS + _SYMBOLS] = ConvolutionalEncoder().encode(bits)
        return sent.reshape(COLUMNS, ROWS).T.reshape(-1)

    def encode(self, bodies: Iterable[bytes]) -> NDArray[np.uint8]:
        """The bits of bodies, as uint8 (n,), one frame behind the other. Raises DeclarationError on their lengths."""
        return np.concatenate((np.zeros(0, np.uint8), *(self._encode(body) for body in bodies)))


DEFRAMERS: dict[str, type[Deframer]] = {"ao40": Ao40}
