"""Samples kept until somebody knows at which instants they are wanted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class DelayLine:
    """The newest part of a stream of samples."""

    def __init__(self) -> None:
        self._held: NDArray[Any] = np.zeros(0, np.float32)
        self._begin = 0  # number of the first held sample

    def receive(self, samples: NDArray[Any]) -> None:
        """Keep samples (n,), all of one type."""
        self._held = np.concatenate((self._held, samples)) if len(self._held) else samples

    def at(self, places: NDArray[np.float64]) -> NDArray[Any]:
        """The samples at places, in samples from the first, of any shape; between two on the line through both.

        Beyond what is kept it is the first or last sample.
        """
        away = places - self._begin
        whole = np.floor(away).astype(np.int64)
        share = (away - whole).astype(np.float32)
        here, after = self._held.take(whole, mode="clip"), self._held.take(whole + 1, mode="clip")
        return np.asarray(here + share * (after - here))

    def forget(self, place: float) -> None:
        """Let go of what is before place."""
        gone = min(max(0, int(place) - 1 - self._begin), len(self._held))
        self._held = self._held[gone:]
        self._begin += gone
