"""IDEASSat's frames: AX.25 cut into pieces by a serial line of its own (gr-satellites, "IDEASSat").

A frame of 200 bytes, 15 of AX.25 header and 185 of payload, goes as nine pieces of 40 bytes: a flag, the header, the
number of the piece from 0, 22 bytes of payload, a flag. The payload's last bytes are a CRC and eleven of fill. A byte
goes as on an asynchronous line, between a start bit 0 and a stop bit 1, but its highest bit first; NRZI is around all.
The first piece is found by the end of its header: it is what tells one satellite's frames from noise.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.coding.crc import crc
from protocols.coding.line_code import NRZ_S, Differential
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.deframing.soft_line import SoftDifferential
from protocols.errors import DeclarationError

HEADER, PIECES, PIECE, FILL = 15, 9, 40, 11
"""Bytes of the AX.25 header, pieces of a frame, bytes of a piece and of fill in the last."""
CHECK = "crc-16/ibm-3740:little"
"""Over the payload but for its first four bytes."""
_UNCHECKED = 4
_FLAG = b"\x7e"
_SERIAL = 10  # bits of a byte
_MARKER = bytes.fromhex("4130f000")  # the last letter of the source, its number and the protocol, and the piece's 0
_BEFORE = 1 + HEADER + 1  # bytes of a piece up to its payload


class Ideassat(MarkedDeframer):
    """Frames of 200 bytes."""

    MARKED = SKIPPED = _SERIAL * len(_MARKER)

    def __init__(self, *, marker_errors: int = 0) -> None:
        """Of the marker no bit may be wrong by default: what comes behind is brittle too."""
        self._check = crc(CHECK)
        self._nrzi = SoftDifferential(NRZ_S)
        bits = _serial(_MARKER)
        super().__init__(int("".join(map(str, bits)), 2), marker_errors, _SERIAL * (PIECES * PIECE - _BEFORE))

    @property
    def frame_length(self) -> int:
        """Bytes of every frame."""
        return HEADER + PIECES * (PIECE - _BEFORE - 1) - FILL - self._check.width

    def _length(self, header: NDArray[np.float32]) -> int:  # noqa: ARG002 - frames are of one length
        return self._longest

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        received = np.packbits((frame > 0).reshape(-1, _SERIAL)[:, 1:-1])
        pieces = np.concatenate((np.zeros(_BEFORE, np.uint8), received)).reshape(PIECES, PIECE)
        payload = pieces[:, _BEFORE:-1].tobytes()[:-FILL]
        if not self._check.good(payload[_UNCHECKED:]):
            return None
        return Decoded(pieces[1, 1 : 1 + HEADER].tobytes() + payload[: -self._check.width], 0)

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if len(body) != self.frame_length or body[HEADER - 3 : HEADER] != _MARKER[:3]:
            problem = f"all frames have {self.frame_length} bytes, and a header that ends 41 30 f0; make it so"
            raise DeclarationError("framing 'ideassat'", problem)
        header, payload = body[:HEADER], body[HEADER:]
        payload = payload[:_UNCHECKED] + self._check.append(payload[_UNCHECKED:]) + bytes(FILL)
        size = PIECE - _BEFORE - 1
        pieces = [
            _FLAG + header + bytes((number,)) + payload[number * size : (number + 1) * size] + _FLAG
            for number in range(PIECES)
        ]
        return _serial(b"".join(pieces)[_BEFORE:])

    def _line_decoded(self, bits: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._nrzi.receive(bits)

    def _line_encoded(self, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return Differential(NRZ_S).encode(bits)


def _serial(data: bytes) -> NDArray[np.uint8]:
    """Bytes with their start and stop bits."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8)).reshape(-1, 8)
    rows = len(bits)
    return np.concatenate((np.zeros((rows, 1), np.uint8), bits, np.ones((rows, 1), np.uint8)), axis=1).reshape(-1)


DEFRAMERS = {"ideassat": Ideassat}
