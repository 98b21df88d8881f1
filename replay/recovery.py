"""Repairs a recording: a finished file beside it with everything whole of it, and what was lost said in it.

Messages keep their channels, numbers, times and bytes, so gaps stay gaps; samples stay where they are. The original is
only read. The new file has another name until it is whole, and never takes the place of one that is there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import orjson

from protocols.errors import NotARecording, RecordingError, RecordingFailed, RecordingTruncated
from replay.formats.mcap import McapRecording
from replay.marked_file import MarkedFile, Metadata, Preamble
from replay.mcap_parsing import parse_footer
from replay.mcap_records import TAIL_BYTES, ChannelRecord
from replay.message_stretch import Stretch
from replay.record_walk import PROFILE, sealed
from replay.recording import open_recording
from replay.recording_contents import END, RECOVERED
from replay.survey import Survey
from replay.surveyor import Done, Surveyor, chunk_channels, records_of
from replay.write_lock import being_written

_PIECE_BYTES, _PIECE_NS = 64 * 1024, 250_000_000
"""Messages written in one go: less than a block, so that blocks are as long as a recorder makes them."""
_SURVEYED = 0.5
"""How much of the work is done when a recording is surveyed."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a repair."""

    survey: Survey
    """What was found in the original."""
    path: Path | None
    """The repaired recording; None where nothing was wrong, and nothing written."""


def recovered_path(path: Path) -> Path:
    """Where a recording is repaired to, unless told otherwise."""
    return path.with_name(f"{path.stem}.recovered{path.suffix or '.mcap'}")


def is_closed(path: Path) -> bool:
    """Whether a file ends as a recording does that was closed in order. Raises OSError."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return parse_footer(file.read()) is not None


def recover(path: Path, target: Path | None = None, done: Done = lambda _: None) -> Recovered:
    """Repair a recording into target, which must not be there; done is told how far it is, and may raise to end it.

    Nothing is written where nothing is wrong. Raises NotARecording where it cannot be read, RecordingTruncated where
    nothing is left of it, RecordingFailed where nothing can be written; nothing half-written is left in any case.
    """
    target = target or recovered_path(path)
    recording = _opened(path)
    if being_written(path):
        raise RecordingError(path, "is still being written; stop the station that does, or wait for its end")
    found = Surveyor(recording).go(lambda part: done(part * _SURVEYED))
    if not found.messages:
        raise RecordingTruncated(path, "nothing was recorded in it, or nothing is left; it cannot be recovered")
    if found.whole:
        return Recovered(found, None)
    part = _claimed(target)
    file = MarkedFile(part)
    try:
        _copy(recording, found, file, lambda part: done(_SURVEYED + part * (1 - _SURVEYED)))
        file.close()
        _put(file.path, target)
    except BaseException:
        file.abandon()
        raise
    return Recovered(found, target)


def _opened(path: Path) -> McapRecording:
    """The recording, when it is one of ours. Raises NotARecording."""
    if not path.is_file():
        raise NotARecording(path, "is no file; name one")
    try:
        return McapRecording(path)
    except NotARecording as error:
        try:
            title = open_recording(path).title
        except NotARecording:
            raise error from None
        raise NotARecording(path, f"a {title}, which is read as it is; only recordings of ours are repaired") from None


def _claimed(target: Path) -> Path:
    """Where to write before it is whole: what a killed repair left there is removed. Raises RecordingFailed."""
    if target.exists():
        raise RecordingFailed(target, "is there already; move it away, or name another file")
    part = target.with_name(target.name + ".part")
    try:
        if part.exists():
            if being_written(part) and part.stat().st_size:
                raise RecordingFailed(part, "is being written by another repair; wait for its end")
            part.unlink()
    except OSError as error:
        raise RecordingFailed(part, f"is in the way ({error.strerror}); remove it") from None
    return part


def _put(part: Path, target: Path) -> None:
    """Give a whole file its name, unless that is taken meanwhile. Raises RecordingFailed."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise RecordingFailed(target, "is there already; move it away, or name another file") from None
    except OSError:  # a filesystem without links
        with suppress(OSError):
            part.rename(target)
            return
        raise RecordingFailed(target, "cannot be named so; check the folder") from None
    part.unlink()


def _copy(recording: McapRecording, found: Survey, file: MarkedFile, done: Done) -> None:
    """Write everything whole of a recording. Raises RecordingFailed."""
    contents = recording.contents
    channels = [_channel(each, found) for _, each in sorted(contents.channels.items())]
    schemas = [schema for _, schema in sorted(found.schemas.items())]
    software = contents.software or contents.about.get("software", "")
    known = {PROFILE: contents.about, **contents.metadata}
    begin: list[Metadata] = [(name, values) for name, values in known.items() if name not in (END, RECOVERED)]
    begin.append((RECOVERED, _told(recording, found)))
    preamble = Preamble(software, begin, schemas, channels, list(found.attachments.values()))
    file.begin(preamble, chunk_channels(contents.channels))
    with records_of(recording, done) as (_, items):
        for item in items:
            if isinstance(item, Stretch):
                for piece in _pieces(item):
                    file.append_stretch(piece)
    file.finish([(END, contents.metadata[END])] if END in contents.metadata else [])
    file.sync()


def _told(recording: McapRecording, found: Survey) -> dict[str, str]:
    """What a repaired recording says of its original."""
    told = {"from": recording.path.name, "lost": found.lost(), "report": orjson.dumps(found.as_dict()).decode()}
    if recording.recovered:
        told["before"] = orjson.dumps(dict(recording.recovered)).decode()
    return told


def _channel(channel: ChannelRecord, found: Survey) -> ChannelRecord:
    """A channel as it was; without its schema where that is lost."""
    return channel if channel.schema in (0, *found.schemas) else sealed(replace(channel, schema=0))


def _pieces(messages: Stretch) -> Iterator[Stretch]:
    """Messages by so many as are written in one go."""
    begin, edges, times = 0, messages.edges, messages.heads["time_ns"]
    while begin < len(messages):
        end = max(int(np.searchsorted(edges[1:], edges[begin] + _PIECE_BYTES, side="right")), begin + 1)
        apart = np.abs(times[begin:end] - times[begin]) > _PIECE_NS
        end = begin + int(np.argmax(apart)) if apart.any() else end
        yield messages.part(begin, end)
        begin = end
