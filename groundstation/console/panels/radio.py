"""The radio view: spectrum, waterfall, carrier, Eb/N0, sync and frames of every link that is received by radio."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from groundstation.console import numerals
from groundstation.console.panel import Panel
from groundstation.console.picture import Picture
from groundstation.console.radio import Transmitter, plain_text
from groundstation.console.radio_state import GROUPS, RadioState
from groundstation.console.radio_view import Band, DecibelScale, RadioView
from groundstation.console.widgets.eb_n0_plot import EbN0Plot
from groundstation.console.widgets.frame_list import FrameList, known
from groundstation.console.widgets.frequency_axis import FrequencyAxis
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.radio_line import RadioLine
from groundstation.console.widgets.radio_readouts import LINES, SYNC, RadioReadouts
from groundstation.console.widgets.signs import ORIGIN_SIGNS
from groundstation.console.widgets.spectrum import Spectrum
from groundstation.console.widgets.table import Cell, Column, Table
from groundstation.console.widgets.waterfall import Waterfall

COLUMNS = (
    Column("link", 0, most=24),
    Column("modem", 11),
    Column("framing", 11, from_width=76),
    Column("sync", 10),
    Column("Eb/N0 dB", 8, "right"),
    Column("off kHz", 7, "right"),
    Column("frames", 7, "right"),
    Column("corrected", 9, "right", from_width=90),
    Column("failed", 6, "right"),
    Column("bits", 9, "right", from_width=120),
)
ZOOMS = (1, 2, 4, 8)
LARGE_HEIGHT = 34
"""Lines of the view from which the transmitter looked at is shown in large digits."""
ADVICE = """
 no radio link has reported yet

 A radio link is one whose source gives samples (an SDR, a sound card, a recording of either) and which names a modem.
 It is declared in the campaign file, like every link, and shows here as soon as samples come:

   [links.downlink]
   source = "rtl_tcp:127.0.0.1:1234?frequency=437.5M&rate=2.4M"
   modem = "fsk:9600"
   framing = "ax100_golay"

 The links there are, and whether they receive anything: key l"""


class Advice(Lines):
    """What is said where there is no radio link."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - the same for every picture
        """How to get one."""
        return [[(line, self.palette.quiet)] for line in ADVICE.strip("\n").split("\n")]


