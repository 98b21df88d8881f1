"""Recordings this program wrote: MCAP files of raw chunks, finished, cut off, damaged, or still being written."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import orjson

from protocols.chunk import Chunk
from protocols.errors import DeclarationError, NotARecording
from protocols.signal import Signal
from replay.mcap_records import ChannelRecord
from replay.message_stretch import SEQUENCES, Message, Stretch, out_of_step
from replay.record_walk import RecordWalk
from replay.recording import DIGESTS, Damage, Placed, RecordedEvent, RecordedLink, Recording, TimeBase
from replay.recording_contents import (
    CAMPAIGN,
    DEFINITIONS,
    END,
    EVENTS_TOPIC,
    RAW_TOPIC,
    RECOVERED,
    SAMPLES_TOPIC,
    Contents,
    read_contents,
    recognise_header,
)
from replay.recording_part import Part
from replay.sample_links import Dataset, reading


class McapRecording(Recording):
    """A recording of ours. Its ``damage`` is what was found on opening and in the latest reading of ``chunks``."""

    suffixes = (".mcap",)
    title = "groundstation recording"

    def __init__(self, path: Path) -> None:
        """Raises NotARecording, for other people's MCAP files too. A cut or damaged recording of ours opens."""
        super().__init__(path)
        try:
            with path.open("rb", buffering=0) as file:
                self._contents = read_contents(file, path)
        except OSError as error:
            raise NotARecording(path, f"cannot be read ({error.strerror}); check the file and its disk") from None
        channels = self._contents.channels.values()
        signals = {channel.number: _signal(channel) for channel in channels}
        raw = [each for each in channels if each.topic.startswith(RAW_TOPIC) or signals[each.number]]
        self._names = {channel.number: channel.topic.partition("/")[2] for channel in raw}
        self._links = {self._names[each.number]: _link(each, signals[each.number]) for each in raw}
        self._datasets = {each.number: _dataset(path, each, signal) for each in raw if (signal := signals[each.number])}
        self._events = {channel.number for channel in channels if channel.topic == EVENTS_TOPIC}
        self.synthetic = self._contents.about.get("synthetic") == "true"
        self.time_base = TimeBase.VEHICLE if self._contents.about.get("time_base") == "vehicle" else TimeBase.UTC
        self.campaign = self._contents.files.get(CAMPAIGN, b"").decode(errors="replace")
        self.definitions = _mapping(self._contents.files.get(DEFINITIONS, b""))
        self.part = Part.of(self._contents.about)
        """Its place where it is one of several files of a recording; None where it is the whole."""
        self._expected: dict[int, int] = {}
        if self.recovered:
            told = f"a repaired copy of {self.recovered.get('from')}: {self.recovered.get('lost')}"
            self._contents.damage.note(told)
        self._begin_damage()
        self._span = self._first_and_last()

    @classmethod
    def open(cls, path: Path) -> Recording:
        """The recording in a file; with the parts that follow beside it, if it is the first of them."""
        from replay.parted_recording import joined  # noqa: PLC0415 which is made of these

        return joined(cls(path))

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """MCAP's magic, and our profile in the header."""
        return recognise_header(head)

    @property
    def software(self) -> str:
        """What wrote it."""
        return self._contents.software

    @property
    def finished(self) -> bool:
        """Whether it was closed in order; what one that was not lacks (index, summary) is made up for."""
        return self._contents.finished

    @property
    def contents(self) -> Contents:
        """What the file says of itself."""
        return self._contents

    @property
    def datasets(self) -> Mapping[int, Dataset]:
        """The files of samples that messages refer to, by their channels."""
        return self._datasets

    @property
    def size(self) -> int:
        """The length of the file in bytes when it was opened."""
        return self._contents.end

    @property
    def next_part(self) -> str | None:
        """The name of the part that follows; empty where none does, None where the file does not tell."""
        return self._contents.metadata.get(END, {}).get("next")

    @property
    def recovered(self) -> Mapping[str, str]:
        """Of what a repaired recording was made, and what was lost (``replay/recovery.py``); empty for others."""
        return self._contents.metadata.get(RECOVERED, {})

    @property
    def begins(self) -> Mapping[str, int]:
        """The sequence number of the first chunk of each link in this file."""
        return {self._names[number]: sequence for number, sequence in self._first_sequences().items()}

    @property
    def expected(self) -> Mapping[str, int]:
        """The sequence number of the next chunk of each link, after the latest reading of ``chunks`` to its end."""
        return {self._names[number]: sequence for number, sequence in self._expected.items()}

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files inside that explain it, by name: ``campaign.toml``, ``definitions.json``, a vehicle's source."""
        return self._contents.files

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The links by name."""
        return self._links

    @property
    def span(self) -> tuple[int, int]:
        """``received_ns`` of the first and the last chunk there were on opening; (0, 0) without any."""
        return self._span

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The chunks in the order received, from the first at or after start_ns; damage is counted anew."""
        offset = None if start_ns is None else self._contents.index.offset_of(start_ns)
        if start_ns is None and not self._datasets:
            return chain.from_iterable(chunks for chunks, _ in self._all(self._contents.begin))
        return (chunk for chunk, _ in self._read(self._contents.begin if offset is None else offset, start_ns))

    def placed(self, place: int = 0) -> Iterator[Placed]:
        """The chunks from a place on, each with the place after it: the offset where its record ends."""
        place = max(place, self._contents.begin)
        if self._datasets:
            return self._read(place)
        return chain.from_iterable(zip(*each, strict=True) for each in self._all(place))

    def _all(self, offset: int) -> Iterator[tuple[list[Chunk], list[int]]]:
        """All chunks from an offset on, of links of bytes, many at a time, and the places after them: what ``_read``
        gives, at a tenth of the cost.
        """
        self._begin_damage()
        expected = self._expected = self._first_sequences() if offset == self._contents.begin else {}
        with self._walk(self.damage) as walk:
            for item in walk.stretches(offset):
                if isinstance(item, Stretch):
                    for message in out_of_step(item, self._names, expected):
                        self._miss(*message)
                    yield _chunks(item, self._names)

    def _read(self, offset: int, start_ns: int | None = None) -> Iterator[Placed]:
        """The chunks from an offset between records on, or the first of them at or after start_ns."""
        self._begin_damage()
        from_begin = offset == self._contents.begin and start_ns is None
        expected = self._expected = self._first_sequences() if from_begin else {}
        with self._walk(self.damage) as walk, reading(self._datasets) as read:
            for message in _messages(walk, offset):
                _, number, sequence, time_ns, data = message
                if start_ns is not None:
                    if time_ns < start_ns or number not in self._names:
                        continue
                    start_ns = None
                name = self._names.get(number)
                if name is not None:
                    if expected.get(number, sequence) != sequence:
                        self._miss(message, expected[number])
                    expected[number] = (sequence + 1) % SEQUENCES
                    found = read(number, data) if number in self._datasets else data
                    if found is None:
                        self._miss_samples(message)
                    else:
                        yield Chunk(name, found, time_ns), message.end

    def tail(self, offset: int = 0) -> Iterator[tuple[Chunk, int]]:
        """The chunks from an offset between records to the end as it is now, each with the offset after it.

        For a reader that follows a recording while it is written: it begins at a ``Recorder.position`` or at the
        offset after the last chunk it had. A record only half there is left for the next call; nothing is damage.
        """
        with self._walk(Damage(), growing=True) as walk, reading(self._datasets) as read:
            for message in _messages(walk, max(offset, self._contents.begin)):
                name, number = self._names.get(message.channel), message.channel
                if name is not None:
                    data = read(number, message.data) if number in self._datasets else message.data
                    if data is not None:
                        yield Chunk(name, data, message.time_ns), message.end

    def events(self) -> list[RecordedEvent]:
        """What was noted while recording, in the order it was noted."""
        return [each for each in self._noted() if each.name != DIGESTS]

    def digests(self) -> list[RecordedEvent]:
        """What its writer had proven at several moments, in order."""
        return [each for each in self._noted() if each.name == DIGESTS]

    def _noted(self) -> list[RecordedEvent]:
        index = self._contents.index
        found: list[RecordedEvent] = []
        for begin, end in (*index.eventful(), (index.end() or self._contents.begin, None)):
            with self._walk(Damage(), end) as walk:
                noted = (message for message in _messages(walk, begin) if message.channel in self._events)
                found += filter(None, map(_event, noted))
        return found

    @contextmanager
    def _walk(self, damage: Damage, end: int | None = None, *, growing: bool = False) -> Iterator[RecordWalk]:
        """A walk through the file as it is now."""
        with self.path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            yield RecordWalk(
                file.fileno(), size if end is None else end, self._contents.channels, damage, growing=growing
            )

    def _first_sequences(self) -> dict[int, int]:
        """The sequence number with which each link begins in this file."""
        known = self.part.sequences if self.part else {}
        channels = self._contents.channels
        return {number: known.get(channels[number].topic, 0) % SEQUENCES for number in self._names}

    def _begin_damage(self) -> None:
        """Start counting with what was found on opening."""
        self.damage.discarded = self._contents.damage.discarded
        self.damage.missing = 0
        self.damage.notes[:] = self._contents.damage.notes

    def _miss(self, message: Message, expected: int) -> None:
        """Count the chunks a gap in a link's sequence numbers stands for."""
        missing = (message.sequence - expected) % SEQUENCES
        if missing < SEQUENCES // 2:
            link = self._names[message.channel]
            self.damage.missing += missing
            self.damage.note(f"{missing} chunks of link {link!r} are missing before byte {message.offset:,}")

    def _miss_samples(self, message: Message) -> None:
        """Count a chunk whose samples are not beside the recording; say once for each link where they should be."""
        self.damage.missing += 1
        dataset, name = self._datasets[message.channel], self._names[message.channel]
        if not dataset.path.is_file():
            text = f"the samples of link {name!r} are missing: copy {dataset.path.name} beside the recording"
            if text not in self.damage.notes:
                self.damage.note(text)
        else:
            self.damage.note(f"samples of link {name!r} at byte {message.offset:,} are not in {dataset.path.name}")

    def _first_and_last(self) -> tuple[int, int]:
        """Times of the first and the last chunk: the last is in the last marked block, or in what follows it."""
        index = self._contents.index
        first = next(self._times(self._contents.begin), 0)
        last = index.last_ns()
        for time_ns in self._times(index.end() or self._contents.begin):
            last = time_ns
        return first, first if last is None else last

    def _times(self, offset: int) -> Iterator[int]:
        """Times of the chunks from an offset on."""
        with self._walk(Damage(), growing=True) as walk:
            for message in _messages(walk, max(offset, self._contents.begin)):
                if message.channel in self._names:
                    yield message.time_ns


