"""The axis between spectrum and waterfall: the middle of the band in MHz, the rest as offsets from it in kHz; on it
the band and the carrier of each transmitter.
"""

from rich.style import Style

from groundstation.console import numerals
from groundstation.console.picture import Picture
from groundstation.console.radio_view import MARGIN, RadioView, marks
from groundstation.console.widgets import raster
from groundstation.console.widgets.lines import Line, Lines

LABEL_CELLS = 13
"""Cells that a tick with its number asks for."""
KILO = 1_000.0


class FrequencyAxis(Lines):
    """Two lines: the axis, and the numbers of its ticks."""

    DEFAULT_CSS = "FrequencyAxis { height: 2; }"
    view: RadioView | None = None

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - the view says it all
        """The axis."""
        columns = width - MARGIN
        if self.view is None or columns < 8:
            return []
        line, labels = self._ticks(self.view, columns)
        styles = [self.palette.quiet] * columns
        for mark in marks(self.view, columns):
            style = self.palette.accent if mark.chosen else self.palette.quiet
            for at in range(mark.first, mark.last + 1):
                line[at], styles[at] = "━", style
            if mark.carrier is not None:
                line[mark.carrier], styles[mark.carrier] = "▴", style + Style(bold=mark.chosen)
        quiet = self.palette.quiet
        return [
            [(f"{'└':>{MARGIN}}", quiet), *_runs(line, styles)],
            [(f"{'dBFS':>{MARGIN - 1}} ", quiet), ("".join(labels), quiet)],
        ]

    def _ticks(self, view: RadioView, columns: int) -> tuple[list[str], list[str]]:
        """The axis with a sign at each tick, and their numbers below."""
        band, signal = view.band, view.radio.radio.signal if view.radio.radio else None
        line, labels = ["─"] * columns, [" "] * columns
        frequency = signal.frequency if signal is not None and signal.iq else 0.0
        is_audio = signal is not None and not signal.iq
        step = raster.round_step(band.high - band.low, max(2, columns // LABEL_CELLS))
        ticks = sorted(raster.ticks(band.low, band.high, step), key=abs)  # the middle of the band has precedence
        unit_at = max(ticks, default=0.0)
        for tick in ticks:
            at = band.place(tick, columns)
            text = _label(tick, frequency, step, is_audio=is_audio) + (" kHz" if tick == unit_at and tick else "")
            at = columns - 1 if at is None else at
            left = min(max(0, at - (len(text) - 4 * (tick == unit_at)) // 2), columns - len(text))
            if left >= 0 and not "".join(labels[max(0, left - 1) : left + len(text) + 1]).strip():
                line[at] = "┬"
                labels[left : left + len(text)] = text
        return line, labels


def _label(hz: float, frequency: float, step: float, *, is_audio: bool) -> str:
    """A tick's number: ``437.500 MHz`` in the middle, ``+200`` (kHz) beside it."""
    if abs(hz) < step / 2:
        return megahertz(frequency) if frequency else "0"
    text = f"{hz / KILO:{'' if is_audio else '+'}.{raster.tick_decimals(step / KILO)}f}"
    return text.replace("-", "−")


def megahertz(hz: float) -> str:
    """A frequency as it is dialled: ``437.500 MHz``, with more digits where it needs them."""
    for decimals in (3, 4, 5, 6):
        if abs(round(hz / 1e6, decimals) * 1e6 - hz) < 0.5:
            break
    return f"{hz / 1e6:.{decimals}f}{numerals.SPACE}MHz"


def _runs(line: list[str], styles: list[Style]) -> Line:
    """Characters of their own style each, as pieces of one style."""
    pieces: list[tuple[str, Style]] = []
    for character, style in zip(line, styles, strict=True):
        if pieces and pieces[-1][1] is style:
            pieces[-1] = (pieces[-1][0] + character, style)
        else:
            pieces.append((character, style))
    return pieces
