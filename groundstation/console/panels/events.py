"""The events view: alarms in order of need, first cause marked; below them everything that happened."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult

from groundstation.console import numerals
from groundstation.console.panel import Panel
from groundstation.console.payloads import Alarm, Event
from groundstation.console.picture import Picture
from groundstation.console.widgets.rule import Rule
from groundstation.console.widgets.signs import FIRST_OUT, KIND_SIGNS
from groundstation.console.widgets.table import Cell, Column, Table

ALARM_COLUMNS = (
    Column("", 2),
    Column("since", 11),
    Column("measurement", 0),
    Column("value", 10, "right"),
    Column("worst", 10, "right", from_width=100),
    Column("unit", 5, from_width=70),
    Column("limit", 18, from_width=90),
    Column("state", 14),
    Column("acknowledged", 12),
    Column("times", 5, "right", from_width=110),
)
EVENT_COLUMNS = (
    Column("mission time", 13),
    Column("", 1),
    Column("kind", 9, from_width=60),
    Column("event", 0),
    Column("time", 12, from_width=100),
)


class EventsPanel(Panel):
    """Alarms and events; nothing in it goes away by itself."""

    TITLE, KEY, ORDER = "events", "e", 30
    KEYS: ClassVar = (
        ("a", "acknowledge the alarm under the cursor"),
        ("A", "acknowledge all alarms"),
        ("o", "the other list: alarms or events"),
        ("end", "follow the newest event"),
    )
    BINDINGS: ClassVar = [("o", "other", "alarms or events")]
    DEFAULT_CSS = """
    EventsPanel { layout: vertical; }
    EventsPanel #alarms { height: 4; }
    EventsPanel #events { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._alarm_head, self._event_head = Rule(), Rule()
        self._alarms = Table(ALARM_COLUMNS, self._alarm_cells, empty="no alarms", id="alarms")
        self._events = Table(
            EVENT_COLUMNS, self._event_cells, empty="nothing has happened yet", follow=True, cursor=False, id="events"
        )
        self._alarm_of: dict[str, Alarm] = {}
        self._event_of: dict[str, Event] = {}
        self._in_events = False

    def compose(self) -> ComposeResult:
        """Alarms above, events below."""
        yield self._alarm_head
        yield self._alarms
        yield self._event_head
        yield self._events

    @property
    def table(self) -> Table:
        """The table the cursor is in."""
        return self._events if self._in_events else self._alarms

    @property
    def chosen_alarm(self) -> str:
        """The alarm under the cursor."""
        return "" if self._in_events else self._alarms.selected.partition(" ")[0]

    def action_other(self) -> None:
        """Move the cursor to the other table."""
        self._in_events = not self._in_events
        self._events.has_cursor, self._alarms.has_cursor = self._in_events, not self._in_events
        self.touch()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """A click: the cursor is in that table."""
        event.stop()
        if event.table is not self.table:
            self.action_other()
        self.touch()

    def show_text(self, picture: Picture) -> None:
        """Both tables."""
        self._alarm_of = {f"{alarm.measurement} {alarm.level}": alarm for alarm in picture.alarms}
        self._event_of = {f"{event.received_ns} {event.name} {event.text}": event for event in picture.events}
        waiting = sum(not alarm.acknowledged for alarm in picture.alarms)
        self._alarm_head.text = f"alarms: {waiting} to acknowledge" if waiting else "alarms"
        self._event_head.text = f"events: {len(picture.events)}"
        self._alarms.put_keys(list(self._alarm_of))
        self._events.put_keys(list(self._event_of))
        self._alarms.styles.height = max(3, min(len(picture.alarms) + 2, self.size.height // 2))
        for part in (self._alarm_head, self._alarms, self._event_head, self._events):
            part.show(picture)

    def _alarm_cells(self, key: str) -> Sequence[Cell]:
        alarm, shades = self._alarm_of[key], self._alarms.palette
        style = shades.level(alarm.level) if alarm.active else shades.quiet
        quiet, plain = shades.quiet, shades.plain if alarm.active else shades.quiet
        first = FIRST_OUT if alarm.first_out == 1 else " "
        return (
            (("◆" if alarm.level == "red" else "▲") + first, style),
            (numerals.brief_mission_time(alarm.mission_time), quiet),
            (alarm.measurement, plain),
            (_number(alarm.value), shades.strong if alarm.active else quiet),
            (_number(alarm.worst), quiet),
            (alarm.unit, quiet),
            (alarm.limit, quiet),
            ("out of limits" if alarm.active else "back in limits", plain),
            (f"by {alarm.by}" if alarm.acknowledged else "a to ack", quiet if alarm.acknowledged else shades.strong),
            (str(alarm.count), quiet),
        )

    def _event_cells(self, key: str) -> Sequence[Cell]:
        event, shades, picture = self._event_of[key], self._events.palette, self.picture
        assert picture is not None, "cells are asked for while a picture is drawn"
        style = shades.plain if event.kind in {"flight", "operator"} else shades.quiet
        is_ahead = event.received_ns > picture.now_ns
        return (
            (numerals.mission_clock(picture.mission_time(event.received_ns)), shades.quiet),
            (KIND_SIGNS.get(event.kind, "·"), shades.accent if event.kind == "flight" else shades.quiet),
            (event.kind, shades.quiet),
            (f"{event.text or event.name}{'  (ahead)' if is_ahead else ''}", shades.quiet if is_ahead else style),
            (numerals.time_of_day(event.received_ns, picture.status.time_base), shades.quiet),
        )


def _number(value: float | None) -> str:
    return numerals.ABSENT if value is None else f"{value:.5g}"
