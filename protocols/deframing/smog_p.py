"""Signalling packets of SMOG-P, ATL-1 and SMOG-1, which tell what the satellite sends or listens to next.

64 bytes behind a marker of 64 bits: a fixed sequence of 58, which tells ground the errors of the link, and six bits of
which each is sent eight times (gr-satellites, "SMOG-P Signalling"). These are delivered as they were decided, eight
bits alike; the sequence as it came.
"""

import numpy as np
from numpy.typing import NDArray

from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError

RECEIVES, SENDS = 0x2DD497FDD37B0F1F, 0x2DD4A39E1A556BCB
"""Markers: the satellite listens after this packet, or sends (SMOG-1 alone)."""
_MARKER = 64
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


DEFRAMERS = {"smog_p_signalling": SmogPSignalling}
