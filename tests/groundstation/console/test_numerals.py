"""Numbers as an operator reads them, against what was written down by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundstation.console import numerals
from groundstation.console.declared import Measurement
from groundstation.console.numerals import SPACE, Scale


def scale(unit: str, resolution: float = 0.0, raw_type: str = "u16", **options: object) -> Scale:
    return Scale(Measurement("p", "m", unit=unit, resolution=resolution, raw_type=raw_type, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "resolution", "raw_type", "value", "text"),
    [
        ("V", 0.01, "u16", 27.900000001, "27.90 V"),
        ("m", 0.5, "u16", 9999.0, "9999.0 m"),
        ("m", 0.1, "f32", 23412.3, "23.4123 km"),
        ("m/s", 0.0, "f32", 1612.04, "1612.04 m/s"),
        ("Pa", 250.0, "u16", 5_820_500.0, "5820.5 kPa"),
        ("", 0.0, "u32", 81204.0, "81204 "),
        ("°", 1e-7, "i32", 40.9601234, "40.960123 °"),
        ("°C", 1.0, "i8", 24.0, "24 °C"),
        ("V", 0.01, "u16", -0.001, "0.00 V"),
        ("V", 0.01, "u16", math.nan, "– V"),
    ],
)
def test_precision_is_that_of_the_measurement(
    unit: str, resolution: float, raw_type: str, value: float, text: str
) -> None:
    written = scale(unit, resolution, raw_type)
    written.adapt(value)
    assert f"{written.text(value)} {written.unit}" == text


def test_limits_choose_the_prefix_before_the_first_value() -> None:
    pressure = scale("Pa", 250.0, red=(None, 8.0e6))
    assert (pressure.text(101_250.0, 4), pressure.unit) == ("0.101", "MPa")


def test_a_new_prefix_counts_its_digits_anew() -> None:
    altitude = scale("m", 0.1, "f32")
    altitude.adapt(9_999.0)
    altitude.adapt(26_610.0)
    assert altitude.text(26_610.0, 4) == "26.61"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.sampled_from(["m", "V", "Pa", "m/s"]))
def test_a_number_never_gets_more_decimals_nor_a_smaller_prefix(values: list[float], unit: str) -> None:
    written = scale(unit, 0.0, "f32")
    factors, decimals = [], []
    for value in values:
        written.adapt(value)
        factors.append(written.factor)
        decimals.append(written.decimals())
        assert float(written.text(value)) * written.factor == pytest.approx(value, rel=1e-2, abs=written.factor)
    assert factors == sorted(factors)
    same_prefix = [each for each, factor in zip(decimals, factors, strict=True) if factor == factors[-1]]
    assert same_prefix == sorted(same_prefix, reverse=True)


def test_points_stand_in_one_column() -> None:
    texts = [numerals.aligned(text, 7, 5) for text in ("27.90", "-1612.0", "24")]
    assert {len(text) for text in texts} == {12}
    assert texts[0].index(".") == texts[1].index(".") == 7
    assert texts[2].rstrip() == "     24"


@pytest.mark.parametrize(
    ("text", "grouped"), [("1612", f"1{SPACE}612"), ("-23412.5", f"-23{SPACE}412.5"), ("161.2", "161.2"), ("–", "–")]
)
def test_thousands_are_set_apart(text: str, grouped: str) -> None:
    assert numerals.grouped(text) == grouped


@pytest.mark.parametrize(
    ("time", "clock"),
    [(83.44, "T+00:01:23.4"), (-10.0, "T-00:00:10.0"), (3_723.0, "T+01:02:03.0"), (None, "T--:--:--.-")],
)
def test_the_mission_clock(time: float | None, clock: str) -> None:
    assert numerals.mission_clock(time) == clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "<1 s"), (12, "12 s"), (119, "119 s"), (300, "5 min"), (7_300, "2 h"), (200_000, "2 d"), (-1, "–")],
)
def test_an_age_is_short(seconds: float, text: str) -> None:
    assert numerals.age(int(seconds * 1e9)).replace(SPACE, " ") == text


def test_codes_flags_and_arrays_are_words() -> None:
    mode = Measurement("p", "mode", labels={2: "ascent"})
    assert numerals.value_text(mode, 2.0, Scale(mode)) == "ascent"
    assert numerals.value_text(mode, 7.0, Scale(mode)) == "code 7"
    flag = Measurement("p", "armed", raw_type="flag")
    assert numerals.value_text(flag, 1.0, Scale(flag)) == "yes"
    cells = Measurement("p", "cells", unit="V", resolution=0.1)
    assert numerals.value_text(cells, [3.3, 3.14], Scale(cells)) == "3.1"
