"""Paces a recording: which chunks are due at a given moment. Clock mathematics only; the caller has clock and patience.

Deadlines are absolute, counted from where playing began, so that nothing drifts, and a caller that comes late is handed
everything that is due. Chunks keep the order of the file: one whose time lies before the one ahead of it is due with
that one.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from protocols.chunk import Chunk
from replay.recording import Placed

MAX_CHUNKS = 4096
MAX_BYTES = 256 * 1024
"""The most one call of ``due`` hands over: some milliseconds of work either way, which stays in a core's cache."""
_TAKEN = 64
"""Chunks fetched at a time, at most, at the maximum speed."""
CLOCK_STEP_NS = 1_000_000_000
"""A step back by more than this is the recording's clock being set, not chunks of several links passing each other:
playing goes on from the new time instead of handing over at once all that comes until the old time is reached again."""


class Player:
    """Chunks of a recording being played, one after the other. Paused until ``play`` is called.

    ``now`` is always the caller's monotonic clock in seconds. Times ending ``_ns`` are the recording's.
    """

    def __init__(self, chunks: Iterable[Placed], begin_ns: int, speed: float = 1.0, end_ns: int | None = None) -> None:
        """Of chunks in their order, each with the place after it; time begins at begin_ns.

        speed is how many seconds of the recording pass in one: above 0, infinity for as fast as the caller can. It ends
        before the first chunk received after end_ns. Raises ValueError for another speed.
        """
        self._end_ns = end_ns
        self._speed = _checked(speed)
        self._paused = True
        self._chunks: Iterator[Placed] = iter(())
        self._fetched: deque[Placed] = deque()  # after the one ahead, in their order
        self._ahead: Placed | None = None
        self._now = 0.0
        self.go_on(chunks, begin_ns, 0, 0.0)

    @property
    def speed(self) -> float:
        """Seconds of the recording in one second; infinity for as fast as the caller can."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether time stands still."""
        return self._paused

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to hand over."""
        return self._next is None

    @property
    def place(self) -> int:
        """The place after the last chunk that was handed over."""
        return self._place

    @property
    def position_ns(self) -> int:
        """The recording's time at the last call that told what time it is: never after a chunk not yet handed over."""
        ahead = self._next
        if ahead is None or self._paused or math.isinf(self._speed):
            return self._at_ns
        return min(max(self._time_at(self._now), self._at_ns), max(ahead.received_ns, self._at_ns))

    def go_on(self, chunks: Iterable[Placed], position_ns: int, place: int, now: float) -> None:
        """Go on from somewhere else: with the chunks from a place on, at a time. Paused stays paused."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
        self._chunks, self._place, self._now = iter(chunks), place, now
        self._fetched.clear()
        self._at_ns = self._latest_ns = position_ns
        self._anchor(now, position_ns)
        self._fetch()

    def due(self, now: float) -> list[Chunk]:
        """Everything due at now, in order: at most MAX_CHUNKS and, but for the last one, MAX_BYTES.

        ``next_deadline`` tells whether there is more: it is then not after now.
        """
        self._now = now
        if self._paused:
            return []
        return self._any() if math.isinf(self._speed) else self._due_by(now)

    def next_deadline(self) -> float | None:
        """When the next chunk is due, on the caller's clock; None when paused or at the end."""
        chunk = self._next
        return None if self._paused or chunk is None else self._deadline(chunk)

    def play(self, now: float) -> None:
        """Let time pass from now on."""
        if self._paused:
            self._paused, self._now = False, now
            self._anchor(now, self._at_ns)

    def pause(self) -> None:
        """Stop time where the last call of ``due`` left it."""
        position = self.position_ns
        self._paused = True
        self._at_ns = position

    def step(self) -> Chunk | None:
        """The next chunk, whatever its time, with playing paused; None at the end."""
        self.pause()
        chunk = self._next
        if chunk is not None:
            self._advance(chunk)
        return chunk

    def set_end(self, end_ns: int | None, now: float) -> None:
        """End before the first chunk received after end_ns from now on; None: with the last one."""
        if self.ended:
            self._anchor(now, self._at_ns)  # the time it has stood at its end does not count
        self._end_ns, self._now = end_ns, now

    def set_speed(self, speed: float, now: float) -> None:
        """Change speed from now on. Raises ValueError for one not above 0."""
        speed = _checked(speed)
        if not self._paused:
            held_ns = self._at_ns if math.isinf(self._speed) else max(self._time_at(now), self._at_ns)
            self._anchor(now, held_ns)
        self._speed, self._now = speed, now

    def _due_by(self, now: float) -> list[Chunk]:
        """The chunks whose deadline has come."""
        found: list[Chunk] = []
        size = 0
        while (chunk := self._next) is not None and self._deadline(chunk) <= now:
            found.append(chunk)
            size += len(chunk.data)
            self._advance(chunk)
            if size >= MAX_BYTES or len(found) >= MAX_CHUNKS:
                break
        return found

    def _any(self) -> list[Chunk]:
        """The next chunks, whatever their times: the maximum speed has no deadlines."""
        found: list[Placed] = []
        size, end_ns, all_fit = 0, math.inf if self._end_ns is None else self._end_ns, True
        while (ahead := self._ahead) is not None and size < MAX_BYTES and len(found) < MAX_CHUNKS:
            if ahead[0].received_ns > end_ns:
                break
            found.append(ahead)
            size += len(ahead[0].data)
            if all_fit:
                more = self._several(len(ahead[0].data))
                taken = sum(len(chunk.data) for chunk, _ in more)
                all_fit = size + taken <= MAX_BYTES and len(found) + len(more) <= MAX_CHUNKS
                all_fit = all_fit and (self._end_ns is None or all(chunk.received_ns <= end_ns for chunk, _ in more))
                if all_fit:
                    found += more
                    size += taken
                    self._fetched.clear()
            self._ahead = self._following()
        if found:
            self._at_ns = self._latest_ns = found[-1][0].received_ns
            self._place = found[-1][1]
        return [chunk for chunk, _ in found]

    def _several(self, size: int) -> list[Placed]:
        """Some chunks after the one ahead, which has a size: few of large ones, that memory does not hold many."""
        if not self._fetched:
            self._fetched.extend(islice(self._chunks, min(_TAKEN, MAX_BYTES // (4 * max(size, 1)))))
        return list(self._fetched)

    def _following(self) -> Placed | None:
        """The chunk after the one ahead; None after the last."""
        return self._fetched.popleft() if self._fetched else next(self._chunks, None)

    @property
    def _next(self) -> Chunk | None:
        """The next chunk to be played; None at the end."""
        if self._ahead is None or (self._end_ns is not None and self._ahead[0].received_ns > self._end_ns):
            return None
        return self._ahead[0]

    def _fetch(self) -> None:
        """Have the next chunk ahead."""
        self._ahead = self._following()
        if self._ahead is not None and (came := self._ahead[0].received_ns) < self._latest_ns - CLOCK_STEP_NS:
            self._anchor_ns -= self._latest_ns - came
            self._latest_ns = came

    def _advance(self, chunk: Chunk) -> None:
        """Take note that chunk, which is ahead, is handed over."""
        assert self._ahead is not None
        self._place = self._ahead[1]
        self._at_ns = self._latest_ns = max(self._latest_ns, chunk.received_ns)
        self._fetch()
        self._at_ns = min(self._at_ns, self._latest_ns)

    def _anchor(self, now: float, position_ns: int) -> None:
        """Have the recording's position_ns be now."""
        self._anchor_now, self._anchor_ns = now, position_ns

    def _time_at(self, now: float) -> int:
        """The recording's time at a moment of the caller's clock, at a finite speed."""
        return self._anchor_ns + round((now - self._anchor_now) * self._speed * 1e9)

    def _deadline(self, chunk: Chunk) -> float:
        """When a chunk is due, on the caller's clock."""
        if math.isinf(self._speed):
            return self._anchor_now
        ahead_ns = max(chunk.received_ns, self._latest_ns) - self._anchor_ns
        return self._anchor_now + ahead_ns / 1e9 / self._speed


def _checked(speed: float) -> float:
    """A speed that can be played. Raises ValueError."""
    if not speed > 0:
        raise ValueError(f"a speed must be above 0, or infinity for the maximum; found {speed}")
    return float(speed)
