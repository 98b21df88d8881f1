"""CSP packets one to a chunk, as radio transceivers and ZMQ hubs give them: CRC-32C where the header says so.

See :mod:`protocols.csp.packet`. A packet whose check is wrong is discarded and counted; one that has none, or is too
short for a header, is passed on as it is.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from protocols.csp.packet import Checker, asks_for_check, with_check
from protocols.framer import Framer
from protocols.frames import Frames


class Csp(Framer):
    """One chunk, one CSP packet."""

    datagrams: ClassVar[bool] = True

    def __init__(self, *, little: bool = False, check: str = "") -> None:
        """Little says whether headers are little-endian; check is another one, behind all of the packet."""
        super().__init__(check)
        self._checker = Checker(little)

    @property
    def bound(self) -> int:
        """None: a packet is whole."""
        return 0

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The packet as a frame, without its check, if that holds; an empty chunk is none."""
        ledger = self.ledger
        ledger.bytes_in += len(data)
        if self.check is not None and data:
            if not self.check.good(data):
                return self._refused(data)
            packet = self._checker.verified(data[: -self.check.width])
        else:
            packet = self._checker.verified(data)
        if packet is None:
            return self._refused(data)
        if not packet:  # nothing but a check, or not even that: no frame
            ledger.discarded += len(data)
            return Frames.none()
        return self._enter([packet], [len(data)], received_ns)

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The packets one behind the other, each with the check its header asks for; give one at a time."""
        return b"".join(self._checked(self._with_check(bodies)))

    def _with_check(self, bodies: Iterable[bytes]) -> Iterator[bytes]:
        little = self._checker.little
        return (with_check(body) if asks_for_check(body, little=little) else body for body in bodies)

    def _refused(self, data: bytes) -> Frames:
        self.ledger.crc_failures += 1
        self.ledger.discarded += len(data)
        return Frames.none()


FRAMER = Csp
EXAMPLE: dict[str, Any] = {}
