"""What is kept of a radio link: against a plain list of everything received, and against messages that are none."""

import math
from typing import Any
from unicodedata import category

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundstation.console.intake import RADIOS_KEPT
from groundstation.console.picture import Picture
from groundstation.console.radio import MOST_BINS, MOST_FRAMES, MOST_TRANSMITTERS, read_radio
from groundstation.console.radio_state import FRAMES_KEPT, GAP_NS, GROUPS, ROWS, RadioState, SpectrumRows
from groundstation.console.radio_view import ABOVE_DB, BELOW_DB, BROAD_DB, Band, CellsOfBand, DecibelScale, RadioView
from groundstation.console.widgets import colour_map
from groundstation.console.widgets.eb_n0_plot import EbN0Plot
from groundstation.console.widgets.frame_list import FrameList
from groundstation.console.widgets.frequency_axis import FrequencyAxis
from groundstation.console.widgets.radio_line import RadioLine
from groundstation.console.widgets.radio_readouts import RadioReadouts
from groundstation.console.widgets.signs import THEMES
from groundstation.console.widgets.spectrum import Spectrum
from groundstation.console.widgets.waterfall import Waterfall

SECOND = 1_000_000_000
UNHURRIED = settings(deadline=None)
STEP_NS = SECOND // 5


def message(at_ns: int = SECOND, **changes: Any) -> dict[str, Any]:
    return {"session": "one", "at_ns": at_ns, "signal": {"samples": "cu8", "rate": 2.4e6, "frequency": 437.5e6},
            "spectrum": {"low_hz": -100.0, "high_hz": 100.0, "db": [-80.0] * 8}, "transmitters": [{}], "recent": [],
            **changes}  # fmt: skip


def whole_view(radio: RadioState, **changes: Any) -> RadioView:
    spectrum = radio.spectrum
    band = Band(spectrum.low_hz, spectrum.high_hz) if spectrum else Band(-1.0, 1.0)
    scale = DecibelScale()
    scale.settle(*radio.levels())
    return RadioView(radio, radio.version, radio.epoch, **{"chosen": 0, "band": band, "shades": True,
                     "power": (scale.bottom, scale.top), "colours": (scale.dark, scale.bright), **changes})  # fmt: skip


def text_of(lines: list[Any]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("count", [1, 4, 26, ROWS, ROWS + 1, 2 * ROWS + 7])
def test_a_row_is_the_highest_of_its_spectra(count: int, group: int) -> None:
    rows = SpectrumRows(4, group)
    received = np.random.default_rng(count).uniform(-100, 0, (count, 4)).astype(np.float32)
    for n in range(count):
        rows.append(n * STEP_NS, received[n])
    parts = [received[start : start + group].max(axis=0).tolist() for start in range(0, count, group)]
    assert rows.count == len(parts)
    first = max(0, len(parts) - ROWS)
    assert [rows.row(n).tolist() for n in range(first, len(parts))] == parts[first:]
    assert rows.row(first - 1) is None
    assert rows.row(len(parts)) is None


@pytest.mark.parametrize("group", GROUPS)
def test_silence_leaves_an_empty_row(group: int) -> None:
    rows = SpectrumRows(2, group)
    for at_ns in (0, STEP_NS, 2 * STEP_NS + GAP_NS):
        rows.append(at_ns, np.array([-50, -40], np.float32))
    assert np.isnan(rows.row(rows.count - 2)).all()
    assert rows.row(rows.count - 1).tolist() == [-50, -40]


@UNHURRIED
@given(st.lists(st.floats(-120, 0), min_size=8, max_size=MOST_BINS), st.integers(8, 300))
def test_no_carrier_is_lost_in_the_waterfall_however_narrow(decibels: list[float], cells: int) -> None:
    band = Band(-500.0, 500.0)
    seen = CellsOfBand.of(band, len(decibels), band, cells).highest(np.array(decibels, np.float32))
    assert len(seen) == cells
    assert seen.max() == np.float32(max(decibels))


@UNHURRIED
@given(st.integers(0, 255), st.sampled_from([1, 2, 4, 8]), st.integers(8, 200))
def test_a_carrier_is_seen_at_its_frequency(bin_: int, zoom: int, cells: int) -> None:
    band, decibels = Band(-1.2e6, 1.2e6), np.full(256, -80, np.float32)
    decibels[bin_] = -20
    hz = -1.2e6 + (bin_ + 0.5) * 2.4e6 / 256
    shown = band.zoomed(zoom, hz)
    assert shown.high - shown.low == pytest.approx(2.4e6 / zoom)
    assert band.low <= shown.low < shown.high <= band.high
    seen = CellsOfBand.of(band, 256, shown, cells).highest(decibels)
    assert seen[shown.place(hz, cells)] == -20


@UNHURRIED
@given(st.floats(-150, 0), st.floats(0, 100), st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=50))
def test_the_scale_of_power_holds_what_is_received_and_stands_still(
    floor: float, above: float, wobble: list[float]
) -> None:
    scale, broad = DecibelScale(), floor + above / 2
    scale.settle(floor, broad, floor + above)
    colours = (scale.dark, scale.bright)
    assert scale.dark == pytest.approx(floor, abs=0.5)
    assert scale.bright >= broad + BROAD_DB - 0.5
    assert scale.bottom <= floor - BELOW_DB
    assert scale.top >= floor + above + ABOVE_DB
    assert scale.top - scale.bottom <= above + BELOW_DB + ABOVE_DB + 60
    changes = set()
    for each in wobble:
        scale.settle(floor + each, broad + each, floor + above + each)
        changes.add((scale.bottom, scale.top))
        assert scale.bottom <= floor + each <= floor + above + each <= scale.top
        assert (scale.dark, scale.bright) == colours, "the colours stay where they are"
    assert len(changes) <= 3, "it grows a step at each end at most, and does not go back and forth"


