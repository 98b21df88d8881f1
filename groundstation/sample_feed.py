"""Feeding a station with samples: recorded on arrival, then demodulated in a thread of their own.

Demodulation is arithmetic on large arrays, done outside of Python's lock; in a thread it holds up neither the sources
nor the bus. Where it does not keep up with the samples, the oldest of those that wait are skipped: they are in the
recording, the operator is told, and nothing that arrives later is lost for it.
"""

from __future__ import annotations

import asyncio
from collections import deque

from groundstation.event import EventKind
from groundstation.station import Station
from protocols.chunk import Chunk

WAITING_S = 2.0
"""Samples that may wait to be demodulated; past that the oldest are skipped."""
TURN_BYTES = 1 << 20
"""Samples demodulated in one go: a fifth of a second at 2.4 million IQ samples of 8 bits a second."""


class SampleFeed:
    """The samples of one link on their way through the station."""

    def __init__(self, station: Station, link: str) -> None:
        """For one link of a station."""
        self._station, self._link = station, link
        self._waiting: deque[Chunk] = deque()
        self._fresh = asyncio.Event()
        self._closed = False
        self._turned, self._through = asyncio.Event(), asyncio.Event()
        self.skipped = 0
        """Samples' bytes that were recorded but not demodulated, since the processor did not keep up."""

    def take(self, chunks: list[Chunk]) -> None:
        """Record chunks, and have them wait for their turn."""
        self._station.record(chunks)
        self._waiting.extend(chunks)
        skipped = 0
        while self._waiting[-1].received_ns - self._waiting[0].received_ns > WAITING_S * 1e9:
            skipped += len(self._waiting.popleft().data)
        if skipped and not self.skipped:
            text = f"{self._link}: the processor does not keep up; samples are recorded, but not all are demodulated"
            self._station.happened(EventKind.LINK, "overload", text, {"link": self._link})
        self.skipped += skipped
        self._fresh.set()

    def close(self) -> None:
        """No more will come: ``run`` ends when all that waits is through."""
        self._closed = True
        self._fresh.set()

    async def room(self) -> None:
        """Wait until half of what may wait is free: for sources that give samples as fast as they are asked for."""
        while self._waiting and self._waiting[-1].received_ns - self._waiting[0].received_ns > WAITING_S / 2 * 1e9:
            self._turned.clear()
            await self._turned.wait()

    async def run(self) -> None:
        """Demodulate what waits until closed. Cancelled, it is through with what it was at."""
        path = self._station.pipeline.links[self._link]
        while self._waiting or not self._closed:
            if not self._waiting:
                self._fresh.clear()
                await self._fresh.wait()
                continue
            turn = self._turn()
            self._turned.set()
            batches = await asyncio.to_thread(path.receive, *turn)
            self._station.decoded(turn, batches)
        self._through.set()

    async def through(self) -> None:
        """Wait until all is demodulated that came before it was closed."""
        await self._through.wait()

    def _turn(self) -> list[Chunk]:
        """The next chunks that wait, not too many."""
        turn, size = [], 0
        while self._waiting and size < TURN_BYTES:
            turn.append(self._waiting.popleft())
            size += len(turn[-1].data)
        return turn
