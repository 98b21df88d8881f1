"""A recording as a station's feed: paced by the player, steered by the requests of consoles and scripts.

Playing begins as soon as T-0 is known, or known not to come, so that mission time is right from the first packet on.
A seek goes to the last snapshot before the place and decodes from there, unseen (:mod:`groundstation.seeking`): phase,
T-0, limits and alarms are then those that a flight watched from its beginning would have had. Beginning in the middle
is a seek too, and so is beginning again at the end.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from groundstation.link_health import LinkState
from groundstation.pipeline import Pipeline
from groundstation.reading import Reading
from groundstation.seeking import Arrival, arrive_at_place, arrive_at_time, packet_before
from groundstation.station import Station
from groundstation.survey import Survey
from groundstation.wanted_part import Wanted, is_found, wanted_part
from protocols.errors import RecordingError
from replay.player import Player

SLICE_S = 0.02
"""So long steps are looked for before the station's other tasks get their turn."""
COMPLETE = 100.0
"""Up to this speed a replay waits for a broker that cannot keep up, so that every packet is shown; faster it keeps its
pace, and what is shown is thinned."""
ROWS_AHEAD = 4_000
"""It waits once so much waits to be published."""
END_SHOWN_S = 0.5
"""So long the end stays before a replay that loops begins again."""
CONNECTING_S = 10.0
"""So long a replay waits for its broker before it begins: longer than an attempt to connect takes to fail."""
REST_S = 0.0005
"""So long the survey rests after each piece while playing, that what is due is not late by more than a piece."""

Value = TypeVar("Value")
Done = Callable[[str], None]
"""Told when a request is done: nothing, or why it cannot be."""


