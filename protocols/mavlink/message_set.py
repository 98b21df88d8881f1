"""The message set: which messages there are, and what lies where in their payloads.

A message's *wire order* is by size of the elements, largest first, then its extensions as declared (MAVLink guide,
Packet Serialization). MAVLink 2 leaves zeros at a payload's end unsent, and older senders do not know newer extensions,
so a payload may be shorter than its message; ``length`` is what it has with all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

SIZES = {
    "char": 1,
    "int8_t": 1,
    "uint8_t": 1,
    "int16_t": 2,
    "uint16_t": 2,
    "int32_t": 4,
    "uint32_t": 4,
    "float": 4,
    "int64_t": 8,
    "uint64_t": 8,
    "double": 8,
}
"""Bytes of an element by its type."""
LARGEST_ID = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class FieldType:
    """A field of a message."""

    name: str
    """As in the standard, in lower case."""
    kind: str
    """Type of an element, one of SIZES."""
    count: int
    """Elements of an array; 0 for a field that is none."""
    unit: str
    """As the standard writes it: ``degE7``, ``mV``; may be empty."""
    enum: str
    """Enumeration of its values; empty where it has none, or they are bits."""
    multiplier: str
    """What a value is to be multiplied by besides, as the standard writes it: ``1E-2``, ``360/255``; mostly empty."""
    doc: str

    @property
    def size(self) -> int:
        """Bytes in the payload."""
        return SIZES[self.kind] * (self.count or 1)


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message."""

    id: int
    name: str
    """As in the standard, in lower case."""
    crc_extra: int
    """What its checksum covers behind the payload: differs where sender and receiver know different fields."""
    doc: str
    fields: tuple[FieldType, ...]
    """In wire order, extensions last."""
    length: int
    """Bytes of its payload, extensions included."""


@cache
def messages() -> dict[int, MessageType]:
    """All messages by id, in rising order."""
    return {each["id"]: _message(each) for each in _table()["messages"]}


@cache
def enum(name: str) -> dict[int, str]:
    """Labels of an enumeration by value. Raises KeyError where no field refers to one of that name."""
    return {int(value): label for value, label in _table()["enums"][name].items()}


@cache
def _table() -> Any:
    return orjson.loads(files(__package__).joinpath("messages.json").read_bytes())


def _message(told: dict[str, Any]) -> MessageType:
    fields = tuple(FieldType(*each) for each in told["fields"])
    length = sum(field.size for field in fields)
    return MessageType(told["id"], told["name"], told["crc_extra"], told["doc"], fields, length)
