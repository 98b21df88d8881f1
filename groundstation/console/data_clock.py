"""What time it is in the data, so that an age means the same on a live link, in a replay at 50x and on a paused one.

Live: receive times are compared with this machine's monotonic clock as they arrive; the smallest delay seen lately is
taken for none, so the station's clock and ours need not agree. Replay: the position of the newest status, moved on at
its speed.
"""

from dataclasses import dataclass, field

from groundstation.console.payloads import ReplayState

BUCKET_NS = 30_000_000_000
"""The smallest delay is that of the last 30 to 60 s: a station whose clock is set back is believed after that."""


@dataclass(slots=True)
class DataClock:
    """Data time now, estimated from what arrives."""

    newest_ns: int = 0
    """The newest receive time seen."""
    _ahead: list[int] = field(default_factory=list)
    """Data time minus monotonic time, the largest of the present and of the previous bucket."""
    _bucket_ns: int = 0
    _replay: ReplayState | None = None
    _anchored_ns: int = 0

    def arrived(self, data_ns: int, at_ns: int) -> None:
        """A message with a receive time came, fresh, at a monotonic time."""
        self.newest_ns = max(self.newest_ns, data_ns)
        ahead = data_ns - at_ns
        if not self._ahead or at_ns - self._bucket_ns > BUCKET_NS:
            self._ahead, self._bucket_ns = [ahead, *self._ahead[:1]], at_ns
        elif ahead > self._ahead[0]:
            self._ahead[0] = ahead

    def retained(self, data_ns: int) -> None:
        """A message kept by the broker came: it may be from long ago."""
        self.newest_ns = max(self.newest_ns, data_ns)

    def replayed(self, replay: ReplayState | None, at_ns: int) -> None:
        """A status came; in a replay it says where the recording stands."""
        self._replay, self._anchored_ns = replay, at_ns
        if replay is not None:
            self.newest_ns = replay.position_ns

    def now_ns(self, at_ns: int, wall_ns: int, *, is_moving: bool) -> int:
        """Data time at a monotonic time; ``wall_ns`` (UTC) serves a live station from which nothing fresh has come
        yet.
        """
        if self._replay is not None:
            return self._replay_ns(self._replay, at_ns, is_moving=is_moving)
        if not is_moving:
            return self.newest_ns
        if self._ahead:
            return max(self._ahead) + at_ns
        return max(wall_ns, self.newest_ns)

    def _replay_ns(self, replay: ReplayState, at_ns: int, *, is_moving: bool) -> int:
        if replay.paused or replay.ended or not is_moving:
            return replay.position_ns
        if replay.speed == float("inf"):
            return max(replay.position_ns, self.newest_ns)
        moved = min((at_ns - self._anchored_ns), 2_000_000_000) * replay.speed
        return max(self.newest_ns, min(replay.position_ns + int(moved), max(replay.last_ns, replay.position_ns)))
