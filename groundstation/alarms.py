"""The alarm table: what is out of limits or has not been seen by anybody yet, with its first cause.

An alarm is raised by the first crossing out of nominal. It stays in the table until it is neither active nor
unacknowledged. A rise to a higher level asks for a new acknowledgement; a red alarm that eases to yellow stays shown as
red until somebody has acknowledged it. Alarms are numbered in the order they came since the table was last empty, so
number 1 is the first cause (docs/bus.md, ``alarms``).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from groundstation.limits import Crossing, Level, Standing

_MOST = 1000
"""Alarms kept. As JSON they stay under half of the 1 MB that every broker we start carries."""


@dataclass(slots=True)
class Alarm:
    """One measurement's alarm."""

    measurement: str
    """Its full name."""
    first_out: int
    """Its number in the order of coming; 1 is the first cause."""
    since_ns: int
    """The first sample outside, of its first time."""
    unit: str
    shown: Level
    """The highest level since it was last acknowledged."""
    limit: str
    """The limit violated at the level shown."""
    level: Level
    """The level now."""
    limit_now: str
    """The limit violated at the level now."""
    value: float
    """The newest value, or the one that ended it."""
    worst: float
    """The value furthest out of all its times."""
    beyond: float
    """How far worst lies outside of its limit."""
    acknowledged: bool = False
    by: str = ""
    """Who acknowledged it; empty: nobody."""
    count: int = 1
    """How often it came."""

    @property
    def active(self) -> bool:
        """Whether the measurement is out of limits now."""
        return self.level is not Level.NOMINAL

    @property
    def need(self) -> tuple[int, bool, int]:
        """How soon it needs an eye, least first: red, then unacknowledged, then in the order of coming."""
        return -self.shown, self.acknowledged, self.first_out


class AlarmTable:
    """All alarms of a station; at most 1,000: of more, the one needed least is dropped and counted."""

    def __init__(self) -> None:
        self._alarms: dict[str, Alarm] = {}
        self._numbered = 0
        self.dropped = 0
        """Alarms that found no place."""

    def __len__(self) -> int:
        return len(self._alarms)

    def fork(self) -> AlarmTable:
        """Another one in the same state, which goes on by itself."""
        other: AlarmTable = copy.copy(self)
        other._alarms = {name: copy.copy(alarm) for name, alarm in self._alarms.items()}
        return other

    @property
    def alarms(self) -> list[Alarm]:
        """By need: red first, then unacknowledged, then in the order of coming."""
        return sorted(self._alarms.values(), key=lambda alarm: alarm.need)

    def update(self, crossing: Crossing) -> None:
        """Enter a crossing; crossings come in their order."""
        alarm = self._alarms.get(crossing.measurement)
        if alarm is not None:
            self._step(alarm, crossing)
        elif crossing.level is not Level.NOMINAL:
            self._raise(crossing)

    def follow(self, standing: Iterable[Standing]) -> bool:
        """Keep the newest and the worst value of what is still out of limits; whether a worst value changed."""
        changed = False
        for each in standing:
            alarm = self._alarms.get(each.measurement)
            if alarm is not None and alarm.active:
                alarm.value = each.value
                changed |= _keep_worst(alarm, each.worst, each.beyond)
        return changed

    def acknowledge(self, measurement: str, by: str) -> list[str]:
        """Mark an alarm as seen, or all with ``"*"``; the names of those that were not acknowledged before."""
        seen = [alarm for alarm in self.alarms if measurement in ("*", alarm.measurement) and not alarm.acknowledged]
        for alarm in seen:
            alarm.acknowledged, alarm.by = True, by
            alarm.shown, alarm.limit = alarm.level, alarm.limit_now
            self._leave(alarm)
        return [alarm.measurement for alarm in seen]

    def totals(self) -> dict[str, int]:
        """How many are shown red and yellow, and how many are not acknowledged: ``alarms`` of the station status."""
        shown = [alarm.shown for alarm in self._alarms.values()]
        unseen = sum(not alarm.acknowledged for alarm in self._alarms.values())
        return {"red": shown.count(Level.RED), "yellow": shown.count(Level.YELLOW), "unacknowledged": unseen}

    def as_payload(self, mission_time: Callable[[int], float | None]) -> dict[str, Any]:
        """The ``alarms`` payload; mission_time gives the seconds since T-0 of a time in ns, None before it is known."""
        return {"alarms": [_as_dict(alarm, mission_time(alarm.since_ns)) for alarm in self.alarms]}

    def _raise(self, crossing: Crossing) -> None:
        """A new alarm."""
        self._numbered += 1
        self._alarms[crossing.measurement] = Alarm(
            measurement=crossing.measurement,
            first_out=self._numbered,
            since_ns=crossing.since_ns,
            unit=crossing.unit,
            shown=crossing.level,
            limit=crossing.limit,
            level=crossing.level,
            limit_now=crossing.limit,
            value=crossing.value,
            worst=crossing.worst,
            beyond=crossing.beyond,
        )
        if len(self._alarms) > _MOST:
            del self._alarms[self.alarms[-1].measurement]
            self.dropped += 1

    def _step(self, alarm: Alarm, crossing: Crossing) -> None:
        """A known alarm that rises, eases, ends or comes again."""
        if crossing.level > alarm.level:
            alarm.count += not alarm.active
            alarm.acknowledged, alarm.by = False, ""
        alarm.level, alarm.value = crossing.level, crossing.value
        _keep_worst(alarm, crossing.worst, crossing.beyond)
        if alarm.active:
            alarm.limit_now = crossing.limit
            if alarm.acknowledged or crossing.level >= alarm.shown:
                alarm.shown, alarm.limit = crossing.level, crossing.limit
        self._leave(alarm)

    def _leave(self, alarm: Alarm) -> None:
        """Take an alarm off that is neither active nor unacknowledged; an empty table numbers from 1 again."""
        if alarm.acknowledged and not alarm.active:
            del self._alarms[alarm.measurement]
            if not self._alarms:
                self._numbered = 0


def _keep_worst(alarm: Alarm, worst: float, beyond: float) -> bool:
    """Whether a value is further out than the alarm's worst so far, which it then is."""
    if beyond <= alarm.beyond:
        return False
    alarm.worst, alarm.beyond = worst, beyond
    return True


def _as_dict(alarm: Alarm, mission_time: float | None) -> dict[str, Any]:
    """One alarm as docs/bus.md has it; a value that is not finite is null there."""
    return {
        "measurement": alarm.measurement,
        "level": alarm.shown.word,
        "active": alarm.active,
        "acknowledged": alarm.acknowledged,
        "by": alarm.by,
        "first_out": alarm.first_out,
        "since_ns": alarm.since_ns,
        "mission_time": mission_time,
        "value": alarm.value if math.isfinite(alarm.value) else None,
        "worst": alarm.worst if math.isfinite(alarm.worst) else None,
        "limit": alarm.limit,
        "unit": alarm.unit,
        "count": alarm.count,
    }
