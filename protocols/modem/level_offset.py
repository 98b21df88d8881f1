"""Takes away the constant that a sound card, or a receiver that mixes to zero, puts into all samples.

A PSK signal has none of its own, and its square would turn one into the strongest line of all. The mean over some
hundreds of symbols around each is taken away, in blocks: what of the signal goes with it is a part in a thousand.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16  # symbols
_AROUND = 24
"""Blocks before and after each that count: 784 symbols in all."""


class LevelOffset:
    """Makes the mean of a stream of samples zero."""

    def __init__(self, per_symbol: float, dtype: type[np.generic]) -> None:
        """Per_symbol is the samples of a symbol, dtype their type."""
        self._block = max(1, round(_BLOCK * per_symbol))
        self._held: NDArray[Any] = np.zeros(0, dtype)
        self._means: NDArray[Any] = np.zeros(0, dtype)  # of the blocks before those held whole, and of these
        self._before = 0  # of the means, those of blocks that are gone

    def receive(self, samples: NDArray[Any]) -> NDArray[Any]:
        """The samples, of their type (n,), that lie far enough back, less the mean of those around them."""
        fresh = np.concatenate((self._held, samples))
        known = len(self._means) - self._before
        whole = len(fresh) // self._block
        blocks = fresh[: whole * self._block].reshape(-1, self._block)
        self._means = np.concatenate((self._means, blocks[known:].mean(axis=1)))
        count = max(0, whole - _AROUND)
        self._held = fresh[count * self._block :]
        if not count:
            return fresh[:0]
        sums = np.cumsum(np.concatenate((np.zeros(1), self._means.astype(np.complex128))))
        places = self._before + np.arange(count)
        first, last = np.maximum(0, places - _AROUND), places + _AROUND + 1
        centred: NDArray[Any] = (sums[last] - sums[first]) / (last - first)
        means = (centred if np.iscomplexobj(fresh) else centred.real).astype(fresh.dtype)
        gone = max(0, self._before + count - _AROUND)
        self._means, self._before = self._means[gone:], self._before + count - gone
        return np.asarray((blocks[:count] - means[:, np.newaxis]).reshape(-1))
