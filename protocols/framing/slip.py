"""SLIP: frames ended by END, with END and ESC inside them escaped (RFC 1055).

RFC 1055 leaves open what an ESC before any other byte means, and its sample program keeps that byte. Here such a
frame is discarded: it was damaged on the way, and a frame without a check must not come out wrong.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.delimited import DelimitedFramer
from protocols.frames import Spans

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD  # RFC 1055, "Protocol"


class Slip(DelimitedFramer):
    """Serial line IP."""

    DELIMITER: ClassVar[int] = END

    def decode_one(self, segment: bytes) -> bytes:
        """The frame in a segment; empty where an escape is wrong."""
        return unescaped(segment)

    def decode_many(self, segments: Spans) -> tuple[Spans, NDArray[np.bool_]]:
        """The frames in segments, and which are any."""
        return unescaped_all(segments)

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The frames one after the other, an END before and after each."""
        return self._join(map(escaped, self._checked(bodies)), bytes((END,)))


def escaped(body: bytes) -> bytes:
    """Body without any END."""
    return body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")


def unescaped(segment: bytes) -> bytes:
    """What was escaped; empty where an ESC stands before anything but ESC_END or ESC_ESC."""
    if ESC not in segment:
        return segment
    if any(part[:1] not in (b"\xdc", b"\xdd") for part in segment.split(b"\xdb")[1:]):
        return b""
    return segment.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")


def unescaped_all(segments: Spans) -> tuple[Spans, NDArray[np.bool_]]:
    """The same for many segments, and which of them hold a frame, bool (n,)."""
    data, begins, ends = segments.data, segments.begins, segments.ends
    good = np.ones(len(segments), np.bool_)
    escapes = np.flatnonzero(data == ESC)
    if not len(escapes):
        return segments, good
    codes = data[escapes + 1]  # there is always a next byte: each segment ends at an END
    wrong = escapes[(codes != ESC_END) & (codes != ESC_ESC)]
    good[np.searchsorted(ends, wrong)] = False
    plain, keep = data.copy(), np.ones(len(data), np.bool_)
    plain[escapes + 1] = np.where(codes == ESC_END, np.uint8(END), np.uint8(ESC))
    keep[escapes] = False
    begins, ends = begins - np.searchsorted(escapes, begins), ends - np.searchsorted(escapes, ends)
    return Spans(plain[keep], begins, ends), good


FRAMER = Slip
EXAMPLE: dict[str, Any] = {"max_length": 4096}
