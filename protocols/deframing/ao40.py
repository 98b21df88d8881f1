"""The error-correcting frame of AO-40, FUNcubes and others (P. Karn, "Proposed coded AO-40 telemetry format", 2002).

256 bytes make two Reed-Solomon (160,128) words, byte by byte in turn; these are CCSDS-randomised and convolutionally
coded with six bits of tail. The symbols fill columns of 65 behind a first one that holds a fixed sequence; the rows of
80 are sent. So a fade hits symbols far apart, and each 80th bit sent is the sequence's.

SMOG-P and its kind also send 128 bytes as one such word, in columns of 52 and rows of 51 (gr-satellites, "AO-40 FEC
short"); 28 symbols behind the sequence's column are left free there.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.coding.convolutional import ConvolutionalEncoder, decode_terminated
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.deframing.deframer import Deframer
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError


class Interleaver(NamedTuple):
    """How a frame lies in rows and columns."""

    rows: int
    columns: int
    free: int
    """Symbols behind the sequence's column that are not used."""
    words: int
    """Reed-Solomon words in a frame."""
    sync_errors: int
    """Bits of the sequence that may be wrong by default: noise passes for it once in five million places, for the short
    one once in half a million.
    """

    @property
    def bits(self) -> int:
        """Bits of a frame as sent."""
        return self.rows * self.columns

    @property
    def symbols(self) -> slice:
        """Where the coded symbols lie, in columns."""
        begin = self.rows + self.free
        return slice(begin, begin + 2 * (8 * _WORD * self.words + 6))


LONG, SHORT = Interleaver(65, 80, 0, 2, 12), Interleaver(52, 51, 28, 1, 9)
_DATA, _WORD = 128, 160  # bytes of a word without and with parity


def _sequence(rows: int) -> NDArray[np.uint8]:
    """x^7 + x^3 + 1 from all ones, uint8 (rows,)."""
    bits = [1] * 7
    while len(bits) < rows:
        bits.append(bits[-4] ^ bits[-7])
    return np.array(bits, np.uint8)


class Ao40(MarkedDeframer):
    """AO-40 frames of 256 bytes, or of 128."""

    SKIPPED = 0

    def __init__(self, *, short: bool = False, sync_errors: int | None = None) -> None:
        self._shape = SHORT if short else LONG
        super().__init__(0, self._shape.sync_errors if sync_errors is None else sync_errors, self._shape.bits)
        self.MARKED = (self._shape.rows - 1) * self._shape.columns + 1
        self._sequence = _sequence(self._shape.rows)
        self._code = ReedSolomon(interleave=self._shape.words)

    @property
    def frame_length(self) -> int:
        """Bytes of every frame."""
        return _DATA * self._shape.words

    def _markers(self, held: NDArray[np.float32]) -> Iterator[tuple[int, float]]:
        count = len(held) - self.MARKED + 1
        if count < 1:
            return
        rows, columns = self._shape.rows, self._shape.columns
        bits = (held > 0).astype(np.uint8)
        wrong = np.zeros(count, np.uint8)
        for row, bit in enumerate(self._sequence):
            wrong += bits[row * columns : row * columns + count] ^ bit
        for place in np.flatnonzero((wrong <= self._errors) | (wrong >= rows - self._errors)).tolist():
            yield place, 1.0 if wrong[place] <= self._errors else -1.0

    def _length(self, header: NDArray[np.float32]) -> int:  # noqa: ARG002 - frames are of one length
        return self._shape.bits

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        symbols = frame.reshape(self._shape.rows, self._shape.columns).T.reshape(-1)[self._shape.symbols]
        bits = decode_terminated(symbols[np.newaxis])[0, : 8 * _WORD * self._shape.words]
        result = self._code.decode(Randomizer.SHORT.apply(np.packbits(bits))[np.newaxis])
        return Decoded(result.data[0].tobytes(), int(result.symbols.sum())) if result.good[0] else None

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if len(body) != self.frame_length:
            problem = f"a frame of {len(body)} bytes; all have {self.frame_length}: pad it"
            raise DeclarationError("framing 'ao40'", problem)
        words = Randomizer.SHORT.apply(self._code.encode(np.frombuffer(body, np.uint8)[np.newaxis])[0])
        bits = np.concatenate((np.unpackbits(words), np.zeros(6, np.uint8)))
        sent = np.zeros(self._shape.bits, np.uint8)
        sent[: self._shape.rows] = self._sequence
        sent[self._shape.symbols] = ConvolutionalEncoder().encode(bits)
        return sent.reshape(self._shape.columns, self._shape.rows).T.reshape(-1)

    def encode(self, bodies: Iterable[bytes]) -> NDArray[np.uint8]:
        """The bits of bodies, as uint8 (n,), one frame behind the other. Raises DeclarationError on their lengths."""
        return np.concatenate((np.zeros(0, np.uint8), *(self._encode(body) for body in bodies)))


DEFRAMERS: dict[str, type[Deframer]] = {"ao40": Ao40}
