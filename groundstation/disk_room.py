"""How long a disk will do for what is written to it, and when that is to be said."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
"""The rate is that of the last minute: bursts even out, and a link that begins to send is noticed in time."""
LEAST_S = 5.0
"""No rate is told before it was watched so long."""
LEVELS_MIN = (30.0, 10.0, 3.0)
"""Warnings are due when fewer minutes are left: time to find a disk, to make room, to say so aloud."""
BETTER = 2.0
"""What was said at a level is said again only after so many times its minutes were left in between..."""
AGAIN_S = 300.0
"""...and not sooner than this, so that a link that comes and goes does not fill the events."""


class DiskRoom:
    """Looks at free space and bytes written as time goes by. Times are a monotonic clock's, in s."""

    def __init__(self) -> None:
        self.free_bytes = 0
        self.minutes_left: float | None = None
        """Until the disk is full at the rate of the last minute, whoever fills it; None where it does not."""
        self._looks: deque[tuple[float, int, int]] = deque()
        self._said: float | None = None
        self._said_at: dict[float, float] = {}

    def look(self, now: float, free_bytes: int, written: int) -> None:
        """Take note of how many bytes are free, and of how many were written since the beginning."""
        self.free_bytes = free_bytes
        self._looks.append((now, free_bytes, written))
        while self._looks[0][0] < now - WINDOW_S and self._looks[1][0] <= now - WINDOW_S:
            self._looks.popleft()
        then, free_then, written_then = self._looks[0]
        rate = max(written - written_then, free_then - free_bytes) / (now - then) if now - then >= LEAST_S else 0.0
        self.minutes_left = free_bytes / rate / 60 if rate > 0 else None

    def due(self) -> bool:
        """Whether the minutes left are to be said now: once for each level, again when it was better in between."""
        left, now = self.minutes_left, self._looks[-1][0] if self._looks else 0.0
        if left is None:
            return False
        if self._said is not None and left > BETTER * self._said:
            self._said = next(
                (level for level in LEVELS_MIN[::-1] if level > self._said and left <= BETTER * level), None
            )
        level = next((each for each in LEVELS_MIN[::-1] if left <= each), None)
        if level is None or (self._said is not None and level >= self._said):
            return False
        if now - self._said_at.get(level, -AGAIN_S) < AGAIN_S:
            return False
        self._said = level
        self._said_at[level] = now
        return True
