"""SHA-256 of every value of one packet type, in the order received: equal values give equal digests.

How packets come in batches changes nothing. Packets of fixed layout wait as bytes until there is a block of them, whose
columns are then finished and hashed one after the other; a block is so many packets, whatever batches they came in.
So a batch of one costs a copy, and a digest of n packets is that of the whole blocks and of the part of a block after
them. Packets whose layout depends on the data are hashed one by one, in an encoding of their own.

What is hashed: of each packet arrival, validity and the vehicle's time; of each value its path, its type and its
little-endian bytes, with one bit pattern for all NaN. So a packet set that names or scales a value otherwise shows.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.batch import Batch, Column
from protocols.layout import Columns, Layout
from protocols.leaf import Kind

BLOCK_ROWS, BLOCK_BYTES = 4096, 512 * 1024
"""Packets that are hashed together: a few thousand pay for what a column costs by itself; long ones stay in the cache.
"""


class PacketDigest:
    """The digest of one packet type of one link."""

    def __init__(self, packet: str) -> None:
        """Of no packets yet."""
        self.count = 0
        """Packets so far."""
        self._hash = hashlib.sha256(f"{packet}\n".encode())
        self._block: _Block | None = None

    def add(self, batch: Batch) -> None:
        """Take in packets of this type. Never raises on any values."""
        self.count += len(batch)
        if isinstance(batch.columns, Columns):
            if self._block is None:
                self._block = _Block(batch.columns.layout)
            self._block.add(batch, batch.columns)
            self._block.spend(self._hash)
        else:
            self._hash.update(b"".join(_records(batch)))

    def hexdigest(self) -> str:
        """Of all packets so far; more may follow."""
        last = self._hash.copy()
        if self._block is not None:
            self._block.rest(last)
        return last.hexdigest()

    def fork(self) -> PacketDigest:
        """Another one in the same state."""
        other = PacketDigest("")
        other.count, other._hash = self.count, self._hash.copy()
        other._block = self._block.fork() if self._block is not None else None
        return other


class _Block:
    """Packets of fixed layout that wait to be hashed."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._most = max(1, min(BLOCK_ROWS, BLOCK_BYTES // max(layout.size, 1)))
        self._rows, self._received, self._valid, self._time = bytearray(), bytearray(), bytearray(), bytearray()

    def fork(self) -> _Block:
        other = _Block(self._layout)
        other._rows, other._received = self._rows[:], self._received[:]
        other._valid, other._time = self._valid[:], self._time[:]
        return other

    def __len__(self) -> int:
        return len(self._valid)

    def add(self, batch: Batch, columns: Columns) -> None:
        self._rows += columns.rows[:, : self._layout.size].tobytes()
        self._received += batch.received_ns.tobytes()
        self._valid += batch.valid.tobytes()
        if batch.time is not None:
            self._time += batch.time.tobytes()

    def spend(self, into: Any) -> None:
        """Hash the whole blocks, and keep the rest."""
        done = 0
        while len(self) - done >= self._most:
            self._hash(into, done, done + self._most)
            done += self._most
        if done:
            del self._rows[: done * self._layout.size], self._received[: 8 * done]
            del self._valid[:done], self._time[: 8 * done]

    def rest(self, into: Any) -> None:
        """Hash what waits, if anything."""
        if len(self):
            self._hash(into, 0, len(self))

    def _hash(self, into: Any, begin: int, end: int) -> None:
        size, count = self._layout.size, end - begin
        into.update(self._received[8 * begin : 8 * end])
        into.update(self._valid[begin:end])
        time = np.frombuffer(bytes(self._time[8 * begin : 8 * end]), np.float64)
        into.update(_canonical(time))
        rows = np.frombuffer(bytes(self._rows[begin * size : end * size]), np.uint8).reshape(count, size)
        columns = self._layout.columns(rows)
        with np.errstate(all="ignore"):
            for path in columns:
                try:
                    column = self._fixed(path, columns[path])
                except Exception as error:  # noqa: BLE001 a curve of somebody's own that fails must not end a station
                    into.update(f"{path} {type(error).__name__}\n".encode())
                else:
                    into.update(f"{path} {column.dtype.str} {column.shape[1:]}\n".encode())
                    into.update(_canonical(column))

    def _fixed(self, path: str, column: Column) -> Column:
        """Texts as wide as they can be: numpy gives a column the width of its longest."""
        place = self._layout.leaves[path].place
        return column.astype(f"<U{place.bits // 8}") if place.kind is Kind.TEXT else column


def _canonical(column: Column) -> NDArray[np.uint8] | bytes:
    """The bytes of a column that are the same wherever it is equal."""
    if column.dtype.kind == "O":
        return b"".join(_encoded(each) for each in column.tolist())
    if column.dtype.kind in "fc":
        odd = np.isnan(column)
        if odd.any():
            column = column.copy()
            column[odd] = np.nan
    little = column.astype(column.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8)


def _records(batch: Batch) -> Iterator[bytes]:
    """Packets that construct decoded, each by itself: which values a batch has columns for depends on its packets.

    A value that is missing and one that is no number are alike in a column of numbers, so neither is written; whole
    numbers are written as floats, which they are in a column where one is missing.
    """
    columns = [(f"{path}\n".encode(), batch.columns[path].tolist()) for path in sorted(batch.columns)]
    times = batch.time.tolist() if batch.time is not None else [math.nan] * len(batch)
    each = zip(batch.received_ns.tolist(), batch.valid.tolist(), times, strict=True)
    for row, (received_ns, valid, time) in enumerate(each):
        values = [(path, column[row]) for path, column in columns]
        told = [path + _encoded(value) for path, value in values if value is not None and value == value]  # noqa: PLR0124
        yield struct.pack("<q?I", received_ns, valid, len(told)) + _encoded(time) + b"".join(told)


def _encoded(value: Any) -> bytes:
    """One value: a letter for its kind, its length where it has one, its bytes."""
    match value:
        case None:
            return b"-"
        case bool() | int() if -(2**63) <= value < 2**63:
            return b"n" + struct.pack("<d", value)
        case float():
            return b"n" + struct.pack("<d", math.nan if math.isnan(value) else value)
        case bytes() | bytearray():
            return b"b" + struct.pack("<Q", len(value)) + value
        case list() | tuple():
            return b"l" + struct.pack("<Q", len(value)) + b"".join(map(_encoded, value))
        case str():
            text = value.encode(errors="surrogatepass")
            return b"t" + struct.pack("<Q", len(text)) + text
    other = repr(value).encode(errors="surrogatepass")
    return b"o" + struct.pack("<Q", len(other)) + other
