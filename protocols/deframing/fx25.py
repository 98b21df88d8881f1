"""FX.25: AX.25 frames within Reed-Solomon words (Stensat Group, "FX.25 Forward Error Correction Extension to AX.25",
2006), which receivers without it take for plain AX.25.

A tag of 64 bits tells the code. Behind it stands a word whose data are an HDLC frame between flags, stuffed, with more
flags to fill the word. Tag and bytes go least significant bit first; NRZI, and G3RUH's scrambler if any, are around
all of it. Astrocast's first satellites send frames that are not stuffed, in CCSDS's code and its dual basis.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.coding.crc import crc
from protocols.coding.line_code import NRZ_S, Differential
from protocols.coding.reed_solomon import CCSDS_223, ReedSolomon
from protocols.coding.scrambler import Scrambler
from protocols.deframing.g3ruh import FILL, SoftDescrambler
from protocols.deframing.hdlc import FCS, Hdlc
from protocols.deframing.marked import Decoded, MarkedDeframer, marker_errors
from protocols.deframing.soft_line import SoftDifferential
from protocols.errors import DeclarationError

TAG_BITS = 64
TAG_ERRORS = 8
"""Bits of a tag that may be wrong by default; any two tags differ in 32."""
FIELD, FIRST, PRIMITIVE = 0x11D, 1, 1
"""Of the codes: x^8 + x^4 + x^3 + x^2 + 1, roots from alpha on."""
_FLAG = 0x7E


class Word(NamedTuple):
    """What a tag announces."""

    length: int
    """Bytes with parity."""
    data: int
    """Bytes without."""


TAGS = {
    0xB74DB7DF8A532F3E: Word(255, 239),
    0x26FF60A600CC8FDE: Word(144, 128),
    0xC7DC0508F3D9B09E: Word(80, 64),
    0x8F056EB4369660EE: Word(48, 32),
    0x6E260B1AC5835FAE: Word(255, 223),
    0xFF94DC634F1CFF4E: Word(160, 128),
    0x1EB7B9CDBC09C00E: Word(96, 64),
    0xDBF869BD2DBB1776: Word(64, 32),
    0x3ADB0C13DEAE2836: Word(255, 191),
    0xAB69DB6A543188D6: Word(192, 128),
    0x4A4ABEC4A724B796: Word(128, 64),
}
"""Correlation tags 1 to 11 (section 5), least significant bit sent first."""


class Fx25(MarkedDeframer):
    """FX.25 frames, delivered as AX.25 frames without flags and check."""

    MARKED = TAG_BITS
    SKIPPED = 0
    HEADER = TAG_BITS

    def __init__(
        self, *, nrzi: bool = True, g3ruh: bool = False, astrocast: bool = False, tag_errors: int = TAG_ERRORS
    ) -> None:
        """Astrocast chooses that satellite's code and frames without stuffing; the other options are the line's."""
        super().__init__(0, tag_errors, TAG_BITS + 8 * 255)
        self._nrzi = SoftDifferential(NRZ_S) if nrzi else None
        self._descrambler = SoftDescrambler() if g3ruh else None
        self._astrocast = astrocast
        self._check = crc(FCS)

    def _markers(self, held: NDArray[np.float32]) -> Iterator[tuple[int, float]]:
        hard = held > 0
        found: dict[int, float] = {}
        for tag in TAGS:
            wrong = marker_errors(hard, _as_sent(tag), TAG_BITS)
            found |= dict.fromkeys(np.flatnonzero(wrong <= self._errors).tolist(), 1.0)
            found |= dict.fromkeys(np.flatnonzero(wrong >= TAG_BITS - self._errors).tolist(), -1.0)
        yield from sorted(found.items())

    def _length(self, header: NDArray[np.float32]) -> int:
        return TAG_BITS + 8 * TAGS[_nearest(header[:TAG_BITS])].length

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        word = TAGS[_nearest(frame[:TAG_BITS])]
        received = np.packbits(frame[TAG_BITS:] > 0, bitorder="little")
        result = self._code(word).decode(received[np.newaxis])
        if not result.good[0]:
            return None
        body = self._unstuffed(result.data[0]) if not self._astrocast else self._unflagged(result.data[0])
        return Decoded(body, int(result.symbols.sum())) if body else None

    def _code(self, word: Word) -> ReedSolomon:
        return CCSDS_223 if self._astrocast else _codes(word.length - word.data)

    def _unstuffed(self, data: NDArray[np.uint8]) -> bytes:
        """The frame within a word's data; empty where there is none whose check is good."""
        bits = np.unpackbits(data, bitorder="little").astype(np.float32) * 2 - 1
        frames = Hdlc(nrzi=False, min_length=1).receive(bits)
        return frames[0].body if frames else b""

    def _unflagged(self, data: NDArray[np.uint8]) -> bytes:
        """The same where bytes are not stuffed: up to a flag before which the check is good."""
        for end in np.flatnonzero(data[1:] == _FLAG).tolist():
            frame = data[1 : end + 1].tobytes()
            if self._check.good(frame):
                return frame[: -self._check.width]
        return b""

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if self._astrocast:
            flagged = bytes((_FLAG,)) + self._check.append(body) + bytes((_FLAG,))
            tag, bits = next(tag for tag in TAGS if TAGS[tag] == Word(255, 223)), _bits(flagged)
        else:
            bits = Hdlc(nrzi=False).encode([body])
            tag = min((tag for tag in TAGS if 8 * TAGS[tag].data >= len(bits)), key=lambda t: TAGS[t].data, default=0)
        word = TAGS.get(tag, Word(0, 0))
        if len(bits) > 8 * word.data:
            problem = f"a frame of {len(body)} bytes fits no code word; make it shorter"
            raise DeclarationError("framing 'fx25'", problem)
        fill = np.resize(_bits(bytes((_FLAG,))), 8 * word.data - len(bits))
        data = np.packbits(np.concatenate((bits, fill)), bitorder="little")
        coded = self._code(word).encode(data[np.newaxis])[0]
        return np.concatenate((_bits(tag.to_bytes(8, "little")), _bits(coded.tobytes())))

    def _line_decoded(self, bits: NDArray[np.float32]) -> NDArray[np.float32]:
        bits = self._descrambler.receive(bits) if self._descrambler else bits
        return self._nrzi.receive(bits) if self._nrzi else bits

    def _line_encoded(self, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        line = Differential(NRZ_S).encode(bits) if self._nrzi else bits
        return Scrambler().scramble(np.concatenate((FILL, line))) if self._descrambler else line


@cache
def _codes(roots: int) -> ReedSolomon:
    return ReedSolomon(roots, FIELD, FIRST, PRIMITIVE)


def _bits(data: bytes) -> NDArray[np.uint8]:
    """Least significant first."""
    return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")


def _as_sent(tag: int) -> int:
    """A tag with the bit that is sent first as the highest."""
    return int(f"{tag:0{TAG_BITS}b}"[::-1], 2)


def _nearest(soft: NDArray[np.float32]) -> int:
    """The tag nearest to soft bits."""
    received = int.from_bytes(np.packbits(soft > 0, bitorder="little").tobytes(), "little")
    return min(TAGS, key=lambda tag: (tag ^ received).bit_count())


DEFRAMERS = {"fx25": Fx25}
