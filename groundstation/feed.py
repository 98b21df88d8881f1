"""What feeds a station: live sources, opened again whenever they are lost, and recordings played by a clock."""

from __future__ import annotations

import asyncio

from groundstation.event import EventKind
from groundstation.link_health import LinkState
from groundstation.sample_feed import SampleFeed
from groundstation.station import Station, log
from hardware.source import Source
from protocols.errors import SourceError

RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Waits between attempts to open a lost source; the last one goes on."""


async def receive(station: Station, source: Source) -> None:
    """Feed a station from a source for ever; a finite one, to its end."""
    async with asyncio.TaskGroup() as tasks:
        samples = SampleFeed(station, source.link) if _is_radio(station, source) else None
        if samples is not None:
            tasks.create_task(samples.run())
        await _receive(station, source, samples)


async def _receive(station: Station, source: Source, samples: SampleFeed | None) -> None:
    """Open it, take what comes, and open it again when it was lost."""
    attempt = 0
    while True:
        problem, opened = "unexpected end", False
        try:
            await source.open()
            opened = True
            _enter(station, source, LinkState.RECEIVING, f"{source.link}: open, {source.address}")
            while chunks := await source.receive():
                attempt = 0  # only now: a peer that opens and hangs up at once is not to be called without a pause
                _came(station, source, samples)
                if samples is None:
                    station.take(chunks)
                    continue
                samples.take(chunks)
                if source.finite:  # whose times may leap, from a capture to the next: that is no backlog
                    await samples.room()
                else:
                    samples.skip()
            if source.finite:
                await _finish(station, source, samples)
                _enter(station, source, LinkState.ENDED, f"{source.link}: came to its end")
                return
        except SourceError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 a fault of one link's driver must not take the others down
            log.exception("link %s", source.link)
            problem = repr(error)
        finally:
            await _close(source)
        verb = "lost" if opened else "cannot be opened"
        _enter(station, source, LinkState.LOST, f"{source.link}: {verb}: {problem}", problem)
        await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        attempt += 1


def _is_radio(station: Station, source: Source) -> bool:
    """Whether what it gives is samples, to be demodulated."""
    return bool(station.pipeline.links[source.link].report())


async def _finish(station: Station, source: Source, samples: SampleFeed | None) -> None:
    """Have all that came pass through to its end."""
    if samples is None:
        station.ended(source.link)
        return
    samples.close()
    await samples.through()


async def _close(source: Source) -> None:
    """Close a source; what its driver raises then is logged, since it is to be opened again in any case."""
    try:
        await source.close()
    except Exception as error:  # noqa: BLE001 a fault of one link's driver must not take the others down
        log.error("link %s, closing: %r", source.link, error)


def _enter(station: Station, source: Source, state: LinkState, text: str, problem: str = "") -> None:
    health = station.setup.links[source.link]
    if health.enter(state, station.now_ns(), problem):
        station.happened(EventKind.LINK, str(state), text, {"link": source.link, "source": health.address})
        station.publish_status()


def _came(station: Station, source: Source, samples: SampleFeed | None) -> None:
    """Something came: a silent link is silent no more."""
    health = station.setup.links[source.link]
    health.detail = source.state
    health.heard(station.now_ns())
    if samples is not None and samples.skipped:
        health.detail = {**source.state, "not_demodulated": samples.skipped}
    if health.state is LinkState.SILENT:
        _enter(station, source, LinkState.RECEIVING, f"{source.link}: receiving again")
