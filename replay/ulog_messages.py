"""What a ULog says of its own messages, as packets (PX4 user guide, "ULog File Format", sections Definitions and Data).

A format (``F``) names the fields of a message, in the order they are stored, little-endian; a subscription (``A``)
gives a message and instance the number under which its data (``D``) is logged. Fields named ``_padding...`` are space.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from construct import (
    Array,
    Bytes,
    Flag,
    Float32l,
    Float64l,
    Int8sl,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64sl,
    Int64ul,
    PaddedString,
    Padding,
    Struct,
)

from protocols.curve import Linear
from protocols.flight import Equals, Flight, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle
from replay.declared_names import field_names, packet_name

_BASIC: dict[str, tuple[Any, int]] = {
    "int8_t": (Int8sl, 1),
    "uint8_t": (Int8ul, 1),
    "int16_t": (Int16sl, 2),
    "uint16_t": (Int16ul, 2),
    "int32_t": (Int32sl, 4),
    "uint32_t": (Int32ul, 4),
    "int64_t": (Int64sl, 8),
    "uint64_t": (Int64ul, 8),
    "float": (Float32l, 4),
    "double": (Float64l, 8),
    "bool": (Flag, 1),
    "char": (Int8ul, 1),
}
_FIELD = re.compile(r"([\w/]+)(?:\[(\d+)\])? (\w+)")
_DEEPEST = 8
"""Formats within formats."""
_LONGEST = 65_535
"""Bytes of a message: its length is 16 bits."""
MOST_VALUES = 20_000
"""Values that all packets of a log may have together: PX4 itself logs some 5,000 at the most."""
UNITS = {
    ("battery_status", "voltage_v"): "V",
    ("battery_status", "current_a"): "A",
    ("vehicle_global_position", "lat"): "deg",
    ("vehicle_global_position", "lon"): "deg",
    ("vehicle_global_position", "alt"): "m",
    ("vehicle_local_position", "x"): "m",
    ("vehicle_local_position", "y"): "m",
    ("vehicle_local_position", "z"): "m",
    ("vehicle_local_position", "vx"): "m/s",
    ("vehicle_local_position", "vy"): "m/s",
    ("vehicle_local_position", "vz"): "m/s",
    ("airspeed", "indicated_airspeed_m_s"): "m/s",
    ("airspeed", "true_airspeed_m_s"): "m/s",
    ("sensor_baro", "temperature"): "degC",
}
"""Units of what is most looked at (PX4's uORB message definitions); a ULog itself tells none."""
_SHOWN = (
    "vehicle_global_position.alt",
    "vehicle_local_position.z",
    "vehicle_local_position.vz",
    "airspeed.indicated_airspeed_m_s",
    "battery_status.voltage_v",
    "vehicle_status.nav_state",
)
_HEADER = Header(
    Struct(
        "size" / Int16ul * "bytes after the type", "type" / Int8ul * "D", "message" / Int16ul * "of the subscription"
    ),
    key="message",
    length="size",
    length_bias=-2,
    several=True,
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A message and instance that are logged."""

    number: int
    name: str
    instance: int


@dataclass(slots=True)
class Definitions:
    """Formats and subscriptions, as far as they are read."""

    formats: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)
    """Fields of each format: type, elements (0: no array), name."""
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    left_out: int = 0
    """Subscriptions that are not declared as packets, because all together have more than MOST_VALUES."""
    _known: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Bytes and values of formats that are whole."""

    def add_format(self, text: str) -> bool:
        """Take over a format, ``name:type field;...``; false where it is none."""
        name, colon, told = text.partition(":")
        matches = [_FIELD.fullmatch(each.strip()) for each in told.split(";") if each.strip()]
        if not colon or not matches or not all(matches):
            return False
        fields = [(each[1], int(each[2] or 0), each[3]) for each in matches if each]
        self.formats.setdefault(name.strip(), fields)
        return True

    def size(self, name: str) -> int:
        """Bytes of a message, its last padding included; 0 where it cannot be told."""
        return self._size(name, 0)[0]

    def _size(self, name: str, depth: int) -> tuple[int, int]:
        """Bytes of a message, and how many values it has; (0, 0) where it cannot be told."""
        if name in self._known:
            return self._known[name]
        total = values = 0
        for kind, count, _ in self.formats.get(name, ()):
            basic = _BASIC.get(kind)
            inner = (basic[1], 1) if basic else self._size(kind, depth + 1) if depth < _DEEPEST else (0, 0)
            total += inner[0] * max(count, 1)
            values += 1 if basic else inner[1] * max(count, 1)
            if not inner[0] or total > _LONGEST:
                return 0, 0
        if total:
            self._known[name] = total, values
        return total, values

    def padding(self, name: str) -> int:
        """Bytes of padding that end a message, which the logger leaves out."""
        fields, total = self.formats.get(name, []), 0
        for kind, count, own in reversed(fields):
            if not own.startswith("_padding") or kind not in _BASIC:
                break
            total += _BASIC[kind][1] * max(count, 1)
        return total

    def timestamp(self, name: str) -> int:
        """Where a message's timestamp stands in it; -1 where it has none."""
        at = 0
        for kind, count, own in self.formats.get(name, ()):
            if own == "timestamp":
                return at if kind == "uint64_t" and not count else -1
            at += (_BASIC[kind][1] if kind in _BASIC else self.size(kind)) * max(count, 1)
        return -1

    def vehicle(self) -> Vehicle | None:
        """The packets of what is logged, up to MOST_VALUES; None where nothing is."""
        packets, used, left = [], set[str](), MOST_VALUES
        self.left_out = 0
        for number, each in self.subscriptions.items():
            size, values = self._size(each.name, 0)
            left -= values
            if size and left >= 0:
                time = ("timestamp",) if self.timestamp(each.name) >= 0 else ()
                told = f"{each.name}_{each.instance}" if each.instance else each.name
                name = packet_name(told, number, used, "message")
                doc = f"{each.name}, {each.instance}"
                packets.append(Packet(name, self._body(each.name), number, time=time, doc=doc))
            else:
                self.left_out += bool(size)
                left += values
        if not packets:
            return None
        shown = tuple(name for name in _SHOWN if self._has(used, name))
        return Vehicle(
            "ulog",
            "PX4 log",
            tuple(packets),
            _HEADER,
            flight=_flight(self._has(used, "vehicle_land_detected.landed")),
            display=shown,
            plots=shown[:3],
            source="the formats within the log itself",
        )

    def _has(self, packets: Collection[str], measurement: str) -> bool:
        packet, _, path = measurement.partition(".")
        return packet in packets and any(path == own for _, _, own in self.formats.get(packet, ()))

    def _body(self, name: str) -> Struct:
        """The declaration of a format, without the padding that ends a message."""
        fields = self.formats[name]
        while fields and fields[-1][2].startswith("_padding"):
            fields = fields[:-1]
        return Struct(*self._fields(name, fields, 0))

    def _fields(self, message: str, fields: Sequence[tuple[str, int, str]], depth: int) -> Iterator[Any]:
        """The declarations of a format's fields, each under a name of its own."""
        for (kind, count, own), name in zip(fields, field_names(own for _, _, own in fields), strict=True):
            if own.startswith("_padding"):
                yield Padding((_BASIC[kind][1] if kind in _BASIC else self.size(kind)) * max(count, 1))
            elif kind == "char" and count:
                yield name / PaddedString(count, "utf8")
            elif name == "timestamp" and kind == "uint64_t" and not count and depth == 0:
                yield name / Measurement(Int64ul, "s", Linear(1e-6)) * "since the autopilot started"
            else:
                stored = _BASIC[kind][0] if kind in _BASIC else self._within(kind, depth)
                unit = UNITS.get((message, own), "") if kind in _BASIC else ""
                stored = Measurement(stored, unit) if unit else stored
                yield name / (Array(count, stored) if count else stored)

    def _within(self, name: str, depth: int) -> Any:
        """A format within another, whole."""
        if depth >= _DEEPEST or name not in self.formats:
            return Bytes(self.size(name))
        return Struct(*self._fields(name, self.formats[name], depth + 1))


def _flight(known: bool) -> Flight | None:
    """On the ground, in the air, on the ground again, as the land detector says."""
    if not known:
        return None
    landed = "vehicle_land_detected.landed"
    return Flight(
        "starting",
        (
            Transition("on ground", "ground", (Equals(landed, 1),)),
            Transition("liftoff", "air", (Equals(landed, 0),)),
            Transition("landing", "landed", (Equals(landed, 1),)),
        ),
    )
