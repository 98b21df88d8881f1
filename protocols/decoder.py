"""Frames to batches: which packets a frame holds, and each type's packets together as columns.

Theory of operation. Packets are found in one of two ways that give the same: many frames with one packet each are told
apart by the columns of their headers; anything else is walked packet by packet. The bytes of each type then make rows
of ``frame header | packet header | body`` for its layout; a type whose layout depends on the data is handed to
construct, packet by packet.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.batch import Batch, Column, Field
from protocols.errors import DeclarationError
from protocols.frames import Frames, rows_at
from protocols.headers import HeaderReader, fixed_size
from protocols.layout import Layout, Rows, field_of
from protocols.leaf import Kind, NoFixedPlace
from protocols.objects import Objects
from protocols.packet import Key, Packet, Vehicle
from protocols.sender_counts import SenderCounts
from protocols.sequence import SequenceCount

_FEW = 8
"""Up to this many frames are cheaper walked than sorted by columns."""


_FEW_TYPES = 8
"""Up to this many types are looked for one by one; of more, those that are there are found first."""


@dataclass(frozen=True, slots=True)
class PacketDecoder:
    """How one packet type is decoded."""

    packet: Packet
    layout: Layout | None
    """None where the layout depends on the data; then objects decodes it."""
    objects: Objects | None
    reason: str
    """Why there is no fixed layout; empty where there is one."""
    sequence: SequenceCount | None
    """Its own counter as it is before the first packet; each link has a copy."""

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
    gaps: int = 0
    """Packets missing before them, by their senders' counters."""


class PacketDecoders(Mapping[str, PacketDecoder]):
    """A vehicle's packet types by name, in the order declared, each compiled when it is asked for and then kept."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle
        self._packets = {packet.name: packet for packet in vehicle.packets}
        self._compiled: dict[str, PacketDecoder] = vehicle.compiled

    def __getitem__(self, name: str) -> PacketDecoder:
        found = self._compiled.get(name)
        if found is None:
            found = self._compiled[name] = _compile(self._vehicle, self._packets[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._packets)

    def __len__(self) -> int:
        return len(self._packets)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Packets of one type among frames that hold one each."""

    decoder: PacketDecoder
    which: NDArray[np.int64]
    """Which, rising, int64 (n,)."""
    limits: NDArray[np.int64]
    """Bytes of every packet among the frames, headers included, int64."""
    gaps: int
    """Packets missing before those chosen, by their senders' counters."""


