"""Frames of onsemi's AX5043 transceiver with its forward error correction (its programming manual, "FEC"; CAPE-3).

An HDLC stream, not NRZI, in a convolutional code of rate 1/2 and constraint length 5, its first symbols complemented;
blocks of 16 symbols are written by rows of four and sent by columns. Two flags so coded are the marker that gives the
blocks' edges. The check is CRC-16/USB; what is decoded is taken up to the first good frame.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from protocols.coding.short_constraint import ShortCode
from protocols.deframing.hdlc import Hdlc
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError

MARKER = 0x8AE68AE6
"""Two flags, coded and interleaved, from the block's edge on that CAPE-3 and gr-satellites have."""
MARKER_ERRORS = 4
"""Bits of the marker that may be wrong by default: each place costs a Viterbi decoder."""
CHECK = "crc-16/usb:little"
CODE = ShortCode(5, 0o23, 0o35, inverted=(True, False))
_SIDE = 4  # of an interleaver block
_BLOCK = _SIDE * _SIDE
_FLAG = (0, 1, 1, 1, 1, 1, 1, 0)
_BEFORE = np.resize(np.array(_FLAG, np.uint8), 39)  # bits up to the marker's end, which holds the last 16
_REST = np.array(_FLAG, np.uint8)[len(_BEFORE) % len(_FLAG) :]  # of the flag that the marker ends in
_Any = TypeVar("_Any", bound=np.generic)


class Ax5043(MarkedDeframer):
    """HDLC frames within the AX5043's code."""

    CUT_SHORT = True

    def __init__(self, *, max_length: int = 256, marker_errors: int = MARKER_ERRORS) -> None:
        """max_length is the most bytes of a frame without its check."""
        bits = 8 * (max_length + 2)
        symbols = 2 * (bits + bits // 5 + 2 * len(_FLAG) + CODE.length)
        self._max_length = max_length
        super().__init__(MARKER, marker_errors, -(-symbols // _BLOCK) * _BLOCK)

    def _length(self, header: NDArray[np.float32]) -> int:  # noqa: ARG002 - the frame's end is found in it
        return self._longest

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        bits = np.concatenate((_BEFORE[-len(_FLAG) :], CODE.decode(_turned(frame))))
        frames = self._hdlc().receive(bits * np.float32(2) - 1)
        if not frames:
            return None
        taken = 2 * (frames[0].end - len(_FLAG))
        return Decoded(frames[0].body, 0, -(-taken // _BLOCK) * _BLOCK)

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if not 0 < len(body) <= self._max_length:
            raise DeclarationError("framing 'ax5043'", f"a frame of {len(body)} bytes; use 1 to {self._max_length}")
        stream = self._hdlc().encode([body])
        behind = np.concatenate((_REST, stream[len(_FLAG) :], np.zeros(CODE.length - 1, np.uint8)))
        symbols = CODE.encode(behind, int("".join(map(str, _BEFORE[-CODE.length + 1 :])), 2))
        whole = np.zeros(-(-len(symbols) // _BLOCK) * _BLOCK, np.uint8)
        whole[: len(symbols)] = symbols
        return _turned(whole)

    def _hdlc(self) -> Hdlc:
        return Hdlc(nrzi=False, min_length=1, max_length=self._max_length, check=CHECK)


def _turned(block: NDArray[_Any]) -> NDArray[_Any]:
    """Interleaved symbols in order, or the other way round."""
    return block.reshape(-1, _SIDE, _SIDE).transpose(0, 2, 1).reshape(-1)


DEFRAMERS = {"ax5043": Ax5043}
