"""Samples as bytes: against the numbers the formats' definitions give, and there and back."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.signal import Signal

FORMATS = ["cu8", "ci8", "ci16_le", "ci16_be", "ci32_le", "cf32_le", "cf64_be", "ru8", "ri16_le", "rf32_be", "ru16_le"]


@pytest.mark.parametrize(
    ("samples", "data", "wanted"),
    [
        ("cu8", bytes((0, 255, 127, 128)), [-1 + 1j, (-0.5 + 0.5j) / 127.5]),
        ("ci8", struct.pack("4b", -128, 64, 0, 32), [-1 + 0.5j, 0.25j]),
        ("ci16_le", struct.pack("<2h", 16384, -32768), [0.5 - 1j]),
        ("cs16", struct.pack("<2h", 16384, -32768), [0.5 - 1j]),
        ("ci16_be", struct.pack(">2h", 16384, -32768), [0.5 - 1j]),
        ("cf32_le", struct.pack("<2f", 0.25, -3), [0.25 - 3j]),
        ("cf64_be", struct.pack(">2d", 0.25, -3), [0.25 - 3j]),
        ("ri16_le", struct.pack("<2h", -32768, 8192), [-1, 0.25]),
        ("ru8", bytes((0, 255)), [-1, 1]),
    ],
)
def test_full_scale_is_one(samples: str, data: bytes, wanted: list[complex]) -> None:
    got = Signal(samples, 1e6).array(data)
    assert got.dtype == (np.complex64 if samples.startswith("c") else np.float32)
    assert got == pytest.approx(np.array(wanted, got.dtype), abs=1e-7)


@pytest.mark.parametrize("samples", FORMATS)
@given(data=st.binary(max_size=160))
def test_any_bytes_are_samples_and_come_back_as_they_were(samples: str, data: bytes) -> None:
    signal = Signal(samples, 48_000)
    whole = data[: len(data) - len(data) % signal.size]
    array = signal.array(whole)
    assert len(array) * signal.size == len(whole)
    kept = ("u8", "i8", "i16", "u16")  # those whose every value a float32 holds
    if any(each in samples for each in kept):
        assert signal.encode(array) == whole
    assert len(signal.encode(np.nan_to_num(array))) == len(whole)


def test_what_is_larger_than_full_scale_is_limited() -> None:
    assert Signal("ci8", 1e6).encode(np.array([9 - 9j])) == struct.pack("2b", 127, -128)


@pytest.mark.parametrize(
    ("samples", "rate", "frequency"),
    [("cu7", 1e6, 0), ("", 1e6, 0), ("cu8", 0, 0), ("cu8", float("nan"), 0), ("cu8", 1, -1), ("cu8", 1, 1e13)],
)
def test_what_cannot_be_a_signal_is_said(samples: str, rate: float, frequency: float) -> None:
    with pytest.raises(DeclarationError):
        Signal(samples, rate, frequency)
