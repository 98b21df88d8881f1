"""The flight view: the key measurements large, plots, the alarms and the story so far, the links in a line."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from groundstation.console import numerals
from groundstation.console.panel import Panel
from groundstation.console.payloads import Alarm, Event, LinkHealth
from groundstation.console.picture import Picture
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.plot import Plot
from groundstation.console.widgets.readout import LARGE, SMALL, Readouts
from groundstation.console.widgets.rule import Rule
from groundstation.console.widgets.signs import FIRST_OUT, KIND_SIGNS, LINK_SIGNS

PLOT_WIDTH = 38
"""Cells a plot needs at least; a wider screen shows more of them."""
PLOTS = 4
NARROW = 60
"""Cells of a pane below which it says less."""
SPANS_S = (None, 60.0, 10.0)
"""What key w goes through: the whole flight, the last minute, the last ten seconds."""


class AlarmPane(Lines):
    """The alarms in order of need."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """A line an alarm; the last line counts those that do not fit."""
        if not picture.alarms:
            return [[(" no alarms", self.palette.quiet)]]
        lines = [self._line(alarm, is_narrow=width < NARROW) for alarm in picture.alarms]
        if len(lines) > height:
            lines[height - 1 :] = [[(f" … {len(lines) - height + 1} more: e", self.palette.yellow)]]
        return lines

    def _line(self, alarm: Alarm, *, is_narrow: bool) -> Line:
        quiet = self.palette.quiet
        style = self.palette.level(alarm.level) if alarm.active else quiet
        sign = "◆" if alarm.level == "red" else "▲"
        first = FIRST_OUT if alarm.first_out == 1 else " "
        when = "" if is_narrow else f" {numerals.brief_mission_time(alarm.mission_time)} "
        value = numerals.ABSENT if alarm.value is None else f"{alarm.value:.5g}"
        taken = f"ack {alarm.by}" if alarm.acknowledged else "" if alarm.active else "back in limits"
        return [
            (" ", self.palette.plain),
            (f"{sign}{first}", style),
            (f"{when} ", quiet),
            (alarm.measurement, self.palette.plain if alarm.active else quiet),
            (f"  {value} {alarm.unit}  ", self.palette.strong if alarm.active else quiet),
            (f"{alarm.limit}  {taken}", quiet),
        ]


class EventPane(Lines):
    """The newest events, the newest last."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """A line an event."""
        if not picture.events:
            nothing: Line = [("│ ", self.palette.faint), ("nothing has happened yet", self.palette.quiet)]
            return [nothing, *([[("│", self.palette.faint)]] * (height - 1))]
        seen = [event for event in picture.events if event.received_ns <= picture.now_ns] or picture.events[:1]
        lines: list[Line] = [
            [
                ("│ ", self.palette.faint),
                (_when(picture, event, is_narrow=width < NARROW), self.palette.quiet),
                (
                    f"{KIND_SIGNS.get(event.kind, '·')} ",
                    self.palette.accent if event.kind == "flight" else self.palette.quiet,
                ),
                (event.text or event.name, self.palette.plain if event.kind == "flight" else self.palette.quiet),
            ]
            for event in seen[-height:]
        ]
        return lines + [[("│", self.palette.faint)]] * (height - len(lines))


def _when(picture: Picture, event: Event, *, is_narrow: bool) -> str:
    text = numerals.brief_mission_time(picture.mission_time(event.received_ns))
    return f"{text[:-2]} " if is_narrow else f"{text:<11} "


class LinkLines(Lines):
    """The links: one after the other in a line while there are two, else a line each."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """The links that fit."""
        links = list(picture.links.values())
        if not links:
            return [[(" no link has reported yet", self.palette.quiet)]]
        across = len(links) if len(links) <= 2 and width >= 100 else 1
        cells = [self._link(link, picture, width // across) for link in links]
        lines: list[Line] = [
            [piece for cell in cells[start : start + across] for piece in cell]
            for start in range(0, len(cells), across)
        ]
        if len(lines) > height:
            lines[height - 1] = [*lines[height - 1][:6], (f"  … {len(lines) - height} more: l", self.palette.yellow)]
        return lines

    def _link(self, link: LinkHealth, picture: Picture, width: int) -> Line:
        quiet = self.palette.quiet
        state = link.state
        if link.state in {"silent", "lost"}:
            state += f" {numerals.age(max(0, picture.now_ns - (link.last_ns or link.since_ns)))}"
        ledger = (
            f"  {numerals.amount(link.bytes_in, 'B')} = {numerals.count(link.frames)} frames"
            f" + {numerals.count(link.discarded)} B discarded + {numerals.count(link.pending)} pending"
        )
        name = f" {link.link} "
        sign = f"{LINK_SIGNS.get(link.state, '?')} {state}"
        rest = max(0, width - len(name) - len(sign))
        rate = f"  {numerals.amount(link.bytes_per_s, 'B/s')}"
        brief = f"  {numerals.count(link.frames)} frames  {numerals.count(link.discarded)} B discarded"
        flow = next((each for each in (rate + ledger, rate + brief) if len(each) < rest), rate)
        return [
            (name, self.palette.plain),
            (sign, self.palette.link(link.state)),
            (f"{flow:<{rest}}"[:rest], quiet),
        ]


class FlightPanel(Panel):
    """What the vehicle is doing, at a glance."""

    TITLE, KEY, ORDER = "flight", "f", 0
    KEYS: ClassVar = (("w", "time shown in plots"),)
    BINDINGS: ClassVar = [("w", "span", "time shown in plots")]
    DEFAULT_CSS = """
    FlightPanel { layout: vertical; }
    FlightPanel #plots { height: 1fr; }
    FlightPanel Plot { width: 1fr; height: 1fr; }
    FlightPanel #story { height: 3; }
    FlightPanel AlarmPane { width: 3fr; height: 100%; }
    FlightPanel EventPane { width: 2fr; height: 100%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._readouts = Readouts()
        self._plots = [Plot() for _ in range(PLOTS)]
        self._alarms, self._events, self._links = AlarmPane(), EventPane(), LinkLines()
        self._rules = [Rule() for _ in range(3)]
        self._story = Horizontal(self._alarms, self._events, id="story")
        self._span = 0
        self._shape: object = None

    def compose(self) -> ComposeResult:
        """From the top: readouts, plots, alarms and events, links."""
        yield self._readouts
        yield self._rules[0]
        yield Horizontal(*self._plots, id="plots")
        yield self._rules[1]
        yield self._story
        yield self._rules[2]
        yield self._links

    def show_plots(self, picture: Picture) -> None:
        """The plots, and the share of the screen for everything."""
        self._lay_out(picture)
        for plot in self._plots:
            if plot.names:
                plot.show(picture)

    def show_text(self, picture: Picture) -> None:
        """Everything else."""
        for part in (self._readouts, self._alarms, self._events, self._links, *self._rules):
            part.show(picture)

    def action_span(self) -> None:
        """Show another length of time in the plots."""
        self._span = (self._span + 1) % len(SPANS_S)
        for plot in self._plots:
            plot.span = SPANS_S[self._span]
        self.touch()

    def _lay_out(self, picture: Picture) -> None:
        """Share the height: readouts as large as fit, alarms as many as there are, the plots the rest."""
        width, height = self.size
        names, definition = _key_measurements(picture), picture.definition
        plotted = _plotted(picture, definition.plots or names)[: min(PLOTS, max(1, width // PLOT_WIDTH))]
        shape = (width, height, names, plotted, len(picture.alarms), len(picture.links))
        if not height or shape == self._shape:
            return
        self._shape = shape
        self._readouts.names = names
        _, rows = self._readouts.grid(width)
        large = height >= rows * LARGE + 23
        self._readouts.styles.height = (
            rows * (LARGE if large else SMALL) + (rows - 1 if height >= 29 else 0) if names else 1
        )
        self._story.styles.height = max(3, min(len(picture.alarms), height // 3, 12), height // 6)
        self._links.styles.height = (
            1 if len(picture.links) <= 2 and width >= 100 else max(1, min(len(picture.links), height // 8))
        )
        for index, rule in enumerate(self._rules):
            rule.display = index == 1 or height >= 24
        for plot, group in zip(self._plots, (*plotted, *[()] * PLOTS), strict=False):
            plot.names, plot.display = group, bool(group)


def _key_measurements(picture: Picture) -> tuple[str, ...]:
    """The definition's choice; where it makes none, the first six that have a unit."""
    chosen = picture.definition.display
    return chosen or tuple(each.name for each in picture.definition.measurements if each.unit and not each.shape)[:6]


def _plotted(picture: Picture, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The measurements of each plot: one, or the axes of one quantity (``gyro_x``, ``gyro_y``, ``gyro_z``) together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        stem, _, axis = name.rpartition("_")
        key = (stem, picture.reading(name).declared.unit) if len(axis) == 1 else (name, "")
        groups.setdefault(key, []).append(name)
    return [tuple(group) for group in groups.values()]
