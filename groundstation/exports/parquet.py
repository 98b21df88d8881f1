"""Apache Parquet: a table of one row a packet, one column a measurement, named ``packet.measurement``.

The columns of ``csv`` by the same names, but typed: ``received_ns`` is a whole number, enumerations are texts in a
dictionary, bytes are binary, and what a row's packet does not have is null, which costs next to nothing. The unit and
the text of each measurement are in its column's metadata; vehicle, T-0, time base and whether the values are made up in
the table's. Rows stand packet type by packet type within each row group, in the order received within a type.

Written with pyarrow, the format's own library (the extra ``parquet``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from groundstation.export_values import Kind, Place, numbers, places, texts
from groundstation.exports import Contents
from groundstation.joined_batches import Gathered
from groundstation.part_file import PartFile
from protocols.batch import Batch
from protocols.errors import RecordingFailed

_ROWS = 65_536
"""Rows of a row group: some 50 MB at the most while it is made."""


class ParquetExport:
    """A Parquet file being written; it gets its name when it is whole."""

    def __init__(self, path: Path, contents: Contents) -> None:
        """Raises RecordingFailed where it cannot be written, or pyarrow is not there."""
        self._place = PartFile(path)
        try:
            import pyarrow  # noqa: ICN001, PLC0415 an extra, and 130 ms
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError:
            problem = "Parquet needs pyarrow: pip install 'launch-groundstation[parquet]', or write .csv or .npz"
            raise RecordingFailed(path, problem) from None
        self._arrow, self._contents = pyarrow, contents
        self._places = {name: places(name, own, contents.types) for name, own in contents.packets.items()}
        self._gathered = Gathered(_ROWS)
        self._schema = pyarrow.schema(self._columns(), self._about())
        try:
            self._writer = parquet.ParquetWriter(self._place.part, self._schema, compression="zstd")
        except OSError as error:
            self._place.remove()
            raise self._place.failed(error) from None

    def write(self, batch: Batch) -> None:
        """Add the packets of a batch. Raises RecordingFailed when the disk refuses."""
        self._put(list(self._gathered.add(batch)))

    def close(self) -> None:
        """Put the whole file in its place. Raises RecordingFailed when the disk refuses."""
        self._put(list(self._gathered.rest()))
        try:
            self._writer.close()
        except OSError as error:
            self.abandon()
            raise self._place.failed(error) from None
        self._place.finish()

    def abandon(self) -> None:
        """Leave nothing half-written behind."""
        with suppress(OSError, ValueError):
            self._writer.close()
        self._place.remove()

    def _put(self, batches: list[Batch]) -> None:
        if batches:
            try:
                self._writer.write_table(self._table(sorted(batches, key=attrgetter("packet"))), 2 * _ROWS)
            except OSError as error:
                self.abandon()
                raise self._place.failed(error) from None

    def _columns(self) -> list[Any]:
        arrow = self._arrow
        names = arrow.dictionary(arrow.int32(), arrow.string())
        found = [
            arrow.field("received_ns", arrow.int64(), metadata={"unit": "ns", "time_base": self._contents.time_base}),
            arrow.field("mission_time", arrow.float64(), metadata={"unit": "s", "doc": "since T-0"}),
            arrow.field("vehicle_time", arrow.float64(), metadata={"unit": "s", "doc": "the vehicle's own clock"}),
            arrow.field("link", names),
            arrow.field("packet", names),
            arrow.field("valid", arrow.bool_()),
            arrow.field("synthetic", arrow.bool_(), metadata={"doc": "whether the values are made up"}),
        ]
        for each in (place for own in self._places.values() for place in own):
            about = {"unit": each.field.unit, "doc": each.field.doc}
            found.append(arrow.field(each.name, self._type(each), metadata=about))
        return found

    def _type(self, place: Place) -> Any:
        arrow = self._arrow
        if place.kind is Kind.NUMBER:
            return arrow.from_numpy_dtype(place.dtype)
        if place.kind is Kind.BYTES:
            return arrow.binary()
        return arrow.dictionary(arrow.int32(), arrow.string()) if place.kind is Kind.LABEL else arrow.string()

    def _about(self) -> dict[str, str]:
        told = self._contents
        t0 = "" if told.t0_ns is None else str(told.t0_ns)
        about = {"vehicle": told.title, "t0_ns": t0, "time_base": told.time_base, "recording": told.recording}
        return about | {"synthetic": str(told.synthetic).lower()}

    def _table(self, batches: Sequence[Batch]) -> Any:
        """Batches, those of a packet type side by side, as a table with null in all columns of other packets."""
        total, begin = sum(map(len, batches)), 0
        nothing: dict[Any, Any] = {}
        """Nulls of each type, which columns share: where there are many packet types, most of a table is nulls."""
        filled: dict[str, list[Any]] = {}
        before: dict[str, int] = {}
        for batch in batches:
            for name, values in self._values(batch).items():
                before.setdefault(name, begin)
                filled.setdefault(name, []).append(self._array(values, self._schema.field(name).type, len(batch)))
            begin += len(batch)
        columns = []
        for field in self._schema:
            own, at = filled.get(field.name, []), before.get(field.name, 0)
            if field.type not in nothing:
                nothing[field.type] = self._array(None, field.type, total)
            nulls, after = nothing[field.type], total - at - sum(map(len, own))
            columns.append(self._arrow.chunked_array([nulls[:at], *own, nulls[:after]], field.type))
        return self._arrow.table(columns, self._schema)

    def _values(self, batch: Batch) -> dict[str, Any]:
        """The values of a batch by column, as pyarrow takes them; None for nulls."""
        count, t0_ns = len(batch), self._contents.t0_ns
        return {
            "received_ns": batch.received_ns,
            "mission_time": None if t0_ns is None else (batch.received_ns - t0_ns) / 1e9,
            "vehicle_time": batch.time,
            "link": [batch.link] * count,
            "packet": [batch.packet] * count,
            "valid": batch.valid,
            "synthetic": np.full(count, self._contents.synthetic),
        } | {place.name: _values(place, batch) for place in self._places[batch.packet]}

    def _array(self, values: Any, kind: Any, count: int) -> Any:
        """Values as an array of a type; None stands for so many nulls."""
        if values is None:
            return self._arrow.nulls(count, kind)
        made = self._arrow.array(values, type=_plain(kind))
        return made if made.type == kind else made.dictionary_encode()


def _plain(kind: Any) -> Any:
    """The type of a dictionary's values; of others the type itself."""
    return getattr(kind, "value_type", kind)


def _values(place: Place, batch: Batch) -> Any:
    """The values of a place, as pyarrow takes them; None where the batch has none."""
    column = place.of(batch)
    if column is None:
        return None
    if place.kind is Kind.NUMBER:
        return np.ascontiguousarray(numbers(column, place.dtype))
    if place.kind is Kind.BYTES:
        return [bytes(each) for each in column.tolist()]
    return texts(column, place.field.labels)


EXPORT = ParquetExport
