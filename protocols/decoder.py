"""Frames to batches: which packets a frame holds, and each type's packets together as columns.

Theory of operation. Packets are found in one of two ways that give the same: many frames of one length with one packet
each are told apart by one key column; anything else is walked packet by packet. The bytes of each type are then
gathered into rows of ``frame header | packet header | body`` and handed to the type's layout.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.batch import Batch, Column, Field
from protocols.errors import DeclarationError
from protocols.frames import Frames
from protocols.headers import HeaderReader, fixed_size
from protocols.layout import Layout, Rows, field_of
from protocols.leaf import Kind, NoFixedPlace
from protocols.objects import Objects
from protocols.packet import Key, Packet, Vehicle
from protocols.sequence import SequenceCount

_FEW = 8
"""Up to this many frames are cheaper walked than sorted by columns."""


@dataclass(slots=True)
class PacketDecoder:
    """One packet type of one link: how it is decoded, and what is remembered from batch to batch."""

    packet: Packet
    layout: Layout | None
    """None where the layout depends on the data; then objects decodes it."""
    objects: Objects | None
    reason: str
    """Why there is no fixed layout; empty where there is one."""
    sequence: SequenceCount | None

    @property
    def fields(self) -> dict[str, Field]:
        """What is known of each value, by path."""
        if self.layout is not None:
            return self.layout.fields
        assert self.objects is not None
        return {path: field_of(leaf) for path, leaf in self.objects.leaves.items()}


@dataclass(slots=True)
class _Found:
    """Packets of one type within some frames."""

    frames: list[int] = field(default_factory=list)
    """Which frame each is in."""
    starts: list[int] = field(default_factory=list)
    """Where each begins in the frames' buffer, at its packet header."""
    parsed: list[Mapping[str, Any]] = field(default_factory=list)
    """Values, of a type that construct decodes."""


