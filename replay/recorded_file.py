"""One file of a recording being written, with the samples beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from protocols.chunk import Chunk
from protocols.errors import RecordingFailed
from replay.marked_file import MarkedFile, MessageRecord, Preamble
from replay.mcap_records import Attachment, schema_record
from replay.record_walk import PROFILE
from replay.recorded_links import EVENTS, channels
from replay.recording import RecordedLink, TimeBase
from replay.recording_contents import END
from replay.recording_part import Part
from replay.sample_links import SampleLinks

_EVENT_SCHEMA = orjson.dumps(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "received_ns": {"type": "integer"}, "detail": {"type": "object"}},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What every file of a recording says of it."""

    links: Mapping[str, RecordedLink]
    software: str
    attachments: Sequence[Attachment]
    synthetic: bool
    time_base: TimeBase

    def about(self, part: Part | None) -> dict[str, str]:
        """The metadata of a file."""
        known = {
            "synthetic": str(self.synthetic).lower(),
            "time_base": self.time_base.value,
            "software": self.software,
        }
        return known if part is None else known | part.described()


class RecordedFile:
    """One thread writes; ``sync`` may be called from another."""

    def __init__(self, path: Path, described: Described, part: Part | None) -> None:
        """Create it at path, or at the first free name after it, and write what explains it. Raises RecordingFailed."""
        self.part = part
        self.next = ""
        """The name of the part that follows; to be known before ``close``."""
        self._file = MarkedFile(path)
        try:
            self._samples = SampleLinks(
                self.path,
                described.links,
                described.software,
                synthetic=described.synthetic,
                time_base=described.time_base,
            )
        except RecordingFailed:
            self._file.abandon()
            raise
        self.channels = channels(described.links, self._samples.datasets)
        """The channel of events, and those of the links in order."""
        about = ((PROFILE, described.about(part)),)
        schemas = (schema_record(EVENTS.schema, "event", "jsonschema", _EVENT_SCHEMA),)
        preamble = Preamble(described.software, about, schemas, self.channels, described.attachments)
        try:
            self._file.begin(preamble, {link.number for link in self.channels[1:]})
        except RecordingFailed:
            self._samples.abandon()
            self._file.abandon()
            raise

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    @property
    def problem(self) -> str:
        """Why the last write or sync failed; empty when it did not."""
        return self._file.problem or self._samples.problem

    @property
    def position(self) -> int:
        """Its length in bytes: whole records only."""
        return self._file.position

    @property
    def bytes_written(self) -> int:
        """Its length in bytes, and that of the samples beside it."""
        return self._file.position + self._samples.bytes_written

    @property
    def lost(self) -> int:
        """Chunks that could not be written to it."""
        return self._file.lost

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._file.closed

    def content(self, chunk: Chunk) -> bytes:
        """The data of the message for a chunk: its own, or what refers to its samples once they are written.

        Raises RecordingFailed.
        """
        return self._samples.write(chunk) if chunk.link in self._samples else chunk.data

    def append(self, records: Sequence[MessageRecord]) -> None:
        """Put messages at its end. Raises RecordingFailed, with as many as had room."""
        self._file.append(records)

    def sync(self) -> None:
        """Have the disk itself hold what is written. Raises RecordingFailed."""
        try:
            self._samples.sync()  # first, that nothing on the disk refers to samples which are not
        finally:
            self._file.sync()

    def close(self) -> None:
        """Write index and summary, and let go. Calling it again does nothing.

        Raises RecordingFailed; it is closed also then.
        """
        if self.closed:
            return
        try:
            self._file.finish(((END, {"next": self.next}),) if self.part else ())
            self.sync()
        finally:
            self._file.close()
            self._samples.close()
