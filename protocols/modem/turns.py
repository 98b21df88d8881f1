"""Phases in cycles as complex numbers, in single precision: what samples are turned by costs less than they do."""

import numpy as np
from numpy.typing import NDArray


def turns(cycles: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Complex numbers of amplitude 1 at phases in cycles, of any shape and any size."""
    angles = ((cycles - np.round(cycles)) * (2 * np.pi)).astype(np.float32)
    made = np.empty(angles.shape, np.complex64)
    made.real, made.imag = np.cos(angles), np.sin(angles)  # into a part of it directly they are several times slower
    return made
