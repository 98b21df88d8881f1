"""The transmitter looked at, large: is it received, how strong, how far off, what came of it."""

from rich.style import Style

from groundstation.console import numerals
from groundstation.console.picture import Picture
from groundstation.console.radio_view import RadioView
from groundstation.console.widgets.frame_list import known
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.readout import big
from groundstation.console.widgets.signs import ORIGIN_SIGNS

LINES = 4
SYNC = {"lock": "✓ LOCK", "search": "○ search", "": "? unknown"}
"""What is said of a transmitter's synchronization."""
NARROWEST = 17
"""Cells of a readout below which fewer are shown."""


class RadioReadouts(Lines):
    """One line of names, three of large digits."""

    DEFAULT_CSS = "RadioReadouts { height: 4; }"
    view: RadioView | None = None

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - always four lines
        """The readouts that fit, side by side."""
        view = self.view
        transmitter = view.transmitter if view else None
        if view is None or transmitter is None:
            return []
        strength, offset = transmitter.eb_n0, transmitter.carrier_offset_hz
        frames = view.radio.frames(view.chosen)
        last = numerals.age(max(0, picture.now_ns - frames[-1].received_ns)) if frames else numerals.ABSENT
        facts = [
            ("SYNC", SYNC[transmitter.sync], ""),
            ("EB/N0", numerals.ABSENT if strength is None else f"{strength:.1f}", "dB"),
            ("CARRIER OFFSET", numerals.ABSENT if offset is None else f"{offset / 1e3:.2f}", "kHz"),
            ("FRAMES", known(transmitter.frames), ""),
            ("LAST FRAME", last, ""),
            ("CORRECTED", known(transmitter.corrected), ""),
            ("FAILED", known(transmitter.check_failures), ""),
        ]
        across = max(1, min(len(facts), width // NARROWEST))
        sign = "…" if view.is_stale else ORIGIN_SIGNS[picture.origin].strip()
        style = self.palette.quiet if view.is_stale else self.palette.strong
        cells = [_large(*fact, sign) for fact in facts[:across]]
        each = width // across
        names: Line = [(f" {fact[0]:<{each - 1}}", self.palette.quiet) for fact in facts[:across]]
        return [names, *([self._piece(cell[row], each, style) for cell in cells] for row in range(3))]

    def _piece(self, text: str, width: int, style: Style) -> tuple[str, Style]:
        return f" {text:<{width - 1}}"[:width], style


def _large(name: str, value: str, unit: str, sign: str) -> tuple[str, str, str]:  # noqa: ARG001 - a fact as it is listed
    """A value in three lines: of digits where it is a number, else as text in the middle."""
    digits = big(value) if value != numerals.ABSENT and len(value) <= 7 else None
    if digits is None:
        return "", f"{value} {unit} {sign}".strip(), ""
    return digits[0], digits[1], f"{digits[2]} {unit} {sign}"