def test_an_unknown_level_leaves_the_scale_alone() -> None:
    scale = DecibelScale()
    scale.settle(-80, -70, -40)
    before = (scale.bottom, scale.top, scale.dark, scale.bright)
    scale.settle(math.nan, math.nan, math.nan)
    assert (scale.bottom, scale.top, scale.dark, scale.bright) == before


def test_a_frame_listed_in_many_messages_is_kept_once() -> None:
    radio = RadioState("a")
    frames = [{"received_ns": 1 + n // 2, "bytes": 9, "transmitter": 0} for n in range(60)]  # two alike at a time
    for end in range(1, 61):
        radio.take(read_radio(message(end * STEP_NS, recent=frames[:end])))
    assert [frame.received_ns for frame in radio.frames()] == [each["received_ns"] for each in frames]
    assert radio.frames(1) == []


def test_memory_is_bounded() -> None:
    radio, frames = RadioState("a"), iter(range(1, 10**6))
    for n in range(FRAMES_KEPT // MOST_FRAMES + ROWS):
        recent = [{"received_ns": next(frames)} for _ in range(MOST_FRAMES)]
        radio.take(read_radio(message(n * STEP_NS + 1, recent=recent, transmitters=[{"eb_n0": 1.0}] * 99)))
    assert len(radio.frames()) == FRAMES_KEPT
    assert len(radio.radio.transmitters) == MOST_TRANSMITTERS
    assert sum(rows.row(n) is not None for rows in radio.rows[:1] for n in range(rows.count)) == ROWS
    picture = Picture("groundstation/live/x")
    for n in range(RADIOS_KEPT + 5):
        picture.take(f"groundstation/live/x/radio/{n}", orjson.dumps(message()), at_ns=n)
    assert (len(picture.radios), picture.not_understood) == (RADIOS_KEPT, 5)


def test_the_highest_and_the_floor_are_those_of_the_last_minute() -> None:
    radio = RadioState("a")
    for second, peak in ((0, -10.0), (30, -30.0), (61, -50.0), (75, -70.0)):
        decibels = {"low_hz": 0.0, "high_hz": 8.0, "db": [-90.0] * 7 + [peak]}
        radio.take(read_radio(message((1 + second) * SECOND, spectrum=decibels)))
    floor, high, peak = radio.levels()
    assert (floor, peak) == (-90.0, -30.0)
    assert floor < high < peak
    assert radio.highest().tolist() == [-90.0] * 7 + [-30.0]


def test_another_band_begins_another_waterfall() -> None:
    radio = RadioState("a")
    radio.take(read_radio(message(SECOND)))
    radio.take(read_radio(message(2 * SECOND)))
    epoch = radio.epoch
    radio.take(read_radio(message(3 * SECOND, signal={"samples": "cu8", "rate": 2.4e6, "frequency": 145e6})))
    assert (radio.rows[0].count, radio.epoch) == (1, epoch + 1)


def test_a_clock_set_back_forgets_what_came_after_it() -> None:
    radio = RadioState("a")
    for second in (10, 20, 30):
        frame = {"received_ns": second * SECOND, "bytes": 1}
        radio.take(read_radio(message(second * SECOND, recent=[frame], transmitters=[{"eb_n0": float(second)}])))
    radio.take(read_radio(message(15 * SECOND, transmitters=[{"eb_n0": 15.0}])))
    assert radio.eb_n0(0, 0).values.tolist() == [10.0, 15.0]
    assert [frame.received_ns for frame in radio.frames()] == [10 * SECOND]
    assert radio.rows[0].count == 1


def test_eb_n0_over_time_has_that_of_frames_among_it_and_no_zero_for_unknown() -> None:
    radio = RadioState("a")
    frame = {"received_ns": 3 * SECOND // 2, "eb_n0": 11.5}
    for second, strength in ((1, 10.0), (2, None), (3, 12.0)):
        radio.take(read_radio(message(second * SECOND, recent=[frame], transmitters=[{"eb_n0": strength}])))
    curve = radio.eb_n0(0, 0)
    assert curve.times_ns.tolist() == [SECOND, 3 * SECOND // 2, 2 * SECOND, 3 * SECOND]
    assert curve.values.tolist() == pytest.approx([10.0, 11.5, math.nan, 12.0], nan_ok=True)


def test_what_is_unknown_is_none() -> None:
    radio = read_radio(message(transmitters=[{"eb_n0": None, "frames": "7", "corrected": -1, "sync": "maybe"}]))
    (transmitter,) = radio.transmitters
    unknown = (transmitter.eb_n0, transmitter.carrier_offset_hz, transmitter.frames, transmitter.corrected)
    assert unknown == (None,) * 4
    assert (transmitter.sync, transmitter.modem, radio.samples_in) == ("", "", None)


@pytest.mark.parametrize(
    ("modem", "width"),
    [({"kind": "fsk", "baud": 9600, "deviation": 3000}, 15_600), ({"kind": "fsk", "baud": 9600}, 14_400),
     ({"kind": "pcm_fm", "baud": 1e6}, 1.7e6), ({"kind": "qpsk", "baud": 1000}, 1350),
     ({"kind": "afsk", "baud": 1200}, None)],
)  # fmt: skip
def test_the_band_a_transmitter_takes(modem: dict[str, Any], width: float | None) -> None:
    assert read_radio(message(transmitters=[{"modem": modem}])).transmitters[0].width_hz == width


@pytest.mark.parametrize(
    ("framing", "text"),
    [("ax25", "ax25"), ({"kind": "kiss", "port": 1}, "kiss"), (["ax25", {"kind": "usp"}, 7], "ax25, usp"), (7, ""),
     ("\x1b[2Jevil\u202e", "[2Jevil")],
)  # fmt: skip
def test_framings_are_shown_by_name(framing: object, text: str) -> None:
    assert read_radio(message(transmitters=[{"framing": framing}])).transmitters[0].framing == text


def test_before_any_samples_there_is_no_spectrum() -> None:
    assert read_radio(message(spectrum={"low_hz": -1.0, "high_hz": 1.0, "db": []})).spectrum is None


@pytest.mark.parametrize(
    "broken",
    [
        {"at_ns": None}, {"at_ns": 0}, {"at_ns": -5}, {"at_ns": 2**63}, {"at_ns": 1.5}, {"at_ns": True},
        {"spectrum": []}, {"spectrum": {}}, {"spectrum": {"low_hz": 0.0, "high_hz": 1.0, "db": "loud"}},
        *({"spectrum": {"low_hz": low, "high_hz": high, "db": [-1.0] * 8}}
          for low, high in ((1.0, 1.0), (2.0, 1.0), (None, 1.0), ("0", 1.0), (-1e300, 1e300), (True, 9.0))),
        *({"spectrum": {"low_hz": 0.0, "high_hz": 1.0, "db": db}}
          for db in ([1.0], [0.0] * (MOST_BINS + 1), [[1.0], [2.0]], [1.0, [2.0]], [1.0, {}], ["a", "b"])),
    ],
)  # fmt: skip
def test_a_message_that_is_none_changes_nothing(broken: dict[str, Any]) -> None:
    picture = Picture("groundstation/live/x")
    picture.take("groundstation/live/x/radio/a", orjson.dumps(message()), at_ns=1)
    picture.take("groundstation/live/x/radio/a", orjson.dumps(message() | broken), at_ns=2)
    assert (picture.not_understood, picture.radios["a"].version) == (1, 1)


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1) | json
counts = st.integers(0, 2**63 - 1) | json
signals = st.fixed_dictionaries({}, optional={"samples": st.text() | json, "rate": numbers, "frequency": numbers})
spectra = st.fixed_dictionaries(
    {
        "low_hz": st.floats(-1e12, 0) | json,
        "high_hz": st.floats(0.01, 1e12) | json,
        "db": st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=40) | json,
    }
)
transmitters = st.fixed_dictionaries(
    {},
    optional={
        "modem": st.dictionaries(st.sampled_from(["kind", "baud", "carrier", "deviation"]), numbers | st.text()) | json,
        "framing": json, "eb_n0": numbers, "carrier_offset_hz": numbers, "sync": st.just("lock") | json,
        "frames": counts, "check_failures": counts, "corrected": counts, "bits_in": counts,
    },
)  # fmt: skip
frames = st.fixed_dictionaries(
    {"received_ns": counts}, optional={"bytes": counts, "eb_n0": numbers, "corrected": counts, "transmitter": counts}
)
radios = st.fixed_dictionaries(
    {
        "session": st.just("one") | json, "at_ns": st.integers(1, 2**63 - 1) | json, "signal": signals | json,
        "spectrum": spectra | json, "samples_in": counts, "invalid": counts, "saturated": counts,
        "transmitters": st.lists(transmitters | json, max_size=4) | json,
        "recent": st.lists(frames | json, max_size=4) | json,
    }
)  # fmt: skip


@UNHURRIED
@given(st.lists(radios, max_size=6), st.integers(-(2**63), 2**63 - 1) | st.none())
def test_no_message_breaks_what_is_drawn(messages: list[dict[str, Any]], t0_ns: int | None) -> None:
    picture = Picture("groundstation/live/x")
    status = {"state": "running", "mode": "live", "session": "one", "t0_ns": t0_ns}
    picture.take("groundstation/live/x/status", orjson.dumps(status), at_ns=1)
    widgets = (Spectrum(), FrequencyAxis(), Waterfall(), EbN0Plot(), RadioReadouts(), RadioLine(), FrameList())
    for at_ns, payload in enumerate(messages, 2):
        picture.take("groundstation/live/x/radio/a", orjson.dumps(payload), at_ns=at_ns)
        picture.tick(at_ns, 10**18)
        for radio in picture.radios.values():
            view = whole_view(radio, chosen=at_ns % 3, is_stale=picture.is_radio_stale(radio))
            for widget in widgets:
                widget.view = view
                widget.radio = radio
                lines = text_of(widget.draw(picture, 60, 9))
                assert len(lines) <= 9
                assert not [each for line in lines for each in line if category(each) in {"Cc", "Cf", "Cs"}]
    assert picture.not_understood <= len(messages)


@pytest.mark.parametrize("theme", THEMES)
def test_levels_differ_alike_and_only_ever_get_lighter_or_only_darker(theme: str) -> None:
    colours = colour_map.colours(theme)
    assert len(colours) == colour_map.LEVELS
    assert colours[0] == THEMES[theme].background
    lightness = [_lightness(each) for each in colours]
    steps = np.diff(lightness) * (1 if THEMES[theme].dark else -1)
    assert (steps > 0).all(), "seen in grey too"
    assert abs(lightness[-1] - lightness[0]) > 80
    apart = np.linalg.norm(np.diff(colour_map.oklab(colours), axis=0), axis=1)
    assert apart.max() / apart.min() < 1.35


def test_oklab_is_as_published() -> None:
    """The examples of Björn Ottosson, A perceptual color space for image processing (2020), and of CSS Color 4."""
    white, red, blue = colour_map.oklab(["#ffffff", "#ff0000", "#0000ff"])
    assert white == pytest.approx([1.0, 0.0, 0.0], abs=1e-4)
    assert red == pytest.approx([0.62796, 0.22486, 0.12585], abs=1e-4)
    assert blue == pytest.approx([0.45201, -0.03246, -0.31153], abs=1e-4)


def _lightness(colour: str) -> float:
    """CIE 1976 L* of a colour of sRGB (IEC 61966-2-1), D65."""
    encoded = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in encoded)
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * y ** (1 / 3) - 16 if y > (6 / 29) ** 3 else y * (29 / 3) ** 3


def test_levels_go_from_dark_to_bright_and_unknown_is_dark() -> None:
    decibels = np.array([math.nan, -300, -80, -65, -50, 300], np.float32)
    assert colour_map.levels(decibels, -80, -50, 16).tolist() == [0, 0, 0, 8, 15, 15]
