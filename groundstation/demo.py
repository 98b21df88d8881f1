"""The demonstration: a simulated flight leaves a pseudo-terminal as a serial stream and is received like a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from groundstation.bus.choice import Broker
from groundstation.campaign import Campaign
from groundstation.live import live
from groundstation.station import Station
from hardware.simulator.telemetry import OsxTelemetry
from hardware.simulator.transmitter import sink, transmit

_CAMPAIGN = """\
# Written by `groundstation demo`: a simulated flight of OneSpace's OS-X. SYNTHETIC: none of it was ever measured.
[campaign]
name = "osx-demo"
vehicle = "osx"

[links.umbilical]
source = "{source}"

[recording]
directory = "."
"""
_SETTLE_S = 2.0


async def demonstrate(
    directory: Path, url: str, running: Callable[[Station], None], *, begin: float, end: float | None, linger: bool
) -> tuple[Station, str]:
    """Fly the demo from begin to end, s since T-0, recorded in directory; the station, and its recording's path."""
    async with sink("pty:") as line:
        campaign = Campaign(_CAMPAIGN.format(source=line.address), directory / "osx-demo.toml")

        async def fly(station: Station, bus: Broker) -> None:
            telemetry = await asyncio.to_thread(OsxTelemetry)
            await station.setup.links["umbilical"].opened.wait()  # a serial line keeps nothing for who comes late
            await transmit(telemetry, line, begin=begin, end=end)
            await asyncio.sleep(_SETTLE_S)
            if linger:
                await bus.abandoned(over=lambda: True)
            station.stopping.set()

        return await live(campaign, url, running, fly, linger=linger)
