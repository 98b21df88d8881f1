"""MAVLink frames that each follow their time, as in ``.tlog`` recordings: ``time in us (u64, big-endian) | frame``.

As ``mavlink``, which see; the time is cut off, and is the frame's instead of its chunk's.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.frames import rows_at
from protocols.framing.mavlink import Begins, Mavlink, example_body

TIME = 8
"""Bytes of a time."""
LATEST_US = 1 << 53
"""The year 2255: what is later is no time, and taken for that; its nanoseconds stay within 63 bits."""


class Tlog(Mavlink):
    """MAVLink frames with their times."""

    dates: ClassVar[bool] = True
    lead: ClassVar[int] = TIME

    def _times(
        self,
        block: bytes,
        begins: Begins,
        ends: Begins,  # noqa: ARG002
        sizes: Sequence[int],  # noqa: ARG002
        received_ns: Sequence[int],  # noqa: ARG002
    ) -> NDArray[np.int64]:
        return 1000 * times_us(block, begins)

    def _encoded(self, body: bytes) -> bytes:
        """A frame, at time 0."""
        return bytes(TIME) + super()._encoded(body)


def times_us(data: bytes, begins: NDArray[np.int64]) -> NDArray[np.int64]:
    """The times that stand at places of data, us, int64 (n,)."""
    stamps = np.ascontiguousarray(rows_at(np.frombuffer(data, np.uint8), begins, TIME)).view(">u8").reshape(-1)
    times: NDArray[np.int64] = np.minimum(stamps, LATEST_US).astype(np.int64)
    return times


FRAMER = Tlog
EXAMPLE: dict[str, Any] = {}
EXAMPLE_BODY = example_body
