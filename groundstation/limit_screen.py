"""Tells at little cost that a batch is within limits, which it nearly always is.

Theory of operation. A limit in engineering units is turned into the lowest and highest raw count that keep it, once;
the curve itself decides which count that is, so the answer is the one that comparing engineering values gives. A large
batch then needs one minimum and one maximum of raw counts for each limited measurement. A few rows are read as one
long integer each, from which a count is cut by a shift and a mask: that is ten times cheaper than numpy for one row.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from protocols.curve import Linear, Polynomial, Table
from protocols.layout import Columns, Layout
from protocols.leaf import Kind, Leaf, Place

_FEW_ROWS = 32
"""Up to this many rows are read one by one: 0.15 us for each field against 5 us for each column (measured)."""
_FEW_ELEMENTS = 32
"""Arrays up to this long are, too."""
_FLOATS = {16: "e", 32: "f", 64: "d"}


@dataclass(slots=True)
class _Cuts:
    """Counts to be cut out of rows read as integers of one byte order."""

    flips: int = 0
    """The sign bits: turned over, signed counts are in the order of unsigned ones."""
    counts: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    """Shift, mask, lowest and highest allowed, measurement."""


class Screen:
    """The limited measurements of one packet type, as one link's layout has them."""

    def __init__(self, layout: Layout, bands: Sequence[tuple[str, float, float]]) -> None:
        """Bands gives path, lowest and highest value in order, in engineering units."""
        self._size = layout.size
        self._big, self._little = _Cuts(), _Cuts()
        self._floats: list[tuple[Callable[..., tuple[Any, ...]], int, Any, float, float, int]] = []
        self._counts: list[tuple[str, int, int, int]] = []
        self._values: list[tuple[str, float, float, int]] = []
        self._slow: list[int] = []
        for index, (path, low, high) in enumerate(bands):
            self._add(layout.leaves[path], low, high, index)

    def suspects(self, columns: Columns) -> list[int]:
        """The measurements of which some row may be out of limits, by their place in bands; some more than once."""
        if len(columns.rows) > _FEW_ROWS:
            return self._by_column(columns)
        found = self._slow.copy()
        data = columns.rows[:, : self._size].tobytes()
        for begin in range(0, len(data), self._size):
            self._by_row(data[begin : begin + self._size], found)
        return found

    def _by_column(self, columns: Columns) -> list[int]:
        least, greatest, found = np.minimum.reduce, np.maximum.reduce, []
        for path, low, high, index in self._counts:
            raw = columns.raw(path)
            if int(least(raw, axis=None)) < low or int(greatest(raw, axis=None)) > high:
                found.append(index)
        with np.errstate(invalid="ignore"):
            for path, floor, ceiling, index in self._values:
                column = columns[path]
                if not (float(least(column, axis=None)) >= floor and float(greatest(column, axis=None)) <= ceiling):
                    found.append(index)  # also NaN, which makes every comparison false
        return found

    def _by_row(self, row: bytes, found: list[int]) -> None:
        for order, cuts in (("big", self._big), ("little", self._little)):
            if cuts.counts:
                whole = int.from_bytes(row, order) ^ cuts.flips  # type: ignore[arg-type]  # the two literals above
                for shift, mask, low, high, index in cuts.counts:
                    if not low <= whole >> shift & mask <= high:
                        found.append(index)
        for unpack, at, curve, floor, ceiling, index in self._floats:
            (value,) = unpack(row, at)
            if not floor <= (curve(value) if curve else value) <= ceiling:
                found.append(index)

    def _add(self, leaf: Leaf, low: float, high: float, index: int) -> None:
        counts = _allowed(leaf, low, high)
        if counts is None:
            self._values.append((leaf.path, low, high, index))
        else:
            self._counts.append((leaf.path, *counts, index))
        if math.prod(leaf.place.shape) > _FEW_ELEMENTS or (counts is None and not _scalar_float(leaf)):
            self._slow.append(index)
            return
        for bit in _bits(leaf.place):
            if counts is None:
                self._add_float(leaf, bit, low, high, index)
            else:
                self._add_cut(leaf.place, bit, counts, index)

    def _add_float(self, leaf: Leaf, bit: int, low: float, high: float, index: int) -> None:
        place = leaf.place
        unpack = struct.Struct(("<" if place.little else ">") + _FLOATS[place.bits]).unpack_from
        curve = leaf.measurement.curve if leaf.measurement else None
        self._floats.append((unpack, bit // 8, curve, low, high, index))

    def _add_cut(self, place: Place, bit: int, allowed: tuple[int, int], index: int) -> None:
        (low, high), mask = allowed, (1 << place.bits) - 1
        cuts, shift = (self._little, bit) if place.little else (self._big, 8 * self._size - bit - place.bits)
        if place.signed:
            sign = 1 << (place.bits - 1)
            cuts.flips |= sign << shift
            low, high = low + sign, high + sign
        elif place.kind is Kind.FLAG and high == 1:
            high = mask  # any bit makes it true
        cuts.counts.append((shift, mask, low, high, index))


def _scalar_float(leaf: Leaf) -> bool:
    """Whether it is a float whose curve is known to take single numbers as it takes columns."""
    curve = leaf.measurement.curve if leaf.measurement else None
    return leaf.place.kind is Kind.FLOAT and isinstance(curve, (Linear, Polynomial, Table, type(None)))


def _bits(place: Place) -> Iterator[int]:
    """Where each element begins."""
    for at in np.ndindex(*place.shape):
        yield place.bit + sum(i * step for i, step in zip(at, place.strides, strict=True))


def _allowed(leaf: Leaf, low: float, high: float) -> tuple[int, int] | None:
    """Lowest and highest raw count within [low, high]; None where these two cannot say it.

    Linear rounds to the nearest float twice, and rounding never turns an order round, so bisection finds the exact
    count. Other curves may rise and fall: all their counts are tried, where there are few.
    """
    place, curve = leaf.place, leaf.measurement.curve if leaf.measurement else None
    if place.kind is Kind.FLAG:
        least, most = 0, 1
    elif place.kind is Kind.INTEGER and place.bits <= 32:
        least = -(1 << (place.bits - 1)) if place.signed else 0
        most = least + (1 << place.bits) - 1
    else:
        return None
    if curve is None or isinstance(curve, Linear):
        return _bisected(range(least, most + 1), curve or Linear(), low, high)
    if not isinstance(curve, (Polynomial, Table)) or most - least >= 1 << 16:
        return None
    values = np.asarray(curve(np.arange(least, most + 1)))
    inside = np.flatnonzero((values >= low) & (values <= high))
    if not len(inside):
        return most + 1, least - 1
    first, last = int(inside[0]), int(inside[-1])
    return (least + first, least + last) if last - first + 1 == len(inside) else None


def _bisected(counts: range, curve: Linear, low: float, high: float) -> tuple[int, int]:
    if curve.scale >= 0:
        first = bisect_left(counts, 1, key=lambda count: int(curve(count) >= low))
        end = bisect_left(counts, 1, key=lambda count: int(curve(count) > high))
    else:
        first = bisect_left(counts, 1, key=lambda count: int(curve(count) <= high))
        end = bisect_left(counts, 1, key=lambda count: int(curve(count) < low))
    return counts.start + first, counts.start + end - 1
