"""What radio links are like, published while they receive: ``radio/LINK``, five times a second.

A report waits for the turn of samples that its link is demodulating, and makes a spectrum: a thread does that, so that
it holds up neither sources nor bus.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundstation.station import Station

INTERVAL_S = 0.2


class RadioReports:
    """The reports of a station's links."""

    def __init__(self, station: Station) -> None:
        """Of the links that its pipeline has at the time."""
        self._station = station
        self._told: dict[str, tuple[str, int, int]] = {}

    async def run(self) -> None:
        """Publish them until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.publish()

    async def publish(self) -> None:
        """Publish ``radio/LINK`` of the links that receive by radio, where samples have come since."""
        station, pipeline = self._station, self._station.pipeline
        for name, path in pipeline.links.items():
            now = (station.session, path.last_ns, path.framer.ledger.frames)
            if self._told.get(name) == now:
                continue
            report = await asyncio.to_thread(path.report)
            if station.pipeline is not pipeline:  # a seek meanwhile: this is of another session
                return
            if report:
                self._told[name] = now
                station.outbox.state(f"radio/{name}", {"session": station.session, "at_ns": path.last_ns, **report})
