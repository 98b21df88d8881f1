"""PSK signals made in the frequency domain, where their pulses are defined, and what a demodulator makes of them."""

from math import erfc, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.demodulator import Demodulator, SoftBits

LEAD = 1000
"""Samples before the middle of the first symbol."""
ROLLOFF = 0.35


def axis(bits: NDArray[np.uint8], step: int, delay: float = 0.0) -> NDArray[np.float64]:
    """Root-raised-cosine pulses of unit energy, step samples apart, the first at sample LEAD + delay."""
    impulses = np.zeros(step * len(bits) + 2 * LEAD)
    impulses[LEAD : LEAD + step * len(bits) : step] = bits * 2.0 - 1.0
    spectrum = np.fft.rfftfreq(len(impulses))
    edge = np.clip((2 * step * spectrum - (1 - ROLLOFF)) / (2 * ROLLOFF), 0, 1)
    pulse = np.cos(np.pi / 2 * edge) * np.exp(-2j * np.pi * spectrum * delay) * sqrt(step)
    return np.fft.irfft(np.fft.rfft(impulses) * pulse, len(impulses))


def rectangles(bits: NDArray[np.uint8], step: int) -> NDArray[np.float64]:
    """Rectangular pulses of unit energy; the middle of the first is at sample LEAD + (step - 1) / 2."""
    silence = np.zeros(LEAD)
    return np.concatenate((silence, np.repeat(bits * 2.0 - 1.0, step) / sqrt(step), silence))


def quadrature(bits: NDArray[np.uint8], step: int, stagger: float) -> NDArray[np.complex128]:
    """Bits in turn on I and on Q, which is stagger symbols later."""
    return axis(bits[0::2], step) + 1j * axis(bits[1::2], step, stagger * step)


def turned(signal: NDArray[Any], frequency: float, drift: float = 0.0, phase: float = 1.0) -> NDArray[np.complex128]:
    """The signal on a carrier, in cycles a sample, which drifts by so much each sample and is exact in the middle."""
    times = np.arange(len(signal)) - len(signal) / 2
    return signal * np.exp(2j * np.pi * (frequency + drift * times / 2) * times + 1j * phase)


def noisy(signal: NDArray[Any], eb_n0: float, seed: int) -> NDArray[np.complex64]:
    """A signal whose bits have unit energy in white noise."""
    sigma = sqrt(1 / 10 ** (eb_n0 / 10) / 2)
    noise = np.random.default_rng(seed).normal(0, sigma, (len(signal), 2)) @ np.array((1, 1j))
    return (signal + noise).astype(np.complex64)


def everything(made: Demodulator, samples: NDArray[Any], cuts: list[int] | None = None) -> SoftBits:
    pieces = np.split(samples, sorted(cuts or []))
    return SoftBits.join([*(made.receive(piece) for piece in pieces), made.finish()])


def theory(eb_n0: float) -> float:
    """Of coherent BPSK and QPSK."""
    return 0.5 * erfc(sqrt(10 ** (eb_n0 / 10)))


def wrong(bits: SoftBits, sent: NDArray[np.uint8], step: float, first: float = LEAD, margin: int = 600) -> float:
    """Share of wrong bits among those sent, bits step samples apart, but for a margin, in the better polarity."""
    numbers = np.round((bits.places - first) / step).astype(int)
    inside = (numbers >= margin) & (numbers < len(sent) - margin)
    assert np.count_nonzero(inside) > len(sent) - 2 * margin - 5
    share = float(np.mean((bits.values[inside] > 0) != sent[numbers[inside]]))
    return min(share, 1 - share)
