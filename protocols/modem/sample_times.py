"""When a sample was taken, by the times of the chunks it came in."""

from collections import deque

_KEPT = 64
"""Breaks in the clock that are remembered: a frame is told of long before so many have come."""
_TOLERANCE_S = 2e-9
"""By how much rounding to whole ns may move a chunk's time."""


class SampleTimes:
    """A clock that counts samples, set anew wherever a chunk's time does not follow from the count."""

    def __init__(self, rate: float) -> None:
        """Rate is in samples/s."""
        self._rate = rate
        self._count = 0
        self._anchors: deque[tuple[int, int]] = deque(maxlen=_KEPT)  # number of a sample, and when it was taken

    def receive(self, samples: int, received_ns: int) -> None:
        """So many more samples have come, the last of them taken at received_ns."""
        if not samples:
            return
        last = self._count + samples - 1
        if not self._anchors or abs(self.at(last) - received_ns) > _TOLERANCE_S * 1e9:
            first = received_ns - self._elapsed(samples - 1)
            self._anchors.append((self._count, first))
        self._count += samples

    def at(self, sample: float) -> int:
        """When a sample was taken, in ns; 0 before any was received."""
        if not self._anchors:
            return 0
        number, at = next((each for each in reversed(self._anchors) if each[0] <= sample), self._anchors[0])
        return at + self._elapsed(sample - number)

    def _elapsed(self, samples: float) -> int:
        """Nanoseconds of so many samples, to the nearest."""
        whole = int(samples // 1)
        return round(whole * 1_000_000_000 / self._rate + (samples - whole) * 1e9 / self._rate)
