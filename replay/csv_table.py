"""A text table of somebody else's as packets of one type: a packet a row, a field a column.

Rows of numbers alone are parsed by numpy in one go; what that refuses (empty cells, texts, a row of another length) is
read cell by cell.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from construct import Struct
from numpy.typing import NDArray

from protocols.chunk import Chunk
from protocols.errors import NotARecording
from protocols.packet import Packet, Vehicle
from replay.csv_columns import Cells, Column, column_of
from replay.csv_header import Named, identifier, named, time_columns
from replay.csv_sample import Sample, Shape
from replay.csv_text import Account, Block, Row, rows
from replay.csv_time import NONE, Clock, clock_of, dates, nanoseconds
from replay.recording import RecordedLink
from replay.vehicle_clock import VehicleClock

LINK = "rows"
_TELLING: tuple[frozenset[str], ...] = (
    frozenset(("altitude", "alt", "height")),
    frozenset(("velocity", "speed", "vel")),
    frozenset(("acceleration", "accel", "acc")),
    frozenset(("pressure",)),
    frozenset(("battery", "voltage")),
    frozenset(("temperature", "temp")),
)
"""Words in the names of columns that tell most of a flight."""
_GAP_NS = 600_000_000_000
"""A step of up to ten minutes is believed at once."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows become records."""

    shape: Shape
    decimal: str
    titles: list[Named]
    columns: list[Column]
    time: int
    """Which column is the time."""
    clock: Clock

    @property
    def record(self) -> np.dtype[Any]:
        """A record's type: the columns one behind the other."""
        names = [f"c{place}" for place in range(len(self.columns))]
        return np.dtype([(name, column.dtype) for name, column in zip(names, self.columns, strict=True)])


def layout_of(path: Path, sample: Sample) -> Layout:
    """What the rows of a table are. Raises NotARecording where no column is a time."""
    if not sample.rows:
        raise NotARecording(path, "has no row with as many cells as the row of names; see that both are whole")
    titles = named(sample.shape.titles)
    cells = list(zip(*sample.rows, strict=True))
    places = time_columns(titles)
    for place in places:
        clock = clock_of(titles[place], cells[place], sample.decimal)
        if clock is not None:
            columns = [column_of(each, whole=sample.whole, decimal=sample.decimal) for each in cells]
            return Layout(sample.shape, sample.decimal, titles, columns, place, clock)
    problem = "has no column of time; call one time, with its unit, as in time [s], time [ms] or unix_time [s]"
    if places:
        told = sample.shape.titles[places[0]].strip()[:40]
        problem = f"has no times in its column {told}; times are numbers, or dates as 2026-05-31T12:34:56.789Z"
    raise NotARecording(path, problem)


class Table:
    """What a table holds, by its header and a sample of its rows."""

    def __init__(self, path: Path, sample: Sample) -> None:
        """Raises NotARecording where no column is a time."""
        self.layout = layout_of(path, sample)
        self.utc = self.layout.clock.utc
        self._name = identifier(path.stem) or "row"
        self._shown = _telling(self.layout, sample)

    @property
    def assumed(self) -> list[str]:
        """What was taken for the table without its saying so."""
        told = [self.layout.clock.assumed] if self.layout.clock.assumed else []
        return told + (["numbers have decimal commas"] if self.layout.decimal == "," else [])

    @property
    def links(self) -> dict[str, RecordedLink]:
        """The one link there is, with the columns as they are declared."""
        layout = self.layout
        units = [(title.unit, title.scale) for title in layout.titles]
        if layout.clock.seconds:
            units[layout.time] = "s", layout.clock.seconds
        fields = [
            title.name / column.stored(*unit) * _doc(title, place)
            for place, (title, column, unit) in enumerate(zip(layout.titles, layout.columns, units, strict=True))
        ]
        time = (layout.titles[layout.time].name,) if layout.clock.seconds else ()
        packet = Packet(self._name, Struct(*fields), time=time, doc="a row of the table")
        shown = [f"{self._name}.{layout.titles[place].name}" for place in self._shown]
        vehicle = Vehicle(
            "table", self._name, (packet,), display=shown[:6], plots=shown[:3], source="the table's header"
        )
        return {LINK: RecordedLink(vehicle.name, declared=vehicle)}


def _telling(layout: Layout, sample: Sample) -> list[int]:
    """The columns of numbers but for the time, those first that tell most of a flight, and last what never changes."""

    def rank(place: int) -> tuple[bool, int]:
        words = set(layout.titles[place].name.split("_"))
        first = next((at for at, told in enumerate(_TELLING) if words & told), len(_TELLING))
        return len({cells[place] for cells in sample.rows}) < 2, first

    numbers = [at for at, column in enumerate(layout.columns) if column.kind != "S" and at != layout.time]
    return sorted(numbers, key=rank)


