"""The limits that held when a recording was made, as its definitions tell them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from groundstation.campaign import LimitTable
from groundstation.reading import Reading
from protocols.errors import RecordingError

_NONE: Mapping[str, Any] = {"yellow": None, "red": None}


def as_recorded(reading: Reading) -> Reading:
    """The same reading under the limits that held then; of other people's formats, under those declared.

    Raises RecordingError on definitions that nobody can have written.
    """
    packets = reading.recording.definitions.get("packets")
    if not isinstance(packets, dict):
        return replace(reading, overrides={})
    overrides = {}
    for name in reading.pipeline().fields:
        packet, _, path = name.partition(".")
        try:
            overrides[name] = _limits(packets.get(packet, {}).get("measurements", {}).get(path, _NONE))
        except (ValidationError, AttributeError, TypeError, ValueError):
            problem = f"its definitions tell limits of {name} that cannot be; name two campaign files with --campaign"
            raise RecordingError(reading.recording.path, problem) from None
    return replace(reading, overrides=overrides)


def _limits(told: Mapping[str, Any]) -> LimitTable:
    """A measurement's limits. Raises what a wrong type raises."""
    given = {name: told[name] for name in ("persistence", "persistence_s", "hysteresis", "when") if name in told}
    sides = {name: _band(told.get(name)) for name in ("yellow", "red")}
    return LimitTable.model_validate({**sides, **given})


def _band(told: Any) -> list[float] | None:
    """A band; an open side is null in JSON."""
    if told is None:
        return None
    low, high = told
    return [-math.inf if low is None else low, math.inf if high is None else high]
