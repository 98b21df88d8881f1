"""Sequence counts: how many packets are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocols.batch import Column
from protocols.errors import DeclarationError
from protocols.leaf import Kind, Leaf

LATE = 64
"""Packets by which one may come after its successors, as duplicates over a second path or datagrams do."""
_FAST = 1 << 32
"""Counters that wrap up to here are subtracted in columns without passing 64 bits."""


@dataclass(slots=True)
class SequenceCount:
    """A counter that goes up by one a packet and wraps (CCSDS 133.0-B-2 4.1.3.4.3)."""

    path: str
    """The counter's path in the packet."""
    modulo: int
    """It counts from 0 to this, exclusive."""
    last: int = -1
    """The newest count, -1 before the first."""

    @classmethod
    def of(cls, where: str, path: str, leaves: Mapping[str, Leaf]) -> SequenceCount:
        """The counter at a path. Raises DeclarationError where there is none of fixed width."""
        leaf = leaves.get(path)
        if leaf is None or leaf.place.kind is not Kind.INTEGER or leaf.place.shape:
            raise DeclarationError(where, f"there is no counter {path!r} of fixed width; it has {', '.join(leaves)}")
        if leaf.measurement is not None and leaf.measurement.curve is not None:
            raise DeclarationError(f"{where}.{path}", "a counter is counted as it is stored; take away its curve")
        return cls(path, 1 << leaf.place.bits)

    def gaps(self, counts: Column) -> int:
        """Packets missing before and between these, (n,) in the order received.

        A count at most LATE behind the newest is late or a duplicate: no gap, and the newest stays. One further behind
        is a counter that began again: no gap either, and counting goes on from there.
        """
        if counts.dtype.kind not in "iu":  # of packets that construct decodes, some may be without it
            counts = np.array([int(each) for each in counts.tolist() if each is not None and math.isfinite(each)])
        gaps = self._in_order(counts)
        return sum(self.gap(count % self.modulo) for count in counts.tolist()) if gaps is None else int(gaps.sum())

    def gaps_before(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Packets missing before each of these, int64 (n,), of a counter of at most 32 bits; by the rule of gaps."""
        gaps = self._in_order(counts)
        return np.array([self.gap(count) for count in counts.tolist()], np.int64) if gaps is None else gaps

    def _in_order(self, counts: Column) -> NDArray[np.int64] | None:
        """Packets missing before each, where each is ahead of the one before; None where they are to be told singly."""
        if len(counts) > 1 and self.modulo <= _FAST:
            previous = np.int64(self.last if self.last >= 0 else int(counts[0]) - 1)
            steps = np.mod(np.diff(counts.astype(np.int64), prepend=previous), self.modulo)
            if ((steps > 0) & (steps <= self.modulo // 2)).all():
                self.last = int(counts[-1]) % self.modulo
                return np.asarray(steps - 1)
        return None

    def gap(self, count: int) -> int:
        """Packets missing between the newest and this one."""
        ahead = (count - self.last) % self.modulo if self.last >= 0 else 1
        if 0 < ahead <= self.modulo // 2:
            self.last = count
            return ahead - 1
        if self.modulo - ahead > min(LATE, self.modulo // 4) and ahead:
            self.last = count
        return 0
