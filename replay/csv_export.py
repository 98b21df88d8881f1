"""A table that this project exported (``groundstation/exports/csv.py``) as the packets it was made of.

A row is a packet: its arrival, mission time, the vehicle's own time, link, packet type, whether it was valid, and then
the cells of its own measurements, named ``packet.measurement [unit]``. Rows are in the order in which they were
decoded, so packets of several types that were decoded together are put in the order of their arrival.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from construct import Array, Const, Construct, Enum, Float64l, Int8ul, Int16ul, Struct

from protocols.errors import NotARecording
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle
from replay.csv_columns import Column, column_of
from replay.csv_sample import OWN, Sample
from replay.csv_text import Cells as Texts
from replay.recording import RecordedLink
from replay.vehicle_clock import LONGEST_NS

_TITLE = re.compile(r"(?P<packet>[^.]+)\.(?P<path>[^\[\]]+)(?P<index>(?:\[[0-9]{1,6}\])*)(?: \[(?P<unit>.*)\])?")
RECEIVED, MISSION, TIME, LINK, PACKET, VALID = range(len(OWN))
_HEAD = np.dtype([("link", "<u2"), ("packet", "<u2"), ("mission", "<f8"), ("time", "<f8"), ("valid", "u1")])
_OURS = frozenset(("header.row", "header.mission_time", "header.vehicle_time"))
"""Measurements that come of reading such a table; an export of that has them, and they are known otherwise."""
_UTC_NS = 10**17
_NS = re.compile(r"-?[0-9]{1,19}")
MOST_LINKS, MOST_PACKETS = 4096, 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement of a packet: its columns in the table, one for each element."""

    path: str
    unit: str
    shape: tuple[int, ...]
    first: int
    """Its first column."""
    columns: tuple[Column, ...]
    """What each of its columns holds; all alike."""

    @property
    def field(self) -> Construct[Any, Any]:
        """Its declaration."""
        stored = self.columns[0].stored(self.unit)
        for count in reversed(self.shape):
            stored = Array(count, stored)
        return self.path / stored * "as exported"


@dataclass(frozen=True, slots=True)
class Exported:
    """A packet type of the table."""

    name: str
    number: int
    measured: tuple[Measured, ...]
    first: int
    """Its first column."""
    count: int
    """Its columns: they stand together."""
    before: str
    """What stands between a row's first cells and them: commas."""
    after: str | None
    """What stands behind them and a comma: commas, and whether it is made up; None where nothing follows."""

    def cells(self, rest: str) -> Texts | None:
        """The packet's cells in what follows a row's first; None unless commas are all there is around them."""
        if not rest.startswith(self.before):
            return None
        found = rest[len(self.before) :].split(",", self.count)
        if self.after is not None and (len(found) <= self.count or found.pop() != self.after):
            return None
        return found if len(found) == self.count else None

    @property
    def record(self) -> np.dtype[Any]:
        """Of a packet: the header, then the elements of its measurements."""
        fields = [(f"c{each.first + at}", one.dtype) for each in self.measured for at, one in enumerate(each.columns)]
        return np.dtype([("head", _HEAD), *fields])


