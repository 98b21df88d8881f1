"""Measurement: units through parse and build, limits that make sense."""

from math import inf, nan
from typing import Any

import construct as cs
import numpy as np
import pytest
from construct import Array, BitsInteger, BitStruct, ByteSwapped, Float32b, Hex, Int8ub, Int16sb, Int16ub, Struct
from hypothesis import given
from hypothesis import strategies as st

from protocols.curve import Linear, Polynomial, Table
from protocols.errors import DeclarationError
from protocols.layout import Layout
from protocols.measurement import Measurement


def test_parse_gives_units_and_build_takes_them() -> None:
    volts = Measurement(Int16ub, "V", Linear(1e-3))
    assert volts.parse(b"\x6d\x60") == 28.0
    assert volts.build(28.0) == b"\x6d\x60"
    assert volts.build(28.0004) == b"\x6d\x60"  # to the nearest count
    assert volts.sizeof() == 2


def test_without_a_curve_the_counts_are_the_value() -> None:
    assert Measurement(Int16sb, "Pa").parse(b"\xff\xfe") == -2
    assert Measurement(Int16sb, "Pa").build(-2) == b"\xff\xfe"


@pytest.mark.parametrize("outer", [lambda c, m: Array(2, Array(3, m(c))), lambda c, m: m(Array(2, Array(3, c)))])
def test_arrays_within_and_without(outer: Any) -> None:
    rates = outer(Int8ub, lambda counts: Measurement(counts, "deg/s", Linear(0.5, 1.0)))
    assert rates.parse(bytes(range(6))) == [[1.0, 1.5, 2.0], [2.5, 3.0, 3.5]]
    assert rates.build([[1.0, 1.5, 2.0], [2.5, 3.0, 3.5]]) == bytes(range(6))
    columns = Layout(Struct("rates" / rates)).columns(np.arange(6, dtype=np.uint8).reshape(1, 6))
    assert columns["rates"].tolist() == [[[1.0, 1.5, 2.0], [2.5, 3.0, 3.5]]]


def test_build_takes_columns() -> None:
    assert Measurement(Array(2, Int8ub), "V", Linear(0.1)).build(np.array([1.0, 2.5])) == bytes((10, 25))


@pytest.mark.parametrize(
    "wrapped", [Float32b, ByteSwapped(Float32b), cs.Default(Float32b, 0.0), cs.Padded(8, Float32b)]
)
def test_float_counts_are_not_rounded_to_be_built(wrapped: Any) -> None:
    half = Measurement(wrapped, "m", Linear(2.0))
    assert half.parse(half.build(0.25)) == 0.25


@pytest.mark.parametrize("wrapped", [Int16ub, ByteSwapped(Int16ub), Hex(Int16ub)])
def test_whole_counts_are_rounded_to_be_built(wrapped: Any) -> None:
    assert Measurement(wrapped, "m", Linear(2.0)).parse(Measurement(wrapped, "m", Linear(2.0)).build(7.1)) == 8.0


def test_bits_have_units_too() -> None:
    word = BitStruct("flow" / Measurement(BitsInteger(12), "kg/s", Linear(0.01)), "spare" / BitsInteger(4))
    assert word.parse(b"\x19\x0f") == {"flow": 4.0, "spare": 15}
    assert word.build({"flow": 4.0, "spare": 15}) == b"\x19\x0f"


@given(
    curve=st.sampled_from([None, Linear(0.25, -100.0), Polynomial((1.0, 0.5, 1e-6)), Table((0, 65_535), (5.0, -3.0))]),
    raw=st.integers(0, 65_535),
)
def test_what_is_parsed_is_built_again(curve: Any, raw: int) -> None:
    measured = Measurement(Int16ub, "", curve)
    assert measured.build(measured.parse(raw.to_bytes(2, "big"))) == raw.to_bytes(2, "big")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"red": (5, 5)}, "swap them"),
        ({"yellow": (5, -5)}, "swap them"),
        ({"red": (nan, 5)}, "swap them"),
        ({"yellow": (0, 10), "red": (1, 11)}, "red lies inside yellow"),
        ({"yellow": (-inf, 10), "red": (-inf, 9)}, "red lies inside yellow"),
        ({"red": (0, 1), "persistence": 0}, "persistence 0"),
        ({"red": (0, 1), "persistence_s": -1.0}, "-1.0 s"),
        ({"red": (0, 1), "hysteresis": -0.1}, "hysteresis -0.1"),
    ],
)
def test_limits_that_cannot_be_are_refused(limits: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Measurement(Int16ub, "V", **limits)


def test_limits_of_one_side_and_equal_bands_are_allowed() -> None:
    assert Measurement(Int16ub, "V", yellow=(-inf, 30), red=(-inf, 30)).red == (-inf, 30)


def test_the_shared_field_of_construct_is_left_as_it_is() -> None:
    Measurement(Int16ub, "V", Linear(2.0), red=(0, 1))
    assert Int16ub.parse(b"\x00\x05") == 5
    assert not hasattr(Int16ub, "unit")
