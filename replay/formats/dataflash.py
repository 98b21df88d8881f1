"""DataFlash, the log of ArduPilot autopilots (binary ``.BIN`` files).

A log is self-describing: its packets are declared by its own FMT messages (``replay/dataflash_messages.py``), which are
looked for in the whole file before anything is read. Messages are the link's bytes, as they stand, about 10 ms of the
autopilot's clock in a chunk; texts (MSG) are events besides. Where no message of a declared type can begin, reading
goes on at the next that is followed by two others.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

from protocols.chunk import Chunk
from protocols.errors import NotARecording
from replay.dataflash_messages import FMT, HEAD, MAGIC, Formats
from replay.recording import Damage, RecordedEvent, RecordedLink, Recording, TimeBase
from replay.vehicle_clock import VehicleClock, believed

LINK = "log"
_FIRST = MAGIC + bytes((FMT,))
_FMT_LENGTH = 89
_PROOF = 3
"""Messages that follow each other, so that the first is believed."""
_CHUNK_US, _CHUNK_BYTES = 10_000, 65_536
_BLOCK = 1 << 20
_GAP_NS = 3_600_000_000_000
EVENTS_KEPT = 10_000


class _Run(NamedTuple):
    """Messages one after the other, and the stamp of the last that has one, in us; -1 without any."""

    data: bytes
    stamp_us: int


class Dataflash(Recording):
    """A log of an ArduPilot autopilot."""

    suffixes: ClassVar[tuple[str, ...]] = ()  # .bin says nothing of what is in a file
    title: ClassVar[str] = "ArduPilot DataFlash log"
    time_base = TimeBase.VEHICLE
    overhead = 0
    """A log holds nothing but messages: file size = bytes delivered + damage.discarded."""

    def __init__(self, path: Path) -> None:
        """Look through the file for what it declares. Raises NotARecording where it declares nothing."""
        super().__init__(path)
        self._formats, self._events = Formats(), list[RecordedEvent]()
        self._met: set[int] = set()
        self._span = self._learn()
        vehicle = self._formats.vehicle(self._met)
        if vehicle is None:
            raise NotARecording(path, "no DataFlash log: no message in it is explained; look for the original file")
        self._links = {LINK: RecordedLink("dataflash", declared=vehicle)}

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether it begins with the message that describes FMT messages, or with two FMT messages."""
        first = head.startswith(_FIRST)
        return first and (head[3:5] == bytes((FMT, _FMT_LENGTH)) or head[_FMT_LENGTH:].startswith(_FIRST))

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return self._links

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last chunk."""
        return self._span

    def events(self) -> list[RecordedEvent]:
        """What the autopilot said: the first ten thousand texts; all are packets besides."""
        return self._events

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The messages, about 10 ms of the autopilot's clock in a chunk."""
        self.damage = Damage()
        clock = VehicleClock(_GAP_NS)
        with self.path.open("rb") as file:
            for run in self._runs(file, self.damage, learn=False):
                now = clock.now_ns if run.stamp_us < 0 else clock.at(run.stamp_us * 1000)
                if start_ns is None or now >= start_ns:
                    yield Chunk(LINK, run.data, now)

    def _learn(self) -> tuple[int, int]:
        """Read formats and texts; the times of the first and the last chunk."""
        clock, times = VehicleClock(_GAP_NS), list[int]()
        with self.path.open("rb") as file:
            for run in self._runs(file, Damage(), learn=True):
                now = clock.now_ns if run.stamp_us < 0 else clock.at(run.stamp_us * 1000)
                times = [times[0] if times else now, now]
        return (times[0], times[1]) if times else (0, 0)

    def _runs(self, file: BinaryIO, damage: Damage, *, learn: bool) -> Iterator[_Run]:
        """Runs of messages of a file, in order; what can be none is counted as damage."""
        data, offset, ended = b"", 0, False
        while not ended:
            block = file.read(_BLOCK)
            ended, data = not block, data + block
            at = 0
            while at < len(data):
                at = yield from self._run(data, at, learn=learn)
                size = self._size(data, at)
                if size and at + size > len(data) and not ended:
                    break
                if size is None and not ended:
                    break
                resumed = len(data) if size else self._search(data, at + 1, ended=ended)
                if at < len(data):
                    why = "the last message is cut short" if size or size is None else "no message begins here"
                    damage.note(f"byte {offset + at:,}: {why}", resumed - at)
                at = resumed
                if not ended and at >= len(data) - HEAD:
                    break
            offset, data = offset + at, data[at:]

    def _run(self, data: bytes, at: int, *, learn: bool) -> Generator[_Run, None, int]:
        """The messages that follow each other from a place; returns where they end."""
        formats = self._formats.known
        begun, started, stamp, end = at, -1, -1, len(data) - HEAD
        while at <= end and data.startswith(MAGIC, at) and (told := formats.get(data[at + 2])) is not None:
            following = at + told.length
            if following > len(data):
                break
            if told.stamp >= 0:
                own = int.from_bytes(data[at + HEAD : at + HEAD + 8], "little")
                started = own if started < 0 else started
                if not 0 <= own - started < _CHUNK_US or at - begun >= _CHUNK_BYTES:
                    yield _Run(data[begun:at], stamp)
                    begun, started = at, own
                stamp = own
            if learn:
                self._take(told.number, told.name, data[at + HEAD : following], stamp)
            at = following
        if at > begun:
            yield _Run(data[begun:at], stamp)
        return at

    def _take(self, number: int, name: str, body: bytes, stamp_us: int) -> None:
        """Learn from a message."""
        self._met.add(number)
        self._formats.learn(number, body)
        if name == "MSG" and len(body) > 8 and len(self._events) < EVENTS_KEPT:
            text = body[8:].partition(b"\0")[0].decode(errors="replace")
            at = believed(stamp_us * 1000, 0)
            self._events.append(RecordedEvent("message", at, {"kind": "autopilot", "text": text}))

    def _size(self, data: bytes, at: int) -> int | None:
        """Bytes of the message at a place; 0 where none can begin there, None where data ends too early to tell."""
        if at + HEAD > len(data):
            return None
        told = self._formats.known.get(data[at + 2]) if data.startswith(MAGIC, at) else None
        return told.length if told is not None else 0

    def _search(self, data: bytes, at: int, *, ended: bool) -> int:
        """Where messages that follow each other begin again, from a place on; the end of data where they do not."""
        while (at := data.find(MAGIC, at)) >= 0:
            place, proved = at, 0
            while proved < _PROOF and (size := self._size(data, place)):
                place, proved = place + size, proved + 1
            too_short = place > len(data) or self._size(data, place) is None
            if proved == _PROOF or (proved and (place == len(data) or (too_short and not ended))):
                return at
            at += 1
        return len(data) - (not ended and data.endswith(MAGIC[:1]))


FORMAT = Dataflash
