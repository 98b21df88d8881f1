"""Ticks of a 16-bit counter made into ones that go on, many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DOUBTED = 3000
"""Ticks (30 s) that a single stamp is away from those around it that make it a wrong one."""


class TickClock:
    """Follows a 16-bit counter over its wraps: each stamp is the nearest to the one before, as altosui takes them."""

    def __init__(self) -> None:
        self._before: int | None = None

    def at(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ticks since the counter was 0 for the first time, int64 (n,); they may go back, as the stamps do.

        A stamp that jumps away from the one before, and the next one back, was damaged: it takes that before.
        """
        if not len(ticks):
            return ticks
        if self._before is None:
            self._before = int(ticks[0])
        wide = self._unwrapped(ticks, self._before)
        before = np.concatenate(((self._before,), wide[:-1]))
        after = np.concatenate((wide[1:], wide[-1:]))
        wrong = (np.abs(wide - before) > _DOUBTED) & (np.abs(after - before) <= _DOUBTED)
        wide = np.where(wrong, before, wide)
        self._before = int(wide[-1])
        return wide

    @staticmethod
    def _unwrapped(ticks: NDArray[np.int64], before: int) -> NDArray[np.int64]:
        steps = np.diff(ticks, prepend=before).astype(np.int16).astype(np.int64)
        return before + np.cumsum(steps)
