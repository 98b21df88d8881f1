"""Dialogs: what is asked before something is done. They stand in the middle; the header and the bottom line stay in
sight and alive.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from groundstation.console.payloads import Status

CSS = """
QuestionScreen, MarkScreen, GoScreen, HelpScreen, StationScreen { align: center middle; background: transparent; }
.dialog {
    width: 66; max-width: 100%; height: auto; max-height: 100%; padding: 1 2; margin: 2 1;
    background: $background; border: round $foreground 40%; border-title-color: $foreground;
}
.dialog OptionList { height: auto; max-height: 12; border: none; background: transparent; padding: 0; margin-top: 1; }
.dialog OptionList > .option-list--option-highlighted { background: $panel; color: $foreground; text-style: bold; }
.dialog Input { border: none; height: 1; padding: 0; margin-top: 1; background: $panel; }
HelpScreen .dialog { width: 76; padding: 0 1; }
.dialog Static { width: 100%; height: auto; }
.dialog VerticalScroll {
    height: auto; max-height: 100%;
    scrollbar-size-vertical: 1; scrollbar-background: $background; scrollbar-color: $panel;
}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a question."""

    key: str
    text: str
    result: str


class QuestionScreen(ModalScreen[str]):
    """A question with a few answers, each with a key. Esc answers with the empty text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "cancel")]

    def __init__(self, title: str, text: str, answers: Sequence[Answer]) -> None:
        super().__init__()
        self._title, self._text, self._answers = title, text, answers

    def compose(self) -> ComposeResult:
        """The text, then the answers."""
        box = Vertical(classes="dialog")
        box.border_title = self._title
        with box:
            yield Static(self._text, markup=False)
            yield OptionList(
                *(Option(f"{answer.key}  {answer.text}", id=answer.result or "none") for answer in self._answers),
                markup=False,
            )

    def on_mount(self) -> None:
        """The first answer is the harmless one."""
        self.query_one(OptionList).highlighted = 0
        for answer in self._answers:
            if len(answer.key) == 1:
                self._bindings.bind(answer.key, f"dismiss('{answer.result}')")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """An answer was chosen."""
        self.dismiss("" if event.option_id in {None, "none"} else str(event.option_id))


class MarkScreen(ModalScreen[str]):
    """Asks for the text of an operator's mark."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "cancel")]

    def __init__(self, when: str) -> None:
        super().__init__()
        self._when = when

    def compose(self) -> ComposeResult:
        """One line to write in."""
        box = Vertical(classes="dialog")
        box.border_title = f"mark {self._when}"
        with box:
            yield Static("What happened? Enter records it as an event, Esc leaves it.", markup=False)
            yield Input(placeholder="valve clicked", max_length=200)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Written."""
        self.dismiss(event.value.strip())


class GoScreen(ModalScreen[str]):
    """Asks where in a recording to go: something written, or one of its events."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", "cancel"),
        Binding("down", "events", "events", show=False),
    ]

    def __init__(self, events: Sequence[tuple[str, str]]) -> None:
        """The events' names, and when they are."""
        super().__init__()
        self._events = events

    def compose(self) -> ComposeResult:
        """One line to write in, and the events."""
        box = Vertical(classes="dialog")
        box.border_title = "go to"
        with box:
            text = "Where? Enter goes there, ↓ chooses an event, Esc stays here."
            yield Static(text, markup=False)
            yield Input(placeholder="T+12.3, apogee, apogee-5, +30, or seconds from the beginning", max_length=100)
            yield OptionList(*(Option(f"{when:>13}  {name}", id=name) for name, when in self._events), markup=False)

    def on_mount(self) -> None:
        """Writing comes first."""
        self.query_one(Input).focus()

    def action_events(self) -> None:
        """Choose one of the events."""
        self.query_one(OptionList).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Written."""
        self.dismiss(event.value.strip())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """An event was chosen."""
        self.dismiss(str(event.option_id))


class HelpScreen(ModalScreen[None]):
    """The keys of the present view, of the replay bar where there is one, and of everywhere; the signs."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "dismiss", "close")]

    def __init__(self, title: str, groups: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        super().__init__()
        self._title, self._groups = title, groups

    def compose(self) -> ComposeResult:
        """A group after the other."""
        box = Vertical(classes="dialog")
        box.border_title = self._title
        with box, VerticalScroll():
            for name, keys in self._groups.items():
                rows = "\n".join(f"  {key:<8} {what}" for key, what in keys)
                yield Static(f"{name}\n{rows}\n", markup=False)


class StationScreen(ModalScreen[str]):
    """Waits for stations on the broker and asks which one to open."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape", "dismiss('')", "quit")]

    def __init__(self, broker: str, known: Callable[[], Mapping[str, Status]]) -> None:
        super().__init__()
        self._broker, self._known = broker, known
        self._shown: tuple[tuple[str, str], ...] | None = None

    def compose(self) -> ComposeResult:
        """What is there so far."""
        box = Vertical(classes="dialog")
        box.border_title = "stations"
        with box:
            yield Static("", markup=False)
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Look again twice a second."""
        self._look()
        self.set_interval(0.5, self._look)

    def _look(self) -> None:
        known = self._known()
        shown = tuple((root, status.state) for root, status in sorted(known.items()))
        if shown == self._shown:
            return
        self._shown = shown
        text = f"Which one on {self._broker}? Enter opens it, q leaves."
        nothing = (
            f"No station on {self._broker} yet.\nStart one with: groundstation run CAMPAIGN\n"
            "This screen opens it when it is there; q leaves."
        )
        self.query_one(Static).update(text if shown else nothing)
        choices = self.query_one(OptionList)
        at = choices.highlighted or 0
        choices.clear_options()
        choices.add_options(
            [Option(f"{root.removeprefix('groundstation/'):<40} {state}", id=root) for root, state in shown]
        )
        choices.highlighted = min(at, len(shown) - 1) if shown else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A station was chosen."""
        self.dismiss(str(event.option_id))
