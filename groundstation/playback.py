"""A recording as a station's feed: paced by the player, steered by the requests of consoles.

A seek decodes the recording again from its beginning to the new place, without showing it: phase, T-0, limits and
alarms there are then those that a flight watched from its beginning would have had. Beginning in the middle is a seek
too, and so is beginning again at the end.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any

from groundstation.event import Event
from groundstation.link_health import LinkState
from groundstation.pipeline import Pipeline, blocks
from groundstation.station import Station
from groundstation.traces import Traces
from protocols.errors import RecordingError
from replay.player import Player
from replay.recording import Recording

SLICE_S = 0.02
"""So long a seek decodes before the station's other tasks get their turn."""
ROWS_AHEAD = 4_000
"""At a finite speed a replay waits for the broker once so much waits to be published: what is shown is complete."""
END_SHOWN_S = 0.5
"""So long the end stays before a replay that loops begins again."""
_FAR_S = 1e9
"""Seconds from T-0 past which a seek goes to the end in any case: 30 years."""
CONNECTING_S = 10.0
"""So long a replay waits for its broker before it begins: longer than an attempt to connect takes to fail."""
SPEEDS = (0.1, 1_000.0)


def survey(recording: Recording, make: Callable[[], Pipeline]) -> Pipeline:
    """Decode a whole recording once, for its events and its T-0."""
    pipeline = make()
    for group in blocks(recording.chunks()):
        pipeline.receive(*group)
    for name in pipeline.links:
        pipeline.finish(name)
    return pipeline


