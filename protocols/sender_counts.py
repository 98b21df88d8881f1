"""Sequence counts that run over all the packets of one sender, whatever their type, as MAVLink's do."""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.frames import distinct
from protocols.headers import reader
from protocols.layout import Layout, Rows
from protocols.leaf import Kind
from protocols.packet import Header
from protocols.sequence import SequenceCount

_MOST_BITS = 32
"""Of a counter, and of all that names a sender."""


class SenderCounts:
    """The counters of one link's senders; a sender is met when its first packet comes."""

    def __init__(self, vehicle: str, header: Header, layout: Layout) -> None:
        """Layout is the header's. Raises DeclarationError where its counter or senders are not whole numbers of it."""
        self._paths, self._path = header.sequence_of, header.sequence
        self._layout = layout
        self._modulo = SequenceCount.of(f"{vehicle}.header", header.sequence, layout.leaves).modulo
        places = [layout.leaves[path].place for path in self._paths if path in layout.leaves]
        known = len(places) == len(self._paths) and all(each.kind is Kind.INTEGER and not each.shape for each in places)
        if not known or sum(each.bits for each in places) > _MOST_BITS or self._modulo > 1 << _MOST_BITS:
            problem = f"{', '.join(self._paths)} cannot name a sender that counts; use whole numbers, 32 bits in all"
            raise DeclarationError(f"{vehicle}.header", problem)
        self._bits = [each.bits for each in places]
        self._readers = [reader(each) for each in places]
        self._count = reader(layout.leaves[header.sequence].place)
        self.counters: dict[int, SequenceCount] = {}
        """By sender: the values that name it, one behind the other as bits."""

    def fork(self) -> SenderCounts:
        """Another in the same state, which goes on by itself."""
        other = copy.copy(self)
        other.counters = {sender: copy.copy(each) for sender, each in self.counters.items()}
        return other

    def gap(self, data: bytes, at: int) -> int:
        """Packets missing before the one whose header lies at an offset of data."""
        sender = 0
        for bits, read in zip(self._bits, self._readers, strict=True):
            sender = sender << bits | read(data, at) & (1 << bits) - 1
        return self._counter(sender).gap(self._count(data, at) % self._modulo)

    def gaps_before(self, heads: Rows) -> NDArray[np.int64]:
        """Packets missing before each of those whose headers begin rows, in the order received, int64 (n,)."""
        columns = self._layout.columns(heads)
        counts = columns.raw(self._path).astype(np.int64) % self._modulo
        senders = np.zeros(len(heads), np.int64)
        for bits, path in zip(self._bits, self._paths, strict=True):
            senders = senders << bits | columns.raw(path).astype(np.int64) & (1 << bits) - 1
        gaps = np.zeros(len(heads), np.int64)
        for sender in distinct(senders).tolist():
            own = senders == sender
            gaps[own] = self._counter(sender).gaps_before(counts[own])
        return gaps

    def _counter(self, sender: int) -> SequenceCount:
        found = self.counters.get(sender)
        if found is None:
            found = self.counters[sender] = SequenceCount(self._path, self._modulo)
        return found
