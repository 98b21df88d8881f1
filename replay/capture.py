"""Captures of a network as recordings: each direction of a UDP or TCP conversation is a link, its payloads the chunks.

The file is read twice, once to know the links and once for the chunks; neither keeps more than a bounded sample.
"""

from __future__ import annotations

import ipaddress
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO, Protocol

from protocols.chunk import Chunk
from replay.capture_framing import recognised
from replay.capture_payloads import Flow, Payloads
from replay.network_layers import UDP
from replay.pcap_file import Captured
from replay.recording import Damage, RecordedLink, Recording

MOST_LINKS = 256
"""Links of one capture: the flows with the most bytes; the others are counted."""
_SAMPLE_PIECES, _SAMPLE_BYTES = 4, 4096
"""What is kept of each flow's beginning to recognise its framing."""


class CaptureFile(Protocol):
    """What reads a format of capture files."""

    taken: int
    """Bytes of the file that were understood."""

    def packets(self) -> Iterator[Captured]:
        """All packets of the file."""
        ...


@dataclass(slots=True)
class _Seen:
    """What the first reading saw of a flow."""

    size: int = 0
    sample: list[bytes] = field(default_factory=list)
    sampled: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def add(self, at_ns: int, payload: bytes) -> None:
        """Note a payload."""
        if not self.size:
            self.first_ns = at_ns
        self.last_ns = at_ns
        self.size += len(payload)
        if len(self.sample) < _SAMPLE_PIECES and self.sampled < _SAMPLE_BYTES:
            self.sample.append(payload[: _SAMPLE_BYTES - self.sampled])
            self.sampled += len(self.sample[-1])


class Capture(Recording):
    """A file of captured packets."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with path.open("rb") as file:
            self._reader(file, Damage())
        self.overhead = 0
        """Bytes of headers, of what was sent again, and of packets that carry neither UDP nor TCP. Filled while the
        chunks are read, so that file size = bytes delivered + overhead + damage.discarded."""

    @abstractmethod
    def _reader(self, file: BinaryIO, damage: Damage) -> CaptureFile:
        """What reads the format. Raises RecordingTruncated."""

    @cached_property
    def _names(self) -> Mapping[Flow, tuple[str, _Seen]]:
        """Name and beginning of each flow that is a link, from the one with the most bytes on."""
        seen: dict[Flow, _Seen] = {}
        with self.path.open("rb", buffering=0) as file:
            for at_ns, flow, payload in Payloads().of(self._reader(file, Damage()).packets()):
                if (known := seen.get(flow)) is None:
                    known = seen[flow] = _Seen()
                known.add(at_ns, payload)
        largest = sorted(seen, key=lambda flow: -seen[flow].size)[:MOST_LINKS]
        return {flow: (name, seen[flow]) for flow, name in zip(largest, names(largest), strict=True)}

    @cached_property
    def links(self) -> Mapping[str, RecordedLink]:
        """The flows; how they are framed where their bytes tell it."""
        return {name: recognised(seen.sample) for name, seen in self._names.values()}

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last payload."""
        seen = [each for _, each in self._names.values()]
        return min((each.first_ns for each in seen), default=0), max((each.last_ns for each in seen), default=0)

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """A chunk for each datagram, and for what each segment adds to its stream."""
        self.damage, self.overhead = Damage(), 0
        wanted = {flow: name for flow, (name, _) in self._names.items()}
        with self.path.open("rb", buffering=0) as file:
            reader, payloads = self._reader(file, self.damage), Payloads(wanted)
            for at_ns, flow, payload in payloads.of(reader.packets()):
                if start_ns is None or at_ns >= start_ns:
                    yield Chunk(wanted[flow], payload, at_ns)
        unreadable = self.damage.discarded
        payloads.tell(self.damage)
        self.overhead = reader.taken - payloads.delivered - (self.damage.discarded - unreadable)


def names(flows: Iterable[Flow]) -> Iterator[str]:
    """A name for each flow: protocol and destination port, where that is taken the destination's address, and so on."""
    taken: set[str] = set()
    for protocol, ends in flows:
        half = (len(ends) - 4) // 2
        address = str(ipaddress.ip_address(ends[half : 2 * half])).replace(":", "-")  # no colons in a link's name
        source, port = (int.from_bytes(ends[at : at + 2], "big") for at in (2 * half, 2 * half + 2))
        short = f"{'udp' if protocol == UDP else 'tcp'}-{port}"
        full = f"{short}-{address}-{source}"
        tries = chain((short, f"{short}-{address}", full), (f"{full}-{number}" for number in count(2)))
        name = next(each for each in tries if each not in taken)
        taken.add(name)
        yield name
