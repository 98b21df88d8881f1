"""The two framings of GomSpace's NanoCom AX100 transceiver, as gr-satellites documents them and recordings bear out.

ASM+Golay: the marker 93 0b 51 de, a Golay (24,12) word whose low eight bits are the bytes that follow, and these:
a shortened Reed-Solomon (255,223) word in the conventional basis, CCSDS-randomised. Reed-Solomon: the stream is
scrambled by G3RUH's polynomial; the marker is the same; a byte follows with the length of all from itself on, then a
shortened Reed-Solomon word.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.coding.scrambler import Scrambler
from protocols.deframing import golay_header
from protocols.deframing.deframer import Deframer
from protocols.deframing.g3ruh import FILL, SoftDescrambler
from protocols.deframing.marked import MARKER_ERRORS, Decoded, MarkedDeframer, soft_bytes
from protocols.errors import DeclarationError
from protocols.framer import hexadecimal

MARKER = 0x930B51DE
"""The attached sync marker of both framings."""
_CODE = ReedSolomon()
_PARITY, _WORD = 32, 255
_RANDOMIZED, _CODED = 0x200, 0x400  # flags in the Golay word, as the U482C's
_HEADER = 4  # bytes of a CSP header, and of a marker


def corrected(word: NDArray[np.uint8]) -> Decoded | None:
    """The data of a shortened Reed-Solomon word, uint8 (n,); None where it has too many errors."""
    result = _CODE.decode(word[np.newaxis])
    return Decoded(result.data[0].tobytes(), int(result.symbols.sum())) if result.good[0] else None


class Ax100Golay(MarkedDeframer):
    """AX100 in its ASM+Golay mode."""

    HEADER = golay_header.BITS

    def __init__(
        self, *, randomize: bool = True, marker: str = f"{MARKER:08x}", marker_errors: int = MARKER_ERRORS
    ) -> None:
        """Randomize says whether words are CCSDS-randomised; marker, in hexadecimal, is another one of four bytes."""
        super().__init__(_marker(marker), marker_errors, self.HEADER + 8 * _WORD)
        self._randomize = randomize

    def _length(self, header: NDArray[np.float32]) -> int:
        size = golay_header.decoded(header[: self.HEADER])
        length = size & 0xFF
        return self.HEADER + 8 * length if size >= 0 and length > _PARITY else 0

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        word = soft_bytes(frame[self.HEADER :])
        return corrected(Randomizer.SHORT.apply(word) if self._randomize else word)

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        word = _encoded(body)
        if self._randomize:
            word = Randomizer.SHORT.apply(word)
        size = golay_header.encoded(len(word) | _RANDOMIZED * self._randomize | _CODED)
        return np.concatenate((size, np.unpackbits(word)))


class Ax100ReedSolomon(MarkedDeframer):
    """AX100 in its Reed-Solomon mode."""

    HEADER = 8

    def __init__(
        self, *, g3ruh: bool = True, marker: str = f"{MARKER:08x}", marker_errors: int = MARKER_ERRORS
    ) -> None:
        """G3ruh says whether the stream is scrambled; marker, in hexadecimal, is another one of four bytes."""
        super().__init__(_marker(marker), marker_errors, 8 * _WORD)
        self._descrambler = SoftDescrambler() if g3ruh else None

    def _length(self, header: NDArray[np.float32]) -> int:
        length = int(soft_bytes(header[: self.HEADER])[0])
        return 8 * length if length > _PARITY + _HEADER else 0

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        return corrected(soft_bytes(frame)[1:])

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        word = _encoded(body, most=_WORD - 1)
        return np.unpackbits(np.concatenate((np.array((len(word) + 1,), np.uint8), word)))

    def _line_decoded(self, bits: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._descrambler.receive(bits) if self._descrambler else bits

    def _line_encoded(self, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return Scrambler().scramble(np.concatenate((FILL, bits))) if self._descrambler else bits


def _marker(marker: str) -> int:
    sync = hexadecimal(marker, "marker")
    if len(sync) != _HEADER:
        raise DeclarationError(f"marker {marker!r}", f"{len(sync)} bytes found; give four, such as {MARKER:08x}")
    return int.from_bytes(sync, "big")


def _encoded(body: bytes, most: int = _WORD) -> NDArray[np.uint8]:
    if not _HEADER < len(body) <= most - _PARITY:
        problem = f"a frame of {len(body)} bytes; use {_HEADER + 1} to {most - _PARITY}"
        raise DeclarationError("framing 'ax100'", problem)
    return np.asarray(_CODE.encode(np.frombuffer(body, np.uint8)[np.newaxis])[0])


DEFRAMERS: dict[str, type[Deframer]] = {"ax100_golay": Ax100Golay, "ax100_reed_solomon": Ax100ReedSolomon}
