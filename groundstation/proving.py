"""Puts a station's digests into its recording, so that whoever reads it can prove that it is whole and read alike.

Every ten seconds of data, and once at the end, an event ``digests`` tells for each link what it is a digest of: how
many chunks were recorded, and how many of them decoded. So it does not matter where in the file it stands.
"""

from __future__ import annotations

import asyncio
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from replay.recording import DIGESTS, RecordedEvent

if TYPE_CHECKING:
    from groundstation.station import Station

EVERY_NS = 10_000_000_000
"""Of the data's time: what a killed station leaves unproven."""


def software() -> dict[str, str]:
    """The versions on which values may depend."""
    names = "launch-groundstation", "numpy", "construct"
    return {name: version(name) for name in names} | {"python": platform.python_version()}


class Proving:
    """The digests of one station's pipeline on their way into its recording."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._told_ns = 0

    async def tick(self) -> None:
        """Write them when it is time. What takes milliseconds is done in a thread."""
        digests, now_ns = self._station.pipeline.digests, self._station.pipeline.now_ns
        self._told_ns = self._told_ns or now_ns
        if digests is None or self._station.recorder is None or abs(now_ns - self._told_ns) < EVERY_NS:
            return
        self._told_ns = now_ns
        taken = digests.fork()
        self._write(await asyncio.to_thread(taken.as_dict), taken.finished, now_ns, final=False)

    def end(self) -> None:
        """Write them for the last time."""
        digests = self._station.pipeline.digests
        if digests is not None and self._station.recorder is not None:
            self._write(digests.as_dict(), digests.finished, self._station.pipeline.now_ns, final=True)

    def _write(self, told: dict[str, Any], finished: list[str], now_ns: int, *, final: bool) -> None:
        about = {"final": final, "finished": finished, "software": software()}
        self._station.note(RecordedEvent(DIGESTS, now_ns, about | told))
