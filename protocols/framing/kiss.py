"""KISS: what terminal node controllers and their software successors send a host (M. Chepponis, P. Karn, 1987).

SLIP's escapes, and a first byte of port (high four bits) and command (low four bits) that is cut off. Frames of any
command but data are settings on their way to a TNC: discarded and counted, as are those of other ports than asked.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.delimited import LONGEST, DelimitedFramer
from protocols.errors import DeclarationError
from protocols.frames import Spans
from protocols.framing.slip import END, escaped, unescaped, unescaped_all

DATA = 0  # the command of a data frame
ANY_PORT = -1


class Kiss(DelimitedFramer):
    """KISS data frames."""

    DELIMITER: ClassVar[int] = END

    def __init__(self, port: int = ANY_PORT, max_length: int = LONGEST, check: str = "") -> None:
        """Port is that of the TNC to listen to, 0 to 15, or -1 for all."""
        super().__init__(max_length, check)
        if not ANY_PORT <= port <= 15:
            raise DeclarationError(f"KISS port {port}", "ports are 0 to 15, or -1 for all; use one of these")
        ports = range(16) if port == ANY_PORT else (port,)
        self._wanted = np.zeros(256, np.bool_)
        self._wanted[[each << 4 | DATA for each in ports]] = True
        self._wanted_bytes = frozenset(np.flatnonzero(self._wanted).tolist())
        self._first = bytes((max(port, 0) << 4 | DATA,))

    def decode_one(self, segment: bytes) -> bytes:
        """The frame in a segment; empty where an escape is wrong, or it is no data for the port."""
        frame = unescaped(segment)
        return frame[1:] if frame and frame[0] in self._wanted_bytes else b""

    def decode_many(self, segments: Spans) -> tuple[Spans, NDArray[np.bool_]]:
        """The frames in segments, and which are any."""
        frames, good = unescaped_all(segments)
        begins = np.minimum(frames.begins + 1, frames.ends)
        good &= (frames.ends > begins) & self._wanted[frames.data[frames.begins]]
        return Spans(frames.data, begins, frames.ends), good

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The frames one after the other as data of the port (0 where all are listened to), an END before and after."""
        return self._join((escaped(self._first + body) for body in self._checked(bodies)), bytes((END,)))


FRAMER = Kiss
EXAMPLE: dict[str, Any] = {"max_length": 4096}
