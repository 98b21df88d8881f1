"""Numbers as an operator reads them: a fixed number of decimals from the measurement's resolution, an SI prefix that
stays where it is.

A scale is kept for each measurement and only ever moves to a larger prefix or to fewer decimals as larger values
come: numbers do not dance.
"""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

from groundstation.console.declared import Measurement

_METRIC = ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"))
_PREFIXED = {
    "m": _METRIC[:2],
    **dict.fromkeys(("Pa", "N", "W", "Hz", "V", "A", "J", "B", "B/s", "bit/s", "N·s", "Ns"), _METRIC),
}
"""Units that take a prefix in the field's practice: nobody says km/s of a sounding rocket, or ms of its clock."""
_ANGLES = frozenset({"°", "deg", "degree", "degrees"})
_STEP_UP = 10.0
"""9 999 m, then 10.00 km: a prefix is taken when the number before the point has two digits in it."""
_DIGITS = {"f32": 6, "f64": 8}
"""Digits worth showing of a float that declares no resolution; of another type six."""
SPACE = "\N{NO-BREAK SPACE}"
ABSENT = "–"


@dataclass(slots=True)
class Scale:
    """How the numbers of one measurement are written."""

    declared: Measurement
    _index: int = -1
    whole: int = 1
    """Digits before the point of the largest number so far, in the prefixed unit."""
    _prefixes: tuple[tuple[float, str], ...] = field(default=_METRIC[:1])

    def __post_init__(self) -> None:
        self._prefixes = _PREFIXED.get(self.declared.unit, _METRIC[:1])
        sides = (
            side for band in (self.declared.yellow, self.declared.red) if band for side in band if side is not None
        )
        self._index = self._largest(max(map(abs, sides), default=0.0), 1.0)

    def _largest(self, magnitude: float, step: float) -> int:
        fitting = [index for index, (factor, _) in enumerate(self._prefixes) if index and magnitude >= step * factor]
        return fitting[-1] if fitting else 0

    def adapt(self, *values: float) -> None:
        """Make room for values; NaN is passed over."""
        magnitude = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
        index = max(self._index, self._largest(magnitude, _STEP_UP))
        if index != self._index:
            self._index, self.whole = index, 1
        scaled = magnitude / self.factor
        self.whole = max(self.whole, len(str(int(scaled))) if scaled < 1e15 else 16)

    @property
    def factor(self) -> float:
        """What the shown number is multiplied by to give the unit."""
        return self._prefixes[self._index][0]

    @property
    def unit(self) -> str:
        """The unit with its prefix."""
        return self._prefixes[self._index][1] + self.declared.unit

    def decimals(self, digits: int | None = None) -> int:
        """Digits after the point: what the resolution is worth, of ``digits`` in all at most."""
        declared, resolution = self.declared, self.declared.resolution / self.factor
        is_whole = not resolution and declared.raw_type[:1] in {"u", "i"} and not declared.unit
        if is_whole:
            return 0
        worth = max(0, math.ceil(-math.log10(resolution) - 1e-9)) if resolution > 0 else 15
        allowed = digits if digits is not None else _DIGITS.get(declared.raw_type, 6)
        if declared.unit in _ANGLES and resolution < 1e-3 and declared.raw_type not in {"f32", ""}:
            allowed = max(allowed, 8)  # a position: five decimals are a metre
        return min(worth, max(0, allowed - self.whole), 6)

    def text(self, value: float, digits: int | None = None) -> str:
        """A value in the prefixed unit, without the unit."""
        if not math.isfinite(value):
            return ABSENT
        text = f"{value / self.factor:.{self.decimals(digits)}f}"
        return text[1:] if text[0] == "-" and not text.strip("-0.") else text  # no minus before zero


def grouped(text: str) -> str:
    """A number's text with a narrow gap every three digits before the point, from five digits on."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = digits.partition(".")
    return f"{sign}{int(whole):,}".replace(",", SPACE) + point + rest if len(whole) > 3 and whole.isdecimal() else text


def count(number: float) -> str:
    """A whole number in groups of three: ``18 200 000``."""
    return f"{int(number):,}".replace(",", SPACE)


def amount(number: float, unit: str) -> str:
    """A number with three digits and a prefix: ``18.2 MB``, ``921 B``."""
    for factor, prefix in reversed(_METRIC):
        if abs(number) >= factor or factor == 1.0:
            scaled = number / factor
            decimals = 0 if factor == 1.0 or abs(scaled) >= 100 else 1
            return f"{scaled:.{decimals}f}{SPACE}{prefix}{unit}"
    return ""


def aligned(text: str, whole: int, rest: int) -> str:
    """A number's text with its point in a fixed place: ``whole`` cells before it, ``rest`` for it and what follows."""
    before, point, after = text.partition(".")
    return f"{before:>{whole}}{(point + after):<{rest}}"


def value_text(declared: Measurement, value: object, scale: Scale, digits: int | None = None) -> str:
    """A measurement's value as text: its label, yes or no, its number, its text; ``–`` where there is none."""
    if isinstance(value, list):
        numbers = [each for each in value if isinstance(each, (int, float))]
        return scale.text(float(numbers[-1]), digits) if numbers else ABSENT
    if not isinstance(value, (int, float)):
        return ABSENT if value is None else str(value)
    if not math.isfinite(value):
        return ABSENT
    if declared.labels:
        return declared.labels.get(int(value), f"code {int(value)}")
    if declared.is_flag:
        return "yes" if value else "no"
    return scale.text(float(value), digits)


def clock(seconds: float, tenths: bool = True) -> str:
    """A duration as ``00:01:23.4``; its sign is the caller's."""
    total = int(abs(seconds) * 10)
    whole, tenth = divmod(total, 10)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{tenth}" if tenths else text


def mission_clock(mission_time: float | None, *, tenths: bool = True) -> str:
    """Seconds since T-0 as ``T+00:01:23.4``."""
    if mission_time is None:
        return "T--:--:--.-" if tenths else "T--:--:--"
    sign = "-" if mission_time < 0 else "+"
    return f"T{sign}{clock(mission_time, tenths)}"


def brief_mission_time(mission_time: float | None) -> str:
    """Seconds since T-0 as ``T+01:23.4``, with hours only where there are some."""
    if mission_time is None:
        return "T--:--.-"
    text = clock(mission_time)
    return f"T{'-' if mission_time < 0 else '+'}{text[3:] if text.startswith('00:') else text}"


def time_of_day(data_ns: int, time_base: str) -> str:
    """A data time as ``03:17:22.4``: of the day in UTC, or of the vehicle's clock."""
    tenths = data_ns // 100_000_000
    return clock((tenths % 864_000 if time_base == "utc" else tenths) / 10)


def date(data_ns: int) -> str:
    """The day of a UTC time: ``2026-11-21``; empty where it is no time of ours."""
    try:
        return f"{datetime.fromtimestamp(data_ns // 1_000_000_000, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return ""


def age(age_ns: int) -> str:
    """An age in at most seven cells, in whole seconds so that it stands still while nothing is wrong.

    ``<1 s``, ``12 s``, ``5 min``, ``3 h``, ``2 d``.
    """
    if age_ns < 0:
        return ABSENT
    seconds = age_ns // 1_000_000_000
    if seconds < 1:
        return f"<1{SPACE}s"
    steps = ((172_800, 86_400, "d"), (7_200, 3_600, "h"), (120, 60, "min"))
    size, unit = next(((size, unit) for least, size, unit in steps if seconds >= least), (1, "s"))
    return f"{seconds // size}{SPACE}{unit}"
