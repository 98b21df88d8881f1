"""Progress of long work, on standard error and only where a person sees it."""

from __future__ import annotations

import sys
import time

from replay.recording import Recording


class Progress:
    """A line that says how far a file is read; nothing on a pipe."""

    def __init__(self, what: str, recording: Recording | None = None) -> None:
        """Of reading a recording, told by its times; or of work that says itself how far it is, by ``done``."""
        self._what, self._shown = what, time.monotonic()
        self._live = sys.stderr.isatty()
        self._first, last = recording.span if recording and self._live else (0, 0)  # some read the whole file for it
        self._span = max(last - self._first, 1)

    def at(self, received_ns: int) -> None:
        """Say how far it is, ten times a second at most."""
        self.done((received_ns - self._first) / self._span)

    def done(self, part: float) -> None:
        """The same, of 1."""
        now = time.monotonic()
        if self._live and now - self._shown > 0.1:
            self._shown = now
            part = min(max(part, 0.0), 1.0)
            sys.stderr.write(f"\r{self._what} {part:4.0%} {'█' * round(part * 30):30s}")
            sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
