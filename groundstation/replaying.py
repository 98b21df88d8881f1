"""A station that plays a recording."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from groundstation.bus.choice import Broker, broker
from groundstation.event import EventKind
from groundstation.link_health import LinkHealth
from groundstation.playback import Playback, survey
from groundstation.reading import Reading
from groundstation.station import Setup, Station
from protocols.errors import RecordingError
from replay.player import Player

Moment = tuple[bool, float]
"""Whether it counts from T-0, and the seconds."""
ROWS_AT_MAX = 2_000
"""As fast as possible, a packet type's telemetry is thinned past this: the bus shows the flight, not every packet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a recording is to be replayed."""

    speed: float
    begin: Moment | None
    end: Moment | None
    loop: bool
    stay: bool
    """Whether to wait at the end for a seek, until stopped."""
    broker: str
    proven: bool = False
    """Whether to keep digests of what is played, from its beginning to the first seek."""


async def replaying(reading: Reading, wanted: Wanted, running: Callable[[Station], None]) -> Station:
    """Replay until the end or the stop; the station as it was then. Raises RecordingError, BusError."""
    recording, pipeline = reading.recording, reading.pipeline()
    if wanted.proven:
        pipeline.prove()
    async with broker(wanted.broker) as bus:
        found = await asyncio.to_thread(survey, recording, reading.pipeline)
        t0_ns = found.flight.t0_ns
        begin, end = _at(reading, wanted.begin, t0_ns), _at(reading, wanted.end, t0_ns)
        _refuse_empty(reading, begin, end)
        player = Player(recording, wanted.speed, begin, end)
        flight = [event for event in found.events if event.kind is EventKind.FLIGHT]
        playback = Playback(recording, player, reading.pipeline, flight, t0_ns, loop=wanted.loop)
        station = Station(
            Setup(
                re.sub(r"[^A-Za-z0-9._-]+", "-", recording.path.stem) or "recording",
                "replay",
                pipeline,
                {name: LinkHealth(name, f"replay:{recording.path.name}") for name in reading.framings},
                synthetic=reading.synthetic,
                time_base=str(recording.time_base),
                t0_ns=t0_ns,
                replay_status=playback.status,
                requests=playback.requests(),
                rows_waiting=ROWS_AT_MAX if math.isinf(wanted.speed) else 20_000,
            ),
            bus.address,
        )
        running(station)
        feeds = [playback.run(station, stay=wanted.stay)]
        if wanted.stay:
            feeds.append(_until_abandoned(station, bus, player))
        await station.run(*feeds, linger=wanted.stay)
    return station


async def _until_abandoned(station: Station, bus: Broker, player: Player) -> None:
    await bus.abandoned(over=lambda: player.ended or player.paused)
    station.stopping.set()


def _refuse_empty(reading: Reading, begin: int | None, end: int | None) -> None:
    """Raise RecordingError where nothing of the recording lies between two moments."""
    first, last = reading.recording.span
    begin, end = first if begin is None else begin, last if end is None else end
    if begin > min(last, end) or end < first:
        problem = f"nothing lies between --from and --to; it lasts {(last - first) / 1e9:.1f} s"
        raise RecordingError(reading.recording.path, problem)


def _at(reading: Reading, moment: Moment | None, t0_ns: int | None) -> int | None:
    """A moment on the recording's clock."""
    if moment is None:
        return None
    from_t0, seconds = moment
    if from_t0 and t0_ns is None:
        problem = "has no T-0 (no liftoff was found); give seconds since its beginning instead of T+..."
        raise RecordingError(reading.recording.path, problem)
    base = t0_ns if from_t0 and t0_ns is not None else reading.recording.span[0]
    return base + round(seconds * 1e9)
