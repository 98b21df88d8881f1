"""The first look at a text table: how it is separated, its header, and rows from all over it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from protocols.errors import NotARecording
from replay.csv_header import named as named_columns
from replay.csv_header import time_columns
from replay.csv_text import BOM, Cells, blocks, rows, split

OWN = ("received_ns", "mission_time [s]", "vehicle_time [s]", "link", "packet", "valid")
"""What begins the header of a table that this project has written."""
_DELIMITERS = ",;\t"
_WHOLE = 4 << 20
"""Bytes up to which all of a file is looked at."""
_LOOKED, _SLICES, _SLICE_BYTES = 256 << 10, 32, 16 << 10
"""Of a longer one: the beginning, and slices all over it."""
_SCANNED, _EACH = 256 << 20, 500
"""Bytes of an export that are looked through for packets that are rare, and the rows of each that are kept."""
_KIND = re.compile(rb"^(?:[^,\n]*,){3}([^,\n]*,[^,\n]*),", re.MULTILINE)
"""Link and packet of a row of an export."""
_LONGEST_HEADER = 1 << 20
MOST_COLUMNS = 16_384
_AGREE = 0.8
"""The part of the rows that have as many cells as the header, of a table."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a text table is written."""

    delimiter: str
    titles: Cells
    """The header's cells."""
    begin: int
    """The byte after the header."""
    line: int
    """The number of the line after the header."""

    @property
    def own(self) -> bool:
        """Whether this project wrote it."""
        return tuple(self.titles[: len(OWN)]) == OWN and self.delimiter == ","


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of a table that have as many cells as its header."""

    shape: Shape
    rows: list[Cells]
    whole: bool
    """Whether they are all rows there are."""
    decimal: str
    """What separates the decimals."""


def shape_of(head: bytes) -> Shape | None:
    """How a table is written that begins with head; None where it begins with no header.

    A header may begin with ``#``, as comments before it do: then it is the last of them that has as many cells as the
    first row.
    """
    at, line = len(BOM) if head.startswith(BOM) else 0, 1
    commented: list[tuple[str, Cells]] = []
    while at < len(head):
        end = head.find(b"\n", at) + 1 or len(head)
        text = head[at:end].decode("utf-8", "replace").strip("\r\n")
        delimiter = max(_DELIMITERS, key=text.count)
        cells = split(text, delimiter)
        if text.lstrip().startswith("#"):
            commented.append((delimiter, cells))
        elif text.strip():
            widths = {delimiter: len(split(text, delimiter)) for delimiter in _DELIMITERS}
            for delimiter_before, titles in reversed(commented):
                if len(titles) == widths[delimiter_before] > 1:
                    return Shape(delimiter_before, titles, at, line)
            return Shape(delimiter, cells, end, line + 1) if len(cells) > 1 else None
        at, line = end, line + 1
    return None


def is_table(head: bytes) -> bool:
    """Whether head is a table of telemetry: names in its header, one of them of a time, and rows that fit below."""
    shape = shape_of(head)
    if shape is None:
        return False
    if shape.own:
        return True
    titles = [title.strip() for title in shape.titles]
    if not all(0 < len(title) <= 80 and title.isprintable() for title in titles) or len(set(titles)) < len(titles) / 2:
        return False
    if any(_is_number(title) for title in titles) or titles[0][:1] in "$<{!":
        return False
    lines = [line for line in head[shape.begin :].decode("utf-8", "replace").splitlines()[:-1] if line.strip()]
    found = [split(line, shape.delimiter) for line in lines if not line.lstrip().startswith("#")]
    fitting = [cells for cells in found if len(cells) == len(titles)]
    times = time_columns(named_columns(titles))
    if not fitting or len(fitting) < _AGREE * len(found) or not times:
        return False
    return any(all(_is_time(cells[place]) for cells in fitting) for place in times)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    """A number, or something that begins as a date does."""
    text = text.strip()
    return not text or _is_number(text) or (text[:4].isdigit() and text[4:5] in ("-", "/") and ":" in text)


def sample(path: Path) -> Sample:
    """Rows from all over a table. Raises NotARecording where it is none."""
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
        size = file.seek(0, 2)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise NotARecording(path, "is a table in UTF-16; save it as UTF-8")
    shape = shape_of(head)
    if shape is None:
        raise NotARecording(path, "does not begin with the names of its columns; put a row of names first")
    if len(shape.titles) > MOST_COLUMNS:
        problem = f"has {len(shape.titles):,} columns; leave out what is not wanted, at most {MOST_COLUMNS:,} are read"
        raise NotARecording(path, problem)
    whole = size <= _WHOLE
    found = _rows(path, shape, shape.begin, size if whole else shape.begin + _LOOKED)
    if not whole:
        step = (size - shape.begin) // _SLICES
        for slice_begin in range(shape.begin + step, size, step):
            with path.open("rb") as file:
                file.seek(slice_begin)
                begin = slice_begin + len(file.readline(_SLICE_BYTES))
            found += _rows(path, shape, begin, begin + _SLICE_BYTES)
    if shape.own and not whole:
        found += _rare(path, shape, min(size, _SCANNED))
    return Sample(shape, found, whole, _decimal(shape, found))


def _rare(path: Path, shape: Shape, end: int) -> list[Cells]:
    """The first rows of each packet and link of an export: some come a few times in a flight."""
    seen: Counter[bytes] = Counter()
    found: list[Cells] = []
    for block in blocks(path, shape.begin, shape.line, end):
        if all(seen[kind] >= _EACH for kind in set(_KIND.findall(block.data))):
            continue
        for line in block.lines:
            told = _KIND.match(line.encode())
            if told and seen[told[1]] < _EACH:
                seen[told[1]] += 1
                found.append(split(line, ","))
    return [cells for cells in found if len(cells) == len(shape.titles)]


def _rows(path: Path, shape: Shape, begin: int, end: int) -> list[Cells]:
    """The rows between two bytes that have as many cells as the header; of a slice not the last, which is cut."""
    found: list[Cells] = []
    for block in blocks(path, begin, 1, end):
        found += [row.cells for row in rows(block, shape.delimiter, len(shape.titles))]
    cut = end < path.stat().st_size
    fitting = [cells for cells in (found[:-1] if cut else found) if len(cells) == len(shape.titles)]
    return [cells for cells in fitting if not cells[0].startswith("#")]


def _decimal(shape: Shape, found: list[Cells]) -> str:
    """The decimal comma where cells are separated otherwise and numbers have it, and none a point."""
    if shape.delimiter == "," or shape.own:
        return "."
    numbers = [cell.strip() for cells in found[:1000] for cell in cells if cell and _is_number(cell)]
    commas, points = (sum(mark in number for number in numbers) for mark in ",.")
    return "," if commas and not points else "."
