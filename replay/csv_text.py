"""The rows of a text table, from blocks of whole rows: cells, lines and bytes of each, in bounded memory.

Quotes are those of RFC 4180. A block ends where all quotes before are closed, so that each can be split by itself; a
quote that is never closed costs the lines it is in.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from replay.recording import Damage

BLOCK_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"
Cells = list[str]


@dataclass(frozen=True)
class Block:
    """Whole rows of a file."""

    lines: list[str]
    """Without their ends; there are no blank lines at the end."""
    first: int
    """Number of the first line, from 1."""
    quoted: bool
    """Whether there is a quote in it."""
    data: bytes
    """Its bytes."""

    @property
    def size(self) -> int:
        """Bytes that it takes in the file."""
        return len(self.data)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The byte at which each line begins, and the end, int64 (lines + 1,)."""
        ends = np.flatnonzero(np.frombuffer(self.data, np.uint8) == ord("\n")) + 1
        last = [] if len(ends) and ends[-1] == len(self.data) else [len(self.data)]
        return np.concatenate(([0], ends, last)).astype(np.int64)


@dataclass(slots=True)
class Account:
    """Where the bytes of a table went."""

    damage: Damage
    overhead: int = 0
    """Bytes of header, comments, blank lines."""
    text: int = 0
    """Bytes of the rows delivered."""

    def spoil(self, block: Block, row: Row, what: str) -> None:
        """Count a row's bytes as damage, and say why."""
        starts = block.starts
        self.damage.note(f"line {block.first + row.begin:,} {what}", int(starts[row.end] - starts[row.begin]))

    def deliver(self, block: Block, good: Sequence[Row], blank: Sequence[Row]) -> None:
        """Count the bytes of rows that are delivered, and of those that hold nothing."""
        self.delivered(block, np.array([row.begin for row in good], int), np.array([row.end for row in good], int))
        self.overhead += sum(int(block.starts[row.end] - block.starts[row.begin]) for row in blank)

    def delivered(self, block: Block, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        """Count the bytes of rows that are delivered, each from a line of the block to another."""
        if len(begins):
            self.text += int((block.starts[ends] - block.starts[begins]).sum())


@dataclass(frozen=True, slots=True)
class Row:
    """Cells with the lines they stand in: ``lines[begin:end]`` of their block."""

    cells: Cells
    begin: int
    end: int


def blocks(path: Path, begin: int, line: int, end: int | None = None) -> Iterator[Block]:
    """The rows from a byte on, which begins the line of that number; to another byte, if given."""
    with path.open("rb") as file:
        file.seek(begin)
        rest = b""
        left = None if end is None else end - begin
        while data := file.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left)):
            left = None if left is None else left - len(data)
            text = rest + data
            cut = _cut(text)
            rest = text[cut:]
            if cut:
                block = _block(text[:cut], line)
                line += text.count(b"\n", 0, cut)
                yield block
        if rest:
            yield _block(rest, line)


def _cut(text: bytes) -> int:
    """Where the last row that is whole ends; the whole text where none ends for too long."""
    cut = text.rfind(b"\n") + 1
    if cut and text.count(b'"', 0, cut) % 2:
        array = np.frombuffer(text, np.uint8, cut)
        ends, quotes = np.flatnonzero(array == ord("\n")), np.flatnonzero(array == ord('"'))
        outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
        cut = int(outside[-1]) + 1 if len(outside) else 0
    if cut or len(text) < 2 * BLOCK_BYTES:
        return cut
    return text.rfind(b"\n") + 1 or len(text)


def _block(data: bytes, first: int) -> Block:
    text = data.decode("utf-8", "replace")
    quoted = '"' in text
    lines = (text if quoted else text.replace("\r\n", "\n")).split("\n")  # within quotes an end of line is a text's
    if not lines[-1]:
        lines.pop()
    return Block(lines, first, quoted, data)


def rows(block: Block, delimiter: str, width: int) -> Iterator[Row]:
    """All rows of a block, whatever they hold: of a blank line no cells. width is how many there should be."""
    if not block.quoted:
        for at, line in enumerate(block.lines):
            yield Row(line.split(delimiter) if line.strip() else [], at, at + 1)
        return
    reader, at = csv.reader(_ended(block.lines), delimiter=delimiter, strict=True), 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # quotes that do not fit, a cell longer than the csv module takes
            cells = [""]
        end = min(max(reader.line_num, at + 1), len(block.lines))
        if end - at > 1 and len(cells) != width:
            yield from _one_by_one(block.lines, at, end, delimiter)
        else:
            yield Row(cells, at, end)
        at = end


def _ended(lines: list[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)


def _one_by_one(lines: list[str], begin: int, end: int, delimiter: str) -> Iterator[Row]:
    """Lines that a stray quote has joined, each as a row."""
    for at in range(begin, end):
        line = lines[at].rstrip("\r")
        yield Row(split(line, delimiter) or line.split(delimiter) if line.strip() else [], at, at + 1)


def split(text: str, delimiter: str) -> Cells:
    """The cells of a line; none where its quotes do not fit."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
