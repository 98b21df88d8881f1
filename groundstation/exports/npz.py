"""NumPy's ``.npz``: an array for each measurement, ``numpy.load(FILE)["packet.measurement"]``.

Beside those of a packet stand ``packet.received_ns``, ``packet.mission_time`` [s], ``packet.vehicle_time`` [s],
``packet.valid`` and ``packet.link``, all of the same length. ``about`` is a text of JSON: units, texts and labels of
the measurements, T-0, time base, whether the values are made up, and what has no array because its shape depends on
the data. No array needs pickle.

Theory of operation. Packets go to one nameless file, a block of columns at a time, so that memory does not grow; at the
end each column's parts are put together in the archive (zip, stored: ``numpy.load`` reads single arrays of it).
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from groundstation.export_values import Kind, Place, numbers, places
from groundstation.exports import Contents
from groundstation.joined_batches import Gathered
from groundstation.part_file import PartFile
from protocols.batch import Batch

_ROWS = 16_384
_LINK = "U64"
"""A link's name has at most 64 characters (``groundstation/campaign_tables.py``); longer ones of files are cut."""


class NpzExport:
    """A ``.npz`` file being written; it gets its name when it is whole."""

    def __init__(self, path: Path, contents: Contents) -> None:
        """Raises RecordingFailed where it cannot be written."""
        self._place, self._contents = PartFile(path), contents
        every = {name: places(name, own, contents.types) for name, own in contents.packets.items()}
        self._places = {name: [each for each in own if _fits(each)] for name, own in every.items()}
        self._left_out = [each.name for own in every.values() for each in own if not _fits(each)]
        self._records = {name: _record(own) for name, own in self._places.items()}
        self._gathered = Gathered(_ROWS)
        self._spool: IO[bytes] | None = None
        self._blocks: dict[str, list[tuple[int, int]]] = {}
        """Where in the spool the blocks of each packet type begin, and their rows."""
        try:
            self._archive = zipfile.ZipFile(self._place.part, "w")
        except OSError as error:
            self._place.remove()
            raise self._place.failed(error) from None

    def write(self, batch: Batch) -> None:
        """Add the packets of a batch. Raises RecordingFailed when the disk refuses."""
        for each in self._gathered.add(batch):
            self._keep(each)

    def close(self) -> None:
        """Put the whole file in its place. Raises RecordingFailed when the disk refuses."""
        for each in self._gathered.rest():
            self._keep(each)
        try:
            if self._spool is not None:
                for packet in self._blocks:
                    self._columns(packet, self._spool)
            self._array("about", np.array(self._about()))
            self._archive.close()
        except OSError as error:
            self.abandon()
            raise self._place.failed(error) from None
        self._release()
        self._place.finish()

    def abandon(self) -> None:
        """Leave nothing half-written behind."""
        self._release()
        if self._archive.fp is not None:
            self._archive.fp.close()
            self._archive.fp = None  # so that it is not finished when it is collected
        self._place.remove()

    def _release(self) -> None:
        if self._spool is not None:
            with suppress(OSError):  # a full disk may refuse what was still to be written of it
                self._spool.close()
            self._spool = None

    def _keep(self, batch: Batch) -> None:
        """Put the packets of a batch at the spool's end, column after column."""
        try:
            if self._spool is None:
                self._spool = tempfile.TemporaryFile(dir=self._place.path.parent)  # noqa: SIM115 closed by _release
            self._blocks.setdefault(batch.packet, []).append((self._spool.tell(), len(batch)))
            for column in self._stored(batch):
                self._spool.write(column.tobytes())
        except OSError as error:
            self.abandon()
            raise self._place.failed(error) from None

    def _stored(self, batch: Batch) -> Iterator[np.ndarray[Any, Any]]:
        """The columns of a batch as its packet's record has them."""
        t0_ns, count = self._contents.t0_ns, len(batch)
        nothing = np.full(count, np.nan)
        yield batch.received_ns.astype("<i8", copy=False)
        yield nothing if t0_ns is None else (batch.received_ns - t0_ns) / 1e9
        yield nothing if batch.time is None else batch.time.astype("<f8", copy=False)
        yield batch.valid.astype(bool, copy=False)
        yield np.full(count, batch.link, _LINK)
        for place in self._places[batch.packet]:
            column = place.of(batch)
            if column is None:
                yield (nothing if place.dtype.kind == "f" else np.zeros(count)).astype(place.dtype)
            elif place.dtype.kind in "biuf":
                yield numbers(column, place.dtype)
            else:
                yield column.astype(place.dtype)

    def _columns(self, packet: str, spool: IO[bytes]) -> None:
        """The arrays of a packet, out of the spool's blocks."""
        record, blocks = self._records[packet], self._blocks[packet]
        shape, before = (sum(rows for _, rows in blocks),), 0
        for name in record.names or ():
            kind = record[name]
            with self._archive.open(
                f"{name if '.' in name else f'{packet}.{name}'}.npy", "w", force_zip64=True
            ) as file:
                head = {"descr": npy.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
                npy.write_array_header_1_0(file, head)
                for at, rows in blocks:
                    spool.seek(at + rows * before)
                    file.write(spool.read(rows * kind.itemsize))
            before += kind.itemsize

    def _array(self, name: str, array: np.ndarray[Any, Any]) -> None:
        with self._archive.open(f"{name}.npy", "w") as file:
            npy.write_array(file, array, allow_pickle=False)

    def _about(self) -> str:
        told = self._contents
        return json.dumps(
            {
                "vehicle": told.title,
                "recording": told.recording,
                "synthetic": told.synthetic,
                "time_base": told.time_base,
                "t0_ns": told.t0_ns,
                "packets": dict(told.docs),
                "measurements": {
                    place.name: {"unit": place.field.unit, "doc": place.field.doc, "labels": dict(place.field.labels)}
                    for own in self._places.values()
                    for place in own
                },
                "left_out": self._left_out,
            }
        )


def _fits(place: Place) -> bool:
    """Whether its values fit an array of one type."""
    return place.kind is not Kind.VARYING


def _record(own: list[Place]) -> np.dtype[np.void]:
    """One packet's record. A name of ours holds no dot and a measurement's does, so that none is taken twice."""
    ours = [("received_ns", "<i8"), ("mission_time", "<f8"), ("vehicle_time", "<f8"), ("valid", "?"), ("link", _LINK)]
    return np.dtype([*ours, *((place.name, place.dtype) for place in own)])


EXPORT = NpzExport
