"""Packets in the packet zones of one virtual channel: where each begins and ends, across frames.

Only the length in each header leads from one packet to the next, so that after a loss the next first header pointer is
where packets begin again. The pointer also vouches for the packet before it: that must end exactly there, else it is
not what its header says, and is discarded.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from protocols.ccsds.space_packet import HEADER_SIZE, LONGEST
from protocols.ccsds.transfer_frame import NO_START

LONGEST_PACKET = HEADER_SIZE + LONGEST
"""Bytes of the longest space packet; encapsulation packets are followed up to the same length."""
_SPACE_BELOW = 1 << 5  # first bytes of packet version 0
_ENCAPSULATION = 7  # packet version
_ENCAPSULATION_HEADERS = (1, 2, 4, 8)  # bytes by the length of length, 133.1-B-3 4.1.2.4
_MANY = 12
"""Zones without a loss among them from which following all at once beats one after the other (measured)."""


@dataclass(slots=True)
class Walk:
    """What a walk found."""

    begins: list[int] = field(default_factory=list)
    """Where packets begin in the stream, in order, behind those of the runs."""
    ends: list[int] = field(default_factory=list)
    """Where they end."""
    runs: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)
    """Begins and ends of those found many at once."""
    open: int = -1
    """Where a packet begins that is not yet whole; -1 where there is none."""
    discarded: int = 0
    """Bytes that belong to no packet known whole."""
    cut: int = 0
    """Packets discarded because their continuation was lost or does not fit the pointer behind them."""
    wrong_pointers: int = 0
    """Zones discarded because their pointer leads out of them."""
    unknown_versions: int = 0
    """Places where a packet should begin but one of no known version does; the zone's rest is discarded."""

    @property
    def packets(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Begins and ends of all packets, in order, each int64 (n,)."""
        several = [*self.runs, (np.array(self.begins, np.int64), np.array(self.ends, np.int64))]
        if len(several) == 1:
            return several[0]
        return np.concatenate([begins for begins, _ in several]), np.concatenate([ends for _, ends in several])


def packet_length(stream: bytes, at: int, limit: int) -> int:
    """Bytes of the packet that begins at a place before limit; 0 where the bytes up to limit do not tell yet.

    -1 where it is neither a space packet (133.0-B-2) nor an encapsulation packet (133.1-B-3) of a possible length.
    """
    if stream[at] < _SPACE_BELOW:
        return (stream[at + 4] << 8 | stream[at + 5]) + HEADER_SIZE + 1 if at + HEADER_SIZE <= limit else 0
    if stream[at] >> 5 != _ENCAPSULATION:
        return -1
    size = _ENCAPSULATION_HEADERS[stream[at] & 3]
    if size == 1:
        return 1
    if at + size > limit:
        return 0
    length = int.from_bytes(stream[at + size // 2 : at + size], "big")
    return length if size <= length <= LONGEST_PACKET else -1


def walk(
    stream: bytes, edges: NDArray[np.int64], first: NDArray[np.int64], broken: NDArray[np.bool_], *, begun: bool
) -> Walk:
    """The packets in zones that lie in stream one after the other, zone i from edge i to the next, int64 (n + 1,).

    First are the zones' first header pointers; broken says before which of them frames are missing; begun, whether a
    packet begins where the stream does, before the first edge.
    """
    found = Walk(open=0 if begun else -1)
    losses = np.flatnonzero(broken).tolist()
    for begin, end in zip([0, *losses], [*losses, len(first)], strict=True):
        if begin < end:
            if broken[begin]:
                _discard(found, int(edges[begin]), int(edges[begin]))
            _walk_unbroken(found, stream, edges[begin : end + 1], first[begin:end])
    return found


def _walk_unbroken(found: Walk, stream: bytes, edges: NDArray[np.int64], first: NDArray[np.int64]) -> None:
    """Follow the packets in zones among which no frame is missing."""
    done = _walk_together(found, stream, edges, first) if len(first) >= _MANY else 0
    places = edges[done:].tolist()
    for begin, end, pointer in zip(places[:-1], places[1:], first[done:].tolist(), strict=True):
        if pointer == NO_START:
            _continue(found, stream, begin, end)
        elif begin + pointer >= end:
            found.wrong_pointers += 1
            _discard(found, begin, end)
        else:
            _finish(found, stream, begin, begin + pointer)
            _follow(found, stream, begin + pointer, end)


def _walk_together(found: Walk, stream: bytes, edges: NDArray[np.int64], first: NDArray[np.int64]) -> int:
    """Follow the packets from all pointers at once, a packet each a step; how many zones are done with.

    Only where all is as it should be: space packets that lead from each pointer exactly to the next, and that begin
    where the pointers allow it. Else nothing is done, and the zones have to be walked one after the other.
    """
    pointed = np.flatnonzero(first != NO_START)
    anchors, limits = edges[pointed] + first[pointed], edges[pointed + 1]
    if not len(anchors) or (anchors >= limits).any():
        return 0
    last = int(np.searchsorted(anchors, int(edges[-1]) - HEADER_SIZE, "right")) - 1
    if last < 0:
        return 0
    starts, goals, limits = anchors[:last], anchors[1 : last + 1], limits[:last]
    if found.open >= 0:
        starts, goals = np.insert(starts, 0, found.open), np.insert(goals, 0, anchors[0])
        limits = np.insert(limits, 0, edges[0])
    begins = _follow_together(np.frombuffer(stream, np.uint8), starts, goals, limits)
    if not len(begins):
        return 0
    if found.open < 0:
        found.discarded += int(anchors[0] - edges[0])
    found.open = -1
    ends = np.append(begins[1:], anchors[last])
    found.runs += [(np.array(found.begins, np.int64), np.array(found.ends, np.int64)), (begins, ends)]
    found.begins, found.ends = [], []
    done = int(pointed[last])
    _follow(found, stream, int(anchors[last]), int(edges[done + 1]))
    return done + 1


def _follow_together(
    data: NDArray[np.uint8], at: NDArray[np.int64], goals: NDArray[np.int64], limits: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where space packets begin that lead from each place to its goal, each beginning below its limit, in order.

    Empty where they do not. Six bytes of data follow each goal.
    """
    lengths = np.ndarray((max(len(data) - 1, 0),), ">u2", data, 0, (1,))  # of a packet that would begin 4 bytes before
    begun = []
    while len(at):
        begun.append(at)
        after = at + (HEADER_SIZE + 1)
        after += lengths[at + 4]
        going = after < goals
        if (after > goals).any() or (after[going] >= limits[going]).any():
            return np.empty(0, np.int64)
        at, goals, limits = (after, goals, limits) if going.all() else (after[going], goals[going], limits[going])
    begins = np.sort(np.concatenate(begun)) if begun else np.empty(0, np.int64)
    return begins if (data[begins] < _SPACE_BELOW).all() else np.empty(0, np.int64)


def _discard(found: Walk, begin: int, end: int) -> None:
    """Drop everything from the open packet, or else from begin, to end."""
    if found.open >= 0:
        found.cut += 1
        begin = found.open
    found.discarded += end - begin
    found.open = -1


def _continue(found: Walk, stream: bytes, begin: int, end: int) -> None:
    """A zone in which no packet begins: all of it is the open packet's."""
    if found.open < 0:
        found.discarded += end - begin
        return
    length = packet_length(stream, found.open, end)
    if length > 0 and found.open + length == end:
        found.begins.append(found.open)
        found.ends.append(end)
        found.open = -1
    elif length < 0 or 0 < length < end - found.open:
        _discard(found, begin, end)


def _finish(found: Walk, stream: bytes, begin: int, limit: int) -> None:
    """The bytes of a zone before the first packet that begins there: the open packet's end."""
    at = found.open
    if at >= 0 and packet_length(stream, at, limit) == limit - at:
        found.begins.append(at)
        found.ends.append(limit)
        found.open = -1
    else:
        _discard(found, begin, limit)


def _follow(found: Walk, stream: bytes, at: int, end: int) -> None:
    """The packets that begin in a zone from a place on."""
    begins, ends = found.begins, found.ends
    last = end - HEADER_SIZE
    while at < end:
        if stream[at] < _SPACE_BELOW and at <= last:  # as packet_length(), without a call for each packet
            after = at + (stream[at + 4] << 8 | stream[at + 5]) + HEADER_SIZE + 1
        else:
            length = packet_length(stream, at, end)
            if length < 0:
                found.unknown_versions += 1
                found.discarded += end - at
                return
            after = at + length if length else end + 1
        if after > end:
            found.open = at
            return
        begins.append(at)
        ends.append(after)
        at = after
