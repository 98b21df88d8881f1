"""Key measurements, large: name, value with unit and sign, extremes or age."""

import math
from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style

from groundstation.console import numerals
from groundstation.console.declared import Measurement
from groundstation.console.numerals import Scale
from groundstation.console.picture import Picture
from groundstation.console.reading import Quality, Reading
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.signs import ORIGIN_SIGNS, QUALITY_SIGNS

_GLYPHS = {
    "0": ("┏━┓", "┃ ┃", "┗━┛"),
    "1": (" ╻ ", " ┃ ", " ╹ "),
    "2": ("╺━┓", "┏━┛", "┗━╸"),
    "3": ("╺━┓", " ━┫", "╺━┛"),
    "4": ("╻ ╻", "┗━┫", "  ╹"),
    "5": ("┏━╸", "┗━┓", "╺━┛"),
    "6": ("┏━╸", "┣━┓", "┗━┛"),
    "7": ("╺━┓", "  ┃", "  ╹"),
    "8": ("┏━┓", "┣━┫", "┗━┛"),
    "9": ("┏━┓", "┗━┫", "╺━┛"),
    ".": (" ", " ", "."),
    "-": ("  ", "━━", "  "),
    numerals.SPACE: (" ", " ", " "),
    numerals.ABSENT: ("   ", "╺━╸", "   "),
}
"""Digits three cells wide and three high."""
NARROWEST = 17
"""Cells of a readout below which the grid takes another row."""
DIGITS = 4
"""Digits of a large number: more are not read at a glance."""
SMALL, LARGE = 3, 5
"""Lines of a readout with plain and with large digits."""


def big(text: str) -> tuple[str, str, str] | None:
    """A number's text in three lines of large digits; None for a text that is no number."""
    if any(each not in _GLYPHS for each in text):
        return None
    first, second, third = ("".join(_GLYPHS[each][line] for each in text) for line in range(3))
    return first, second, third


class Readouts(Lines):
    """A grid of key measurements."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.names: Sequence[str] = ()
        """Full names of the measurements."""
        self._scales: dict[str, Scale] = {}

    def grid(self, width: int) -> tuple[int, int]:
        """Readouts in a row, and rows, for a width."""
        most = max(1, min(len(self.names), width // NARROWEST))
        rows = max(1, math.ceil(len(self.names) / most))
        return max(1, math.ceil(len(self.names) / rows)), rows

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:
        """The grid; large digits where every row has the height for them."""
        across, rows = self.grid(width)
        cell = width // across
        lines_each = LARGE if height >= rows * LARGE else SMALL
        lines: list[Line] = []
        for row in range(rows):
            names = self.names[row * across : (row + 1) * across]
            blocks = [self._block(picture, name, cell, large=lines_each == LARGE) for name in names]
            lines += [[piece for block in blocks for piece in block[y]] for y in range(lines_each)]
            if height >= (rows * (lines_each + 1)) - 1:
                lines.append(())
        return lines

    def _block(self, picture: Picture, name: str, width: int, *, large: bool) -> list[Line]:
        reading = picture.reading(name)
        scale = self._scales.get(name)
        if scale is None or scale.declared != reading.declared:
            scale = self._scales[name] = Scale(reading.declared)
        scale.adapt(reading.low, reading.high)
        title = name.partition(".")[2].replace("_", " ").replace(".", " ").upper()
        value = self._value(picture, reading, scale, width, large=large)
        below = self._below(reading, scale, width - 3)
        return [self._cut([(f"  {title}", self.palette.quiet)], width), *value, self._cut(below, width)]

    def _value(self, picture: Picture, reading: Reading, scale: Scale, width: int, *, large: bool) -> list[Line]:
        declared, quality = reading.declared, reading.quality
        style = self.palette.quality(quality) + Style(bold=quality not in {Quality.STALE, Quality.ABSENT})
        sign = (QUALITY_SIGNS[quality] + ORIGIN_SIGNS[picture.origin]).strip()
        room = width - 4 - max(cell_len(scale.unit), 2)
        digits = _digits(scale, reading, room) if large else 0
        text = numerals.grouped(numerals.value_text(declared, reading.value, scale, digits or DIGITS))
        lines = big(text.replace(numerals.SPACE, "")) if digits else None
        if lines and cell_len(lines[0]) <= room:
            tails: list[Line] = [[(f" {sign}", style)], [], [(f" {scale.unit}", self.palette.quiet)]]
            return [
                self._cut([("  ", self.palette.plain), (line, style), *tail], width)
                for line, tail in zip(lines, tails, strict=True)
            ]
        tail: Line = [(f" {scale.unit} " if scale.unit else " ", self.palette.quiet), (sign, style)]
        plain = self._cut([("  ", self.palette.plain), (text, style), *tail], width)
        blank = self._cut([], width)
        return [blank, plain, blank] if large else [plain]

    def _below(self, reading: Reading, scale: Scale, room: int) -> list[tuple[str, Style]]:
        quiet, declared = self.palette.quiet, reading.declared
        if reading.quality is Quality.STALE:
            return [(f"  … {numerals.age(reading.age_ns)} old", self.palette.strong)]
        if reading.quality in {Quality.RED, Quality.YELLOW}:
            return [(f"  {limit_text(declared, reading.number, scale)}", quiet)]
        if declared.labels or declared.is_flag or math.isnan(reading.high):
            return [("", quiet)]
        high, low = scale.text(reading.high, DIGITS), scale.text(reading.low, DIGITS)
        is_from_zero = 0 <= reading.low < 0.5 * reading.high
        span = f"  {low} … {high}"
        return [(f"  max {high}" if is_from_zero or len(span) > room else span, quiet)]

    def _cut(self, line: Line, width: int) -> Line:
        """A line in exactly ``width`` cells."""
        cut: list[tuple[str, Style]] = []
        left = width
        for text, style in line:
            cut.append((text[:left], style))
            left -= min(left, cell_len(text))
        return [*cut, (" " * left, self.palette.plain)]


def _digits(scale: Scale, reading: Reading, room: int) -> int:
    """Digits for which the largest number so far fits as large digits into ``room`` cells; 0 where none does."""
    for digits in (DIGITS, DIGITS - 1):
        decimals = scale.decimals(digits)
        sign = 2 if scale.text(reading.low, digits).startswith("-") else 0
        if sign + 3 * (scale.whole + decimals) + (decimals > 0) <= room:
            return digits
    return 0


def limit_text(declared: Measurement, value: float, scale: Scale) -> str:
    """The limit that a value is beyond, or nearest to: ``red < 27.5``."""
    sides = [
        (word, low, high)
        for word, band in (("red", declared.red), ("yellow", declared.yellow))
        if band
        for low, high in [band]
    ]
    for word, low, high in sides:
        if low is not None and value < low:
            return f"{word} < {scale.text(low)}"
        if high is not None and value > high:
            return f"{word} > {scale.text(high)}"
    return "was out of limits"
