"""Catching up after the broker was away: the gap is decoded again from the recording, which holds every byte.

The state of each link's framer and decoder at the moment the broker went is kept beside the position of the recording;
from there the same bytes give the same packets. Samples are recorded before a thread demodulates them, so each link has
a position of its own. Packets go to ``backfill/PACKET``, so that screens, which want now, are
not held up by the past, and archives, which want everything, get it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundstation.bus.outbox import Outbox
from groundstation.pipeline import LinkPath, blocks, by_link
from protocols.batch import Batch
from protocols.chunk import Chunk
from protocols.selection import chosen
from replay.formats.mcap import McapRecording
from replay.recorder import Recorder

SLICE_S = 0.005
"""So long the gap is decoded before the links get their turn again."""
ROWS_AHEAD = 5_000
"""The gap is decoded only so far ahead of what the broker has acknowledged."""


@dataclass(slots=True)
class Gap:
    """What the bus has not seen: from a position of the recording on."""

    begins: Mapping[str, int]
    """The position after the last chunk that each link had decoded when the broker went away."""
    paths: Mapping[str, LinkPath]
    """The links' framers and decoders as they were then."""


def remember(recorder: Recorder, links: Mapping[str, LinkPath]) -> Gap:
    """The beginning of a gap: now."""
    end = recorder.position
    paths = {name: path.fork() for name, path in links.items()}
    begins = {name: end if path.decoded_to is None else path.decoded_to for name, path in paths.items()}
    return Gap(begins, paths)


async def backfill(gap: Gap, recorder: Recorder, outbox: Outbox) -> int:
    """Publish a gap, which ends now; the packets that were published again. Raises NotARecording, OSError.

    It waits while the broker is away once more: what is decoded meanwhile would only be thinned.
    """
    end, count = recorder.position, 0
    files = await asyncio.to_thread(_files, gap, recorder.places)  # which looks for the marks in all of a file
    of_samples = {name for name, path in gap.paths.items() if path.decoded_to is not None}
    slice_end = time.monotonic() + SLICE_S
    for group in blocks(_missed(gap, files, end)):
        for name, chunks in by_link(group).items():
            path = gap.paths[name]
            for batch in await _demodulated(path, chunks) if name in of_samples else path.receive(*chunks):
                count += len(batch)
                for at in range(0, len(batch), ROWS_AHEAD):  # a lane that is given more at once would thin it
                    outbox.telemetry(chosen(batch, slice(at, at + ROWS_AHEAD)), "backfill")
                    await _room(outbox)
        if time.monotonic() > slice_end:
            await asyncio.sleep(0)
            slice_end = time.monotonic() + SLICE_S
    return count


def _files(gap: Gap, places: Sequence[tuple[int, Path]]) -> list[tuple[int, McapRecording]]:
    """The files that hold a gap, each after the position at which it begins. Raises NotARecording."""
    begin = min(gap.begins.values())
    ends = [place for place, _ in places[1:]]
    before = [(place, path) for (place, path), end in zip(places, ends, strict=False) if end > begin]
    return [(place, McapRecording(path)) for place, path in (*before, places[-1])]


def _missed(gap: Gap, files: Sequence[tuple[int, McapRecording]], end: int) -> Iterator[Chunk]:
    """The recorded chunks up to end that were not decoded when the gap began."""
    begin = min(gap.begins.values())
    for place, recording in files:
        for chunk, after in recording.tail(max(begin - place, 0)):
            if place + after > end:
                return
            if place + after > gap.begins[chunk.link]:
                yield chunk


async def _demodulated(path: LinkPath, chunks: Sequence[Chunk]) -> list[Batch]:
    """The packets of samples, by a thread that rests as long as it works: what comes now has precedence."""
    began = time.monotonic()
    batches = await asyncio.to_thread(path.receive, *chunks)
    await asyncio.sleep(time.monotonic() - began)
    return batches


async def _room(outbox: Outbox) -> None:
    """Wait until the broker has nearly caught up, however often it goes away meanwhile."""
    while outbox.waiting > ROWS_AHEAD:
        await outbox.there()
        await outbox.room(ROWS_AHEAD)
