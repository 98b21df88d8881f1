"""The first row of a text table: names and units of its columns, and which of them is the time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_UNIT = re.compile(r"^(?P<name>.*?)\s*(?:\[(?P<square>[^\]]*)\]|\((?P<round>[^)]*)\))$")
_SUFFIXES = {
    **{unit: unit for unit in ("m", "km", "s", "ms", "us", "ns", "deg", "rad", "Hz", "V", "mV", "mA")},
    **{unit.lower(): unit for unit in ("Pa", "hPa", "kPa", "mbar", "degC", "dBm", "Hz", "V", "mV", "mA")},
    "mps": "m/s",
    "mps2": "m/s2",
    "percent": "%",
    "deciseconds": "ds",
    "milliseconds": "ms",
    "seconds": "s",
}
"""Units that end a name behind an underscore, and how they are written."""
_PART = re.compile(r"([A-Za-z°%]+)/(10+)")
SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "unix", "unix s"), 1.0),
    **dict.fromkeys(("ds", "decisecond", "deciseconds"), 0.1),
    **dict.fromkeys(("cs", "centisecond", "centiseconds"), 0.01),
    **dict.fromkeys(("ms", "msec", "millis", "millisecond", "milliseconds", "unix ms"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "micros", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}
"""Seconds in what people write for units of time."""
_TIMES = (
    "received_ns", "received", "unix_time", "unix", "utc", "datetime", "date_time", "timestamp", "time_stamp", "time",
    "ts", "t", "mission_time", "flight_time", "elapsed_time", "elapsed", "measurement_time", "millis", "micros",
)  # fmt: skip
"""Names of columns of time, the best first; after them any whose first or last word is one of _WORDS."""
_WORDS = frozenset(("time", "timestamp", "millis", "micros", "datetime"))


@dataclass(frozen=True, slots=True)
class Named:
    """A column as its header tells."""

    title: str
    """As it stands in the file."""
    name: str
    """An identifier in lower case; no two columns have the same."""
    unit: str = ""
    scale: float = 1.0
    """Of the unit, in one cell's number."""


def named(titles: Sequence[str]) -> list[Named]:
    """The columns of a header."""
    found: list[Named] = []
    used: set[str] = set()
    seen: Counter[str] = Counter()
    for place, title in enumerate(titles):
        text, unit = _split(title.strip().lstrip("#").strip())
        base = identifier(text) or f"column_{place + 1}"
        name = base
        while name in used:
            seen[base] += 1
            name = f"{base}_{seen[base] + 1}"
        used.add(name)
        found.append(Named(title.strip(), name, *_scaled(unit)))
    return found


def _split(title: str) -> tuple[str, str]:
    """Name and unit of ``altitude [m]``, ``altitude (m)`` or ``altitude_m``."""
    told = _UNIT.match(title)
    if told and told["name"]:
        unit = told["square"] if told["square"] is not None else told["round"]
        return told["name"], unit.strip()
    name, _, suffix = title.rpartition("_")
    return (name, _SUFFIXES[suffix.lower()]) if name and suffix.lower() in _SUFFIXES else (title, "")


def _scaled(unit: str) -> tuple[str, float]:
    """A unit and the part of it that a number counts: ``deg/10000``, ``decivolts``."""
    told = _PART.fullmatch(unit)
    if told:
        return told[1], 1.0 / int(told[2])
    return ("V", 0.1) if unit == "decivolts" else (unit, 1.0)


def identifier(text: str) -> str:
    """A name as a Python identifier in lower case; empty where nothing is left of it."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^0-9a-z]+", "_", words.lower()).strip("_")
    if name[:1].isdigit():
        name = f"n{name}"
    return f"{name}_" if name in ("body", "frame", "header") else name


def time_columns(columns: Sequence[Named]) -> list[int]:
    """The columns that are times by their names, the best first."""
    places = {column.name: place for place, column in reversed(list(enumerate(columns)))}
    whole = {identifier(column.title): place for place, column in reversed(list(enumerate(columns)))}
    best = [where[name] for name in _TIMES for where in (whole, places) if name in where]
    ends = [
        place
        for place, column in enumerate(columns)
        if {column.name.split("_")[0], column.name.split("_")[-1]} & _WORDS
    ]
    return list(dict.fromkeys((*best, *ends)))
