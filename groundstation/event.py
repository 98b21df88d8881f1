"""Something that happened, at a time: what the event list, the recording and the bus's ``event`` topic hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What an event is about."""

    FLIGHT = "flight"
    LIMIT = "limit"
    LINK = "link"
    RECORDING = "recording"
    OPERATOR = "operator"
    STATION = "station"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Its time is the data's, so that a replay tells the same story."""

    kind: EventKind
    name: str
    """A word: liftoff, red, lost, mark."""
    received_ns: int
    """When, on the clock of the chunks."""
    text: str
    """A sentence for an operator."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Numbers and names for a script."""
