"""Calibration curves: one number and a column give the same, the inverse gives the counts back."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocols.curve import Linear, Polynomial, Table

FINITE = st.floats(-1e6, 1e6, allow_nan=False)
SLOPES = st.floats(1e-6, 1e6).flatmap(lambda size: st.sampled_from([size, -size]))
linears = st.builds(Linear, SLOPES, FINITE)
polynomials = st.builds(lambda c: Polynomial(tuple(c)), st.lists(FINITE, min_size=1, max_size=5))


@st.composite
def tables(draw: st.DrawFn, *, monotonic: bool = False) -> Table:
    raw = sorted(draw(st.sets(st.integers(-40_000, 70_000), min_size=2, max_size=8)))
    values = draw(st.lists(st.integers(-1000, 1000), min_size=len(raw), max_size=len(raw), unique=monotonic))
    if monotonic:
        values.sort(reverse=draw(st.booleans()))
    return Table(tuple(raw), tuple(values))


curves = st.one_of(linears, polynomials, tables())


@given(
    curve=curves,
    dtype=st.sampled_from([np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64]),
    data=st.data(),
)
def test_a_column_gives_what_each_number_gives(curve: Any, dtype: Any, data: st.DataObject) -> None:
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    counts = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=6))
    column = curve(np.array(counts, dtype))
    assert column.dtype == np.float64
    assert column.tolist() == [float(curve(count)) for count in counts]
    assert curve(np.array([counts, counts], dtype)).shape == (2, len(counts))


@given(scale=st.integers(-1000, 1000), offset=st.integers(-1000, 1000), raw=st.integers(0, 255))
def test_whole_scales_do_not_wrap_narrow_counts(scale: int, offset: int, raw: int) -> None:
    assert Linear(scale, offset)(np.array([raw], np.uint8)).tolist() == [raw * scale + offset]
    assert Polynomial((offset, scale))(np.array([raw], np.uint8)).tolist() == [raw * scale + offset]


@given(coefficients=st.lists(st.integers(-9, 9), min_size=1, max_size=5), raw=st.integers(-100, 100))
def test_a_polynomial_is_the_sum_of_its_powers(coefficients: list[int], raw: int) -> None:
    expected = sum(Fraction(c) * raw**power for power, c in enumerate(coefficients))
    assert Polynomial(tuple(coefficients))(raw) == expected


def test_a_table_is_straight_between_its_points_and_held_outside() -> None:
    curve = Table((0, 100, 300), (10.0, 20.0, -20.0))
    assert [float(curve(raw)) for raw in (-5, 0, 50, 100, 200, 300, 999)] == [10.0, 10.0, 15.0, 20.0, 0.0, -20.0, -20.0]


@given(curve=linears, raw=st.integers(-(2**24), 2**24))
def test_the_inverse_of_a_line_gives_the_counts_back(curve: Linear, raw: int) -> None:
    assume(abs(curve.offset) <= 1e6 * abs(curve.scale))  # else counts drown in the offset
    assert round(curve.inverse(curve(raw))) == raw


@given(curve=tables(monotonic=True), data=st.data())
def test_the_inverse_of_a_rising_or_falling_table_gives_the_counts_back(curve: Table, data: st.DataObject) -> None:
    raw = data.draw(st.integers(int(curve.raw[0]), int(curve.raw[-1])))
    assert math.isclose(float(curve.inverse(curve(raw))), raw, abs_tol=1e-6)
    column = np.array([raw, raw])
    assert np.allclose(curve.inverse(curve(column)), column)


@given(
    constant=st.floats(-100, 100),
    slope=st.floats(0.01, 10.0),
    cubic=st.floats(1e-15, 1e-9),
    raw=st.integers(-32_768, 65_535),
)
def test_the_inverse_of_a_rising_polynomial_gives_the_counts_back(
    constant: float, slope: float, cubic: float, raw: int
) -> None:
    curve = Polynomial((constant, slope, 0.0, cubic))
    assert round(curve.inverse(curve(raw))) == raw


def test_of_several_roots_the_inverse_is_the_one_nearest_to_no_counts() -> None:
    assert Polynomial((6.0, -5.0, 1.0)).inverse(0.0) == pytest.approx(2.0)  # (x - 2)(x - 3)


def test_where_there_is_no_inverse_it_is_said() -> None:
    with pytest.raises(ValueError, match="rises and falls"):
        Table((0, 1, 2), (0.0, 1.0, 0.0)).inverse(0.5)
    with pytest.raises(ValueError, match="no value of this polynomial"):
        Polynomial((1.0, 0.0, 1.0)).inverse(0.0)
    with pytest.raises(ValueError, match="no value of this polynomial"):
        Polynomial((1.0,)).inverse(0.0)
    with pytest.raises(ValueError, match="scale of zero"):
        Linear(0.0).inverse(0.0)


@pytest.mark.parametrize(("raw", "values"), [((0,), (1,)), ((0, 0), (1, 2)), ((1, 0), (1, 2)), ((0, 1), (1, 2, 3))])
def test_points_that_make_no_table_are_refused(raw: tuple[int, ...], values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="increasing counts"):
        Table(raw, values)


def test_curves_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="needs a coefficient"):
        Polynomial(())
