"""Packet and Vehicle: a named construct declaration, and how to recognise it in a frame.

A frame carries packets, one or several after another. Each packet is ``frame header | packet header | body``: the
frame header (Vehicle.frame) comes once a frame and is lent to every packet in it; the packet header (Header.layout)
carries the key that tells packet types apart. All three may hold measurements; those of the headers are named
``frame.NAME`` and ``header.NAME`` beside the body's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from construct import Construct, Struct

from protocols.curve import Curve
from protocols.errors import DeclarationError
from protocols.flight import Flight
from protocols.leaf import Place


@dataclass(frozen=True)
class Test:
    """A comparison of one field with a value."""

    __test__ = False  # for pytest, which takes this for one of its own

    name: str
    """The field, for people."""
    place: Place
    """Where it lies from the packet's first byte, headers included: one big-endian number."""
    operator: str
    """``== != < <= > >=``"""
    value: float
    """What it is compared with."""
    curve: Curve | None = None
    """What makes of its counts the value that is compared; None: the counts are."""

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value:g}"


@dataclass(frozen=True)
class Pattern:
    """What fields of a packet have to be for it to be of a type, where not all types are known by the same fields."""

    tests: tuple[Test, ...]
    """All of them hold; where there are none, any packet fits that fits no type before it."""

    def __str__(self) -> str:
        return " and ".join(map(str, self.tests)) or "any other"


Key = int | bytes | tuple[int, ...] | Pattern
"""What tells one packet type from another: an APID, a type code, a FOURCC; several numbers, an address and a type; or
what any fields have to be.
"""


@dataclass(frozen=True)
class Header:
    """The part before every packet's body."""

    layout: Construct[Any, Any]
    """Its declaration; of fixed size."""
    key: str | tuple[str, ...]
    """Path in layout of the field that tells packet types apart, or of the several that together do; none where the
    packets' keys are patterns.
    """
    sequence: str = ""
    """Path in layout of the counter that shows gaps, counted per key; empty: the packets have none here."""
    sequence_of: tuple[str, ...] = ()
    """Paths in layout of what names a sender, where it counts all its packets together, whatever their key."""
    length: str = ""
    """Path in layout of the body's length; empty: the declaration of each body decides."""
    length_bias: int = 0
    """Added to the length field to get the body's bytes (CCSDS 133.0-B-2 4.1.3.5.3: 1)."""
    several: bool = False
    """Whether packets may follow each other within one frame."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The paths of the key, one or several."""
        return (self.key,) if isinstance(self.key, str) else self.key


@dataclass(frozen=True)
class Packet:
    """One packet type."""

    name: str
    """In the vehicle, a Python identifier in lower case."""
    body: Construct[Any, Any]
    """Its declaration, after the header."""
    key: Key | None = None
    """The value of the header's key field; None where every frame is this packet."""
    rate: float = 0.0
    """Packets a second expected in flight, for staleness; 0 where there is no regular rate."""
    time: tuple[str, ...] = ()
    """Paths of the measurements in s whose sum is the vehicle's time of the packet; empty: it has none."""
    sequence: str = ""
    """Path of a counter in the body that shows gaps, where the header has none."""
    doc: str = ""
    """What it is, in a sentence."""


@dataclass(frozen=True)
class Vehicle:
    """A vehicle or payload: its packets, its framing, its flight."""

    name: str
    """Its file's name."""
    title: str
    """Its name as people write it."""
    packets: tuple[Packet, ...]
    """All its packets."""
    header: Header | None = None
    """What precedes each body; None: a frame is one packet's body."""
    frame: Construct[Any, Any] | None = None
    """What begins each frame, before the first packet; of fixed size."""
    framing: str | Mapping[str, Any] = "datagram"
    """Its usual framing: a name, or ``{"kind": name, option: value}``."""
    flight: Flight | None = None
    """Phases and events, and from which measurements they are known."""
    display: Sequence[str] = field(default=())
    """The four to six measurements that matter most, as ``packet.path``, for the flight view."""
    plots: Sequence[str] = field(default=())
    """The measurements to plot in the flight view, as ``packet.path``."""
    synthetic: bool = False
    """Whether its telemetry is made up: said on every screen and in every file."""
    source: str = ""
    """The document that the declaration follows, or that it is ours."""
    on_demand: bool = False
    """Whether a packet's declaration is compiled when the first such packet comes: for message sets of hundreds, of
    which a flight has some dozens. Such packets carry no limits, and a test has to compile them all.
    """
    compiled: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What decoders have made of its packets, by name, for all of them to use."""

    def __post_init__(self) -> None:
        """Raise DeclarationError on names or keys used twice, and on packets without a key where one is needed."""
        if not self.packets:
            raise DeclarationError(self.name, "there are no packets; declare at least one")
        for packet in self.packets:
            if not packet.name.isidentifier():
                problem = "is no name: it is part of topics, columns and files; use letters, digits and underscores"
                raise DeclarationError(self.name, f"packet {packet.name!r} {problem}")
            if isinstance(packet.body, Struct) and any(member.name == "body" for member in packet.body.subcons):
                raise DeclarationError(f"{self.name}.{packet.name}", "no field can be called body; find another name")
        for what, values in (("name", [p.name for p in self.packets]), ("key", [p.key for p in self.packets])):
            if len(set(values)) != len(values):
                raise DeclarationError(self.name, f"two packets have one {what}; give each its own")
        if self.header is None and len(self.packets) > 1:
            raise DeclarationError(self.name, "several packets need a header that tells them apart; declare one")
        if self.header is not None and any(p.key is None for p in self.packets):
            raise DeclarationError(self.name, "a packet has no key, but the header tells by key; give it one")

    def declaration(self, packet: Packet) -> Construct[Any, Any]:
        """The whole of a packet as one construct declaration: frame header, packet header, body."""
        parts: list[Any] = []
        if self.frame is not None:
            parts.append("frame" / self.frame)
        if self.header is not None:
            parts.append("header" / self.header.layout)
        return Struct(*parts, "body" / packet.body) if parts else Struct("body" / packet.body)
