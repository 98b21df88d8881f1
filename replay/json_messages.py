"""JSON messages as records of fixed length, so that they decode by columns: which values they have, and where.

Numbers and truth values are stored as 64-bit floats, NaN where a message lacks them; texts in TEXT_BYTES bytes of
UTF-8; lists of numbers as so many floats as the longest seen. What has another shape (lists of objects) is left out.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from construct import Array, Float64l, PaddedString, Struct

from protocols.measurement import Measurement
from replay.declared_names import field_names

TEXT_BYTES = 128
"""Longer texts are cut, which is counted."""
MOST_ELEMENTS = 64
"""Longer lists are left out."""
MOST_VALUES = 1_000
"""Values of one kind of message; further ones are left out."""
MOST_BYTES = 4 * 1024 * 1024
"""Longer messages and schemas are not read: what JSON becomes in memory may be twenty times as large as its text."""
_DEEPEST = 8
_UNIT = re.compile(r"\s*\[([^\]]{1,24})\]\s*(.*)", re.DOTALL)

Path = tuple[str, ...]


@dataclass(slots=True)
class Value:
    """A value of a message."""

    text: bool
    elements: int = 0
    """Of a list of numbers; 0 for a single value."""
    unit: str = ""
    doc: str = ""


_Tree = dict[tuple[str, bool], "tuple[Path, Value] | _Tree"]
"""Values and, marked by True, objects by name: of one name there may be both, in different messages."""


@dataclass(slots=True)
class Shape:
    """What messages of one kind hold, by the paths of their values."""

    values: dict[Path, Value] = field(default_factory=dict)
    most: int = MOST_VALUES
    """Values there may be; further ones are left out."""
    cut: int = 0
    """Texts that were cut to TEXT_BYTES."""
    _order: list[tuple[Path, Value]] = field(default_factory=list)
    """The values as records have them: those of an object together, wherever in a message they were met first."""

    def learn_schema(self, text: bytes) -> None:
        """Take over units and texts from a JSON Schema, and the types of values; one that is none teaches nothing."""
        schema = _loaded(text)
        for path, told in _described(schema, (), 0):
            kinds = told.get("type")
            kinds = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
            if not {"number", "integer", "boolean", "string"} & set(map(str, kinds)) or len(self.values) >= self.most:
                continue
            said = str(told.get("description", ""))
            match = _UNIT.fullmatch(said)
            unit, doc = (match[1], match[2]) if match else ("", said)
            self.values.setdefault(path, Value("string" in kinds, unit=unit, doc=doc))

    def learn(self, data: bytes) -> None:
        """Learn from a message which values there are; one that is no object teaches nothing."""
        for path, value in _flat(_loaded(data), (), 0):
            known = self.values.get(path)
            if known is None and len(self.values) < self.most:
                known = self.values[path] = Value(isinstance(value, str))
            if known is not None and isinstance(value, list):
                known.elements = max(known.elements, len(value))

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return sum(TEXT_BYTES if each.text else 8 * max(each.elements, 1) for each in self.values.values())

    def declaration(self) -> Struct:
        """The records' declaration, once all is learned: objects within objects are structures."""
        tree: _Tree = {}
        for path, value in self.values.items():
            inner = tree
            for name in path[:-1]:
                below = inner.setdefault((name, True), {})
                assert isinstance(below, dict)
                inner = below
            inner[path[-1], False] = path, value
        self._order = list(_leaves(tree))
        return _struct(tree)

    def record(self, data: bytes) -> bytes | None:
        """A message as a record by the declaration; None where it is no object."""
        message = _loaded(data)
        if message is None:
            return None
        found = dict(_flat(message, (), 0))
        packed = []
        for path, value in self._order:
            given = found.get(path)
            if value.text:
                packed.append(self._text(given))
            elif value.elements:
                listed = given if isinstance(given, list) else []
                numbers = [_number(each) for each in listed[: value.elements]]
                packed.append(
                    struct.pack(f"<{value.elements}d", *numbers, *[math.nan] * (value.elements - len(numbers)))
                )
            else:
                packed.append(struct.pack("<d", _number(given)))
        return b"".join(packed)

    def _text(self, given: Any) -> bytes:
        data = given.encode("utf-8", "replace") if isinstance(given, str) else b""
        if len(data) > TEXT_BYTES:
            self.cut += 1
            data = data[:TEXT_BYTES].decode("utf-8", "ignore").encode()
        return data.ljust(TEXT_BYTES, b"\0")


def _loaded(data: bytes) -> Mapping[str, Any] | None:
    """An object; None where there is none, or it is too long."""
    try:
        message = orjson.loads(data) if len(data) <= MOST_BYTES else None
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


def _flat(message: Any, above: Path, depth: int) -> Iterator[tuple[Path, Any]]:
    """The values of an object by path, nested ones too: numbers, texts, lists of numbers."""
    for name, value in (message or {}).items():
        if isinstance(value, dict):
            if depth < _DEEPEST:
                yield from _flat(value, (*above, name), depth + 1)
        elif isinstance(value, list):
            if len(value) <= MOST_ELEMENTS and all(each is None or isinstance(each, int | float) for each in value):
                yield (*above, name), value
        elif value is not None:
            yield (*above, name), value


def _described(schema: Any, above: Path, depth: int) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The values that a JSON Schema describes, by path."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, told in properties.items() if isinstance(properties, dict) else ():
        if isinstance(told, dict) and "properties" in told and depth < _DEEPEST:
            yield from _described(told, (*above, name), depth + 1)
        elif isinstance(told, dict):
            yield (*above, name), told


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _leaves(tree: _Tree) -> Iterator[tuple[Path, Value]]:
    """The values of a tree in order."""
    for told in tree.values():
        if isinstance(told, dict):
            yield from _leaves(told)
        else:
            yield told


def _struct(tree: _Tree) -> Struct:
    names = field_names((name for name, _ in tree), "value")
    parts = zip(names, tree.values(), strict=True)
    return Struct(*(name / (_struct(told) if isinstance(told, dict) else _stored(told[1])) for name, told in parts))


def _stored(value: Value) -> Any:
    if value.text:
        return PaddedString(TEXT_BYTES, "utf8") * value.doc
    single = Measurement(Float64l, value.unit) if value.unit else Float64l
    return (Array(value.elements, single) if value.elements else single) * value.doc
