"""The telemetry that waits to be published, one lane for each packet type and link."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from protocols.batch import Batch
from protocols.layout import Columns
from protocols.selection import chosen

ROWS_A_MESSAGE = 1_000
"""A message carries at most this many packets, so that no screen chokes on one."""
LARGEST = 1 << 20
"""Bytes of a message past which it is divided: what every broker that we start carries."""


@dataclass(slots=True)
class Lane:
    """Packets of one type and link that wait.

    Bounded; its policy: thin. Past rows_waiting packets every second of those that wait is taken out, and from then on
    only every second, fourth, ... is taken in, until the lane is emptied. Messages say how thin they are: what waits
    are the packets number 0, thinned, 2 thinned, ... of those received since the first of them, however they came in
    batches.
    """

    rows_waiting: int
    batches: deque[Batch] = field(default_factory=deque)
    rows: int = 0
    """Packets that wait."""
    thinned: int = 1
    """One packet waits for this many received."""
    missing: int = 0
    """Sequence gaps among what waits."""
    rows_a_message: int = ROWS_A_MESSAGE
    """Packets in a message: fewer where the packets are large."""
    _received: int = 0
    """Packets received since the first that waits."""

    def add(self, batch: Batch) -> None:
        """Take a batch in."""
        self.missing += batch.sequence_gaps
        first = -self._received % self.thinned
        self._received += len(batch)
        if first >= len(batch):
            return
        self._keep(batch if self.thinned == 1 else chosen(batch, slice(first, None, self.thinned)))
        while self.rows > max(self.rows_waiting, 1):
            self._halve()

    def _keep(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.rows += len(batch)

    def _halve(self) -> None:
        """Take out every second packet that waits, counted through all batches: most may hold a single one."""
        whole, before = self.batches, 0
        self.batches, self.rows = deque(), 0
        self.thinned *= 2
        for batch in whole:
            first = before % 2
            before += len(batch)
            if first < len(batch):
                self._keep(chosen(batch, slice(first, None, 2)))

    def take(self) -> tuple[list[Batch], int, int]:
        """The first that wait, as many as a message carries; how thin they are; the packets missing by sequence count.

        What waits after a pause is taken in several calls, since encoding all of it at once would hold up the links.
        """
        group: list[Batch] = []
        room = self.rows_a_message
        while self.batches and room:
            batch = self.batches.popleft()
            if len(batch) > room:
                self.batches.appendleft(chosen(batch, slice(room, None)))
                batch = chosen(batch, slice(room))
            group.append(batch)
            room -= len(batch)
        thinned, missing, taken = self.thinned, self.missing, self.rows_a_message - room
        self.rows, self.missing, self._received = self.rows - taken, 0, self._received - taken * thinned
        if not self.rows:
            self.thinned, self._received = 1, 0
        return joined(group), thinned, missing

    def divide(self, group: Sequence[Batch], size: int) -> list[list[Batch]]:
        """A group whose message has so many bytes, past LARGEST, as several; later ones are made smaller at once."""
        rows = sum(map(len, group))
        self.rows_a_message = most = max(1, min(self.rows_a_message, rows * LARGEST // (2 * size)))
        return [[chosen(batch, slice(at, at + most))] for batch in group for at in range(0, len(batch), most)]


def joined(batches: list[Batch]) -> list[Batch]:
    """Batches of one packet type and link as one, where their layout is fixed: finishing columns costs by the batch."""
    parts = [batch.columns for batch in batches if isinstance(batch.columns, Columns)]
    if len(batches) < 2 or len(parts) < len(batches):
        return batches
    layout = parts[0].layout
    times = [batch.time for batch in batches if batch.time is not None]
    whole = replace(
        batches[0],
        columns=layout.columns(np.concatenate([part.rows[:, : layout.size] for part in parts])),
        received_ns=np.concatenate([batch.received_ns for batch in batches]),
        valid=np.concatenate([batch.valid for batch in batches]),
        time=np.concatenate(times) if times else None,
        sequence_gaps=sum(batch.sequence_gaps for batch in batches),
    )
    return [whole]
