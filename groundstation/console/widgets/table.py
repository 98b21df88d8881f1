"""A table for fast values: fixed columns, a cursor, scrolling; only rows that changed are drawn again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from textual import events
from textual.message import Message

from groundstation.console.picture import Picture
from groundstation.console.widgets.lines import Line, Lines

Cell = tuple[str, Style]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head and place."""

    title: str
    width: int
    """In cells; 0 takes what is left, of which a name needs `most` at most."""
    align: Literal["left", "right"] = "left"
    from_width: int = 0
    """The table's width from which it is shown; narrower tables do without."""
    most: int = 1_000


class Table(Lines, can_focus=False):
    """Rows by key. The keys say which rows there are; cells are asked for only of rows in view."""

    class Chosen(Message):
        """A row was clicked."""

        def __init__(self, table: "Table", key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[str], Sequence[Cell]],
        *,
        empty: str = "",
        follow: bool = False,
        cursor: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.cells = cells
        """Gives the cells of a row by its key, in the order of the columns."""
        self.empty = empty
        """What is said when there are no rows."""
        self.keys: Sequence[str] = ()
        self.cursor = 0
        self.first = 0
        """The first row in view."""
        self._follow = follow
        self.has_cursor = cursor
        """Whether the row under the cursor is marked."""

    @property
    def selected(self) -> str:
        """The key under the cursor; empty when there are no rows."""
        return self.keys[self.cursor] if self.keys else ""

    def put_keys(self, keys: Sequence[str]) -> None:
        """Say which rows there are. The cursor stays on its row, or, following, on the last."""
        if keys == self.keys:
            return
        at_end = self.cursor >= len(self.keys) - 1
        selected = self.selected
        self.keys = keys
        if self._follow and at_end:
            self.cursor = len(keys) - 1
        elif selected in keys:
            self.cursor = keys.index(selected)
        self.cursor = max(0, min(self.cursor, len(keys) - 1))

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - cells are asked for instead
        """The head, then the rows in view."""
        if not self.keys:
            return [[(f" {self.empty}", self.palette.quiet)]]
        shown = [index for index, column in enumerate(self.columns) if width >= column.from_width]
        widths = self._widths(width, shown)
        self._keep_in_view(height - 1)
        head = self._line(
            [(column.title, self.palette.quiet) for column in self.columns], shown, widths, selected=False
        )
        rows = self.keys[self.first : self.first + height - 1]
        return [head, *(self._row(index, key, shown, widths) for index, key in enumerate(rows, self.first))]

    def _row(self, index: int, key: str, shown: list[int], widths: list[int]) -> Line:
        return self._line(self.cells(key), shown, widths, selected=self.has_cursor and index == self.cursor)

    def _line(self, cells: Sequence[Cell], shown: list[int], widths: list[int], *, selected: bool) -> Line:
        plain = self.palette.plain + self.palette.selected if selected else self.palette.plain
        line: list[Cell] = [(" ", plain)]
        for index, width in zip(shown, widths, strict=True):
            text, style = cells[index]
            text = _fitted(text, width, right=self.columns[index].align == "right")
            if style.reverse:  # the value stands out, not its column
                before = len(text) - len(text.lstrip())
                line += [(text[:before], plain), (text.strip(), style), (text[len(text.rstrip()) :], plain)]
            else:
                line.append((text, style + self.palette.selected if selected else style))
            line.append((" ", plain))
        return line

    def _widths(self, width: int, shown: list[int]) -> list[int]:
        fixed = sum(self.columns[index].width + 1 for index in shown) + 1
        rest = max(8, width - fixed)
        return [self.columns[index].width or min(rest, self.columns[index].most) for index in shown]

    def _keep_in_view(self, rows: int) -> None:
        self.first = max(min(self.first, self.cursor, len(self.keys) - 1), self.cursor - rows + 1, 0)
        self.first = min(self.first, max(0, len(self.keys) - rows))

    def move(self, rows: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(self.cursor + rows, len(self.keys) - 1))

    def page(self, pages: int) -> None:
        """Move the cursor by a screen of rows."""
        self.move(pages * max(1, self.size.height - 2))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three rows down."""
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three rows up."""
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        """The cursor to the row clicked."""
        index = self.first + event.y - 1
        if event.y > 0 and index < len(self.keys):
            self.cursor = index
            self.post_message(self.Chosen(self, self.keys[index]))


def _fitted(text: str, width: int, *, right: bool) -> str:
    if len(text) == width and text.isascii():
        return text
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - length) + text if right else text + " " * (width - length)
