"""LilacSat-1's downlink: a stream of telemetry with digital voice between (gr-satellites, "LilacSat-1").

CCSDS's concatenated coding without Reed-Solomon: frames of 116 bytes behind the marker, randomised and convolutionally
coded, differential. Marker and frame are five chunks of 24 bytes, each 17 of telemetry and 7 of voice (Codec 2 at 1300
bit/s). The telemetry, KISS frames across these chunks with C0 as fill, is delivered: 81 bytes a frame, the marker's
left out. Nothing vouches for a frame but its marker.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from protocols.deframing.ccsds_tm import CcsdsConcatenated
from protocols.deframing.deframer import BitFrame, Deframer
from protocols.errors import DeclarationError

FRAME, CHUNK, VOICE = 116, 24, 7
"""Bytes of a frame behind its marker, of a chunk, and of the voice that ends a chunk."""
_MARKER = 4
_TELEMETRY = np.flatnonzero((np.arange(FRAME) + _MARKER) % CHUNK < CHUNK - VOICE)
MARKER_ERRORS = 4
"""Bits of a marker that may be wrong by default: fewer than elsewhere, as nothing refuses what follows a false one."""


class LilacSat1(CcsdsConcatenated):
    """The telemetry in LilacSat-1's frames, 81 bytes each."""

    def __init__(self, *, marker_errors: int = MARKER_ERRORS) -> None:
        super().__init__(FRAME, reed_solomon=False, differential=True, marker_errors=marker_errors)

    @property
    def frame_length(self) -> int:
        """Bytes of telemetry in every frame."""
        return len(_TELEMETRY)

    def receive(self, bits: NDArray[np.float32]) -> list[BitFrame]:
        """The telemetry of frames that bits, float32 (n,), positive for 1, complete. Never raises."""
        return list(map(_telemetry, super().receive(bits)))

    def finish(self) -> list[BitFrame]:
        """The telemetry of frames among the bits still held, now that no more will come."""
        return list(map(_telemetry, super().finish()))

    def encode(self, bodies: Iterable[bytes]) -> NDArray[np.uint8]:
        """The bits of bodies, as uint8 (n,), with silence for voice. Raises DeclarationError on their lengths."""
        frames = []
        for body in bodies:
            if len(body) != self.frame_length:
                problem = f"a frame of {len(body)} bytes; all have {self.frame_length}: fill it with c0"
                raise DeclarationError("framing 'lilacsat_1'", problem)
            frame = np.zeros(FRAME, np.uint8)
            frame[_TELEMETRY] = np.frombuffer(body, np.uint8)
            frames.append(frame.tobytes())
        return super().encode(frames)


def _telemetry(frame: BitFrame) -> BitFrame:
    return replace(frame, body=np.frombuffer(frame.body, np.uint8)[_TELEMETRY].tobytes())


DEFRAMERS: dict[str, type[Deframer]] = {"lilacsat_1": LilacSat1}
