"""BPSK far off in frequency, unfiltered, split-phase, with constants and spurs; and recordings of it made worse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.demodulator import demodulator
from protocols.modem.receiver import Receiver
from tests.protocols.modem.psk_signals import LEAD, axis, everything, noisy, rectangles, theory, turned, wrong
from tests.protocols.modem.recordings import RECORDINGS, audio, clock_error, facts, truth

KINDS: list[dict[str, Any]] = [
    {"iq": iq} | extra for iq in (False, True) for extra in ({"search": 3.0}, {"pulse": "nrz"}, {"manchester": True})
]
QUICK = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))


def random_bits(count: int, seed: int = 5) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 2, count, np.uint8)


@pytest.mark.parametrize(
    ("hertz", "drift", "eb_n0"), [(9500.0, 0.0, 2.0), (-9500.0, 0.0, 4.0), (4000.0, 150.0, 3.0), (-4000.0, -150.0, 5.0)]
)
def test_the_doppler_of_a_low_orbit_costs_less_than_half_a_decibel(hertz: float, drift: float, eb_n0: float) -> None:
    sent, rate, step = random_bits(12_000), 24_000.0, 20
    signal = turned(axis(sent, step), hertz / rate, drift / rate**2)
    made = demodulator("psk", rate, rate / step, iq=True, search=10_000 / 1200)
    assert wrong(everything(made, noisy(signal, eb_n0, 1)), sent, step) < theory(eb_n0 - 0.5)


def test_the_carrier_is_told() -> None:
    made = demodulator("psk", 48_000.0, 9600.0, iq=True, carrier=1000.0)
    assert np.isnan(made.carrier_offset)
    made.receive(noisy(turned(axis(random_bits(8000), 5), 3300 / 48_000), 6.0, 1))
    assert made.carrier_offset == pytest.approx(2300, abs=15)
    made.finish()
    assert made.carrier_offset == pytest.approx(2300, abs=15)  # the silence behind it tells nothing


@pytest.mark.parametrize("baud", [9600.0, 1e6])
def test_bursts_on_carriers_of_their_own_are_received_from_their_first_bit(baud: float) -> None:
    random, step = np.random.default_rng(1), 4
    sent = [random_bits(1024, seed) for seed in range(6)]
    bursts = [turned(axis(bits, step), random.uniform(-0.5, 0.5) / step) for bits in sent]
    silence = np.zeros(24_000)
    samples = noisy(np.concatenate([part for burst in bursts for part in (silence, burst)]), 10.0, 1)
    bits = everything(demodulator("psk", step * baud, baud, iq=True), samples)
    for number, expected in enumerate(sent):
        first = (number + 1) * len(silence) + number * len(bursts[0]) + LEAD
        assert wrong(bits, expected, step, first, margin=0) < 0.003


@pytest.mark.parametrize("eb_n0", [3.0, 6.0])
@pytest.mark.parametrize("pulse", ["rrc", "nrz"])
def test_a_rectangular_pulse_is_received_best_by_its_own_filter(pulse: str, eb_n0: float) -> None:
    sent, step = random_bits(30_000), 10
    samples = noisy(turned(rectangles(sent, step), 0.003), eb_n0, 2)
    made = demodulator("psk", 96_000.0, 9600.0, iq=True, pulse=pulse)
    errors = wrong(everything(made, samples), sent, step, LEAD + 4.5)
    loss = 0.5 if pulse == "nrz" else 1.1
    assert errors < theory(eb_n0 - loss)
    assert pulse == "nrz" or errors > theory(eb_n0 - 0.4)  # the other filter's mismatch is worth an option


@pytest.mark.parametrize(("shape", "pulse", "middle"), [(rectangles, "nrz", 4.5), (axis, "rrc", 2.5)])
@pytest.mark.parametrize("eb_n0", [3.0, 6.0])
def test_split_phase_is_within_half_a_decibel_of_theory(
    shape: Callable[[NDArray[np.uint8], int], NDArray[np.float64]], pulse: str, middle: float, eb_n0: float
) -> None:
    sent, step = random_bits(30_000), 10
    halves = np.stack((sent, 1 - sent), axis=1).reshape(-1)
    signal = turned(shape(halves, step // 2), 0.004) / np.sqrt(2)
    made = demodulator("psk", 96_000.0, 9600.0, iq=True, manchester=True, pulse=pulse)
    bits = everything(made, noisy(signal, eb_n0, 3))
    assert wrong(bits, sent, step, LEAD + middle) < theory(eb_n0 - 0.5)
    assert np.median(bits.eb_n0) == pytest.approx(eb_n0, abs=1.0)


def test_differential_bits_in_split_phase_are_compared_as_wholes() -> None:
    sent, step, eb_n0 = random_bits(30_000), 10, 5.0
    states = np.bitwise_xor.accumulate(1 - sent)  # a 1 is no change
    halves = np.stack((states, 1 - states), axis=1).reshape(-1)
    signal = turned(axis(halves, step // 2), 0.004) / np.sqrt(2)
    made = demodulator("psk", 96_000.0, 9600.0, iq=True, manchester=True, differential=True)
    bits = everything(made, noisy(signal, eb_n0, 3))
    assert wrong(bits, sent, step, LEAD + 2.5) < 2.1 * theory(eb_n0 - 0.5)  # a wrong bit makes two


@pytest.mark.parametrize("offset", [0.0, 0.03])
def test_a_constant_in_iq_is_no_carrier(offset: float) -> None:
    sent, step = random_bits(16_000), 10
    signal = turned(axis(sent, step), offset) + (3 - 1j)  # twenty decibels above the signal
    made = demodulator("psk", 96_000.0, 9600.0, iq=True)
    assert wrong(everything(made, noisy(signal, 6.0, 4)), sent, step) < theory(5.5)


def test_a_strong_signal_beside_is_not_taken_for_the_carrier() -> None:
    sent, step = random_bits(16_000), 10
    signal = axis(sent, step)
    beside = 3 * np.exp(2j * np.pi * 0.2 * np.arange(len(signal)))
    made = demodulator("psk", 96_000.0, 9600.0, iq=True)
    assert wrong(everything(made, noisy(signal + beside, 6.0, 4)), sent, step) < theory(5.0)


@pytest.mark.parametrize("options", KINDS)
@QUICK
@given(data=st.data())
def test_chunks_of_any_size_give_the_same_bits(options: dict[str, Any], data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    samples = random.normal(size=(12_000, 2)).astype(np.float32) @ np.array((1, 1j), np.complex64)
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=40))
    one, other = (everything(demodulator("psk", 48_000, 9600, **options), samples, at) for at in ([], cuts))
    assert len(one) == pytest.approx(2400, abs=30)
    for name in ("values", "places", "eb_n0"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("pattern", [(np.nan,), (np.inf, -np.inf, 1.0), (1e38, -3e38), (0.0,), (1e-45, 0.0)])
@pytest.mark.parametrize("dtype", [np.float64, np.complex64])
def test_any_samples_give_finite_bits(options: dict[str, Any], pattern: tuple[float, ...], dtype: type) -> None:
    bits = everything(demodulator("psk", 48_000, 9600, **options), np.resize(np.array(pattern, dtype), 30_001), [5])
    assert all(np.isfinite(column).all() for column in (bits.values, bits.places, bits.eb_n0))


def test_integers_and_nothing_are_samples_too() -> None:
    made = demodulator("psk", 48_000, 1200)
    assert not len(made.receive(np.zeros(0, np.int16)))
    bits = everything(made, np.random.default_rng(1).integers(-32768, 32767, 50_000).astype(np.int16))
    assert np.isfinite(bits.values).all()
    assert not len(everything(demodulator("psk", 48_000, 1200), np.zeros(0)))


def test_what_cannot_be_says_what_can() -> None:
    with pytest.raises(DeclarationError, match="use one of rrc, nrz"):
        demodulator("psk", 48_000, 1200, pulse="gauss")
    for search in (0.0, -1.0, 1000.0, float("nan")):
        with pytest.raises(DeclarationError, match="give a carrier nearer"):
            demodulator("psk", 48_000, 1200, search=search)


def resampled(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float64]:
    """By its spectrum."""
    count = round(len(samples) * wanted / rate)
    spectrum = np.zeros(count // 2 + 1, complex)
    whole = np.fft.rfft(samples)[: len(spectrum)]
    spectrum[: len(whole)] = whole
    return np.fft.irfft(spectrum, count) * count / len(samples)


def shifted(samples: NDArray[np.float32], rate: int, hertz: float, drift: float = 0.0) -> NDArray[np.float64]:
    """All of its frequencies moved, by drift Hz/s more or less away from the middle."""
    spectrum = np.fft.fft(samples)
    spectrum[len(spectrum) // 2 :] = 0
    return 2 * turned(np.fft.ifft(spectrum), hertz / rate, drift / rate**2, 0.0).real


WORSE: dict[str, Callable[[NDArray[np.float32], int], tuple[NDArray[Any], int]]] = {
    "inverted": lambda samples, rate: (-samples, rate),
    "40 dB down": lambda samples, rate: (samples / 100, rate),
    "40 dB up": lambda samples, rate: (samples * 100, rate),
    "16 bit, 40 dB down": lambda samples, rate: (np.round(samples * 327.68).astype(np.int16), rate),
    "limited to its mean": lambda samples, rate: (np.clip(samples, -samples.std(), samples.std()), rate),
    "on a constant": lambda samples, rate: (samples + 1, rate),
    "with hum": lambda samples, rate: (samples + 0.2 * np.sin(314 / rate * np.arange(len(samples))), rate),
    "6 dB louder and softer": lambda samples, rate: (samples * 2.0 ** (np.arange(len(samples)) // 4800 % 3), rate),
    "at 44.1 kHz": lambda samples, rate: (resampled(samples, rate, 44_100), 44_100),
    "at 96 kHz": lambda samples, rate: (resampled(samples, rate, 96_000), 96_000),
    "300 Hz up": lambda samples, rate: (shifted(samples, rate, 300), rate),
    "300 Hz down": lambda samples, rate: (shifted(samples, rate, -300), rate),
    "drifting": lambda samples, rate: (shifted(samples, rate, 0, 50), rate),
}


@pytest.mark.parametrize("how", WORSE)
@pytest.mark.parametrize("name", ["ao73", "il01", "picsat"])
def test_a_recording_made_worse_gives_the_same_frames(data: Path, name: str, how: str) -> None:
    samples, rate = WORSE[how](*audio(data / "sat_wav" / f"{name}.wav"))
    allowed = clock_error(facts(data)[name]["options"])
    found: set[bytes] = set()
    for mode in RECORDINGS[name]:
        made = demodulator(mode.modem, rate, mode.baud, clock_error=allowed, **mode.modem_options)
        receiver = Receiver(made, [mode.deframer()])
        found |= {frame.body for frame in receiver.receive(samples) + receiver.finish()}
    assert set(truth(data, name)) <= found
