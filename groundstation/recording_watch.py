"""Watches a station's recording: says in time that its disk fills, and when it goes on in a further file."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from groundstation.disk_room import DiskRoom
from groundstation.event import EventKind

if TYPE_CHECKING:
    from groundstation.station import Station


class RecordingWatch:
    """Of one station."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._room = DiskRoom()
        self._path = station.recorder.path if station.recorder else None
        self._problem = ""
        self._look()

    def tick(self) -> None:
        """Look now, and say what is to be said."""
        recorder = self._station.recorder
        if recorder is None or recorder.closed:
            return
        self._look()
        if self._room.due():
            self._say_filling()
        if recorder.path != self._path:
            self._path = recorder.path
            text = f"recording goes on in {recorder.path.name}"
            self._station.happened(EventKind.RECORDING, "next part", text, {"path": str(recorder.path)})
        if recorder.rotation_problem != self._problem:
            self._problem = recorder.rotation_problem
            if self._problem:
                text = f"no next part of the recording: {self._problem}; it goes on in {recorder.path.name}"
                self._station.happened(EventKind.RECORDING, "no next part", text, {})

    def as_payload(self) -> dict[str, Any] | None:
        """``recording`` of the status; None where nothing is recorded."""
        recorder, problem = self._station.recorder, self._station.recording_problem
        if recorder is None:
            return None
        return {
            "path": str(recorder.path),
            "state": "failed" if problem else "stopped" if recorder.closed else "recording",
            "problem": problem,
            "bytes": recorder.bytes_written,
            "seconds": self._station.seconds,
            "free_bytes": self._room.free_bytes,
            "minutes_left": self._room.minutes_left,
        }

    def _look(self) -> None:
        recorder = self._station.recorder
        if recorder is None:
            return
        try:
            free = shutil.disk_usage(recorder.path.parent).free
        except OSError:  # the folder is gone or the disk unplugged, which writing says
            free = 0
        self._room.look(time.monotonic(), free, recorder.bytes_written)

    def _say_filling(self) -> None:
        left, free = self._room.minutes_left or 0.0, self._room.free_bytes
        minutes = f"{left:.0f} min" if left >= 1 else "less than a minute"
        folder = self._path.parent if self._path else ""
        text = f"disk full in {minutes} at this rate: {free / 1e9:.2f} GB free in {folder}; make room there"
        detail = {"minutes_left": left, "free_bytes": free}
        self._station.happened(EventKind.RECORDING, "disk filling", text, detail)
