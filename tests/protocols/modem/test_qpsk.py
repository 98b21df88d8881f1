"""QPSK and OQPSK against theory, and which of the equal phases it is."""

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from protocols.deframing.deframer import deframer
from protocols.modem.demodulator import SoftBits, demodulator
from protocols.modem.receiver import Receiver
from tests.protocols.modem.psk_signals import LEAD, everything, noisy, quadrature, theory, turned

STAGGER = {"qpsk": 0.0, "oqpsk": 0.5}
STEP, RATE = 5, 48_000.0
each_kind = pytest.mark.parametrize("kind", STAGGER)
QUICK = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))


def random_bits(count: int, seed: int = 5) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 2, count, np.uint8)


def in_turn(kind: str, bits: SoftBits) -> NDArray[np.int64]:
    """The numbers of bits among those sent, by their places alone."""
    symbols = (bits.places - LEAD) / STEP
    if kind == "oqpsk":
        return np.round(2 * symbols).astype(int)
    return 2 * np.round(symbols).astype(int) + np.arange(len(bits)) % 2


def wrong(kind: str, bits: SoftBits, readings: tuple[NDArray[np.float32], ...], sent: NDArray[np.uint8]) -> float:
    """Share of wrong bits in the best reading and polarity, but for 1200 at either end."""
    numbers = in_turn(kind, bits)
    inside = (numbers >= 1200) & (numbers < len(sent) - 1200)
    assert np.count_nonzero(inside) > len(sent) - 2405
    shares = [float(np.mean((values[inside] > 0) != sent[numbers[inside]])) for values in readings]
    return min(shares + [1 - share for share in shares])


@each_kind
@pytest.mark.parametrize(("eb_n0", "symbols"), [(2.0, 20_000), (4.0, 20_000), (6.0, 40_000), (8.0, 100_000)])
def test_it_is_within_half_a_decibel_of_theory(kind: str, eb_n0: float, symbols: int) -> None:
    sent = random_bits(2 * symbols)
    signal = turned(quadrature(sent, STEP, STAGGER[kind]), 0.23 / STEP)
    made = demodulator(kind, RATE, RATE / STEP, iq=True)
    bits = everything(made, noisy(signal, eb_n0, 1))
    assert theory(eb_n0 + 0.5) < wrong(kind, bits, made.readings(bits.values), sent) < theory(eb_n0 - 0.5)
    assert np.median(bits.eb_n0) == pytest.approx(eb_n0, abs=0.6)


@each_kind
def test_a_clock_that_is_off_and_a_carrier_that_drifts_are_followed(kind: str) -> None:
    sent = random_bits(40_000)
    signal = turned(quadrature(sent, STEP, STAGGER[kind]), -0.02, 150 / RATE**2)
    made = demodulator(kind, RATE, RATE / STEP * 1.002, iq=True)
    bits = everything(made, noisy(signal, 7.0, 2))
    assert wrong(kind, bits, made.readings(bits.values), sent) < theory(6.3)
    assert demodulator(kind, RATE, RATE / STEP, iq=True).receive(signal[:0]).values.size == 0


@each_kind
@pytest.mark.parametrize("framing", ["ccsds_tm", "ccsds_concatenated", "hdlc"])
@pytest.mark.parametrize("quarter", range(4))
def test_frames_come_out_whichever_quarter_the_phase_is_in(kind: str, framing: str, quarter: int) -> None:
    bodies = [np.random.default_rng(seed).bytes(223) for seed in range(4)]
    frames = deframer(framing).encode(bodies)
    sent = np.concatenate((random_bits(3000 + quarter % 2), frames, random_bits(3000 + (len(frames) + quarter) % 2)))
    signal = turned(quadrature(sent, STEP, STAGGER[kind]), 0.01, phase=quarter * np.pi / 2 + 0.1)
    receiver = Receiver(demodulator(kind, RATE, RATE / STEP, iq=True), [deframer(framing)])
    found = receiver.receive(noisy(signal, 11.0, 3)) + receiver.finish()
    assert [frame.body for frame in found if frame.body in bodies] == bodies
    assert {frame.deframer for frame in found} == {0}
    assert all(each.ledger.balanced for each in receiver.deframers)


