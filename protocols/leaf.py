"""Walks a construct declaration of fixed layout and finds where every named value lies, to the bit.

Nodes are told apart with ``isinstance`` alone: construct's wrappers answer almost any attribute, so ``hasattr`` lies.
A node without a fixed place (Switch, Prefixed, ``this.n``, an unknown adapter) raises :class:`NoFixedPlace`, which
says which one; such a packet decodes through construct instead (:mod:`protocols.objects`).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import construct as cs
from construct.core import StringEncoded
from construct.lib import bits2bytes, bytes2bits, swapbytes

from protocols.errors import DeclarationError
from protocols.measurement import Measurement
from protocols.terminated_text import TerminatedText

_FLAG = type(cs.Flag)  # Flag itself is an instance; a deep copy of it is not it


class NoFixedPlace(Exception):
    """A node whose place or size depends on the data; the text names it by path."""


class Kind(IntEnum):
    """How a value's bits are to be read."""

    INTEGER = 0
    FLOAT = 1
    FLAG = 2
    BYTES = 3
    TEXT = 4
    UNKNOWN = 5
    """What only construct can tell from the data."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies in its packet and how its bits make a number."""

    kind: Kind
    bit: int
    """First bit: counted from the packet's first byte, each byte's highest bit first; lowest first if little."""
    bits: int
    """Bits of one element."""
    little: bool = False
    """Little-endian: the value's lowest bit comes first."""
    signed: bool = False
    shape: tuple[int, ...] = ()
    """Elements of an array."""
    strides: tuple[int, ...] = ()
    """Bits from one element to the next, by dimension; negative within byte-swapped regions."""
    origin: int = 0
    """First byte of the bit structure around it: fields of one structure share their loads."""
    extent: int = 0
    """Bytes of that structure."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A named value of a declaration, or an unnamed constant to be verified."""

    path: str
    """Dotted name in the packet; empty for an unnamed constant."""
    place: Place
    doc: str = ""
    measurement: Measurement | None = None
    labels: Mapping[int, str] = field(default_factory=dict)
    constant: Any = None
    """The only value allowed here; None where all are."""
    encoding: str = ""
    """Of a text."""
    terminated: bool = False
    """Whether a text ends at its first NUL."""


@dataclass(frozen=True, slots=True)
class _Region:
    """Bytes within which positions are counted: the packet, or what a ByteSwapped turns round."""

    start: int
    """First byte in the packet."""
    size: int
    swapped: bool
    unit: int = 8
    """Bits of one construct size unit: 8, or 1 inside Bitwise."""
    origin: int = -1
    """First byte of the bit structure, -1 outside of one."""
    extent: int = 0

    def place(self, kind: Kind, bit: int, bits: int, *, little: bool = False, signed: bool = False) -> Place:
        """A value of this region, bit counted within it, as a place in the packet."""
        at, origin = 8 * self.start + bit, max(self.origin, 0)
        if self.swapped:
            at = 8 * self.start + 8 * self.size - bit - bits
            if little and kind in (Kind.INTEGER, Kind.FLOAT):  # turned round twice: big-endian again
                return Place(kind, at, bits, signed=signed, origin=origin, extent=self.extent)
        return Place(kind, at, bits, little or self.swapped, signed, origin=origin, extent=self.extent)


def leaves(declaration: Any) -> tuple[list[Leaf], int]:
    """All values of a declaration in order, and its size in bytes.

    Raises NoFixedPlace, and DeclarationError where two values have one name.
    """
    size = _size(declaration, "packet")
    found: list[Leaf] = []
    end = _walk(declaration, "", 0, _Region(0, size, swapped=False), found, _Known())
    if end != 8 * size:
        raise NoFixedPlace(f"the declaration says {size} bytes, its parts {end} bits")
    for leaf in found:
        if _end(leaf.place) > 8 * size:
            raise NoFixedPlace(f"{leaf.path}: it looks past the end of the packet")
    named = Counter(leaf.path for leaf in found if leaf.path)
    if len(named) < named.total():
        raise DeclarationError(named.most_common(1)[0][0], "two fields have this name; rename one")
    return found, size


def _end(place: Place) -> int:
    """The bit after a value's last element."""
    steps = (max(0, (count - 1) * step) for count, step in zip(place.shape, place.strides, strict=True))
    return place.bit + place.bits + sum(steps)


def stored(node: Any, unit: int) -> Place:
    """How a value is stored, without where; unit as in construct: 8 bits, or 1 inside Bitwise."""
    try:
        return replace(_place(node, "", 0, _Region(0, 0, swapped=False, unit=unit))[0], bit=-1)
    except NoFixedPlace:
        return NOWHERE


