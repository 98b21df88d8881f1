"""What a view of the console is. A view is a file in ``panels/`` with one `Panel`; it is found by its being there."""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from groundstation.console import panels
from groundstation.console.picture import Picture
from groundstation.console.widgets.table import Table

TEXT_INTERVAL_NS = 240_000_000
"""Text is drawn 4 times a second, plots as often as `Panel.show` is called: at most 10 times. Numbers that change
faster are not read (SFTE handbook, chapter 21: screens at 8 to 10 Hz at most, numbers at 2 to 4).
"""


class Panel(Widget, can_focus=True):
    """A view. Only the visible one is drawn."""

    TITLE: ClassVar[str] = ""
    """In the bottom line and the help."""
    KEY: ClassVar[str] = ""
    """The key that opens it."""
    ORDER: ClassVar[int] = 100
    """Its place among the views."""
    KEYS: ClassVar[Sequence[tuple[str, str]]] = ()
    """Its own keys and what they do, for the help and the bottom line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "rows(-1)", "up", show=False),
        Binding("down", "rows(1)", "down", show=False),
        Binding("pageup", "pages(-1)", "page up", show=False),
        Binding("pagedown", "pages(1)", "page down", show=False),
        Binding("home", "rows(-1000000)", "first", show=False),
        Binding("end", "rows(1000000)", "last", show=False),
    ]

    picture: Picture | None = None
    """The picture shown last."""
    _text_ns = -TEXT_INTERVAL_NS

    def show(self, picture: Picture) -> None:
        """Draw the picture; called at most 10 times a second, while the view is visible."""
        self.picture = picture
        self.show_plots(picture)
        if abs(picture.at_ns - self._text_ns) >= TEXT_INTERVAL_NS:
            self._text_ns = picture.at_ns
            self.show_text(picture)

    def leads(self, picture: Picture) -> bool:  # noqa: ARG002 most views wait for their key
        """Whether a console opens on this view instead of the first, as long as no key was pressed for another."""
        return False

    def show_plots(self, picture: Picture) -> None:
        """Draw what moves: 10 times a second."""

    def show_text(self, picture: Picture) -> None:
        """Draw what is read: 4 times a second."""

    def touch(self) -> None:
        """Draw now: a key changed what is shown."""
        self._text_ns = -TEXT_INTERVAL_NS
        if self.picture is not None:
            self.show(self.picture)

    @property
    def table(self) -> Table | None:
        """The table that the arrow keys move in; None where there is none."""
        return None

    @property
    def chosen_alarm(self) -> str:
        """The measurement whose alarm the operator has under the cursor; empty where none."""
        return ""

    @property
    def is_typing(self) -> bool:
        """Whether letters are text here, not keys."""
        return False

    @property
    def is_inside(self) -> bool:
        """Whether Esc leads back to the view's first page."""
        return False

    def action_rows(self, rows: int) -> None:
        """Move the cursor of the table."""
        if self.table is not None:
            self.table.move(rows)
            self.touch()

    def action_pages(self, pages: int) -> None:
        """Move the cursor of the table by screens."""
        if self.table is not None:
            self.table.page(pages)
            self.touch()

    def on_resize(self) -> None:
        """A new size: draw again."""
        self.call_after_refresh(self.touch)

    def on_show(self) -> None:
        """Shown again: draw again."""
        self.call_after_refresh(self.touch)


@cache
def panel_classes() -> tuple[type[Panel], ...]:
    """The views, by their order: every `Panel` defined in a module of ``panels/``."""
    found: list[type[Panel]] = []
    for module in pkgutil.iter_modules(panels.__path__):
        contents = vars(importlib.import_module(f"{panels.__name__}.{module.name}")).values()
        found += [
            each
            for each in contents
            if isinstance(each, type)
            and issubclass(each, Panel)
            and each.__module__ == f"{panels.__name__}.{module.name}"
        ]
    return tuple(sorted(found, key=lambda each: (each.ORDER, each.TITLE)))
