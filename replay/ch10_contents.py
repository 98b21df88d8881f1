"""What is in a Chapter 10 file, found in one pass over its headers: channels, setup record, time, recording events."""

from __future__ import annotations

from collections import Counter
from copy import copy
from dataclasses import dataclass, field

from protocols.irig106.bus_records import event
from protocols.irig106.channels import EVENTS, NOT_DELIVERED, TMATS, UART, UART_MESSAGES, Channel, channel_of, kind_of
from protocols.irig106.clock import TIME_1, TIME_2, RecorderClock, time_of
from protocols.irig106.packet import Header, Packet
from protocols.irig106.tmats import LARGEST_TEXT, Tmats, parse_tmats
from replay.ch10_packets import PacketFile
from replay.recording import Damage, RecordedEvent

MARK_BYTES = 1 << 20
"""Bytes of the file from one mark to the next."""
EVENTS_KEPT = 10_000
MOST_LINKS = 4_096
"""Channels and types that are read, and subchannels that are taken apart: no recorder has so many."""
_XML = 0x200
"""The setup record's format, of its channel-specific data word (11.2.7.3)."""

Key = tuple[int, int]
"""Channel ID and data type."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file to begin reading from."""

    offset: int
    newest_ns: int
    """The newest time before it."""
    clock: RecorderClock
    """As it stood there."""


@dataclass(slots=True)
class Contents:
    """What is in a file."""

    tmats: Tmats = field(default_factory=Tmats)
    channels: dict[Key, Channel] = field(default_factory=dict)
    names: dict[Key, dict[int, str]] = field(default_factory=dict)
    """Names of links by channel, type and subchannel; of all but UART the subchannel is 0."""
    packets: Counter[Key] = field(default_factory=Counter)
    """How many there are."""
    events: list[RecordedEvent] = field(default_factory=list)
    """The recording events, the first ten thousand."""
    marks: list[Mark] = field(default_factory=list)
    clock: RecorderClock = field(default_factory=RecorderClock)
    """As it stands after the first good time packet, from which what came before is reckoned back."""
    span: tuple[int, int] = (0, 0)
    assumed: list[str] = field(default_factory=list)

    def title(self, key: Key) -> str:
        """What a channel is in words: its source by the setup record, how many packets it has."""
        told = self.tmats.channels.get(key[0])
        source = f"{told.name} ({told.kind}), " if told else ""
        return f"{source}{self.packets[key]:,} packet{'s' * (self.packets[key] != 1)}"

    def mark_before(self, start_ns: int) -> Mark | None:
        """The last place before which all is older than a time; None for the file's beginning."""
        return next((mark for mark in reversed(self.marks) if mark.newest_ns < start_ns - _DISORDER_NS), None)


_DISORDER_NS = 2_000_000_000
"""Packets may be written so much later than others (10.6.1: within a second), and hold data after their own time."""


def read_contents(descriptor: int) -> Contents:
    """One pass over an open file's headers; bodies are read where they tell something."""
    found = _Survey(descriptor)
    found.setup()
    found.survey()
    found.conclude()
    return found.contents


