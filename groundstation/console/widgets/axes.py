"""What plots have in common: cells to draw in, the part of time shown, the ticks of both axes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from groundstation.console.picture import Picture
from groundstation.console.widgets import raster
from groundstation.console.widgets.lines import Line

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """What part of time a plot shows, in seconds since the origin ``zero_ns``."""

    zero_ns: int
    start: float
    end: float


@dataclass(slots=True)
class Canvas:
    """Cells of the plot's area: characters and the index of their style."""

    codes: NDArray[np.uint32]
    styles: NDArray[np.int8]

    @classmethod
    def blank(cls, rows: int, columns: int) -> "Canvas":
        """Nothing drawn yet."""
        return cls(np.full((rows, columns), raster.BLANK, np.uint32), np.zeros((rows, columns), np.int8))

    def add(self, lit: raster.Dots, style: int) -> None:
        """Draw dots, bool (4 * rows, 2 * columns), over what is there; their cells take the style."""
        codes = raster.braille(lit)
        here = codes != raster.BLANK
        self.codes[here] = np.where(self.codes[here] > raster.BLANK, self.codes[here] | codes[here], codes[here])
        self.styles[here] = style

    def row(self, y: int, styles: list[Style]) -> list[tuple[str, Style]]:
        """A row as pieces of one style each."""
        starts = np.flatnonzero(np.diff(self.styles[y], prepend=-1))
        ends = [*starts[1:].tolist(), self.styles.shape[1]]
        return [
            (raster.text_of(self.codes[y, start:end]), styles[self.styles[y, start]])
            for start, end in zip(starts.tolist(), ends, strict=True)
        ]


def beside(label: str | None, margin: int) -> str:
    """What stands left of a row: its tick's number, or the axis alone."""
    text = "" if label is None else label[:margin]
    return f"{text:>{margin}}{'│' if label is None else '┤'}"


def value_labels(bottom: float, top: float, step: float, rows: int) -> dict[int, str]:
    """The ticks' numbers by the row of cells they stand beside."""
    decimals = raster.tick_decimals(step)
    ticks = raster.ticks(bottom, top, step)
    return {min(rows - 1, max(0, row_of(tick, bottom, top, rows))): f"{tick:.{decimals}f}" for tick in ticks}


def row_of(value: float, bottom: float, top: float, rows: int) -> int:
    """The row of cells in which a value's dot lies; outside 0 to rows - 1 when the value is outside."""
    dot = (top - value) / (top - bottom) * (rows * 4 - 1)
    return math.floor(round(dot) / 4)


def time_axis(picture: Picture, window: Window, columns: int, margin: int, style: Style) -> list[Line]:
    """The axis with its ticks and the flight events on it, and the line of their times."""
    span = window.end - window.start
    step = raster.time_step(span, max(1, columns // 9))
    line, labels = ["─"] * columns, [" "] * (columns + 8)
    for tick in raster.ticks(window.start, window.end, step):
        x = int((tick - window.start) / span * columns)
        text = raster.time_label(tick, step) if picture.status.t0_ns is not None else _ago(tick, step)
        left = min(max(0, x - len(text) // 2), columns - len(text))
        if x < columns and left >= 0 and not "".join(labels[max(0, left - 1) : left + len(text) + 1]).strip():
            line[x] = "┬"
            labels[left : left + len(text)] = text
    for event in picture.events:
        x = int(((event.received_ns - window.zero_ns) / SECOND - window.start) / span * columns)
        if event.kind == "flight" and 0 <= x < columns:
            line[x] = "▴"
    return [
        [(f"{'':>{margin}}└{''.join(line)}", style)],
        [(f"{'':>{margin + 1}}{''.join(labels[:columns])}", style)],
    ]


def _ago(seconds: float, step: float) -> str:
    return "now" if abs(seconds) < 1e-6 else f"{seconds:.{0 if step >= 1 else 1}f} s".replace("-", "−")
