"""The bar of a replay: where it stands between the recording's ends, what happened when, its speed, its keys."""

from collections.abc import Iterable

from rich.cells import cell_len

from groundstation.console import numerals
from groundstation.console.payloads import Event, ReplayState
from groundstation.console.picture import Picture
from groundstation.console.widgets.lines import Line, Lines

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, float("inf"))
"""What the keys - and + go through; the last is as fast as possible."""
KEYS = (
    "space pause  ←→ 10 s  , . step  [ ] event  - + speed  g go to  b loop",
    "space ←→ ,. [] -+ g b",
)
"""At length, and short."""
SIGNS = {"paused": "‖", "ended": "■", "seeking": "»"}
_LEAST = 30
"""Cells that the timeline gets before the keys are said at length."""


class ReplayBar(Lines):
    """One line above the keys, in a replay only."""

    DEFAULT_CSS = "ReplayBar { height: 1; display: none; }"

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - one line
        """Name, timeline, clock, speed, keys."""
        replay = picture.status.replay
        if replay is None:
            return []
        name = f" ⟲ {picture.status.name} "
        right = f"  {self._state(replay)} {self._where(picture, replay)}   "
        fixed = cell_len(name) + cell_len(right) + 1
        long, short = KEYS
        keys = long if width - fixed - len(long) >= _LEAST else short if width >= 76 else ""
        room = width - fixed - len(keys)
        if room < 12:
            name, room = " ⟲ ", room + cell_len(name) - 3
        bar = timeline(replay, picture.now_ns, turning_points(picture), max(6, room))
        return [
            [
                (name, self.palette.accent),
                (bar, self.palette.plain),
                (right, self.palette.strong),
                (keys, self.palette.quiet),
            ]
        ]

    def _state(self, replay: ReplayState) -> str:
        """A sign for what it does; of one that has not begun, a word."""
        if replay.state == "reading":
            return f"reading {replay.read:4.0%}"
        return SIGNS.get("paused" if replay.paused and replay.state != "seeking" else replay.state, "▸")

    def _where(self, picture: Picture, replay: ReplayState) -> str:
        """The clock, the speed, and whether it is looped."""
        clock = numerals.mission_clock(picture.mission_time(picture.now_ns))
        speed = "max" if replay.speed == float("inf") else f"{replay.speed:g}x"
        return f"{clock} {speed:>4}{' loop' if replay.loop else ''}"


def turning_points(picture: Picture) -> list[Event]:
    """The events worth going to: those of the flight, also to come, and what an operator marked; oldest first."""
    replay = picture.status.replay
    seen = [event for event in picture.events if event.kind in {"flight", "operator"}]
    ahead = replay.events if replay is not None else ()
    return sorted({(each.name, each.received_ns): each for each in (*ahead, *seen)}.values(), key=_when)


def _when(event: Event) -> int:
    return event.received_ns


def timeline(replay: ReplayState, now_ns: int, events: Iterable[Event], width: int) -> str:
    """``├──▾liftoff──●────┤`` in ``width`` cells, what is looped as ``[━━━]``, what has not been looked through dotted;
    a name is written where it has room.
    """
    inner = width - 2
    span = max(1, replay.last_ns - replay.first_ns)
    known = int(min(max(replay.read, 0.0), 1.0) * inner)
    cells = ["─"] * known + ["╌"] * (inner - known)

    def place(at_ns: int) -> int:
        return min(inner - 1, max(0, (at_ns - replay.first_ns) * inner // span))

    if replay.loop and replay.loop_from_ns is not None and replay.loop_to_ns is not None:
        begin, end = place(replay.loop_from_ns), place(replay.loop_to_ns)
        cells[begin : end + 1] = "━" * (end + 1 - begin)
        cells[begin], cells[end] = "[", "]"
    position = place(now_ns)
    marked = {place(event.received_ns): event.name for event in events}
    for at in (*marked, position):
        cells[at] = "▾"
    for at, name in marked.items():
        end = at + 1 + len(name)
        if end < inner and all(each in "─━╌" for each in cells[at + 1 : end + 1]):
            cells[at + 1 : end] = name
    cells[position] = "●"
    return f"├{''.join(cells)}┤"
