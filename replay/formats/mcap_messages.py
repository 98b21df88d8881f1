"""MCAP files of other programs: robotics loggers, plot tools, and this one's own export.

Channels of JSON messages are declared by their schema and by their first messages (``replay/json_messages.py``) and
decode by columns, each message at its log time. Channels of any other encoding (Protobuf, CDR, ROS 1) give their
messages' bytes, for a campaign to say what they are. A link is named after its topic.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from protocols import undeclared
from protocols.chunk import Chunk
from protocols.errors import NotARecording
from protocols.packet import Packet, Vehicle
from replay.declared_names import packet_name
from replay.json_messages import MOST_VALUES as SHAPE_VALUES
from replay.json_messages import TEXT_BYTES, Shape
from replay.mcap_foreign import ForeignMessage, message, records
from replay.mcap_parsing import Content, parse_channel, parse_metadata
from replay.mcap_records import MAGIC, Opcode
from replay.record_walk import PROFILE
from replay.recording import Damage, RecordedLink, Recording, TimeBase
from replay.recording_contents import recognise_header

LEARNED = 50
"""Messages of a channel from which its values are learned, where there are so many among the first LEARNED_BYTES."""
LEARNED_BYTES = 64 * 1024 * 1024
MOST_VALUES = 20_000
"""Values of all channels together; further ones are left out."""
MOST_LINKS = 4_096
"""Channels that are read; messages of further ones are counted as damage."""
_SCHEMA_BYTES = 16 * 1024 * 1024
"""Of all schemas together; further ones are not read."""
_CHUNK_NS, _CHUNK_BYTES = 10_000_000, 65_536
_UTC_FROM = 10**17
"""Log times from here on (1973) are taken for UTC, lower ones for a vehicle's clock."""


@dataclass(slots=True)
class _Channel:
    """A channel of the file."""

    link: str
    shape: Shape | None
    """Of JSON messages; None for others."""
    learned: int = 0
    waiting: list[bytes] = field(default_factory=list)
    """Records not yet given, each with its time."""
    bytes_waiting: int = 0
    since_ns: int = 0
    last_ns: int = 0


