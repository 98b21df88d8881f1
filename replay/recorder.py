"""Writes a recording: an MCAP file of raw chunks as received, events, and all that explains them.

Samples of radio links stand beside it in SigMF files (``replay/sample_links.py``).

Nothing is held back: when ``write`` returns, the chunk is with the kernel and survives the death of this process.
``sync`` makes it survive a power cut; the caller calls it at least every 100 ms. A write that fails leaves the file
as it was before it.
"""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import orjson

from protocols.chunk import Chunk
from protocols.errors import RecordingFailed
from replay.appended_file import AppendedFile
from replay.block_mark import BLOCK_BYTES, BLOCK_NS, Mark
from replay.mcap_records import (
    MAGIC,
    Attachment,
    Opcode,
    attachment_index_record,
    attachment_record,
    channel_record,
    data_end_record,
    header_record,
    metadata_index_record,
    metadata_record,
    schema_record,
    statistics_record,
    summary,
)
from replay.record_walk import CHANNELS, PROFILE
from replay.recorded_links import EVENTS, channels, json_of, message, parts
from replay.recording import RecordedEvent, RecordedLink, TimeBase
from replay.recording_contents import CAMPAIGN, DEFINITIONS, INDEX
from replay.sample_links import SampleLinks

_EVENT_SCHEMA = orjson.dumps(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "received_ns": {"type": "integer"}, "detail": {"type": "object"}},
    }
)
_NO_FILES: Mapping[str, bytes] = MappingProxyType({})


