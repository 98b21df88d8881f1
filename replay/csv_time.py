"""What a table's column of time counts, and its cells in nanoseconds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replay.csv_header import SECONDS, Named

_UNIX = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (1e9, 1.0))
"""From which value on a number is a date since 1970, and its unit in s: a time since a start never gets so large."""
_LARGEST_NS = 1 << 62
"""Times are less: two of them can be added."""
_LARGEST = 1e300
"""Of numbers that are looked at to tell what they count: what is more, or none, tells nothing."""
NONE = -(1 << 63)
"""No time: also what numpy makes of no date."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How a column's cells are times."""

    seconds: float
    """Of one unit; 0: they are dates in ISO 8601."""
    utc: bool
    """Whether they count from 1970 UTC."""
    assumed: str = ""
    """What was taken for it without being said."""


def clock_of(column: Named, cells: Sequence[str], decimal: str = ".") -> Clock | None:
    """What a sample of a column of time counts; None where its cells are no times."""
    told = [cell.strip().replace(decimal, ".") for cell in cells if cell.strip()]
    numbers = np.array([number for number in map(_number, told) if number is not None and abs(number) <= _LARGEST])
    if len(numbers) < 0.9 * len(told) or not told:
        good = sum(_date_ns(cell) is not None for cell in told)
        return Clock(0.0, utc=True) if told and good >= 0.9 * len(told) else None
    seconds = SECONDS.get(column.unit.lower())
    middle = float(np.median(np.abs(numbers)))
    if column.name in ("millis", "micros"):
        seconds = SECONDS[column.name]
    if seconds is not None:
        return Clock(seconds, utc=middle * seconds > _UNIX[-1][0])
    for least, unit in _UNIX:
        if middle >= least:
            said = "unix" in column.name or "utc" in column.name
            told_so = "" if said else f"column {column.title} counts {_name(unit)} since 1970"
            return Clock(unit, utc=True, assumed=told_so)
    steps = np.diff(numbers)
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    if usual >= 5 and (numbers == np.rint(numbers)).all():  # rows of a flight do not come 5 s apart
        unit = 1e-3 if usual < 5000 else 1e-6
        return Clock(unit, utc=False, assumed=f"column {column.title} counts {_name(unit)}: it goes up by {usual:g}")
    return Clock(1.0, utc=False, assumed=f"column {column.title} counts s")


def _name(unit: float) -> str:
    return {1e-9: "ns", 1e-6: "us", 1e-3: "ms"}.get(unit, "s")


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def nanoseconds(values: NDArray[Any], seconds: float) -> NDArray[np.int64]:
    """Numbers in a unit of so many seconds as ns, int64 (n,); NONE where there is none."""
    scale = round(seconds * 1e9)
    if values.dtype.kind == "i":
        inside = (values > -_LARGEST_NS // scale) & (values < _LARGEST_NS // scale)
        return np.where(inside, values * scale, NONE)
    with np.errstate(invalid="ignore", over="ignore"):
        wide = np.rint(values * (seconds * 1e9))
        inside = np.abs(wide) < _LARGEST_NS
        whole: NDArray[np.int64] = np.where(inside, np.where(inside, wide, 0.0).astype(np.int64), NONE)
    return whole


def dates(cells: Sequence[str]) -> NDArray[np.int64]:
    """Dates in ISO 8601 as ns since 1970 UTC, int64 (n,); NONE where there is none."""
    bare = [cell.strip().removesuffix("Z").removesuffix("+00:00") for cell in cells]
    if not any("+" in cell or cell.count("-") > 2 for cell in bare):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a zone within a cell that is no date
                return np.array(bare, "datetime64[ns]").astype(np.int64)
        except (ValueError, Warning):
            pass
    found = [_date_ns(cell) for cell in cells]
    return np.array([NONE if each is None else each for each in found], np.int64)


def _date_ns(cell: str) -> int | None:
    """A date in ns since 1970, one without a zone taken for UTC."""
    text = cell.strip()
    whole, _, fraction = text.partition(".")
    digits = "".join(each for each in fraction if each.isdigit()) if fraction[:9].isdigit() else ""
    try:
        if digits and len(fraction) == len(digits) and len(digits) > 6:  # finer than datetime takes
            return _date_ns(whole) + int(digits[:9].ljust(9, "0"))  # type: ignore[operator]
        made = datetime.fromisoformat(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if len(text) < 11:  # a day is no time
        return None
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    since = made - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