class ExportedTable:
    """What an export holds, by its header and a sample of its rows."""

    def __init__(self, path: Path, sample: Sample) -> None:
        """Raises NotARecording where it names no packets."""
        self.titles = sample.shape.titles
        self.synthetic = self.titles[-1] == "synthetic"
        self.packets = {each.name: each for each in _packets(sample)}
        if not self.packets:
            raise NotARecording(path, "is an export without any measurement; export a flight that has packets")
        if len(self.packets) > MOST_PACKETS:
            raise NotARecording(path, f"names {len(self.packets):,} packets; export at most {MOST_PACKETS:,} at a time")
        self.names = sorted({cells[LINK] for cells in sample.rows if cells[PACKET] in self.packets})
        if len(self.names) > MOST_LINKS:
            raise NotARecording(path, f"names {len(self.names):,} links; export at most {MOST_LINKS:,} at a time")
        times = [int(cells[RECEIVED]) for cells in sample.rows if is_ns(cells[RECEIVED])]
        self.utc = bool(times) and max(times) > _UTC_NS
        self.assumed: list[str] = []
        self._timed = {cells[PACKET] for cells in sample.rows if cells[TIME]}

    @property
    def links(self) -> dict[str, RecordedLink]:
        """The links that the rows name."""
        header = Header(
            Struct(
                "row" / Enum(Int16ul, **{each.name: each.number for each in self.packets.values()}) * "what it holds",
                "mission_time" / Measurement(Float64l, "s") * "since T-0, as exported",
                "vehicle_time" / Measurement(Float64l, "s") * "by the vehicle's own clock, as exported",
                Const(1, Int8ul),  # whether the packet was valid
            ),
            key="row",
        )
        packets = tuple(
            Packet(
                each.name,
                Struct(*(one.field for one in each.measured)),
                each.number,
                time=("header.vehicle_time",) if each.name in self._timed else (),
                doc="as exported",
            )
            for each in self.packets.values()
        )
        shown = [
            f"{each.name}.{one.path}"
            for each in self.packets.values()
            for one in each.measured
            if one.columns[0].kind != "S" and not one.shape
        ]
        vehicle = Vehicle(
            "table",
            "exported flight",
            packets,
            header,
            display=shown[:6],
            plots=shown[:3],
            synthetic=self.synthetic,
            source="the table's header",
        )
        return {name: RecordedLink(vehicle.name, declared=vehicle) for name in self.names}


def _packets(sample: Sample) -> Iterator[Exported]:
    """The packet types that the header names, with what a sample of their rows holds."""
    titles = sample.shape.titles
    own: dict[str, dict[str, list[int]]] = {}
    for place, title in enumerate(titles):
        told = _TITLE.fullmatch(title) if place >= len(OWN) else None
        if told and told["path"] not in _OURS:
            own.setdefault(told["packet"], {}).setdefault(told["path"], []).append(place)
    kinds: dict[str, list[list[str]]] = {}
    for cells in sample.rows:
        kinds.setdefault(cells[PACKET], []).append(cells)
    for number, (name, paths) in enumerate(own.items()):
        if not name.isidentifier():
            continue
        measured = tuple(_measured(sample, kinds.get(name, []), path, places) for path, places in paths.items())
        every = [place for places in paths.values() for place in places]
        first, last = min(every), max(every)
        follow = len(titles) - last - 1
        after = "," * (follow - 1) + ("1" if titles[-1] == "synthetic" else "") if follow else None
        yield Exported(name, number, measured, first, last + 1 - first, "," * (first - len(OWN)), after)


def _measured(sample: Sample, cells: list[list[str]], path: str, places: list[int]) -> Measured:
    """A measurement by the columns that hold its elements; they all hold alike."""
    title = _TITLE.fullmatch(sample.shape.titles[places[-1]])
    assert title is not None
    index = [int(each) for each in re.findall(r"[0-9]+", title["index"])]
    shape = tuple(each + 1 for each in index)
    if int(np.prod(shape)) != len(places) or places != list(range(places[0], places[0] + len(places))):
        shape, places = (), places[:1]
    # an export writes floats with a point, so whole numbers in a sample are so everywhere
    columns = [column_of([row[place] for row in cells], whole=True, strict=True) for place in places]
    kind = (
        "S" if any(each.kind == "S" for each in columns) else "f" if any(each.kind == "f" for each in columns) else "i"
    )
    width = max([each.width for each in columns if each.kind == "S"], default=8)
    column = Column(kind, width)
    return Measured(path, title["unit"] or "", shape, places[0], (column,) * len(places))


def is_ns(text: str) -> bool:
    """Whether a cell is a time in ns, as an export writes it."""
    return _NS.fullmatch(text) is not None and abs(int(text)) <= LONGEST_NS
