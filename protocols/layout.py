"""The columnar decoder: a declaration of fixed layout becomes one load and a few operations for each column.

Theory of operation. The rows of a batch are one ``uint8 (n, size)`` array. A whole-byte number is a strided view of
it, copied once into native order. Bit fields are cut out of words: fields of one bit structure share the words they
are cut from, and the results stay as narrow as the word. Columns are finished when asked for, because most viewers
want a few of them; raw counts first, then the curve.

Measured on 64-byte packets (tests/bench/bench_decode.py): about 0.7 ns for each whole number and 0.3 ns for each bit
field in blocks that fit a core's L2 cache, and 1.5 us a column for a batch of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from protocols.batch import Column, Field
from protocols.curve import Curve, Linear, Polynomial, Table
from protocols.leaf import Kind, Leaf, Place, leaves

Rows: TypeAlias = NDArray[np.uint8]
Load: TypeAlias = Callable[["Columns"], Column]
"""Gives the raw column of one value from the rows behind a batch's columns."""


LANE = 8
"""Fields of many rows are read by way of lanes: eight bytes of each row, copied together once. A strided read costs a
cache line of each row whatever its width; within a lane it costs an eighth of that."""
LANES_FROM = 4_000
"""Rows from which lanes pay (measured)."""


class Layout:
    """A declaration of fixed layout, compiled."""

    def __init__(self, declaration: Any) -> None:
        """Compile it. Raises protocols.leaf.NoFixedPlace where a part depends on the data."""
        found, self.size = leaves(declaration)
        self.leaves: dict[str, Leaf] = {leaf.path: leaf for leaf in found if leaf.path}
        self.fields: dict[str, Field] = {path: field_of(leaf) for path, leaf in self.leaves.items()}
        """What is known of each value, by path."""
        words = _Words(self.size)
        self.loads: dict[str, Load] = {path: _load(leaf, words) for path, leaf in self.leaves.items()}
        self.curves = {path: _engineering(leaf) for path, leaf in self.leaves.items()}
        self.constants = [(leaf, _load(leaf, words)) for leaf in found if leaf.constant is not None]
        self.lanes = words.lanes()
        self.record = words.record()
        """The packet as numpy sees it: the numbers and words that values are made from; they may overlap."""

    def columns(self, rows: Rows) -> Columns:
        """The columns of rows, uint8 (n, size or longer); nothing is computed before it is asked for."""
        return Columns(self, rows)

    def valid(self, rows: Rows) -> NDArray[np.bool_]:
        """Which rows have every constant right, bool (n,)."""
        right = np.ones(len(rows), np.bool_)
        columns = self.columns(rows)
        for leaf, load in self.constants:
            same = load(columns) == _constant(leaf)
            right &= same.reshape(len(rows), -1).all(axis=1)
        return right


