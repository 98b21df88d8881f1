"""Packets of MAVLink messages, as the framing ``mavlink`` delivers them, in the units that people read.

The standard's units tell how a value is scaled (``degE7``, ``cdeg``, ``mV``); here a curve takes it to the unit itself.
Times become seconds, whatever the field's name still says; but numbers of 64 bits, mostly times in us, stay as they
are, because no float holds them. What the standard calls invalid, mostly the largest value of the type, comes out as
that value in the unit.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from construct import (
    Array,
    BytesInteger,
    Construct,
    Enum,
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
    Struct,
)

from protocols.curve import Linear
from protocols.mavlink.message_set import FieldType, MessageType, enum
from protocols.measurement import Measurement
from protocols.packet import Header, Packet
from protocols.terminated_text import TerminatedText

_KINDS: dict[str, Construct[Any, Any]] = {
    "int8_t": Int8sl,
    "uint8_t": Int8ul,
    "int16_t": Int16sl,
    "uint16_t": Int16ul,
    "int32_t": Int32sl,
    "uint32_t": Int32ul,
    "int64_t": Int64sl,
    "uint64_t": Int64ul,
    "float": Float32l,
    "double": Float64l,
}
_EXACT = ("int64_t", "uint64_t")

UNITS: dict[str, tuple[str, float]] = {
    "ns": ("s", 1e-9),
    "us": ("s", 1e-6),
    "ms": ("s", 1e-3),
    "cs": ("s", 1e-2),
    "ds": ("s", 1e-1),
    "mm": ("m", 1e-3),
    "cm": ("m", 1e-2),
    "dm": ("m", 1e-1),
    "dam": ("m", 10.0),
    "mm/s": ("m/s", 1e-3),
    "cm/s": ("m/s", 1e-2),
    "dm/s": ("m/s", 1e-1),
    "m/s*5": ("m/s", 0.2),
    "m/s/s": ("m/s2", 1.0),
    "mG": ("G", 1e-3),
    "degE7": ("deg", 1e-7),
    "degE5": ("deg", 1e-5),
    "cdeg": ("deg", 1e-2),
    "deg/2": ("deg", 2.0),
    "ddeg/s": ("deg/s", 1e-1),
    "mrad/s": ("rad/s", 1e-3),
    "cdegC": ("degC", 1e-2),
    "cV": ("V", 1e-2),
    "mV": ("V", 1e-3),
    "cA": ("A", 1e-2),
    "mA": ("A", 1e-3),
    "hJ": ("J", 100.0),
    "d%": ("%", 1e-1),
    "c%": ("%", 1e-2),
    "mgauss": ("gauss", 1e-3),
    "mbar": ("hPa", 1.0),
    "bytes": ("B", 1.0),
    "bytes/s": ("B/s", 1.0),
}
"""Unit and scale of what the standard gives scaled or spells otherwise; all others are taken as they are."""


def header() -> Header:
    """What begins each frame of the framing. A component counts all it sends, so gaps are told by component."""
    layout = Struct(
        "seq" / Measurement(Int8ul, "") * "counts all messages of the component",
        "sysid" / Measurement(Int8ul, "") * "system that sent it: a vehicle, a ground station (mostly 255)",
        "compid" / _enumerated("MAV_COMPONENT", "uint8_t") * "component of the system that sent it",
        "msgid" / Measurement(BytesInteger(3, swapped=True), "") * "which message it is",
    )
    return Header(layout, key="msgid", sequence="seq", sequence_of=("sysid", "compid"))


def packet(message: MessageType) -> Packet:
    """A message as a packet; its time is that since the sender was booted, where the message has it."""
    booted = any(field.name == "time_boot_ms" for field in message.fields)
    body = Struct(*map(_field, message.fields))
    return Packet(message.name, body, message.id, time=("time_boot_ms",) if booted else (), doc=message.doc)


def _field(field: FieldType) -> Any:
    if field.kind == "char":
        return field.name / TerminatedText(field.count or 1) * field.doc
    if field.enum and field.kind not in ("float", "double"):
        value = _enumerated(field.enum, field.kind)
        return field.name / (Array(field.count, value) if field.count else value) * field.doc
    counts = _KINDS[field.kind]
    unit, scale = UNITS.get(field.unit, (field.unit, 1.0))
    scale *= _multiplier(field.multiplier)
    if scale != 1.0 and field.kind in _EXACT:
        unit, scale = field.unit, 1.0
    curve = None if scale == 1.0 else Linear(scale)
    return field.name / Measurement(Array(field.count, counts) if field.count else counts, unit, curve) * field.doc


@cache
def _enumerated(name: str, kind: str) -> Any:
    return Enum(_KINDS[kind], **{label: value for value, label in enum(name).items()})


def _multiplier(text: str) -> float:
    """What the standard writes as ``1E-2`` or ``360/255``; 1 for nothing."""
    above, _, below = text.partition("/")
    return float(above or 1) / float(below or 1)
