"""Datagrams: each chunk received is one frame, as from UDP or from a log of whole packets."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from protocols.framer import Framer
from protocols.frames import Frames, Spans

_MANY = 8  # pieces from which arrays pay


class Datagram(Framer):
    """One chunk, one frame."""

    datagrams: ClassVar[bool] = True

    @property
    def bound(self) -> int:
        """None: a datagram is whole."""
        return 0

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The datagram as a frame, if its check holds; an empty one is none."""
        self.ledger.bytes_in += len(data)
        return self._deliver([data], [len(data)], received_ns) if data else Frames.none()

    def receive_many(self, pieces: Sequence[bytes], received_ns: Sequence[int]) -> Frames:
        """The datagrams as frames, each with its time; at once where no check has to hold."""
        if self.check is not None or len(pieces) < _MANY:
            return super().receive_many(pieces, received_ns)
        data, lengths = np.frombuffer(b"".join(pieces), np.uint8), np.array([len(piece) for piece in pieces])
        ends, some = np.cumsum(lengths), lengths > 0
        self.ledger.bytes_in += len(data)
        spans = Spans(data, (ends - lengths)[some], ends[some])
        return self._enter_spans(spans, lengths[some], np.array(received_ns, np.int64)[some])

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """One datagram of all bodies; give one at a time, since cutting them apart is the link's doing."""
        return b"".join(self._checked(bodies))


FRAMER = Datagram
EXAMPLE: dict[str, Any] = {}
