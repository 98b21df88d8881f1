"""Rows that were written a little out of order, put in the order of their times.

Flight computers write from several tasks, and what was before boost after the boost. So some rows wait for those that
come behind them in the file but before them in time; the number of those that wait is bounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Rows = NDArray[Any]


class TimeOrder:
    """Sorts rows by their times within a window. Rows of equal time keep their order; times given never go back."""

    def __init__(self, window: int) -> None:
        """So many rows wait at most."""
        self._window = window
        self._times: Times = np.empty(0, np.int64)
        self._rows: Rows | None = None
        self._newest = int(np.iinfo(np.int64).min)

    def put(self, times: Times, rows: Rows) -> tuple[Times, Rows]:
        """Rows, one for each time, that need not wait any more, and their times."""
        if self._rows is not None and len(self._rows):
            times, rows = np.concatenate((self._times, times)), np.concatenate((self._rows, rows))
        if (times[1:] < times[:-1]).any():
            order = np.argsort(times, kind="stable")
            times, rows = times[order], rows[order]
        ready = max(0, len(times) - self._window)
        self._times, self._rows = times[ready:], rows[ready:]
        return self._given(times[:ready]), rows[:ready]

    def finish(self) -> tuple[Times, Rows]:
        """The rows that still waited."""
        rows = self._rows if self._rows is not None else np.empty(0, object)
        times, self._times, self._rows = self._times, np.empty(0, np.int64), None
        return self._given(times), rows

    def _given(self, times: Times) -> Times:
        """Times of rows that are given; one that came too late for the window gets that of the row before."""
        if not len(times):
            return times
        times = np.maximum(times, self._newest)
        self._newest = int(times[-1])
        return times
