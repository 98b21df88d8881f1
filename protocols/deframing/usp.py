"""USP, the Unified SPUTNIX Protocol (its description, revision 1.04), which SPUTNIX's satellites send.

A sync word of 64 bits; a code word of 64 that tells the size, of the bi-orthogonal code that DVB-S2 uses for the same
(ETSI EN 302 307, 5.5.2.4), 48 or 223 bytes; these, with the parity of CCSDS's Reed-Solomon code in its dual basis, are
randomised and convolutionally coded, without a tail. The bytes are a type, 08 ff for AX.25, a length of two bytes,
little-endian, and a frame of that length.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.coding.convolutional import CODES, ConvolutionalEncoder, ViterbiDecoder
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import CCSDS_223
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError

MARKER = 0x5072F64B2D90B1F5
MARKER_ERRORS = 13
"""Bits of the sync word that may be wrong by default, as the description recommends."""
SIZES = (48, 223)
"""Bytes of a frame by the number that its code word carries; the published table has them the other way round."""
SIZE_BITS, SIZE_ERRORS = 64, 20
"""Bits of the size's code word, and of them those that may be wrong; the two words differ in 32."""
_SCRAMBLING = 0x719D83C953422DFA
_ONES = int("01" * 32, 2)  # the code's row for the number's lowest bit
_CODE = CODES["ccsds"]
_AX25 = b"\x08\xff"
_HEAD = 4  # bytes of type and length


class Usp(MarkedDeframer):
    """USP frames, whole or what is in them."""

    MARKED = SKIPPED = 64
    HEADER = SIZE_BITS

    def __init__(self, *, unwrap: bool = True, marker_errors: int = MARKER_ERRORS) -> None:
        """Unwrap says whether frames are delivered as their type and length tell, an AX.25 frame mostly, or whole."""
        super().__init__(MARKER, marker_errors, SIZE_BITS + _symbols(SIZES[-1]))
        self._unwrap = unwrap

    def _length(self, header: NDArray[np.float32]) -> int:
        number = _number(header)
        return SIZE_BITS + _symbols(SIZES[number]) if number >= 0 else 0

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        decoder = ViterbiDecoder(_CODE)
        bits = np.concatenate((decoder.receive(frame[SIZE_BITS:]), decoder.flush()))
        result = CCSDS_223.decode(Randomizer.SHORT.apply(np.packbits(bits))[np.newaxis])
        if not result.good[0]:
            return None
        body = result.data[0].tobytes()
        if self._unwrap:
            length = int.from_bytes(body[2:_HEAD], "little")
            if not 0 < length <= len(body) - _HEAD:
                return None
            body = body[_HEAD : _HEAD + length]
        return Decoded(body, int(result.symbols.sum()))

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if self._unwrap:
            wrapped = _AX25 + len(body).to_bytes(2, "little") + body
            size = next((size for size in SIZES if len(wrapped) <= size), 0)
            body = wrapped + bytes(max(0, size - len(wrapped)))
        if len(body) not in SIZES:
            allowed = f"1 to {SIZES[-1] - _HEAD}" if self._unwrap else " or ".join(map(str, SIZES))
            raise DeclarationError("framing 'usp'", f"a frame of the wrong length; use {allowed} bytes")
        word = Randomizer.SHORT.apply(CCSDS_223.encode(np.frombuffer(body, np.uint8)[np.newaxis])[0])
        size_word = _SCRAMBLING ^ (_ONES if SIZES.index(len(body)) else 0)
        front = np.unpackbits(np.frombuffer(size_word.to_bytes(SIZE_BITS // 8, "big"), np.uint8))
        return np.concatenate((front, ConvolutionalEncoder(_CODE).encode(np.unpackbits(word))))


def _symbols(size: int) -> int:
    """Symbols of a frame of so many bytes."""
    return 2 * 8 * (size + CCSDS_223.roots)


def _number(header: NDArray[np.float32]) -> int:
    """The number of the size in a header; -1 where neither word is near."""
    received = int.from_bytes(np.packbits(header[:SIZE_BITS] > 0).tobytes(), "big")
    wrong = [(received ^ _SCRAMBLING ^ ones).bit_count() for ones in (0, _ONES)]
    number = int(wrong[1] < wrong[0])
    return number if wrong[number] <= SIZE_ERRORS else -1


DEFRAMERS = {"usp": Usp}