class Columns(Mapping[str, Column]):
    """The columns of a batch by path, finished when asked for and then kept."""

    __slots__ = ("_done", "_lanes", "_layout", "_raw", "_rows", "records", "words")

    def __init__(self, layout: Layout, rows: Rows) -> None:
        self._layout, self._rows = layout, rows
        self._raw: dict[str, Column] = {}
        self._done: dict[str, Column] = {}
        self.records: Any = np.ndarray((len(rows),), layout.record, rows, 0, (rows.strides[0],))
        """The rows as structured records."""
        self.words: dict[str, Any] = {}
        """Words already loaded that bit fields are cut from."""
        self._lanes: dict[int, Any] | None = {} if len(rows) >= LANES_FROM else None

    def load(self, name: str, native: np.dtype[Any]) -> Column:
        """A field of the record in native order; of many rows, by way of a lane that its neighbours use too."""
        place = self._layout.lanes.get(name) if self._lanes is not None else None
        if place is None or self._lanes is None:
            column: Column = self.records[name].astype(native)
            return column
        lane, record = place
        gathered = self._lanes.get(lane)
        if gathered is None:
            rows = self._rows
            words: NDArray[np.uint64] = np.ndarray((len(rows),), np.uint64, rows, LANE * lane, (rows.strides[0],))
            gathered = self._lanes[lane] = words.copy().view(record)
        of_lane: Column = gathered[name].astype(native)
        return of_lane

    def __getitem__(self, path: str) -> Column:
        done = self._done.get(path)
        if done is None:
            raw = self._raw.get(path)
            if raw is None:  # as in raw(): a call less for each column of a small batch
                raw = self._raw[path] = self._layout.loads[path](self)
            curve = self._layout.curves.get(path)
            done = self._done[path] = raw if curve is None else curve(raw)
        return done

    def raw(self, path: str) -> Column:
        """Counts as stored, before the curve, in native byte order, (n,) or (n, ...). Raises KeyError."""
        raw = self._raw.get(path)
        if raw is None:
            raw = self._raw[path] = self._layout.loads[path](self)
        return raw

    @property
    def layout(self) -> Layout:
        """Where everything lies in a row."""
        return self._layout

    @property
    def rows(self) -> Rows:
        """The packets' bytes, uint8 (n, size or longer)."""
        return self._rows

    def chosen(self, rows: slice) -> Columns:
        """The columns of some rows; the others need not be kept for it."""
        return Columns(self._layout, self._rows[rows].copy())

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout.fields)

    def __len__(self) -> int:
        return len(self._layout.fields)

    def __contains__(self, path: object) -> bool:
        return path in self._layout.fields


def _engineering(leaf: Leaf) -> Callable[[Column], Column] | None:
    """What makes engineering units of a leaf's raw counts; None where they are the same."""
    curve = leaf.measurement.curve if leaf.measurement else None
    if curve is None:
        return None
    if _finite(curve, leaf.place):
        return lambda raw: np.asarray(curve(raw))

    def floating(raw: Column) -> Column:
        with np.errstate(all="ignore"):  # infinities, NaN and overflows are the link's data and not to be warned of
            wide = raw.astype(np.float64) if raw.dtype.kind == "f" else raw  # as construct computes: in Python's floats
            return np.asarray(curve(wide))

    return floating


def _finite(curve: Curve, place: Place) -> bool:
    """Whether a curve is known to stay within the range of a float for all counts there are."""
    if place.kind is Kind.FLOAT or not isinstance(curve, Linear | Polynomial | Table):
        return False
    with np.errstate(all="ignore"):
        return bool(np.isfinite(curve(np.array((-(2.0**place.bits), 2.0**place.bits)))).all())


def field_of(leaf: Leaf) -> Field:
    """What a leaf's declaration says, without its bytes."""
    place, told = leaf.place, leaf.measurement
    length = place.bits // 8
    stored = f"bytes{length}" if told is None else f"u{place.bits}"  # a number that a curve makes of several bytes
    names = {Kind.FLAG: "flag", Kind.BYTES: stored, Kind.TEXT: f"text{length}", Kind.UNKNOWN: ""}
    letter = "f" if place.kind is Kind.FLOAT else "i" if place.signed else "u"
    resolution = 0.0
    if place.kind is Kind.INTEGER and not leaf.labels:
        curve = told.curve if told else None
        resolution = 1.0 if curve is None else abs(curve.scale) if isinstance(curve, Linear) else 0.0
    return Field(
        path=leaf.path,
        unit=told.unit if told else "",
        doc=leaf.doc,
        raw_type=names.get(place.kind, f"{letter}{place.bits}"),
        bit=place.bit,
        bits=place.bits,
        shape=place.shape,
        labels=leaf.labels,
        resolution=resolution,
        yellow=told.yellow if told else None,
        red=told.red if told else None,
        persistence=told.persistence if told else 1,
        persistence_s=told.persistence_s if told else 0.0,
        hysteresis=told.hysteresis if told else 0.0,
        when=told.when if told else (),
    )