@pytest.mark.parametrize("quarter", range(4))
def test_dqpsk_tells_turns_of_phase(quarter: int) -> None:
    sent = random_bits(8000)
    turns = np.array((2, 1, 3, 0))[2 * sent[0::2] + sent[1::2]]  # quarters that 00, 01, 10 and 11 turn ahead
    phases = (np.cumsum(turns) + quarter) % 4
    axes = np.stack(((phases == 0) | (phases == 3), phases < 2), axis=1).astype(np.uint8).reshape(-1)
    made = demodulator("qpsk", RATE, RATE / STEP, iq=True, differential=True)
    bits = everything(made, noisy(turned(quadrature(axes, STEP, 0.0), 0.01), 12.0, 4))
    numbers = in_turn("qpsk", bits)
    inside = (numbers >= 400) & (numbers < len(sent) - 400)
    assert len(made.readings(bits.values)) == 1
    assert np.array_equal(bits.values[inside] > 0, sent[numbers[inside]] == 1)


@pytest.mark.parametrize("quarter", range(4))
def test_differential_oqpsk_tells_changes_of_either_axis(quarter: int) -> None:
    sent = random_bits(8000)
    axes = np.cumsum(1 - sent.reshape(-1, 2).astype(int), axis=0) % 2
    made = demodulator("oqpsk", RATE, RATE / STEP, iq=True, differential=True)
    signal = turned(quadrature(axes.astype(np.uint8).reshape(-1), STEP, 0.5), 0.01, phase=quarter * np.pi / 2)
    bits = everything(made, noisy(signal, 12.0, 4))
    numbers = in_turn("oqpsk", bits)
    inside = (numbers >= 400) & (numbers < len(sent) - 400)
    assert np.array_equal(bits.values[inside] > 0, sent[numbers[inside]] == 1)


@each_kind
def test_from_audio_it_is_received_as_from_iq(kind: str) -> None:
    sent = random_bits(12_000)
    signal = turned(quadrature(sent, 40, STAGGER[kind]), 1500 / RATE).real * np.sqrt(2)
    noise = np.random.default_rng(6).normal(0, np.sqrt(0.5 / 10**0.6), len(signal))
    made = demodulator(kind, RATE, RATE / 40)
    bits = everything(made, ((signal + noise) * 0.01).astype(np.float32))
    places = SoftBits(bits.values, LEAD + (bits.places - LEAD) / (40 / STEP), bits.eb_n0)
    assert wrong(kind, places, made.readings(bits.values), sent) < theory(5.4)


@each_kind
@pytest.mark.parametrize("iq", [False, True])
@pytest.mark.parametrize("extra", [{}, {"differential": True}, {"pulse": "nrz"}])
@QUICK
@given(data=st.data())
def test_chunks_of_any_size_give_the_same_bits(kind: str, iq: bool, extra: dict[str, Any], data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    samples = random.normal(size=(20_000, 2)).astype(np.float32) @ np.array((1, 1j), np.complex64)
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=40))
    one, other = (everything(demodulator(kind, 48_000, 9600, iq=iq, **extra), samples, at) for at in ([], cuts))
    assert len(one) == pytest.approx(8000, abs=80)
    for name in ("values", "places", "eb_n0"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


@each_kind
@pytest.mark.parametrize("pattern", [(np.nan,), (np.inf, -np.inf, 1.0), (1e38, -3e38), (0.0,), (1e-45, 0.0), ()])
@pytest.mark.parametrize("dtype", [np.float64, np.complex64, np.float16])
def test_any_samples_give_finite_bits(kind: str, pattern: tuple[float, ...], dtype: type) -> None:
    with np.errstate(over="ignore"):
        samples = np.resize(np.array(pattern).astype(dtype), 30_001 if pattern else 0)
    made = demodulator(kind, 48_000, 9600, iq=True)
    bits = everything(made, samples, [5] if pattern else [])
    assert all(np.isfinite(column).all() for column in (bits.values, bits.places, bits.eb_n0))
    for values in made.readings(bits.values[: len(bits) // 2 * 2]):
        assert np.isfinite(values).all()


@pytest.mark.parametrize("kind", ["psk", *STAGGER])
def test_what_it_holds_does_not_grow(kind: str) -> None:
    made = demodulator(kind, RATE, RATE / STEP, iq=True)
    noise = noisy(np.zeros(20_000), 0.0, 1)
    held = []
    for _ in range(3):
        for _ in range(10):
            made.receive(noise)
        held.append(len(pickle.dumps(made)))
    assert max(held) < min(held) * 1.5
