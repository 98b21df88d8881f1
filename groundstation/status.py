"""What a station says of itself on its ``status`` topic (docs/bus.md)."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundstation.station import Station
    from replay.recorder import Recorder


def status(station: Station, now_ns: int) -> dict[str, Any]:
    """``status``, at a time on the station's clock."""
    setup, pipeline, outbox = station.setup, station.pipeline, station.outbox
    flight, recorder = pipeline.flight, station.recorder
    return {
        "state": station.state,
        "mode": setup.mode,
        "name": setup.name,
        "session": station.session,
        "pid": os.getpid(),
        "vehicle": pipeline.vehicle.name,
        "synthetic": setup.synthetic,
        "time_base": setup.time_base,
        "now_ns": now_ns,
        "started_ns": station.started_ns,
        "phase": flight.phase,
        "t0_ns": station.t0_ns,
        "mission_time": station.mission_time(now_ns),
        "events_seen": {name: station.mission_time(at) for name, at in flight.event_times.items()},
        "recording": None if recorder is None else recording(recorder, station.recording_problem, station.seconds),
        "replay": dict(setup.replay_status()) if setup.replay_status else None,
        "alarms": pipeline.alarms.totals(),
        "outbox": {
            "waiting": outbox.waiting,
            "events_dropped": outbox.events_dropped,
            "catching_up": station.catching_up,
        },
    }


def recording(recorder: Recorder, problem: str, seconds: float) -> dict[str, Any]:
    """``recording`` of the status: where it goes and how long the disk will do at the rate of these seconds."""
    try:
        free = shutil.disk_usage(recorder.path.parent).free
    except OSError:
        free = 0
    rate = recorder.bytes_written / seconds
    return {
        "path": str(recorder.path),
        "state": "failed" if problem else "stopped" if recorder.closed else "recording",
        "problem": problem,
        "bytes": recorder.bytes_written,
        "seconds": seconds,
        "free_bytes": free,
        "minutes_left": free / rate / 60 if rate else None,
    }
