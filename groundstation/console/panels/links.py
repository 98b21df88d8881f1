"""The links view: state and rates of every link; for the chosen one its ledger, its errors and its packets."""

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.app import ComposeResult

from groundstation.console import numerals
from groundstation.console.panel import Panel
from groundstation.console.payloads import LinkHealth
from groundstation.console.picture import Picture
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.signs import LINK_SIGNS
from groundstation.console.widgets.table import Cell, Column, Table

LINK_COLUMNS = (
    Column("link", 0, most=30),
    Column("state", 13),
    Column("since", 8),
    Column("bytes/s", 10, "right"),
    Column("frames/s", 8, "right"),
    Column("lock", 12, from_width=84),
    Column("crc", 6, "right"),
    Column("gaps", 6, "right"),
    Column("bytes in", 10, "right", from_width=100),
)
PACKET_COLUMNS = (
    Column("packet", 0, most=30),
    Column("received", 11, "right"),
    Column("rate", 9, "right"),
    Column("expected", 9, "right", from_width=70),
    Column("age", 6, "right"),
    Column("lost on the bus", 15, "right", from_width=84),
)


class Ledger(Lines):
    """Where every byte of a link went."""

    link = LinkHealth()

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - cut by the caller
        """The sum, then what was counted on the way."""
        link, quiet, plain = self.link, self.palette.quiet, self.palette.plain
        if not link.link:
            return [[(" no link has reported yet", quiet)]]
        number = numerals.count
        ledger = (
            f"{number(link.bytes_in)} B in = {number(link.frame_bytes)} frames + {number(link.discarded)} discarded"
            f" + {number(link.pending)} pending"
        )
        verdict = ("  ✓ every byte", quiet) if link.balanced else ("  ✕ does not add up", self.palette.alert)
        counted = (
            ("frames", link.frames),
            ("crc failures", link.crc_failures),
            ("corrected", link.corrected),
            ("sequence gaps", link.sequence_gaps),
            ("unknown packets", link.unknown_packets),
            ("malformed", link.malformed),
        )
        rule = "─" * max(0, width - len(link.link) - 4)
        lines: list[Line] = [
            [("── ", self.palette.faint), (link.link, self.palette.strong), (f" {rule}", self.palette.faint)],
            [(f" {link.source}", quiet)],
            [(" ledger   ", quiet), (ledger, plain), verdict],
            *_wrapped(
                [(f"{name} ", f"{number(value)}   ") for name, value in counted],
                width,
                (" counted  ", quiet),
                (quiet, plain),
            ),
        ]
        if link.detail:
            facts = [(f"{name} ", f"{value}   ") for name, value in link.detail.items()]
            lines += _wrapped(facts, width, (" receiver ", quiet), (quiet, plain))
        if link.problem:
            lines.append([(" problem  ", quiet), (link.problem, self.palette.strong)])
        if picture.bus:
            lines.append([(" bus      ", quiet), (picture.bus, quiet)])
        return lines


class LinksPanel(Panel):
    """How good the links are, and whether they can be trusted."""

    TITLE, KEY, ORDER = "links", "l", 20
    KEYS: ClassVar = (("↑ ↓", "choose a link"),)
    DEFAULT_CSS = """
    LinksPanel { layout: vertical; }
    LinksPanel #links { height: 4; }
    LinksPanel Ledger { height: 7; }
    LinksPanel #packets { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._links = Table(LINK_COLUMNS, self._link_cells, empty="no link has reported yet", id="links")
        self._ledger = Ledger()
        self._packets = Table(PACKET_COLUMNS, self._packet_cells, empty="no packets yet", cursor=False, id="packets")

    def compose(self) -> ComposeResult:
        """Links, the ledger of one, its packets."""
        yield self._links
        yield self._ledger
        yield self._packets

    @property
    def table(self) -> Table:
        """The table of links."""
        return self._links

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """A click: the cursor is there already."""
        event.stop()
        self.touch()

    def show_text(self, picture: Picture) -> None:
        """Everything."""
        self._links.put_keys(list(picture.links))
        self._ledger.link = picture.links.get(self._links.selected, LinkHealth())
        self._links.styles.height = max(3, min(len(picture.links) + 2, self.size.height // 3))
        self._packets.put_keys(list(self._ledger.link.packets))
        self._ledger.styles.height = max(5, min(self._ledger.lines_needed + 1, self.size.height // 2))
        for part in (self._links, self._ledger, self._packets):
            part.show(picture)

    def _link_cells(self, name: str) -> Sequence[Cell]:
        picture, shades = self.picture, self._links.palette
        assert picture is not None, "cells are asked for while a picture is drawn"
        link = picture.links[name]
        good = link.state in {"receiving", "ended"}
        quiet, plain = shades.quiet, shades.plain if good else shades.quiet
        since = link.last_ns if link.state == "silent" else link.since_ns
        return (
            (name, shades.plain),
            (f"{LINK_SIGNS.get(link.state, '?')} {link.state}", shades.link(link.state)),
            (numerals.age(max(0, picture.now_ns - since)) if since else numerals.ABSENT, quiet),
            (numerals.amount(link.bytes_per_s, "B/s"), plain),
            (f"{link.frames_per_s:.1f}", plain),
            (str(link.detail.get("lock", numerals.ABSENT)), quiet),
            (numerals.count(link.crc_failures), plain),
            (numerals.count(link.sequence_gaps), plain),
            (numerals.amount(link.bytes_in, "B"), quiet),
        )

    def _packet_cells(self, name: str) -> Sequence[Cell]:
        picture, shades = self.picture, self._packets.palette
        assert picture is not None, "cells are asked for while a picture is drawn"
        received, packet = self._ledger.link.packets[name], picture.packets.get(name)
        total = numerals.count(received) if isinstance(received, (int, float)) else numerals.ABSENT
        if packet is None:
            return ((name, shades.plain), (total, shades.plain), *((numerals.ABSENT, shades.quiet),) * 4)
        is_stale = picture.is_stale(packet)
        return (
            (name, shades.quiet if is_stale else shades.plain),
            (total, shades.plain),
            (numerals.ABSENT if is_stale else _rate(packet.seen_rate), shades.plain),
            (_rate(packet.declared.rate), shades.quiet),
            (numerals.age(picture.age_ns(packet)) + (" …" if is_stale else ""), shades.quiet),
            (numerals.count(packet.missed) + _share(packet.thinned), shades.quiet),
        )


def _share(thinned: int) -> str:
    """Said where the bus carries one packet for several."""
    return f", 1 of {thinned}" if thinned > 1 else ""


def _rate(rate: float) -> str:
    return f"{rate:.1f} Hz" if rate else numerals.ABSENT


def _wrapped(facts: list[tuple[str, str]], width: int, head: Cell, styles: tuple[Style, Style]) -> list[Line]:
    """Facts as name and value, in as many lines as the width asks for, under a head."""
    lines: list[list[Cell]] = [[head]]
    used = len(head[0])
    for name, value in facts:
        if used + len(name) + len(value.rstrip()) > width and len(lines[-1]) > 1:
            lines.append([(" " * len(head[0]), head[1])])
            used = len(head[0])
        lines[-1] += [(name, styles[0]), (value, styles[1])]
        used += len(name) + len(value)
    return list(lines)
