"""Curves as braille against dots set by hand, and round numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundstation.console.widgets import raster

numbers = st.floats(-1e6, 1e6)


def test_each_dot_of_a_cell_is_where_unicode_puts_it() -> None:
    for row, column, sign in [(0, 0, "⠁"), (1, 0, "⠂"), (2, 0, "⠄"), (3, 0, "⡀"), (0, 1, "⠈"), (3, 1, "⢀")]:
        lit = np.zeros((4, 2), bool)
        lit[row, column] = True
        assert raster.text_of(raster.braille(lit)[0]) == sign


def test_a_rising_line_is_whole() -> None:
    low = high = np.array([0.0, 1, 2, 3, 4, 5, 6, 7])
    assert [raster.text_of(row) for row in raster.braille(raster.dots(low, high, 0, 7, 8))] == ["  ⡠⠊", "⡠⠊  "]


def test_a_jump_is_joined() -> None:
    low = high = np.array([0.0, 0, 15, 15])
    lit = raster.dots(low, high, 0, 15, 16)
    assert lit.any(axis=1).all(), "every row between the two levels is lit"


@given(st.lists(st.tuples(st.floats(0, 39.99), numbers), min_size=1, max_size=200))
def test_no_spike_is_lost(samples: list[tuple[float, float]]) -> None:
    samples.sort()
    x, y = np.array([each[0] for each in samples]), np.array([each[1] for each in samples])
    low, high = raster.column_extremes(x, y, 40, 0)
    for column in range(40):
        inside = [value for at, value in samples if int(at) == column]
        expected = (min(inside), max(inside)) if inside else (math.nan, math.nan)
        assert (low[column], high[column]) == pytest.approx(expected, nan_ok=True)


def test_a_gap_wider_than_allowed_stays_open() -> None:
    x, y = np.array([0.5, 3.5, 20.5]), np.array([1.0, 4.0, 4.0])
    low, _ = raster.column_extremes(x, y, 24, 5)
    assert low[:4].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.isnan(low[4:20]).all()
    assert low[20] == 4.0


@given(st.floats(1e-6, 1e9), st.integers(1, 20))
def test_a_step_is_round_and_gives_no_more_parts_than_asked(span: float, most: int) -> None:
    step = raster.round_step(span, most)
    mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(mantissa - each) for each in (1, 2, 5, 10)) < 1e-6
    assert span / step <= most * (1 + 1e-6)


@given(numbers, numbers, st.integers(2, 12))
def test_an_axis_holds_its_data_and_ends_on_ticks(one: float, other: float, most: int) -> None:
    low, high = min(one, other), max(one, other)
    bottom, top, step = raster.round_range(low, high, most)
    slack = 0.031 * max(abs(low), abs(high)) + step * 1e-6
    assert bottom <= low + slack
    assert top >= high - step * 1e-6
    assert bottom / step == pytest.approx(round(bottom / step), abs=1e-6)
    assert top / step == pytest.approx(round(top / step), abs=1e-6)


@pytest.mark.parametrize(
    ("seconds", "step", "label"),
    [(0, 20, "T-0"), (40, 20, "T+40"), (-10, 10, "T-10"), (0.5, 0.5, "T+0.5"), (720, 120, "T+12:00"),
     (39600, 3600, "T+11.0h")],
)  # fmt: skip
def test_time_is_said_as_an_operator_says_it(seconds: float, step: float, label: str) -> None:
    assert raster.time_label(seconds, step) == label


def test_a_sparkline_shows_the_shape_and_the_gaps() -> None:
    assert raster.sparkline([0, 1, 2, math.nan, 7], 6) == " ▁▂▃ █"
    assert raster.sparkline([5.0, 5.0], 3) == " ▁▁"
    assert raster.sparkline([math.nan], 3) == "   "