class Recorder:
    """A recording being written. One thread writes; ``sync`` may be called from another."""

    def __init__(
        self,
        path: Path | str,
        *,
        campaign: str,
        definitions: Mapping[str, Any],
        links: Mapping[str, RecordedLink],
        synthetic: bool,
        software: str,
        time_base: TimeBase = TimeBase.UTC,
        files: Mapping[str, bytes] = _NO_FILES,
    ) -> None:
        """Create the file and write what explains it: the campaign file's text, definitions, links, other files' bytes.

        A file of that name is never touched: the new one is then called ``NAME-2`` and so on (``path`` tells). The
        folder is made if only it is missing. Links with a signal are recorded beside it, in ``NAME.LINK.sigmf-data``.
        Raises RecordingFailed.
        """
        if len(links) >= CHANNELS:
            text = f"{len(links)} links are more than the {CHANNELS - 1} a recording can have"
            raise RecordingFailed(path, text)
        self.lost = 0
        """Chunks that could not be written. Each leaves a gap in its link's sequence numbers, so readers know too."""
        self._links = links
        self._file = AppendedFile(Path(path))
        try:
            self._samples = SampleLinks(self.path, links, software, synthetic=synthetic, time_base=time_base)
        except RecordingFailed:
            self._abandon()
            raise
        self._channels = channels(links, self._samples.datasets)
        self._numbers = {name: channel.number for name, channel in zip(links, self._channels[1:], strict=True)}
        self._sequences = dict.fromkeys((channel.number for channel in self._channels), 0)
        self._counts = dict(self._sequences)
        self._span: tuple[int, int] | None = None
        self._marks = bytearray()
        self._attachments = [
            Attachment(CAMPAIGN, "application/toml", campaign.encode()),
            Attachment(DEFINITIONS, "application/json", json_of(definitions)),
            *(Attachment(name, "application/octet-stream", data) for name, data in files.items()),
        ]
        self._places: list[tuple[int, int]] = []
        self._about = {"synthetic": str(synthetic).lower(), "time_base": time_base.value, "software": software}
        try:
            self._begin(software)
        except RecordingFailed:
            self._samples.abandon()
            self._abandon()
            raise

    @property
    def path(self) -> Path:
        """Where it is written: the path asked for, or the first free one after it."""
        return self._file.path

    @property
    def problem(self) -> str:
        """Why the last write or sync failed; empty when it did not."""
        return self._file.problem or self._samples.problem

    @property
    def position(self) -> int:
        """Bytes of the file that are whole records: where a reader that follows has read everything up to now."""
        return self._file.position

    @property
    def bytes_written(self) -> int:
        """The length in bytes of the file, and of the samples beside it."""
        return self._file.position + self._samples.bytes_written

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._file.closed

    def write(self, chunk: Chunk) -> None:
        """Record a chunk. Raises RecordingFailed; it may be called again, and records again once the disk allows."""
        self.write_many((chunk,))

    def write_many(self, chunks: Sequence[Chunk]) -> None:
        """Record chunks in one go. Raises RecordingFailed, with as many of them recorded as the disk had room for."""
        failed = None
        records = []
        for chunk in chunks:
            number = self._numbers.get(chunk.link)
            if number is None:
                raise RecordingFailed(
                    self.path, f"no link {chunk.link!r} was declared; it has {', '.join(self._numbers)}"
                )
            for part in parts(chunk, self._links[chunk.link].signal):
                sequence = self._sequences[number]
                self._sequences[number] = sequence + 1
                try:
                    data = self._samples.write(part) if part.link in self._samples else part.data
                except RecordingFailed as error:
                    self.lost += 1
                    failed = failed or error
                else:
                    records.append((number, part.received_ns, message(number, sequence, part.received_ns, data)))
        self._append(records)
        if failed is not None:
            raise failed

    def event(self, event: RecordedEvent) -> None:
        """Record an event. Its detail must be JSON. Raises RecordingFailed."""
        data = json_of({"name": event.name, "received_ns": event.received_ns, "detail": event.detail})
        sequence = self._sequences[EVENTS.number]
        self._file.append(message(EVENTS.number, sequence, event.received_ns, data))
        self._sequences[EVENTS.number] = sequence + 1
        self._count(EVENTS.number, event.received_ns)

    def sync(self) -> None:
        """Have the disk itself hold what is written: waits for it, milliseconds as a rule. Raises RecordingFailed."""
        try:
            self._samples.sync()  # first, that nothing on the disk refers to samples which are not
        finally:
            self._file.sync()

    def close(self) -> None:
        """Write index and summary, and let go of the file. Calling it again does nothing.

        Raises RecordingFailed when these could not be written; the file is closed then too, and every chunk in it can
        be read.
        """
        if self.closed:
            return
        try:
            if self._block_chunks or self._block_events:
                self._mark()
            self._file.append(self._end())
            self.sync()
        finally:
            self._file.close()
            self._samples.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _abandon(self) -> None:
        """Remove the file: nothing was recorded in it."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _begin(self, software: str) -> None:
        """Write the preamble: the channels twice, that damage to one copy loses no link."""
        schema = schema_record(EVENTS.schema, "event", "jsonschema", _EVENT_SCHEMA)
        channels = b"".join(map(channel_record, self._channels))
        self._metadata = metadata_record(PROFILE, self._about)
        preamble = b"".join((MAGIC, header_record(PROFILE, software)))
        self._metadata_at = len(preamble)
        preamble += self._metadata + schema + channels
        for attachment in self._attachments:
            data = attachment_record(attachment)
            self._places.append((len(preamble), len(data)))
            preamble += data
        self._repeated = schema, channels
        self._file.append(preamble + channels)
        self._start_block(0, 0)
        self._mark()
        self.sync()

    def _end(self) -> bytes:
        """Everything after the last mark."""
        index = Attachment(INDEX, "application/octet-stream", bytes(self._marks))
        data = attachment_record(index)
        places = [*self._places, (self._file.position, len(data))]
        attachments = [*self._attachments, index]
        statistics = statistics_record(self._counts, 1, len(attachments), self._span or (0, 0))
        data_end = data_end_record(zlib.crc32(data, self._file.crc))
        indexes = (attachment_index_record(*place, each) for place, each in zip(places, attachments, strict=True))
        groups = (
            (Opcode.SCHEMA, self._repeated[0]),
            (Opcode.CHANNEL, self._repeated[1]),
            (Opcode.STATISTICS, statistics),
            (Opcode.ATTACHMENT_INDEX, b"".join(indexes)),
            (Opcode.METADATA_INDEX, metadata_index_record(self._metadata_at, len(self._metadata), PROFILE)),
        )
        return data + data_end + summary(groups, self._file.position + len(data) + len(data_end))

    def _append(self, records: Sequence[tuple[int, int, bytes]]) -> None:
        """Put messages at the end, and a mark where one is due. Raises RecordingFailed."""
        try:
            self._file.append(b"".join([record for _, _, record in records]))
        except RecordingFailed:
            if len(records) < 2:
                self.lost += len(records)
                raise
            self._append_singly(records)
        else:
            for number, received_ns, _ in records:
                self._count(number, received_ns)
        self._mark_if_due()

    def _append_singly(self, records: Sequence[tuple[int, int, bytes]]) -> None:
        """What of a batch the disk has room for, in order; raises RecordingFailed at the first it has not."""
        for done, (number, received_ns, record) in enumerate(records):
            try:
                self._file.append(record)
            except RecordingFailed:
                self.lost += len(records) - done
                raise
            self._count(number, received_ns)

    def _count(self, number: int, received_ns: int) -> None:
        """Add a recorded message to the block's figures and the file's."""
        self._counts[number] += 1
        least, greatest = self._span or (received_ns, received_ns)
        self._span = (min(received_ns, least), max(received_ns, greatest))
        if number == EVENTS.number:
            self._block_events += 1
            return
        if not self._block_chunks:
            self._block_first = self._block_latest = received_ns
        self._block_last = received_ns
        self._block_latest = max(received_ns, self._block_latest)
        self._block_chunks += 1

    def _mark_if_due(self) -> None:
        """End the block if it is long enough. A mark that finds no room is tried again with the next chunk."""
        long = self._file.position - self._block_start >= BLOCK_BYTES
        if long or abs(self._block_last - self._block_first) >= BLOCK_NS:
            try:
                self._mark()
            except RecordingFailed:
                return

    def _mark(self) -> None:
        """End the block with a mark, and begin the next."""
        times = (self._block_first, self._block_last, self._block_latest)
        counts = (self._block_chunks, self._block_events)
        mark = Mark(self._file.position, self._block_start, *times, *counts, self._block_crc, self._file.crc)
        self._file.append(mark.record())
        self._marks += mark.content()
        self._start_block(self._file.position, self._file.crc)

    def _start_block(self, start: int, crc: int) -> None:
        self._block_start, self._block_crc = start, crc
        self._block_chunks = self._block_events = 0
        self._block_first = self._block_last = self._block_latest = 0
