"""Packets of one type that came by several links, in the order they came.

Chunks are decoded link by link, many at a time; limits and flight look at one packet after the other. Where two links
carry the same packets, it matters which came first, and it must not matter how many chunks were handed over together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from groundstation.joined_batches import joined
from groundstation.limits import Crossing
from protocols.batch import Batch
from protocols.chunk import Chunk
from protocols.layout import Columns
from protocols.selection import chosen


class Places:
    """Which of some chunks came at a time: the first of that time, or of the newest before it where none is of it."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        first = {chunk.received_ns: index for index, chunk in reversed(list(enumerate(chunks)))}
        self._times = np.array(sorted(first), np.int64)
        self._places = np.array([-1, *(first[at] for at in self._times.tolist())])

    def of(self, received_ns: NDArray[np.int64]) -> NDArray[np.intp]:
        """The places of times, (n,); -1 before all chunks."""
        return self._places[np.searchsorted(self._times, received_ns, side="right")]


def as_they_came(batches: Sequence[Batch], chunks: Sequence[Chunk], declared: Mapping[str, int]) -> list[Batch]:
    """Batches that chunks have completed, with one for each packet type; of packets of no fixed layout, with more.

    They are in the order in which their types are declared, as those of one link are: declared numbers the types.
    """
    if len(batches) < 2:
        return list(batches)
    kinds: dict[str, list[Batch]] = {}
    for batch in sorted(batches, key=lambda each: declared[each.packet]):
        kinds.setdefault(batch.packet, []).append(batch)
    if len(kinds) == len(batches):
        return [batch for alike in kinds.values() for batch in alike]
    places = Places(chunks)
    found: list[Batch] = []
    for alike in kinds.values():
        found += _interleaved(alike, places) if len(alike) > 1 else alike
    return found


def crossings_as_they_came(found: Iterable[Sequence[Crossing]], chunks: Sequence[Chunk]) -> list[Crossing]:
    """The crossings of several batches as one list, each batch's in their order."""
    several = [each for each in found if each]
    if len(several) < 2:
        return [crossing for each in several for crossing in each]
    places = Places(chunks)
    return list(merge(*several, key=lambda crossing: int(places.of(np.array(crossing.received_ns)))))


def _interleaved(alike: Sequence[Batch], places: Places) -> Iterator[Batch]:
    """The packets of several batches by the chunks that completed them; each batch's stay in their order."""
    came = [np.maximum.accumulate(places.of(each.received_ns)) for each in alike]
    order = np.argsort(np.concatenate(came), kind="stable")
    if all(isinstance(each.columns, Columns) for each in alike):
        yield _ordered(joined(alike), order)
        return
    of = np.repeat(np.arange(len(alike)), [len(each) for each in alike])[order]
    taken = [0] * len(alike)
    for begin, end in pairwise([0, *(np.flatnonzero(np.diff(of)) + 1).tolist(), len(of)]):
        which = int(of[begin])
        yield chosen(alike[which], slice(taken[which], taken[which] + end - begin))
        taken[which] += end - begin


def _ordered(batch: Batch, order: NDArray[np.intp]) -> Batch:
    """A batch's packets in another order."""
    columns = batch.columns
    assert isinstance(columns, Columns)
    return replace(
        batch,
        columns=Columns(columns.layout, columns.rows[order]),
        received_ns=batch.received_ns[order],
        valid=batch.valid[order],
        time=None if batch.time is None else batch.time[order],
    )
