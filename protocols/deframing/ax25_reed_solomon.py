"""AX.25 frames that carry a Reed-Solomon word, as NanoCom-based satellites on amateur bands send (OPS-SAT, QB50).

Within HDLC flags stand an AX.25 header of 16 bytes, a CCSDS-randomised, shortened Reed-Solomon (255,223) word in the
conventional basis, and the frame check sequence. The word mends what the check would only refuse, so the check is not
looked at, and header and check, which nothing mends, are not delivered (gr-satellites, "OPS-SAT").
"""

import numpy as np

from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.deframing.ax100 import corrected
from protocols.deframing.deframer import Deframer
from protocols.deframing.hdlc import Hdlc
from protocols.deframing.marked import Decoded
from protocols.errors import DeclarationError

HEADER = bytes(each << 1 for each in b"CQ    pCQ    ") + b"\xe1\x03\xf0"
"""What is sent in front: two addresses, the control byte of unnumbered information, no layer 3 (AX.25 2.2, 3)."""
_CODE = ReedSolomon()
_WORD = 255  # bytes of the longest word


class Ax25ReedSolomon(Hdlc):
    """Reed-Solomon words within AX.25 frames."""

    def __init__(self, *, g3ruh: bool = True, nrzi: bool = True, randomize: bool = True) -> None:
        """The line's options are Hdlc's; randomize says whether words are CCSDS-randomised."""
        least, most = len(HEADER) + _CODE.roots + 1, len(HEADER) + _WORD
        super().__init__(g3ruh=g3ruh, nrzi=nrzi, min_length=least, max_length=most)
        self._randomize = randomize

    def _decode(self, frame: bytes) -> Decoded | None:
        word = np.frombuffer(frame, np.uint8)[len(HEADER) : -self._check.width]
        return corrected(Randomizer.SHORT.apply(word) if self._randomize else word)

    def _encode(self, body: bytes) -> bytes:
        if not 0 < len(body) <= _WORD - _CODE.roots:
            problem = f"a frame of {len(body)} bytes; use 1 to {_WORD - _CODE.roots}"
            raise DeclarationError("framing 'ax25_reed_solomon'", problem)
        word = _CODE.encode(np.frombuffer(body, np.uint8)[np.newaxis])[0]
        word = Randomizer.SHORT.apply(word) if self._randomize else word
        return super()._encode(HEADER + word.tobytes())


DEFRAMERS: dict[str, type[Deframer]] = {"ax25_reed_solomon": Ax25ReedSolomon}