def _constant(leaf: Leaf) -> Any:
    if leaf.place.kind is Kind.BYTES:
        return np.void(leaf.constant)
    return leaf.constant


class _Words:
    """Collects what is loaded from a packet of size bytes, to make its record type."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._fields: dict[str, tuple[np.dtype[Any], int]] = {}

    def name(self, dtype: np.dtype[Any], at: int) -> str:
        """The record's field of a type at a byte."""
        name = f"{dtype.str}@{at}"
        self._fields[name] = dtype, at
        return name

    def lanes(self) -> dict[str, tuple[int, np.dtype[Any]]]:
        """The lane of each field that shares one with another, and the record type of that lane."""
        inside: dict[int, dict[str, tuple[np.dtype[Any], int]]] = {}
        for name, (dtype, at) in self._fields.items():
            if at % LANE + dtype.itemsize <= LANE and at // LANE * LANE + LANE <= self.size:
                inside.setdefault(at // LANE, {})[name] = dtype, at % LANE
        crowded = {lane: _record(fields, LANE) for lane, fields in inside.items() if len(fields) > 1}
        return {name: (lane, crowded[lane]) for lane in crowded for name in inside[lane]}

    def record(self) -> np.dtype[Any]:
        """The record type."""
        return _record(self._fields, self.size)


def _record(fields: Mapping[str, tuple[np.dtype[Any], int]], size: int) -> np.dtype[Any]:
    """Types at bytes, which may overlap, as one record type."""
    formats, offsets = [dtype for dtype, _ in fields.values()], [at for _, at in fields.values()]
    return np.dtype({"names": [*fields], "formats": formats, "offsets": offsets, "itemsize": size})


def _load(leaf: Leaf, words: _Words) -> Load:
    """What gives the raw column of a leaf."""
    place = leaf.place
    if place.kind is Kind.BYTES:
        return _view(place, np.dtype(f"V{place.bits // 8}"))
    if place.kind is Kind.TEXT:
        return _text(place, leaf.encoding, terminated=leaf.terminated)
    if place.kind is Kind.FLOAT or (place.kind is Kind.INTEGER and _whole(place)):
        letter = "f" if place.kind is Kind.FLOAT else "i" if place.signed else "u"
        return _number(place, np.dtype(f"{'<' if place.little else '>'}{letter}{place.bits // 8}"), words)
    return _bits(place, words) if not place.shape else _elements(place, words)


def _whole(place: Place) -> bool:
    """Whether it is a number of a machine's width at byte borders throughout."""
    return place.bits in (8, 16, 32, 64) and not place.bit % 8 and not any(step % 8 for step in place.strides)


def _view(place: Place, dtype: np.dtype[Any]) -> Load:
    """A copy of elements that may form an array, as they lie there."""
    at, shape, steps = place.bit // 8, place.shape, tuple(step // 8 for step in place.strides)

    def load(columns: Columns) -> Column:
        rows = columns.rows
        return np.ndarray((len(rows), *shape), dtype, rows, at, (rows.strides[0], *steps)).copy()

    return load


def _number(place: Place, dtype: np.dtype[Any], words: _Words) -> Load:
    """Whole-byte numbers, copied into native order."""
    native = dtype.newbyteorder("=")
    if place.shape:
        view = _view(place, dtype)
        return lambda columns: view(columns).astype(native, copy=False)
    name = words.name(dtype, place.bit // 8)

    def load(columns: Columns) -> Column:
        return columns.load(name, native)

    return load


def _text(place: Place, encoding: str, *, terminated: bool) -> Load:
    """Padded texts without their padding, as construct strips it; bytes of no text become U+FFFD."""
    size = place.bits // 8
    view = _view(place, np.dtype(f"S{size}"))

    def load(columns: Columns) -> Column:
        texts = view(columns)
        if terminated:
            letters = texts.reshape(-1).view(np.uint8).reshape(texts.size, size)
            letters[np.logical_or.accumulate(letters == 0, axis=1)] = 0
        if texts.view(np.uint8).max() < 0x80:  # ASCII: ten times as fast
            return texts.astype(f"U{size}")
        return np.asarray(np.char.decode(texts, encoding, "replace"))

    return load


def _elements(place: Place, words: _Words) -> Load:
    """An array of bit fields: element by element, since they share no byte border."""
    parts = []
    for index in np.ndindex(*place.shape):
        moved = place.bit + sum(i * step for i, step in zip(index, place.strides, strict=True))
        parts.append(_bits(replace(place, bit=moved, shape=(), strides=()), words))

    def load(columns: Columns) -> Column:
        elements = [part(columns) for part in parts]
        return np.stack(elements, axis=1).reshape(len(elements[0]), *place.shape)

    return load


def _word(place: Place, size: int) -> tuple[int, int]:
    """First byte and width of the word to cut a field from; width 0 where no word of the packet covers it."""
    first, last = place.bit // 8, (place.bit + place.bits - 1) // 8
    for width in (4, 8) if place.extent == 4 else (2, 4, 8):  # a word that its neighbours in the bit structure use too
        at = place.origin + (first - place.origin) // width * width
        if place.extent >= width and at + width <= min(size, place.origin + place.extent) and last < at + width:
            return at, width
    for width in (1, 2, 4, 8):  # the smallest over it
        at = min(first, size - width)
        if at >= 0 and last < at + width:
            return at, width
    return first, 0


def _bits(place: Place, words: _Words) -> Load:
    """A field of any bits, cut out of a word, or of bytes where no word covers it."""
    at, width = _word(place, words.size)
    if not width:
        return _wide(place)
    word = np.dtype(f"{'<' if place.little else '>'}u{width}")
    name, native = words.name(word, at), word.newbyteorder("=")
    whole = 8 * width
    above = (8 * (at + width) - place.bit - place.bits) if place.little else place.bit - 8 * at
    cut = _cut(place, native, above, whole - place.bits - above)

    def load(columns: Columns) -> Column:
        loaded = columns.words.get(name)
        if loaded is None:
            loaded = columns.words[name] = columns.load(name, native)
        column: Column = cut(loaded)
        return column

    return load


def _cut(place: Place, native: np.dtype[Any], above: int, below: int) -> Callable[[Any], Any]:
    """Cuts a field out of native words that have so many bits above and below it."""
    low, mask = native.type(below), native.type((1 << place.bits) - 1)
    if place.kind is Kind.FLAG:
        picked = native.type(int(mask) << below)
        return lambda loaded: (loaded & picked).astype(np.bool_)
    if place.signed:
        signed = np.dtype(f"i{native.itemsize}")
        up, right = native.type(above), signed.type(above + below)
        return lambda loaded: (loaded << up).view(signed) >> right
    if not above:
        return (lambda loaded: loaded >> low) if below else (lambda loaded: loaded)
    return (lambda loaded: (loaded >> low) & mask) if below else (lambda loaded: loaded & mask)


def _wide(place: Place) -> Load:
    """A field that no word of the packet covers: its bytes are added up in 64 bits."""
    first, last = place.bit // 8, (place.bit + place.bits - 1) // 8
    order = range(last, first - 1, -1) if place.little else range(first, last + 1)
    spare = place.bit - 8 * first if place.little else 8 * (last + 1) - place.bit - place.bits
    lead = 64 - place.bits

    def load(columns: Columns) -> Column:
        rows = columns.rows
        value = np.zeros(len(rows), np.uint64)
        for count, byte in enumerate(order):
            part = rows[:, byte].astype(np.uint64)
            cut = spare if count == last - first else 0
            value = value << np.uint64(8 - cut) | part >> np.uint64(cut)
        value = value << np.uint64(lead)
        if place.kind is Kind.FLAG:
            return np.asarray(value != 0)
        if place.signed:
            return np.asarray(value.view(np.int64) >> np.int64(lead))
        return np.asarray(value >> np.uint64(lead))

    return load
