"""FSK from IQ: sent by the project's modulators through its channel, which tests of their own hold."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hardware.simulator.channel import Channel
from protocols.errors import DeclarationError
from protocols.modem.channel_filter import ChannelFilter
from protocols.modem.demodulator import Demodulator, SoftBits, demodulator
from protocols.modem.fsk import MOST_INDEX
from protocols.modem.modulator import modulator
from protocols.modem.pulses import lowpass
from tests.protocols.modem.bit_error_rates import OptimumNoncoherent

RATE, BAUD = 96_000.0, 9600.0
STEP = RATE / BAUD
SEARCH = 12_000.0
PREAMBLE = 64  # symbols that a burst begins and ends with before it matters


def sent(kind: str, bits: NDArray[np.uint8], **options: Any) -> tuple[NDArray[np.complex64], float]:
    """The signal of bits, and where the first of them lies in it."""
    made = modulator(kind, RATE, BAUD, **options)
    return np.concatenate((made.modulate(bits), made.finish())), made.first


def random_bits(count: int, seed: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 2, count, np.uint8)


def through(signal: NDArray[np.complex64], eb_n0: float, **options: float) -> tuple[NDArray[np.complex64], float]:
    """The signal behind a channel, and by how much that delays it."""
    channel = Channel(RATE, eb_n0=eb_n0, bit_rate=BAUD, seed=5, **options)
    return channel.receive(signal), channel.delay


def everything(made: Demodulator, samples: NDArray[Any]) -> SoftBits:
    return SoftBits.join([made.receive(samples), made.finish()])


def wrong(bits: SoftBits, truth: NDArray[np.uint8], first: float, inside: NDArray[np.bool_]) -> float:
    """Share of those of truth that are to be looked at, inside, and were received wrong."""
    numbers = np.round((bits.places - first) / STEP).astype(int)
    there = (numbers >= 0) & (numbers < len(truth))
    numbers, values = numbers[there], bits.values[there]
    looked = inside[numbers]
    assert np.count_nonzero(looked) == np.count_nonzero(inside)  # none is missing, none twice
    return float(np.mean((values > 0)[looked] != truth[numbers[looked]]))


def middle(count: int, margin: int = 400) -> NDArray[np.bool_]:
    return (np.arange(count) >= margin) & (np.arange(count) < count - margin)


@pytest.mark.parametrize(
    ("kind", "bt", "deviation", "eb_n0"),
    [("gmsk", 0.5, 0.25, 8.0), ("msk", None, 0.25, 7.5), ("pcm_fm", 0.7, 0.35, 6.0)],
)
def test_the_best_that_five_symbols_allow_is_reached(
    kind: str, bt: float | None, deviation: float, eb_n0: float
) -> None:
    truth = random_bits(60_000)
    signal, first = sent(kind, truth)
    received, delay = through(signal, eb_n0, offset=300.0, clock_error=15.0)
    received_bits = everything(demodulator(kind, RATE, BAUD, iq=True), received)
    late = SoftBits(received_bits.values, received_bits.places * (1 + 15e-6), received_bits.eb_n0)
    rate = wrong(late, truth, first + delay, middle(len(truth)))
    assert 2e-4 < rate < OptimumNoncoherent(deviation, bt)(eb_n0 - 0.3)


@pytest.mark.parametrize("offset", [-11_700.0, -4000.0, 500.0, 9000.0])
def test_a_carrier_within_the_search_costs_little(offset: float) -> None:
    truth = random_bits(40_000)
    signal, first = sent("gmsk", truth)
    received, delay = through(signal, 8.0, offset=offset, drift=150.0)
    made = demodulator("gmsk", RATE, BAUD, iq=True, search=SEARCH)
    rate = wrong(everything(made, received), truth, first + delay, middle(len(truth)))
    known, known_delay = through(signal, 7.3)
    exact = everything(demodulator("gmsk", RATE, BAUD, iq=True), known)
    assert rate < wrong(exact, truth, first + known_delay, middle(len(truth)))  # 0.7 dB worse, at no offset


@pytest.mark.parametrize("offset", [0.0, 7000.0, -11_500.0])
def test_bursts_are_found_wherever_the_carrier_is(offset: float) -> None:
    on, period = 600, 2110
    truth = random_bits(12 * period)
    signal, first = sent("gmsk", truth)
    place = np.arange(len(truth)) % period
    keyed = np.repeat(place < on, int(STEP))
    signal[: len(keyed)] *= keyed
    received, delay = through(signal, 11.0, offset=offset)
    made = demodulator("gmsk", RATE, BAUD, iq=True, search=SEARCH)
    within = (place >= PREAMBLE) & (place < on - PREAMBLE)
    assert wrong(everything(made, received), truth, first + delay, within) < 1e-3


def test_a_carrier_beside_the_bands_middle_is_mixed_down() -> None:
    truth = random_bits(6000)
    signal, first = sent("gfsk", truth)
    received, delay = through(signal, 13.0, offset=20_000.0)
    made = demodulator("gfsk", RATE, BAUD, iq=True, carrier=20_000.0)
    assert wrong(everything(made, received), truth, first + delay, middle(len(truth))) == 0


@pytest.mark.parametrize("kind", ["fsk", "gmsk"])
@pytest.mark.parametrize("search", [0.0, SEARCH])
def test_it_tells_where_the_carrier_is(kind: str, search: float) -> None:
    signal, _ = sent("gmsk", random_bits(20_000))
    received, _ = through(signal, 14.0, offset=900.0)
    made = demodulator(kind, RATE, BAUD, iq=True, search=search)
    assert np.isnan(made.carrier_offset)
    made.receive(received)
    assert made.carrier_offset == pytest.approx(900.0, abs=120.0)
    assert made.eb_n0_now > 10


def test_audio_of_a_known_deviation_tells_where_the_carrier_is() -> None:
    level = random_bits(4000) * 2.0 - 1.0
    made = demodulator("fsk", 48_000, 4800.0, deviation=1200.0)
    made.receive(np.repeat(0.4 * level + 0.1, 10).astype(np.float32))
    assert made.carrier_offset == pytest.approx(300.0, abs=60.0)
    unknown = demodulator("fsk", 48_000, 4800.0)
    unknown.receive(np.repeat(0.4 * level + 0.1, 10).astype(np.float32))
    assert np.isnan(unknown.carrier_offset)


@pytest.mark.parametrize(("eb_n0"), [6.0, 9.0, 12.0])
def test_eb_n0_is_told(eb_n0: float) -> None:
    received, _ = through(sent("gmsk", random_bits(10_000))[0], eb_n0)
    bits = everything(demodulator("gmsk", RATE, BAUD, iq=True), received)
    assert np.median(bits.eb_n0) == pytest.approx(eb_n0, abs=1.5)


@pytest.mark.parametrize("deviation", [0.2, 0.5, 1.0, MOST_INDEX / 2, 2.5, -0.25])
def test_any_deviation_is_received(deviation: float) -> None:
    truth = random_bits(4000)
    signal, first = sent("fsk", truth, deviation=deviation * BAUD)
    received, delay = through(signal, 17.0)
    made = demodulator("fsk", RATE, BAUD, iq=True, deviation=deviation * BAUD)
    assert wrong(everything(made, received), truth, first + delay, middle(len(truth))) < 1e-3


@pytest.mark.parametrize("rate", [2.4e6, 1.024e6, 250_000.0, 48_000.0])
def test_any_rate_is_received(rate: float) -> None:
    truth = random_bits(1800)
    made = modulator("gmsk", rate, BAUD)
    signal = np.concatenate((made.modulate(truth), made.finish()))
    bits = everything(demodulator("gmsk", rate, BAUD, iq=True, search=5000.0), signal)
    numbers = np.round((bits.places - made.first) * BAUD / rate).astype(int)
    inside = (numbers > 200) & (numbers < 1600)
    assert np.array_equal(bits.values[inside] > 0, truth[numbers[inside]] == 1)


def test_what_does_not_fit_the_band_is_refused() -> None:
    with pytest.raises(DeclarationError, match="give a carrier and a search that lie within"):
        demodulator("gfsk", 48_000, 9600, iq=True, carrier=20_000.0, search=5000.0)


def test_a_blocking_filter_lets_no_constant_through() -> None:
    made = ChannelFilter(lowpass(0.02, 50.0), 50.0, Fraction(5), shift=0.03, blocking=True)
    assert np.abs(made.receive(np.ones(2000, np.float32))[20:]).max() < 1e-3
    tone = ChannelFilter(lowpass(0.02, 50.0), 50.0, Fraction(5), shift=0.03, blocking=True)
    passed = tone.receive(np.cos(2 * np.pi * 0.03 * np.arange(2000)).astype(np.float32))[20:-20]
    assert np.allclose(np.abs(passed), 0.5, atol=0.03)