class RadioPanel(Panel):
    """How well the radio links are received, and what is on the air."""

    TITLE, KEY, ORDER = "radio", "r", 25
    KEYS: ClassVar = (
        ("↑ ↓", "choose a transmitter, and with it the link"),
        ("w", "time shown: 1, 5, 25 minutes; the waterfall slower"),
        ("z", "zoom in on the carrier: 2, 4, 8 times; and out"),
        ("h", "the highest power of the last minute: on, off"),
        ("c", "power as colour or as symbols"),
    )
    BINDINGS: ClassVar = [
        ("w", "span", "time shown"),
        ("z", "zoom", "zoom"),
        ("h", "hold", "highest power"),
        ("c", "shades", "colour or symbols"),
    ]
    DEFAULT_CSS = """
    RadioPanel { layout: vertical; }
    RadioPanel Advice { height: 1fr; }
    RadioPanel Waterfall { height: 1fr; }
    RadioPanel EbN0Plot { width: 3fr; height: 100%; }
    RadioPanel FrameList { width: 2fr; height: 100%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._advice, self._line = Advice(), RadioLine()
        self._table = Table(COLUMNS, self._cells, empty="no radio link has reported yet")
        self._readouts = RadioReadouts()
        self._spectrum, self._axis, self._waterfall = Spectrum(), FrequencyAxis(), Waterfall()
        self._plot, self._frames = EbN0Plot(), FrameList()
        self._below = Horizontal(self._plot, self._frames)
        self._scales: dict[str, DecibelScale] = {}
        self._pace = self._zoomed = 0
        self._hold = True
        self._shades: bool | None = None
        self._shape: object = None

    def compose(self) -> ComposeResult:
        """From the top: transmitters, the link of the chosen one, its spectrum and waterfall, Eb/N0 and frames."""
        yield self._advice
        yield self._table
        yield self._line
        yield self._readouts
        yield self._spectrum
        yield self._axis
        yield self._waterfall
        yield self._below

    def leads(self, picture: Picture) -> bool:
        """Where frames are received that nobody has declared: the flight view is empty then."""
        declared = picture.definition
        key = declared.display or declared.plots or any(each.unit for each in declared.measurements)
        return bool(picture.radios and declared.name and not key)

    @property
    def table(self) -> Table:
        """The table of transmitters."""
        return self._table

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """A click: the cursor is there already."""
        event.stop()
        self.touch()

    def show_plots(self, picture: Picture) -> None:
        """Spectrum, waterfall and Eb/N0: anew with every message, as they are between two."""
        self._table.put_keys([f"{name}/{n}" for name, radio in picture.radios.items() for n in range(_rows(radio))])
        self._lay_out(picture)
        view = self._view(picture)
        self._plot.view = self._spectrum.view = self._axis.view = self._waterfall.view = view
        for part in (self._spectrum, self._axis, self._waterfall, self._plot):
            part.show(picture)

    def show_text(self, picture: Picture) -> None:
        """Everything else."""
        view = self._spectrum.view
        self._line.view = self._readouts.view = view
        self._frames.radio = view.radio if view else None
        for part in (self._advice, self._table, self._line, self._readouts, self._frames):
            part.show(picture)

    def _view(self, picture: Picture) -> RadioView | None:
        """What is looked at; None where there is no radio link."""
        if not self._table.selected:
            return None
        name, _, number = self._table.selected.rpartition("/")
        radio, chosen = picture.radios[name], int(number)
        scale = self._scales.setdefault(name, DecibelScale())
        scale.settle(*radio.levels())
        spectrum = radio.spectrum
        band = Band(spectrum.low_hz, spectrum.high_hz) if spectrum else Band(-1.0, 1.0)
        several = radio.radio.transmitters if radio.radio else ()
        carrier = several[chosen].place_hz if chosen < len(several) else None
        around = (band.low + band.high) / 2 if carrier is None else _coarse(carrier, band)
        return RadioView(
            radio,
            version=radio.version,
            epoch=radio.epoch,
            chosen=chosen,
            band=band.zoomed(ZOOMS[self._zoomed], around),
            power=(scale.bottom, scale.top),
            colours=(scale.dark, scale.bright),
            pace=self._pace,
            hold=self._hold,
            is_stale=picture.is_radio_stale(radio),
            shades=self._shades if self._shades is not None else not self._has_colours,
        )

    @property
    def _has_colours(self) -> bool:
        """Whether the terminal has colours enough for a waterfall."""
        return self.app.console.color_system in {"truecolor", "256"}

    def action_span(self) -> None:
        """Show another length of time."""
        self._pace = (self._pace + 1) % len(GROUPS)
        self.touch()

    def action_zoom(self) -> None:
        """Show another part of the band."""
        self._zoomed = (self._zoomed + 1) % len(ZOOMS)
        self.touch()

    def action_hold(self) -> None:
        """Show the highest power, or not."""
        self._hold = not self._hold
        self.touch()

    def action_shades(self) -> None:
        """Show power as colour or as symbols."""
        self._shades = self._has_colours if self._shades is None else not self._shades
        self.touch()

    def _lay_out(self, picture: Picture) -> None:
        """Share the height: the text what it needs, a quarter to Eb/N0 and frames, the rest to the spectra."""
        width, height = self.size
        shape = (width, height, len(self._table.keys))
        if not height or shape == self._shape:
            return
        self._shape = shape
        some = bool(picture.radios)
        self._advice.display = not some
        table = max(2, min(len(self._table.keys) + 1, height // 5))
        self._table.styles.height = table
        large = height >= LARGE_HEIGHT
        below = max(6, height // 4) if height >= 17 else 0
        rest = height - table - 1 - (LINES if large else 0) - below
        spectra = rest >= 5
        self._spectrum.styles.height = max(2, (rest - 2) * 2 // 5)
        self._below.styles.height = max(below, 1)
        self._frames.display = width >= 60
        shown = {
            self._table: some,
            self._line: some and height > 2,
            self._readouts: some and large,
            self._spectrum: some and spectra,
            self._axis: some and spectra,
            self._waterfall: some and rest > 0,
            self._below: some and below > 0,
        }
        for part, display in shown.items():
            part.display = display

    def _cells(self, key: str) -> Sequence[Cell]:
        picture, shades = self.picture, self._table.palette
        assert picture is not None, "cells are asked for while a picture is drawn"
        name, _, number = key.rpartition("/")
        radio = picture.radios[name]
        several = radio.radio.transmitters if radio.radio else ()
        shown = several[int(number)] if int(number) < len(several) else Transmitter()
        is_stale = picture.is_radio_stale(radio)
        quiet, plain = shades.quiet, shades.quiet if is_stale else shades.plain
        sign = "…" if is_stale else ORIGIN_SIGNS[picture.origin].strip()
        sync = f"{SYNC[shown.sync]} {sign}" if shown.kind or shown.sync else numerals.ABSENT
        return (
            (plain_text(name), plain),
            (shown.modem or numerals.ABSENT, plain),
            (shown.framing or numerals.ABSENT, quiet),
            (sync, plain),
            (numerals.ABSENT if shown.eb_n0 is None else f"{shown.eb_n0:.1f}", plain),
            (numerals.ABSENT if shown.carrier_offset_hz is None else f"{shown.carrier_offset_hz / 1e3:+.2f}", plain),
            (known(shown.frames), plain),
            (known(shown.corrected), plain),
            (known(shown.check_failures), plain),
            (numerals.ABSENT if shown.bits_in is None else numerals.amount(shown.bits_in, "bit"), quiet),
        )


def _rows(radio: RadioState) -> int:
    """Rows of a link in the table: one for each transmitter, and one where it has none."""
    return max(1, len(radio.radio.transmitters) if radio.radio else 0)


def _coarse(carrier: float, band: Band) -> float:
    """Where a carrier is, in steps: a zoomed band is not to move with every measurement of it."""
    step = (band.high - band.low) / ZOOMS[-1] / 4
    return round(carrier / step) * step