_chunk = partial(tuple.__new__, Chunk)
"""Makes one of its fields in a tuple, at half the cost."""


def _chunks(stretch: Stretch, names: Mapping[int, str]) -> tuple[list[Chunk], list[int]]:
    """The chunks among some messages, and the places after them; names are those of links."""
    channels = stretch.channels
    if len(channels) == 1 and int(channels[0]) in names:
        fields = zip(repeat(names[int(channels[0])]), stretch.data(), stretch.heads["time_ns"].tolist(), strict=False)
        return list(map(_chunk, fields)), stretch.ends()
    wanted = [each for each in stretch.messages() if each.channel in names]
    return [Chunk(names[each.channel], each.data, each.time_ns) for each in wanted], [each.end for each in wanted]


def _messages(walk: RecordWalk, offset: int) -> Iterator[Message]:
    """The messages from an offset on."""
    for item in walk.records(offset):
        if isinstance(item, list):
            yield from item


def _link(channel: ChannelRecord, signal: Signal | None) -> RecordedLink:
    """A link as its channel describes it."""
    try:
        framing = orjson.loads(channel.metadata.get("framing", ""))
    except orjson.JSONDecodeError:
        framing = ""
    described = framing if isinstance(framing, str | dict) and framing else "datagram"
    return RecordedLink(channel.metadata.get("vehicle", ""), described, signal)


def _signal(channel: ChannelRecord) -> Signal | None:
    """What a link's samples are; None for one of bytes, and where that cannot be read: then nothing of it can."""
    if not channel.topic.startswith(SAMPLES_TOPIC):
        return None
    try:
        return Signal.of(_mapping(channel.metadata.get("signal", "").encode()))
    except DeclarationError:
        return None


def _dataset(path: Path, channel: ChannelRecord, signal: Signal) -> Dataset:
    """Where the samples of a link stand."""
    name = channel.topic.removeprefix(SAMPLES_TOPIC)
    return Dataset.beside(path, name, channel.metadata.get("dataset", ""), signal)


def _mapping(data: bytes) -> Mapping[str, Any]:
    """A JSON object; empty when it is none."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _event(message: Message) -> RecordedEvent | None:
    """The event of a message; None when it is damaged."""
    values = _mapping(message.data)
    name, detail = values.get("name"), values.get("detail")
    if not isinstance(name, str) or not isinstance(detail, dict):
        return None
    return RecordedEvent(name, message.time_ns, detail)


FORMAT = McapRecording
