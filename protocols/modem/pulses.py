"""Impulse responses as functions of time, from which the filters are sampled at whatever instants they need."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pulse = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""The response at times in symbols (or samples, as its maker says), of any shape; even, and zero beyond its reach."""


def boxcar(width: float) -> Pulse:
    """A rectangle of so many symbols with edges a quarter symbol long: the matched filter of NRZ, less its ripples."""
    edge = 0.25
    return lambda t: np.clip((width / 2 + edge / 2 - np.abs(t)) / edge, 0, 1)


def lowpass(cutoff: float, reach: float) -> Pulse:
    """A low-pass filter, half as strong at cutoff, in cycles a unit of t; windowed (Hann) to reach either way."""
    return lambda t: np.sinc(2 * cutoff * t) * np.where(np.abs(t) < reach, np.cos(np.pi * t / (2 * reach)) ** 2, 0)


def root_raised_cosine(rolloff: float, reach: float) -> Pulse:
    """The square root raised cosine of unit symbol length, cut to reach symbols either way."""

    def response(t: NDArray[np.float64]) -> NDArray[np.float64]:
        # Both removable singularities, at 0 and 1 / (4 rolloff), are stepped around.
        t = np.where(np.abs(t) < 1e-6, 1e-6, t)
        t = np.where(np.abs(np.abs(4 * rolloff * t) - 1) < 1e-6, t + 1e-5, t)
        above = np.sin(np.pi * t * (1 - rolloff)) + 4 * rolloff * t * np.cos(np.pi * t * (1 + rolloff))
        return np.where(np.abs(t) <= reach, above / (np.pi * t * (1 - (4 * rolloff * t) ** 2)), 0)

    return response
