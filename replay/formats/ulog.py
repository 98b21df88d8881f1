"""ULog, the log of PX4 autopilots (PX4 user guide, "ULog File Format", versions 0 and 1).

A log is self-describing: its packets are declared by its own formats and subscriptions (``replay/ulog_messages.py``),
which are looked for in the whole file before anything is read. Data messages are the link's bytes, as they stand, about
10 ms of the autopilot's clock in a chunk; logged texts and drop-outs are events; parameters, formats and other messages
that carry no telemetry are overhead. Where no message can begin, reading goes on where three follow each other.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

from protocols.chunk import Chunk
from protocols.errors import NotARecording
from replay.recording import Damage, RecordedEvent, RecordedLink, Recording, TimeBase
from replay.ulog_messages import MOST_VALUES, Definitions, Subscription
from replay.vehicle_clock import VehicleClock, believed

LINK = "log"
_MAGIC = b"ULog\x01\x12\x35"
_FILE_HEAD = 16
"""Magic, version, and the time at which the log begins."""
_HEAD = struct.Struct("<HB")
_DATA, _FORMAT, _ADD, _TEXT, _TAGGED, _DROPOUT, _FLAGS = b"DFALCOB"
_OTHERS = frozenset(b"IMPQRS")
_KNOWN = frozenset((_DATA, _FORMAT, _ADD, _TEXT, _TAGGED, _DROPOUT, _FLAGS)) | _OTHERS
_KINDS = re.compile(b"[" + bytes(sorted(_KNOWN)) + b"]")
_LEAST = {_FORMAT: 4, _ADD: 4, _TEXT: 9, _TAGGED: 11, _DROPOUT: 2, _FLAGS: 40, ord("S"): 8, ord("R"): 2}
_PROOF = 3
"""Messages that follow each other, so that the first is believed."""
_CHUNK_NS, _CHUNK_BYTES = 10_000_000, 65_536
_BLOCK = 1 << 20
_GAP_NS = 3_600_000_000_000
EVENTS_KEPT = 10_000
_LEVELS = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"]


class _Message(NamedTuple):
    """A message that is no data."""

    kind: int
    content: bytes


class _Run(NamedTuple):
    """Data messages one after the other, and the stamp of the last in us; -1 where none had one."""

    data: bytes
    stamp_us: int


class Ulog(Recording):
    """A log of a PX4 autopilot."""

    suffixes: ClassVar[tuple[str, ...]] = (".ulg", ".ulog")
    title: ClassVar[str] = "PX4 ULog"
    time_base = TimeBase.VEHICLE

    def __init__(self, path: Path) -> None:
        """Look through the file for what it declares. Raises NotARecording where it logs nothing."""
        super().__init__(path)
        self.overhead = 0
        """Bytes that are whole messages but no telemetry: file size = bytes delivered + overhead + discarded."""
        self._definitions, self._events = Definitions(), list[RecordedEvent]()
        self._span = self._learn()
        vehicle = self._definitions.vehicle()
        if vehicle is None:
            raise NotARecording(path, "a ULog that declares no logged message; look for the file it was copied from")
        self._links = {LINK: RecordedLink("ulog", declared=vehicle)}
        if left_out := self._definitions.left_out:
            self.assumed = (f"of its messages, {left_out:,} have more values than are read, {MOST_VALUES:,} in all",)

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """ULog's magic."""
        return head.startswith(_MAGIC)

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return self._links

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last chunk."""
        return self._span

    def events(self) -> list[RecordedEvent]:
        """What the autopilot said, and when its log dropped messages: the first ten thousand."""
        return self._events

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The data messages, about 10 ms of the autopilot's clock in a chunk."""
        self.damage, self.overhead = Damage(), 0
        clock = VehicleClock(_GAP_NS)
        with self.path.open("rb") as file:
            for item in self._messages(file, self.damage):
                if isinstance(item, _Message):
                    self.overhead += _HEAD.size + len(item.content)
                    continue
                now = clock.now_ns if item.stamp_us < 0 else clock.at(item.stamp_us * 1000)
                if start_ns is None or now >= start_ns:
                    yield Chunk(LINK, item.data, now)
        self.overhead += _FILE_HEAD

    def _learn(self) -> tuple[int, int]:
        """Read formats, subscriptions and texts; the times of the first and the last chunk."""
        definitions, clock, times = self._definitions, VehicleClock(_GAP_NS), list[int]()
        with self.path.open("rb") as file:
            for item in self._messages(file, Damage()):
                if isinstance(item, _Run):
                    now = clock.now_ns if item.stamp_us < 0 else clock.at(item.stamp_us * 1000)
                    times = [times[0] if times else now, now]
                elif item.kind == _FORMAT:
                    definitions.add_format(item.content.decode(errors="replace"))
                elif item.kind == _ADD:
                    instance, number = item.content[0], int.from_bytes(item.content[1:3], "little")
                    name = item.content[3:].decode(errors="replace")
                    definitions.subscriptions.setdefault(number, Subscription(number, name, instance))
                else:
                    self._note(item, clock.now_ns)
        return (times[0], times[1]) if times else (0, 0)

    def _note(self, item: _Message, now_ns: int) -> None:
        """Keep what the autopilot said, and drop-outs."""
        content, told = item.content, None
        if item.kind == _DROPOUT:
            text = f"the autopilot's logger dropped messages for {int.from_bytes(content[:2], 'little')} ms"
            told = RecordedEvent("dropout", now_ns, {"kind": "recording", "text": text})
        elif item.kind in (_TEXT, _TAGGED):
            tag = 2 if item.kind == _TAGGED else 0
            level = _LEVELS[content[0] & 7]
            at = int.from_bytes(content[1 + tag : 9 + tag], "little") * 1000
            said = content[9 + tag :].decode(errors="replace")
            told = RecordedEvent(level, believed(at, now_ns), {"kind": "autopilot", "text": f"{level}: {said}"})
        if told and len(self._events) < EVENTS_KEPT:
            self._events.append(told)

    def _messages(self, file: BinaryIO, damage: Damage) -> Iterator[_Message | _Run]:
        """Everything in a file that can be a message, in order; what cannot is counted as damage."""
        offset, data, ended = _FILE_HEAD, b"", False
        file.seek(offset)
        sizes = _Sizes(self._definitions)
        while not ended:
            block = file.read(_BLOCK)
            ended, data = not block, data + block
            at = 0
            while True:
                at = yield from self._run(data, at, sizes)
                size = sizes.of(data, at)
                if size is None and not ended:
                    break  # what follows tells
                if size is None or size == 0:
                    resumed = _search(data, at + 1, sizes, ended=ended)
                    if at < len(data):
                        damage.note(f"byte {offset + at:,}: no message begins here", resumed - at)
                    at = resumed
                    if at >= len(data) - _HEAD.size:
                        break
                elif at + size > len(data):
                    break
            if ended and at < len(data):
                damage.note(f"byte {offset + at:,}: the last message is cut short", len(data) - at)
            offset, data = offset + at, data[at:]

    def _run(self, data: bytes, at: int, sizes: _Sizes) -> Generator[_Message | _Run, None, int]:
        """The messages that follow each other from a place; returns where they end."""
        begun, started, stamp, end = at, -1, -1, len(data)
        while (size := sizes.of(data, at)) and at + size <= end:
            if data[at + 2] == _DATA:
                own = sizes.stamp(data, at)
                if own >= 0:
                    started = own if started < 0 else started
                    if (own - started) * 1000 >= _CHUNK_NS or at - begun >= _CHUNK_BYTES:
                        yield _Run(data[begun:at], stamp)
                        begun, started = at, own
                    stamp = own
                at += size
                continue
            if at > begun:
                yield _Run(data[begun:at], stamp)
            yield _Message(data[at + 2], data[at + _HEAD.size : at + size])
            at += size
            begun, started = at, -1
        if at > begun:
            yield _Run(data[begun:at], stamp)
        return at


