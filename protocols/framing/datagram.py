"""Datagrams: each chunk received is one frame, as from UDP or from a log of whole packets."""

from collections.abc import Iterable
from typing import Any, ClassVar

from protocols.framer import Framer
from protocols.frames import Frames


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

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """One datagram of all bodies; give one at a time, since cutting them apart is the link's doing."""
        return b"".join(self._checked(bodies))


FRAMER = Datagram
EXAMPLE: dict[str, Any] = {}
