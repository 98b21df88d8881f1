"""What a recording's proof is made of: SHA-256 of what came, and of what was made of it, link by link.

Four things are told apart, so that a difference says where it comes from:

* ``raw``, the bytes of a link one after the other: the same for the same bytes, however they were cut. Of a link of
  samples it is the SHA-256 of its file of samples;
* ``times``, of each chunk its arrival and its length;
* ``packets``, every value of every packet type (:mod:`protocols.packet_digest`);
* ``alarms`` and ``events``, limit crossings by measurement and flight events, of all links together.

None depends on how chunks are grouped when they are handed over, so a station, which takes them one by one, and a
replay, which takes them by thousands, come to the same.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import orjson

from groundstation.event import Event, EventKind
from groundstation.limits import Crossing
from protocols.batch import Batch
from protocols.chunk import Chunk
from protocols.packet_digest import PacketDigest

_CHUNK = struct.Struct("<qQ")
_DATA, _TIME = itemgetter(1), itemgetter(2)
"""Of a chunk."""


class LinkDigest:
    """One link."""

    def __init__(self) -> None:
        """Of nothing yet."""
        self.chunks = self.bytes = 0
        """Recorded so far."""
        self.decoded = 0
        """Chunks decoded so far: of a radio link fewer than recorded, since it is demodulated later."""
        self.lost = self.skipped = 0
        """Chunks that were decoded but could not be recorded, and those recorded but not decoded."""
        self.finished = False
        """Whether what its framer held at the end is decoded too."""
        self._raw, self._times = hashlib.sha256(), hashlib.sha256()
        self._packets: dict[str, PacketDigest] = {}

    def recorded(self, chunks: Sequence[Chunk]) -> None:
        """Take in chunks as they came."""
        self.chunks += len(chunks)
        if len(chunks) == 1:
            data, times = chunks[0].data, _CHUNK.pack(chunks[0].received_ns, len(chunks[0].data))
        else:
            pieces = list(map(_DATA, chunks))
            data, numbers = b"".join(pieces), np.empty((len(chunks), 2), "<i8")
            numbers[:, 0], numbers[:, 1] = list(map(_TIME, chunks)), list(map(len, pieces))
            times = numbers.tobytes()
        self.bytes += len(data)
        self._raw.update(data)
        self._times.update(times)

    def made(self, batch: Batch) -> None:
        """Take in packets that were decoded."""
        digest = self._packets.get(batch.packet)
        if digest is None:
            digest = self._packets[batch.packet] = PacketDigest(batch.packet)
        digest.add(batch)

    def fork(self) -> LinkDigest:
        """Another one in the same state."""
        other = LinkDigest()
        other.chunks, other.bytes, other.decoded = self.chunks, self.bytes, self.decoded
        other.lost, other.skipped, other.finished = self.lost, self.skipped, self.finished
        other._raw, other._times = self._raw.copy(), self._times.copy()
        other._packets = {name: each.fork() for name, each in self._packets.items()}
        return other

    def raw(self) -> dict[str, Any]:
        """What was recorded."""
        return {
            "chunks": self.chunks,
            "bytes": self.bytes,
            "raw": self._raw.hexdigest(),
            "times": self._times.hexdigest(),
        }

    def values(self) -> dict[str, Any]:
        """What was decoded."""
        packets = {name: {"count": each.count, "sha256": each.hexdigest()} for name, each in self._packets.items()}
        return {"decoded": self.decoded, "packets": packets, "lost": self.lost, "skipped": self.skipped}


@dataclass(slots=True)
class JudgedDigest:
    """What limits and flight made of all links: crossings of each measurement in their order, and flight events.

    Crossings of several measurements have no order among themselves but that of their times, which are hashed too.
    """

    crossings: int = 0
    events: int = 0
    _alarms: dict[str, Any] = field(default_factory=dict)
    _events: Any = field(default_factory=hashlib.sha256)

    def add(self, crossings: Iterable[Crossing], events: Iterable[Event]) -> None:
        """Take in what batches brought."""
        for crossing in crossings:
            self.crossings += 1
            of = self._alarms.setdefault(crossing.measurement, hashlib.sha256())
            numbers = crossing.received_ns, crossing.since_ns
            of.update(_line(crossing.level.word, *numbers, crossing.value, crossing.worst, crossing.limit))
        for event in events:
            if event.kind is EventKind.FLIGHT:
                self.events += 1
                self._events.update(_line(event.name, event.received_ns, *event.detail.values()))

    def fork(self) -> JudgedDigest:
        """Another one in the same state."""
        alarms = {name: each.copy() for name, each in self._alarms.items()}
        return JudgedDigest(self.crossings, self.events, alarms, self._events.copy())

    def as_dict(self) -> dict[str, Any]:
        """Counts and digests."""
        alarms = hashlib.sha256(b"".join(_line(name, self._alarms[name].hexdigest()) for name in sorted(self._alarms)))
        return {
            "alarms": {"count": self.crossings, "sha256": alarms.hexdigest()},
            "events": {"count": self.events, "sha256": self._events.hexdigest()},
        }


class Digests:
    """Of all links of a pipeline, from its beginning."""

    def __init__(self, links: Iterable[str]) -> None:
        """Of nothing yet."""
        self.links = {name: LinkDigest() for name in links}
        self.judged = JudgedDigest()

    def recorded(self, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        """Take in the chunks of each link as they came."""
        for name, own in chunks.items():
            self.links[name].recorded(own)

    def lost(self, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        """Take note of chunks of each link that could not be recorded."""
        for name, own in chunks.items():
            self.links[name].lost += len(own)

    def decoded(self, chunks: Mapping[str, Sequence[Chunk]], batches: Iterable[Batch], finished: str = "") -> None:
        """Take in packets that chunks completed, or that were still in a link's framer at its end."""
        for name, own in chunks.items():
            self.links[name].decoded += len(own)
        for batch in batches:
            self.links[batch.link].made(batch)
        if finished:
            self.links[finished].finished = True

    def fork(self) -> Digests:
        """As they are now, to be written while more comes."""
        other = Digests(())
        other.links = {name: each.fork() for name, each in self.links.items()}
        other.judged = self.judged.fork()
        return other

    @property
    def finished(self) -> list[str]:
        """The links of which all is decoded that their framers held at the end."""
        return [name for name, each in self.links.items() if each.finished]

    def as_dict(self) -> dict[str, Any]:
        """As recordings hold them and commands tell them, digests as hex; ``seal`` is one of all the others."""
        links = {name: each.raw() | each.values() for name, each in self.links.items()}
        told: dict[str, Any] = {"links": links, **self.judged.as_dict()}
        seal = hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))
        return {"seal": seal.hexdigest(), **told}


def _line(*parts: object) -> bytes:
    """Words and numbers as one line: floats as Python writes them, which is exact."""
    return ("\t".join(str(float(each)) if isinstance(each, float) else str(each) for each in parts) + "\n").encode()
