"""A link's path, synchronous and pure: chunk to frames to packets to limits to flight events.

Live, replay, simulation and batch decoding all run through here, and time comes from the chunks alone; so the same
bytes give the same columns, alarms and events whenever and however fast they are handed in.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import itemgetter
from threading import Lock
from typing import Any, Self

from groundstation.alarms import AlarmTable
from groundstation.arrival_order import as_they_came, crossings_as_they_came
from groundstation.campaign import LimitTable, make_framer
from groundstation.digests import Digests
from groundstation.event import Event, EventKind
from groundstation.flight import FlightMonitor
from groundstation.limits import Crossing, LimitMonitor, Limits
from groundstation.measurements import Measurements
from protocols.batch import Batch, Field
from protocols.chunk import Chunk
from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.packet import Vehicle
from replay.player import CLOCK_STEP_NS

BLOCK_BYTES, BLOCK_CHUNKS = 256 * 1024, 4096
EVENTS_KEPT = 10_000
"""Events held in memory, oldest dropped first; all are in the recording."""


class LinkPath:
    """One link: its framer and its decoder."""

    def __init__(self, name: str, vehicle: Vehicle, framing: str | Mapping[str, Any]) -> None:
        """Raises DeclarationError on a framing that cannot be used."""
        self.name, self.framing = name, framing
        self.framer = make_framer(framing)
        self.decoder = VehicleDecoder(vehicle, name)
        self.busy = Lock()
        """Held while it decodes: samples are decoded in a thread."""
        self.first_ns = self.last_ns = 0
        """Arrival of the first and the newest chunk, 0 before any."""
        self.decoded_to: int | None = None
        """The recording's position after the newest chunk; None where chunks are decoded as soon as recorded."""

    def receive(self, *chunks: Chunk, recorded_to: int | None = None) -> list[Batch]:
        """The packets that chunks complete: a batch for each type, however many chunks they came in."""
        with self.busy:
            self.decoded_to = recorded_to
            self.first_ns = self.first_ns or chunks[0].received_ns
            self.last_ns = chunks[-1].received_ns
            if len(chunks) == 1:
                return self.decoder.decode(self.framer.receive(chunks[0].data, chunks[0].received_ns))
            data, times = list(map(_DATA, chunks)), list(map(_TIME, chunks))
            return self.decoder.decode(self.framer.receive_many(data, times))

    def finish(self) -> list[Batch]:
        """The packets still within it, now that no more chunks will come."""
        with self.busy:
            return self.decoder.decode(self.framer.finish())

    def report(self) -> Mapping[str, Any]:
        """What a radio link is like now (see :meth:`protocols.framer.Framer.report`); empty for others."""
        with self.busy:
            return self.framer.report()

    def counts(self) -> dict[str, Any]:
        """The ledger and the decoder's counts, by the names that ``--json`` and the bus use."""
        decoder = self.decoder
        return {
            **self.framer.ledger.as_dict(),
            **self.framer.counts(),
            "sequence_gaps": decoder.sequence_gaps,
            "unknown_packets": decoder.unknown_packets,
            "malformed": decoder.malformed,
            "packets": {name: count for name, count in decoder.packets.items() if count},
        }

    def fork(self) -> LinkPath:
        """Another path in the same state, which goes on by itself: used to decode a gap again."""
        other = copy.copy(self)
        other.busy = Lock()
        with self.busy:
            other.decoded_to = self.decoded_to
            other.framer = copy.deepcopy(self.framer)
            other.decoder = self.decoder.fork()
        return other


@dataclass(slots=True)
class Result:
    """What a chunk brought."""

    batches: list[Batch] = field(default_factory=list)
    ordered: list[Batch] = field(default_factory=list)
    """The same, but packets of one type in the order they came, whichever links brought them."""
    events: list[Event] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)

    def __iadd__(self, other: Result) -> Self:
        """With what came next."""
        self.batches += other.batches
        self.ordered += other.ordered
        self.events += other.events
        self.crossings += other.crossings
        return self


