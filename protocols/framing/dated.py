"""Frames of one length that bring their own time: recordings whose packets hold many messages, each with its time.

``time in ns (64 bits, big-endian, signed) | frame``, back to back, as ``fixed`` has them; a check covers the time too.
The time is cut off, and is the frame's instead of its chunk's.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from protocols.framer import Framer
from protocols.frames import Frames
from protocols.framing.fixed import Fixed

_TIME_BYTES = 8


class Dated(Framer):
    """Times and frames back to back."""

    dates: ClassVar[bool] = True

    def __init__(self, frame_length: int, check: str = "") -> None:
        """frame_length is in bytes, check included, time not. Raises DeclarationError where that leaves nothing."""
        Fixed(frame_length, check)  # refuses a length that leaves no byte
        super().__init__()
        self.frame_length = frame_length
        self._fixed = Fixed(_TIME_BYTES + frame_length, check)
        self.ledger, self.check = self._fixed.ledger, self._fixed.check

    @property
    def bound(self) -> int:
        """That of ``fixed``."""
        return self._fixed.bound

    @property
    def sync_state(self) -> str:
        """That of ``fixed``."""
        return self._fixed.sync_state

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The frames that data completes, each at its own time. Never raises."""
        found = self._fixed.receive(data, received_ns)
        if not len(found):
            return found
        rows = found.data.reshape(len(found), -1)
        times = np.ascontiguousarray(rows[:, :_TIME_BYTES]).view(">i8")[:, 0].astype(np.int64)
        return Frames.equal(np.ascontiguousarray(rows[:, _TIME_BYTES:]), times)

    def receive_many(self, pieces: Sequence[bytes], received_ns: Sequence[int]) -> Frames:
        """The same of all pieces together: when they came does not matter."""
        return self.receive(b"".join(pieces), received_ns[-1] if received_ns else 0)

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The frames one after the other, all at time 0. Raises DeclarationError on one of another length."""
        return self._fixed.encode(bytes(_TIME_BYTES) + body for body in bodies if body)


FRAMER = Dated
EXAMPLE: dict[str, Any] = {"frame_length": 32}