class Playback:
    """Plays a recording into a station."""

    def __init__(
        self, reading: Reading, survey: Survey, wanted: Wanted, progress: Callable[[float], None] = lambda _: None
    ) -> None:
        """Progress is told, before playing begins, how much of the recording has been read for it: 0 to 1."""
        self.recording, self.survey = reading.recording, survey
        self.player = Player((), 0, wanted.speed)
        self.loop = wanted.loop
        """Whether it begins again at its end."""
        self.loop_ns: tuple[int, int] | None = None
        """What is then played; None for all that is played otherwise."""
        self.answer: dict[str, Any] | None = None
        """Of the newest request that was done or refused (``answer`` of the status)."""
        self._wanted, self._progress, self._reading = wanted, progress, reading
        self._part: tuple[int, int] | None = None  # what is played; None until it is known
        self._begin_place = 0
        self._plays = True
        self._changed = asyncio.Event()
        self._seek: tuple[int, Done] | None = None  # only the last place asked for matters
        self._steps: tuple[int, Done] | None = None  # from there on
        self._going: int | None = None
        self._over = False
        self._finished: Pipeline | None = None  # the pipeline that has been told of the end

    # -- what may be asked of it ----------------------------------------------------------------------------------

    @property
    def first_ns(self) -> int:
        """``received_ns`` of what is played first; 0 before it is known."""
        return self._part[0] if self._part else 0

    @property
    def end_ns(self) -> int:
        """``received_ns`` of what is played last; 0 before it is known."""
        return self._part[1] if self._part else 0

    @property
    def is_known(self) -> bool:
        """Whether it is known what is played, so that one can go somewhere."""
        return self._part is not None

    @property
    def where_ns(self) -> int:
        """The recording's time where it is, or is going to."""
        going = self._going if self._seek is None else self._seek[0]
        return self.player.position_ns if going is None else going

    def play(self) -> None:
        """Let time pass."""
        self._plays = True
        if self._part is not None:
            self.player.play(time.monotonic())
        self.changed()

    def pause(self) -> None:
        """Stop time."""
        self._plays = False
        self.player.pause()
        self.changed()

    def toggle(self) -> None:
        """Pause what plays, play what is paused."""
        (self.pause if self._plays else self.play)()

    def set_speed(self, speed: float) -> None:
        """Change speed. Raises ValueError for one not above 0."""
        self.player.set_speed(speed, time.monotonic())
        self.changed()

    def seek(self, received_ns: int, done: Done = lambda _: None) -> None:
        """Go to a time within what is played; done is told when it is there, or why it is not."""
        self._seek, self._steps = (min(max(received_ns, self.first_ns), self.end_ns), done), None
        self.changed()

    def step(self, count: int, done: Done = lambda _: None) -> None:
        """Pause, and go so many packets on, or back; done is told when it is there, or why it is not."""
        self.pause()
        self._steps = count + (self._steps[0] if self._steps else 0), done
        self.changed()

    def set_loop(self, *, loop: bool, part: tuple[int, int] | None) -> None:
        """Begin again at the end, or not; at the end of a part, whose beginning is gone to from behind it at once."""
        self.loop, self.loop_ns = loop, part if loop else None
        if self._part is not None:
            self._bound()
            if self.loop_ns is not None and self.where_ns > self.loop_ns[1]:
                self.seek(self.loop_ns[0])
        self.changed()

    def changed(self) -> None:
        """Have another look at what is to be done."""
        self._changed.set()

    def status(self) -> dict[str, Any]:
        """``replay`` of the status."""
        first, last = self.survey.span or (0, 0)
        part = self.loop_ns
        return {
            "path": self.recording.path.name,
            "state": self._state,
            "read": round(self.survey.read, 3),
            "position_ns": self.where_ns if self._part else first,
            "first_ns": first,
            "last_ns": last,
            "speed": "max" if math.isinf(self.player.speed) else self.player.speed,
            "paused": not self._plays,
            "ended": self._part is not None and self.player.ended,
            "loop": self.loop,
            "loop_from_ns": part[0] if part else None,
            "loop_to_ns": part[1] if part else None,
            "events": [{"name": each.name, "received_ns": each.received_ns} for each in self.survey.events],
            "answer": self.answer,
        }

    @property
    def _state(self) -> str:
        if self._part is None:
            return "reading"
        if self._going is not None:
            return "seeking"
        return "ended" if self.player.ended else "playing" if self._plays else "paused"

    # -- playing --------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Wait until T-0 and what is to be played are known. Raises RecordingError where it cannot be."""
        while not self._known():
            self._progress(self.survey.read)
            await self._changed.wait()
        if self._part is None:
            self._progress(1.0)
            self._part = wanted_part(self.recording.path, self.survey, self._wanted)
            self.player.go_on((), self._part[0], 0, time.monotonic())  # that is where it is, until it begins
            self._bound()

    async def run(self, station: Station, *, stay: bool) -> None:
        """Play to the end; with stay, wait there for a seek or a loop. RecordingError: it went away."""
        try:
            await self._play(station, stay=stay)
        except OSError as error:
            problem = f"cannot be read on ({error.strerror or error}); check the file and its disk"
            raise RecordingError(self.recording.path, problem) from None
        finally:
            self._over = True
            self.survey.stop()

    async def _play(self, station: Station, *, stay: bool) -> None:
        player = self.player
        for health in station.setup.links.values():
            health.enter(LinkState.RECEIVING, station.now_ns())
        await station.outbox.decided(CONNECTING_S)  # so that a short replay is not over before anybody can see it
        await self.prepare()
        station.setup.t0_ns = station.outbox.t0_ns = self.survey.t0_ns
        await self._begin(station)
        while True:
            self._changed.clear()  # before looking at what changed, so that no change is slept through
            self._check()
            if self._is_asked:
                await self._fulfil(station)
            self._share()
            chunks = player.due(time.monotonic())
            if chunks:
                station.take(chunks)
                await self._room(station)
            if player.ended:
                self._finish(station)
            deadline = player.next_deadline()
            if self._is_asked or (deadline is not None and deadline <= time.monotonic()):
                await asyncio.sleep(0)
                continue
            if player.ended and not (stay or self.loop):
                break
            await (self._begin_again() if self._is_over else self._wait(deadline))
        for health in station.setup.links.values():
            health.enter(LinkState.ENDED, station.now_ns())

    async def _begin(self, station: Station) -> None:
        """Where a replay begins in the middle, what came before tells phase and limits, but does not count."""
        assert self._part is not None
        first, _ = self.survey.span or (0, 0)
        if self._part[0] > first:
            await self._go_to(station, self._part[0])
            self._begin_place = self.player.place
            station.pipeline.links = self._reading.pipeline().links
            station.pipeline.events.clear()
        else:
            self.player.go_on(self.recording.placed(), first, 0, time.monotonic())
        if self._plays:
            self.player.play(time.monotonic())
        station.publish_status()  # T-0 is known from here on

    def _finish(self, station: Station) -> None:
        """At the end of what is played, once: what demodulators still hold comes out."""
        if self._finished is not station.pipeline and not (self.loop and self.loop_ns):
            self._finished = station.pipeline
            for name in station.pipeline.links:
                station.ended(name)

    @property
    def _is_over(self) -> bool:
        """Whether it came to its end and is to begin again."""
        return self.loop and self.player.ended and self._plays

    async def _begin_again(self) -> None:
        """Show the end for a moment, then go to the beginning, unless somebody wants something else."""
        await self._wait(time.monotonic() + END_SHOWN_S)
        if self._is_over and not self._is_asked:
            self.seek(self.loop_ns[0] if self.loop_ns else self.first_ns)

    async def _wait(self, deadline: float | None) -> None:
        """Until the next chunk is due, or somebody changes something."""
        try:
            async with asyncio.timeout(None if deadline is None else max(0.0, deadline - time.monotonic())):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _room(self, station: Station) -> None:
        """Let the broker keep up."""
        if self.player.speed <= COMPLETE:
            await station.outbox.room(ROWS_AHEAD)

    # -- going somewhere ------------------------------------------------------------------------------------------

    @property
    def _is_asked(self) -> bool:
        """Whether somebody wants to go somewhere."""
        return self._seek is not None or self._steps is not None

    async def _fulfil(self, station: Station) -> None:
        """Go where somebody wants to go, and say that it is done, unless another place is wanted meanwhile."""
        if self._seek is not None:
            (target, done), self._seek = self._seek, None
            problem = await self._go_to(station, target)
        else:
            assert self._steps is not None
            (count, done), self._steps = self._steps, None
            problem = await (self._step_on(station, count) if count >= 0 else self._step_back(station, -count))
        if problem is not None:
            done(problem)
            station.publish_status()

    async def _go_to(self, station: Station, target: int) -> str | None:
        """Go to a time; None where another one is wanted meanwhile."""
        self._going = target
        try:
            arrival = await self._unseen(arrive_at_time, target)
        finally:
            self._going = None
        if arrival is None:
            return None
        self._arrive(station, arrival, target)
        return ""

    async def _step_on(self, station: Station, count: int) -> str | None:
        """Hand over chunks up to the one that completes a packet, so many times."""
        slice_end = time.monotonic() + SLICE_S
        while count:
            if self._is_elsewhere():
                return None
            chunk = self.player.step()
            if chunk is None:
                return "there is no further packet"
            before = _packets(station.pipeline)
            station.take([chunk])
            count -= _packets(station.pipeline) > before
            if time.monotonic() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.monotonic() + SLICE_S
        return ""

    async def _step_back(self, station: Station, count: int) -> str | None:
        """Go back so many packets: to before the one that is then the newest, which is shown."""
        self._going = self.player.position_ns
        try:
            place = await self._unseen(packet_before, self.player.place, count + 1)
            if self._is_elsewhere():
                return None
            is_there = place is not None and place >= self._begin_place
            arrival = await self._unseen(arrive_at_place, place if is_there and place else self._begin_place)
        finally:
            self._going = None
        if arrival is None:
            return None
        self._arrive(station, arrival, max(arrival.pipeline.now_ns, self.first_ns))
        if not is_there:
            return "there is no earlier packet"
        return await self._step_on(station, 1)

    async def _unseen(self, go: Callable[..., Value], *where: int) -> Value:
        """Decode unseen, in a thread; what only looks through the recording waits meanwhile."""
        self.survey.wanted.clear()
        try:
            return await asyncio.to_thread(go, self.recording, self.survey.snapshots, *where, self._is_elsewhere)
        finally:
            self.survey.wanted.set()

    def _is_elsewhere(self) -> bool:
        """Whether another place is wanted by now, or none any more."""
        return self._over or self._seek is not None

    def _arrive(self, station: Station, arrival: Arrival, position_ns: int) -> None:
        """Go on from another place."""
        self.player.go_on(arrival.coming, position_ns, arrival.place, time.monotonic())
        station.start_over(arrival.pipeline, arrival.traces)  # which says where the player is

    # -- what is known --------------------------------------------------------------------------------------------

    def _known(self) -> bool:
        """Whether what must be known before playing is."""
        self._changed.clear()  # before looking
        self._check()
        return is_found(self.survey, self._wanted)

    def _check(self) -> None:
        if self.survey.error is not None:
            raise self.survey.error

    def _bound(self) -> None:
        """Have the player end where it is to end."""
        assert self._part is not None
        end = None if self._wanted.end is None else self._part[1]
        if self.loop_ns is not None:
            end = self.loop_ns[1] if end is None else min(self.loop_ns[1], end)
        self.player.set_end(end, time.monotonic())

    def _share(self) -> None:
        """Let the survey have the machine while nothing plays, some of it while something does, none at the maximum."""
        plays = self._plays and not self.player.ended
        self.survey.pause_s = REST_S if plays else 0.0
        if plays and math.isinf(self.player.speed):
            self.survey.wanted.clear()
        else:
            self.survey.wanted.set()


def _packets(pipeline: Pipeline) -> int:
    """Packets decoded so far."""
    return sum(sum(path.decoder.packets.values()) for path in pipeline.links.values())
