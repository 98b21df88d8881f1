"""Radio as a framing: the same frames and times however the samples are cut, every byte accounted for, on any bytes."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.modem.radio import Radio
from protocols.modem.sample_times import SampleTimes
from protocols.modem.spectrum import BINS, SpectrumMeter
from tests.protocols.modem.recordings import audio, truth

RATE = 96_000.0
SIGNAL = {"samples": "cu8", "rate": RATE, "frequency": 437e6}
GOLAY: dict[str, Any] = {"modem": {"kind": "fsk", "baud": 9600}, "framing": "ax100_golay"}
HDLC: dict[str, Any] = {"modem": {"kind": "fsk", "baud": 9600}, "framing": {"kind": "hdlc", "g3ruh": True}}
BODIES = [bytes(np.random.default_rng(n).integers(0, 256, 60 + 20 * n, np.uint8)) for n in range(4)]
BEGIN_NS = 1_790_000_000_000_000_000


def noise(samples: int, seed: int) -> bytes:
    return np.random.default_rng(seed).normal(127.5, 12, 2 * samples).clip(0, 255).astype(np.uint8).tobytes()


def on_the_air(*tables: dict[str, Any]) -> bytes:
    """Bursts of each transmitter with noise around them."""
    stream = noise(12_000, 1)
    for number, table in enumerate(tables):
        stream += Radio(SIGNAL, [table]).encode(BODIES) + noise(9_001, 2 + number)
    return stream


def received(made: Radio, stream: bytes, cuts: Sequence[int]) -> list[tuple[bytes, int]]:
    """Frames and their times, of a stream whose samples were taken from BEGIN_NS on."""
    got: list[tuple[bytes, int]] = []
    edges = sorted(cut % (len(stream) + 1) for cut in cuts)
    for begin, end in zip([0, *edges], [*edges, len(stream)], strict=True):
        last = max(0, end // made.signal.size - 1)
        frames = made.receive(stream[begin:end], BEGIN_NS + round(last * 1e9 / made.signal.rate))
        got += zip(frames, frames.received_ns.tolist(), strict=True)
        assert made.ledger.balanced
        assert 0 <= made.ledger.pending <= made.bound
        assert made.ledger.discarded >= 0
    frames = made.finish()
    got += zip(frames, frames.received_ns.tolist(), strict=True)
    assert made.ledger.balanced
    assert made.ledger.pending == 0
    assert made.ledger.bytes_in == len(stream)
    assert made.ledger.frames == len(got)
    return got


STREAM = on_the_air(GOLAY, HDLC)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_how_samples_are_cut_changes_no_frame_no_time_and_no_count(cuts: list[int]) -> None:
    whole, pieces = (Radio(SIGNAL, [GOLAY, HDLC]) for _ in range(2))
    wanted = received(whole, STREAM, [])
    assert [body for body, _ in wanted] == BODIES + BODIES
    assert received(pieces, STREAM, cuts) == wanted
    assert pieces.ledger == whole.ledger
    assert [each.bytes for each in pieces.heard] == [len(body) for body, _ in wanted]


def test_frames_are_dated_by_their_last_bit() -> None:
    sent = Radio(SIGNAL, [HDLC]).encode(BODIES[:1])
    before = 50_000
    ((_, at),) = received(Radio(SIGNAL, [HDLC]), noise(before, 1) + sent + noise(9_000, 2), [30_000, 90_000])
    end = before + len(sent) // 2
    assert at / 1e9 - BEGIN_NS / 1e9 == pytest.approx(end / RATE, abs=25 * 8 / 9600)  # flags around, pulse tails


def test_a_frame_found_in_two_ways_is_delivered_once() -> None:
    twice = {"modem": HDLC["modem"], "framing": [HDLC["framing"], HDLC["framing"]]}
    stream = on_the_air(HDLC)
    assert [body for body, _ in received(Radio(SIGNAL, [twice, HDLC]), stream, [])] == BODIES


@pytest.mark.parametrize("samples", ["cu8", "cf32_le", "ri16_le", "rf32_le"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 99), size=st.integers(0, 70_000), cuts=st.lists(st.integers(0, 70_000), max_size=4))
def test_any_bytes_are_received_without_an_exception(samples: str, seed: int, size: int, cuts: list[int]) -> None:
    stream = np.random.default_rng(seed).bytes(size)  # as floats: NaN, infinities, numbers of any size
    made = Radio(
        {"samples": samples, "rate": 48_000}, [HDLC, {"modem": {"kind": "psk", "baud": 1200}, "framing": "ax100_golay"}]
    )
    received(made, stream, cuts)
    report = made.report()
    lines = report["spectrum"]["db"]
    assert len(lines) in (0, BINS)
    assert all(math.isfinite(line) for line in lines)


def test_a_real_satellite_is_received_from_the_bytes_of_a_sound_file(data: Path) -> None:
    samples, rate = audio(data / "sat_wav" / "gomx_3.wav")
    made = Radio(
        {"samples": "rf32_le", "rate": rate},
        [{"modem": {"kind": "fsk", "baud": 19200}, "framing": "ax100_reed_solomon"}],
    )
    got = {body for body, _ in received(made, samples.tobytes(), [100_001, 400_003])}
    assert set(truth(data, "gomx_3")) <= got
    assert made.ledger.corrected == sum(each.corrected for each in made.heard)
    assert all(5 < each.eb_n0 < 30 for each in made.heard)


@pytest.mark.parametrize(
    "transmitters",
    [
        [],
        [{}],
        [{"modem": {"kind": "fsk"}, "framing": "hdlc"}],
        [{"modem": {"kind": "fsk", "baud": "x"}, "framing": "hdlc"}],
        [{"modem": {"kind": "fsk", "baud": 9600, "search": []}, "framing": "hdlc"}],
        [{"modem": {"kind": "fsk", "baud": 9600}, "framing": []}],
        [{"modem": {"kind": "fsk", "baud": 9600}, "framing": {"g3ruh": True}}],
        [{"modem": {"kind": "fsk", "baud": 1e9}, "framing": "hdlc"}],
        [{"modem": {"kind": "morse", "baud": 20}, "framing": "hdlc"}],
        ["fsk"],
    ],
)
def test_what_cannot_be_received_is_said(transmitters: Any) -> None:
    with pytest.raises(DeclarationError):
        Radio(SIGNAL, transmitters)


def test_times_go_on_by_count_and_begin_anew_after_a_gap() -> None:
    times = SampleTimes(1000.0)
    times.receive(500, BEGIN_NS + 499_000_000)
    times.receive(500, BEGIN_NS + 999_000_000)
    later = BEGIN_NS + 60_000_000_000
    times.receive(100, later + 99_000_000)
    assert times.at(0) == BEGIN_NS
    assert times.at(999) == BEGIN_NS + 999_000_000
    assert times.at(999.5) == BEGIN_NS + 999_500_000
    assert times.at(1000) == later


@pytest.mark.parametrize("frequency", [0.0, 0.125, -0.25])
def test_a_tone_of_full_scale_stands_at_0_db_in_its_line(frequency: float) -> None:
    meter = SpectrumMeter()
    for begin in range(0, 100_000, 777):
        meter.receive(np.exp(2j * np.pi * frequency * np.arange(begin, begin + 777)).astype(np.complex64))
    lines = meter.decibels()
    assert int(lines.argmax()) == round((frequency + 0.5) * BINS)
    assert lines.max() == pytest.approx(0, abs=0.1)
    assert np.median(lines) < -100
