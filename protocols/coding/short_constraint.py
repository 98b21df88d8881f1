"""Convolutional codes of rate 1/2 and short constraint length, one block at a time: those of radio transceiver chips.

For constraint length 7, and streams, see :mod:`protocols.coding.convolutional`. The state holds the last bits, the
newest lowest; a path may begin and end in any state.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class ShortCode:
    """Two generators, the newest bit in their highest place."""

    length: int
    """Constraint length."""
    first: int
    """Generator of the first symbol of a pair."""
    second: int
    """Generator of the second symbol."""
    inverted: tuple[bool, bool] = (False, False)
    """Whether each symbol is sent complemented."""

    @property
    def states(self) -> int:
        """States of the encoder."""
        return 1 << self.length - 1

    def encode(self, bits: ArrayLike, register: int = 0) -> NDArray[np.uint8]:
        """The symbols, uint8 (2 n,), of bits uint8 (n,), from what the register holds."""
        before = [register >> place & 1 for place in range(self.length - 2, -1, -1)]
        stream = np.concatenate((np.array(before, np.uint8), np.asarray(bits, np.uint8) & 1))
        windows = np.lib.stride_tricks.sliding_window_view(stream, self.length)
        taps = np.array([self._taps(self.first), self._taps(self.second)], np.uint8)
        return np.asarray((windows @ taps.T & 1) ^ np.array(self.inverted, np.uint8), np.uint8).reshape(-1)

    def decode(self, soft: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The bits, uint8 (n // 2,), most likely sent as soft bits, float32 (n,), positive for 1 and finite."""
        pairs = soft[: len(soft) // 2 * 2].reshape(-1, 2).astype(np.float64)
        states, oldest = np.arange(self.states), self.states >> 1
        sources = np.stack((states >> 1, states >> 1 | oldest))
        signs = np.stack([self._signs(source, states & 1) for source in sources])
        branches = pairs @ signs.reshape(-1, 2).T
        metrics, decisions = np.zeros(self.states), np.empty((len(pairs), self.states), np.intp)
        for step, branch in enumerate(branches.reshape(-1, 2, self.states)):
            candidates = metrics[sources] + branch
            better = candidates[1] > candidates[0]
            metrics = np.where(better, candidates[1], candidates[0])
            decisions[step] = sources[better.astype(np.intp), states]
        return self._walked_back(int(np.argmax(metrics)) if len(pairs) else 0, decisions)

    def _walked_back(self, state: int, decisions: NDArray[np.intp]) -> NDArray[np.uint8]:
        bits = np.empty(len(decisions), np.uint8)
        for step in range(len(decisions) - 1, -1, -1):
            bits[step] = state & 1
            state = int(decisions[step, state])
        return bits

    def _taps(self, generator: int) -> list[int]:
        """Of a window, oldest bit first."""
        return [generator >> place & 1 for place in range(self.length)]

    def _signs(self, source: NDArray[np.intp], newest: NDArray[np.intp]) -> NDArray[np.float64]:
        """Signs of both symbols on the branches out of states on a bit, float64 (n, 2)."""
        register = source << 1 | newest
        taps = [int("".join(map(str, self._taps(each))), 2) for each in (self.first, self.second)]
        ones = [np.bitwise_count(register & tap) & 1 for tap in taps]
        return np.stack(
            [np.where(one ^ inverted, 1.0, -1.0) for one, inverted in zip(ones, self.inverted, strict=True)], axis=1
        )
