"""What chunks of samples are stamped with: a clock that counts them.

The contract of every source of samples: a chunk holds whole samples, and its ``received_ns`` is the time of its last
one, which is *anchor + samples since * 1e9 / rate*, rounded down, in whole numbers. The anchor is such that the first
chunk's time is that of its arrival. So a frame gets the same time however the stream was cut, and the times within a
stream have the radio's precision and not that of the network and the event loop.

What arrives is compared with what it counts, by the least lateness within a window: a pause, after which everything
comes in a burst, moves nothing, for the burst's last chunk is on time again. A step of this least lateness means that
samples are missing: they are counted, and the clock is anchored again. So it is when the stream and our clock have
drifted apart by more than a bound: 50 parts in a million, a cheap crystal's error, need over an hour for that.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

BOUND_NS: Final = 200_000_000
"""ns by which arrivals may drift from what is counted until the clock is anchored again. Our choice: an operator
does not see it."""
STEP_NS: Final = 40_000_000
"""ns by which the least lateness steps when samples are missing. rtl_tcp drops buffers of 131,072 samples: 55 ms at its
usual 2.4 million a second, more at lower rates. Our choice below that; smaller losses add up to BOUND_NS."""
WINDOW_NS: Final = 1_000_000_000
"""ns of arrivals of which the least late one counts, at least. Our choice: several buffers of any radio."""
WINDOW_CHUNKS: Final = 8
"""Chunks in a window, at least: what a server sends in bursts is on time at the burst's end only."""


class SampleClock:
    """The time of the samples of one stream."""

    def __init__(self, rate: float) -> None:
        """``rate`` is in samples a second, above 0."""
        self._interval = Fraction(1_000_000_000) / Fraction(rate)
        self.anchored = 0
        """How often it was anchored again since the first time."""
        self.gaps = 0
        """How often samples were missing, as far as lateness or the source told."""
        self.lost = 0
        """Samples that were missing; an estimate where only lateness told."""
        self._anchor: int | None = None
        self._count = 0  # samples since the anchor
        self._usual: int | None = None  # the least lateness of the last window, ns
        self._least: int | None = None  # that of the present one
        self._began = 0
        self._chunks = 0
        self._asked = self._overrun = False

    def stamp(self, samples: int, arrived_ns: int, *, behind: bool = False) -> int:
        """The time of the last of ``samples`` more, which were read at ``arrived_ns``; ns by the same clock.

        Behind says that more was there to be read: how late these are then tells of us and not of the stream.
        """
        self._count += samples
        if self._anchor is None or self._asked or self._overrun:
            self._anchor_at(arrived_ns)
        if not behind:
            self._compare(arrived_ns, arrived_ns - self._due)
        return self._due

    def skip(self, samples: int) -> None:
        """So many are missing before the next, as the source knows. What is counted stays right by that."""
        self._count += samples
        self.lost += samples
        self.gaps += 1

    def overrun(self) -> None:
        """Samples are missing before the next, the source knows not how many: the next chunk's lateness tells."""
        self._overrun = True

    def anchor_again(self) -> None:
        """With the next chunk, as after a reconnect."""
        self._asked = True

    @property
    def _due(self) -> int:
        """The time of the last sample by the present anchor."""
        assert self._anchor is not None
        return self._anchor + int(self._count * self._interval)

    def _anchor_at(self, arrived_ns: int) -> None:
        if self._anchor is not None:
            self.anchored += 1
            if self._overrun:
                late_ns = arrived_ns - self._due - (self._usual or 0)
                self.gaps += 1
                self.lost += max(0, int(late_ns / self._interval))
        self._anchor = arrived_ns - int(self._count * self._interval)
        self._usual = self._least = None
        self._asked = self._overrun = False

    def _compare(self, arrived_ns: int, late_ns: int) -> None:
        """Take a lateness into the window; at its end, judge."""
        if self._least is None:
            self._least, self._began, self._chunks = late_ns, arrived_ns, 0
        self._least = min(self._least, late_ns)
        self._chunks += 1
        if self._chunks < WINDOW_CHUNKS or arrived_ns - self._began < WINDOW_NS:
            return
        least, usual, self._least = self._least, self._usual, None
        step = 0 if usual is None else least - usual
        if abs(step) >= STEP_NS:
            self._move(step)
            missing = int(step / self._interval)
            self.gaps += step > 0
            self.lost = max(0, self.lost + missing)  # what was late only, comes after all
            least -= step
        if abs(least) > BOUND_NS:
            self._move(least)
            least = 0
        self._usual = least

    def _move(self, by_ns: int) -> None:
        assert self._anchor is not None
        self._anchor += by_ns
        self.anchored += 1
