"""What a station says of itself on its ``status`` topic (docs/bus.md)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundstation.station import Station


def status(station: Station, now_ns: int) -> dict[str, Any]:
    """``status``, at a time on the station's clock."""
    setup, pipeline, outbox = station.setup, station.pipeline, station.outbox
    flight = pipeline.flight
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
        "recording": station.recording.as_payload(),
        "replay": dict(setup.replay_status()) if setup.replay_status else None,
        "alarms": pipeline.alarms.totals(),
        "outbox": {
            "waiting": outbox.waiting,
            "events_dropped": outbox.events_dropped,
            "catching_up": station.catching_up,
        },
    }
