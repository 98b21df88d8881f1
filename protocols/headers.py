"""Reads what a packet header says, of one packet in a buffer or of many as a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.batch import Column
from protocols.errors import DeclarationError
from protocols.layout import Layout, Rows
from protocols.leaf import Kind, NoFixedPlace, Place
from protocols.packet import Header, Key, Packet
from protocols.patterns import PatternReader

Reader = Callable[[bytes, int], Any]
"""A field's value from a buffer and the header's offset in it."""


def fixed_size(where: str, declaration: Any) -> int:
    """Bytes of a header, 0 for none. Raises DeclarationError where they depend on the data."""
    if declaration is None:
        return 0
    return _layout(where, declaration).size


class HeaderReader:
    """A compiled :class:`protocols.packet.Header`."""

    def __init__(self, vehicle: str, header: Header, packets: Sequence[Packet] = ()) -> None:
        """The packets are needed where their keys are patterns.

        Raises DeclarationError on a layout of no fixed size, or a path that is not in it.
        """
        self.layout = _layout(f"{vehicle}.header", header.layout)
        self.size = self.layout.size
        self.header = header
        for path in filter(None, (*header.keys, header.sequence, *header.sequence_of, header.length)):
            if path not in self.layout.leaves:
                names = ", ".join(self.layout.leaves)
                raise DeclarationError(f"{vehicle}.header", f"there is no field {path!r}; it has {names}")
        _refuse_unreadable(vehicle, header, self.layout)
        readers = [reader(self.layout.leaves[path].place) for path in header.keys]
        self.patterns = None if header.keys else PatternReader(vehicle, packets)
        self.key: Reader = readers[0] if isinstance(header.key, str) else _together(readers)
        """The key of the packet whose header begins at an offset of a buffer, as :meth:`identity` gives it."""
        if self.patterns is not None:
            self.key = self.patterns.key
        self.reach = max(self.size, self.patterns.reach if self.patterns else 0)
        """Bytes from a packet's first that tell its type."""
        self._length = reader(self.layout.leaves[header.length].place) if header.length else None

    @property
    def has_length(self) -> bool:
        """Whether the header says how long the body is."""
        return self._length is not None

    def body_length(self, data: bytes, at: int) -> int | None:
        """Bytes of the body, by the header at an offset, negative if it lies; None where the header does not say."""
        return None if self._length is None else int(self._length(data, at)) + self.header.length_bias

    def identity(self, packet: Packet) -> Key | int | None:
        """What :meth:`key` gives for a packet of that type: its key, or its pattern's number."""
        return packet.key if self.patterns is None else self.patterns.numbers[packet.key]  # type: ignore[index]

    def keys(self, rows: Rows) -> Column:
        """The keys of packets that begin rows of reach bytes; where several fields are the key, records of int64."""
        if self.patterns is not None:
            return self.patterns.keys(rows)
        columns = self.layout.columns(rows)
        if isinstance(self.header.key, str):
            return columns.raw(self.header.key)
        keys = np.empty(len(rows), self._record)
        for path in self.header.key:
            keys[path] = columns.raw(path)
        return keys

    def lengths(self, rows: Rows) -> NDArray[np.int64]:
        """Bytes of the bodies by the headers that begin rows, int64 (n,)."""
        return self.layout.columns(rows).raw(self.header.length).astype(np.int64) + self.header.length_bias

    def code(self, packet: Packet) -> Any:
        """A packet type's key, to compare with :meth:`keys`. Raises DeclarationError where no header can hold it."""
        if self.patterns is not None:
            return self.identity(packet)
        if isinstance(self.header.key, str):
            return self._code(packet, packet.key, self.header.key)
        if not isinstance(packet.key, tuple) or len(packet.key) != len(self.header.key):
            problem = f"its key {packet.key!r} is not one number for each of {', '.join(self.header.key)}; correct it"
            raise DeclarationError(f"packet {packet.name}", problem)
        each = zip(packet.key, self.header.key, strict=True)
        return np.array(tuple(self._code(packet, key, path) for key, path in each), self._record)

    @property
    def _record(self) -> np.dtype[np.void]:
        """One int64 for each field of the key."""
        return np.dtype([(path, np.int64) for path in self.header.keys])

    def _code(self, packet: Packet, key: Key | None, path: str) -> Any:
        place = self.layout.leaves[path].place
        if place.kind is Kind.BYTES:
            if isinstance(key, bytes) and 8 * len(key) == place.bits:
                return np.void(key)
            wanted = f"{place.bits // 8} bytes"
        else:
            least = -(1 << place.bits - 1) if place.signed else 0
            if isinstance(key, int) and least <= key < least + (1 << place.bits):
                return key
            wanted = f"a whole number from {least} to {least + (1 << place.bits) - 1}"
        raise DeclarationError(f"packet {packet.name}", f"its key {key!r} is not {wanted}; correct it")


def _layout(where: str, declaration: Any) -> Layout:
    try:
        return Layout(declaration)
    except NoFixedPlace as found:
        raise DeclarationError(where, f"{found}; a header must have a fixed layout") from None


_LONGEST = 48
"""Bits of a length, or of one of several keys: more than any link carries at once, and no sum passes 64 bits."""


def _refuse_unreadable(vehicle: str, header: Header, layout: Layout) -> None:
    """Raise DeclarationError on a key that is neither a number nor bytes, and on another length than a number."""
    kinds_of_key = (Kind.INTEGER, Kind.BYTES) if isinstance(header.key, str) else (Kind.INTEGER,)
    for what, path, kinds in (
        *(("key", path, kinds_of_key) for path in header.keys),
        ("length", header.length, (Kind.INTEGER,)),
    ):
        place = layout.leaves[path].place if path else None
        if place is not None and (place.kind not in kinds or place.shape):
            problem = f"{path!r} cannot be the {what}; use a field of one whole number"
            raise DeclarationError(f"{vehicle}.header", problem)
    for path in (header.length, *(() if isinstance(header.key, str) else header.key)):
        if path and layout.leaves[path].place.bits > _LONGEST:
            raise DeclarationError(f"{vehicle}.header", f"{path!r} can have at most {_LONGEST} bits; use fewer")


def _together(readers: list[Reader]) -> Reader:
    return lambda data, at: tuple(read(data, at) for read in readers)


def reader(place: Place) -> Reader:
    """What reads a header's integer or bytes out of a buffer."""
    first, last = place.bit // 8, (place.bit + place.bits - 1) // 8 + 1
    if place.kind is Kind.BYTES:

        def read_bytes(data: bytes, at: int) -> Key:
            return bytes(data[at + first : at + last])

        return read_bytes
    mask, sign = (1 << place.bits) - 1, (1 << place.bits >> 1) * place.signed
    shift = place.bit - 8 * first if place.little else 8 * last - place.bit - place.bits
    if last - first == 1 and not shift and mask == 0xFF and not sign:
        return lambda data, at: data[at + first]

    def read(data: bytes, at: int) -> int:
        count = int.from_bytes(data[at + first : at + last], "little" if place.little else "big") >> shift & mask
        return (count ^ sign) - sign

    return read