class VehicleDecoder:
    """Decodes one link's frames by a vehicle's declarations. Never raises on any bytes."""

    def __init__(self, vehicle: Vehicle, link: str) -> None:
        """Compile the declarations, but for those of a vehicle that is compiled on demand.

        Raises DeclarationError on what cannot be decoded, and on headers that have no fixed layout.
        """
        self.vehicle, self.link = vehicle, link
        self.decoders: Mapping[str, PacketDecoder] = PacketDecoders(vehicle)
        """By packet name."""
        compiled = {} if vehicle.on_demand else dict(self.decoders)
        self.sequences = {name: copy.copy(each.sequence) for name, each in compiled.items() if each.sequence}
        """Counters by packet name, where each type has its own."""
        self._frame_size = fixed_size(f"{vehicle.name}.frame", vehicle.frame)
        self._header = HeaderReader(vehicle.name, vehicle.header, vehicle.packets) if vehicle.header else None
        identity = self._header.identity if self._header else _no_key
        self._names: dict[Key | None, str] = {identity(packet): packet.name for packet in vehicle.packets}
        self._codes: dict[str, Any] = dict.fromkeys(self.decoders)
        self.senders: SenderCounts | None = None
        """Counters by sender, where these count all their packets together."""
        if self._header is not None and vehicle.header is not None:
            self._codes = {packet.name: self._header.code(packet) for packet in vehicle.packets}
            if vehicle.header.sequence_of:
                self.senders = SenderCounts(vehicle.name, vehicle.header, self._header.layout)
        self._several = bool(vehicle.header and vehicle.header.several)
        self._columnar = not self._frame_size and (self._header is None or self._header.reach == self._header.size)
        """Whether frames that hold one packet each can be told apart by the columns of their headers."""
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
        other.sequences = {name: copy.copy(each) for name, each in self.sequences.items()}
        other.senders = self.senders.fork() if self.senders else None
        return other

    def decode(self, frames: Frames) -> list[Batch]:
        """The packets in frames: a batch for each type present, in the order the types are declared."""
        if len(frames) > _FEW and self._columnar and (not self._several or self._one_each(frames)):
            return self._by_columns(frames)
        return self._by_walking(frames) if len(frames) else []

    def _one_each(self, frames: Frames) -> bool:
        """Whether every frame holds one packet, where it may hold several: by the length in its header."""
        header, lengths = self._header, frames.lengths
        if header is None or not header.has_length or int(lengths.min()) < header.size:
            return False
        heads = _rows(frames.data, frames.offsets[:-1], header.size)
        return bool((header.lengths(heads) + header.size == lengths).all())

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
        batches: list[Batch] = []
        for found in self._sorted(frames.data, starts, lengths, whole):
            decoder, which = found.decoder, found.which
            if decoder.layout is None:
                batches += self._parsed(found, frames.data, starts, times)
                continue
            alone = len(which) == len(starts)
            if whole is not None:
                rows = whole if alone else whole[which]
            else:
                rows = _rows(frames.data, starts[which], decoder.layout.size)
            batches.append(self._batch(decoder, rows, times if alone else times[which], gaps=found.gaps))
        return batches

    def _sorted(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], whole: Rows | None
    ) -> Iterator[_Chosen]:
        """Which of the packets that begin at starts belong to each type that is present; the others are counted."""
        every, limits = np.ones(len(starts), np.bool_), lengths
        header = self._header
        keys: Any = None
        gaps: NDArray[np.int64] | None = None
        if header is not None:
            heads = whole if whole is not None else _rows(data, starts, header.size)
            keys = header.keys(heads)
            if header.has_length:
                limits = header.lengths(heads) + header.size
                every = (limits <= lengths) & (limits >= header.size)
            gaps = self._gaps(heads, every)
        inside = int(np.count_nonzero(every))
        self.malformed += len(starts) - inside
        for name, own in self._by_type(keys, every):
            inside -= len(own)
            decoder, which = self.decoders[name], own
            if decoder.layout is not None:
                good = (limits if len(own) == len(limits) else limits[own]) >= decoder.layout.size
                which = own if good.all() else own[good]
                self.malformed += len(own) - len(which)
            if len(which):
                yield _Chosen(decoder, which, limits, 0 if gaps is None else int(gaps[which].sum()))
        self.unknown_packets += inside

    def _by_type(self, keys: Any, every: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """The types among those of every, in the order declared, and which packets are theirs, rising, int64 (n,)."""
        if len(self._codes) <= _FEW_TYPES or keys.dtype.kind not in "iu":
            for name, code in self._codes.items():
                own = np.flatnonzero(every if keys is None else every & (keys == code))
                if len(own):
                    yield name, own
            return
        narrow = keys.dtype.kind == "u" and int(keys.max()) < 1 << 16  # which are sorted by counting
        order = np.argsort(keys.astype(np.uint16) if narrow else keys, kind="stable")
        ordered = keys[order]
        edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        groups = np.split(order, edges)
        found = {self._names.get(int(keys[each[0]])): each for each in groups}
        for name in self._codes:
            if name in found:
                own = found[name] if every.all() else found[name][every[found[name]]]
                if len(own):
                    yield name, own

    def _gaps(self, heads: Rows, every: NDArray[np.bool_]) -> NDArray[np.int64] | None:
        """Packets missing before each by its sender's counter, int64 (n,); None where senders do not count."""
        if self.senders is None:
            return None
        gaps = np.zeros(len(heads), np.int64)
        gaps[every] = self.senders.gaps_before(heads[every])
        self.sequence_gaps += int(gaps.sum())
        return gaps

    def _parsed(
        self, found: _Chosen, data: NDArray[np.uint8], starts: NDArray[np.int64], times: NDArray[np.int64]
    ) -> Iterator[Batch]:
        """The packets of a type that construct decodes one by one, as a batch; none where none is good."""
        decoder, which = found.decoder, found.which
        assert decoder.objects is not None
        begins, ends = starts[which], starts[which] + found.limits[which]
        each = [decoder.objects.parse(data[begin:end].tobytes()) for begin, end in zip(begins, ends, strict=True)]
        good = np.array([parsed is not None for parsed in each], np.bool_)
        self.malformed += len(each) - int(np.count_nonzero(good))
        if good.any():
            columns = decoder.objects.columns([parsed[0] for parsed in each if parsed is not None])
            yield self._batch(decoder, None, times[which[good]], columns, gaps=found.gaps)

    def _by_walking(self, frames: Frames) -> list[Batch]:
        """Frames of any length, with one or several packets each."""
        data, found = frames.data.tobytes(), dict[str, _Found]()
        for index, (begin, end) in enumerate(pairwise(frames.offsets.tolist())):
            at = begin + self._frame_size
            if at > end:
                self.malformed += 1
                continue
            at = self._walk(data, begin, at, end, index, found)
            while self._several and at < end:
                at = self._walk(data, begin, at, end, index, found)
        batches = []
        for name in found if len(found) < 2 else (name for name in self._codes if name in found):
            each, decoder = found[name], self.decoders[name]
            if each.starts:
                times = frames.received_ns[each.frames]
                columns = decoder.objects.columns(each.parsed) if decoder.objects else None
                rows = self._gather(frames, each, decoder.layout.size) if decoder.layout else None
                batches.append(self._batch(decoder, rows, times, columns, gaps=each.gaps))
        return batches

    def _walk(self, data: bytes, begin: int, at: int, end: int, index: int, found: dict[str, _Found]) -> int:
        """Note the packet at an offset of a frame; the offset after it, or the frame's end if nothing can follow."""
        header, gap = self._header, 0
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
            if self.senders is not None:
                gap = self.senders.gap(data, at)
                self.sequence_gaps += gap
            if known is None:
                self.unknown_packets += 1
                return end if length is None else body + length
            decoder = self.decoders[known]
        limit = end if length is None else body + length
        each = found.get(decoder.packet.name)
        if each is None:
            each = found[decoder.packet.name] = _Found()
        taken = self._take(decoder, data, begin, at, limit, each)
        if taken < 0:
            self.malformed += 1
            return limit
        each.frames.append(index)
        each.starts.append(at)
        each.gaps += gap
        return at + taken - self._frame_size if length is None else limit

    def _take(self, decoder: PacketDecoder, data: bytes, begin: int, at: int, limit: int, found: _Found) -> int:
        """Bytes that the packet from at to limit at most takes, headers included; -1 if too short or none at all."""
        if decoder.layout is not None:
            return decoder.layout.size if decoder.layout.size <= self._frame_size + limit - at else -1
        assert decoder.objects is not None
        parsed = decoder.objects.parse(data[begin : begin + self._frame_size] + data[at:limit])
        if parsed is None:
            return -1
        found.parsed.append(parsed[0])
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
        *,
        gaps: int = 0,
    ) -> Batch:
        """Rows of one type as a batch; their counts are kept. Gaps are those that their senders' counters show."""
        packet, count = decoder.packet, len(received_ns)
        self.packets[packet.name] += count
        columns: Mapping[str, Column] = parsed or {}
        valid = None
        if rows is not None:
            assert decoder.layout is not None
            columns = decoder.layout.columns(rows)
            valid = decoder.layout.valid(rows) if decoder.layout.constants else None
        if decoder.sequence is not None:
            own = self.sequences.setdefault(packet.name, copy.copy(decoder.sequence))
            missing = own.gaps(columns[own.path])
            self.sequence_gaps += missing
            gaps += missing
        time = _sum(columns, packet.time, count) if packet.time else None
        valid = np.ones(count, np.bool_) if valid is None else valid
        return Batch(packet.name, self.link, columns, received_ns, valid, time, gaps)


def _no_key(packet: Packet) -> Key | None:
    return packet.key


def _rows(data: NDArray[np.uint8], begins: NDArray[np.int64], size: int) -> Rows:
    """The bytes ``data[begin:begin + size]`` of each begin, uint8 (n, size), one behind the other in memory."""
    return np.ascontiguousarray(rows_at(data, begins, size))


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
    header = vehicle.header
    by_key = header.sequence if header and not header.sequence_of else ""
    path = packet.sequence or (f"header.{by_key}" if by_key else "")
    for each in packet.time:
        place = leaves[each].place if each in leaves else None
        if place is None or place.shape or place.kind not in (Kind.INTEGER, Kind.FLOAT, Kind.UNKNOWN):
            problem = f"there is no number {each!r} to be its time; it has {', '.join(leaves)}"
            raise DeclarationError(f"{vehicle.name}.{packet.name}", problem)
    sequence = SequenceCount.of(f"{vehicle.name}.{packet.name}", path, leaves) if path else None
    return PacketDecoder(packet, layout, objects, reason, sequence)
