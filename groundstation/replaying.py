"""A station that plays a recording."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from groundstation.bus.choice import Broker, broker
from groundstation.link_health import LinkHealth
from groundstation.playback import COMPLETE, Playback
from groundstation.playback_requests import PlaybackRequests
from groundstation.reading import Reading
from groundstation.station import Setup, Station
from groundstation.survey import Survey
from groundstation.wanted_part import Wanted
from replay.player import Player

ROWS_AT_MAX = 2_000
"""Where not every packet is to be shown, a packet type's telemetry is thinned past this: the bus shows the flight."""


async def replaying(
    reading: Reading,
    wanted: Wanted,
    running: Callable[[Station], None],
    progress: Callable[[float], None] = lambda _: None,
) -> Station:
    """Replay until the end or the stop; the station as it was then. Raises RecordingError, BusError.

    The station runs at once, unless it must first be found out where to begin or to end; progress is told, before
    anything is played, how much of the recording has been read for it.
    """
    loop = asyncio.get_running_loop()
    async with broker(wanted.broker) as bus:

        def found() -> None:
            loop.call_soon_threadsafe(playback.changed)

        survey = Survey(reading, found)
        playback = Playback(reading, survey, wanted, progress)
        looking = asyncio.create_task(asyncio.to_thread(survey.run))
        try:
            if wanted.begin is not None or wanted.end is not None:
                await playback.prepare()
            station = _station(reading, playback, bus)
            if wanted.proven:
                station.pipeline.prove()
            running(station)
            feeds = [playback.run(station, stay=wanted.stay)]
            if wanted.stay:
                feeds.append(_until_abandoned(station, bus, playback.player))
            await station.run(*feeds, linger=wanted.stay)
        finally:
            survey.stop()
            await looking
    return station


def _station(reading: Reading, playback: Playback, bus: Broker) -> Station:
    """The station for it."""
    recording, (pipeline, _) = reading.recording, playback.survey.snapshots.first.restored()
    setup = Setup(
        re.sub(r"[^A-Za-z0-9._-]+", "-", recording.path.stem) or "recording",
        "replay",
        pipeline,
        {name: LinkHealth(name, f"replay:{recording.path.name}") for name in reading.framings},
        synthetic=reading.synthetic,
        time_base=str(recording.time_base),
        replay_status=playback.status,
        requests=PlaybackRequests(playback).by_name(),
        rows_waiting=ROWS_AT_MAX if playback.player.speed > COMPLETE else 20_000,
    )
    return Station(setup, bus.address)


async def _until_abandoned(station: Station, bus: Broker, player: Player) -> None:
    await bus.abandoned(over=lambda: player.ended or player.paused)
    station.stopping.set()
