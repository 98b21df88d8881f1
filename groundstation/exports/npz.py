"""NumPy's ``.npz``: an array for each measurement, ``numpy.load(FILE)["packet.measurement"]``.

Beside those of a packet stand ``packet.received_ns``, ``packet.mission_time`` [s], ``packet.vehicle_time`` [s],
``packet.valid`` and ``packet.link``, all of the same length. ``about`` is a text of JSON: units, texts and labels of
the measurements, T-0, time base, whether the values are made up, and what has no array because its shape depends on
the data. No array needs pickle.

Theory of operation. Packets go to a file of records each, so that memory does not grow; at the end they are read
again column by column into the archive (zip, stored: ``numpy.load(..., mmap_mode=None)`` reads single arrays of it).
"""

from __future__ import annotations

import json
import tempfile
import zipfile
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
_BLOCK = 65_536
"""Records read at a time when columns are written."""
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
        self._spools: dict[str, IO[bytes]] = {}
        try:
            self._archive = zipfile.ZipFile(self._place.part, "w")
        except OSError as error:
            raise self._place.failed(error) from None

    def write(self, batch: Batch) -> None:
        """Add the packets of a batch. Raises RecordingFailed when the disk refuses."""
        for each in self._gathered.add(batch):
            self._spool(each)

    def close(self) -> None:
        """Put the whole file in its place. Raises RecordingFailed when the disk refuses."""
        for each in self._gathered.rest():
            self._spool(each)
        try:
            for packet, spool in self._spools.items():
                self._columns(packet, spool)
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
        while self._spools:
            self._spools.popitem()[1].close()

    def _spool(self, batch: Batch) -> None:
        """Put the packets of a batch at the end of their type's records."""
        rows = np.zeros(len(batch), self._records[batch.packet])
        t0_ns = self._contents.t0_ns
        rows["received_ns"], rows["valid"], rows["link"] = batch.received_ns, batch.valid, batch.link
        rows["mission_time"] = np.nan if t0_ns is None else (batch.received_ns - t0_ns) / 1e9
        rows["vehicle_time"] = np.nan if batch.time is None else batch.time
        for place in self._places[batch.packet]:
            column = place.of(batch)
            if column is not None:
                rows[place.name] = numbers(column, place.dtype) if place.dtype.kind in "biuf" else column
            elif place.dtype.kind == "f":
                rows[place.name] = np.nan
        try:
            if batch.packet not in self._spools:
                self._spools[batch.packet] = tempfile.TemporaryFile(dir=self._place.path.parent)  # noqa: SIM115 closed by _release
            self._spools[batch.packet].write(rows.tobytes())
        except OSError as error:
            self.abandon()
            raise self._place.failed(error) from None

    def _columns(self, packet: str, spool: IO[bytes]) -> None:
        """The arrays of a packet, out of its records."""
        record = self._records[packet]
        count = spool.tell() // record.itemsize
        for name in record.names or ():
            full = name if "." in name else f"{packet}.{name}"
            with self._archive.open(f"{full}.npy", "w", force_zip64=True) as file:
                kind = record[name]
                head = {"descr": npy.dtype_to_descr(kind), "fortran_order": False, "shape": (count,)}
                npy.write_array_header_1_0(file, head)
                spool.seek(0)
                while block := spool.read(_BLOCK * record.itemsize):
                    file.write(np.ascontiguousarray(np.frombuffer(block, record)[name]).tobytes())

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