class Pipeline:
    """All links of a vehicle, its limits and its flight."""

    def __init__(
        self,
        vehicle: Vehicle,
        framings: Mapping[str, str | Mapping[str, Any]],
        overrides: Mapping[str, LimitTable] | None = None,
        declared: Mapping[str, Vehicle] | None = None,
    ) -> None:
        """Make a path for each link that framings names. Raises DeclarationError.

        A link's packets are the vehicle's, or those that declared has for it, as recordings which declare their own.
        """
        self.vehicle = vehicle
        own = declared or {}
        self.links = {name: LinkPath(name, own.get(name, vehicle), framing) for name, framing in framings.items()}
        self.vehicles = _distinct([vehicle, *own.values()])
        """The vehicle first, then what else is declared."""
        types = (packet.name for one in self.vehicles for packet in one.packets)
        self._declared = {name: number for number, name in enumerate(types)}
        self.fields = Measurements(self.vehicles)
        self.limits = effective_limits(self.fields, overrides or {})
        self.limit_monitor = LimitMonitor(self.fields, self.limits)
        self.flight = FlightMonitor(vehicle.flight)
        self.alarms = AlarmTable()
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.now_ns = 0
        """The newest data time."""
        self.digests: Digests | None = None
        """Of all that passes through, from ``prove`` on."""

    def prove(self) -> Digests:
        """Begin to keep digests: before anything is received."""
        self.digests = Digests(self.links)
        return self.digests

    def recorded(self, chunks: Sequence[Chunk], lost: int = 0) -> None:
        """Take note, for the digests, of chunks that were recorded; the last so many of them could not be."""
        if self.digests is not None:
            kept = len(chunks) - min(lost, len(chunks))
            self.digests.recorded(by_link(chunks[:kept]))
            if lost:
                self.digests.lost(by_link(chunks[kept:]))

    def skipped(self, link: str) -> None:
        """Take note, for the digests, of a chunk that was recorded and will not be decoded."""
        if self.digests is not None:
            self.digests.links[link].skipped += 1

    def receive(self, *chunks: Chunk) -> Result:
        """Everything that chunks bring about; how they are grouped changes nothing. Never raises on any bytes."""
        first, *more = _cut_where_set_back(self.now_ns, chunks)
        result = self._receive(first)
        for part in more:
            result += self._receive(part)
        return result

    def _receive(self, chunks: Sequence[Chunk]) -> Result:
        """The same of chunks within which the clock was not set back."""
        batches = []
        for name, own in by_link(chunks).items():
            batches += self.links[name].receive(*own)
        return self.judge(chunks, batches)

    def finish(self, link: str) -> Result:
        """What is still within a link's framer, now that no more of it will come."""
        return self.judge((), self.links[link].finish(), finished=link)

    def judge(self, chunks: Sequence[Chunk], batches: Sequence[Batch], *, finished: str = "") -> Result:
        """The alarms and events that batches bring about: those completed by chunks, or by the end of a link."""
        if chunks:
            self.now_ns = _newest(self.now_ns, list(map(_TIME, chunks)))
        result, ordered = Result(list(batches)), as_they_came(batches, chunks, self._declared)
        result.ordered = ordered
        result.events += self.flight.watch(*ordered)
        result.crossings += crossings_as_they_came(map(self._crossings, ordered), chunks)
        for crossing in result.crossings:
            self.alarms.update(crossing)
            result.events.append(_limit_event(crossing))
        self.events.extend(result.events)
        if self.digests is not None:
            self.digests.decoded(by_link(chunks), batches, finished)
            self.digests.judged.add(result.crossings, result.events)
        return result

    def _crossings(self, batch: Batch) -> list[Crossing]:
        """The limits that a batch crosses."""
        check = self.limit_monitor.check
        return [crossing for part, phase in self.flight.by_phase(batch) for crossing in check(part, phase)]

    def fork(self) -> Pipeline:
        """Another pipeline in the same state, which goes on by itself; what is declared is shared."""
        other = copy.copy(self)
        other.links = {name: path.fork() for name, path in self.links.items()}
        other.limit_monitor, other.flight = self.limit_monitor.fork(), self.flight.fork()
        other.alarms, other.events = self.alarms.fork(), self.events.copy()
        other.digests = None if self.digests is None else self.digests.fork()
        return other

    def mission_time(self, received_ns: int) -> float | None:
        """Seconds since T-0, None before it is known."""
        return None if self.flight.t0_ns is None else (received_ns - self.flight.t0_ns) / 1e9


def _distinct(vehicles: Sequence[Vehicle]) -> list[Vehicle]:
    """Each vehicle once. Raises DeclarationError where two of them have packets of one name."""
    found = [each for index, each in enumerate(vehicles) if not any(each is other for other in vehicles[:index])]
    names: set[str] = set()
    for each in found:
        own = {packet.name for packet in each.packets}
        if twice := own & names:
            text = f"another link's packets are called {', '.join(sorted(twice))} too; give each its own name"
            raise DeclarationError(each.name, text)
        names |= own
    return found