class _Survey:
    """The pass, and what it has found."""

    def __init__(self, descriptor: int) -> None:
        self.contents = Contents()
        self._descriptor = descriptor
        self._subchannels: dict[Key, set[int]] = {}
        self._apart = 0
        """Subchannels that are taken apart."""

    def setup(self) -> None:
        """Read the setup record, in one packet or several at the beginning, and the first good time packet."""
        file, text, size = PacketFile(self._descriptor, Damage(), sparse=True), list[bytes](), 0
        contents, xml = self.contents, False
        told: tuple[Header, bytes] | None = None
        for header, at in file.packets(lambda header: header.kind in (TMATS, TIME_1, TIME_2)):
            body = file.data[at + header.begin : at + header.end]
            if header.kind == TMATS and size + len(body) <= LARGEST_TEXT:
                xml = xml or bool(int.from_bytes(body[:4], "little") & _XML)
                text.append(body[4:])
                size += len(body)
            elif header.kind in (TIME_1, TIME_2) and file.sound(header) and time_of(header.kind, body):
                told = header, body
                break
        contents.tmats = parse_tmats(b"".join(text).decode("utf-8", "replace"))
        contents.clock = RecorderClock(contents.tmats.year)
        if told is not None:
            contents.clock.follow(*told)
        if xml:
            contents.assumed.append("its setup record is XML, which is not read: channels have no names")

    def survey(self) -> None:
        """Go over all headers."""
        contents, clock = self.contents, copy(self.contents.clock)
        file = PacketFile(self._descriptor, Damage(), sparse=True)
        oldest: int | None = None
        newest = last_mark = 0
        for header, at in file.packets(self._wanted):
            begin, end = at + header.begin, at + header.end
            if header.kind in (TIME_1, TIME_2) and file.sound(header):
                clock.follow(header, file.data[begin:end])
            contents.packets[header.channel, header.kind] += 1
            if header.kind in NOT_DELIVERED:
                continue
            time_ns = clock.at(header.rtc)
            if file.at - last_mark >= MARK_BYTES:
                contents.marks.append(Mark(file.at, newest, copy(clock)))
                last_mark = file.at
            oldest = time_ns if oldest is None else oldest
            newest = max(newest, time_ns)
            if self._wanted(header):
                self._look(Packet(header, file.data, begin, end, time_ns))
        contents.span = oldest or 0, newest

    def _wanted(self, header: Header) -> bool:
        """Whether a packet's body tells something here."""
        known = (header.channel, header.kind) in self.contents.channels
        new = not known and header.kind not in NOT_DELIVERED and len(self.contents.channels) < MOST_LINKS
        return new or header.kind in (TIME_1, TIME_2) or (known and header.kind in (EVENTS, UART))

    def _look(self, packet: Packet) -> None:
        """What a packet's body tells of its channel."""
        header, contents = packet.header, self.contents
        key = header.channel, header.kind
        if key not in contents.channels:
            contents.channels[key] = channel_of(packet, contents.tmats)
        if header.kind == UART:
            new = UART_MESSAGES.subchannels(packet) - self._subchannels.setdefault(key, set())
            if self._apart + len(new) <= MOST_LINKS:
                self._apart += len(new)
                self._subchannels[key] |= new
        elif header.kind == EVENTS and len(contents.events) < EVENTS_KEPT:
            records, _ = event(packet)
            contents.events += [self._event(int(each["number"]), int(each["time"])) for each in records]

    def _event(self, number: int, time_ns: int) -> RecordedEvent:
        text = self.contents.tmats.events.get(number) or f"recording event {number}"
        return RecordedEvent(f"event-{number}", time_ns, {"text": text, "number": number})

    def conclude(self) -> None:
        """Give the links their names, and say what the file does not."""
        contents = self.contents
        names: set[str] = set()
        for key in sorted(contents.channels):
            contents.names[key] = self._links(key, names)
            names.update(contents.names[key].values())
        if contents.clock.reference is None:
            contents.assumed.append("it has no good time packet: times are those of the recorder's counter")
        elif contents.clock.dated:
            return
        elif year := contents.tmats.year:
            contents.assumed.append(f"its time packets tell no year: {year}, by the date in its setup record")
        else:
            text = "neither its time packets nor its setup record tell the year: dates are in 1970, or 1972 if leap"
            contents.assumed.append(text)

    def _links(self, key: Key, taken: set[str]) -> dict[int, str]:
        """Names of a channel's links by subchannel."""
        channel, data_type = key
        name = f"{kind_of(data_type)}-{channel}"
        name = f"{name}-type{data_type:02x}" if name in taken else name
        subchannels = sorted(self._subchannels.get(key, ()))
        if len(subchannels) < 2:
            return dict.fromkeys(subchannels or [0], name)
        return {sub: f"{name}-{sub}" for sub in subchannels}
