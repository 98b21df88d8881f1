"""Tables of text, ``.csv`` and ``.tsv``: our own exports as the packets they were, others' a packet a row.

The first row names the columns, with units in brackets or behind an underscore; one of them is the time. Cells are
separated by comma, semicolon or tab; with the latter two, decimals may have a comma. What the columns hold is found
from a sample of all of the file (:mod:`replay.csv_sample`), and declared with the link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from protocols.chunk import Chunk
from replay.csv_export import ExportedTable
from replay.csv_export_rows import ExportReader
from replay.csv_sample import is_table, sample
from replay.csv_table import Table, TableReader
from replay.csv_text import Account, blocks
from replay.recording import Damage, RecordedLink, Recording, TimeBase


class TextTable(Recording):
    """A table of text."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")
    title: ClassVar[str] = "text table"
    tabular: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        """Look at the header and at rows from all over it. Raises NotARecording where it is no table with a time."""
        super().__init__(path)
        looked = sample(path)
        self._shape = looked.shape
        self.overhead = self.text = 0
        """Bytes of what is no row, and of the rows delivered. Filled while reading, so that
        file size = text + overhead + damage.discarded."""
        table = self._table = (ExportedTable if looked.shape.own else Table)(path, looked)
        self.time_base = TimeBase.UTC if table.utc else TimeBase.VEHICLE
        self.assumed: Sequence[str] = table.assumed
        self.synthetic = isinstance(table, ExportedTable) and table.synthetic
        self._links = table.links

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether a header comes first, of which one column is a time, and rows that fit it."""
        return is_table(head)

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The links that an export names; one of another table."""
        return self._links

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last chunk; reads the file."""
        first = last = None
        for chunk in TextTable(self.path).chunks():
            first, last = chunk.received_ns if first is None else first, chunk.received_ns
        return first or 0, last or 0

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The rows, a packet each."""
        self.damage = Damage()
        reader, shape = self._reader(), self._shape
        account = Account(self.damage, overhead=shape.begin)
        for block in blocks(self.path, shape.begin, shape.line):
            yield from _since(start_ns, reader.chunks(block, account))
            self.text, self.overhead = account.text, account.overhead
        self.text, self.overhead = account.text, account.overhead
        yield from _since(start_ns, reader.finish())

    def _reader(self) -> TableReader | ExportReader:
        """What reads the rows from the beginning."""
        return ExportReader(self._table) if isinstance(self._table, ExportedTable) else TableReader(self._table.layout)


def _since(start_ns: int | None, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The chunks at or after a time."""
    return chunks if start_ns is None else (chunk for chunk in chunks if chunk.received_ns >= start_ns)


FORMAT = TextTable
