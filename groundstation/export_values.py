"""Finished columns as an export writes them: one column for each element of an array, by name, with its kind."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from protocols.batch import Batch, Column, Field


class Kind(StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    LABEL = "label"
    """Codes of an enumeration, written by their names."""
    TEXT = "text"
    BYTES = "bytes"
    VARYING = "varying"
    """Whatever a declaration that depends on the data gives, as JSON text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a measurement's values go: one column, or one for each element of an array."""

    name: str
    """``packet.measurement``, with ``[i]`` for an element of an array."""
    field: Field
    index: tuple[int, ...]
    kind: Kind
    dtype: np.dtype[Any]
    """Of numbers and labels' codes, in native order; of texts and bytes, as stored."""

    def of(self, batch: Batch) -> Column | None:
        """Its column (n,) of a batch; None where the batch has none of that shape."""
        column = batch.columns.get(self.field.path)
        if column is None or column.ndim == 1 or not self.index:
            return column if column is None or not self.index else None
        if len(column.shape) <= len(self.index) or any(map(operator.ge, self.index, column.shape[1:])):
            return None
        at = int(np.ravel_multi_index(self.index, column.shape[1:]))
        element: Column = column.reshape(len(column), -1)[:, at]
        return element


def places(packet: str, fields: Mapping[str, Field], types: Mapping[str, np.dtype[Any]]) -> list[Place]:
    """The columns of a packet; fields by path, types by full name."""
    found = []
    for path, told in fields.items():
        kind, dtype = _kind(told, types.get(f"{packet}.{path}"))
        for index in np.ndindex(*told.shape):
            name = f"{packet}.{path}" + "".join(f"[{i}]" for i in index)
            found.append(Place(name, told, index, kind, dtype))
    return found


def _kind(told: Field, dtype: np.dtype[Any] | None) -> tuple[Kind, np.dtype[Any]]:
    """What a measurement's values are, and their type."""
    if dtype is None:  # decoded by construct: numbers may be absent from some packets, and are NaN there
        numbers = told.raw_type[:1] in ("u", "i", "f") and not told.shape
        return (Kind.NUMBER, np.dtype(np.float64)) if numbers else (Kind.VARYING, np.dtype(object))
    if told.labels and dtype.kind in "iu":
        return Kind.LABEL, dtype.newbyteorder("=")
    if dtype.kind in "biuf":
        return Kind.NUMBER, dtype.newbyteorder("=")
    if dtype.kind == "U" and told.raw_type.startswith("text"):  # a type of texts is as wide as its longest
        return Kind.TEXT, np.dtype(f"U{told.raw_type.removeprefix('text')}")
    return (Kind.BYTES if dtype.kind in "SV" else Kind.VARYING), dtype


def numbers(column: Column, dtype: np.dtype[Any]) -> Column:
    """A column as numbers of one type; what is none becomes NaN."""
    if column.dtype == dtype:
        return column
    if column.dtype.kind in "biuf" and dtype.kind in "biuf":
        return column.astype(dtype)
    made = np.full(len(column), np.nan)
    for index, value in enumerate(column.tolist()):
        if isinstance(value, int | float):
            made[index] = value
    return made.astype(dtype)


def texts(column: Column, labels: Mapping[int, str] = {}) -> list[str | None]:
    """A column as texts: names of codes, texts as they are, bytes as hexadecimal, anything else as JSON."""
    return list(_texts(column.tolist(), labels))


def _texts(values: Sequence[Any], labels: Mapping[int, str]) -> Iterator[str | None]:
    for value in values:
        if value is None:
            yield None
        elif isinstance(value, str):
            yield value
        elif isinstance(value, bytes):
            yield value.hex()
        elif isinstance(value, int) and value in labels:
            yield labels[value]
        else:
            yield json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)
