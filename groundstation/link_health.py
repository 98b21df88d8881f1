"""How a link is: open or lost, since when, how fast; beside its ledger, which the pipeline keeps."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from protocols.chunk import Chunk

_RATE_WINDOW_NS = 2_000_000_000


class LinkState(StrEnum):
    """What an operator needs to know first."""

    OPENING = "opening"
    RECEIVING = "receiving"
    SILENT = "silent"
    """Open, but nothing has come for longer than the campaign allows."""
    LOST = "lost"
    """The device or the peer is away; tried again."""
    ENDED = "ended"
    """A file or a recording came to its end."""


@dataclass(slots=True)
class LinkHealth:
    """One link's state and rates, by the clock it is told."""

    name: str
    address: str
    silent_after_s: float = 3.0
    state: LinkState = LinkState.OPENING
    since_ns: int = 0
    last_ns: int = 0
    problem: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    _quiet_ns: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it was first open."""
    _recent: deque[tuple[int, int, int]] = field(default_factory=deque)
    _bytes: int = 0

    def enter(self, state: LinkState, now_ns: int, problem: str = "") -> bool:
        """Be in a state from now on; whether that is news."""
        news = state is not self.state
        if news:
            self.state, self.since_ns = state, now_ns
            self._quiet_ns = now_ns
        if state is LinkState.RECEIVING:
            self.opened.set()
        self.problem = problem
        return news

    def received(self, chunks: list[Chunk], frames: int) -> None:
        """Count what came; frames is the ledger's count after it."""
        self.last_ns = chunks[-1].received_ns
        self.heard(self.last_ns)
        self._bytes += sum(len(chunk.data) for chunk in chunks)
        if self._recent and self.last_ns < self._recent[-1][0] - _RATE_WINDOW_NS:
            self._recent.clear()  # the clock was set back: what came before it tells no rate, and would never go
        self._recent.append((self.last_ns, self._bytes, frames))
        while self._recent and self._recent[0][0] < self.last_ns - _RATE_WINDOW_NS:
            self._recent.popleft()

    def heard(self, now_ns: int) -> None:
        """Something came: at least until now the link was not silent, also where its data tell of an earlier time."""
        self._quiet_ns = max(self._quiet_ns, now_ns)

    def is_silent(self, now_ns: int) -> bool:
        """Whether it is open but nothing has come for too long; where the clock was set back, from then on."""
        self._quiet_ns = min(self._quiet_ns, now_ns)
        return now_ns - self._quiet_ns > self.silent_after_s * 1e9

    def rates(self, now_ns: int) -> tuple[float, float]:
        """Bytes and frames a second over the last two seconds."""
        if len(self._recent) < 2 or abs(now_ns - self.last_ns) > _RATE_WINDOW_NS:
            return 0.0, 0.0
        (begin, first, early), (end, last, late) = self._recent[0], self._recent[-1]
        seconds = max((end - begin) / 1e9, 0.05)
        return (last - first) / seconds, (late - early) / seconds

    def as_payload(self, counts: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
        """``link/LINK`` of docs/bus.md."""
        bytes_per_s, frames_per_s = self.rates(now_ns)
        return {
            "link": self.name,
            "source": self.address,
            "state": str(self.state),
            "since_ns": self.since_ns,
            "last_ns": self.last_ns,
            "problem": self.problem,
            "detail": dict(self.detail),
            **counts,
            "bytes_per_s": round(bytes_per_s, 1),
            "frames_per_s": round(frames_per_s, 1),
        }
