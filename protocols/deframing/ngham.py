"""NGHam packets (J. P. Skagmo, LA3JPA, "NGHam protocol", 2014), as FloripaSat-1 and others send them.

A sync word, a tag of 24 bits that tells one of seven sizes, and a randomised Reed-Solomon word in CCSDS's field, of 16
or 32 symbols of parity, roots from 112 on in both: a byte of flags (three bits) and the size of the padding (five), the
payload, a CRC, padding. What is delivered is that byte and the payload. FloripaSat-1's parity belongs to no such code;
its packets have the CRC alone.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.coding.crc import crc
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.deframing.marked import MARKER_ERRORS, Decoded, MarkedDeframer, soft_bytes
from protocols.errors import DeclarationError

MARKER = 0x5DE62A7E
TAG_BITS, TAG_ERRORS = 24, 6
"""Bits of a tag, and of them those that may be wrong."""
_CHECK = crc("crc-16/ibm-sdlc")  # big-endian
_PADDING = 0x1F


class Size(NamedTuple):
    """One of the sizes."""

    tag: int
    word: int
    """Bytes with parity."""
    roots: int
    """Of them parity."""

    @property
    def most(self) -> int:
        """Bytes of payload."""
        return self.word - self.roots - 1 - _CHECK.width


SIZES = tuple(
    Size(tag, word, 16 if word < 128 else 32)
    for tag, word in (
        (0x3B49CD, 47),
        (0x4DDA57, 79),
        (0x76939A, 111),
        (0x9BB4AE, 159),
        (0xA0FD63, 191),
        (0xD66EF9, 223),
        (0xED2734, 255),
    )
)
_CODES = {roots: ReedSolomon(roots) for roots in (16, 32)}


class Ngham(MarkedDeframer):
    """NGHam packets, on a line of two levels."""

    HEADER = TAG_BITS

    def __init__(self, *, reed_solomon: bool = True, marker_errors: int = MARKER_ERRORS) -> None:
        """Reed_solomon says whether the parity is looked at."""
        self._mended = reed_solomon
        super().__init__(MARKER, marker_errors, TAG_BITS + 8 * SIZES[-1].word)

    def _length(self, header: NDArray[np.float32]) -> int:
        size = _size(header)
        return TAG_BITS + 8 * size.word if size else 0

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        size = _size(frame)
        if size is None:
            return None
        word = Randomizer.SHORT.apply(soft_bytes(frame[TAG_BITS:]))
        data, corrected = word[: -size.roots].tobytes(), 0
        if self._mended:
            result = _CODES[size.roots].decode(word[np.newaxis])
            if not result.good[0]:
                return None
            data, corrected = result.data[0].tobytes(), int(result.symbols.sum())
        packet = data[: len(data) - (data[0] & _PADDING)]
        return Decoded(packet[: -_CHECK.width], corrected) if _CHECK.good(packet) else None

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        size = next((size for size in SIZES if len(body) - 1 <= size.most), SIZES[-1])
        padding = size.most - (len(body) - 1)
        if len(body) < 2 or padding < 0:
            raise DeclarationError("framing 'ngham'", f"a frame of {len(body)} bytes; use 2 to {SIZES[-1].most + 1}")
        packet = _CHECK.append(bytes((body[0] & ~_PADDING | padding,)) + body[1:]) + bytes(padding)
        word = _CODES[size.roots].encode(np.frombuffer(packet, np.uint8)[np.newaxis])[0]
        tag = np.frombuffer(size.tag.to_bytes(TAG_BITS // 8, "big"), np.uint8)
        return np.unpackbits(np.concatenate((tag, Randomizer.SHORT.apply(word))))


def _size(header: NDArray[np.float32]) -> Size | None:
    """What the tag that is nearest to a header tells; None where none is near."""
    received = int.from_bytes(soft_bytes(header[:TAG_BITS]).tobytes(), "big")
    nearest = min(SIZES, key=lambda size: (size.tag ^ received).bit_count())
    return nearest if (nearest.tag ^ received).bit_count() <= TAG_ERRORS else None


DEFRAMERS = {"ngham": Ngham}
