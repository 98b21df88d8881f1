"""Writes a recording: MCAP files of raw chunks as received, events, and all that explains them.

Samples of radio links stand beside it in SigMF files (``replay/sample_links.py``). It is one file, or one after the
other where a rotation is asked for (``replay/recording_part.py``).

Nothing is held back: when ``write`` returns, the chunk is with the kernel and survives the death of this process.
``sync`` makes it survive a power cut; the caller calls it at least every 100 ms. A write that fails leaves the file
as it was before it.
"""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import MappingProxyType, TracebackType
from typing import Any, Self

from protocols.chunk import Chunk
from protocols.errors import RecordingFailed
from replay.mcap_records import Attachment
from replay.record_walk import CHANNEL_BASE, CHANNELS
from replay.recorded_file import Described, RecordedFile
from replay.recorded_links import EVENTS, json_of, message, parts
from replay.recording import RecordedEvent, RecordedLink, TimeBase
from replay.recording_contents import CAMPAIGN, DEFINITIONS
from replay.recording_part import Part, Rotation, part_path

_NO_FILES: Mapping[str, bytes] = MappingProxyType({})
_WHOLE = Rotation()
_ENDING = 2
"""Parts that wait to be finished by ``sync``; more are finished while writing."""
_AGAIN_BYTES, _AGAIN_NS = 1 << 20, 10_000_000_000
"""A next part that could not be made is tried again when the part before has grown by so much."""


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
        rotation: Rotation = _WHOLE,
    ) -> None:
        """Create the file and write what explains it: the campaign file's text, definitions, links, other files' bytes.

        A file of that name is never touched: the new one is then called ``NAME-2`` and so on (``path`` tells). The
        folder is made if only it is missing. Links with a signal are recorded beside it, in ``NAME.LINK.sigmf-data``.
        With a rotation, files are called ``NAME-part001.mcap`` and so on. Raises RecordingFailed.
        """
        if len(links) >= CHANNELS:
            text = f"{len(links)} links are more than the {CHANNELS - 1} a recording can have"
            raise RecordingFailed(path, text)
        attachments = (
            Attachment(CAMPAIGN, "application/toml", campaign.encode()),
            Attachment(DEFINITIONS, "application/json", json_of(definitions)),
            *(Attachment(name, "application/octet-stream", data) for name, data in files.items()),
        )
        self._path, self._rotation = Path(path), rotation
        self._described = Described(
            links=links, software=software, attachments=attachments, synthetic=synthetic, time_base=time_base
        )
        self._links = links
        self._numbers = {name: number for number, name in enumerate(links, CHANNEL_BASE + 1)}
        self._sequences = dict.fromkeys((EVENTS.number, *self._numbers.values()), 0)
        self._part = Part(secrets.token_hex(8)) if rotation != _WHOLE else None
        first = self._path if self._part is None else part_path(self._path, 1)
        self._file = RecordedFile(first, self._described, self._part)
        self._places = [(0, self._file.path)]
        self._ending: list[RecordedFile] = []
        self._ending_lock = Lock()
        self._bytes_before = self._lost = 0
        self._begins_ns: int | None = None
        self._failed_at: tuple[int, int] | None = None
        self.rotation_problem = ""
        """Why no next part could be made when one was due: recording goes on in the last one; empty otherwise."""

    @property
    def path(self) -> Path:
        """Where it is written now: the path asked for, or the first free one after it; or its latest part."""
        return self._places[-1][1]

    @property
    def places(self) -> Sequence[tuple[int, Path]]:
        """The files it is written in, each after the ``position`` at which it begins."""
        return tuple(self._places)

    @property
    def problem(self) -> str:
        """Why the last write or sync failed; empty when it did not."""
        return self._file.problem

    @property
    def lost(self) -> int:
        """Chunks that could not be written. Each leaves a gap in its link's sequence numbers, so readers know too."""
        return self._lost + self._file.lost

    @property
    def position(self) -> int:
        """Bytes that are whole records: where a reader that follows has read everything up to now.

        It counts through all parts (``places``), but for what stands at the end of a part for finding things in it.
        """
        return self._places[-1][0] + self._file.position

    @property
    def bytes_written(self) -> int:
        """The length in bytes of the files, and of the samples beside them."""
        return self._bytes_before + self._file.bytes_written

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._file.closed

    def write(self, chunk: Chunk) -> None:
        """Record a chunk. Raises RecordingFailed; it may be called again, and records again once the disk allows."""
        self.write_many((chunk,))

    def write_many(self, chunks: Sequence[Chunk]) -> None:
        """Record chunks in one go. Raises RecordingFailed, with as many of them recorded as the disk had room for."""
        try:
            if self._part is not None and chunks and self._is_due(chunks[0].received_ns):
                self._rotate(chunks[0].received_ns)
        finally:  # also where a part before could not be finished
            self._write(chunks)

    def event(self, event: RecordedEvent) -> None:
        """Record an event. Its detail must be JSON. Raises RecordingFailed."""
        data = json_of({"name": event.name, "received_ns": event.received_ns, "detail": event.detail})
        number, sequence = EVENTS.number, self._sequences[EVENTS.number]
        self._file.append(((number, event.received_ns, message(number, sequence, event.received_ns, data)),))
        self._sequences[number] = sequence + 1

    def sync(self) -> None:
        """Have the disk itself hold what is written: waits for it, milliseconds as a rule. Raises RecordingFailed."""
        try:
            self._end_parts()
        finally:
            self._sync_last()

    def close(self) -> None:
        """Write index and summary, and let go of the file. Calling it again does nothing.

        Raises RecordingFailed when these could not be written; the file is closed then too, and every chunk in it can
        be read.
        """
        if self.closed:
            return
        try:
            self._end_parts()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _write(self, chunks: Sequence[Chunk]) -> None:
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
                    data = self._file.content(part)
                except RecordingFailed as error:
                    self._lost += 1
                    failed = failed or error
                else:
                    records.append((number, part.received_ns, message(number, sequence, part.received_ns, data)))
        self._file.append(records)
        if failed is not None:
            raise failed

    # -- parts ----------------------------------------------------------------------------------------------------

    def _is_due(self, now_ns: int) -> bool:
        """Whether what comes now belongs into the next part. Every part has a chunk at least."""
        if self._begins_ns is None:
            self._begins_ns = now_ns
            return False
        size, every = self._rotation.size, self._rotation.every_ns
        written = self._file.bytes_written
        if self._failed_at is not None:
            least, since_ns = self._failed_at
            return written >= least + _AGAIN_BYTES or abs(now_ns - since_ns) >= _AGAIN_NS
        is_long = size is not None and written >= size
        return is_long or (every is not None and abs(now_ns - self._begins_ns) >= every)

    def _rotate(self, now_ns: int) -> None:
        """Go on in the next part; where none can be made, in this one.

        Raises RecordingFailed where a part before could not be finished; it goes on in the next then, too.
        """
        last, part = self._file, self._part
        if part is None:
            return
        topics = {channel.topic: self._sequences[channel.number] for channel in last.channels}
        following = Part(part.recording, part.number + 1, last.path.name, topics)
        try:
            made = RecordedFile(part_path(self._path, following.number), self._described, following)
        except RecordingFailed as error:
            self._failed_at, self.rotation_problem = (last.bytes_written, now_ns), str(error)
            return
        self._places.append((self.position, made.path))
        self._bytes_before += last.bytes_written
        self._lost += last.lost
        last.next = made.path.name
        self._ending.append(last)
        self._file, self._part, self._begins_ns = made, following, now_ns
        self._failed_at, self.rotation_problem = None, ""
        if len(self._ending) > _ENDING:
            self._end_parts()

    def _sync_last(self) -> None:
        file = self._file
        try:
            file.sync()
        except RecordingFailed:
            if file is self._file or not file.closed:
                raise
            # the thread that writes has gone on in other parts meanwhile, and finished this one

    def _end_parts(self) -> None:
        """Finish the files that nothing more is written to. Raises RecordingFailed; that file is closed then too."""
        with self._ending_lock:
            while self._ending:
                self._ending.pop(0).close()
