"""How a link did over a recording: its bytes, packets and failures step by step, and its longest silences."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from groundstation.quicklook.figures_of import BINS
from protocols.chunk import Chunk
from protocols.frames import Ledger

SILENCES = 10
"""The longest silences that are listed."""
SILENT_NS = 500_000_000
"""Shorter ones are no silences."""


@dataclass(slots=True)
class LinkCourse:
    """One link."""

    begin_ns: int
    step_ns: int
    bytes_in: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    packets_in: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    failures: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    """Frames whose check failed."""
    gaps: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    """Packets missing by their sequence counts."""
    silences: list[tuple[int, int]] = field(default_factory=list)
    """The longest, as (ns, beginning)."""
    silent_ns: int = 0
    """All silences together."""
    _last_ns: int | None = None
    _failed: int = 0
    _missing: int = 0

    def received(self, chunks: Sequence[Chunk], ledger: Ledger, sequence_gaps: int) -> None:
        """Take chunks of one step, and the link's counts after them."""
        at = self._bin(chunks[-1].received_ns)
        self.bytes_in[at] += sum(len(chunk.data) for chunk in chunks)
        self.failures[at] += ledger.crc_failures - self._failed
        self.gaps[at] += sequence_gaps - self._missing
        self._failed, self._missing = ledger.crc_failures, sequence_gaps
        times = np.array([chunk.received_ns for chunk in chunks], np.int64)
        before = times[0] if self._last_ns is None else self._last_ns
        pauses = np.diff(times, prepend=before)
        for index in np.flatnonzero(pauses >= SILENT_NS).tolist():
            self.silent_ns += int(pauses[index])
            heapq.heappush(self.silences, (int(pauses[index]), int(times[index] - pauses[index])))
            if len(self.silences) > SILENCES:
                heapq.heappop(self.silences)
        self._last_ns = int(times[-1])

    def packets(self, received_ns: NDArray[np.int64]) -> None:
        """Count packets, int64 (n,), where they were received."""
        bins = np.clip((received_ns - self.begin_ns) // self.step_ns, 0, BINS - 1)
        self.packets_in += np.bincount(bins, minlength=BINS)

    def longest(self) -> list[tuple[int, int]]:
        """The longest silences, (ns, beginning), longest first."""
        return sorted(self.silences, reverse=True)

    def _bin(self, at_ns: int) -> int:
        return min(max((at_ns - self.begin_ns) // self.step_ns, 0), BINS - 1)
