"""The FM discriminator: frequency as the turn of phase from sample to sample.

Amplitude plays no part, so it needs no gain control. Below a carrier-to-noise ratio of about 10 dB in its bandwidth
noise turns the phase by whole cycles (clicks): keep the channel filter before it narrow.
"""

import numpy as np
from numpy.typing import NDArray


class Discriminator:
    """Frequency of a stream of complex samples."""

    def __init__(self) -> None:
        self._last = np.zeros(1, np.complex64)

    def receive(self, samples: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Frequency at each sample, in cycles a sample, -0.5 to 0.5, float32 (n,), half a sample earlier."""
        held = np.concatenate((self._last, samples))
        self._last = held[-1:]
        turns = np.angle(held[1:] * held[:-1].conj())
        return np.asarray(turns * np.float32(0.5 / np.pi), np.float32)
