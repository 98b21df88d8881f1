"""Goes through a recording and finds what is whole in it and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from replay.formats.mcap import McapRecording
from replay.mcap_parsing import parse_attachment, parse_metadata
from replay.mcap_records import MAGIC, RECORD, ChannelRecord, Opcode
from replay.message_stretch import SEQUENCES, Message, Stretch, in_step
from replay.record_walk import Record, RecordWalk
from replay.recording import Damage
from replay.recording_contents import CAMPAIGN, DEFINITIONS, INDEX, RAW_TOPIC, SAMPLES_TOPIC
from replay.sample_links import reference
from replay.survey import Gap, Hole, Survey

Done = Callable[[float], None]
"""Is called with how much is done, from 0 to 1; what it raises ends the work."""
MOST = 1000
"""Of holes and of gaps so many are listed; all are counted."""


@contextmanager
def records_of(recording: McapRecording, done: Done) -> Iterator[tuple[RecordWalk, Iterator[Stretch | Record]]]:
    """A walk through all records of a recording, saying how far it is."""
    contents = recording.contents

    def told(walk: RecordWalk) -> Iterator[Stretch | Record]:
        for item in walk.stretches(len(MAGIC)):
            done((item.latest if isinstance(item, Stretch) else item.offset) / contents.end)
            yield item

    with recording.path.open("rb", buffering=0) as file:
        walk = RecordWalk(file.fileno(), contents.end, contents.channels, Damage())
        yield walk, told(walk)


def chunk_channels(channels: Mapping[int, ChannelRecord]) -> frozenset[int]:
    """The channels whose messages are chunks: of links of bytes and of samples."""
    return frozenset(number for number, each in channels.items() if each.topic.startswith((RAW_TOPIC, SAMPLES_TOPIC)))


class Surveyor:
    """Goes through a recording once."""

    def __init__(self, recording: McapRecording) -> None:
        """For a recording that is open."""
        self._recording, self._contents = recording, recording.contents
        self._samples = {number: each.samples() for number, each in recording.datasets.items()}
        self._chunk_channels = chunk_channels(self._contents.channels)
        self._expected: dict[int, int] = {}
        self._known = recording.part.sequences if recording.part else {}
        self._last_ns: int | None = None
        self._at = len(MAGIC)
        self._messages_to = 0
        self._waiting: list[Hole] = []
        self.found = Survey(recording.size, recording.finished)

    def go(self, done: Done) -> Survey:
        """The survey of the whole recording."""
        found, end = self.found, self._contents.end
        with records_of(self._recording, done) as (walk, items):
            if walk.read(0, len(MAGIC)) != MAGIC:
                self._at = 0
                self._hole(len(MAGIC))
                self._at = len(MAGIC)
            for item in items:
                if item.offset > self._at:
                    self._hole(item.offset)
                self._at = item.end
                if isinstance(item, Stretch):
                    self._take(item)
                else:
                    self._keep(walk, item)
                    end = self._at if item.opcode == Opcode.DATA_END else end
            found.unproven, found.unchecked = walk.unproven, walk.unchecked
            if self._messages_to > walk.checked_to:
                found.unchecked.append((walk.checked_to, self._messages_to))
        if end > self._at:
            self._hole(end)
        self._end_holes(None)
        self._note_losses()
        return found

    def _hole(self, end: int) -> None:
        """Nothing is whole from where the last record ended up to end."""
        self.found.bytes_lost += end - self._at
        self.found.places += 1
        if len(self.found.holes) + len(self._waiting) < MOST:
            self._waiting.append(Hole(self._at, end, self._last_ns, None))

    def _end_holes(self, before_ns: int | None) -> None:
        """The time of the next chunk after the holes that wait for one; None for the end."""
        if not self._waiting:
            return
        self.found.holes += [replace(hole, before_ns=before_ns) for hole in self._waiting]
        self._waiting.clear()

    def _take(self, messages: Stretch) -> None:
        """Count messages, and what is missing between them."""
        self._messages_to = messages.end
        channels, by_channel = self._contents.channels, messages.by_channel()
        for number, _ in by_channel:
            self._expected.setdefault(number, self._known.get(channels[number].topic, 0) % SEQUENCES)
        samples = any(number in self._samples for number, _ in by_channel)
        if samples or not in_step(messages, self._expected.copy(), self._expected):
            self._take_singly(messages.messages())
            return
        for number, which in by_channel:
            topic, own = channels[number].topic, messages.heads["time_ns"][which]
            self.found.messages[topic] = self.found.messages.get(topic, 0) + len(own)
        times = messages.heads["time_ns"][messages.among(self._chunk_channels)]
        if len(times):
            self._end_holes(int(times[0]))
            self._last_ns = int(times[-1])

    def _take_singly(self, messages: list[Message]) -> None:
        """The same one by one, where numbers are missing or samples are referred to."""
        counts = self.found.messages
        for message in messages:
            number, topic = message.channel, self._contents.channels[message.channel].topic
            if message.sequence != self._expected[number]:
                self._gap(topic, self._expected[number], message)
            self._expected[number] = (message.sequence + 1) % SEQUENCES
            if number in self._chunk_channels:
                self._last_ns = message.time_ns
                self._end_holes(message.time_ns)
            counts[topic] = counts.get(topic, 0) + 1
            if number in self._samples:
                self._refer(topic, message)

    def _gap(self, topic: str, expected: int, message: Message) -> None:
        """A message has another number than it should."""
        count = (message.sequence - expected) % SEQUENCES
        if count >= SEQUENCES // 2:
            return
        self.found.missing[topic] = self.found.missing.get(topic, 0) + count
        if len(self.found.gaps) < MOST:
            self.found.gaps.append(Gap(topic, expected, count, self._last_ns, message.time_ns))

    def _refer(self, topic: str, message: Message) -> None:
        """Whether the samples that a message refers to are there."""
        first, count = reference(message.data)
        if not 0 <= first <= first + count <= self._samples[message.channel]:
            self.found.without_samples[topic] = self.found.without_samples.get(topic, 0) + 1

    def _keep(self, walk: RecordWalk, item: Record) -> None:
        """Take over a record that is no message, when it is to be carried over."""
        if item.opcode not in (Opcode.SCHEMA, Opcode.ATTACHMENT, Opcode.METADATA):
            return
        data = walk.read(item.offset, item.length)
        content = data[RECORD.size :]
        if item.opcode == Opcode.SCHEMA:
            self.found.schemas[int.from_bytes(content[:2], "little")] = data
        elif item.opcode == Opcode.METADATA:
            name, values = parse_metadata(content)  # which the walk has done before
            self._contents.metadata[name] = values
        else:
            self._attach(content, item.offset)

    def _attach(self, content: bytes, offset: int) -> None:
        """Take over an attachment, when it is whole and not made anew."""
        try:
            attachment = parse_attachment(content)
        except ValueError as error:
            self.found.notes.append(f"{error}, at byte {offset:,}")
            return
        if attachment.name != INDEX:
            self.found.attachments[attachment.name] = attachment

    def _note_losses(self) -> None:
        """Say which of the things that explain a recording are among the bytes lost."""
        if not self.found.bytes_lost:
            return
        for name in (CAMPAIGN, DEFINITIONS):
            if name not in self.found.attachments:
                self.found.notes.append(f"the attachment {name} is lost")
        if not self._contents.about:
            text = "what says whether it is synthetic, and whose clock it goes by, is lost"
            self.found.notes.append(text)
