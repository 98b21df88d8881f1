"""Columns to packets: what ``protocols.layout`` does, the other way round.

A declaration of fixed layout gives each value its place; a column of engineering units goes back through its curve to
counts, which are rounded and held at the ends of their range as a converter holds them. Construct's own build gives the
same bytes (the tests hold the two together), packet by packet and some thousand times slower.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from protocols.curve import Curve, Linear, Table
from protocols.errors import DeclarationError
from protocols.layout import Layout
from protocols.leaf import Kind, Leaf, Place

Columns = Mapping[str, Any]
"""Values by path: arrays of shape (n, ...) in engineering units, codes or flags; one value for all n will also do."""

_TABULATED_BITS: Final = 16
"""Counts of up to so many bits have their curve inverted by a table of all of them."""


class PacketEncoder:
    """Builds packets of one declaration."""

    def __init__(self, declaration: Any) -> None:
        """Raises NoFixedPlace where a part depends on the data, DeclarationError where there is text or bytes."""
        layout = Layout(declaration)
        self.size = layout.size
        """Bytes of a packet."""
        constants = [leaf for leaf, _ in layout.constants if not leaf.path]
        self._leaves = [*layout.leaves.values(), *constants]
        for leaf in self._leaves:
            if leaf.place.kind in (Kind.BYTES, Kind.TEXT):
                raise DeclarationError(leaf.path, "bytes and text are not built by columns; build it with construct")

    def rows(self, columns: Columns, count: int) -> NDArray[np.uint8]:
        """``count`` packets, uint8 (count, size). Raises KeyError for a value that is not in columns."""
        rows = np.zeros((count, self.size), np.uint8)
        for leaf in self._leaves:
            given = leaf.constant if leaf.constant is not None else columns[leaf.path]
            values = np.broadcast_to(_counts(leaf, np.asarray(given)), (count, *leaf.place.shape))
            _put(rows, leaf.place, values)
        return rows


def _counts(leaf: Leaf, values: NDArray[Any]) -> NDArray[Any]:
    """Engineering units as they are stored."""
    curve = leaf.measurement.curve if leaf.measurement else None
    if leaf.place.kind is Kind.FLAG:
        return values.astype(np.bool_)
    if curve is not None and leaf.constant is None:
        values = _inverse(curve, leaf.place, values.astype(np.float64))
    if leaf.place.kind is Kind.FLOAT:
        return values
    low, high = _bounds(leaf.place)
    rounded = np.rint(values) if values.dtype.kind == "f" else values
    return np.asarray(np.clip(rounded, low, high))


def _bounds(place: Place) -> tuple[int, int]:
    """The least and the greatest count."""
    return (-(1 << place.bits - 1), (1 << place.bits - 1) - 1) if place.signed else (0, (1 << place.bits) - 1)


def _inverse(curve: Curve, place: Place, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts, not rounded: what ``curve.inverse`` gives for each value."""
    if isinstance(curve, Linear | Table):
        return np.asarray(curve.inverse(values))
    low, high = _bounds(place)
    if place.kind is Kind.INTEGER and place.bits <= _TABULATED_BITS:
        counts = np.arange(low, high + 1, dtype=np.float64)
        known = np.asarray(curve(counts))
        if (np.diff(known) > 0).all():
            return np.interp(values, known, counts)
    return np.asarray(np.vectorize(curve.inverse, otypes=[np.float64])(values))


def _put(rows: NDArray[np.uint8], place: Place, values: NDArray[Any]) -> None:
    """Write one field of all packets, whose bits are zero so far."""
    if place.bits in (8, 16, 32, 64) and not place.bit % 8 and not any(step % 8 for step in place.strides):
        letter = "f" if place.kind is Kind.FLOAT else "i" if place.signed else "u"
        dtype = np.dtype(f"{'<' if place.little else '>'}{letter}{place.bits // 8}")
        steps = (rows.strides[0], *(step // 8 for step in place.strides))
        view: NDArray[Any] = np.ndarray((len(rows), *place.shape), dtype, rows.data, place.bit // 8, steps)
        view[...] = values
        return
    for index in np.ndindex(*place.shape):
        first = place.bit + sum(i * step for i, step in zip(index, place.strides, strict=True))
        _put_bits(rows, first, place, values[(slice(None), *index)])


def _put_bits(rows: NDArray[np.uint8], first: int, place: Place, values: NDArray[Any]) -> None:
    """Write a field that begins at any bit, byte by byte."""
    signed = values.astype(np.int64) if place.signed else values.astype(np.uint64)
    word = signed.view(np.uint64) & np.uint64((1 << place.bits) - 1)
    for byte in range(first // 8, (first + place.bits - 1) // 8 + 1):
        right = 8 * byte - first if place.little else first + place.bits - 8 * (byte + 1)
        part = word >> np.uint64(right) if right >= 0 else word << np.uint64(-right)
        rows[:, byte] |= (part & np.uint64(0xFF)).astype(np.uint8)
