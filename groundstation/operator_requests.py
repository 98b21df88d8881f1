"""What operators ask of a running station from their consoles: acknowledge, mark, stop, and what a replay adds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from groundstation.event import EventKind

if TYPE_CHECKING:
    from groundstation.station import Station

log = logging.getLogger("groundstation")


def answer(station: Station, request: Mapping[str, Any]) -> None:
    """Do what is asked for. What is not understood is said, not guessed."""
    do, by = request.get("do"), _words(request, "by", 40)
    if do == "acknowledge":
        for name in station.pipeline.alarms.acknowledge(
            _words({"measurement": "*"} | dict(request), "measurement", 400), by
        ):
            station.happened(EventKind.OPERATOR, "acknowledged", f"{name} acknowledged by {by or 'an operator'}", {})
        station.publish_alarms()
    elif do == "mark":
        text = _words(request, "text", 400)
        station.happened(EventKind.OPERATOR, "mark", f"{text} ({by})" if by else text, {"by": by})
    elif do == "stop":
        station.happened(EventKind.STATION, "stop", f"stopped by {by or 'an operator'}", {})
        station.stopping.set()
    elif isinstance(do, str) and do in station.setup.requests:
        station.setup.requests[do](request)
        station.publish_status()
    else:
        log.warning("a console asked for %.80r, which is not done here", do if isinstance(do, str) else type(do))


def _words(request: Mapping[str, Any], key: str, most: int) -> str:
    """A text of a request, in one line of printable characters; empty where it is none."""
    text = request.get(key)
    if not isinstance(text, str):
        return ""
    return "".join(each if each.isprintable() else " " for each in text[: 4 * most]).strip()[:most]
