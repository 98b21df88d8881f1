"""The framing of GomSpace's NanoCom U482C transceiver, as gr-satellites documents it and recordings bear out.

No recording at hand has the convolutional code; that part is held to our own encoder alone.

The marker c3 aa 66 55, a Golay (24,12) word, and the bytes it announces. Its low eight bits are their number, of what
is sent; three flags say what was done to them: first Reed-Solomon (255,223) in the conventional basis, shortened; then
CCSDS's randomizer; then the convolutional code of rate 1/2 and constraint length 7, with a byte of tail.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.coding.convolutional import CODES, ConvolutionalEncoder, decode_terminated
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.deframing import golay_header
from protocols.deframing.marked import MARKER_ERRORS, Decoded, MarkedDeframer, soft_bytes
from protocols.errors import DeclarationError

MARKER = 0xC3AA6655
"""The attached sync marker."""
CONVOLVED, RANDOMIZED, CODED = 0x100, 0x200, 0x400
"""The flags in the Golay word."""
_CONVOLUTIONAL = CODES["nasa-dsn uninverted"]
_REED_SOLOMON = ReedSolomon()
_LONGEST = 255  # bytes that eight bits can announce


class U482c(MarkedDeframer):
    """U482C packets, whatever was done to them; one without Reed-Solomon has nothing that vouches for it."""

    HEADER = golay_header.BITS

    def __init__(
        self, *, marker_errors: int = MARKER_ERRORS, unchecked: bool = False, flags: int = RANDOMIZED | CODED
    ) -> None:
        """Unchecked packets, without Reed-Solomon, are delivered only if wanted; flags are those to encode with."""
        super().__init__(MARKER, marker_errors, self.HEADER + 8 * _LONGEST)
        self._unchecked, self._flags = unchecked, flags

    def _length(self, header: NDArray[np.float32]) -> int:
        size = golay_header.decoded(header[: self.HEADER])
        if size <= 0 or not (self._unchecked or size & CODED):
            return 0
        length = size & 0xFF
        body = length // 2 - 1 if size & CONVOLVED else length
        return self.HEADER + 8 * length if body > (_REED_SOLOMON.roots if size & CODED else 0) else 0

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        flags = golay_header.decoded(frame[: self.HEADER])
        soft = frame[self.HEADER :]
        word = soft_bytes(soft)
        if flags & CONVOLVED:
            length = len(word) // 2 - 1
            sent = soft[np.newaxis, : 2 * (8 * length + 6)]
            word = np.packbits(decode_terminated(sent, _CONVOLUTIONAL)[0, : 8 * length])
        if flags & RANDOMIZED:
            word = Randomizer.SHORT.apply(word)
        if not flags & CODED:
            return Decoded(word.tobytes(), 0)
        result = _REED_SOLOMON.decode(word[np.newaxis])
        return Decoded(result.data[0].tobytes(), int(result.symbols.sum())) if result.good[0] else None

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        word = np.frombuffer(body, np.uint8)
        if self._flags & CODED:
            word = _REED_SOLOMON.encode(word[np.newaxis])[0]
        if self._flags & RANDOMIZED:
            word = Randomizer.SHORT.apply(word)
        bits = np.unpackbits(word)
        if self._flags & CONVOLVED:
            tail = np.zeros(8, np.uint8)
            bits = ConvolutionalEncoder(_CONVOLUTIONAL).encode(np.concatenate((bits, tail)))
        if not 0 < len(bits) // 8 <= _LONGEST:
            problem = f"a frame of {len(body)} bytes takes {len(bits) // 8} when coded; {_LONGEST} is the most"
            raise DeclarationError("framing 'u482c'", f"{problem}: make it shorter")
        return np.concatenate((golay_header.encoded(len(bits) // 8 | self._flags), bits))


DEFRAMERS = {"u482c": U482c}
