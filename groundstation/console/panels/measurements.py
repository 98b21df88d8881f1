"""The measurements view: all of them, found by typing a few letters; Enter shows one in full."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult

from groundstation.console import numerals
from groundstation.console.numerals import Scale
from groundstation.console.panel import Panel
from groundstation.console.picture import Picture
from groundstation.console.reading import Quality
from groundstation.console.widgets import raster
from groundstation.console.widgets.details import Details
from groundstation.console.widgets.gauge import gauge
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.plot import Plot
from groundstation.console.widgets.signs import ORIGIN_SIGNS, QUALITY_SIGNS
from groundstation.console.widgets.table import Cell, Column, Table

SPARK_CELLS, SPARK_S = 12, 5
"""The sparkline: twelve cells of five seconds."""
GAUGE_CELLS = 14
WHOLE, REST = 7, 7
"""Cells before the point, and for it and what follows."""

COLUMNS = (
    Column("measurement", 0, most=52),
    Column("value", WHOLE + REST),
    Column("unit", 6),
    Column("", 3),
    Column("age", 6, "right"),
    Column("last minute", SPARK_CELLS, from_width=76),
    Column("limits", GAUGE_CELLS, from_width=96),
)


class FilterLine(Lines):
    """What was typed, and how many measurements it finds."""

    text = ""
    typing = True
    found = total = 0

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - the same for every picture
        """One line."""
        prompt = ("▏" if self.typing else "", self.palette.accent)
        hint = "" if self.text else "type to find, as in: bat v" if self.typing else "/ to find"
        count = f"   {self.found} of {self.total}"
        return [
            [
                (" find ", self.palette.quiet),
                (self.text, self.palette.strong),
                prompt,
                (hint, self.palette.quiet),
                (count, self.palette.quiet),
            ]
        ]


class MeasurementsPanel(Panel):
    """Every measurement with its state."""

    TITLE, KEY, ORDER = "measurements", "m", 10
    KEYS: ClassVar = (
        ("letters", "find by parts of the name: bat v"),
        ("esc", "out of the details; empties; then letters are keys again"),
        ("/", "letters find again"),
        ("enter", "one measurement in full, and back"),
        ("w", "in full: time shown in the plot"),
    )
    BINDINGS: ClassVar = [("enter", "details", "one in full"), ("w", "span", "time shown")]
    DEFAULT_CSS = """
    MeasurementsPanel { layout: vertical; }
    MeasurementsPanel FilterLine { height: 1; }
    MeasurementsPanel Table { height: 1fr; }
    MeasurementsPanel Details { height: 12; }
    MeasurementsPanel Plot { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._filter = FilterLine()
        self._table = Table(COLUMNS, self._cells, empty="nothing of that name")
        self._plot, self._details = Plot(), Details()
        self._scales: dict[str, Scale] = {}

    def compose(self) -> ComposeResult:
        """The filter, then the table or one measurement in full."""
        yield self._filter
        yield self._table
        yield self._plot
        yield self._details

    def on_mount(self) -> None:
        """The table first."""
        self._open(details=False)

    @property
    def table(self) -> Table:
        """The table of measurements."""
        return self._table

    @property
    def is_typing(self) -> bool:
        """Letters find measurements until Esc."""
        return self._filter.typing and not self._details.display

    @property
    def is_inside(self) -> bool:
        """One measurement is shown in full."""
        return self._details.display

    @property
    def chosen_alarm(self) -> str:
        """The measurement under the cursor."""
        return self._table.selected

    def show_plots(self, picture: Picture) -> None:
        """The plot of the details."""
        if self._details.display:
            self._plot.show(picture)

    def show_text(self, picture: Picture) -> None:
        """The table, or the details."""
        names = sorted(picture.names, key=_is_header)
        terms = self._filter.text.lower().split()
        found = [name for name in names if all(term in name.lower() for term in terms)] if terms else names
        self._filter.found, self._filter.total = len(found), len(names)
        self._table.put_keys(found)
        self._filter.show(picture)
        if self._details.display:
            self._details.name_shown, self._plot.names = self._table.selected, (self._table.selected,)
            self._details.styles.height = max(4, min(self._details.lines_needed, self.size.height * 2 // 3))
            self._details.show(picture)
        else:
            self._table.show(picture)

    def on_key(self, event: events.Key) -> None:
        """Letters into the filter, Esc out of it."""
        if event.key == "escape":
            self._leave()
        elif event.key == "slash" and not self.is_typing:
            self._filter.typing = True
        elif not (self.is_typing and self._typed(event)):
            return
        event.stop()
        event.prevent_default()
        self.touch()

    def _typed(self, event: events.Key) -> bool:
        if event.key == "backspace":
            self._filter.text = self._filter.text[:-1]
            return True
        letter = event.character or ""
        is_text = (
            letter.isprintable()
            and letter not in {"", "?"}
            and (letter.isalnum() or letter in "._-" or bool(self._filter.text))
        )
        if is_text:
            self._filter.text += letter
            self._table.cursor = 0
        return is_text

    def _leave(self) -> None:
        if self._details.display:
            self._open(details=False)
        elif self._filter.text:
            self._filter.text = ""
        else:
            self._filter.typing = False

    def action_details(self) -> None:
        """Show the measurement under the cursor in full, or go back."""
        self._open(details=not self._details.display and bool(self._table.selected))
        self.call_after_refresh(self.touch)

    def action_span(self) -> None:
        """Show another length of time in the plot."""
        self._plot.span = {None: 60.0, 60.0: 10.0}.get(self._plot.span)
        self.touch()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """A click: the cursor is there already."""
        event.stop()
        self.touch()

    def _open(self, *, details: bool) -> None:
        self._table.display = not details
        self._details.display = self._plot.display = details

    def _cells(self, name: str) -> Sequence[Cell]:
        picture, shades = self.picture, self._table.palette
        assert picture is not None, "cells are asked for while a picture is drawn"
        reading = picture.reading(name)
        declared, quality = reading.declared, reading.quality
        scale = self._scales.get(name)
        if scale is None or scale.declared != declared:
            scale = self._scales[name] = Scale(declared)
        scale.adapt(reading.low, reading.high)
        text = numerals.value_text(declared, reading.value, scale)
        is_number = not (declared.labels or declared.is_flag or isinstance(reading.value, str))
        sign = f"{QUALITY_SIGNS[quality]}{ORIGIN_SIGNS[picture.origin]}" if quality is not Quality.ABSENT else ""
        style = shades.quality(quality)
        bracket = f" [{'x'.join(map(str, declared.shape))}]" if declared.shape else ""
        return (
            (name + bracket, shades.quiet if quality in {Quality.STALE, Quality.ABSENT} else shades.plain),
            (numerals.aligned(text, WHOLE, REST) if is_number else f"{text:>{WHOLE}}", style),
            (scale.unit, shades.quiet),
            (sign, style),
            (numerals.age(reading.age_ns), shades.quality(quality) if quality is Quality.STALE else shades.quiet),
            (_minute(picture, name), shades.quiet),
            (gauge(declared, reading.number, reading.low, reading.high, GAUGE_CELLS), shades.quiet),
        )


def _is_header(name: str) -> bool:
    """Whether it is of a packet's header: of all that is received the last an operator looks for."""
    return ".header." in name


def _minute(picture: Picture, name: str) -> str:
    """The sparkline of the last minute; its cells begin at whole five seconds, so that it only moves with them."""
    packet_name, _, path = name.partition(".")
    packet = picture.packets.get(packet_name)
    row = packet.rows.get(path) if packet else None
    if packet is None or row is None or not packet.received_ns:
        return ""
    cell_ns = SPARK_S * 1_000_000_000
    last = packet.received_ns // cell_ns
    edges = np.arange(last - SPARK_CELLS + 1, last + 1) * cell_ns
    curve = packet.history.curve(row, int(edges[0]))
    at = np.searchsorted(curve.times_ns, edges)
    within = at < len(curve.times_ns)
    at = np.minimum(at, len(curve.times_ns) - 1)
    filled = within & (curve.times_ns[at] < edges + cell_ns)
    return raster.sparkline(np.where(filled, curve.values[at], np.nan), SPARK_CELLS)
