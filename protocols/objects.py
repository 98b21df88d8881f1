"""Packets whose layout depends on the data: decoded by construct one by one, and given as the same columns.

Slower by a factor of a thousand than :mod:`protocols.layout`, which is why ``groundstation check`` names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import construct as cs
import numpy as np
from construct.lib import bits2bytes, bytes2bits

from protocols.batch import Column
from protocols.leaf import NOWHERE, Kind, Leaf, stored, unwrap
from protocols.measurement import Measurement


class Objects:
    """A declaration with data-dependent parts."""

    def __init__(self, declaration: Any) -> None:
        self.declaration = declaration
        self.leaves: dict[str, Leaf] = {}
        for leaf in _named(declaration, "", Leaf("", NOWHERE), 8):
            known = self.leaves.setdefault(leaf.path, leaf)
            if known.place != leaf.place:  # two cases of one Switch, say
                self.leaves[leaf.path] = replace(known, place=NOWHERE)
        self._bytes = _only_bytes(declaration)

    def parse(self, data: bytes) -> tuple[dict[str, Any], int] | None:
        """The values of one packet by path, and the bytes it took; None where data is no such packet."""
        if self._bytes:  # construct takes 10 us to give them back
            return {self._bytes: data}, len(data)
        stream = BytesIO(data)
        try:
            parsed = self.declaration.parse_stream(stream)
        except Exception:  # noqa: BLE001 whatever the bytes do inside a declaration is the link's doing, and counted
            return None
        values: dict[str, Any] = {}
        _flatten(parsed, "", values)
        # an empty list does not tell whether it is one of structures, whose members have paths of their own
        known = {path: each for path, each in values.items() if path in self.leaves or not _empty(each)}
        return known, stream.tell()

    def columns(self, packets: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
        """The columns of parsed packets, of every declared value; one that a packet lacks is NaN among numbers,
        else None.
        """
        columns = {path: self._absent(leaf, len(packets)) for path, leaf in self.leaves.items()}
        for path in dict.fromkeys(path for packet in packets for path in packet):
            shape = self.leaves[path].place.shape if path in self.leaves else ()
            values = [packet.get(path) for packet in packets]
            columns[path] = _shaped(values, shape) if shape else _column(values)
        return columns

    @staticmethod
    def _absent(leaf: Leaf, count: int) -> Column:
        numeric = leaf.place.kind in (Kind.INTEGER, Kind.FLOAT, Kind.FLAG)
        return np.full((count, *leaf.place.shape), np.nan if numeric else None)


def _only_bytes(node: Any) -> str:
    """The path of the one field of a declaration that is nothing but all its bytes; empty for every other one."""
    name = ""
    while isinstance(node, cs.Renamed | cs.Struct):
        if isinstance(node, cs.Renamed):
            node, name, _ = unwrap(node, name)
        elif len(node.subcons) == 1:
            node = node.subcons[0]
        else:
            return ""
    return name if isinstance(node, _GREEDY) else ""


_GREEDY = type(cs.GreedyBytes)  # GreedyBytes itself is an instance
_CONSTRUCT_OWN = frozenset(("_io", "_flagsenum"))
"""Entries of a parsed container that are construct's and no values."""


def _flatten(value: Any, path: str, into: dict[str, Any]) -> None:
    """Dotted paths of everything in a parsed container; arrays of structs become arrays by path."""
    if isinstance(value, cs.Container):
        for name, each in value.items():
            if name not in _CONSTRUCT_OWN:
                _flatten(each, path if name == "body" and not path else f"{path}.{name}".lstrip("."), into)
    elif isinstance(value, list) and value and isinstance(value[0], cs.Container):
        rows: list[dict[str, Any]] = []
        for each in value:
            rows.append({})
            _flatten(each, "", rows[-1])
        for name in dict.fromkeys(name for row in rows for name in row):
            into[f"{path}.{name}"] = [row.get(name) for row in rows]
    elif path and value is not None:  # None is what an absent optional part and a padding give
        into[path] = _plain(value)


def _empty(value: Any) -> bool:
    return isinstance(value, list) and not value


def _plain(value: Any) -> Any:
    """Enumerations as their codes, everything else as it is."""
    if isinstance(value, cs.EnumIntegerString):
        return int(value)
    if isinstance(value, list) and not set(map(type, value)) <= {int, float}:
        return [_plain(each) for each in value]
    return value


