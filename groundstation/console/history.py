"""What the measurements of one packet type were: the newest samples as received, older ones as their extremes a second.

Memory is bounded: the newest ``FINE`` to twice ``FINE`` samples stay as they came; what falls out is kept for
``COARSE`` further seconds of data as the lowest and highest value of each second, which is all a plot of a whole
flight can show. Everything is written by the block, never by the value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

FINE = 1_200
"""Samples kept as received: two minutes at 10 Hz."""
COARSE = 2_400
"""Seconds kept as extremes: forty minutes."""
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Curve:
    """One measurement over time, oldest first."""

    times_ns: Times
    """When, in ns of data time, int64 (n,)."""
    values: Floats
    """What, in the unit, float64 (n,); NaN where there was no number."""

    @property
    def low(self) -> float:
        """The lowest value; NaN where there is none."""
        return float(np.fmin.reduce(self.values)) if len(self.values) else float("nan")

    @property
    def high(self) -> float:
        """The highest value; NaN where there is none."""
        return float(np.fmax.reduce(self.values)) if len(self.values) else float("nan")


class History:
    """The samples of the measurements of one packet type, in fixed rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._times = np.empty(2 * FINE, np.int64)
        self._values = np.empty((rows, 2 * FINE), np.float64)
        self._used = 0
        self._old_times = np.empty(0, np.int64)
        self._old_low = np.empty((rows, 0), np.float32)
        self._old_high = np.empty((rows, 0), np.float32)

    def append(self, times_ns: Times, block: Floats) -> None:
        """Take n samples, ``times_ns`` int64 (n,) and ``block`` float64 (rows, n).

        A time before the newest one (a replay that was moved back) forgets everything after it first.
        """
        if not len(times_ns):
            return
        if self._used and times_ns[0] < self._times[self._used - 1]:
            self.forget_after(int(times_ns[0]))
        for start in range(0, len(times_ns), FINE):
            self._append(times_ns[start : start + FINE], block[:, start : start + FINE])

    def _append(self, times_ns: Times, block: Floats) -> None:
        count = len(times_ns)
        if self._used + count > 2 * FINE:
            self._compact(self._used + count - FINE)
        end = self._used + count
        self._times[self._used : end] = times_ns
        self._values[:, self._used : end] = block
        self._used = end

    def _compact(self, count: int) -> None:
        """Move the oldest ``count`` samples, as extremes a second, to the coarse part."""
        count = min(count, self._used)
        seconds = self._times[:count] // SECOND
        starts = np.flatnonzero(np.diff(seconds, prepend=seconds[0] - 1))
        low = np.fmin.reduceat(self._values[:, :count], starts, axis=1).astype(np.float32)
        high = np.fmax.reduceat(self._values[:, :count], starts, axis=1).astype(np.float32)
        self._old_times = np.concatenate((self._old_times, self._times[starts]))[-COARSE:]
        self._old_low = np.concatenate((self._old_low, low), axis=1)[:, -COARSE:]
        self._old_high = np.concatenate((self._old_high, high), axis=1)[:, -COARSE:]
        rest = self._used - count
        self._times[:rest] = self._times[count : self._used].copy()
        self._values[:, :rest] = self._values[:, count : self._used].copy()
        self._used = rest

    def forget_after(self, time_ns: int) -> None:
        """Drop every sample at or after a time."""
        self._used = int(np.searchsorted(self._times[: self._used], time_ns))
        keep = int(np.searchsorted(self._old_times, time_ns))
        self._old_times = self._old_times[:keep]
        self._old_low, self._old_high = self._old_low[:, :keep], self._old_high[:, :keep]

    @property
    def times_ns(self) -> Times:
        """The times of the samples kept as received, int64 (n,)."""
        return self._times[: self._used]

    def values(self, row: int) -> Floats:
        """A row's samples kept as received, float64 (n,), at ``times_ns``."""
        return self._values[row, : self._used]

    def curve(self, row: int, since_ns: int) -> Curve:
        """A row from a time on: each old second as its lowest then its highest value, then the samples as received."""
        first = int(np.searchsorted(self.times_ns, since_ns))
        times, values = self.times_ns[first:], self.values(row)[first:]
        old = int(np.searchsorted(self._old_times, since_ns))
        if first > 0 or old >= len(self._old_times):
            return Curve(times, values)
        seconds = np.repeat(self._old_times[old:], 2)
        extremes = np.column_stack((self._old_low[row, old:], self._old_high[row, old:])).ravel()
        return Curve(np.concatenate((seconds, times)), np.concatenate((extremes.astype(np.float64), values)))

    def extremes(self) -> tuple[Floats, Floats]:
        """The lowest and highest value of every row still kept, float64 (rows,) each; NaN where there is none."""
        low = np.fmin.reduce(self._values[:, : self._used], axis=1, initial=np.inf)
        high = np.fmax.reduce(self._values[:, : self._used], axis=1, initial=-np.inf)
        low = np.fmin(low, np.fmin.reduce(self._old_low, axis=1, initial=np.inf))
        high = np.fmax(high, np.fmax.reduce(self._old_high, axis=1, initial=-np.inf))
        nothing = low > high
        return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)
