"""Going to a place of a recording: from the snapshot before it everything is decoded up to there, unseen.

So phase, T-0, limits, alarms and counts at the new place are exactly those of a flight that was watched from its
beginning. Synchronous, and stopped by a flag: for a thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

from groundstation.pipeline import BLOCK_BYTES, BLOCK_CHUNKS, LinkPath, Pipeline, by_link
from groundstation.snapshots import Snapshot, Snapshots
from groundstation.survey import placed_blocks
from groundstation.traces import Traces
from protocols.chunk import Chunk
from replay.recording import Placed, Recording

BLOCKS_KEPT = 64
"""Blocks before a place that are looked through for packets in one go: each is kept with the state before it."""
_PARTS = 16

Stopped = Callable[[], bool]
"""Whether to give up, because another place is wanted."""


@dataclass(slots=True)
class Arrival:
    """A place of a recording, and decoding as it stands there."""

    pipeline: Pipeline
    traces: Traces
    place: int
    coming: Iterator[Placed]
    """The chunks from there on."""


def arrive_at_time(recording: Recording, snapshots: Snapshots, received_ns: int, stopped: Stopped) -> Arrival | None:
    """Before the first chunk that came at a time or later; None when stopped."""
    return _arrive(recording, snapshots.before(received_ns), lambda chunk, _: chunk.received_ns >= received_ns, stopped)


def arrive_at_place(recording: Recording, snapshots: Snapshots, place: int, stopped: Stopped) -> Arrival | None:
    """At a place; None when stopped."""
    return _arrive(recording, snapshots.ahead_of(place + 1), lambda _, before: before >= place, stopped)


def _arrive(
    recording: Recording, snapshot: Snapshot, is_there: Callable[[Chunk, int], bool], stopped: Stopped
) -> Arrival | None:
    """Decode from a snapshot to the first chunk for which, with the place before it, is_there holds."""
    (pipeline, traces), place = snapshot.restored(), snapshot.place
    coming = recording.placed(place)
    group: list[Chunk] = []
    size = 0

    def take() -> None:
        for batch in pipeline.receive(*group).ordered:
            traces.add(batch)
        group.clear()

    for chunk, after in coming:
        if is_there(chunk, place):
            coming = chain([(chunk, after)], coming)
            break
        group.append(chunk)
        size, place = size + len(chunk.data), after
        if size >= BLOCK_BYTES or len(group) >= BLOCK_CHUNKS:
            if stopped():
                return None
            take()
            size = 0
    if group:
        take()
    return Arrival(pipeline, traces, place, coming)


def packet_before(recording: Recording, snapshots: Snapshots, place: int, count: int, stopped: Stopped) -> int | None:
    """The place before the chunk that completed the newest packet before a place, or the count-th newest.

    Packets that one chunk completes count once. None where there are not so many, or when stopped.
    """
    while place > 0:
        snapshot = snapshots.ahead_of(place)
        found = list(islice(_packets_back(recording, snapshot, place, stopped), count))
        if len(found) == count:
            return found[-1]
        if stopped():
            return None
        count, place = count - len(found), snapshot.place
    return None


class _Block(NamedTuple):
    """Chunks that completed packets, and the links as they were before them."""

    links: Mapping[str, LinkPath]
    begin: int
    end: int


def _packets_back(recording: Recording, snapshot: Snapshot, end: int, stopped: Stopped) -> Iterator[int]:
    """The places before the chunks that completed packets between a snapshot and a place, the last one first."""
    while True:
        blocks, begin = _blocks(recording, snapshot, end, stopped)
        for block in reversed(blocks):
            yield from _newest_first(block.links, _between(recording, block.begin, block.end))
        if begin == snapshot.place or stopped():
            return
        end = begin


def _blocks(recording: Recording, snapshot: Snapshot, end: int, stopped: Stopped) -> tuple[Sequence[_Block], int]:
    """The last blocks with packets between a snapshot and a place; from where on these are all there are."""
    links, place, begin = _forked(snapshot.pipeline.links), snapshot.place, snapshot.place
    kept: deque[_Block] = deque()
    for group, after in placed_blocks(_up_to(recording, place, end)):
        if stopped():
            return (), begin
        before = _forked(links)
        if _completes(links, group):
            kept.append(_Block(before, place, after))
        if len(kept) > BLOCKS_KEPT:
            kept.popleft()
            begin = kept[0].begin
        place = after
    return kept, begin


def _newest_first(links: Mapping[str, LinkPath], chunks: Sequence[tuple[Chunk, int]]) -> Iterator[int]:
    """Which of the chunks complete packets, by the places before them, last first. Some do, from this state on."""
    if len(chunks) == 1:
        yield chunks[0][1]
        return
    width = -(-len(chunks) // _PARTS)
    parts = []
    for at in range(0, len(chunks), width):
        part, before = chunks[at : at + width], _forked(links)
        if _completes(links, [chunk for chunk, _ in part]):
            parts.append((before, part))
    for before, part in reversed(parts):
        yield from _newest_first(before, part)


def _completes(links: Mapping[str, LinkPath], chunks: Sequence[Chunk]) -> bool:
    """Whether chunks complete any packet; the links have then received them."""
    made = [links[name].receive(*own) for name, own in by_link(chunks).items()]
    return any(len(batch) for batches in made for batch in batches)


def _forked(links: Mapping[str, LinkPath]) -> dict[str, LinkPath]:
    return {name: path.fork() for name, path in links.items()}


def _up_to(recording: Recording, begin: int, end: int) -> Iterator[Placed]:
    """The chunks from one place to another."""
    for chunk, after in recording.placed(begin):
        if after > end:
            return
        yield chunk, after


def _between(recording: Recording, begin: int, end: int) -> list[tuple[Chunk, int]]:
    """The same, each with the place before it."""
    found, place = [], begin
    for chunk, after in _up_to(recording, begin, end):
        found.append((chunk, place))
        place = after
    return found