class TableReader:
    """Reads the rows of a table, once."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._kinds = {column.kind for column in layout.columns}
        self._clock = VehicleClock(_GAP_NS)
        self._offset: int | None = None

    def chunks(self, block: Block, account: Account) -> Iterator[Chunk]:
        """The rows of a block, a packet each; those that do not fit are damage."""
        records = self._at_once(block)
        if records is None:
            records = self._row_by_row(block, account)
        else:
            account.text += block.size
        times = self._received(records)
        data, size = records.tobytes(), records.dtype.itemsize
        edges = range(0, len(data) + 1, size)
        for begin, end, time in zip(edges, edges[1:], times.tolist(), strict=False):
            yield Chunk(LINK, data[begin:end], time)

    def finish(self) -> Iterator[Chunk]:
        """What still waits: nothing."""
        return iter(())

    def _at_once(self, block: Block) -> NDArray[Any] | None:
        """The records of rows that hold nothing but numbers, all of them; None where there is anything else."""
        layout = self._layout
        if "S" in self._kinds or not block.lines:
            return None
        lines = [line.replace(",", ".") for line in block.lines] if layout.decimal == "," else block.lines
        for each in (lines, _filled(lines, layout.shape.delimiter) if self._kinds == {"f"} else []):
            found = self._numbers(each, quoted=block.quoted)
            if found is not None:
                return found
        return None

    def _numbers(self, lines: list[str], *, quoted: bool) -> NDArray[Any] | None:
        """Lines parsed by numpy; None where it cannot, or does not take each line for a row."""
        alike = self._kinds == {"f"}
        options: dict[str, Any] = {"comments": None, "delimiter": self._layout.shape.delimiter}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # whole numbers with a point, and nothing at all
                found = np.loadtxt(
                    lines,
                    np.float64 if alike else self._layout.record,
                    quotechar='"' if quoted else None,
                    ndmin=2 if alike else 1,
                    **options,
                )
        except (ValueError, OverflowError, Warning):
            return None
        if len(found) != len(lines) or (alike and found.shape[1] != len(self._layout.columns)):
            return None
        return found.view(self._layout.record).reshape(-1) if alike else found

    def _row_by_row(self, block: Block, account: Account) -> NDArray[Any]:
        """The records of the rows that fit."""
        layout, width = self._layout, len(self._layout.columns)
        fitting: list[Row] = []
        blank: list[Row] = []
        for row in rows(block, layout.shape.delimiter, width):
            if len(row.cells) == width:
                fitting.append(row)
            elif not row.cells or row.cells[0].lstrip().startswith("#"):
                blank.append(row)
            else:
                account.spoil(block, row, f"has {len(row.cells)} cells, not {width}")
        records = np.zeros(len(fitting), layout.record)
        wrong: dict[int, str] = {}
        for place, cells in enumerate(zip(*(row.cells for row in fitting), strict=True)):
            column = layout.columns[place]
            records[f"c{place}"], bad = Cells(column, decimal=layout.decimal).values(cells)
            wrong |= {at: f"column {layout.titles[place].title}: {problem(column, cells[at])}" for at in bad}
        for at, what in sorted(wrong.items()):
            account.spoil(block, fitting[at], what)
        good = np.ones(len(fitting), np.bool_)
        good[list(wrong)] = False
        account.deliver(block, [row for at, row in enumerate(fitting) if at not in wrong], blank)
        return records[good]

    def _received(self, records: NDArray[Any]) -> NDArray[np.int64]:
        """Receive times of records, which never go back."""
        values, clock = records[f"c{self._layout.time}"], self._layout.clock
        if clock.seconds:
            times = nanoseconds(values, clock.seconds)
        else:
            times = dates([text.decode("utf-8", "replace") for text in values.tolist()])
        if self._offset is None and len(times):
            self._offset = max(0, -int(times[0])) if times[0] != NONE else 0  # a count-down begins before 0
        return self._followed(np.where(times == NONE, NONE, times + (self._offset or 0)))

    def _followed(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Times by a clock that single wrong ones do not set."""
        clock = self._clock
        if len(times) and clock.stamp_ns == clock.now_ns:
            steps = np.diff(times, prepend=clock.now_ns)
            if (steps >= 0).all() and (steps <= _GAP_NS).all():
                clock.stamp_ns = clock.now_ns = int(times[-1])
                return times
        return np.array([clock.now_ns if time == NONE else clock.at(time) for time in times.tolist()], np.int64)


def _filled(lines: list[str], delimiter: str) -> list[str]:
    """Lines whose empty cells are no numbers."""
    text = "\n".join(("", *lines, "")).replace(2 * delimiter, f"{delimiter}nan{delimiter}")
    text = text.replace(2 * delimiter, f"{delimiter}nan{delimiter}")
    text = text.replace(f"\n{delimiter}", f"\nnan{delimiter}").replace(f"{delimiter}\n", f"{delimiter}nan\n")
    return text[1:-1].split("\n")


def problem(column: Column, cell: str) -> str:
    """What is wrong with a cell."""
    shown = cell if len(cell) <= 30 else f"{cell[:30]}..."
    what = {"i": "is no whole number", "f": "is no number"}.get(column.kind, f"is longer than {column.width} bytes")
    return f"{shown!r} {what}, as the others are" if column.kind != "S" else f"{shown!r} {what}"


def _doc(title: Named, place: int) -> str:
    return f"column {place + 1} of the table: {title.title}".rstrip(". ")
