"""MCAP with JSON messages: a channel for each packet type and link, ``/LINK/PACKET``, which MCAP viewers plot as it is.

A message is one packet: its measurements, nested as their names are (``mode.phase`` is ``{"mode": {"phase": ...}}``),
enumerations by their names, bytes in hexadecimal; and with a leading underscore ``_mission_time`` [s],
``_vehicle_time`` [s], ``_valid`` and ``_synthetic``. The schema of a channel (JSON Schema) has the unit and the text of
each. Flight events and limits crossed are on ``/events`` as ``foxglove.Log``. A message's log time is the packet's
arrival.

Written with the format's own library, which this project depends on for its recordings' tests too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from mcap.writer import CompressionType, Writer

from groundstation.event import EventKind
from groundstation.export_values import Kind, Place, numbers, places, texts
from groundstation.exports import Contents
from groundstation.joined_batches import Gathered
from groundstation.part_file import PartFile
from protocols.batch import Batch

_ROWS = 8_192
_LEVELS = {"red": 4, "yellow": 3}
"""Of ``foxglove.Log``: 2 information, 3 warning, 4 error."""
_OWN = {
    "_mission_time": {"type": ["number", "null"], "description": "[s] since T-0"},
    "_vehicle_time": {"type": ["number", "null"], "description": "[s] by the vehicle's own clock"},
    "_valid": {"type": "boolean", "description": "false where a constant of the declaration is wrong"},
    "_synthetic": {"type": "boolean", "description": "true where the values are made up"},
}
_LOG = {
    "type": "object",
    "title": "foxglove.Log",
    "properties": {
        "timestamp": {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}},
        "level": {"type": "integer"},
        "message": {"type": "string"},
        "name": {"type": "string"},
    },
}


class McapExport:
    """An MCAP file being written; it gets its name when it is whole."""

    def __init__(self, path: Path, contents: Contents) -> None:
        """Raises RecordingFailed where it cannot be written."""
        self._place, self._contents = PartFile(path), contents
        self._places = {name: places(name, own, contents.types) for name, own in contents.packets.items()}
        self._gathered = Gathered(_ROWS)
        self._schemas: dict[str, int] = {}
        self._channels: dict[tuple[str, str], int] = {}
        try:
            self._file = self._place.part.open("wb")
            self._writer = Writer(self._file, compression=CompressionType.ZSTD)
            self._writer.start("", "groundstation decode")
            self._begin()
        except OSError as error:
            self._place.remove()
            raise self._place.failed(error) from None

    def write(self, batch: Batch) -> None:
        """Add the packets of a batch. Raises RecordingFailed when the disk refuses."""
        self._put(self._gathered.add(batch))

    def close(self) -> None:
        """Put the whole file in its place. Raises RecordingFailed when the disk refuses."""
        self._put(self._gathered.rest())
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
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

    def _begin(self) -> None:
        """What holds for the whole file, and the events."""
        told, writer = self._contents, self._writer
        t0 = "" if told.t0_ns is None else str(told.t0_ns)
        about = {"vehicle": told.title, "recording": told.recording, "t0_ns": t0, "time_base": told.time_base}
        writer.add_metadata("decoded", about | {"synthetic": str(told.synthetic).lower()})
        schema = writer.register_schema("foxglove.Log", "jsonschema", orjson.dumps(_LOG))
        channel = writer.register_channel("/events", "json", schema)
        for event in told.events:
            sec, nsec = divmod(event.received_ns, 10**9)
            level = _LEVELS.get(event.name, 2) if event.kind is EventKind.LIMIT else 2
            stamp = {"sec": sec, "nsec": nsec}
            said = {"timestamp": stamp, "level": level, "message": event.text, "name": event.name}
            self._message(channel, event.received_ns, orjson.dumps(said))

    def _put(self, batches: Iterator[Batch]) -> None:
        try:
            for batch in batches:
                channel = self._channel(batch)
                for received_ns, data in zip(batch.received_ns.tolist(), self._rows(batch), strict=True):
                    self._message(channel, received_ns, data)
        except OSError as error:
            self.abandon()
            raise self._place.failed(error) from None

    def _message(self, channel: int, received_ns: int, data: bytes) -> None:
        at = max(received_ns, 0)  # a vehicle's clock may be negative, which the format cannot say
        self._writer.add_message(channel, at, data, at)

    def _channel(self, batch: Batch) -> int:
        """The channel of a batch's packets, declared when the first comes."""
        key = batch.link, batch.packet
        if key not in self._channels:
            if batch.packet not in self._schemas:
                schema = orjson.dumps(self._schema(batch.packet))
                self._schemas[batch.packet] = self._writer.register_schema(batch.packet, "jsonschema", schema)
            topic = f"/{batch.link}/{batch.packet}"
            self._channels[key] = self._writer.register_channel(topic, "json", self._schemas[batch.packet])
        return self._channels[key]

    def _schema(self, packet: str) -> dict[str, Any]:
        """The JSON Schema of a packet's messages."""
        properties: dict[str, Any] = dict(_OWN)
        for place in self._places[packet]:
            if not any(place.index):
                kind = "number" if place.kind is Kind.NUMBER else "string"
                kind = "boolean" if place.dtype.kind == "b" else kind
                unit = f"[{place.field.unit}] " if place.field.unit else ""
                single: dict[str, Any] = {"type": [kind, "null"], "description": f"{unit}{place.field.doc}".strip()}
                _nested(properties, place.field.path.split("."), _listed(single, len(place.index)))
        return {"type": "object", "description": self._contents.docs.get(packet, ""), "properties": properties}

    def _rows(self, batch: Batch) -> Iterator[bytes]:
        """The packets of a batch as JSON."""
        t0_ns, count = self._contents.t0_ns, len(batch)
        times = [None] * count if t0_ns is None else ((batch.received_ns - t0_ns) / 1e9).tolist()
        own = [None] * count if batch.time is None else batch.time.tolist()
        columns = {
            place.field.path: _values(place, batch) for place in self._places[batch.packet] if not any(place.index)
        }
        paths = [path.split(".") for path in columns]
        synthetic = self._contents.synthetic
        for time, vehicle_time, valid, *values in zip(times, own, batch.valid.tolist(), *columns.values(), strict=True):
            said: dict[str, Any] = {
                "_mission_time": time,
                "_vehicle_time": vehicle_time,
                "_valid": valid,
                "_synthetic": synthetic,
            }
            for path, value in zip(paths, values, strict=True):
                if len(path) == 1:
                    said[path[0]] = value
                else:
                    _put_in(said, path, value)
            yield _encoded(said)


