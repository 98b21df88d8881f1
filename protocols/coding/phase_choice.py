"""Which of two readings of a stream is the right one, place by place.

Both readings are made all the time, each with a cost at every place; the one that costs less around a place, before and
after it, is taken there. So what comes first after a gap is read rightly too, and nothing is lost while deciding.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.signedinteger[Any]]
"""Whole numbers, of any width: they add up the same however they are cut."""


class Chosen(NamedTuple):
    """The reading taken, at places in order."""

    values: NDArray[Any]
    """Of the type of the readings, (n,)."""
    costs: Costs
    """What they cost, (n,)."""


class PhaseChooser:
    """Takes the cheaper of two readings around each place. How they are cut never changes what is taken."""

    def __init__(self, dtype: np.dtype[Any], window: int, unsure: int) -> None:
        """Readings of dtype; window places on either side count; where the costs around differ by no more than unsure,
        the reading stays.
        """
        self.phase = 0  # the reading taken last
        self._window, self._unsure = window, unsure
        self._values = [np.empty(0, dtype), np.empty(0, dtype)]
        self._costs: list[Costs] = [np.empty(0, np.int8), np.empty(0, np.int8)]
        self._past = np.zeros(window, np.int64)  # by how much reading 1 cost more

    def receive(self, values: tuple[NDArray[Any], NDArray[Any]], costs: tuple[Costs, Costs]) -> Chosen:
        """What can be taken once each reading has gone on by values and costs, of any lengths."""
        for reading in (0, 1):
            self._values[reading] = np.concatenate((self._values[reading], values[reading]))
            self._costs[reading] = np.concatenate((self._costs[reading], costs[reading]))
        return self._take(min(map(len, self._values)), 0)

    def flush(self) -> Chosen:
        """What is left; where one reading is longer, its end is taken."""
        short, long = sorted((0, 1), key=lambda reading: len(self._values[reading]))
        common = len(self._values[short])
        self._values[short] = np.concatenate((self._values[short], self._values[long][common:]))
        self._costs[short] = np.concatenate((self._costs[short], self._costs[long][common:]))
        return self._take(len(self._values[long]), self._window)

    def _take(self, known: int, beyond: int) -> Chosen:
        """Take all places that have a window of known or of empty ones beyond after them."""
        window, (first, second) = self._window, self._values
        count = max(0, known + beyond - window)
        worse = self._costs[1][:known].astype(np.int64) - self._costs[0][:known]
        around = np.concatenate((self._past, worse, np.zeros(beyond, np.int64)))
        running = np.concatenate((np.zeros(1, np.int64), np.cumsum(around)))
        taken = self._decide(running[2 * window + 1 :][:count] - running[:count])
        values = np.where(taken, second[:count], first[:count])
        costs = np.where(taken, self._costs[1][:count], self._costs[0][:count])
        self._past = around[count : count + window]
        self._values = [each[count:] for each in self._values]
        self._costs = [each[count:] for each in self._costs]
        return Chosen(values, costs)

    def _decide(self, worse: Costs) -> NDArray[np.bool_]:
        """Which places take reading 1: as the last place that was sure."""
        if not len(worse):
            return np.empty(0, np.bool_)
        sure = np.abs(worse) > self._unsure
        last = np.maximum.accumulate(np.where(sure, np.arange(len(worse)), -1))
        taken = np.where(last < 0, self.phase == 1, (worse < 0)[last])
        self.phase = int(taken[-1])
        return taken
