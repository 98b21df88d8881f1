"""Static alarm ranges as limits: warning is yellow, critical is red."""

from __future__ import annotations

from math import inf, nextafter
from typing import Any, Final

from protocols.errors import DeclarationError
from protocols.measurement import Band
from protocols.xtce.document import Element

_YELLOW: Final = ("WatchRange", "WarningRange")
_RED: Final = ("DistressRange", "CriticalRange", "SevereRange")
"""Of several the one nearest to what is normal holds."""
_LEFT_OUT: Final = ("ChangeAlarmRanges", "AlarmMultiRanges", "AlarmConditions", "CustomAlarm")


def limits(kind: Element) -> dict[str, Any]:
    """What a Measurement takes of a type's alarms.

    Raises DeclarationError on ranges that are no limits: an alarm inside of them, or red ones within yellow ones.
    """
    alarm = kind.first("DefaultAlarm")
    ranges = alarm.first("StaticAlarmRanges") if alarm is not None else None
    if alarm is None or ranges is None:
        return {}
    if ranges.get("rangeForm", "outside") != "outside":
        raise ranges.refused("raises alarms inside of its ranges; only alarms outside of ranges are read")
    yellow, red = _nearest(ranges, _YELLOW), _nearest(ranges, _RED)
    if yellow is not None and red is not None and not (red[0] <= yellow[0] and yellow[1] <= red[1]):
        raise ranges.refused(f"has warnings {yellow} outside of what is critical, {red}; correct it")
    told = {"yellow": yellow, "red": red, "persistence": _violations(alarm)}
    return {name: each for name, each in told.items() if each is not None}


def _violations(alarm: Element) -> int:
    found = alarm.whole("minViolations", 1)
    if found < 1:
        raise alarm.refused(f"has minViolations={found}; give 1 or more")
    return found


def left_out(kind: Element) -> list[str]:
    """What of a type's alarms is not read, with its line."""
    alarm = kind.first("DefaultAlarm")
    parts = [each for each in kind if each.tag == "ContextAlarmList"]
    parts += [each for each in alarm if each.tag in _LEFT_OUT] if alarm is not None else []
    return [f"line {each.line} {each.tag}" for each in parts]


def _nearest(ranges: Element, tags: tuple[str, ...]) -> Band | None:
    """The narrowest of ranges; None where there is none."""
    bands = [_band(each) for tag in tags for each in ranges.all(tag)]
    if not bands:
        return None
    band = max(low for low, _ in bands), min(high for _, high in bands)
    if not band[0] < band[1]:
        raise ranges.refused(f"leaves nothing that is normal: {band}; correct it")
    return band


def _band(element: Element) -> Band:
    low = element.number("minInclusive", -inf)
    high = element.number("maxInclusive", inf)
    if "minExclusive" in element.attributes:
        low = max(low, nextafter(element.number("minExclusive", -inf), inf))
    if "maxExclusive" in element.attributes:
        high = min(high, nextafter(element.number("maxExclusive", inf), -inf))
    if not low < high:
        raise DeclarationError(f"line {element.line}", f"{element.tag} is from {low} to {high}; correct it")
    return low, high
