"""IRIG 106 Chapter 10 recordings: packets of many channels, the setup record (TMATS) first, then time.

Each type of packets of a channel is a link, ``pcm-2``, ``uart-5``, ``1553-4``; of a UART with several subchannels each
is one, ``uart-5-1``. What came as bytes (UART, messages, Ethernet, PCM frames, video) is given as those bytes with the
time of each message, so that a campaign decodes it as it would live. Messages of buses and samples become records
(:mod:`protocols.irig106.bus_records`), a packet's together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import ClassVar

from protocols.chunk import Chunk
from protocols.errors import NotARecording
from protocols.irig106.channels import NOT_DELIVERED, Channel
from protocols.irig106.clock import TIME_1, TIME_2, RecorderClock
from protocols.irig106.packet import Header, Packet, parse_header
from replay.ch10_contents import Contents, Key, read_contents
from replay.ch10_packets import PacketFile
from replay.recording import Damage, RecordedEvent, RecordedLink, Recording, TimeBase


class Chapter10(Recording):
    """A file of a recorder by Chapter 10."""

    suffixes: ClassVar[tuple[str, ...]] = (".ch10", ".c10")
    title: ClassVar[str] = "IRIG 106 Chapter 10 recording"

    def __init__(self, path: Path) -> None:
        """Raises NotARecording where no packet is found, or the file cannot be read."""
        super().__init__(path)
        self.carried = 0
        """Bytes of the file that chunks are made of; of channels of bytes as many as the chunks have."""
        self.overhead = 0
        """Bytes of headers, filler, checksums, index and setup record: file size = carried + overhead + discarded."""
        try:
            with self._open() as descriptor:
                self._contents = read_contents(descriptor)
        except OSError as error:
            problem = f"cannot be read ({error.strerror}); check the file and its disk"
            raise NotARecording(path, problem) from None
        if not self._contents.packets:
            raise NotARecording(path, "there is no Chapter 10 packet in it; check whether it is of another format")
        self.time_base = TimeBase.UTC if self._contents.clock.reference else TimeBase.VEHICLE
        self.assumed = tuple(self._contents.assumed)
        self._links = {
            name: RecordedLink(
                channel.vehicle.name, channel.framing, declared=channel.vehicle, title=self._contents.title(key)
            )
            for key, channel in sorted(self._contents.channels.items(), key=_order)
            for name in self._contents.names[key].values()
        }

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether a packet begins it: sync pattern, checksum, and lengths that go together."""
        return parse_header(head, 0) is not None

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """A link for each type of packets of each channel, as the file has them."""
        return self._links

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first packet of data and of the newest."""
        return self._contents.span

    @property
    def contents(self) -> Contents:
        """Setup record, packets counted by channel and type, links by channel."""
        return self._contents

    def events(self) -> list[RecordedEvent]:
        """The setup record's program, and the recording events."""
        program = self._contents.tmats.program
        setup = [RecordedEvent("setup", self.span[0], {"text": f"program {program}"})] if program else []
        return [*setup, *self._contents.events]

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """Messages, or a packet's records, in the order of the file, from the first at or after start_ns."""
        self.damage, self.carried, self.overhead = Damage(), 0, 0
        mark = None if start_ns is None else self._contents.mark_before(start_ns)
        clock = copy(mark.clock if mark else self._contents.clock)
        with self._open() as descriptor:
            file = PacketFile(descriptor, self.damage, mark.offset if mark else 0)
            for chunk in self._chunks(file, clock):
                if start_ns is not None:
                    if chunk.received_ns < start_ns:
                        continue
                    start_ns = None
                yield chunk

    def _chunks(self, file: PacketFile, clock: RecorderClock) -> Iterator[Chunk]:
        """All chunks from where a file stands."""
        channels, names, expected = self._contents.channels, self._contents.names, _Sequences(self.damage)
        for header, at in file.packets():
            sound = file.sound(header)
            expected.follow(header, file.at)
            self._say_clipped(header, file.at)
            begin, end = at + header.begin, at + header.end
            if header.kind in (TIME_1, TIME_2) and sound:
                clock.follow(header, file.data[begin:end])
            key = header.channel, header.kind
            channel = channels.get(key)
            if header.kind in NOT_DELIVERED:
                self.overhead += header.length
                continue
            if channel is None:
                self.damage.note(f"byte {file.at:,}: channel {header.channel} is one too many", header.length)
                continue
            brought = channel.deliver(Packet(header, file.data, begin, end, clock.at(header.rtc)))
            left = end - begin - brought.consumed
            self.carried += brought.carried
            self.overhead += header.length - left - brought.carried
            if left:
                self._say_left(left, header, file.at)
            first = next(iter(names[key].values()))
            for sub, data, time_ns in brought.pieces:
                yield Chunk(names[key].get(sub, first), data, time_ns)

    def _say_clipped(self, header: Header, at: int) -> None:
        over = header.begin + header.data_length - header.end
        if over > 0:
            what = f"a packet of channel {header.channel} says it has {over:,} bytes more of data than it can"
            self.damage.note(f"byte {at:,}: {what}")

    def _say_left(self, left: int, header: Header, at: int) -> None:
        what = f"{left:,} bytes of a packet of channel {header.channel} (type 0x{header.kind:02x}) make no message"
        self.damage.note(f"byte {at:,}: {what}", left)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """The file, for reading at any place."""
        with self.path.open("rb", buffering=0) as file:
            yield file.fileno()


def _order(item: tuple[Key, Channel]) -> tuple[bool, Key]:
    """Links by channel, what the recorder itself adds (time, events, its own data) behind them."""
    key, channel = item
    return channel.kind in ("time", "event", "computer"), key


class _Sequences:
    """The packets missing by their sequence numbers, each channel's its own (11.2.1.1 f)."""

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._last: dict[int, int] = {}

    def follow(self, header: Header, at: int) -> None:
        """Count what is missing before a packet; one that steps back more than it can lack began again."""
        last = self._last.get(header.channel)
        self._last[header.channel] = header.sequence
        missing = 0 if last is None else (header.sequence - last - 1) % 256
        if missing:
            certain = missing < 128
            self._damage.missing += missing if certain else 0
            text = f"{missing} packets are missing" if certain else "the sequence number steps back"
            self._damage.note(f"byte {at:,}: channel {header.channel}: {text}")


FORMAT = Chapter10
