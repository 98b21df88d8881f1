"""Decodes a recording again, and compares with the digests in it, checkpoint by checkpoint.

At a checkpoint a link has had so many chunks; here it is stopped at the same number, so that equal means exactly equal.
Digests go on from checkpoint to checkpoint: after the first that differs all do, and only the first tells anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from groundstation.checkpoint import Checkpoint, LinkStand
from groundstation.digests import LinkDigest
from groundstation.pipeline import BLOCK_BYTES, BLOCK_CHUNKS
from groundstation.reading import Reading
from protocols.chunk import Chunk
from protocols.errors import RecordingError
from replay.formats.mcap import McapRecording

LOST = "chunks were decoded that the disk refused: they are not in the file"
MISSING = "chunks are missing that were recorded"
SKIPPED = "samples were recorded that the station had no time to decode"
BYTES, TIMES = "bytes", "times or lengths of chunks"
"""What of a link's chunks may be another."""
ORDER = "a radio link is decoded later than the others are, and the order between links is not recorded"


@dataclass(slots=True)
class Compared:
    """One thing, at checkpoint after checkpoint."""

    equal_at: Checkpoint | None = None
    """The newest at which it is the same."""
    differs_at: Checkpoint | None = None
    """The first at which it is another."""
    differences: list[str] = field(default_factory=list)
    """What is another there, a few words each."""
    void: str = ""
    """Why it cannot be compared from some checkpoint on; empty while it can."""

    @property
    def is_over(self) -> bool:
        """Whether later checkpoints tell nothing more."""
        return self.differs_at is not None or bool(self.void)

    def at(self, checkpoint: Checkpoint, differences: Iterable[str], void: str = "") -> None:
        """Take note of a checkpoint."""
        if self.is_over:
            return
        self.void, self.differences = void, [] if void else list(differences)
        if self.differences:
            self.differs_at = checkpoint
        elif not void:
            self.equal_at = checkpoint


class _Link:
    """One link on its way through the checkpoints."""

    def __init__(self, name: str, checkpoints: Iterable[Checkpoint]) -> None:
        stands = [(each, each.links[name]) for each in checkpoints if name in each.links]
        self.recorded: deque[tuple[Checkpoint, LinkStand]] = deque(stands)
        self.decoded: deque[tuple[Checkpoint, LinkStand]] = deque(stands)
        counts = {count for _, stand in stands for count in (stand.chunks, stand.decoded)}
        self.stops = deque(sorted(counts - {0}))
        self.raw, self.values = Compared(), Compared()
        self.chunks = 0


