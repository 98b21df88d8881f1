"""A live station from a campaign: its sources, its recording, its pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from groundstation.bus import payload
from groundstation.bus.choice import Broker, broker
from groundstation.campaign import Campaign
from groundstation.feed import receive
from groundstation.link_health import LinkHealth
from groundstation.pipeline import Pipeline
from groundstation.station import Setup, Station
from groundstation.unfinished import repair_unfinished
from hardware.source import Source, source
from replay.recorder import Recorder
from replay.recording import RecordedLink


def pipeline_of(campaign: Campaign) -> Pipeline:
    """The pipeline of a campaign's links. Raises DeclarationError."""
    framings = {name: campaign.framing(name) for name in campaign.file.links}
    return Pipeline(campaign.vehicle, framings, campaign.file.limits)


def recorder_of(campaign: Campaign, pipeline: Pipeline) -> Recorder:
    """A new recording in the campaign's folder, named for it and the time. Raises RecordingFailed."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    links = {
        name: RecordedLink(campaign.vehicle.name, campaign.framing(name), campaign.signal(name))
        for name in campaign.file.links
    }
    return Recorder(
        campaign.directory / f"{campaign.name}-{stamp}.mcap",
        campaign=campaign.text,
        definitions=payload.definition(pipeline.vehicles, pipeline.fields, pipeline.limits, {}),
        links=links,
        synthetic=campaign.vehicle.synthetic,
        software=f"launch-groundstation {version('launch-groundstation')}",
        rotation=campaign.file.recording.rotation,
    )


def sources_of(campaign: Campaign) -> list[Source]:
    """The sources of a campaign's links, not yet open. Raises AddressError."""
    return [source(link.source, name) for name, link in campaign.file.links.items()]


async def live(
    campaign: Campaign,
    url: str,
    running: Callable[[Station], None],
    *beside: Callable[[Station, Broker], Coroutine[Any, Any, None]],
    linger: bool = False,
) -> tuple[Station, str]:
    """Run a campaign's station until it is asked to stop or its sources end; the station, and its recording's path.

    beside are coroutines that run with it, made once it is there. Raises TelemetryError where something that the
    campaign names cannot be had; nothing is recorded then.
    """
    pipeline, sources = pipeline_of(campaign), sources_of(campaign)
    pipeline.prove()
    mqtt = campaign.file.mqtt
    named = url or (mqtt.url if mqtt else "")
    password = str(campaign.path.parent / mqtt.password_file) if mqtt and mqtt.password_file else ""
    async with broker(named, password) as bus:
        with recorder_of(campaign, pipeline) as recorder:
            station = Station(_setup(campaign, pipeline, recorder), bus.address)
            running(station)
            feeds = [*(receive(station, each) for each in sources), repair_unfinished(station, campaign.directory)]
            await station.run(*feeds, *(each(station, bus) for each in beside), linger=linger)
    return station, str(recorder.places[0][1])  # at which all of it opens


def _setup(campaign: Campaign, pipeline: Pipeline, recorder: Recorder) -> Setup:
    links = {name: LinkHealth(name, link.source, link.silent_after) for name, link in campaign.file.links.items()}
    return Setup(
        campaign.name,
        "live",
        pipeline,
        links,
        recorder,
        synthetic=campaign.vehicle.synthetic,
        clock=time.time_ns,
    )
