"""Frequencies, rates and gains as text: exact, or refused by name."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.quantity import decibels, hertz, short


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2245.5M", 2_245_500_000),
        ("2.4M", 2_400_000),
        ("2.4Msps", 2_400_000),
        ("437.5MHz", 437_500_000),
        ("1.2G", 1_200_000_000),
        ("48k", 48_000),
        ("48K", 48_000),
        ("44100", 44_100),
        ("145.9375M", 145_937_500),
        ("137.1M", 137_100_000),
        ("5.", 5),
    ],
)
def test_read_exactly(text: str, value: int) -> None:
    assert hertz("rate", text) == value


@pytest.mark.parametrize(
    "text",
    ["", "M", "fast", "-1M", "+1M", "0", "0.0M", "0.4", "nan", "inf", "1e6", "1,5M", "1m", "1 M", "٣M", "9" * 99],
)
def test_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"^frequency=.*: want a number above 0 with k, M or G"):
        hertz("frequency", text)


@given(st.integers(1, 10**11))
def test_what_is_written_short_reads_back(value: int) -> None:
    assert hertz("rate", short(value)) == value
    assert len(short(value)) <= len(str(value)) + 2
    assert short(2_245_500_000.0) == "2.2455G"


@given(st.decimals(-200, 200, places=1))
def test_decibels(value: Decimal) -> None:
    assert decibels("gain", str(value)) == float(value)


@pytest.mark.parametrize("text", ["", "high", "nan", "inf", "1e9", "-201", "AUTO"])
def test_no_decibels(text: str) -> None:
    assert decibels("gain", "auto") is None
    with pytest.raises(ValueError, match=r"^gain=.*: want dB, as gain=30, or gain=auto"):
        decibels("gain", text)
