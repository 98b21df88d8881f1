"""CSV (RFC 4180): one row a packet, one column a measurement, named ``packet.measurement [unit]``.

The first columns are the arrival in ns, seconds since T-0, the vehicle's own clock, link, packet and whether it is
valid. A cell is empty where the row's packet has no such measurement, and ``nan`` where its value is not a number.
Enumerations are their names where the declaration has one, bytes are hexadecimal. Made-up telemetry says so in a last
column.

Theory of operation. Rows stand in the order of the batches, but batches may hold a packet or two; so they wait until
there are _ROWS rows, and are then turned into text type by type and column by column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from groundstation.exports import Contents
from groundstation.joined_batches import alike, joined, stored_bytes
from groundstation.part_file import PartFile
from protocols.batch import Batch, Column, Field

_FIRST = ("received_ns", "mission_time [s]", "vehicle_time [s]", "link", "packet", "valid")
_ROWS, _BYTES = 16_384, 4 * 1024 * 1024
"""Rows that wait for one another, and bytes of their packets: columns long enough for numpy, some 50 MB as text."""
_AT_ONCE = 256
"""Rows written together: where there are many types, a row is mostly commas."""


class CsvExport:
    """A CSV file being written; it gets its name when it is whole."""

    def __init__(self, path: Path, contents: Contents) -> None:
        """Raises RecordingFailed where it cannot be written."""
        self._place = PartFile(path)
        self._t0_ns, self._synthetic = contents.t0_ns, contents.synthetic
        self._own = contents.packets
        self._begins: dict[str, int] = {}
        """The first column of each packet type."""
        header = list(_FIRST)
        for name, field in contents.fields.items():
            self._begins.setdefault(name.partition(".")[0], len(header))
            header += [f"{name}{index}{f' [{field.unit}]' if field.unit else ''}" for index in _indices(field)]
        self._width = len(header)
        self._waiting: list[Batch] = []
        self._rows = self._bytes = 0
        try:
            self._file = self._place.part.open("w", newline="", encoding="utf-8", errors="backslashreplace")
            self._file.write(",".join(_texts([*header, *(["synthetic"] if contents.synthetic else [])])) + "\r\n")
        except OSError as error:
            self._place.remove()
            raise self._place.failed(error) from None

    def write(self, batch: Batch) -> None:
        """Add the packets of a batch. Raises RecordingFailed when the disk refuses."""
        self._waiting.append(batch)
        self._rows += len(batch)
        self._bytes += stored_bytes(batch)
        if self._rows >= _ROWS or self._bytes >= _BYTES:
            self._write_waiting()

    def close(self) -> None:
        """Put the whole file in its place. Raises RecordingFailed when the disk refuses."""
        self._write_waiting()
        try:
            self._file.close()
        except OSError as error:
            self.abandon()
            raise self._place.failed(error) from None
        self._place.finish()

    def abandon(self) -> None:
        """Leave nothing half-written behind."""
        with suppress(OSError):
            self._file.close()
        self._place.remove()

    def _write_waiting(self) -> None:
        """Turn what waits into text, each type at once, and write its rows in the order of the batches."""
        kinds: dict[Any, list[Batch]] = {}
        for batch in self._waiting:
            kinds.setdefault(alike(batch), []).append(batch)
        rows = {key: iter(self._texts(joined(batches))) for key, batches in kinds.items()}
        lines = (line for batch in self._waiting for line in islice(rows[alike(batch)], len(batch)))
        try:
            while some := "".join(islice(lines, _AT_ONCE)):
                self._file.write(some)
            self._waiting, self._rows, self._bytes = [], 0, 0
        except OSError as error:
            self.abandon()
            raise self._place.failed(error) from None

    def _texts(self, batch: Batch) -> Iterator[str]:
        """The rows of a batch, with their line ends."""
        blank = repeat("")
        times = blank if self._t0_ns is None else map(repr, ((batch.received_ns - self._t0_ns) / 1e9).tolist())
        own = blank if batch.time is None else map(repr, batch.time.tolist())
        cells: list[Iterable[str]] = [map(str, batch.received_ns.tolist()), times, own]
        cells.append(repeat(",".join(_texts([batch.link, batch.packet]))))
        cells.append(map(str, batch.valid.astype(np.uint8).tolist()))
        before = self._begins[batch.packet] - len(_FIRST)
        cells += [repeat("," * (before - 1))] if before else []  # so many empty cells are one text between two commas
        after = self._width - self._begins[batch.packet]
        for path, field in self._own[batch.packet].items():
            wanted = len(_indices(field))
            after -= wanted
            parts = _cells(field, batch.columns[path])[:wanted] if path in batch.columns else []
            cells += [*parts, *repeat(blank, wanted - len(parts))]
        cells += [repeat("," * (after - 1))] if after else []
        cells += [repeat("1")] if self._synthetic else []
        return (f"{','.join(row)}\r\n" for row in zip(*cells, strict=False))


def _indices(field: Field) -> list[str]:
    """``[0]``, ``[1]`` ... of an array, one empty text of a single value."""
    return ["".join(f"[{i}]" for i in index) for index in np.ndindex(*field.shape)]


def _cells(field: Field, column: Column) -> list[Iterable[str]]:
    """A column as columns of text, one for each element of an array."""
    if column.dtype.kind == "b":
        column = column.astype(np.uint8)
    if column.ndim == 1 or not field.shape:
        return [_texts(column.tolist(), field.labels)]
    elements = column.reshape(len(column), -1)
    return [_texts(elements[:, index].tolist(), field.labels) for index in range(elements.shape[1])]


def _texts(values: Sequence[Any], labels: Mapping[int, str] = {}) -> Iterable[str]:
    """Values of one measurement as cells."""
    if labels:
        named = {code: _text(label) for code, label in labels.items()}
        return [
            _listed(value, labels) if isinstance(value, list) else named.get(value) or _text(value) for value in values
        ]
    kinds = set(map(type, values))
    return map(repr, values) if kinds <= {int, float} else map(_text, values)


def _listed(values: list[Any], labels: Mapping[int, str]) -> str:
    """A list of as many codes as a packet happened to have, as one cell."""
    return _text([labels.get(value, value) for value in values])


def _text(value: Any) -> str:
    """A value as a cell: quoted where RFC 4180 asks for it."""
    text = "" if value is None else value.hex() if isinstance(value, bytes) else str(value)
    return f'"{text.replace(_QUOTE, _QUOTE * 2)}"' if _SPECIAL.search(text) else text


_QUOTE = '"'
_SPECIAL = re.compile('[",\r\n]')

EXPORT = CsvExport