def _column(values: list[Any]) -> Column:
    """Values as numbers where all are, else as objects."""
    if all(isinstance(value, (bool, np.bool_)) for value in values):
        return np.array(values, np.bool_)
    if all(value is None or isinstance(value, (int, float, np.number)) for value in values):
        if all(isinstance(value, (int, np.integer)) for value in values):
            return np.array(values, np.int64) if all(map(_narrow, values)) else _objects(values)
        if all(map(_narrow, values)):
            return np.array([np.nan if value is None else value for value in values], np.float64)
    return _objects(values)


def _shaped(values: list[Any], shape: tuple[int, ...]) -> Column:
    """Values of arrays of one shape, NaN where a packet has none; as objects where they are no numbers."""
    absent = np.full(shape, np.nan).tolist()
    elements = np.array([absent if value is None else value for value in values], object)
    if elements.shape != (len(values), *shape):
        return _objects(values)
    return _column(elements.ravel().tolist()).reshape(elements.shape)


def _objects(values: list[Any]) -> Column:
    """Values one by one: numpy would take lists of one length for further dimensions."""
    column = np.empty(len(values), object)
    for place, value in enumerate(values):
        column[place] = value
    return column


def _narrow(value: Any) -> bool:
    """Whether it is no whole number of more than 64 bits."""
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _named(node: Any, path: str, known: Leaf, unit: int, shape: tuple[int, ...] | None = ()) -> Iterator[Leaf]:
    """The named fields of a declaration as far as they can be known without data; unit as construct counts sizes.

    shape is that of the arrays around it, None within lists of which only the data know the length.
    """
    if isinstance(node, cs.Renamed):
        inside, path, docs = unwrap(node, path)
        yield from _named(inside, path, replace(known, doc=known.doc or docs), unit, shape)
    elif isinstance(node, cs.Struct):
        for member in node.subcons:
            if isinstance(member, cs.Renamed) and member.name:
                yield from _named(member, path, Leaf("", NOWHERE), unit, shape)
    elif isinstance(node, cs.FlagsEnum):
        for flag in node.flags:
            yield replace(known, path=f"{path}.{flag}", place=replace(NOWHERE, kind=Kind.FLAG, shape=shape or ()))
    elif (several := _alternatives(node)) is not None:
        for each in several:
            yield from _named(each, path, known, unit, None if isinstance(node, cs.FocusedSeq) else shape)
    elif isinstance(node, cs.Subconstruct):
        if isinstance(node, cs.Array | cs.GreedyRange | cs.RepeatUntil):
            count = node.count if isinstance(node, cs.Array) else None
            shape = (*shape, count) if shape is not None and isinstance(count, int) else None
        yield from _named(node.subcon, path, _told(node, known), _unit(node, unit), shape)
    elif path and node is not cs.Pass:
        yield replace(known, path=path, place=replace(stored(node, unit), shape=shape or ()))


def _alternatives(node: Any) -> list[Any] | None:
    """What a node may turn out to be, or None if it is not of that kind."""
    match node:
        case cs.Switch():
            return [*node.cases.values(), node.default]
        case cs.IfThenElse():
            return [node.thensubcon, node.elsesubcon]
        case cs.Select() | cs.Union():
            return list(node.subcons)
        case cs.FocusedSeq():  # as PrefixedArray is
            named = (each for each in node.subcons if isinstance(each, cs.Renamed))
            return [each.subcon for each in named if each.name == node.parsebuildfrom]
    return None


def _told(node: Any, known: Leaf) -> Leaf:
    """What is known of a value, with what its wrapper says."""
    if isinstance(node, Measurement):
        return replace(known, measurement=node)
    if isinstance(node, cs.Enum):
        return replace(known, labels={int(code): str(label) for code, label in node.decmapping.items()})
    return known


def _unit(node: Any, unit: int) -> int:
    """Bits of a size unit inside a wrapper."""
    if isinstance(node, cs.Transformed | cs.Restreamed):
        decoded = node.decodefunc if isinstance(node, cs.Transformed) else node.decoder
        return 1 if decoded is bytes2bits else 8 if decoded is bits2bytes else unit
    return unit