class _Sizes:
    """Tells the messages that can be."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._data: dict[int, tuple[int, int, int]] = {}
        """Of subscriptions: bytes with the last padding and without, and where the timestamp stands."""

    def _told(self, number: int) -> tuple[int, int, int] | None:
        """What is known of the data of a subscription; None before it, and its format, are read."""
        known = self._definitions
        each = known.subscriptions.get(number)
        if each is None or not (size := known.size(each.name)):
            return None
        told = 2 + size, 2 + size - known.padding(each.name), known.timestamp(each.name)
        self._data[number] = told
        return told

    def of(self, data: bytes, at: int) -> int | None:
        """Bytes of the message at a place; 0 where none can begin there, None where data ends too early to tell."""
        if at + _HEAD.size > len(data):
            return None
        size, kind = _HEAD.unpack_from(data, at)
        if kind == _DATA:
            if at + _HEAD.size + 2 > len(data):
                return None
            number = data[at + 3] | data[at + 4] << 8
            told = self._data.get(number) or self._told(number)
            right = told is not None and (size in (told[0], told[1]))
            # before its subscription is read no size is known: data that comes too early is no message
            return int(_HEAD.size + size) if right else 0
        return int(_HEAD.size + size) if kind in _KNOWN and size >= _LEAST.get(kind, 1) else 0

    def stamp(self, data: bytes, at: int) -> int:
        """The timestamp in us of the data message at a place; -1 where it has none."""
        place = self._data[data[at + 3] | data[at + 4] << 8][2]
        return -1 if place < 0 else int.from_bytes(data[at + 5 + place : at + 13 + place], "little")


def _search(data: bytes, at: int, sizes: _Sizes, *, ended: bool) -> int:
    """Where messages that follow each other begin again, from a place on; the end of data where they do not."""
    while (kind := _KINDS.search(data, at + 2)) is not None:
        at = kind.start() - 2
        place, proved = at, 0
        while proved < _PROOF and (size := sizes.of(data, place)):
            place, proved = place + size, proved + 1
        size = sizes.of(data, place) if place <= len(data) else None
        if proved == _PROOF or (proved and (place == len(data) or (size is None and not ended))):
            return at
        at += 1
    return min(max(at, len(data) - (0 if ended else _HEAD.size - 1)), len(data))


FORMAT = Ulog
