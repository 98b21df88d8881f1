"""What SMOG-P, ATL-1 and SMOG-1 send besides AO-40 frames (gr-satellites, "SMOG-P Signalling" and "SMOG-P RA").

Signalling packets tell what the satellite sends or listens to next: 64 bytes behind a marker of 64 bits, a fixed
sequence of 58, which tells ground the errors of the link, and six bits of which each is sent eight times. These are
delivered as they were decided, eight bits alike; the sequence as it came.

Frames of 128 or 256 bytes go in a repeat-accumulate code behind a sync word of 16 bits. No check is in them: a frame is
taken for one where few of its coded bits differ from what it is encoded to again. No recording at hand has such frames;
that part is held to our own encoder alone.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from protocols.coding.repeat_accumulate import LANES, RepeatAccumulate
from protocols.deframing.deframer import Deframer
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError

RECEIVES, SENDS = 0x2DD497FDD37B0F1F, 0x2DD4A39E1A556BCB
"""Markers: the satellite listens after this packet, or sends (SMOG-1 alone)."""
_MARKER = 64
_Any = TypeVar("_Any", bound=np.generic)
MARKER_ERRORS = 8
"""Bits of the marker that may be wrong by default."""
SIZE, DECIDED = 64, 6
"""Bytes of a packet, and of them those that are one bit each."""


class SmogPSignalling(MarkedDeframer):
    """Signalling packets of 64 bytes."""

    MARKED = SKIPPED = _MARKER

    def __init__(self, *, sends: bool = False, marker_errors: int = MARKER_ERRORS) -> None:
        """Sends chooses the packets after which SMOG-1 sends."""
        super().__init__(SENDS if sends else RECEIVES, marker_errors, 8 * SIZE)

    @property
    def frame_length(self) -> int:
        """Bytes of every packet."""
        return SIZE

    def _length(self, header: NDArray[np.float32]) -> int:  # noqa: ARG002 - packets are of one length
        return 8 * SIZE

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        eights = frame.reshape(SIZE, 8)
        hard, decided = (eights > 0).astype(np.uint8), eights[-DECIDED:].sum(axis=1, dtype=np.float64) > 0
        wrong = int(np.count_nonzero(hard[-DECIDED:] != decided[:, np.newaxis]))
        hard[-DECIDED:] = decided[:, np.newaxis]
        return Decoded(np.packbits(hard).tobytes(), wrong)

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if len(body) != SIZE or set(body[-DECIDED:]) - {0x00, 0xFF}:
            problem = f"a packet has {SIZE} bytes, the last {DECIDED} of them 00 or ff; make it so"
            raise DeclarationError("framing 'smog_p_signalling'", problem)
        return np.unpackbits(np.frombuffer(body, np.uint8))


RA_MARKER = 0x2DD4
"""Sync word of the frames in the repeat-accumulate code."""
RA_SIZES = (128, 256)
"""Their bytes."""
_CLEAR = 8.0  # times the median that a soft bit may be: whatever comes stays finite
_RA_WRONG = 0.2  # share of coded bits that may be; at a tenth the code fails, and of noise it is nearly half


class SmogPRa(MarkedDeframer):
    """Frames in the repeat-accumulate code, all of one length."""

    MARKED = SKIPPED = 16

    def __init__(self, frame_length: int = 128, *, marker_errors: int = 0) -> None:
        """frame_length is 128 or 256. Raises DeclarationError on another."""
        if frame_length not in RA_SIZES:
            raise DeclarationError("framing 'smog_p_ra'", f"frame_length {frame_length}; use 128 or 256")
        self.frame_length = frame_length
        self._code = RepeatAccumulate(8 * frame_length // LANES)
        super().__init__(RA_MARKER, marker_errors, LANES * self._code.code_words)

    def _length(self, header: NDArray[np.float32]) -> int:  # noqa: ARG002 - frames are of one length
        return self._longest

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        soft = _turned(frame).reshape(-1, LANES)
        level = max(float(np.median(np.abs(soft))), 1e-30)
        with np.errstate(over="ignore"):
            data = self._code.decode(np.clip(soft / np.float32(level), -_CLEAR, _CLEAR))
        wrong = int(np.count_nonzero((soft > 0) != (self._code.encode(data) > 0)))
        body = np.packbits(data.reshape(-1), bitorder="little").tobytes()
        return Decoded(body, wrong) if wrong < _RA_WRONG * soft.size else None

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if len(body) != self.frame_length:
            problem = f"a frame of {len(body)} bytes; all have {self.frame_length}: pad it"
            raise DeclarationError("framing 'smog_p_ra'", problem)
        data = np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little").reshape(-1, LANES)
        return _turned(self._code.encode(data).reshape(-1))


def _turned(bits: NDArray[_Any]) -> NDArray[_Any]:
    """Each byte's bits the other way round: they are sent highest first, and are coded lowest first."""
    return bits.reshape(-1, 8)[:, ::-1].reshape(-1)


DEFRAMERS: dict[str, type[Deframer]] = {"smog_p_signalling": SmogPSignalling, "smog_p_ra": SmogPRa}