class Verification:
    """What of a recording is proven. Made, then ``run`` once."""

    def __init__(self, reading: Reading) -> None:
        """Raises RecordingError on a part of a recording that is not its first: digests begin with that."""
        recording = reading.recording
        if isinstance(recording, McapRecording) and recording.part is not None and recording.part.number > 1:
            problem = "is a later part of a recording, whose digests begin with the first; give that one"
            raise RecordingError(recording.path, problem)
        self.reading, self.pipeline = reading, reading.pipeline()
        self.digests = self.pipeline.prove()
        noted = recording.digests()
        self.checkpoints = list(filter(None, map(Checkpoint.of, noted)))
        self.unreadable = len(noted) - len(self.checkpoints)
        """Checkpoints that are damaged."""
        self.alarms, self.events = Compared(), Compared()
        self.last_ns = 0
        """When the last chunk came."""
        names = dict.fromkeys([*self.pipeline.links, *(name for each in self.checkpoints for name in each.links)])
        self._links = {name: _Link(name, self.checkpoints) for name in names}
        self._judged = deque(self.checkpoints)
        radios = any(link.signal is not None for link in recording.links.values())
        self._order = ORDER if radios and len(recording.links) > 1 else ""

    @property
    def raw(self) -> dict[str, Compared]:
        """What came, by link."""
        return {name: link.raw for name, link in self._links.items()}

    @property
    def values(self) -> dict[str, Compared]:
        """What was made of it, by link."""
        return {name: link.values for name, link in self._links.items()}

    def run(self, progress: Callable[[int], None]) -> None:
        """Read all of it; progress is told the time of the data."""
        self._compare()
        group: list[Chunk] = []
        size = 0
        for chunk in self.reading.recording.chunks():
            link = self._links[chunk.link]
            link.chunks += 1
            group.append(chunk)
            size += len(chunk.data)
            is_stop = bool(link.stops) and link.stops[0] <= link.chunks
            if is_stop or size >= BLOCK_BYTES or len(group) >= BLOCK_CHUNKS:
                self._take(group)
                progress(chunk.received_ns)
                if is_stop:
                    link.stops.popleft()
                    self._compare()
                group, size = [], 0
        self._take(group)
        if not self.checkpoints:
            for name in self.pipeline.links:
                self.pipeline.finish(name)
        self._compare()
        self._miss()

    def _take(self, group: list[Chunk]) -> None:
        if group:
            self.last_ns = group[-1].received_ns
            self.pipeline.recorded(group)
            self.pipeline.receive(*group)

    def _compare(self) -> None:
        """Compare with all checkpoints that are reached now."""
        for name, link in self._links.items():
            while link.recorded and link.recorded[0][1].chunks <= link.chunks:
                checkpoint, stand = link.recorded.popleft()
                link.raw.at(checkpoint, self._raw_differences(name, stand))
            while link.decoded and link.decoded[0][1].decoded <= link.chunks:
                checkpoint, stand = link.decoded.popleft()
                self._compare_values(name, link, checkpoint, stand)
        while self._judged and self._has_come_to(self._judged[0]):
            self._compare_judged(self._judged.popleft())

    def _has_come_to(self, checkpoint: Checkpoint) -> bool:
        """Whether all links are where they were at a checkpoint, or further."""
        return all(stand.decoded <= self._links[name].chunks for name, stand in checkpoint.links.items())

    def digest(self, link: str) -> LinkDigest:
        """What a link is here; nothing yet, of one that the file has not."""
        return self.digests.links.get(link) or LinkDigest()

    def _raw_differences(self, name: str, stand: LinkStand) -> list[str]:
        found = self.digest(name).raw()
        same_bytes = (found["bytes"], found["raw"]) == (stand.bytes, stand.raw)
        same_times = found["times"] == stand.times
        return [what for what, same in ((BYTES, same_bytes), (TIMES, same_times)) if not same]

    def _compare_values(self, name: str, link: _Link, checkpoint: Checkpoint, stand: LinkStand) -> None:
        void = LOST if stand.lost else SKIPPED if stand.skipped else ""
        if link.values.is_over or void:
            link.values.at(checkpoint, (), void)
            return
        if name in checkpoint.finished and name in self.pipeline.links and not self.digest(name).finished:
            self.pipeline.finish(name)
        packets = self.digest(name).values()["packets"]
        found = {packet: (each["count"], each["sha256"]) for packet, each in packets.items()}
        names = dict.fromkeys([*stand.packets, *found])
        link.values.at(checkpoint, [each for each in names if stand.packets.get(each) != found.get(each)])

    def _compare_judged(self, checkpoint: Checkpoint) -> None:
        together = all(stand.decoded == self._links[name].chunks for name, stand in checkpoint.links.items())
        stands = checkpoint.links.values()
        void = LOST if any(each.lost for each in stands) else SKIPPED if any(each.skipped for each in stands) else ""
        void = void or self._order
        if not together and not void:
            return
        found = self.digests.judged.as_dict()
        for compared, stated, now in (
            (self.alarms, checkpoint.alarms, found["alarms"]),
            (self.events, checkpoint.events, found["events"]),
        ):
            same = stated == (now["count"], now["sha256"])
            compared.at(checkpoint, [] if same else [f"{stated[0]} then, {now['count']} now"], void)

    def _miss(self) -> None:
        """What checkpoints tell of and the file has not; and what it has though the last says that it was closed."""
        last = self.checkpoints[-1] if self.checkpoints else None
        for name, link in self._links.items():
            if last is not None and last.final and name in last.links:
                more = link.chunks - last.links[name].chunks
                if more > 0:
                    link.raw.at(last, [f"{more:,} chunks more than there were at its end"])
            for checkpoint, stand in link.recorded:
                link.raw.at(checkpoint, [f"{stand.chunks - link.chunks:,} chunks are missing"])
            for checkpoint, stand in link.decoded:
                link.values.at(checkpoint, [f"{stand.decoded - link.chunks:,} chunks are missing"])
        for checkpoint in self._judged:
            for compared in (self.alarms, self.events):
                compared.at(checkpoint, (), self._order or MISSING)