def _newest(now_ns: int, times: Sequence[int]) -> int:
    """The newest time after some have come, one after the other; one far behind is that of a clock set back."""
    newest = max(now_ns, *times)
    if min(times) >= newest - CLOCK_STEP_NS:
        return newest
    for time_ns in times:
        now_ns = time_ns if time_ns < now_ns - CLOCK_STEP_NS else max(now_ns, time_ns)
    return now_ns


def _cut_where_set_back(now_ns: int, chunks: Sequence[Chunk]) -> list[Sequence[Chunk]]:
    """Chunks in parts within which the clock was not set back: phases of the flight are told by times."""
    times = list(map(_TIME, chunks)) if len(chunks) > 1 else []
    if not times or min(times) >= max(now_ns, *times) - CLOCK_STEP_NS:
        return [chunks]
    parts, begin, newest = list[Sequence[Chunk]](), 0, times[0]
    for at, time_ns in enumerate(times):
        if time_ns < newest - CLOCK_STEP_NS:
            parts.append(chunks[begin:at])
            begin, newest = at, time_ns
        newest = max(newest, time_ns)
    return [*parts, chunks[begin:]]


def by_link(chunks: Iterable[Chunk]) -> dict[str, list[Chunk]]:
    """Chunks sorted by link, each link's in their order."""
    every = chunks if isinstance(chunks, list) else list(chunks)
    links = dict.fromkeys(map(_LINK, every))
    if len(links) < 2:
        return dict.fromkeys(links, every)
    found: dict[str, list[Chunk]] = {name: [] for name in links}
    for chunk in every:
        found[chunk.link].append(chunk)
    return found


def blocks(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Chunks in groups worth a batch: BLOCK_BYTES, so that a group and its columns stay in a core's cache."""
    left = iter(chunks)
    taken = 1
    while group := list(islice(left, taken)):
        size = sum(map(len, map(_DATA, group)))
        while size < BLOCK_BYTES and len(group) < BLOCK_CHUNKS and (more := list(islice(left, taken))):
            group += more
            size += sum(map(len, map(_DATA, more)))
            taken = _worth_taking(group)
        yield from _cut(group, size)


def _worth_taking(group: list[Chunk]) -> int:
    """How many chunks to take at once after some: large ones a few at a time, so that few are in memory."""
    return max(1, min(_TAKEN, BLOCK_BYTES // (4 * max(len(group[-1].data), 1)), len(group)))


def _cut(group: list[Chunk], size: int) -> Iterator[list[Chunk]]:
    """A group that may have grown too large, in several."""
    begin = 0
    if size > 2 * BLOCK_BYTES:
        size = 0
        for end, chunk in enumerate(group, 1):
            size += len(chunk.data)
            if size >= BLOCK_BYTES:
                yield group[begin:end]
                begin, size = end, 0
    if begin < len(group):
        yield group[begin:]


_LINK, _DATA, _TIME = itemgetter(0), itemgetter(1), itemgetter(2)
"""Of a chunk: at a third of the cost of asking by name."""
_TAKEN = 256
"""Chunks taken at a time, at most."""


def measurements(vehicle: Vehicle) -> Measurements:
    """Every measurement of a vehicle by its full name, ``packet.path``. Raises DeclarationError."""
    return Measurements([vehicle])


def effective_limits(fields: Mapping[str, Field], overrides: Mapping[str, LimitTable]) -> dict[str, Limits]:
    """The limits that hold, by full name: the declaration's, with what the campaign says instead."""
    found = {}
    limited = fields.limited() if isinstance(fields, Measurements) else fields
    for name in dict.fromkeys([*limited, *(name for name in overrides if name in fields)]):
        told = fields[name]
        limits = Limits(told.yellow, told.red, told.persistence, told.persistence_s, told.hysteresis, told.when)
        if name in overrides:
            given = overrides[name].model_dump(exclude_unset=True)
            given |= {"when": tuple(given["when"] or ())} if "when" in given else {}
            limits = replace(limits, **given)
        if limits.yellow or limits.red:
            found[name] = limits
    return found


def _limit_event(crossing: Crossing) -> Event:
    """A limit crossing as an event."""
    level = crossing.level.name.lower()
    text = f"{crossing.measurement} {crossing.value:g} {crossing.unit}".rstrip()
    text += f", {crossing.limit}" if crossing.limit else " back in limits"
    detail = {"measurement": crossing.measurement, "level": level, "value": crossing.value}
    return Event(EventKind.LIMIT, level, crossing.received_ns, text, detail)
