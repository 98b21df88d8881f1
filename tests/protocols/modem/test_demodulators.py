"""What holds for every modem: chunks of any size give the same bits, and no samples raise anything."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.demodulator import LARGEST, MODEMS, Demodulator, SoftBits, demodulator
from tests.protocols.modem.recordings import audio

KINDS: list[tuple[str, dict[str, Any]]] = [
    (kind, {"iq": iq} | extra)
    for iq in (False, True)
    for kind, extra in (
        ("fsk", {}),
        ("afsk", {}),
        ("psk", {}),
        ("psk", {"differential": True}),
        ("psk", {"manchester": True}),
        ("qpsk", {}),
        ("oqpsk", {}),
    )
]
KINDS += [
    ("gmsk", {"iq": True, "search": 1500.0}),
    ("pcm_fm", {"iq": True}),
    ("fsk", {"iq": True, "deviation": 9600.0}),
]
each_kind = pytest.mark.parametrize(("kind", "options"), KINDS)
hostile = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e38, -1e38, 1e-45, 3.4e38, 1.0])
QUICK = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def everything(made: Demodulator, samples: NDArray[Any], cuts: list[int]) -> SoftBits:
    return SoftBits.join([*(made.receive(piece) for piece in np.split(samples, sorted(cuts))), made.finish()])


@each_kind
@QUICK
@given(data=st.data())
def test_chunks_of_any_size_give_the_same_bits(kind: str, options: dict[str, Any], data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    samples = random.normal(size=(12_000, 2)).astype(np.float32) @ np.array((1, 1j), np.complex64)
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=40))
    whole, cut = (demodulator(kind, 48_000, 4800, **options) for _ in range(2))
    one, other = everything(whole, samples, []), everything(cut, samples, cuts)
    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.places, other.places)
    assert np.array_equal(one.eb_n0, other.eb_n0)
    sent = 2400 if kind in ("qpsk", "oqpsk") else 1200
    assert len(one) == pytest.approx(sent, abs=0.008 * sent)  # a symbol rate 0.4 % off is allowed for


def test_a_recording_gives_the_same_bits_sample_by_sample_as_at_once(data: Path) -> None:
    samples, rate = audio(data / "sat_wav" / "ops_sat.wav")
    one = everything(demodulator("fsk", rate, 9600), samples, [])
    other = everything(demodulator("fsk", rate, 9600), samples, list(range(len(samples))))
    assert np.array_equal(one.values, other.values)


@each_kind
@QUICK
@given(data=st.data())
def test_any_samples_give_counts_and_finite_bits(kind: str, options: dict[str, Any], data: st.DataObject) -> None:
    made = demodulator(kind, 48_000, 9600, **options)
    pattern = np.array(data.draw(st.lists(hostile, min_size=1, max_size=50)))
    samples = np.resize(pattern, data.draw(st.integers(0, 20_000)))
    samples = samples.astype(data.draw(st.sampled_from([np.float32, np.float64, np.complex64])))
    bits = everything(made, samples, [])
    assert made.samples_in == len(samples)
    assert made.invalid == np.count_nonzero(~np.isfinite(samples))
    with np.errstate(invalid="ignore"):
        assert made.saturated == np.count_nonzero(np.isfinite(samples) & (np.abs(samples.real) > LARGEST))
    for column in (bits.values, bits.places, bits.eb_n0):
        assert np.isfinite(column).all()
    assert ((bits.places >= 0) & (bits.places < max(1, len(samples)))).all()


@each_kind
def test_its_strength_at_the_end_is_that_of_the_last_bit(kind: str, options: dict[str, Any]) -> None:
    made = demodulator(kind, 48_000, 4800, **options)
    noise = np.random.default_rng(1).normal(size=(12_000, 2)).astype(np.float32) @ np.array((1, 1j), np.complex64)
    bits = everything(made, noise, [])
    assert made.eb_n0_now == bits.eb_n0[-1]


@each_kind
@pytest.mark.parametrize("level", [0.0, 1.0, -32768.0, LARGEST])
def test_a_saturated_receiver_raises_nothing(kind: str, options: dict[str, Any], level: float) -> None:
    bits = everything(demodulator(kind, 48_000, 1200, **options), np.full(100_000, level, np.float32), [77])
    assert np.isfinite(bits.values).all()


def test_what_cannot_be_says_what_can() -> None:
    with pytest.raises(DeclarationError, match=f"use one of {', '.join(MODEMS)}"):
        demodulator("ook", 48_000, 1200)
    with pytest.raises(DeclarationError, match="its options are iq, clock_error, deviation"):
        demodulator("fsk", 48_000, 1200, shift=850)
    with pytest.raises(DeclarationError, match="give a symbol rate nearer"):
        demodulator("fsk", 48_000, 1200, clock_error=0.1)
    with pytest.raises(DeclarationError, match="at least 2 samples a symbol"):
        demodulator("psk", 48_000, 38_400)
    with pytest.raises(DeclarationError, match="at most 100000 samples a symbol are taken"):
        demodulator("fsk", 2_400_000, 9.6)  # a person's kilobaud, whose pages would fill the memory
    for tones in ((1200.0, 30_000.0), (1200.0, 1200.0), (-1200.0, 2200.0)):
        with pytest.raises(DeclarationError, match="give two of them"):
            demodulator("afsk", 48_000, 1200, tones=tones)