class McapMessages(Recording):
    """An MCAP file that this program did not record."""

    title: ClassVar[str] = "MCAP messages"

    def __init__(self, path: Path) -> None:
        """Raises NotARecording where there is no message in it."""
        super().__init__(path)
        self._channels: dict[int, _Channel] = {}
        self._taken: set[str] = set()
        self._left = MOST_VALUES
        self._size = path.stat().st_size
        times = self._learn()
        if times is None:
            raise NotARecording(path, "an MCAP file without a message; look for the file it was copied from")
        self.time_base = TimeBase.UTC if times[0] >= _UTC_FROM else TimeBase.VEHICLE
        self._span = times
        packets = {packet.name for packet in undeclared.VEHICLE.packets}
        self._links = {
            each.link: _link(each, number, packets) for number, each in self._channels.items() if each.learned
        }

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """MCAP's magic, and nothing of our recordings: one of those with a damaged header is still one of those."""
        return head.startswith(MAGIC) and not recognise_header(head) and PROFILE.encode() not in head

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """One link for each channel that has messages."""
        return self._links

    @property
    def span(self) -> tuple[int, int]:
        """The least and the greatest log time."""
        return self._span

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """Messages in the order of the file, those of one JSON channel within 10 ms in a chunk."""
        self.damage = Damage()
        nowhere = 0
        for each in self._channels.values():
            each.waiting, each.bytes_waiting = [], 0
        for found in self._messages(self.damage):
            channel = self._channels.get(found.channel)
            if channel is None:
                nowhere += len(found.data)
                continue
            if not channel.learned or (start_ns is not None and found.log_ns < start_ns):
                continue
            if channel.shape is None:
                yield Chunk(channel.link, found.data, found.log_ns)
            else:
                yield from self._add(channel, channel.shape, found)
        for each in self._channels.values():
            yield from _given(each)
        if nowhere:
            self.damage.note(
                f"messages of {nowhere:,} bytes are of channels that are not declared, or too many", nowhere
            )
        cut = sum(each.shape.cut for each in self._channels.values() if each.shape)
        if cut:
            self.damage.note(f"{cut:,} texts were cut to {TEXT_BYTES} bytes")

    def _add(self, channel: _Channel, shape: Shape, found: ForeignMessage) -> Iterator[Chunk]:
        """Let a message wait for others; one that is no JSON object is damage."""
        record = shape.record(found.data)
        if record is None:
            self.damage.note(f"link {channel.link}: a message is no JSON object, or too long", len(found.data))
            return
        if channel.waiting and (
            not 0 <= found.log_ns - channel.since_ns < _CHUNK_NS or channel.bytes_waiting >= _CHUNK_BYTES
        ):
            yield from _given(channel)
        channel.since_ns = channel.since_ns if channel.waiting else found.log_ns
        channel.last_ns = found.log_ns
        channel.waiting.append(struct.pack(">q", found.log_ns) + record)
        channel.bytes_waiting += len(record)

    def _messages(self, damage: Damage) -> Iterator[ForeignMessage]:
        with self.path.open("rb") as file:
            for opcode, content in records(file, self._size, damage):
                if opcode == Opcode.MESSAGE and (found := message(content)) is not None:
                    yield found

    def _learn(self) -> tuple[int, int] | None:
        """Learn channels and what their messages hold; the least and the greatest time, None without a message."""
        schemas: dict[int, tuple[str, bytes]] = {}
        seen, least, greatest, room = 0, None, 0, _SCHEMA_BYTES
        with self.path.open("rb") as file:
            for opcode, content in records(file, self._size, Damage()):
                if opcode == Opcode.SCHEMA:
                    room -= _keep_schema(content, schemas, room)
                elif opcode == Opcode.CHANNEL:
                    self._keep_channel(content, schemas)
                elif opcode == Opcode.METADATA:
                    self._keep_metadata(content)
                elif opcode == Opcode.MESSAGE and (found := message(content)) is not None:
                    least = found.log_ns if least is None else min(least, found.log_ns)
                    greatest = max(greatest, found.log_ns)
                    channel = self._channels.get(found.channel)
                    if channel is not None:
                        if channel.learned < LEARNED and (seen < LEARNED_BYTES or not channel.learned):
                            self._teach(channel.shape, found.data)
                        channel.learned += 1
                    seen += len(found.data)
        return None if least is None else (least, greatest)

    def _teach(self, shape: Shape | None, data: bytes, *, schema: bool = False) -> None:
        """Have a channel's shape learn from a message or a schema, as long as there may be more values."""
        if shape is not None:
            before = len(shape.values)
            shape.most = min(SHAPE_VALUES, before + self._left)
            (shape.learn_schema if schema else shape.learn)(data)
            self._left -= len(shape.values) - before

    def _keep_channel(self, content: bytes, schemas: Mapping[int, tuple[str, bytes]]) -> None:
        try:
            channel = parse_channel(content)
        except ValueError:
            return
        if channel.number in self._channels or len(self._channels) >= MOST_LINKS:
            return
        shape = None
        if channel.encoding == "json":
            shape = Shape()
            encoding, text = schemas.get(channel.schema, ("", b""))
            if encoding == "jsonschema":
                self._teach(shape, text, schema=True)
        link = re.sub(r"[^A-Za-z0-9._-]+", "-", channel.topic).strip("-.")[:56] or "channel"
        link = link if link not in self._taken else f"{link}-{channel.number}"
        while link in self._taken:
            link = f"{link}-"
        self._taken.add(link)
        self._channels[channel.number] = _Channel(link, shape)

    def _keep_metadata(self, content: bytes) -> None:
        """An export of ours says whether it is of made-up telemetry."""
        try:
            name, values = parse_metadata(content)
        except ValueError:
            return
        if name == "decoded" and values.get("synthetic") == "true":
            self.synthetic = True


def _keep_schema(content: bytes, schemas: dict[int, tuple[str, bytes]], room: int) -> int:
    """Keep a schema's encoding and text, if there is room for so many bytes; how many it took."""
    fields = Content(content)
    try:
        number, _, encoding = fields.number(2), fields.text(), fields.text()
        text = fields.raw(fields.number(4))
    except ValueError:
        return 0
    if number in schemas or len(text) > room:
        return 0
    schemas[number] = encoding, text
    return len(text)


def _given(channel: _Channel) -> Iterator[Chunk]:
    """What waits of a channel, as a chunk."""
    if channel.waiting:
        data = b"".join(channel.waiting)
        channel.waiting, channel.bytes_waiting = [], 0
        yield Chunk(channel.link, data, channel.last_ns)


def _link(channel: _Channel, number: int, packets: set[str]) -> RecordedLink:
    """How a channel's messages are read; packets are the names already given."""
    if channel.shape is None:
        return RecordedLink(undeclared.NAME)
    if not channel.shape.values:
        channel.shape = None
        return RecordedLink(undeclared.NAME)
    name = packet_name(channel.link, number, packets, "topic")
    declaration: Any = channel.shape.declaration()
    packet = Packet(name, declaration, doc=f"messages of {channel.link}")
    vehicle = Vehicle(f"mcap_{name}", "MCAP messages", (packet,), source="the schema and the messages in the file")
    framing = {"kind": "dated", "frame_length": channel.shape.size}
    return RecordedLink(vehicle.name, framing, declared=vehicle)


FORMAT = McapMessages
