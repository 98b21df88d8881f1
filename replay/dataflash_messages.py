"""What an ArduPilot DataFlash log says of its own messages, as packets (ArduPilot, ``LogStructure.h``).

A message is ``A3 95 | type | fields``, little-endian. Messages of type 128 (FMT) give each type its length, its name,
a letter for each field and the fields' names; FMTU gives a letter for each field's unit and for its multiplier, which
UNIT and MULT explain.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from construct import (
    Array,
    Bytes,
    Float16l,
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
    Struct,
)

from protocols.curve import Linear
from protocols.flight import Above, Flight, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle
from replay.declared_names import field_names, packet_name

MAGIC = b"\xa3\x95"
HEAD = 3
"""Bytes before the fields: the two of the magic, and the type."""
FMT = 128
_FMT_BODY = struct.Struct("<BB4s16s64s")
_FMTU_BODY = struct.Struct("<QB16s16s")
_FIELDS: dict[str, tuple[Any, int, float]] = {
    "a": (Array(32, Int16sl), 64, 0),
    "b": (Int8sl, 1, 0),
    "B": (Int8ul, 1, 0),
    "c": (Int16sl, 2, 0.01),
    "C": (Int16ul, 2, 0.01),
    "d": (Float64l, 8, 0),
    "e": (Int32sl, 4, 0.01),
    "E": (Int32ul, 4, 0.01),
    "f": (Float32l, 4, 0),
    "g": (Float16l, 2, 0),
    "h": (Int16sl, 2, 0),
    "H": (Int16ul, 2, 0),
    "i": (Int32sl, 4, 0),
    "I": (Int32ul, 4, 0),
    "L": (Int32sl, 4, 1e-7),
    "M": (Int8ul, 1, 0),
    "n": (PaddedString(4, "utf8"), 4, 0),
    "N": (PaddedString(16, "utf8"), 16, 0),
    "q": (Int64sl, 8, 0),
    "Q": (Int64ul, 8, 0),
    "Z": (PaddedString(64, "utf8"), 64, 0),
}
"""Each letter's declaration, its bytes, and the factor by which it is stored (0: as it is)."""
_TEXTS = "nNZa"
_SHOWN = ("baro.alt", "ctun.alt", "gps.spd", "gps.alt", "bat.volt", "att.roll", "att.pitch")


@dataclass(slots=True)
class Format:
    """One type of message."""

    number: int
    length: int
    """Bytes, with the three before the fields."""
    name: str
    letters: str
    columns: list[str]

    fits: bool = field(init=False)
    """Whether letters, names and length agree."""
    stamp: int = field(init=False)
    """Where in the message its time in us stands; -1 where it has none."""

    def __post_init__(self) -> None:
        """Look at the letters once: this is asked of every message."""
        sizes = [_FIELDS[letter][1] for letter in self.letters if letter in _FIELDS]
        self.fits = len(sizes) == len(self.letters) == len(self.columns) and HEAD + sum(sizes) == self.length
        self.stamp = HEAD if self.fits and self.letters[:1] == "Q" and self.columns[0] == "TimeUS" else -1


@dataclass(slots=True)
class Formats:
    """The types of a log, as far as it is read."""

    known: dict[int, Format] = field(default_factory=dict)
    _units: dict[str, str] = field(default_factory=dict)
    _multipliers: dict[str, float] = field(default_factory=dict)
    _of: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Letters of units and multipliers by type."""

    def __post_init__(self) -> None:
        """Know the message that tells of the others."""
        self.known[FMT] = Format(
            FMT, HEAD + _FMT_BODY.size, "FMT", "BBnNZ", ["Type", "Length", "Name", "Format", "Columns"]
        )

    def learn(self, number: int, body: bytes) -> None:
        """Take over what a message tells of messages; most tell nothing."""
        told = self.known.get(number)
        if number == FMT and len(body) == _FMT_BODY.size:
            kind, length, name, letters, columns = _FMT_BODY.unpack(body)
            if kind != FMT and length >= HEAD:
                names = [each for each in _text(columns).split(",") if each]
                self.known.setdefault(kind, Format(kind, length, _text(name), _text(letters), names))
        elif told is None or not told.fits:
            return
        elif told.name == "FMTU" and len(body) == _FMTU_BODY.size:
            _, kind, units, multipliers = _FMTU_BODY.unpack(body)
            self._of.setdefault(kind, (_text(units), _text(multipliers)))
        elif told.name == "UNIT" and told.letters == "QbZ":
            self._units.setdefault(chr(body[8]), _text(body[9:]))
        elif told.name == "MULT" and told.letters == "Qbd":
            self._multipliers.setdefault(chr(body[8]), struct.unpack("<d", body[9:17])[0])

    def vehicle(self, met: set[int]) -> Vehicle | None:
        """The packets of the types that were met; None where there are none."""
        packets, names, used = [], list[str](), set[str]()
        for each in self._told(met):
            names.append(packet_name(each.name, each.number, used, "type"))
            time = ("TimeUS",) if each.stamp >= 0 else ()
            packets.append(Packet(names[-1], self._body(each), each.number, time=time, doc=each.name))
        if not packets:
            return None
        told = zip(names, self._told(met), strict=True)
        have = {f"{name}.{column.lower()}": column for name, each in told for column in each.columns}
        shown = tuple(f"{name.partition('.')[0]}.{have[name]}" for name in _SHOWN if name in have)
        return Vehicle(
            "dataflash",
            "ArduPilot log",
            tuple(packets),
            Header(Struct("magic" / Int16ul * "95 A3", "type" / Int8ul * "of message"), key="type", several=True),
            flight=_FLIGHT if "stat.isflying" in have else None,
            display=shown[:6],
            plots=shown[:3],
            source="the formats within the log itself",
        )

    def _told(self, met: set[int]) -> list[Format]:
        """The formats of types that were met, by number."""
        return [self.known[number] for number in sorted(met & set(self.known))]

    def _body(self, told: Format) -> Struct:
        if not told.fits:
            return Struct("data" / Bytes(told.length - HEAD) * "fields that the log does not explain")
        units, multipliers = self._of.get(told.number, ("", ""))
        fields, names = [], field_names(told.columns)
        for place, (letter, column) in enumerate(zip(told.letters, told.columns, strict=True)):
            stored, _, factor = _FIELDS[letter]
            unit = self._unit(units[place : place + 1], multipliers[place : place + 1], letter)
            if column == "TimeUS" and letter == "Q":
                unit, factor = "s", 1e-6
            elif letter == "L":
                unit = "deg"
            if letter not in _TEXTS and (unit or factor):
                stored = Measurement(stored, unit, Linear(factor) if factor else None)
            fields.append(names[place] / stored)
        return Struct(*fields)

    def _unit(self, unit: str, multiplier: str, letter: str) -> str:
        """The unit that a value is in: with the log's multiplier before it where the letter does not stand for it."""
        name = self._units.get(unit, "")
        factor = self._multipliers.get(multiplier, 1.0)
        if not name or factor in (0.0, 1.0) or _FIELDS[letter][2]:
            return name
        return f"{factor:g} {name}"


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("ascii", "replace").strip()


_FLIGHT = Flight(
    "ground",
    (Transition("liftoff", "air", (Above("stat.isFlying", 0.5),)),),
)
"""What the autopilot itself takes for flying."""
