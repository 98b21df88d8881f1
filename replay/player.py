"""Paces a recording: which chunks are due at a given moment. Clock mathematics only; the caller has clock and patience.

Deadlines are absolute, counted from where playing began, so that nothing drifts, and a caller that comes late is handed
everything that is due. Chunks keep the order of the file: one whose time lies before the one ahead of it is due with
that one.
"""

import math
from collections.abc import Iterator
from typing import Protocol

from protocols.chunk import Chunk

MAX_CHUNKS = 4096
MAX_BYTES = 1024 * 1024
"""The most one call of ``due`` hands over; at 64-byte chunks or at large ones some milliseconds of work either way."""
CLOCK_STEP_NS = 1_000_000_000
"""A step back by more than this is the recording's clock being set, not chunks of several links passing each other:
playing goes on from the new time instead of handing over at once all that comes until the old time is reached again."""


class Playable(Protocol):
    """What a player needs of a recording (``replay.recording.Recording``)."""

    @property
    def span(self) -> tuple[int, int]:
        """``received_ns`` of the first and the last chunk."""

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The chunks in order, from the first at or after start_ns."""


class Player:
    """A recording being played between two times of it. Paused until ``play`` is called.

    ``now`` is always the caller's monotonic clock in seconds. Times ending ``_ns`` are the recording's.
    """

    def __init__(
        self,
        recording: Playable,
        speed: float = 1.0,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        loop: bool = False,
    ) -> None:
        """Of what was received from start_ns to end_ns, both included; the whole recording without them.

        speed is how many seconds of the recording pass in one: above 0, infinity for as fast as the caller can.
        Raises ValueError for another speed.
        """
        self.loop = loop
        """Whether it begins again when the end is reached."""
        self._recording = recording
        self._speed = _checked(speed)
        first_ns, _ = recording.span
        self._start_ns = first_ns if start_ns is None else max(start_ns, first_ns)
        self._end_ns = end_ns
        self._paused = True
        self._chunks: Iterator[Chunk] = iter(())
        self._now = 0.0
        self._load(None if start_ns is None else self._start_ns, self._start_ns)

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
        """Whether there is nothing more to hand over. A seek back, or loop and a new ``play``, go on."""
        return self._next is None

    @property
    def position_ns(self) -> int:
        """The recording's time at the last call that told what time it is: never after a chunk not yet handed over."""
        if self._next is None or self._paused or math.isinf(self._speed):
            return self._at_ns
        return min(max(self._time_at(self._now), self._at_ns), max(self._next.received_ns, self._at_ns))

    def due(self, now: float) -> list[Chunk]:
        """Everything due at now, in order: at most MAX_CHUNKS and, but for the last one, MAX_BYTES.

        ``next_deadline`` tells whether there is more: it is then not after now.
        """
        self._now = now
        if self._paused:
            return []
        found = self._any() if math.isinf(self._speed) else self._due_by(now)
        if self.loop and self._next is None and found:
            self._load(self._start_ns, self._start_ns)
            self._anchor(now, self._start_ns)
        return found

    def next_deadline(self) -> float | None:
        """When the next chunk is due, on the caller's clock; None when paused or at the end."""
        return None if self._paused or self._next is None else self._deadline(self._next)

    def play(self, now: float) -> None:
        """Let time pass from now on; from the start again when the end was reached and loop is set."""
        again = self._next is None and self.loop
        if again:
            self._load(self._start_ns, self._start_ns)
        if self._paused or again:
            self._paused = False
            self._now = now
            self._anchor(now, self._at_ns)

    def pause(self) -> None:
        """Stop time where the last call of ``due`` left it."""
        position = self.position_ns
        self._paused = True
        self._at_ns = position

    def step(self) -> Chunk | None:
        """The next chunk, whatever its time, with playing paused; None at the end."""
        self.pause()
        if self._next is None and self.loop:
            self._load(self._start_ns, self._start_ns)
        chunk = self._next
        if chunk is not None:
            self._advance(chunk)
        return chunk

    def seek(self, received_ns: int, now: float) -> None:
        """Go on from a time of the recording, forward or back, within what is played; paused stays paused."""
        position = max(self._start_ns, received_ns if self._end_ns is None else min(received_ns, self._end_ns))
        self._now = now
        self._load(position, position)
        if self._next is None and self.loop:
            self._load(self._start_ns, self._start_ns)

    def set_speed(self, speed: float, now: float) -> None:
        """Change speed from now on. Raises ValueError for one not above 0."""
        speed = _checked(speed)
        if not self._paused:
            held_ns = self._at_ns if math.isinf(self._speed) else max(self._time_at(now), self._at_ns)
            self._anchor(now, held_ns)
        self._speed, self._now = speed, now

    def _load(self, start_ns: int | None, position_ns: int) -> None:
        """Read on from a time of the recording."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
        self._chunks = self._recording.chunks(start_ns)
        self._at_ns = self._latest_ns = position_ns
        self._anchor(self._now, position_ns)
        self._next = self._following()

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
        found: list[Chunk] = []
        size, chunk = 0, self._next
        while chunk is not None and size < MAX_BYTES and len(found) < MAX_CHUNKS:
            found.append(chunk)
            size += len(chunk.data)
            chunk = next(self._chunks, None)
            if chunk is not None and self._end_ns is not None and chunk.received_ns > self._end_ns:
                chunk = None
        if found:
            self._at_ns = self._latest_ns = found[-1].received_ns
        self._next = chunk
        return found

    def _following(self) -> Chunk | None:
        """The next chunk to be played; None at the end."""
        chunk = next(self._chunks, None)
        if chunk is None or (self._end_ns is not None and chunk.received_ns > self._end_ns):
            return None
        if chunk.received_ns < self._latest_ns - CLOCK_STEP_NS:
            self._anchor_ns -= self._latest_ns - chunk.received_ns
            self._latest_ns = chunk.received_ns
        return chunk

    def _advance(self, chunk: Chunk) -> None:
        """Take note that chunk is handed over."""
        self._at_ns = self._latest_ns = max(self._latest_ns, chunk.received_ns)
        self._next = self._following()
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
