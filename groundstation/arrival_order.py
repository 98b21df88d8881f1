"""Packets of one type that came by several links, in the order they came.

Chunks are decoded link by link, many at a time; limits and flight look at one packet after the other. Where two links
carry the same packets, it matters which came first, and it must not matter how many chunks were handed over together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

Place = Callable[[int], int]
"""Which of some chunks came at a time."""


def place_in(chunks: Sequence[Chunk]) -> Place:
    """The number of the first chunk of a time; that of the newest before it where none is of that time."""
    first = {chunk.received_ns: index for index, chunk in reversed(list(enumerate(chunks)))}
    times = sorted(first)

    def place(received_ns: int) -> int:
        known = first.get(received_ns)
        if known is not None:
            return known
        before = bisect_left(times, received_ns) - 1
        return first[times[before]] if before >= 0 else -1

    return place


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
    place = place_in(chunks)
    found: list[Batch] = []
    for alike in kinds.values():
        found += _interleaved(alike, place) if len(alike) > 1 else alike
    return found


def crossings_as_they_came(found: Iterable[Sequence[Crossing]], chunks: Sequence[Chunk]) -> list[Crossing]:
    """The crossings of several batches as one list, each batch's in their order."""
    several = [each for each in found if each]
    if len(several) < 2:
        return [crossing for each in several for crossing in each]
    place = place_in(chunks)
    return list(merge(*several, key=lambda crossing: place(crossing.received_ns)))


def _interleaved(alike: Sequence[Batch], place: Place) -> Iterator[Batch]:
    """The packets of several batches by the chunks that completed them; each batch's stay in their order."""
    places = [np.maximum.accumulate([place(at) for at in each.received_ns.tolist()]) for each in alike]
    order = np.argsort(np.concatenate(places), kind="stable")
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
