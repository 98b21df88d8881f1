"""The radio view under a pilot: what an operator sees of what is received, and what the keys do."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from groundstation.console.panels.radio import RadioPanel
from groundstation.console.widgets.eb_n0_plot import EbN0Plot
from groundstation.console.widgets.frequency_axis import FrequencyAxis
from groundstation.console.widgets.readout import big
from groundstation.console.widgets.spectrum import Spectrum
from groundstation.console.widgets.waterfall import Waterfall

Open = Callable[..., Any]
SIZES = [(80, 24), (140, 45), (200, 60)]
CARRIER = 437_500_000.0


def shown(operator: Any, kind: type[Any]) -> list[str]:
    """The lines of a widget."""
    return [strip.text for strip in operator.console.query_one(kind)._strips]


def cell_of_peak(operator: Any, line: str) -> set[int]:
    """The cells of a waterfall's line that are brightest, counted from its left edge."""
    area = line[6:]
    return {at for at, symbol in enumerate(area) if symbol == "█"}


async def open_in(operator: Any, *, symbols: bool) -> None:
    """Open the view with the waterfall in symbols or in colours, whatever terminal the tests run in."""
    operator.console.query_one(RadioPanel)._shades = symbols
    await operator.press("r")


@pytest.fixture
def received(bus: Any) -> Any:
    """A station with a radio link of which four seconds were received, a spectrum each 0.2 s."""
    bus.fly()
    bus.at_ns -= 4_000_000_000
    bus._zero_ns = bus.at_ns
    for _ in range(21):
        bus.radio()
        bus.at_ns += 200_000_000
    bus.at_ns -= 200_000_000
    return bus


@pytest.mark.parametrize("size", SIZES)
async def test_one_screen_says_how_well_it_is_received(received: Any, console: Open, size: tuple[int, int]) -> None:
    received.link(link="downlink", detail={"tuner": "R820T", "overruns": 0, "lost_samples": 0})
    async with console(received, size) as operator:
        screen = (await operator.press("r")).replace("\N{NO-BREAK SPACE}", " ")
        row = next(line for line in screen.splitlines() if line.startswith(" downlink"))
        assert re.search(r"fsk 9600 +ax100_golay +✓ LOCK +12\.3 +\+0\.35 +17 ", row)
        assert "437.500 MHz  2.4 MS/s" in screen
        assert re.search(r"frame at +bytes +Eb/N0", screen)
        assert re.search(r"T\S+ +153 +11\.8 +3", screen)
        assert "Eb/N0 of fsk 9600 ax100_golay, dB  12.3" in screen
        if size != SIZES[0]:
            assert all(word in screen for word in ("CARRIER OFFSET", "CORRECTED", *big("12.3")))


async def test_the_axis_is_in_mhz_at_the_middle_and_khz_beside_it(received: Any, console: Open) -> None:
    async with console(received) as operator:
        await operator.press("r")
        axis, labels = shown(operator, FrequencyAxis)
        middle = 6 + (80 - 6) // 2
        assert axis[middle] == "▴", "the carrier, 350 Hz above"
        assert labels.index("437.500") < middle < labels.index("MHz")
        for hz, text in ((-1e6, "−1000"), (-5e5, "−500"), (5e5, "+500"), (1e6, "+1000 kHz")):
            cell = 6 + int((hz + 1.2e6) / 2.4e6 * (80 - 6))
            assert axis[cell] == "┬"
            assert abs(labels.index(text) + len(text.split()[0]) / 2 - cell) <= 1


async def test_the_band_and_the_carrier_are_where_they_are_received(received: Any, console: Open) -> None:
    modem = {"kind": "psk", "baud": 400_000, "carrier": 300_000.0}
    received.radio(transmitters=[{"modem": modem, "carrier_offset_hz": 60_000.0}, {"modem": {"carrier": -6e5}}])
    async with console(received, (102, 40)) as operator:
        await operator.press("r")
        axis = shown(operator, FrequencyAxis)[0][6:]
        cells = 102 - 6
        assert axis[int(1.56e6 / 2.4e6 * cells)] == axis[int(0.6e6 / 2.4e6 * cells)] == "▴"
        band = {at for at, each in enumerate(axis) if each == "━"}
        assert {min(band), max(band)} == {int((1.56e6 + side) / 2.4e6 * cells) for side in (-270e3, 270e3)}


