"""What waits for one client of the embedded broker, bounded in bytes. Sans-I/O.

Everything leaves in the order it came, QoS 0 and 1 alike. Policy when full: the oldest QoS 0 messages are dropped and
counted; where a QoS 1 message would have to go, the client must (clause 4.5 allows no gap that it cannot see).
"""

from collections import deque

from groundstation.bus.broker_limits import BrokerCounts
from groundstation.bus.mqtt_packets import Message

_CHUNK = 128 * 1024
"""Bytes handed over at a time: enough for one system call to carry hundreds of messages."""
_WINDOW = 1000
"""QoS 1 messages under way to a client that names no receive maximum of its own (MQTT 3.1.1 has none)."""
_LONGEST_HEADER = 13
"""Bytes of a PUBLISH beside topic, payload and properties: at most 5 + 2 + 2 + 4 (clauses 2.1, 3.3.2)."""
_ENTRY_OVERHEAD = 64
"""Bytes that a queued message costs beside its own, so that a million empty ones are not free."""


class OutgoingQueue:
    """Messages for one client, and the packet identifiers of those it has not yet acknowledged."""

    def __init__(
        self, limit: int, counts: BrokerCounts, *, level: int, receive_maximum: int, packet_maximum: int
    ) -> None:
        self._limit, self._counts, self._level, self._packet_maximum = limit, counts, level, packet_maximum
        self._window = min(_WINDOW, receive_maximum)
        self._waiting: deque[bytes | tuple[Message, bool]] = deque()  # QoS 0 as written; QoS 1 with its retain flag
        self._size = 0
        self._unacknowledged: set[int] = set()
        self._last_identifier = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, message: Message, qos: int, *, retain: bool) -> bool:
        """Queue a message. False if the queue is full of what may not be dropped: the client has to go."""
        if qos:
            size = message.size
            self._waiting.append((message, retain))
        else:
            packet = message.packet(self._level, retain=True) if retain else message.live_packet(self._level)
            size = len(packet)
            self._waiting.append(packet)
        self._size += size + _ENTRY_OVERHEAD
        if size + (_LONGEST_HEADER if qos else 0) > self._packet_maximum:
            self._counts.too_large += 1  # MQTT 5 clause 3.1.2.11.4
            self._size -= self._size_of(self._waiting.pop())
        return self._size <= self._limit or self._shed()

    def next_chunk(self) -> bytes:
        """The next packets to send; empty if there are none, or if it is for the client to acknowledge first."""
        chunk: list[bytes] = []
        length, waiting = 0, self._waiting
        while waiting and length < _CHUNK:
            entry = waiting[0]
            if isinstance(entry, bytes):
                packet = entry
            elif len(self._unacknowledged) < self._window:
                packet = entry[0].packet(self._level, 1, entry[1], self._next_identifier())
            else:
                break
            waiting.popleft()
            self._size -= self._size_of(entry)
            length += len(packet)
            chunk.append(packet)
        self._counts.delivered += len(chunk)
        return b"".join(chunk)

    def acknowledge(self, packet_identifier: int) -> None:
        """The client has a QoS 1 message; an identifier that is not under way is ignored."""
        self._unacknowledged.discard(packet_identifier)

    def _next_identifier(self) -> int:
        """An identifier that is not under way, 1 to 65,535 (clause 2.3.1); the window leaves many."""
        while True:
            self._last_identifier = self._last_identifier % 65_535 + 1
            if self._last_identifier not in self._unacknowledged:
                self._unacknowledged.add(self._last_identifier)
                return self._last_identifier

    def _shed(self) -> bool:
        while self._size > self._limit:
            if not isinstance(self._waiting[0], bytes):
                return False
            self._size -= self._size_of(self._waiting.popleft())
            self._counts.dropped += 1
        return True

    @staticmethod
    def _size_of(entry: bytes | tuple[Message, bool]) -> int:
        return _ENTRY_OVERHEAD + (len(entry) if isinstance(entry, bytes) else entry[0].size)
