"""The rows of a table that this project exported, as packets in the order of their arrival."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.chunk import Chunk
from replay.csv_columns import Cells, Column
from replay.csv_export import LINK, MISSION, PACKET, RECEIVED, TIME, VALID, Exported, ExportedTable, is_ns
from replay.csv_sample import OWN
from replay.csv_table import problem
from replay.csv_text import Account, Block, Row, rows
from replay.csv_text import Cells as Texts
from replay.time_order import TimeOrder

_WINDOW = 1 << 16
"""Rows that were decoded together, at the most."""


@dataclass(slots=True)
class _Own:
    """Rows of one packet type within a block."""

    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    heads: list[Texts] = field(default_factory=list)
    """Their first cells, or all."""
    cells: list[Texts] = field(default_factory=list)
    """Those of the packet."""

    def add(self, begin: int, end: int, head: Texts, cells: Texts) -> None:
        """Take a row."""
        self.begins.append(begin)
        self.ends.append(end)
        self.heads.append(head)
        self.cells.append(cells)

    def row(self, at: int) -> Row:
        """One of them, by its lines."""
        return Row([], self.begins[at], self.ends[at])

    def remove(self, at: int) -> None:
        """Leave one out."""
        for each in (self.begins, self.ends, self.heads, self.cells):
            del each[at]


class ExportReader:
    """Reads the rows of an export, once."""

    def __init__(self, table: ExportedTable) -> None:
        self._titles, self._packets, self._names = table.titles, table.packets, table.names
        self._numbers = {name: number for number, name in enumerate(table.names)}
        self._order = TimeOrder(_WINDOW)

    def chunks(self, block: Block, account: Account) -> Iterator[Chunk]:
        """Packets that the rows of a block bring; those that do not fit are damage."""
        times, places, records = [_NO_TIMES], [_NO_TIMES], [np.empty(0, object)]
        for name, own in self._by_packet(block, account).items():
            self._keep_known(own, block, account)
            if own.begins:
                time, made, good = self._made(self._packets[name], own, block, account)
                times.append(time)
                places.append(np.array(own.begins, np.int64)[good])
                records.append(made)
        in_file = np.argsort(np.concatenate(places))
        yield from self._given(*self._order.put(np.concatenate(times)[in_file], np.concatenate(records)[in_file]))

    def finish(self) -> Iterator[Chunk]:
        """The packets that still waited for others."""
        yield from self._given(*self._order.finish())

    def _given(self, times: NDArray[np.int64], records: NDArray[Any]) -> Iterator[Chunk]:
        """Records as chunks; their first two bytes tell the link."""
        names = self._names
        for time, record in zip(times.tolist(), records.tolist(), strict=True):
            yield Chunk(names[record[0] | record[1] << 8], record[2:], time)

    def _by_packet(self, block: Block, account: Account) -> dict[str, _Own]:
        """The rows of each packet type; what is none of any is damage, or blank."""
        packets, kinds = self._packets, {name: _Own() for name in self._packets}
        if not block.quoted:
            others = []
            for at, line in enumerate(block.lines):
                parts = line.split(",", len(OWN))
                packet = packets.get(parts[PACKET]) if len(parts) > len(OWN) else None
                cells = packet.cells(parts[-1]) if packet is not None else None
                if cells is None:
                    others.append(Row(line.split(",") if line.strip() else [], at, at + 1))
                else:
                    kinds[parts[PACKET]].add(at, at + 1, parts, cells)
        else:
            others = list(rows(block, ",", len(self._titles)))
        blank = [row for row in others if not row.cells]
        account.deliver(block, [], blank)
        for row in others:
            if len(row.cells) != len(self._titles):
                if row.cells:
                    account.spoil(block, row, f"has {len(row.cells)} cells, not {len(self._titles)}")
            elif row.cells[PACKET] not in packets:
                told = row.cells[PACKET][:40]
                account.spoil(block, row, f"is of packet {told!r}, of which the header names no measurement")
            else:
                packet = packets[row.cells[PACKET]]
                own = row.cells[packet.first : packet.first + packet.count]
                kinds[packet.name].add(row.begin, row.end, row.cells, own)
        return kinds

    def _keep_known(self, own: _Own, block: Block, account: Account) -> None:
        """Keep the rows of known links that have a time."""
        known = self._numbers.keys()
        if {head[LINK] for head in own.heads} <= known and all(map(is_ns, (head[RECEIVED] for head in own.heads))):
            return
        for at in reversed(range(len(own.heads))):
            link, received = own.heads[at][LINK], own.heads[at][RECEIVED]
            wrong = "" if is_ns(received) else f"{received[:40]!r} is no time in ns"
            if link not in known:
                wrong = f"came by link {link[:40]!r}, which was not among the rows looked at first"
            if wrong:
                account.spoil(block, own.row(at), wrong)
                own.remove(at)

    def _made(
        self, packet: Exported, own: _Own, block: Block, account: Account
    ) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.bool_]]:
        """Times and records of the rows of one type, and which of them are good; the others are damage."""
        heads, cells = list(zip(*own.heads, strict=False)), list(zip(*own.cells, strict=True))
        records = np.zeros(len(own.heads), packet.record)
        head = records["head"]
        head["link"] = [self._numbers[link] for link in heads[LINK]]
        head["packet"], head["valid"] = packet.number, [cell != "0" for cell in heads[VALID]]
        wrong: dict[int, str] = {}
        for name, number in (("mission", MISSION), ("time", TIME)):
            head[name], bad = Cells(Column("f"), strict=True).values(heads[number])
            wrong |= {at: f"column {self._titles[number]}: {heads[number][at][:40]!r} is no number" for at in bad}
        for each in packet.measured:
            for number, column in enumerate(each.columns, each.first):
                texts = cells[number - packet.first]
                records[f"c{number}"], bad = Cells(column, strict=True, strip=False).values(texts)
                wrong |= {at: f"column {self._titles[number]}: {problem(column, texts[at])}" for at in bad}
        for at, what in sorted(wrong.items()):
            account.spoil(block, own.row(at), what)
        good = np.ones(len(records), np.bool_)
        good[list(wrong)] = False
        account.delivered(block, np.array(own.begins)[good], np.array(own.ends)[good])
        data, size = records[good].tobytes(), records.dtype.itemsize
        made = np.empty(len(data) // size, object)
        made[:] = [data[begin : begin + size] for begin in range(0, len(data), size)]
        return np.array(list(map(int, heads[RECEIVED])), np.int64)[good], made, good


_NO_TIMES = np.empty(0, np.int64)
