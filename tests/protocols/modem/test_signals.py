"""Signals made here by other means than the receiver's: where bits lie, how many are wrong, how strong they are."""

from math import erfc, sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from protocols.modem.demodulator import SoftBits, demodulator

RATE = 96_000.0


def shaped(bits: NDArray[np.uint8], step: int, delay: float, rolloff: float) -> NDArray[np.float64]:
    """Root-raised-cosine pulses, each of unit energy, step samples apart, the first at sample 1000 + delay.

    Made in the frequency domain, where their shape is defined.
    """
    impulses = np.zeros(step * len(bits) + 2000)
    impulses[1000 : 1000 + step * len(bits) : step] = bits * 2.0 - 1.0
    spectrum = np.fft.rfftfreq(len(impulses))
    edge = np.clip((2 * step * spectrum - (1 - rolloff)) / (2 * rolloff), 0, 1)
    pulse = np.cos(np.pi / 2 * edge) * np.exp(-2j * np.pi * spectrum * delay) * sqrt(step)
    return np.fft.irfft(np.fft.rfft(impulses) * pulse, len(impulses))


def noisy(signal: NDArray[Any], energy: float, eb_n0: float, seed: int) -> NDArray[np.complex64]:
    """A complex signal of so much energy a bit with white noise."""
    random = np.random.default_rng(seed)
    sigma = sqrt(energy / 10 ** (eb_n0 / 10) / 2)
    noise = random.normal(0, sigma, (len(signal), 2)) @ np.array((1, 1j))
    return (signal + noise).astype(np.complex64)


def everything(kind: str, rate: float, baud: float, samples: NDArray[Any], **options: Any) -> SoftBits:
    made = demodulator(kind, rate, baud, **options)
    return SoftBits.join([made.receive(samples), made.finish()])


def compared(bits: SoftBits, sent: NDArray[np.uint8], begin: float, step: float) -> tuple[float, float]:
    """Share of wrong bits among those sent, in the better polarity, and the mean error of their places, in symbols."""
    numbers = (bits.places - begin) / step
    inside = (numbers > 300) & (numbers < len(sent) - 300)
    nearest = np.round(numbers[inside]).astype(int)
    wrong = np.mean((bits.values[inside] > 0) != sent[nearest])
    return min(wrong, 1 - wrong), float(np.mean(numbers[inside] - nearest))


def bpsk_theory(eb_n0: float) -> float:
    return 0.5 * erfc(sqrt(10 ** (eb_n0 / 10)))


@pytest.mark.parametrize(("eb_n0", "offset"), [(4.0, 0.0), (6.0, 230.0), (5.0, -900.0)])
def test_bpsk_is_within_half_a_decibel_of_coherent_theory(eb_n0: float, offset: float) -> None:
    sent = np.random.default_rng(7).integers(0, 2, 12_000, np.uint8)
    delay = 3.7
    signal = shaped(sent, 10, delay, 0.35)
    signal = signal * np.exp(2j * np.pi * offset / RATE * np.arange(len(signal)) + 1j)
    bits = everything("psk", RATE, RATE / 10, noisy(signal, 1.0, eb_n0, 1), iq=True)
    wrong, place = compared(bits, sent, 1000 + delay, 10.0)
    assert bpsk_theory(eb_n0) / 2 < wrong < bpsk_theory(eb_n0 - 0.5)
    assert abs(place) < 0.05
    assert np.median(bits.eb_n0) == pytest.approx(eb_n0, abs=1.0)


def test_bpsk_whose_clock_is_a_third_of_a_percent_off_is_received() -> None:
    sent = np.random.default_rng(8).integers(0, 2, 6_000, np.uint8)
    signal = shaped(sent, 10, 0.3, 0.35)
    bits = everything("psk", RATE, RATE / 10 * 1.003, noisy(signal, 1.0, 9.0, 2), iq=True)
    wrong, _ = compared(bits, sent, 1000.3, 10.0)
    assert wrong < 2e-3


def test_differential_bpsk_tells_changes_of_phase() -> None:
    sent = np.random.default_rng(9).integers(0, 2, 4_000, np.uint8)
    signal = shaped(np.cumsum(1 - sent).astype(np.uint8) % 2, 20, 0.0, 0.35)
    bits = everything("psk", RATE, RATE / 20, noisy(signal, 1.0, 12.0, 3), iq=True, differential=True)
    numbers = np.round((bits.places - 1000) / 20).astype(int)
    inside = (numbers > 100) & (numbers < 3900)
    assert np.array_equal(bits.values[inside] > 0, sent[numbers[inside]] == 1)


def gfsk(bits: NDArray[np.uint8], rate: float, baud: float, deviation: float, product: float) -> NDArray[np.complex128]:
    """Frequency pulses through a Gaussian filter of that product of bandwidth and symbol length, at unit amplitude."""
    levels = np.repeat(bits * 2.0 - 1.0, round(rate / baud))
    frequencies = np.fft.rfftfreq(len(levels))
    gauss = np.exp(-np.log(2) / 2 * (frequencies * rate / baud / product) ** 2)
    shape = np.fft.irfft(np.fft.rfft(levels) * gauss, len(levels))
    return np.exp(2j * np.pi * deviation / rate * np.cumsum(shape))


@pytest.mark.parametrize("offset", [0.0, 700.0])
def test_gfsk_from_iq_is_received(offset: float) -> None:
    sent = np.random.default_rng(10).integers(0, 2, 12_000, np.uint8)
    signal = gfsk(sent, RATE, 9600, 2400, 0.5)
    signal = signal * np.exp(2j * np.pi * offset / RATE * np.arange(len(signal)))
    bits = everything("fsk", RATE, 9600.0, noisy(signal, RATE / 9600, 13.0, 4), iq=True)
    wrong, place = compared(bits, sent, 4.5, 10.0)
    assert wrong < 2e-3
    assert abs(place) < 0.1


def test_fsk_audio_with_an_offset_larger_than_its_levels_is_received() -> None:
    sent = np.random.default_rng(11).integers(0, 2, 3_000, np.uint8)
    audio = np.repeat(sent * 0.2 - 0.1, 5) + 0.3
    wrong, place = compared(everything("fsk", 48_000, 9600, audio), sent, 2.0, 5.0)
    assert wrong == 0
    assert abs(place) < 0.05


@pytest.mark.parametrize(("baud", "zero", "one"), [(1200.0, 2200.0, 1200.0), (4800.0, 2400.0, 4800.0)])
def test_afsk_of_both_kinds_is_received(baud: float, zero: float, one: float) -> None:
    sent = np.random.default_rng(12).integers(0, 2, 2_000, np.uint8)
    step = int(48_000 / baud)
    phase = np.cumsum(np.repeat(np.where(sent, one, zero), step)) / 48_000
    audio = np.cos(2 * np.pi * phase) + np.random.default_rng(13).normal(0, 0.1, len(phase))
    bits = everything("afsk", 48_000.0, baud, audio)
    numbers = (bits.places - step / 2) / step
    inside = (numbers > 100) & (numbers < 1900)
    assert np.mean((bits.values[inside] > 0) != sent[np.round(numbers[inside]).astype(int)]) < 1e-3
