"""Receive times for recordings that know no clock but the vehicle's own.

Stamps jump: a counter wraps, a computer restarts, a bit is flipped, an event is stamped ahead. The times made from
them never go back, so that a replay runs, and a jump counts only once several stamps in a row agree on it.
"""

AGREEING = 3
"""Stamps in a row that make a jump true. Damage hits one; two logged in one go may share an odd stamp."""
DISORDER_NS = 5_000_000_000
"""Stamps may be this much behind the newest without meaning a restart: records of several tasks interleave."""
LONGEST_NS = 1 << 62
"""146 years: no stamp is believed that is further from 0, and times stay within 64 bits."""


def believed(stamp_ns: int, instead_ns: int) -> int:
    """A stamp, if a clock can have it, else what is given instead."""
    return stamp_ns if abs(stamp_ns) <= LONGEST_NS else instead_ns


class VehicleClock:
    """A time in ns that follows a vehicle's stamps and never goes back."""

    def __init__(self, gap_ns: int, wrap_ns: int = 0) -> None:
        """A step forward of up to gap_ns is believed at once; wrap_ns is the range of counters that wrap, 0: none."""
        self.now_ns = 0
        """The time of the newest stamp believed; 0 before the first."""
        self.stamp_ns: int | None = None
        """The newest stamp believed, as it was given."""
        self._gap, self._wrap = gap_ns, wrap_ns
        self._doubtful, self._agreeing = 0, 0

    def at(self, stamp_ns: int) -> int:
        """The time at a stamp: its own if it is believed, else the last that was."""
        if abs(stamp_ns) > LONGEST_NS:
            return self.now_ns
        if self.stamp_ns is None:
            self.now_ns = self.stamp_ns = stamp_ns
            return self.now_ns
        step = self._step(stamp_ns, self.stamp_ns)
        if -DISORDER_NS <= step <= self._gap:
            self._agreeing = 0
            if step > 0:
                self.now_ns = min(self.now_ns + step, LONGEST_NS)
                self.stamp_ns = stamp_ns
        else:
            self._doubt(stamp_ns)
        return self.now_ns

    def _step(self, stamp_ns: int, before: int) -> int:
        """From one stamp to another, over wraps of the counter where only that makes them near."""
        step = stamp_ns - before
        if self._wrap and not -DISORDER_NS <= step <= self._gap:
            wrapped = (step + DISORDER_NS) % self._wrap - DISORDER_NS
            return wrapped if wrapped <= self._gap else step
        return step

    def _doubt(self, stamp_ns: int) -> None:
        """A stamp far from the last: a true gap, or a restart of the vehicle's clock, if others agree."""
        near = -DISORDER_NS <= self._step(stamp_ns, self._doubtful) <= self._gap
        self._agreeing = self._agreeing + 1 if self._agreeing and near else 1
        self._doubtful = stamp_ns
        if self._agreeing == AGREEING:
            assert self.stamp_ns is not None
            jump = max(0, stamp_ns - self.stamp_ns)  # a restarted clock goes on from the time it stopped at
            self.now_ns = min(self.now_ns + jump, LONGEST_NS)
            self.stamp_ns, self._agreeing = stamp_ns, 0
