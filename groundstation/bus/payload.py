"""What goes over the bus, as bytes: the payloads of docs/bus.md, made from columns without a loop over values."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from groundstation.event import Event
from groundstation.limits import Limits
from groundstation.measurements import Measurements
from protocols.batch import Batch, Column, Field
from protocols.packet import Vehicle
from replay.json_text import writable

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def encode(payload: Mapping[str, Any]) -> bytes:
    """A payload as JSON; NaN and infinities become null, numbers of more than 64 bits and broken text become text."""
    try:
        return orjson.dumps(payload, default=_plain, option=_OPTIONS)
    except TypeError:
        return orjson.dumps(writable(payload), default=_plain, option=_OPTIONS)


def _plain(value: Any) -> Any:
    """What orjson does not know by itself."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return str(value)


def values(columns: Mapping[str, Column]) -> dict[str, Any]:
    """Columns ready to be encoded."""
    return {path: _encodable(columns[path]) for path in columns}


def _encodable(column: Column) -> Any:
    """A column as orjson takes it: native contiguous numbers as they are, bytes as hex, texts as text."""
    if column.dtype.kind == "V":
        return _hexadecimal(column.tolist())
    if column.dtype.kind in "biuf" and column.dtype.itemsize <= 8:
        return np.ascontiguousarray(column)
    return column.tolist()


def _hexadecimal(values: list[Any]) -> list[Any]:
    """Bytes, in lists as deep as their column has dimensions, as hex."""
    return [_hexadecimal(each) if isinstance(each, list) else bytes(each).hex() for each in values]


def telemetry(
    batches: Sequence[Batch], session: str, seq: int, t0_ns: int | None, thinned: int = 1, missing: int = 0
) -> dict[str, Any]:
    """``telemetry/PACKET``: batches of one packet type and link as one message.

    thinned says that they are one packet in so many received; missing, how many the sequence counts lack.
    """
    received = np.concatenate([batch.received_ns for batch in batches])
    parts = [values(batch.columns) for batch in batches]
    times = [batch.time for batch in batches if batch.time is not None]
    paths = dict.fromkeys(path for part in parts for path in part)
    absent = [[None] * len(batch) for batch in batches]
    return {
        "packet": batches[0].packet,
        "link": batches[0].link,
        "session": session,
        "seq": seq,
        "count": len(received),
        "thinned": thinned,
        "sequence_gaps": missing,
        "received_ns": received,
        "mission_time": None if t0_ns is None else (received - t0_ns) / 1e9,
        "time": np.concatenate(times) if times else None,
        "valid": np.concatenate([batch.valid for batch in batches]),
        "values": {
            path: _join([part.get(path, none) for part, none in zip(parts, absent, strict=True)]) for path in paths
        },
    }


def _join(columns: list[Any]) -> Any:
    """Columns one after the other."""
    if len(columns) == 1:
        return columns[0]
    if all(isinstance(column, np.ndarray) and column.shape[1:] == columns[0].shape[1:] for column in columns):
        joined: NDArray[Any] = np.concatenate(columns)
        return joined
    return [item for column in columns for item in (column.tolist() if isinstance(column, np.ndarray) else column)]


def event(happened: Event, t0_ns: int | None) -> dict[str, Any]:
    """``event``."""
    return {
        "name": happened.name,
        "kind": str(happened.kind),
        "received_ns": happened.received_ns,
        "mission_time": None if t0_ns is None else (happened.received_ns - t0_ns) / 1e9,
        "text": happened.text,
        "detail": dict(happened.detail),
    }


def definition(
    vehicles: Sequence[Vehicle],
    fields: Measurements,
    limits: Mapping[str, Limits],
    links: Mapping[str, Mapping[str, Any]],
    *,
    met: Collection[str] | None = None,
) -> dict[str, Any]:
    """``definition``: all that a stranger's script needs to make sense of the rest; the first vehicle names it.

    Where met, the packets that have come, is given, it leaves out the others of a vehicle that is compiled on demand,
    but for those that are shown or have limits.
    """
    packets: dict[str, Any] = {}
    vehicle = vehicles[0]
    shown = {name.partition(".")[0] for name in (*vehicle.display, *vehicle.plots, *limits)}
    for packet in (
        packet
        for each in vehicles
        for packet in each.packets
        if met is None or not each.on_demand or packet.name in met or packet.name in shown
    ):
        packets[packet.name] = {
            "doc": packet.doc,
            "rate": packet.rate,
            "measurements": {
                path: _measurement(each, limits.get(f"{packet.name}.{path}"))
                for path, each in fields.of(packet.name).items()
            },
        }
    return {
        "name": vehicle.name,
        "title": vehicle.title,
        "synthetic": vehicle.synthetic,
        "source": vehicle.source,
        "phases": list(vehicle.flight.phases) if vehicle.flight else [],
        "display": list(vehicle.display),
        "plots": list(vehicle.plots),
        "links": {name: dict(each) for name, each in links.items()},
        "packets": packets,
    }


def _measurement(told: Field, limits: Limits | None) -> dict[str, Any]:
    return {
        "unit": told.unit,
        "doc": told.doc,
        "type": told.raw_type,
        "bit": told.bit,
        "bits": told.bits,
        "shape": list(told.shape),
        "labels": {str(code): label for code, label in told.labels.items()},
        "resolution": told.resolution,
        "yellow": _band(limits.yellow if limits else None),
        "red": _band(limits.red if limits else None),
        "persistence": limits.persistence if limits else 1,
        "persistence_s": limits.persistence_s if limits else 0.0,
        "hysteresis": limits.hysteresis if limits else 0.0,
        "when": list(limits.when) if limits else [],
    }


def _band(band: tuple[float, float] | None) -> list[float | None] | None:
    return None if band is None else [side if math.isfinite(side) else None for side in band]
