"""One virtual channel: the continuity of its frames, its packets, and what is counted of both."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.ccsds.channel_counts import ChannelCounts, ZoneLedger
from protocols.ccsds.packet_zone import walk
from protocols.ccsds.space_packet import IDLE_APID
from protocols.ccsds.transfer_frame import OCF_SIZE, FrameColumns
from protocols.frames import Frames, Spans

_APIDS = IDLE_APID + 1


@dataclass(frozen=True, slots=True)
class Extracted:
    """Packets of one channel, to be put in order with those of others."""

    spans: Spans
    """Where they lie."""
    frames: NDArray[np.int64]
    """Which frame of those given completed each."""


class VirtualChannel:
    """Takes a channel's frames in order and gives its packets. Holds less than a packet and a frame."""

    def __init__(self, *, extract: bool, keep_idle: bool) -> None:
        """Extract: whether its frames carry packets; keep_idle: whether idle packets are given, too."""
        self.counts, self.zones = ChannelCounts(), ZoneLedger()
        self.ocf = b""
        """The newest operational control field."""
        self._extract, self._keep_idle = extract, keep_idle
        self._apids = np.zeros(_APIDS, np.int64)
        self._count = -1
        self._frame = b""
        self._held = b""

    def as_dict(self) -> dict[str, Any]:
        """Everything counted, ready for JSON; APIDs with the most packets first."""
        known = np.flatnonzero(self._apids)
        order = known[np.argsort(-self._apids[known], kind="stable")]
        counted = {each.name: getattr(self.counts, each.name) for each in fields(self.counts)}
        return {
            **counted,
            **self.zones.as_dict(),
            "ocf": self.ocf.hex(),
            "apids": {str(apid): int(self._apids[apid]) for apid in order.tolist()},
        }

    def receive(
        self, heads: FrameColumns, frames: Spans, own: NDArray[np.int64], received: NDArray[np.int64]
    ) -> Extracted:
        """The packets that frames complete: those at places own among heads and frames, in order, at least one.

        Received are the numbers by which the caller knows the frames.
        """
        own, broken = self._new(heads, frames, own)
        if not len(own):
            return _NONE
        last = int(own[-1])
        self._frame = frames.data[frames.begins[last] : frames.ends[last]].tobytes()
        fields_at = np.flatnonzero(heads.ocf[own])
        if len(fields_at):
            end = int(heads.zones.ends[own[fields_at[-1]]])
            self.ocf = frames.data[end : end + OCF_SIZE].tobytes()
        return self._packets(heads, own, broken, received[own])

    def _new(
        self, heads: FrameColumns, frames: Spans, own: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Those frames that do not repeat the one before, and before which of them others are missing; counted."""
        counts, modulo = heads.count[own], heads.modulo[own]
        before = np.empty_like(counts)
        before[0] = self._count if self._count >= 0 else counts[0] - 1
        before[1:] = counts[:-1]
        steps = (counts - before) % modulo
        self._count = int(counts[-1])
        broken = steps != 1
        if broken.any():
            repeated = self._repeated(frames, own, np.flatnonzero(steps == 0))
            if len(repeated):
                self.counts.duplicates += len(repeated)
                own, broken, steps, modulo = (np.delete(each, repeated) for each in (own, broken, steps, modulo))
            ahead = steps[broken & (steps <= modulo // 2) & (steps > 0)]
            self.counts.gaps += int(np.count_nonzero(broken))
            self.counts.missing += int(ahead.sum()) - len(ahead)
        self.counts.frames += len(own)
        return own, broken

    def _repeated(self, frames: Spans, own: NDArray[np.int64], suspects: NDArray[np.int64]) -> list[int]:
        """Those of the suspects, places in own, whose frame equals the one before."""
        found = []
        for at in suspects.tolist():
            frame = frames.data[frames.begins[own[at]] : frames.ends[own[at]]].tobytes()
            earlier = own[at - 1]
            before = frames.data[frames.begins[earlier] : frames.ends[earlier]].tobytes() if at else self._frame
            if frame == before:
                found.append(at)
        return found

    def _packets(
        self, heads: FrameColumns, own: NDArray[np.int64], broken: NDArray[np.bool_], received: NDArray[np.int64]
    ) -> Extracted:
        """The packets in the zones of frames before some of which others are missing."""
        losses = np.cumsum(broken)
        idle, packets = heads.idle[own], heads.packets[own] & self._extract
        self.counts.idle_frames += int(np.count_nonzero(idle))
        self.counts.other_frames += int(np.count_nonzero(~packets & ~idle))
        sizes = (heads.zones.ends - heads.zones.begins)[own]
        only_idle = int(sizes[idle & packets].sum())
        self.zones.idle_bytes += only_idle
        self.zones.zone_bytes += only_idle
        chosen = np.flatnonzero(packets & ~idle)
        if not len(chosen):
            if losses[-1]:
                self._forget()
            return _NONE
        places, lost = own[chosen], losses[chosen]
        extracted = self._walk(heads, places, np.diff(lost, prepend=0) > 0, received[chosen])
        if losses[-1] > lost[-1]:
            self._forget()
        return extracted

    def _walk(
        self, heads: FrameColumns, places: NDArray[np.int64], broken: NDArray[np.bool_], received: NDArray[np.int64]
    ) -> Extracted:
        zones = Frames.cut(heads.zones.data, heads.zones.begins[places], heads.zones.ends[places], 0)
        held = len(self._held)
        stream = b"".join((self._held, zones.data.data))
        edges = zones.offsets + held
        found = walk(stream, edges, heads.first[places], broken, begun=held > 0)
        self._held = stream[found.open :] if found.open >= 0 else b""
        self.zones.zone_bytes += len(stream) - held
        self.zones.discarded += found.discarded
        self.zones.pending = len(self._held)
        self.counts.cut_packets += found.cut
        self.counts.wrong_pointers += found.wrong_pointers
        self.counts.unknown_versions += found.unknown_versions
        begins, ends = found.packets
        return self._sorted(Spans(np.frombuffer(stream, np.uint8), begins, ends), edges[1:], received)

    def _sorted(self, spans: Spans, zone_ends: NDArray[np.int64], received: NDArray[np.int64]) -> Extracted:
        """Those packets that are delivered; all are counted."""
        if not len(spans):
            return _NONE
        data, begins, sizes = spans.data, spans.begins, spans.ends - spans.begins
        first = data[begins]
        space = first < 1 << 5
        if not space.all():
            encapsulated = int(sizes[~space].sum())
            self.counts.encapsulated_packets += int(np.count_nonzero(~space))
            self.zones.encapsulated_bytes += encapsulated
            spans, sizes, first = spans.where(space), sizes[space], first[space]
        apids = (first & 7).astype(np.int64) << 8 | data[spans.begins + 1]
        idle = apids == IDLE_APID
        idle_packets, idle_bytes = int(np.count_nonzero(idle)), int(sizes[idle].sum())
        self._apids += np.bincount(apids, minlength=_APIDS)
        self.counts.idle_packets += idle_packets
        self.counts.packets += len(apids) - idle_packets
        self.zones.idle_bytes += idle_bytes
        self.zones.packet_bytes += int(sizes.sum()) - idle_bytes
        if idle_packets and not self._keep_idle:
            spans = spans.where(~idle)
        return Extracted(spans, received[np.searchsorted(zone_ends, spans.ends)])

    def _forget(self) -> None:
        """Drop the packet that is not yet whole: a part of it is lost."""
        if self._held:
            self.counts.cut_packets += 1
            self.zones.discarded += len(self._held)
            self.zones.pending, self._held = 0, b""


_NONE = Extracted(Spans(np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.int64)), np.empty(0, np.int64))
