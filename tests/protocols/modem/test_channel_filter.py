"""The block-Toeplitz filter against the sums it stands for."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.modem.channel_filter import ChannelFilter, block_ratio
from protocols.modem.discriminator import Discriminator
from protocols.modem.pulses import lowpass, root_raised_cosine
from protocols.modem.running_mean import RunningMean


@pytest.mark.parametrize("of_complex", [False, True])
@pytest.mark.parametrize("shift", [0.0, 0.11])
@pytest.mark.parametrize("step", [Fraction(1), Fraction(5, 8), Fraction(7), Fraction(290, 59), Fraction(41)])
def test_it_is_the_sum_it_stands_for(step: Fraction, shift: float, of_complex: bool) -> None:
    random = np.random.default_rng(1)
    samples = random.normal(size=1000) + (1j * random.normal(size=1000) if of_complex else 0)
    made = ChannelFilter(lowpass(0.05, 30.0), 30.0, step, shift=shift, of_complex=of_complex)
    outputs = np.concatenate(
        [made.receive(p) for p in np.split(samples.astype(np.complex64 if of_complex else np.float32), [10, 499])]
    )
    assert len(outputs) >= (1000 - 60 - 700) / float(step)
    here = np.arange(len(outputs)) * float(step)
    away = np.arange(-100, 1100) - here[:, None]
    padded = np.concatenate((np.zeros(100), samples, np.zeros(100)))
    taps = np.where(np.abs(away) <= 30, np.sinc(0.1 * away) * np.cos(np.pi * away / 60) ** 2, 0)
    taps /= taps.sum(axis=1, keepdims=True)
    expected = (taps * padded * np.exp(-2j * np.pi * shift * np.arange(-100, 1100))).sum(axis=1)
    assert np.allclose(outputs, expected if shift or of_complex else expected.real, atol=3e-2 / float(step) ** 0.5)


@given(rate=st.floats(2.0, 300.0))
@settings(deadline=None)
def test_a_block_ratio_is_near(rate: float) -> None:
    ratio = block_ratio(rate)
    assert abs(float(ratio) / rate - 1) < 2e-3
    assert ratio.denominator <= 128


def test_a_discriminator_gives_a_tones_frequency() -> None:
    tone = np.exp(2j * np.pi * 0.123 * np.arange(100)).astype(np.complex64)
    assert np.allclose(Discriminator().receive(tone)[1:], 0.123, atol=1e-5)


def test_root_raised_cosine_pulses_a_symbol_apart_are_orthogonal() -> None:
    times = np.arange(-160, 161) / 8
    pulse = root_raised_cosine(0.35, 20.0)
    products = [np.sum(pulse(times) * pulse(times - apart)) for apart in range(5)]
    assert np.allclose(np.array(products) / products[0], (1, 0, 0, 0, 0), atol=2e-3)


@given(width=st.integers(1, 20), values=st.lists(st.floats(-10, 10), max_size=60), cut=st.integers(0, 60))
@settings(deadline=None)
def test_a_running_mean_is_centred(width: int, values: list[float], cut: int) -> None:
    mean = RunningMean(width)
    got = np.concatenate((mean.receive(np.array(values[:cut])), mean.receive(np.array(values[cut:]))))
    half = width // 2
    padded = np.concatenate((np.zeros(half), values))
    expected = [padded[at : at + 2 * half + 1].mean() for at in range(max(0, len(values) - mean.delay))]
    assert np.allclose(got, expected)
