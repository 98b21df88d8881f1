"""The bottom line, which no view covers: the keys, and for a moment what a key has just done."""

from collections.abc import Sequence

from rich.style import Style

from groundstation.console.panel import Panel
from groundstation.console.picture import Picture
from groundstation.console.widgets.lines import Line, Lines

NOTICE_NS = 4_000_000_000
"""How long a notice stays."""
ALWAYS = (("a", "acknowledge"), ("x", "mark"), ("?", "keys"), ("^p", "commands"), ("q", "quit"))
BRIEF = {"acknowledge": "ack", "commands": "all"}
"""Shorter words for a narrow screen."""
SPARE = ("x", "a", "^p")
"""Keys that a still narrower line leaves to the help, in this order."""
TYPING = (
    ("letters", "find"),
    ("enter", "in full"),
    ("esc", "letters are keys again"),
    ("tab", "next view"),
    ("^p", "commands"),
)


class KeyLine(Lines):
    """One line."""

    DEFAULT_CSS = "KeyLine { height: 1; }"

    def __init__(self, views: Sequence[type[Panel]]) -> None:
        super().__init__()
        self._views = views
        self.panel: Panel | None = None
        """The view that is open."""
        self._notice = ""
        self._notice_ns: int | None = None

    def say(self, notice: str) -> None:
        """Show a notice for a few seconds."""
        self._notice, self._notice_ns = notice, None

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - one line
        """The notice, else the keys that fit."""
        if self._notice:
            self._notice_ns = picture.at_ns if self._notice_ns is None else self._notice_ns
            if picture.at_ns - self._notice_ns < NOTICE_NS:
                return [[(f" {self._notice}", self.palette.strong)]]
            self._notice = ""
        keys = self._keys()
        if sum(len(key) + len(word) + 2 for key, word, _ in keys) >= width:
            keys = [(key, BRIEF.get(word, word), is_open) for key, word, is_open in keys]
        for spare in SPARE:
            if sum(len(key) + len(word) + 2 for key, word, _ in keys) >= width:
                keys = [each for each in keys if each[0] != spare]
        gap = "  " if sum(len(key) + len(word) + 3 for key, word, _ in keys) < width else " "
        line: list[tuple[str, Style]] = [(" ", self.palette.plain)]
        for key, word, is_open in keys:
            line += [
                (key, self.palette.accent),
                (" ", self.palette.plain),
                (word, self.palette.strong if is_open else self.palette.quiet),
            ]
            line.append((gap, self.palette.plain))
        return [line]

    def _keys(self) -> list[tuple[str, str, bool]]:
        """Key, word, and whether it is the open view's."""
        panel = self.panel
        if panel is not None and panel.is_typing:
            return [(key, word, False) for key, word in TYPING]
        views = [(each.KEY, each.TITLE, isinstance(panel, each)) for each in self._views]
        inside = [("esc", "back", False)] if panel is not None and panel.is_inside else []
        return [*inside, *views, *((key, word, False) for key, word in ALWAYS)]
