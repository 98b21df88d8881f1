"""One direction of a TCP connection put together again by its sequence numbers (RFC 9293 3.4).

What was sent again is dropped, what came early waits. A hole is given up, and its bytes are counted as missing, when
the other side acknowledges what lies behind it (then it arrived, and the capture missed it), when more than
``MOST_WAITING`` bytes wait, ten seconds after, or when the connection or the capture ends.
"""

from __future__ import annotations

from bisect import insort

MOST_WAITING = 1 << 20
"""Bytes that may wait for a hole to be filled: the window of a fast connection."""
MOST_SEGMENTS = 1024
"""Segments that may wait."""
PATIENCE_NS = 10_000_000_000
"""How long what came early waits. Our choice: senders repeat within some three seconds (RFC 6298 2)."""
SYN, RST, ACK = 0x02, 0x04, 0x10
_HALF, _WHOLE = 1 << 31, 1 << 32


class TcpStream:
    """The bytes of one direction in order."""

    def __init__(self) -> None:
        self.missing = 0
        """Bytes that were sent and are not in the capture."""
        self.holes = 0
        """Places where bytes are missing."""
        self.repeated = 0
        """Bytes of payload that were there already."""
        self._next: int | None = None  # the sequence number awaited, counted on past 32 bits
        self._waiting: list[tuple[int, bytes]] = []  # by sequence number
        self.waiting_bytes = 0
        """Bytes that wait for a hole to be filled."""
        self._since_ns = 0  # when the first that waits arrived

    @property
    def waits(self) -> bool:
        """Whether bytes wait for a hole to be filled."""
        return bool(self._waiting)

    def segment(self, at_ns: int, sequence: int, flags: int, payload: bytes) -> list[bytes]:
        """The bytes that a segment brings, in order: nothing, its payload, or that and what waited for it."""
        ready: list[bytes] = []
        if flags & SYN:
            ready, self._next = self.finish(), sequence + 1
            sequence += 1
        if self._next is None:
            self._next = sequence
        at = self._next + ((sequence - self._next + _HALF) % _WHOLE) - _HALF
        if payload:
            if at == self._next and not self._waiting:
                self._next += len(payload)
                ready.append(payload)
            else:
                ready += self._sorted_in(at_ns, at, payload)
        if flags & RST:
            ready += self.finish()
        return ready

    def acknowledged(self, number: int) -> list[bytes]:
        """The bytes that are ready now that the other side has said it has everything before a sequence number."""
        if not self._waiting or self._next is None:
            return []
        at = self._next + ((number - self._next + _HALF) % _WHOLE) - _HALF
        ready: list[bytes] = []
        while self._waiting and self._waiting[0][0] < at:
            ready += self._skip()
        return ready

    def give_up(self) -> list[bytes]:
        """Everything that waits, holes left out."""
        ready: list[bytes] = []
        while self._waiting:
            ready += self._skip()
        return ready

    def finish(self) -> list[bytes]:
        """Everything that waits, holes left out; what follows is a new connection."""
        ready, self._next = self.give_up(), None
        return ready

    def _sorted_in(self, at_ns: int, at: int, payload: bytes) -> list[bytes]:
        if not self._waiting:
            self._since_ns = at_ns
        insort(self._waiting, (at, payload))
        self.waiting_bytes += len(payload)
        ready = self._contiguous()
        if at_ns - self._since_ns > PATIENCE_NS:
            ready += self.give_up()
        while self.waiting_bytes > MOST_WAITING or len(self._waiting) > MOST_SEGMENTS:
            ready += self._skip()
        return ready

    def _contiguous(self) -> list[bytes]:
        """What waits and follows without a hole; overlaps are taken as they came first."""
        assert self._next is not None
        ready, used = [], 0
        for at, payload in self._waiting:
            if at > self._next:
                break
            used += 1
            self.waiting_bytes -= len(payload)
            fresh = payload[self._next - at :]
            self.repeated += len(payload) - len(fresh)
            if fresh:
                ready.append(fresh)
                self._next += len(fresh)
        del self._waiting[:used]
        return ready

    def _skip(self) -> list[bytes]:
        """Give up the hole before what waits."""
        assert self._next is not None
        self.missing += self._waiting[0][0] - self._next
        self.holes += 1
        self._next = self._waiting[0][0]
        return self._contiguous()
