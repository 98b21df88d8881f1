"""Recordings of a campaign that were not closed, by a killed process or a power cut: repaired beside the original.

A station looks for them when it starts, in a thread that rests as long as it works, so that receiving has precedence.
What another station writes is locked (``replay/write_lock.py``) and left alone; what has a repaired copy is too.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from groundstation.event import EventKind
from protocols.errors import RecordingError
from replay.recovery import is_closed, recover, recovered_path
from replay.write_lock import being_written

if TYPE_CHECKING:
    from groundstation.station import Station

LEAVE_BYTES = 1_000_000_000
"""A repair that would leave less room than it takes, and this, is left to people: this station has to record."""


class _Ended(Exception):
    """The station ends before a repair is through."""


class _Patience:
    """Lets a thread rest as long as it works, and end with the station."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._since = time.monotonic()

    def __call__(self, _: float) -> None:
        if self.ended.wait(time.monotonic() - self._since):
            raise _Ended
        self._since = time.monotonic()


def unfinished(folder: Path, campaign: str) -> list[Path]:
    """The recordings of a campaign in a folder that nobody writes, that were not closed and have no repaired copy."""
    form = re.compile(rf"{re.escape(campaign)}-\d{{8}}T\d{{6}}Z(-part\d{{3,}})?(-\d+)?\.mcap", re.ASCII)
    try:
        named = sorted(path for path in folder.iterdir() if form.fullmatch(path.name))
        return [
            path
            for path in named
            if not recovered_path(path).exists() and not is_closed(path) and being_written(path) is False
        ]
    except OSError:  # a folder that cannot be read, or a file that has just gone: the next start will see
        return []


async def repair_unfinished(station: Station, folder: Path) -> None:
    """Find them, say so, repair them, and say what became of them. Raises nothing: a station does not end for that."""
    patience = _Patience()
    try:
        for path in await asyncio.to_thread(unfinished, folder, station.setup.name):
            await _repair(station, path, patience)
    finally:
        patience.ended.set()


def _has_room(path: Path) -> bool:
    """Whether a copy of it leaves room enough."""
    return shutil.disk_usage(path.parent).free >= 2 * path.stat().st_size + LEAVE_BYTES


async def _repair(station: Station, path: Path, patience: _Patience) -> None:
    """Repair one."""

    def say(name: str, text: str) -> None:
        station.happened(EventKind.RECORDING, name, text, {"path": str(path)})

    try:
        if not _has_room(path):
            command = f"groundstation recover {path} --to ELSEWHERE.mcap"
            say("unfinished", f"{path.name} was not closed; there is too little room to repair it here: `{command}`")
            return
        say("unfinished", f"{path.name} was not closed; it is being repaired beside it")
        made = await asyncio.to_thread(recover, path, None, patience)
    except (RecordingError, OSError) as error:
        say("not recovered", f"{path.name} was not closed and cannot be repaired: {error}")
    else:
        told = f"repaired as {made.path.name}: {made.survey.lost()}" if made.path else "found whole"
        say("recovered", f"{path.name} was not closed and is {told}")
