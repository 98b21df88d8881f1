"""What a ULog says of its own messages, as packets (PX4 user guide, "ULog File Format", sections Definitions and Data).

A format (``F``) names the fields of a message, in the order they are stored, little-endian; a subscription (``A``)
gives a message and instance the number under which its data (``D``) is logged. Fields named ``_padding...`` are space.
"""

from __future__ import annotations

import re
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

    def add_format(self, text: str) -> bool:
        """Take over a format, ``name:type field;...``; false where it is none."""
        name, colon, told = text.partition(":")
        matches = [_FIELD.fullmatch(each.strip()) for each in told.split(";") if each.strip()]
        if not colon or not matches or not all(matches):
            return False
        fields = [(each[1], int(each[2] or 0), each[3]) for each in matches if each]
        self.formats.setdefault(name.strip(), fields)
        return True

    def size(self, name: str, depth: int = 0) -> int:
        """Bytes of a message, its last padding included; 0 where it cannot be told."""
        total = 0
        for kind, count, _ in self.formats.get(name, ()):
            known = _BASIC.get(kind)
            single = known[1] if known else self.size(kind, depth + 1) if depth < _DEEPEST else 0
            total += single * max(count, 1)
            if not single or total > _LONGEST:
                return 0
        return total

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
            if own == "timestamp" and kind == "uint64_t" and not count:
                return at
            at += (_BASIC[kind][1] if kind in _BASIC else self.size(kind)) * max(count, 1)
        return -1

    def vehicle(self) -> Vehicle | None:
        """The packets of everything that is logged; None where nothing is."""
        names = _names(self.subscriptions.values())
        packets = []
        for number, each in self.subscriptions.items():
            if self.size(each.name):
                time = ("timestamp",) if self.timestamp(each.name) >= 0 else ()
                packets.append(
                    Packet(names[number], self._body(each.name), number, time=time, doc=f"{each.name}, {each.instance}")
                )
        if not packets:
            return None
        shown = tuple(name for name in _SHOWN if self._has(names.values(), name))
        return Vehicle(
            "ulog",
            "PX4 log",
            tuple(packets),
            _HEADER,
            flight=_flight(self._has(names.values(), "vehicle_land_detected.landed")),
            display=shown,
            plots=shown[:3],
            source="the formats within the log itself",
        )

    def _has(self, packets: Any, measurement: str) -> bool:
        packet, _, path = measurement.partition(".")
        return packet in packets and any(path == own for _, _, own in self.formats.get(packet, ()))

    def _body(self, name: str, depth: int = 0) -> Struct:
        """The declaration of a format, without the padding that ends a message."""
        fields = self.formats[name]
        while depth == 0 and fields and fields[-1][2].startswith("_padding"):
            fields = fields[:-1]
        return Struct(*(self._field(name, *each, depth) for each in fields))

    def _field(self, message: str, kind: str, count: int, name: str, depth: int) -> Any:
        if name.startswith("_padding"):
            return (
                Padding(_BASIC[kind][1] * max(count, 1)) if kind in _BASIC else Padding(self.size(kind) * max(count, 1))
            )
        if kind == "char" and count:
            return name / PaddedString(count, "utf8")
        stored = _BASIC[kind][0] if kind in _BASIC else self._body_within(kind, depth)
        unit = UNITS.get((message, name), "")
        if name == "timestamp" and kind == "uint64_t" and not count and depth == 0:
            return name / Measurement(Int64ul, "s", Linear(1e-6)) * "since the autopilot started"
        stored = Measurement(stored, unit) if unit and kind in _BASIC else stored
        return name / (Array(count, stored) if count else stored)

    def _body_within(self, name: str, depth: int) -> Any:
        """A format within another, whole."""
        if depth >= _DEEPEST or name not in self.formats:
            return Bytes(self.size(name))
        return Struct(*(self._field(name, *each, depth + 1) for each in self.formats[name]))


def _names(subscriptions: Any) -> dict[int, str]:
    """A packet name for each subscription: the message's, with the instance where there are several."""
    names: dict[int, str] = {}
    for each in subscriptions:
        name = re.sub(r"\W", "_", each.name).lower()
        name = name if name[:1].isalpha() else f"message_{name}"
        name = f"{name}_{each.instance}" if each.instance else name
        while name in names.values():
            name = f"{name}_again"
        names[each.number] = name
    return names


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