async def test_the_spectrum_peaks_where_the_waterfall_is_bright(received: Any, console: Open) -> None:
    async with console(received) as operator:
        await open_in(operator, symbols=True)
        cell = int((160.5 / 256) * (80 - 6))
        peaks = [line for line in shown(operator, Spectrum) if re.search(r"[⠁-⣿]", line[6:])]
        assert {6 + cell} <= {at for at, each in enumerate(peaks[0]) if "⠁" <= each <= "⣿"}
        lines = shown(operator, Waterfall)
        assert [cell_of_peak(operator, line) for line in lines] == [{cell}] * len(lines)
        assert len(lines) >= 5


async def test_the_waterfall_falls_and_says_how_long_ago(received: Any, console: Open) -> None:
    async with console(received, (80, 40)) as operator:
        await open_in(operator, symbols=True)
        loud = {"low_hz": -1.2e6, "high_hz": 1.2e6, "db": [-40.0] * 256}
        received.radio(spectrum=loud, at_ns=received.data_ns + 200_000_000)
        await operator.look()
        assert [bool("█" * 74 in line) for line in shown(operator, Waterfall)].index(True) == 0
        for step in range(2, 12):
            received.radio(at_ns=received.data_ns + step * 200_000_000)
        await operator.look()
        lines = shown(operator, Waterfall)
        assert ["█" * 74 in line for line in lines].index(True) == 5
        assert lines[0].startswith("  now┤")
        assert lines[5].startswith(" −2 s┤")


async def test_key_w_shows_more_time(received: Any, console: Open) -> None:
    async with console(received, (80, 40)) as operator:
        await open_in(operator, symbols=True)
        rows = [len([line for line in shown(operator, Waterfall) if line.strip()])]
        labels = [shown(operator, EbN0Plot)[-1]]
        for _ in range(2):
            await operator.press("w")
            rows.append(len([line for line in shown(operator, Waterfall) if line.strip()]))
            labels.append(shown(operator, EbN0Plot)[-1])
        assert rows == [min(11, rows[0]), 3, 1], "21 spectra, 1, 5 and 25 in a row, two rows in a line"
        assert len(set(labels)) == 3


async def test_key_z_zooms_in_on_the_carrier(received: Any, console: Open) -> None:
    received.radio(transmitters=[{"modem": {"kind": "fsk", "baud": 9600, "carrier": 305e3}, "sync": "lock"}])
    async with console(received) as operator:
        await open_in(operator, symbols=True)
        widths = [len(cell_of_peak(operator, shown(operator, Waterfall)[0]))]
        for _ in range(3):
            screen = await operator.press("z")
            widths.append(len(cell_of_peak(operator, shown(operator, Waterfall)[0])))
            assert shown(operator, FrequencyAxis)[0].index("▴") == pytest.approx(6 + 37, abs=2)
        assert widths == sorted(widths)
        assert widths[-1] == pytest.approx(8 * 74 / 256, abs=1)
        assert "zoom 300" in screen
        assert "zoom" not in await operator.press("z")


async def test_keys_h_and_c_hide_and_show(received: Any, console: Open) -> None:
    quiet = {"low_hz": -1.2e6, "high_hz": 1.2e6, "db": [-80.0] * 256}
    received.radio(spectrum=quiet)
    async with console(received) as operator:
        await operator.press("r")
        held = shown(operator, Spectrum)
        await operator.press("h")
        assert held != shown(operator, Spectrum)
        assert not re.search(r"[⠁-⣿]", shown(operator, Spectrum)[0]), "the carrier is gone"
        both = set()
        for _ in range(2):
            await operator.press("c")
            both.add("█" in "".join(shown(operator, Waterfall)))
        assert both == {True, False}