class VehicleDecoder:
    """Decodes one link's frames by a vehicle's declarations. Never raises on any bytes."""

    def __init__(self, vehicle: Vehicle, link: str) -> None:
        """Compile the declarations. Raises DeclarationError on headers that have no fixed layout."""
        self.vehicle, self.link = vehicle, link
        self.decoders = {packet.name: _compile(vehicle, packet) for packet in vehicle.packets}
        """By packet name."""
        self._names: dict[Key | None, str] = {packet.key: packet.name for packet in vehicle.packets}
        self._frame_size = fixed_size(f"{vehicle.name}.frame", vehicle.frame)
        self._header = HeaderReader(vehicle.name, vehicle.header) if vehicle.header else None
        if self._header is not None:
            for packet in vehicle.packets:
                self._header.code(packet)
        self._several = bool(vehicle.header and vehicle.header.several)
        self._columnar = not self._frame_size and not self._several and all(d.layout for d in self.decoders.values())
        self.packets: dict[str, int] = dict.fromkeys(self.decoders, 0)
        """Packets decoded so far, by type."""
        self.unknown_packets = 0
        """Packets whose key no declaration has."""
        self.malformed = 0
        """Frames or packets shorter than their header, their length field or their declaration asks for."""
        self.sequence_gaps = 0
        """Packets missing by sequence count."""

    def fork(self) -> VehicleDecoder:
        """Another decoder in the same state that goes on by itself; the compiled layouts are shared."""
        other = copy.copy(self)
        other.packets = dict(self.packets)
        other.decoders = {
            name: replace(each, sequence=copy.copy(each.sequence)) for name, each in self.decoders.items()
        }
        return other

    def decode(self, frames: Frames) -> list[Batch]:
        """The packets in frames: a batch for each type present, in the order the types are declared."""
        if len(frames) > _FEW and self._columnar:
            return self._by_columns(frames)
        return self._by_walking(frames) if len(frames) else []

    def _by_columns(self, frames: Frames) -> list[Batch]:
        """Frames that hold one packet each, told apart by the columns of their headers."""
        starts, lengths, times = frames.offsets[:-1], frames.lengths, frames.received_ns
        size = self._header.size if self._header else 0
        fits = lengths >= size
        if not fits.all():
            self.malformed += int(len(fits) - np.count_nonzero(fits))
            starts, lengths, times = starts[fits], lengths[fits], times[fits]
        if not len(starts):
            return []
        same_length = bool((lengths == lengths[0]).all()) and len(starts) == len(frames)
        whole = frames.data[frames.offsets[0] : frames.offsets[-1]].reshape(len(starts), -1) if same_length else None
        batches = []
        for decoder, chosen in self._sorted(frames.data, starts, lengths, whole):
            assert decoder.layout is not None
            if whole is not None:
                rows = whole if chosen.all() else whole[chosen]
            else:
                rows = frames.data[starts[chosen][:, None] + np.arange(decoder.layout.size)]
            batches.append(self._batch(decoder, rows, times[chosen]))
        return batches

    def _sorted(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], whole: Rows | None
    ) -> Iterator[tuple[PacketDecoder, NDArray[np.bool_]]]:
        """Which of the packets that begin at starts belong to each type that is present; the others are counted."""
        every, limits = np.ones(len(starts), np.bool_), lengths
        header = self._header
        keys: Any = None
        if header is not None:
            heads = whole if whole is not None else data[starts[:, None] + np.arange(header.size)]
            keys = header.keys(heads)
            if header.has_length:
                limits = header.lengths(heads) + header.size
                every = (limits <= lengths) & (limits >= header.size)
        inside = int(np.count_nonzero(every))
        self.malformed += len(starts) - inside
        for decoder in self.decoders.values():
            assert decoder.layout is not None
            own = every if header is None else every & (keys == header.code(decoder.packet))
            count = int(np.count_nonzero(own))
            inside -= count
            good = own & (limits >= decoder.layout.size)
            enough = int(np.count_nonzero(good))
            self.malformed += count - enough
            if enough:
                yield decoder, good
        self.unknown_packets += inside

    def _by_walking(self, frames: Frames) -> list[Batch]:
        """Frames of any length, with one or several packets each."""
        data, found = frames.data.tobytes(), {name: _Found() for name in self.decoders}
        for index, (begin, end) in enumerate(pairwise(frames.offsets.tolist())):
            at = begin + self._frame_size
            if at > end:
                self.malformed += 1
                continue
            at = self._walk(data, begin, at, end, index, found)
            while self._several and at < end:
                at = self._walk(data, begin, at, end, index, found)
        batches = []
        for name, each in found.items():
            if each.starts:
                decoder, times = self.decoders[name], frames.received_ns[each.frames]
                columns = decoder.objects.columns(each.parsed) if decoder.objects else None
                rows = self._gather(frames, each, decoder.layout.size) if decoder.layout else None
                batches.append(self._batch(decoder, rows, times, columns))
        return batches

    def _walk(self, data: bytes, begin: int, at: int, end: int, index: int, found: dict[str, _Found]) -> int:
        """Note the packet at an offset of a frame; the offset after it, or the frame's end if nothing can follow."""
        header = self._header
        if header is None:
            decoder, length, body = next(iter(self.decoders.values())), None, at
        else:
            body = at + header.size
            if body > end:
                self.malformed += 1
                return end
            known = self._names.get(header.key(data, at))
            length = header.body_length(data, at)
            if length is not None and not body <= body + length <= end:
                self.malformed += 1
                return end
            if known is None:
                self.unknown_packets += 1
                return end if length is None else body + length
            decoder = self.decoders[known]
        limit = end if length is None else body + length
        taken = self._take(decoder, data, begin, at, limit, found)
        if taken < 0:
            self.malformed += 1
            return limit
        each = found[decoder.packet.name]
        each.frames.append(index)
        each.starts.append(at)
        return at + taken - self._frame_size if length is None else limit

    def _take(
        self, decoder: PacketDecoder, data: bytes, begin: int, at: int, limit: int, found: dict[str, _Found]
    ) -> int:
        """Bytes that the packet from at to limit at most takes, headers included; -1 if too short or none at all."""
        if decoder.layout is not None:
            return decoder.layout.size if decoder.layout.size <= self._frame_size + limit - at else -1
        assert decoder.objects is not None
        parsed = decoder.objects.parse(data[begin : begin + self._frame_size] + data[at:limit])
        if parsed is None:
            return -1
        found[decoder.packet.name].parsed.append(parsed[0])
        return max(parsed[1], self._frame_size + 1)

    def _gather(self, frames: Frames, found: _Found, size: int) -> Rows:
        """The packets' bytes as rows, uint8 (n, size), each with its frame's header in front."""
        starts = np.array(found.starts)
        own = np.arange(size - self._frame_size)
        rows = frames.data[starts[:, None] + own]
        if not self._frame_size:
            return rows
        heads = frames.data[frames.offsets[found.frames][:, None] + np.arange(self._frame_size)]
        return np.ascontiguousarray(np.concatenate((heads, rows), axis=1))

    def _batch(
        self,
        decoder: PacketDecoder,
        rows: Rows | None,
        received_ns: NDArray[np.int64],
        parsed: dict[str, Column] | None = None,
    ) -> Batch:
        """Rows of one type as a batch; their counts are kept."""
        packet, count = decoder.packet, len(received_ns)
        self.packets[packet.name] += count
        columns: Mapping[str, Column] = parsed or {}
        valid = None
        if rows is not None:
            assert decoder.layout is not None
            columns = decoder.layout.columns(rows)
            valid = decoder.layout.valid(rows) if decoder.layout.constants else None
        gaps = decoder.sequence.gaps(columns[decoder.sequence.path]) if decoder.sequence else 0
        self.sequence_gaps += gaps
        time = _sum(columns, packet.time, count) if packet.time else None
        valid = np.ones(count, np.bool_) if valid is None else valid
        return Batch(packet.name, self.link, columns, received_ns, valid, time, gaps)


def _sum(columns: Mapping[str, Column], paths: Sequence[str], count: int) -> NDArray[np.float64]:
    """The sum of columns; NaN where one is missing or holds no numbers, as data-dependent packets may have it."""
    total = np.zeros(count)
    with np.errstate(all="ignore"):  # whatever a damaged packet adds up to
        for path in paths:
            column = columns.get(path)
            numbers = column is not None and column.ndim == 1 and column.dtype.kind in "biuf"
            total += column if column is not None and numbers else np.nan
    return total


def _compile(vehicle: Vehicle, packet: Packet) -> PacketDecoder:
    """A packet type's decoder: columnar where its declaration has a fixed layout."""
    layout, objects, reason = None, None, ""
    try:
        layout = Layout(vehicle.declaration(packet))
        leaves = layout.leaves
    except NoFixedPlace as found:
        reason, objects = str(found), Objects(vehicle.declaration(packet))
        leaves = objects.leaves
    path = packet.sequence or (
        f"header.{vehicle.header.sequence}" if vehicle.header and vehicle.header.sequence else ""
    )
    for each in packet.time:
        place = leaves[each].place if each in leaves else None
        if place is None or place.shape or place.kind not in (Kind.INTEGER, Kind.FLOAT, Kind.UNKNOWN):
            problem = f"there is no number {each!r} to be its time; it has {', '.join(leaves)}"
            raise DeclarationError(f"{vehicle.name}.{packet.name}", problem)
    sequence = SequenceCount.of(f"{vehicle.name}.{packet.name}", path, leaves) if path else None
    return PacketDecoder(packet, layout, objects, reason, sequence)