def _encoded(said: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(said)
    except TypeError:  # a whole number of more than 64 bits
        return json.dumps(said, default=str).encode()


def _put_in(into: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a value at a path of nested objects; at its whole name where a part of the path is a value itself."""
    *above, last = path
    inner = into
    for name in above:
        found = inner.setdefault(name, {})
        if not isinstance(found, dict):
            into[".".join(path)] = value
            return
        inner = found
    inner[last] = value


def _nested(properties: dict[str, Any], path: list[str], schema: dict[str, Any]) -> None:
    """Describe the value at a path of nested objects."""
    for name in path[:-1]:
        described = properties.setdefault(name, {"type": "object", "properties": {}})
        properties = described.setdefault("properties", {})
    properties[path[-1]] = schema


def _listed(schema: dict[str, Any], dimensions: int) -> dict[str, Any]:
    """The schema of lists, as deep as an array has dimensions."""
    for _ in range(dimensions):
        schema = {"type": "array", "items": schema}
    return schema


def _values(place: Place, batch: Batch) -> list[Any]:
    """A measurement's values ready for JSON, arrays as lists."""
    column = batch.columns.get(place.field.path)
    if column is None:
        return [None] * len(batch)
    if place.kind is Kind.NUMBER:
        told: list[Any] = (numbers(column, place.dtype) if column.ndim == 1 else column).tolist()  # NaN becomes null
        return told
    if column.ndim == 1:
        return texts(column, place.field.labels)
    flat = np.array(texts(column.reshape(-1), place.field.labels), object)
    listed: list[Any] = flat.reshape(column.shape).tolist()
    return listed


EXPORT = McapExport
