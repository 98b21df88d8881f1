"""Feeding a station with samples: recorded on arrival, then demodulated in a thread of their own.

Demodulation is arithmetic on large arrays, done outside of Python's lock; in a thread it holds up neither the sources
nor the bus. Where it does not keep up with the samples, the oldest of those that wait are skipped: they are in the
recording, the operator is told, and nothing that arrives later is lost for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from groundstation.event import EventKind
from groundstation.station import Station
from protocols.chunk import Chunk

WAITING_S = 2.0
"""Samples that may wait to be demodulated; past that the oldest are skipped."""
TURN_BYTES = 1 << 20
"""Samples demodulated in one go: a fifth of a second at 2.4 million IQ samples of 8 bits a second."""


class _Recorded(NamedTuple):
    chunk: Chunk
    end: int | None
    """The recording's position after it; None where nothing is recorded."""


class SampleFeed:
    """The samples of one link on their way through the station."""

    def __init__(self, station: Station, link: str) -> None:
        """For one link of a station."""
        self._station, self._link = station, link
        station.pipeline.links[link].decoded_to = station.recorder.position if station.recorder else None
        self._waiting: deque[_Recorded] = deque()
        self._fresh = asyncio.Event()
        self._closed = False
        self._turned, self._through = asyncio.Event(), asyncio.Event()
        self.skipped = 0
        """Samples' bytes that were recorded but not demodulated, since the processor did not keep up."""

    def take(self, chunks: list[Chunk]) -> None:
        """Record chunks, and have them wait for their turn."""
        recorder = self._station.recorder
        for chunk in chunks:
            self._station.record([chunk])
            self._waiting.append(_Recorded(chunk, recorder.position if recorder else None))
        self._fresh.set()

    def skip(self) -> None:
        """Let go of the oldest that wait, where it is too much: for sources that give samples when they come."""
        skipped = 0
        while self._waited_ns > WAITING_S * 1e9:
            skipped += len(self._waiting.popleft().chunk.data)
            self._station.pipeline.skipped(self._link)
        if skipped and not self.skipped:
            text = f"{self._link}: the processor does not keep up; samples are recorded, but not all are demodulated"
            self._station.happened(EventKind.LINK, "overload", text, {"link": self._link})
        self.skipped += skipped

    def close(self) -> None:
        """No more will come: ``run`` ends when all that waits is through."""
        self._closed = True
        self._fresh.set()

    async def room(self) -> None:
        """Wait until half of what may wait is free: for sources that give samples as fast as they are asked for."""
        while self._waited_ns > WAITING_S / 2 * 1e9:
            self._turned.clear()
            await self._turned.wait()

    async def run(self) -> None:
        """Demodulate what waits until closed, and then what the framer still holds.

        Cancelled, it leaves all that to whoever decodes the recording.
        """
        path = self._station.pipeline.links[self._link]
        while self._waiting or not self._closed:
            if not self._waiting:
                self._fresh.clear()
                await self._fresh.wait()
                continue
            turn, end = self._turn()
            self._turned.set()
            batches = await asyncio.to_thread(path.receive, *turn, recorded_to=end)
            self._station.decoded(turn, batches)
        self._station.decoded((), await asyncio.to_thread(path.finish), finished=self._link)
        self._through.set()

    async def through(self) -> None:
        """Wait until all is demodulated that came before it was closed, to its end."""
        await self._through.wait()

    @property
    def _waited_ns(self) -> int:
        """How much later the newest samples that wait are than the oldest."""
        return self._waiting[-1].chunk.received_ns - self._waiting[0].chunk.received_ns if self._waiting else 0

    def _turn(self) -> tuple[list[Chunk], int | None]:
        """The next chunks that wait, not too many, and the recording's position after them."""
        turn, size, end = [], 0, None
        while self._waiting and size < TURN_BYTES:
            chunk, end = self._waiting.popleft()
            turn.append(chunk)
            size += len(chunk.data)
        return turn, end
