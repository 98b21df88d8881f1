"""A recording's file being written: what explains it, messages in blocks with a mark after each, index and summary."""

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from protocols.errors import RecordingFailed
from replay.appended_file import AppendedFile
from replay.block_mark import BLOCK_BYTES, BLOCK_NS, Mark
from replay.mcap_records import (
    MAGIC,
    Attachment,
    ChannelRecord,
    Opcode,
    attachment_index_record,
    attachment_record,
    channel_record,
    data_end_record,
    header_record,
    metadata_index_record,
    metadata_record,
    statistics_record,
    summary,
)
from replay.message_stretch import Stretch
from replay.record_walk import PROFILE
from replay.recording_contents import INDEX

Metadata = tuple[str, Mapping[str, str]]
"""Name and values of a metadata record."""
MessageRecord = tuple[int, int, bytes]
"""Channel, time in ns and the whole record of a message."""


@dataclass(frozen=True, slots=True)
class Preamble:
    """What a recording's file begins with."""

    software: str
    metadata: Sequence[Metadata]
    schemas: Sequence[bytes]
    """Schema records."""
    channels: Sequence[ChannelRecord]
    attachments: Sequence[Attachment]


class MarkedFile:
    """One thread writes; ``sync`` may be called from another."""

    def __init__(self, path: Path) -> None:
        """Create it at path, or at the first free name after it: empty until ``begin``. Raises RecordingFailed."""
        self.lost = 0
        """Chunks that could not be written."""
        self._file = AppendedFile(path)
        self._span: tuple[int, int] | None = None
        self._marks = bytearray()
        self._attachments: list[bytes] = []
        self._metadata: list[bytes] = []

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    @property
    def problem(self) -> str:
        """Why the last write or sync failed; empty when neither did."""
        return self._file.problem

    @property
    def position(self) -> int:
        """Its length in bytes: whole records only."""
        return self._file.position

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._file.closed

    def begin(self, preamble: Preamble, chunk_channels: Collection[int]) -> None:
        """Write the preamble: the channels twice, that damage to one copy loses no link. Raises RecordingFailed.

        chunk_channels are those whose messages are chunks; all others are counted as events.
        """
        self._chunk_channels = frozenset(chunk_channels)
        self._counts = {channel.number: 0 for channel in preamble.channels}
        self._schemas = preamble.schemas
        self._channels = b"".join(map(channel_record, preamble.channels))
        data = MAGIC + header_record(PROFILE, preamble.software)
        for each in preamble.metadata:
            data += self._described(each, len(data))
        data += b"".join(self._schemas) + self._channels
        for attachment in preamble.attachments:
            data += self._attached(attachment, len(data))
        self._file.append(data + self._channels)
        self._start_block(0, 0)
        self._mark()
        self._file.sync()

    def append(self, records: Sequence[MessageRecord]) -> None:
        """Put messages at the end, and a mark where one is due. Raises RecordingFailed, with as many as had room."""
        try:
            self._file.append(b"".join([record for _, _, record in records]))
        except RecordingFailed:
            if len(records) < 2:
                self._lose(records)
                raise
            self._append_singly(records)
        else:
            for channel, time_ns, _ in records:
                self._count(channel, time_ns)
        self._mark_if_due()

    def append_stretch(self, messages: Stretch) -> None:
        """Put messages of another recording at the end as they stand there, and a mark where one is due.

        Raises RecordingFailed; then none of them is in it.
        """
        self._file.append(messages.raw())
        for channel, which in messages.by_channel():
            times = messages.heads["time_ns"][which]
            self._counts[channel] += len(times)
            if channel not in self._chunk_channels:
                self._block_events += len(times)
        times = messages.heads["time_ns"]
        self._extend(int(times.min()), int(times.max()))
        chunks = times[messages.among(self._chunk_channels)]
        if len(chunks):
            self._add_chunks(len(chunks), int(chunks[0]), int(chunks[-1]), int(chunks.max()))
        self._mark_if_due()

    def sync(self) -> None:
        """Have the disk itself hold what is written. Raises RecordingFailed."""
        self._file.sync()

    def finish(self, metadata: Sequence[Metadata] = ()) -> None:
        """Write the last mark, what is only known at the end, index and summary. Raises RecordingFailed."""
        if self._block_chunks or self._block_events:
            self._mark()
        self._file.append(self._end(metadata))

    def close(self) -> None:
        """Let go of it. Calling it again does nothing."""
        self._file.close()

    def abandon(self) -> None:
        """Let go of it and remove it: nothing was recorded in it."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _end(self, metadata: Sequence[Metadata]) -> bytes:
        """Everything after the last mark."""
        at, data = self._file.position, b""
        for each in metadata:
            data += self._described(each, at + len(data))
        data += self._attached(Attachment(INDEX, "application/octet-stream", bytes(self._marks)), at + len(data))
        data_end = data_end_record(zlib.crc32(data, self._file.crc))
        totals = len(self._schemas), len(self._attachments), len(self._metadata)
        groups = (
            (Opcode.SCHEMA, b"".join(self._schemas)),
            (Opcode.CHANNEL, self._channels),
            (Opcode.STATISTICS, statistics_record(self._counts, *totals, self._span or (0, 0))),
            (Opcode.ATTACHMENT_INDEX, b"".join(self._attachments)),
            (Opcode.METADATA_INDEX, b"".join(self._metadata)),
        )
        return data + data_end + summary(groups, at + len(data) + len(data_end))

    def _described(self, metadata: Metadata, at: int) -> bytes:
        """A metadata record that is to stand at a place, which the summary will tell."""
        data = metadata_record(*metadata)
        self._metadata.append(metadata_index_record(at, len(data), metadata[0]))
        return data

    def _attached(self, attachment: Attachment, at: int) -> bytes:
        """An attachment record that is to stand at a place, which the summary will tell."""
        data = attachment_record(attachment)
        self._attachments.append(attachment_index_record(at, len(data), attachment))
        return data

    def _append_singly(self, records: Sequence[MessageRecord]) -> None:
        """What of a batch the disk has room for, in order; raises RecordingFailed at the first it has not."""
        for done, (channel, time_ns, record) in enumerate(records):
            try:
                self._file.append(record)
            except RecordingFailed:
                self._lose(records[done:])
                raise
            self._count(channel, time_ns)

    def _lose(self, records: Sequence[MessageRecord]) -> None:
        self.lost += sum(channel in self._chunk_channels for channel, _, _ in records)

    def _count(self, channel: int, time_ns: int) -> None:
        """Add a recorded message to the block's figures and the file's."""
        self._counts[channel] += 1
        self._extend(time_ns, time_ns)
        if channel in self._chunk_channels:
            self._add_chunks(1, time_ns, time_ns, time_ns)
        else:
            self._block_events += 1

    def _extend(self, least_ns: int, greatest_ns: int) -> None:
        """Have the file's span hold these times too."""
        least, greatest = self._span or (least_ns, greatest_ns)
        self._span = (min(least_ns, least), max(greatest_ns, greatest))

    def _add_chunks(self, count: int, first_ns: int, last_ns: int, latest_ns: int) -> None:
        """Add chunks to the block's figures: times of the first and the last one, and the greatest."""
        if not self._block_chunks:
            self._block_first = self._block_latest = first_ns
        self._block_last = last_ns
        self._block_latest = max(latest_ns, self._block_latest)
        self._block_chunks += count

    def _mark_if_due(self) -> None:
        """End the block if it is long enough. A mark that finds no room is tried again with the next message."""
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