NOWHERE = Place(Kind.UNKNOWN, -1, -1)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the wrappers around a leaf said of it."""

    doc: str = ""
    measurement: Measurement | None = None
    labels: Mapping[int, str] = field(default_factory=dict)
    constant: Any = None
    flags: Mapping[str, int] = field(default_factory=dict)


def _size(node: Any, path: str) -> int:
    try:
        return int(node.sizeof())
    except (cs.ConstructError, KeyError, AttributeError, TypeError):
        node, path = _blame(node, path)
        raise NoFixedPlace(f"{path}: {_title(node)} has no fixed size") from None


def _blame(node: Any, path: str) -> tuple[Any, str]:
    """The innermost named part of node, which has no fixed size, that is to blame for it."""
    while isinstance(node, cs.Renamed):
        node = node.subcon
    for member in node.subcons if isinstance(node, cs.Struct) else ():
        try:
            _size(member, f"{path}.{member.name or '?'}")
        except NoFixedPlace:
            return _blame(member, f"{path}.{member.name or '?'}")
    return node, path


def unwrap(node: Any, path: str) -> tuple[Any, str, str]:
    """A Renamed node's inside, its dotted path and its documentation: both stand on the outermost wrapper.

    A packet's body, which a vehicle's declaration names so, adds nothing to the path.
    """
    name, docs = node.name, str(node.docs or "")
    while isinstance(node, cs.Renamed):
        node = node.subcon
    if not name or (name == "body" and not path):
        return node, path, docs
    return node, f"{path}.{name}".lstrip("."), docs


def _title(node: Any) -> str:
    while isinstance(node, cs.Renamed):
        node = node.subcon
    return type(node).__name__


def _walk(node: Any, path: str, bit: int, region: _Region, found: list[Leaf], known: _Known) -> int:
    """Append the leaves of node, which begins at bit of region; the bit after it."""
    if isinstance(node, cs.Renamed):
        inner, path, docs = unwrap(node, path)
        return _walk(inner, path, bit, region, found, replace(known, doc=known.doc or docs))
    match node:
        case cs.Struct(subcons=members):
            for member in members:
                inner = member if isinstance(member, cs.Renamed) and member.name else _Unnamed(member)
                bit = _member(inner, path, bit, region, found)
            return bit
        case cs.Transformed():
            return _transformed(node, path, bit, region, found, known)
        case cs.Array():
            return _array(node, path, bit, region, found, known)
        case Measurement():
            return _walk(node.subcon, path, bit, region, found, replace(known, measurement=node))
        case cs.Enum():
            labels = {int(code): str(label) for code, label in node.decmapping.items()}
            return _walk(node.subcon, path, bit, region, found, replace(known, labels=labels))
        case cs.FlagsEnum():
            return _walk(node.subcon, path, bit, region, found, replace(known, flags=node.flags))
        case cs.Const():
            return _walk(node.subcon, path, bit, region, found, replace(known, constant=node.value))
        case cs.Default() | cs.Rebuild() | cs.Hex() | cs.HexDump():
            return _walk(node.subcon, path, bit, region, found, known)
        case cs.Padded() | cs.Aligned() | cs.FixedSized() | cs.Peek():  # a Peek, which takes nothing, sees what follows
            _walk(node.subcon, path, bit, region, found, known)
            return bit + region.unit * _size(node, path)
    if node is cs.Pass or node is cs.Terminated:
        return bit
    return _leaf(node, path, bit, region, found, known)


@dataclass(frozen=True, slots=True)
class _Unnamed:
    """A member of a Struct without a name: its values are not kept, its constants are."""

    node: Any


def _member(node: Any, path: str, bit: int, region: _Region, found: list[Leaf]) -> int:
    if not isinstance(node, _Unnamed):
        return _walk(node, path, bit, region, found, _Known())
    inside: list[Leaf] = []
    end = _walk(node.node, path, bit, region, inside, _Known())
    found.extend(replace(leaf, path="") for leaf in inside if leaf.constant is not None)
    return end


def _transformed(node: Any, path: str, bit: int, region: _Region, found: list[Leaf], known: _Known) -> int:
    """BitStruct, Bitwise, Bytewise and ByteSwapped, which are functions that make a Transformed."""
    size = region.unit * _size(node, path)
    if node.decodefunc is bytes2bits and region.unit == 8:
        first = region.start + (region.size - (bit + size) // 8 if region.swapped else bit // 8)
        inner = replace(region, unit=1, origin=first, extent=size // 8)
        _walk(node.subcon, path, bit, inner, found, known)
    elif node.decodefunc is bits2bytes and region.unit == 1 and bit % 8 == 0:
        _walk(node.subcon, path, bit, replace(region, unit=8), found, known)
    elif node.decodefunc is swapbytes and region.unit == 8:
        start = region.start + (region.size - (bit + size) // 8 if region.swapped else bit // 8)
        inner = _Region(start, size // 8, not region.swapped)
        _walk(node.subcon, path, 0, inner, found, known)
    else:
        raise NoFixedPlace(f"{path}: a transformation other than of bits and byte order has no column")
    return bit + size


def _array(node: Any, path: str, bit: int, region: _Region, found: list[Leaf], known: _Known) -> int:
    """An array of anything of fixed size: its leaves get a dimension in front."""
    if not isinstance(node.count, int) or node.count < 1:
        raise NoFixedPlace(f"{path}: the array's length depends on the data, or is nothing")
    inside: list[Leaf] = []
    step = _walk(node.subcon, path, bit, region, inside, known) - bit
    sign = -1 if region.swapped else 1
    for leaf in inside:
        where = leaf.place
        shape, strides = (node.count, *where.shape), (sign * step, *where.strides)
        found.append(replace(leaf, place=replace(where, shape=shape, strides=strides)))
    return bit + node.count * step


def _leaf(node: Any, path: str, bit: int, region: _Region, found: list[Leaf], known: _Known) -> int:
    """A node that carries a value of its own."""
    place, encoding = _place(node, path, bit, region)
    constant = _constant(path, known)
    terminated = isinstance(node, TerminatedText)
    leaf = Leaf(path, place, known.doc, known.measurement, known.labels, constant, encoding, terminated)
    if known.flags:
        found.extend(_flags(leaf, known.flags))
    else:
        found.append(leaf)
    return bit + region.unit * _size(node, path)


def _constant(path: str, known: _Known) -> Any:
    """The only value allowed of a leaf, as it is stored."""
    if known.constant is None:
        return None
    if known.flags or (known.measurement and known.measurement.curve):
        raise NoFixedPlace(f"{path}: a constant of flags or of engineering units is not compared in columns")
    if known.labels and isinstance(known.constant, str):
        codes = {label: code for code, label in known.labels.items()}
        if known.constant not in codes:
            raise DeclarationError(path, f"its constant {known.constant!r} is none of its labels; name one of them")
        return codes[known.constant]
    return known.constant


def _flags(leaf: Leaf, flags: Mapping[str, int]) -> Iterator[Leaf]:
    """A FlagsEnum as one flag for each of its names."""
    whole = leaf.place
    for name, mask in flags.items():
        if mask <= 0 or mask & (mask - 1):
            raise NoFixedPlace(f"{leaf.path}.{name}: a flag of several bits has no column")
        low = mask.bit_length() - 1
        at = whole.bit + (low if whole.little else whole.bits - 1 - low)
        yield replace(leaf, path=f"{leaf.path}.{name}", place=replace(whole, kind=Kind.FLAG, bit=at, bits=1))


def _place(node: Any, path: str, bit: int, region: _Region) -> tuple[Place, str]:
    """Where and what a leaf is, and its text encoding."""
    if isinstance(node, cs.FormatField):
        order, letter = node.fmtstr[0], node.fmtstr[1]
        if letter == "?":
            return region.place(Kind.FLAG, bit, 8 * node.length), ""
        kind = Kind.FLOAT if letter in "efd" else Kind.INTEGER
        if region.unit != 8 or (kind is Kind.FLOAT and bit % 8):
            raise NoFixedPlace(f"{path}: a whole-byte number across byte borders has no column")
        little = order == "<" or (order == "=" and _NATIVE_LITTLE)
        return region.place(kind, bit, 8 * node.length, little=little, signed=letter in "bhilq"), ""
    if isinstance(node, (cs.BytesInteger, cs.BitsInteger)) and isinstance(node.length, int):
        whole_bytes, swapped = isinstance(node, cs.BytesInteger), node.swapped
        bits = region.unit * node.length
        if bits > 64 or not isinstance(swapped, bool) or (swapped and not whole_bytes):
            raise NoFixedPlace(f"{path}: an integer of more than 64 bits, or one swapped within bits, has no column")
        return region.place(Kind.INTEGER, bit, bits, little=swapped, signed=bool(node.signed)), ""
    if isinstance(node, _FLAG):
        return region.place(Kind.FLAG, bit, region.unit), ""
    if region.swapped or region.unit != 8:
        raise NoFixedPlace(f"{path}: {_title(node)} has no column here")
    if isinstance(node, cs.Bytes) and isinstance(node.length, int):
        return region.place(Kind.BYTES, bit, 8 * node.length), ""
    padded = isinstance(node, StringEncoded) and isinstance(vars(node)["subcon"], cs.FixedSized)
    if padded and node.encoding in _SINGLE_BYTE:
        return region.place(Kind.TEXT, bit, 8 * _size(node, path)), str(node.encoding)
    raise NoFixedPlace(f"{path}: {_title(node)} has no column")


_SINGLE_BYTE = frozenset(("ascii", "utf8", "utf-8", "utf_8"))
_NATIVE_LITTLE = sys.byteorder == "little"
