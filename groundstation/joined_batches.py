"""Batches of a packet or two, gathered until there are enough of a kind to be written together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from protocols.batch import Batch
from protocols.layout import Columns

_BYTES = 8 * 1024 * 1024
"""Of packets that wait at the most: as columns of text or JSON they take up ten times as much."""


class Gathered:
    """What waits to be written, by packet type and link."""

    def __init__(self, rows: int) -> None:
        """At most about so many packets wait altogether, fewer where they are long."""
        self._most, self._rows, self._bytes = rows, 0, 0
        self._waiting: dict[object, list[Batch]] = {}

    def add(self, batch: Batch) -> Iterator[Batch]:
        """Let a batch wait; where that is enough, give all that waits, each kind as one batch."""
        self._waiting.setdefault(alike(batch), []).append(batch)
        self._rows += len(batch)
        self._bytes += stored_bytes(batch)
        if self._rows >= self._most or self._bytes >= _BYTES:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        """All that waits, each kind as one batch."""
        waiting, self._waiting, self._rows, self._bytes = self._waiting, {}, 0, 0
        return map(joined, waiting.values())


def stored_bytes(batch: Batch) -> int:
    """Bytes of the packets of a batch, about; of packets of no fixed layout their number stands for it."""
    return len(batch) * (batch.columns.layout.size if isinstance(batch.columns, Columns) else 1)


def alike(batch: Batch) -> object:
    """What batches have in common that can be joined: fixed layouts; others stay by themselves."""
    return (batch.link, batch.packet) if isinstance(batch.columns, Columns) else id(batch)


def joined(batches: Sequence[Batch]) -> Batch:
    """Batches that are alike as one."""
    first = batches[0]
    if len(batches) == 1 or not isinstance(first.columns, Columns):
        return first
    layout = first.columns.layout
    rows = [each.columns.rows[:, : layout.size] for each in batches if isinstance(each.columns, Columns)]
    times = [each.time for each in batches if each.time is not None]
    return Batch(
        first.packet,
        first.link,
        Columns(layout, np.concatenate(rows)),
        np.concatenate([each.received_ns for each in batches]),
        np.concatenate([each.valid for each in batches]),
        np.concatenate(times) if times else None,
    )
