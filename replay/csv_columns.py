"""Columns of a text table: what kind each is, by a sample of its cells, and cells into numbers and back.

A column is of whole numbers where all of the file was looked at and all its cells are; of floats where nearly all of
the sample's cells are numbers; else of texts, as wide as twice the longest in the sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from construct import Construct, Float64l, Int64sl, PaddedString
from numpy.typing import NDArray

from protocols.curve import Linear
from protocols.measurement import Measurement

ABSENT = frozenset(("", "-", "--", "NA", "N/A", "n/a", "na", "null", "NULL", "None", "none", "NaN", "nan", "NAN"))
"""What stands for no number."""
_NARROWEST, _WIDEST = 16, 4096
_NUMBERS = 0.9
"""The part of a sample's cells that have to be numbers for the others to be wrong."""
_EXACT = 1 << 53
"""Whole numbers up to this are exact as floats."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its cells are read."""

    kind: str
    """``i``: whole numbers, ``f``: floats, ``S``: texts."""
    width: int = 8
    """Bytes of a cell in a record."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """In a record."""
        return np.dtype(f"S{self.width}" if self.kind == "S" else f"<{self.kind}8")

    def stored(self, unit: str, scale: float = 1.0) -> Construct[Any, Any]:
        """Its declaration without a name; a number counts so much of the unit."""
        if self.kind == "S":
            text: Construct[Any, Any] = PaddedString(self.width, "utf8")
            return text
        return Measurement(Int64sl if self.kind == "i" else Float64l, unit, Linear(scale) if scale != 1.0 else None)


def column_of(cells: Iterable[str], *, whole: bool, decimal: str = ".", strict: bool = False) -> Column:
    """What a sample of a column is; whole: it is all of the column.

    strict: only the empty cell is no number, and a number is one as Python writes it.
    """
    absent = frozenset(("",)) if strict else ABSENT
    told = [cell for cell in cells if cell.strip() not in absent]
    read = [(_value(cell, decimal), cell) for cell in told]
    # bytes in hexadecimal may look like numbers: 524e4848, 00112233
    values = [value for value, cell in read if value is not None and (not strict or repr(value) == cell)]
    if len(values) < len(told) * (1.0 if strict else _NUMBERS):
        return Column("S", _width(told))
    full = bool(told) and whole and not any(cell.strip() in absent for cell in cells)
    integers = [value for value in values if isinstance(value, int)]
    fits = len(integers) == len(told) and all(-(2**63) <= value < 2**63 for value in integers)
    wide = any(abs(value) > _EXACT for value in integers)
    return Column("i") if fits and (full or wide) else Column("f")


def _value(cell: str, decimal: str) -> int | float | None:
    """The number a cell is; None where it is none."""
    text = cell.strip().replace(decimal, ".") if decimal != "." else cell.strip()
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _width(cells: Sequence[str]) -> int:
    """Bytes for texts: twice the longest, a power of two."""
    longest = max((len(cell.encode()) for cell in cells), default=0)
    return min(_WIDEST, max(_NARROWEST, 1 << (2 * longest - 1).bit_length())) if longest else _NARROWEST


class Cells:
    """Turns the cells of a column into values, and says which could not be."""

    def __init__(self, column: Column, *, decimal: str = ".", strict: bool = False, strip: bool = True) -> None:
        self._column, self._decimal, self._strip = column, decimal, strip
        self._absent = frozenset(("",)) if strict else ABSENT

    def values(self, cells: Sequence[str]) -> tuple[NDArray[Any], list[int]]:
        """The values of cells as the column's dtype, (n,), and the places of those that are none of it."""
        if self._column.kind == "S":
            return self._texts(cells)
        if self._decimal != ".":
            cells = [cell.replace(self._decimal, ".") for cell in cells]
        made = int if self._column.kind == "i" else float
        try:
            return np.array(list(map(made, cells)), self._column.dtype), []
        except (ValueError, OverflowError):
            return self._one_by_one(cells)

    def _one_by_one(self, cells: Sequence[str]) -> tuple[NDArray[Any], list[int]]:
        """The same where not all are numbers."""
        if self._column.kind == "f":
            cells = ["nan" if cell.strip() in self._absent else cell for cell in cells]
            try:
                return np.array(list(map(float, cells))), []
            except ValueError:
                pass
        values, wrong = np.zeros(len(cells), self._column.dtype), []
        for place, cell in enumerate(cells):
            try:
                values[place] = int(cell) if self._column.kind == "i" else float(cell)
            except (ValueError, OverflowError):
                wrong.append(place)
        return values, wrong

    def _texts(self, cells: Sequence[str]) -> tuple[NDArray[Any], list[int]]:
        texts = [cell.strip().encode() if self._strip else cell.encode() for cell in cells]
        wrong = [place for place, text in enumerate(texts) if len(text) > self._column.width]
        return np.array(texts, self._column.dtype), wrong
