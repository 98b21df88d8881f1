"""What a channel does, measured: noise, frequency, drift, clock and depth; and that cuts change nothing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hardware.simulator.channel import Channel, Fading
from protocols.errors import DeclarationError

RATE = 48_000.0


def everything(channel: Channel, samples: NDArray[Any], cuts: list[int] | None = None) -> NDArray[np.complex64]:
    pieces = np.split(samples, sorted(cuts or []))
    return np.concatenate([*(channel.receive(piece) for piece in pieces), channel.finish()])


def tone(frequency: float, count: int = 1 << 16) -> NDArray[np.complex128]:
    return np.exp(2j * np.pi * frequency / RATE * np.arange(count))


def peak(samples: NDArray[Any]) -> float:
    """The frequency of the strongest line, in Hz, to a small part of a bin."""
    size = 16 * len(samples)
    return float(np.fft.fftfreq(size)[np.abs(np.fft.fft(samples * np.hanning(len(samples)), size)).argmax()] * RATE)


@pytest.mark.parametrize(("eb_n0", "bit_rate"), [(0.0, 4800.0), (10.0, 9600.0), (-3.0, 1200.0)])
def test_eb_n0_is_what_was_asked_for(eb_n0: float, bit_rate: float) -> None:
    count = 400_000
    noise = Channel(RATE, eb_n0=eb_n0, bit_rate=bit_rate, seed=5).receive(np.zeros(count, np.complex64))
    density = np.mean(np.abs(noise) ** 2) / RATE  # of its power over the band it fills
    assert 10 * np.log10(1 / bit_rate / density) == pytest.approx(eb_n0, abs=0.03)  # five standard deviations
    power = np.abs(np.fft.fft(noise.reshape(-1, 100), axis=1)) ** 2
    assert power.mean(axis=0) == pytest.approx(np.full(100, power.mean()), rel=0.1)  # and it is white
    assert abs(np.mean(noise.real * noise.imag)) < 5 * np.mean(np.abs(noise) ** 2) / 2 / count**0.5


def test_a_channel_without_faults_leaves_samples_alone() -> None:
    signal = tone(1234).astype(np.complex64)
    assert np.array_equal(everything(Channel(RATE), signal), signal)


@pytest.mark.parametrize("offset", [-23_000.0, -0.25, 1000.5])
def test_an_offset_is_found_by_the_fourier_transform(offset: float) -> None:
    assert peak(everything(Channel(RATE, offset=offset), tone(0))) == pytest.approx(offset, abs=0.05)


def test_drift_moves_the_carrier_by_so_many_hertz_a_second() -> None:
    got = everything(Channel(RATE, offset=500.0, drift=-2000.0), tone(0, 96_001))
    turned = np.angle(got[1:] * got[:-1].conj()) * RATE / (2 * np.pi)
    assert turned == pytest.approx(500 - 2000 * np.arange(96_000) / RATE, abs=0.1)


@pytest.mark.parametrize("clock_error", [-300.0, 20.0, 3000.0])
@pytest.mark.parametrize("frequency", [3000.0, -18_000.0])
def test_a_fast_clock_raises_every_frequency_and_changes_nothing_else(clock_error: float, frequency: float) -> None:
    channel = Channel(RATE, clock_error=clock_error)
    got = everything(channel, tone(frequency))[100:-100]
    share = 1 + clock_error * 1e-6
    exact = np.exp(2j * np.pi * frequency / RATE * ((np.arange(len(got)) + 100) - channel.delay) * share)
    assert len(got) + 200 == pytest.approx((1 << 16) / share + 2 * channel.delay, abs=2)
    assert np.abs(got - exact).max() < 2e-3


def test_fading_goes_from_the_full_signal_to_its_depth_and_back() -> None:
    got = everything(Channel(RATE, fading=Fading(4.0, 12.0)), tone(0, 48_000))
    strength = 20 * np.log10(np.abs(got))
    assert strength[[0, 12_000, 24_000]] == pytest.approx(np.zeros(3), abs=1e-4)
    assert strength[[6_000, 18_000]] == pytest.approx(np.full(2, -12), abs=1e-4)
    assert strength.min() == pytest.approx(-12, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 40_000), max_size=30),
    st.sampled_from([0.0, 17.0, -2500.0]),
    st.sampled_from([None, (3.0, 20.0)]),
)
def test_how_samples_are_cut_changes_nothing(
    cuts: list[int], clock_error: float, fading: tuple[float, float] | None
) -> None:
    options: dict[str, Any] = {"offset": 700.0, "drift": 50.0, "clock_error": clock_error, "fading": fading}
    signal = tone(1000, 40_000).astype(np.complex64)
    one, other = (Channel(RATE, eb_n0=6.0, bit_rate=4800.0, seed=9, **options) for _ in range(2))
    assert np.array_equal(everything(one, signal), everything(other, signal, cuts))


def test_seeds_give_noise_of_their_own() -> None:
    silence = np.zeros(1000, np.complex64)
    one, again, other = (Channel(RATE, eb_n0=0.0, bit_rate=1.0, seed=seed).receive(silence) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.any(one == other)


def test_what_cannot_be_says_what_can() -> None:
    with pytest.raises(DeclarationError, match="give bit_rate"):
        Channel(RATE, eb_n0=3.0)
    with pytest.raises(DeclarationError, match="give up to 24000"):
        Channel(RATE, offset=25_000.0)
    with pytest.raises(DeclarationError, match="parts per million"):
        Channel(RATE, clock_error=1e6)