@pytest.mark.parametrize(
    ("system", "symbols"), [("truecolor", False), ("256", False), ("standard", True), (None, True)]
)
async def test_a_terminal_of_few_colours_gets_symbols(
    received: Any, console: Open, monkeypatch: pytest.MonkeyPatch, system: str | None, symbols: bool
) -> None:
    async with console(received) as operator:
        monkeypatch.setattr(type(operator.console.console), "color_system", system)
        await operator.press("r")
        assert ("█" in "".join(shown(operator, Waterfall))) is symbols


async def test_colours_are_of_the_theme_and_the_carrier_is_the_brightest(received: Any, console: Open) -> None:
    async with console(received) as operator:
        await open_in(operator, symbols=False)
        seen = set()
        for theme in ("night", "sun", "colour-blind"):
            operator.console.theme = theme
            await operator.look()
            strip = operator.console.query_one(Waterfall)._strips[2]
            at = 6 + int((160.5 / 256) * (80 - 6))
            bright, dark = (next(iter(strip.crop(x, x + 1))).style.bgcolor for x in (at, at + 5))
            seen |= {bright, dark}
        assert len(seen) == 6


async def test_a_link_is_chosen_with_the_arrow_keys(received: Any, console: Open) -> None:
    audio = {"low_hz": 0.0, "high_hz": 24_000.0, "db": [-90.0] * 256}
    received.radio(
        "voice", signal={"samples": "ri16_le", "rate": 48_000.0, "frequency": 0.0}, spectrum=audio, recent=[],
        transmitters=[{"modem": {"kind": "afsk", "baud": 1200}, "framing": "hdlc", "sync": "search"}],
    )  # fmt: skip
    async with console(received, (100, 40)) as operator:
        assert "437.500" in await operator.press("r")
        screen = (await operator.press("down")).replace("\N{NO-BREAK SPACE}", " ")
        assert "48.0 kS/s" in screen
        assert "no frame yet" in screen
        labels = shown(operator, FrequencyAxis)[1]
        assert labels.split()[:2] == ["dBFS", "0"]
        assert labels.rstrip().endswith("kHz")
        assert "▴" not in shown(operator, FrequencyAxis)[0], "nobody said where in the audio it is"
        row = next(line for line in screen.splitlines() if line.startswith(" voice"))
        assert re.search(r"○ search +– +– +–", row), "unknown is not 0"
        assert "437.500" in await operator.press("up")


async def test_without_a_radio_link_it_says_how_to_get_one(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus) as operator:
        screen = await operator.press("r")
        assert all(words in screen for words in ("no radio link has reported yet", "[links.downlink]", "modem"))
        bus.radio()
        assert "no radio link" not in await operator.look()


async def test_what_is_old_is_said_to_be_old(bus: Any, console: Open) -> None:
    bus.fly()
    bus.radio()
    bus.advance(12.5)
    async with console(bus) as operator:
        screen = (await operator.press("r")).replace("\N{NO-BREAK SPACE}", " ")
        assert re.search(r"── downlink +… 12 s OLD", screen)
        assert re.search(r"✓ LOCK … +12\.3", screen)


async def test_a_recording_that_has_come_to_its_end_is_not_old(bus: Any, console: Open) -> None:
    bus.fly()
    bus.radio()
    bus.advance(12.5)
    bus.publish("link/downlink", {"link": "downlink", "state": "ended"})
    async with console(bus) as operator:
        screen = await operator.press("r")
        assert "── downlink ■ ended" in screen
        assert "✓ LOCK …" not in screen


async def test_a_lost_source_and_lost_samples_are_said(received: Any, console: Open) -> None:
    state = {"state": "lost", "problem": "no such device", "detail": {"overruns": 3, "lost_samples": 4096}}
    received.publish("link/downlink", {"link": "downlink", **state})
    received.radio(saturated=9)
    async with console(received, (140, 45)) as operator:
        screen = (await operator.press("r")).replace("\N{NO-BREAK SPACE}", " ")
        for words in ("✕ lost no such device", "▲ 3 overruns", "▲ 4 096 lost samples", "▲ clipping 9"):
            assert words in screen


