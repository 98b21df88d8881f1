"""One measurement as it is now: its value, and what may be thought of it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from groundstation.console.declared import Measurement


class Quality(IntEnum):
    """What may be thought of a value, the worst last: the worst that holds is shown."""

    NOMINAL = 0
    FROZEN = 1
    YELLOW = 2
    RED = 3
    STALE = 4
    INVALID = 5
    ABSENT = 6
    """Never received."""


class Origin(IntEnum):
    """Where what is on the screen comes from."""

    LIVE = 0
    SIMULATION = 1
    REPLAY = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement now."""

    declared: Measurement
    value: Any
    """A float, a text, a list, or None where there is none."""
    quality: Quality
    age_ns: int
    """Age in data time; -1 where it was never received."""
    low: float
    high: float
    """Extremes of the session so far; NaN where there is none."""

    @property
    def number(self) -> float:
        """The value as one number; NaN where it is none."""
        return float(self.value) if isinstance(self.value, (int, float)) else float("nan")