class Playback:
    """Plays a recording into a station."""

    def __init__(
        self,
        recording: Recording,
        player: Player,
        make: Callable[[], Pipeline],
        events: list[Event],
        t0_ns: int | None,
        *,
        loop: bool = False,
    ) -> None:
        """Pipelines come fresh from make; a survey found events and t0_ns, known from the start of a replay."""
        self.recording, self.player, self._make = recording, player, make
        self.events, self.t0_ns, self.loop = events, t0_ns, loop
        self._begin_ns, self._span = player.position_ns, recording.span  # asked once: some formats read the whole file
        self._changed = asyncio.Event()
        self._targets: deque[int] = deque(maxlen=1)  # keeps the newest: only the last place asked for matters
        self._station: Station | None = None
        self._finished: Pipeline | None = None  # the pipeline that has been told of the end

    def requests(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        """What consoles may ask for, by name; a number that makes no sense is ignored."""
        return {
            "play": lambda _: self._steer(lambda: self.player.play(time.monotonic())),
            "pause": lambda _: self._steer(self.player.pause),
            "step": lambda _: self._steer(self._step),
            "speed": self._speed,
            "seek": self._seek,
            "loop": self._loop,
        }

    def status(self) -> dict[str, Any]:
        """``replay`` of the status."""
        first, last = self._span
        return {
            "path": self.recording.path.name,
            "position_ns": self.player.position_ns,
            "first_ns": first,
            "last_ns": last,
            "speed": "max" if math.isinf(self.player.speed) else self.player.speed,
            "paused": self.player.paused,
            "ended": self.player.ended,
            "loop": self.loop,
            "events": [{"name": each.name, "received_ns": each.received_ns} for each in self.events],
        }

    async def run(self, station: Station, *, stay: bool) -> None:
        """Play to the end; with stay, wait there for a seek or a loop. RecordingError: it went away."""
        try:
            await self._play(station, stay=stay)
        except OSError as error:
            problem = f"cannot be read on ({error.strerror or error}); check the file and its disk"
            raise RecordingError(self.recording.path, problem) from None

    async def _play(self, station: Station, *, stay: bool) -> None:
        self._station, player = station, self.player
        for health in station.setup.links.values():
            health.enter(LinkState.RECEIVING, station.now_ns())
        await station.outbox.decided(CONNECTING_S)  # so that a short replay is not over before anybody can see it
        await self._begin(station)
        player.play(time.monotonic())
        while True:
            self._changed.clear()  # before looking at what changed, so that no change is slept through
            if self._targets:
                await self._go_there(station, self._targets.pop())
            chunks = player.due(time.monotonic())
            if chunks:
                station.take(chunks)
                await self._room(station)
            if player.ended:
                self._finish(station)
            deadline = player.next_deadline()
            if self._targets or (deadline is not None and deadline <= time.monotonic()):
                await asyncio.sleep(0)
                continue
            if player.ended and not (stay or self.loop):
                break
            await (self._begin_again() if self._is_over else self._wait(deadline))
        for health in station.setup.links.values():
            health.enter(LinkState.ENDED, station.now_ns())

    def _finish(self, station: Station) -> None:
        """At the end of the recording, once: what demodulators still hold comes out."""
        if self._finished is not station.pipeline:
            self._finished = station.pipeline
            for name in station.pipeline.links:
                station.ended(name)

    async def _begin(self, station: Station) -> None:
        """Where a replay begins in the middle, what came before tells phase and limits, but does not count."""
        if self._begin_ns > self._span[0]:
            await self._go_there(station, self._begin_ns)
            station.pipeline.links = self._make().links
            station.pipeline.events.clear()

    @property
    def _is_over(self) -> bool:
        """Whether it came to its end and is to begin again."""
        return self.loop and self.player.ended and not self.player.paused

    async def _begin_again(self) -> None:
        """Show the end for a moment, then go to the beginning, unless somebody wants something else."""
        await self._wait(time.monotonic() + END_SHOWN_S)
        if self._is_over and not self._targets:
            self._targets.append(self._begin_ns)

    async def _wait(self, deadline: float | None) -> None:
        """Until the next chunk is due, or somebody changes something."""
        try:
            async with asyncio.timeout(None if deadline is None else max(0.0, deadline - time.monotonic())):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _room(self, station: Station) -> None:
        """At a finite speed, let the broker keep up."""
        if not math.isinf(self.player.speed):
            await station.outbox.room(ROWS_AHEAD)

    async def _go_there(self, station: Station, target: int) -> None:
        """Decode up to a time of the recording unseen, and go on from there; not if another place is asked for."""
        pipeline, slice_end = self._make(), time.monotonic() + SLICE_S
        traces = Traces.of(pipeline.vehicle)
        for group in blocks(takewhile(lambda chunk: chunk.received_ns < target, self.recording.chunks())):
            if self._targets:
                return
            for batch in pipeline.receive(*group).batches:
                traces.add(batch)
            if time.monotonic() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.monotonic() + SLICE_S
        self.player.seek(target, time.monotonic())
        station.start_over(pipeline, traces)  # which says where the player is

    def _steer(self, change: Callable[[], object]) -> None:
        change()
        self._changed.set()

    def _step(self) -> None:
        chunk = self.player.step()
        if chunk is not None and self._station is not None:
            self._station.take([chunk])

    def _loop(self, request: Mapping[str, Any]) -> None:
        self.loop = bool(request.get("loop"))
        self._changed.set()

    def _speed(self, request: Mapping[str, Any]) -> None:
        asked = request.get("speed")
        if asked == "max":
            self._steer(lambda: self.player.set_speed(math.inf, time.monotonic()))
        elif isinstance(asked, int | float) and asked > 0:
            speed = min(max(float(asked), SPEEDS[0]), SPEEDS[1])
            self._steer(lambda: self.player.set_speed(speed, time.monotonic()))

    def _seek(self, request: Mapping[str, Any]) -> None:
        at, mission_time = request.get("received_ns"), request.get("mission_time")
        first, last = self._span
        if isinstance(mission_time, int | float) and self.t0_ns is not None and not math.isnan(mission_time):
            at = self.t0_ns + round(min(max(mission_time, -_FAR_S), _FAR_S) * 1e9)
        if isinstance(at, int) and not isinstance(at, bool):
            self._targets.append(min(max(at, first), last))
            self._changed.set()
