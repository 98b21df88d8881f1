"""AAUSAT-4's frames (gr-satellites, "AAUSAT-4").

Behind its callsign as the marker stands a byte of the transmitter's state, which is passed over, and a shortened
Reed-Solomon (255,223) word in the conventional basis with 31 or 92 bytes of data, CCSDS-randomised and convolutionally
coded with six bits of tail. Nothing tells which of both it is, so both are tried. No recording at hand has such frames:
this is held to our own encoder alone.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.coding.convolutional import ConvolutionalEncoder, decode_terminated
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.deframing.ax100 import corrected
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError

MARKER = int.from_bytes(b"OZ4CUB", "big")
MARKER_ERRORS = 8
"""Bits of the marker that may be wrong by default."""
SIZES = (92, 31)
"""Bytes of a frame."""
_STATE = 8  # bits of the transmitter's state
_TAIL = 6
_CODE = ReedSolomon()


class Aausat4(MarkedDeframer):
    """AAUSAT-4's frames of 31 or 92 bytes."""

    MARKED = SKIPPED = 48
    CUT_SHORT = True

    def __init__(self, *, marker_errors: int = MARKER_ERRORS) -> None:
        super().__init__(MARKER, marker_errors, _STATE + _symbols(SIZES[0]))

    def _length(self, header: NDArray[np.float32]) -> int:  # noqa: ARG002 - which length it is comes out later
        return self._longest

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        for size in SIZES:
            symbols = frame[_STATE : _STATE + _symbols(size)]
            bits = decode_terminated(symbols[np.newaxis])[0, :-_TAIL]
            found = corrected(Randomizer.SHORT.apply(np.packbits(bits)))
            if found is not None:
                return Decoded(found.body, found.corrected, _STATE + len(symbols))
        return None

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if len(body) not in SIZES:
            raise DeclarationError("framing 'aausat_4'", f"a frame of {len(body)} bytes; pad it to 31 or 92")
        word = Randomizer.SHORT.apply(_CODE.encode(np.frombuffer(body, np.uint8)[np.newaxis])[0])
        bits = np.concatenate((np.unpackbits(word), np.zeros(_TAIL, np.uint8)))
        return np.concatenate((np.zeros(_STATE, np.uint8), ConvolutionalEncoder().encode(bits)))


def _symbols(size: int) -> int:
    """Symbols of a frame of so many bytes."""
    return 2 * (8 * (size + _CODE.roots) + _TAIL)


DEFRAMERS = {"aausat_4": Aausat4}