async def test_a_replay_and_a_simulation_are_marked(bus: Any, console: Open) -> None:
    bus.define(synthetic=True)
    bus.status(synthetic=True)
    bus.radio()
    async with console(bus) as operator:
        screen = await operator.press("r")
        assert re.search(r"✓ LOCK ~ +12\.3", screen)
        bus.replay(synthetic=True, paused=True)
        bus.radio()
        screen = await operator.look()
        assert re.search(r"✓ LOCK ⟲ +12\.3", screen)
        assert "── downlink ‖ PAUSED" in screen
        assert "~437" not in screen


async def test_another_session_forgets_what_was_received(bus: Any, console: Open) -> None:
    bus.replay()
    bus.radio()
    async with console(bus) as operator:
        assert "437.500" in await operator.press("r")
        bus.session = "two"
        bus.replay()
        screen = await operator.look()
        assert "downlink" in screen
        assert "437.500" not in screen
        assert not "".join(shown(operator, Waterfall)).strip()


async def test_each_frame_is_a_tick(received: Any, console: Open) -> None:
    at = [received.data_ns - seconds * 1_000_000_000 for seconds in (50, 40, 20, 10)]
    received.radio(recent=[{"received_ns": each, "bytes": 9, "transmitter": 0} for each in at])
    async with console(received, (140, 45)) as operator:
        await operator.press("r")
        lines = shown(operator, EbN0Plot)
        ticks = next(line for line in lines if line.startswith("frame│"))[6:]
        columns = len(ticks)
        places = [place for place, each in enumerate(ticks) if each.strip()]
        expected = [columns * (60 - seconds) / 60 for seconds in (50, 40, 20, 10, 4)]
        assert places == pytest.approx(expected, abs=1.01)


async def test_every_size_is_filled_to_its_edges(received: Any, console: Open) -> None:
    async with console(received) as operator:
        await operator.press("r")
        for size in ((20, 5), (40, 12), (60, 18), (80, 24), (140, 45), (250, 80), (80, 24)):
            await operator.pilot.resize_terminal(*size)
            await operator.look()
            strips = operator.console.screen._compositor.render_strips()
            assert [strip.cell_length for strip in strips] == [size[0]] * size[1]
        lines = shown(operator, Waterfall)
        assert all(len(line) == 80 and line.strip() for line in lines)
        assert len(lines) >= 5


async def test_nothing_is_drawn_anew_while_nothing_new_came(received: Any, console: Open) -> None:
    received.status(state="ended")  # and time stands still
    async with console(received, (140, 45)) as operator:
        await operator.press("r")
        panel = operator.console.panel
        assert isinstance(panel, RadioPanel)
        before = [operator.console.query_one(kind)._strips[:] for kind in (Spectrum, Waterfall, EbN0Plot)]
        operator.console.draw()
        after = [operator.console.query_one(kind)._strips for kind in (Spectrum, Waterfall, EbN0Plot)]
        assert all(
            one is other for old, new in zip(before, after, strict=True) for one, other in zip(old, new, strict=True)
        )


async def test_where_nothing_is_declared_the_radio_leads_until_a_key_is_pressed(bus: Any, console: Open) -> None:
    frame = {"frame": {"doc": "as it came", "rate": 0.0, "measurements": {"data": {"type": "bytes"}}}}
    bus.define(display=[], plots=[], packets=frame)
    bus.status()
    async with console(bus) as operator:
        await operator.look()
        assert operator.console.panel.TITLE == "flight"  # there may be no radio
        bus.radio()
        await operator.look()
        assert operator.console.panel.TITLE == "radio"
        await operator.press("f")
        assert operator.console.panel.TITLE == "flight"


async def test_a_declared_vehicle_opens_on_its_flight(received: Any, console: Open) -> None:
    async with console(received) as operator:
        await operator.look()
        assert operator.console.panel.TITLE == "flight"
