"""What is kept of a flight while it is read: figures of each measurement by phase, and its course in coarse steps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.batch import Batch

Times = NDArray[np.int64]
Values = NDArray[np.float64]

BINS = 1_200
"""Steps of a course: more than a plot of a page has pixels for pairs of lowest and highest."""
ELEMENTS = 16
"""Arrays up to this long have figures for each element; longer ones (samples, spectra) have none."""


@dataclass(slots=True)
class Figures:
    """A measurement during one phase."""

    count: int = 0
    low: float = math.inf
    low_ns: int = 0
    high: float = -math.inf
    high_ns: int = 0
    total: float = 0.0

    @property
    def mean(self) -> float:
        """The mean of its samples; NaN without any."""
        return self.total / self.count if self.count else math.nan

    def add(self, times: Times, values: Values) -> None:
        """Take samples, all of them numbers; both (n,), n > 0."""
        least, most = int(np.argmin(values)), int(np.argmax(values))
        if values[least] < self.low:
            self.low, self.low_ns = float(values[least]), int(times[least])
        if values[most] > self.high:
            self.high, self.high_ns = float(values[most]), int(times[most])
        self.count += len(values)
        self.total += float(values.sum())

    def joined(self, other: Figures) -> Figures:
        """Those of two stretches together."""
        low, high = min((self, other), key=lambda each: each.low), max((self, other), key=lambda each: each.high)
        total = self.total + other.total
        return Figures(self.count + other.count, low.low, low.low_ns, high.high, high.high_ns, total)


@dataclass(slots=True)
class Course:
    """A measurement over the whole flight: its lowest and highest value in each of BINS steps, NaN where none came."""

    begin_ns: int
    step_ns: int
    low: Values = field(default_factory=lambda: np.full(BINS, np.inf))
    high: Values = field(default_factory=lambda: np.full(BINS, -np.inf))

    def add(self, times: Times, values: Values) -> None:
        """Take samples, all of them numbers; times need not rise."""
        bins = np.clip((times - self.begin_ns) // self.step_ns, 0, BINS - 1)
        edges = np.flatnonzero(np.diff(bins, prepend=-1))
        at = bins[edges]
        np.minimum.at(self.low, at, np.minimum.reduceat(values, edges))
        np.maximum.at(self.high, at, np.maximum.reduceat(values, edges))

    def points(self) -> tuple[Times, Values, Values]:
        """Middle of each step in which something came, and the lowest and highest there."""
        some = np.flatnonzero(np.isfinite(self.low))
        return self.begin_ns + some * self.step_ns + self.step_ns // 2, self.low[some], self.high[some]


def samples(batch: Batch, paths: Iterable[str] | None = None) -> dict[str, tuple[Times, Values]]:
    """The numbers in a batch, all or those of paths, with ``[i]`` for the elements of short arrays.

    By path: times and values of valid packets, finite ones only.
    """
    found = {}
    for path in batch.columns if paths is None else paths:
        column = batch.columns[path]
        if column.dtype.kind not in "biuf":
            continue
        flat: Any = column.reshape(len(column), -1)
        if column.ndim > 1 and not 1 <= flat.shape[1] <= ELEMENTS:
            continue
        with np.errstate(invalid="ignore"):
            flat = flat.astype(np.float64)
        for index in range(flat.shape[1]):
            name = path if column.ndim == 1 else f"{path}[{index}]"
            values = flat[:, index]
            good = batch.valid & np.isfinite(values)
            if good.all():
                found[name] = batch.received_ns, values
            elif good.any():
                found[name] = batch.received_ns[good], values[good]
    return found
