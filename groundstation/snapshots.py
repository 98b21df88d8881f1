"""Where a replay can go back to: everything that decoding remembers, kept every so often while a recording is read.

From a snapshot on, the same bytes give the same as they gave to who had read from the beginning. How far apart
snapshots are is counted in the time that decoding takes from one to the next, which is what a seek waits for whatever
the link is; when there are too many, or they take too much memory, every second one goes and new ones are made half as
often. So their memory is bounded, and a seek takes longer only in recordings that take longer to decode.
"""

from __future__ import annotations

import gc
import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Self

from groundstation.pipeline import Pipeline
from groundstation.traces import Traces

SPACING_S = 0.02
"""Seconds of decoding between two snapshots as long as all have room."""
MOST = 512
BUDGET_BYTES = 64 << 20
"""Together. A snapshot of a serial link takes some kilobytes, one of a fast radio link some megabytes of filters."""

_BEGINNING = -(1 << 63)
_A_LINK, _A_LIMIT, _A_POINT, _AN_EVENT = 4096, 1024, 16, 8
"""Bytes, about, that each takes in a snapshot beside what its framer holds (measured)."""
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Decoding as it stood between two chunks of a recording. It is shared: whoever goes on from it forks."""

    place: int
    """Between which chunks (see :meth:`replay.recording.Recording.placed`)."""
    latest_ns: int
    """The newest ``received_ns`` of all chunks before it."""
    pipeline: Pipeline
    traces: Traces
    weight: int
    """Bytes it takes, about."""

    @classmethod
    def of(cls, pipeline: Pipeline, traces: Traces, place: int = 0, latest_ns: int = _BEGINNING) -> Self:
        """Decoding as it is now."""
        pipeline, traces = pipeline.fork(), traces.fork()
        weight = _A_LIMIT * len(pipeline.limits) + _A_POINT * traces.points + _AN_EVENT * len(pipeline.events)
        weight += sum(_A_LINK + _size(path.framer) for path in pipeline.links.values())
        return cls(place, latest_ns, pipeline, traces, weight)

    def restored(self) -> tuple[Pipeline, Traces]:
        """The same once more, to go on from."""
        return self.pipeline.fork(), self.traces.fork()


class Snapshots:
    """The snapshots of one recording, from its beginning on. One thread may add while others look."""

    def __init__(self, first: Snapshot, most: int = MOST, budget_bytes: int = BUDGET_BYTES) -> None:
        """The first one, of the beginning, is always kept; of all at most so many, of so many bytes."""
        self.spacing_s = SPACING_S
        """Seconds of decoding after which the next one is to be added."""
        self._most, self._budget = most, budget_bytes
        self._kept = [first]

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self._kept)

    @property
    def first(self) -> Snapshot:
        """That of the recording's beginning."""
        return self._kept[0]

    def add(self, snapshot: Snapshot) -> None:
        """Keep one more, which lies after all others."""
        kept = [*self._kept, snapshot]
        while len(kept) > max(self._most, 1) or (len(kept) > 1 and sum(each.weight for each in kept) > self._budget):
            kept = kept[::2]
            self.spacing_s *= 2
        self._kept = kept  # at once: another thread sees the list as it was or as it is

    def before(self, received_ns: int) -> Snapshot:
        """The last one before the first chunk that came at a time or later."""
        kept = self._kept
        return kept[max(bisect_left(kept, received_ns, key=lambda each: each.latest_ns) - 1, 0)]

    def ahead_of(self, place: int) -> Snapshot:
        """The last one that lies before a place; the first where none does."""
        kept = self._kept
        return kept[max(bisect_left(kept, place, key=lambda each: each.place) - 1, 0)]


def _size(root: object) -> int:
    """Bytes of an object and of all that only it refers to, about: what several share is counted for each."""
    seen: set[int] = set()
    waiting, total = [root], 0
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, _SHARED):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        waiting += gc.get_referents(each)
    return total
