"""The console: the header, one view, the bottom line; keys, commands and dialogs around them.

It draws on its own timer from a picture that the bus client feeds (text 4 times a second, plots 10 times, as the
SFTE handbook's display guidelines, chapter 21, have it). It only ever asks the station for something (`request`);
what the station then does comes back over the bus.
"""

import getpass
import os
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ClassVar

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from groundstation.console import dialogs, numerals, replay_requests
from groundstation.console.help import help_groups
from groundstation.console.panel import TEXT_INTERVAL_NS, Panel, panel_classes
from groundstation.console.picture import Picture
from groundstation.console.replay_requests import Request
from groundstation.console.widgets.key_line import KeyLine
from groundstation.console.widgets.masthead import Masthead
from groundstation.console.widgets.replay_bar import ReplayBar, turning_points
from groundstation.console.widgets.rule import Rule
from groundstation.console.widgets.signs import THEMES, textual_theme

DRAW_HZ = 10
THEME_VARIABLE = "GROUNDSTATION_THEME"
LEFT, STOP = "left", "stop"

Send = Callable[[Request], Coroutine[Any, Any, bool]]
"""Publishes a request; False when there is no broker to take it."""


class Console(App[str]):
    """One screen on one station. Its result is ``left`` or, when its owner is to stop the station, ``stop``."""

    CSS = (
        """
        Screen { layout: vertical; overflow: hidden; }
        #view { height: 1fr; }
        Panel { height: 100%; width: 100%; display: none; }
        CommandPalette { background: transparent; }
        CommandPalette > Vertical { margin-top: 3; }
        """
        + dialogs.CSS
    )
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "quit"),
        Binding("ctrl+q,ctrl+c", "leave", "quit", priority=True, show=False),
        Binding("question_mark", "keys", "keys"),
        Binding("a", "acknowledge", "acknowledge one"),
        Binding("A", "acknowledge_all", "acknowledge all"),
        Binding("x", "mark", "mark"),
        Binding("tab", "next_view(1)", "next view", priority=True),
        Binding("shift+tab", "next_view(-1)", "previous view", priority=True),
        Binding("space", "replay('pause_or_play')", "pause or play"),
        Binding("left", "replay('jump', -1)", "10 s back"),
        Binding("right", "replay('jump', 1)", "10 s on"),
        Binding("shift+left", "replay('jump', -2)", "a minute back"),
        Binding("shift+right", "replay('jump', 2)", "a minute on"),
        Binding("comma", "replay('step', -1)", "one packet back"),
        Binding("full_stop", "replay('step', 1)", "one packet on"),
        Binding("left_square_bracket", "replay('event', -1)", "previous event"),
        Binding("right_square_bracket", "replay('event', 1)", "next event"),
        Binding("minus", "replay('speed', -1)", "slower"),
        Binding("plus,equals_sign", "replay('speed', 1)", "faster"),
        Binding("g", "go_to", "go to"),
        Binding("b", "loop", "loop a part"),
    ]

    def __init__(
        self,
        picture: Picture,
        send: Send,
        *,
        owner: bool = False,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """``clock`` is the one by which the picture's messages are said to have come, ns."""
        super().__init__()
        self.picture = picture
        """What is drawn; replaced when another station is opened."""
        self._send = send
        self._owner = owner
        self._clock = clock
        self._panels = [each() for each in panel_classes()]
        self._masthead, self._replay_bar = Masthead(), ReplayBar()
        self._key_line, self._rule = KeyLine(panel_classes()), Rule()
        self._text_ns = 0
        self._opened = False  # a view, by key or since it leads
        self._answered: int | None = None  # of a replay's answers, those seen
        self._loop_from_ns: int | None = None
        for name in THEMES:
            self.register_theme(textual_theme(name))
        wanted = os.environ.get(THEME_VARIABLE, "")
        self.theme = wanted if wanted in THEMES else "night"

    def compose(self) -> ComposeResult:
        """Header, the views (one of them visible), replay bar, keys."""
        yield self._masthead
        yield self._rule
        yield Container(*self._panels, id="view")
        yield self._replay_bar
        yield self._key_line

    def on_mount(self) -> None:
        """Keys of the views, the clock of the screen."""
        for panel in self._panels:
            self.bind(panel.KEY, f"view('{panel.TITLE}')", description=panel.TITLE)
        self.action_view(self._panels[0].TITLE)
        self._opened = False
        self.set_interval(1 / DRAW_HZ, self.draw)

    def draw(self) -> None:
        """Draw the picture as it is now."""
        picture = self.picture
        picture.tick(self._clock(), time.time_ns())
        if not self._opened and (leading := [each for each in self._panels if each.leads(picture)]):
            self.action_view(leading[0].TITLE)
        self.panel.show(picture)
        if picture.at_ns - self._text_ns >= TEXT_INTERVAL_NS:
            self._text_ns = picture.at_ns
            self._listen()
            self._replay_bar.display = picture.status.replay is not None
            for line in (self._masthead, self._rule, self._replay_bar, self._key_line):
                line.show(picture)

    @property
    def panel(self) -> Panel:
        """The view that is open."""
        return self._key_line.panel or self._panels[0]

    def action_view(self, title: str) -> None:
        """Open a view by its title."""
        chosen = next(panel for panel in self._panels if title == panel.TITLE)
        self._opened, self._key_line.panel = True, chosen
        for panel in self._panels:
            panel.display = panel is chosen
        chosen.focus()
        self._text_ns = 0

    def action_next_view(self, step: int) -> None:
        """Open the view beside the present one; not from under a dialog."""
        if len(self.screen_stack) > 1:
            return
        at = self._panels.index(self.panel)
        self.action_view(self._panels[(at + step) % len(self._panels)].TITLE)

    async def action_acknowledge(self) -> None:
        """Take notice of one alarm: the one under the cursor, else the first in order of need."""
        waiting = [alarm.measurement for alarm in self.picture.alarms if not alarm.acknowledged]
        chosen = self.panel.chosen_alarm
        if not waiting:
            self._say("no alarm waits to be acknowledged")
            return
        measurement = chosen if chosen in waiting else waiting[0]
        await self._ask(
            {"do": "acknowledge", "measurement": measurement, "by": _operator()}, f"acknowledged {measurement}"
        )

    async def action_acknowledge_all(self) -> None:
        """Take notice of every alarm."""
        await self._ask({"do": "acknowledge", "measurement": "*", "by": _operator()}, "acknowledged all alarms")

    def action_mark(self) -> None:
        """Ask for a text and for its recording as an event."""

        async def mark(text: str | None) -> None:
            if text:
                await self._ask({"do": "mark", "text": text, "by": _operator()}, f"marked: {text}")

        when = numerals.mission_clock(self.picture.mission_time(self.picture.now_ns))
        self.push_screen(dialogs.MarkScreen(when), mark)

    def action_keys(self) -> None:
        """Show the keys."""
        panel = self.panel
        groups = help_groups(panel, self._panels, is_replay=self.picture.status.replay is not None)
        self.push_screen(dialogs.HelpScreen(f"keys: {panel.TITLE}", groups))

    async def action_replay(self, what: str, direction: int = 0) -> None:
        """Ask the replay for something; nothing where there is none."""
        asked: Callable[..., list[Request]] = getattr(replay_requests, what)
        requests = asked(self.picture, direction) if direction else asked(self.picture)
        if self.picture.status.replay is not None and not requests:
            self._say("there is no further event that way")
        await self._steer(requests)

    def action_go_to(self) -> None:
        """Ask where to go in the recording, and go there."""
        picture = self.picture
        if picture.status.replay is None:
            return

        async def go(text: str | None) -> None:
            try:
                await self._steer(replay_requests.go_to(picture, text) if text else [])
            except ValueError as error:
                self._say(f"NOT DONE: {error}")

        known = {each.name: each.received_ns for each in turning_points(picture)}
        events = [(name, numerals.mission_clock(picture.mission_time(at_ns))) for name, at_ns in known.items()]
        self.push_screen(dialogs.GoScreen(events), go)

    async def action_loop(self) -> None:
        """Loop from here, the next time to here, the next time no more."""
        replay = self.picture.status.replay
        if replay is None:
            return
        begin_ns, self._loop_from_ns = self._loop_from_ns, None
        if begin_ns is not None:
            await self._steer(replay_requests.loop(self.picture, begin_ns))
            self._say("looped from there to here; b ends it")
        elif replay.loop:
            await self._steer(replay_requests.loop(self.picture))
            self._say("no loop any more")
        else:
            self._loop_from_ns = self.picture.now_ns
            self._say("a loop begins here; b again where it ends")

    def _listen(self) -> None:
        """Say why a replay has not done what it was asked."""
        replay = self.picture.status.replay
        answer = None if replay is None else replay.answer
        number = 0 if answer is None else answer.number
        if answer is not None and answer.problem and self._answered not in (None, number):
            self._say(f"NOT DONE: {answer.problem}")
        if self.picture.status.session:
            self._answered = number

    async def _steer(self, requests: Iterable[Request]) -> None:
        """Ask a replay for something, and take it for done until it answers."""
        for request in requests:
            await self._ask(request)
            self.picture.expect(request)
            self.picture.tick(self._clock(), time.time_ns())

    def action_leave(self) -> None:
        """Leave; whoever opened the station together with the console is asked what becomes of the station."""
        if not self._owner:
            self.exit(LEFT)
            return
        answers = (
            dialogs.Answer("l", "leave the station running", LEFT),
            dialogs.Answer("s", "stop it", STOP),
            dialogs.Answer("esc", "cancel", ""),
        )
        known = self.picture.status.recording
        recording = " It is recording." if known is not None and known.state == "recording" else ""
        text = f"The station {self.picture.status.name or ''} goes on without this screen if you let it.{recording}"
        if not isinstance(self.screen, dialogs.QuestionScreen):
            self.push_screen(
                dialogs.QuestionScreen("quit", text, answers), lambda answer: self.exit(answer) if answer else None
            )

    def action_stop_station(self) -> None:
        """Ask, then ask the station to stop."""

        async def stop(answer: str | None) -> None:
            if answer == STOP:
                await self._ask({"do": "stop", "by": _operator()}, "asked the station to stop")

        answers = (dialogs.Answer("esc", "cancel", ""), dialogs.Answer("s", "stop it, for everybody", STOP))
        self.push_screen(dialogs.QuestionScreen("stop", f"Stop the station {self.picture.status.name}?", answers), stop)

    async def _ask(self, request: Request, done: str = "") -> None:
        if not await self._send(request):
            self._say("NOT SENT: the broker is away; try again when the header no longer says so")
        elif done:
            self._say(done)

    def _say(self, notice: str) -> None:
        self._key_line.say(notice)
        self._text_ns = 0

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002 - the same on every screen
        """Everything a key does, and what has none, for the command palette."""
        for panel in self._panels:
            yield SystemCommand(
                f"view: {panel.TITLE}", f"key {panel.KEY}", lambda title=panel.TITLE: self.action_view(title)
            )
        yield SystemCommand("acknowledge all alarms", "key A", self.action_acknowledge_all)
        yield SystemCommand("mark", "record what happened, key x", self.action_mark)
        for name in THEMES:
            yield SystemCommand(
                f"theme: {name}", "colours of the screen", lambda name=name: setattr(self, "theme", name)
            )
        if self.picture.status.replay is not None:
            yield SystemCommand("replay: go to", "T+12.3, an event, a time; key g", self.action_go_to)
            looped = not self.picture.status.replay.loop
            yield SystemCommand(
                "replay: loop" if looped else "replay: no loop", "begin again at the end", self._looping(loop=looped)
            )
        yield SystemCommand("keys", "of the present view, key ?", self.action_keys)
        yield SystemCommand("save the screen as a picture", "an SVG file beside you", self.deliver_screenshot)
        yield SystemCommand("stop the station", "for everybody; asks first", self.action_stop_station)
        yield SystemCommand("quit", "this screen; key q", self.action_leave)

    def _looping(self, *, loop: bool) -> Callable[[], Coroutine[Any, Any, None]]:
        return lambda: self._ask({"do": "loop", "loop": loop})


def _operator() -> str:
    """Who sits at the console, by the name of the account."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "console"
