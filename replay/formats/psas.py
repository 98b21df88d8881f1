"""PSAS flight computer logs: datagrams as they went over the vehicle's network, one after another.

A datagram is a SEQN message and then others; a message is ``FOURCC, time in ns (48 bits), length (16 bits), data``,
big-endian (see :mod:`protocols.vehicles.psas`). A message counts as whole when its type may be one and another message
(or the end of the file) follows it, or its length is the one declared for its type. After damage, reading goes on at
the next message of a declared type with the declared length; the bytes in between are discarded and counted.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from typing import BinaryIO, ClassVar

from protocols.chunk import Chunk
from protocols.vehicles.psas import HEADER, SEQN, VEHICLE
from replay.recording import Damage, RecordedLink, Recording, TimeBase
from replay.vehicle_clock import VehicleClock

LINK = "flight-computer"
_HEAD = HEADER.layout.sizeof()
_BODIES = {packet.key: packet.body.sizeof() for packet in VEHICLE.packets}
_KNOWN = re.compile(
    b"|".join(
        b"(?=%b[\\x00-\\xff]{6}%b)" % (re.escape(bytes(key)), re.escape(size.to_bytes(2, "big")))
        for key, size in _BODIES.items()
        if isinstance(key, bytes)
    )
)
"""Headers of declared types with the lengths declared for them."""
_TYPE = re.compile(rb"GPS[\x00-\xff]|[A-Z][A-Z0-9]{3}", re.DOTALL)
"""What a message type may look like: four capitals or digits, the GPS receiver's end in a number."""
_LONGEST_BODY = 1460
"""Messages never were fragmented: an Ethernet frame's 1,500 bytes less IP, UDP and message headers."""
_LARGEST_DATAGRAM = 65_507
"""RFC 768 over IPv4."""
_GAP_NS = 60_000_000_000
_BLOCK_BYTES = 1 << 20


class PsasLog(Recording):
    """A log of a PSAS flight computer."""

    title: ClassVar[str] = "PSAS flight computer log"
    time_base = TimeBase.VEHICLE

    overhead = 0
    """A log holds nothing but datagrams: file size = bytes delivered + damage.discarded."""

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether a SEQN message of the right length comes first, and then nothing or another message."""
        end = _HEAD + _BODIES[SEQN.key]
        return head[:4] == SEQN.key and _length(head, 0) == _BODIES[SEQN.key] and _may_follow(head, end)

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return {LINK: RecordedLink("psas")}

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last datagram; reads the file."""
        first = last = None
        for chunk in PsasLog(self.path).chunks():
            first, last = chunk.received_ns if first is None else first, chunk.received_ns
        return first or 0, last or 0

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The datagrams, with the time of their last message that has one."""
        self.damage = Damage()
        with self.path.open("rb") as file:
            for chunk in _Cutter(self.damage).chunks(file):
                if start_ns is None or chunk.received_ns >= start_ns:
                    yield chunk


class _Cutter:
    """Cuts a log into datagrams, in one pass with bounded memory."""

    def __init__(self, damage: Damage) -> None:
        self.damage = damage
        self.clock = VehicleClock(_GAP_NS)
        self.data = b""
        self.offset = 0
        """Of data in the file."""
        self.begun = 0
        """Where in data the datagram being gathered begins."""

    def chunks(self, file: BinaryIO) -> Iterator[Chunk]:
        """All datagrams of a file."""
        at, more = 0, True
        while more:
            block = file.read(_BLOCK_BYTES)
            more = bool(block)
            self.data = self.data[self.begun :] + block
            self.offset, at, self.begun = self.offset + self.begun, at - self.begun, 0
            at = yield from self._messages(at, last=not more)

    def _messages(self, at: int, *, last: bool) -> Generator[Chunk, None, int]:
        """Datagrams of the messages in data from at. Returns where it stopped for want of more bytes."""
        data, end = self.data, len(self.data)
        while at < end:
            if not last and end - at < 2 * _HEAD + _LONGEST_BODY:
                return at
            size = _message_size(data, at)
            if not size:
                yield from self._datagram(at)
                at = self.begun = self._resume(at, last=last)
                continue
            if at > self.begun and (data.startswith(b"SEQN", at) or at + size - self.begun > _LARGEST_DATAGRAM):
                yield from self._datagram(at)
            time = int.from_bytes(data[at + 4 : at + 10], "big")
            if time:
                self.clock.at(time)
            at += size
        if last:
            yield from self._datagram(at)
        return at

    def _datagram(self, end: int) -> Iterator[Chunk]:
        """The datagram gathered up to end, if there is any."""
        if end > self.begun:
            yield Chunk(LINK, self.data[self.begun : end], self.clock.now_ns)
        self.begun = end

    def _resume(self, at: int, *, last: bool) -> int:
        """Where the next message of a declared type and length begins; all before it is discarded."""
        found = _KNOWN.search(self.data, at + 1)
        end = len(self.data) if last else len(self.data) - _HEAD + 1  # a header may lie across the blocks' border
        resumed = found.start() if found else end
        self.damage.note(f"byte {self.offset + at:,}: no message begins here", resumed - at)
        return resumed


def _length(data: bytes, at: int) -> int:
    return int.from_bytes(data[at + 10 : at + 12], "big")


def _may_follow(data: bytes, at: int) -> bool:
    """Whether data ends at an offset, or a message may begin there."""
    return at == len(data) or bool(_TYPE.match(data, at) and _length(data, at) <= _LONGEST_BODY)


def _message_size(data: bytes, at: int) -> int:
    """Bytes of the message at an offset, header included; 0 where none begins there, or it is cut short."""
    if len(data) - at < _HEAD or not _TYPE.match(data, at):
        return 0
    length = _length(data, at)
    end = at + _HEAD + length
    if length > _LONGEST_BODY or end > len(data):
        return 0
    right = _BODIES.get(data[at : at + 4]) == length
    return _HEAD + length if right or _may_follow(data, end) else 0


FORMAT = PsasLog
