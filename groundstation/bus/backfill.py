"""Catching up after the broker was away: the gap is decoded again from the recording, which holds every byte.

The state of each link's framer and decoder at the moment the broker went is kept beside the position of the recording;
from there the same bytes give the same packets. They go to ``backfill/PACKET``, so that screens, which want now, are
not held up by the past, and archives, which want everything, get it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from groundstation.bus.outbox import Outbox
from groundstation.pipeline import LinkPath, blocks, by_link
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

    begin: int
    """The recording's length when the broker went away."""
    paths: Mapping[str, LinkPath]
    """The links' framers and decoders as they were then."""


def remember(recorder: Recorder, links: Mapping[str, LinkPath]) -> Gap:
    """The beginning of a gap: now."""
    return Gap(recorder.position, {name: path.fork() for name, path in links.items()})


async def backfill(gap: Gap, recorder: Recorder, outbox: Outbox) -> int:
    """Publish a gap, which ends now; the packets that were published again. Raises NotARecording, OSError.

    It waits while the broker is away once more: what is decoded meanwhile would only be thinned.
    """
    end, count = recorder.position, 0
    recording = await asyncio.to_thread(McapRecording, recorder.path)  # which looks for its marks in all of the file
    slice_end = time.monotonic() + SLICE_S
    missed = (chunk for chunk, _ in takewhile(lambda each: each[1] <= end, recording.tail(gap.begin)))
    for group in blocks(missed):
        for name, chunks in by_link(group).items():
            for batch in gap.paths[name].receive(*chunks):
                count += len(batch)
                for at in range(0, len(batch), ROWS_AHEAD):  # a lane that is given more at once would thin it
                    outbox.telemetry(chosen(batch, slice(at, at + ROWS_AHEAD)), "backfill")
                    await _room(outbox)
        if time.monotonic() > slice_end:
            await asyncio.sleep(0)
            slice_end = time.monotonic() + SLICE_S
    return count


async def _room(outbox: Outbox) -> None:
    """Wait until the broker has nearly caught up, however often it goes away meanwhile."""
    while outbox.waiting > ROWS_AHEAD:
        await outbox.there()
        await outbox.room(ROWS_AHEAD)
