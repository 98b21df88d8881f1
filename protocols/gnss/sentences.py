"""NMEA 0183 sentences as construct declarations: fields that end at a comma, of any length, empty where not known.

A sentence is declared as an ordinary ``Struct`` of these fields in their order. Senders leave out fields at the end, so
all of them may be missing: numbers are NaN then, texts empty. Fields after NMEA 0183 4.11 as the u-blox receiver
descriptions give them.
"""

from __future__ import annotations

import math
from typing import IO, TYPE_CHECKING, Any

from construct import Array, Construct, GreedyRange, StreamError, Struct

from protocols.measurement import Measurement

if TYPE_CHECKING:
    _Construct = Construct[Any, Any]
else:
    _Construct = Construct  # generic in the stubs only


class Text(_Construct):
    """A field as it stands."""

    commas = 1
    """Fields of the sentence that it takes."""

    def _parse(self, stream: IO[bytes], context: Any, path: str) -> Any:  # noqa: ARG002 construct's own signature
        rest = stream.read()
        fields = rest.split(b",", self.commas)
        if len(fields) > self.commas:
            stream.seek(-len(fields.pop()), 1)
        return self.value(*(field.decode("ascii", "replace") for field in fields))

    def value(self, text: str, *_: str) -> Any:
        """What the field's text says."""
        return text


class Number(Text):
    """A decimal number."""

    def value(self, text: str, *_: str) -> float:
        """The number; NaN where there is none."""
        return _number(text)


class TimeOfDay(Text):
    """``hhmmss.ss``, as seconds of the UTC day."""

    def value(self, text: str, *_: str) -> float:
        """The seconds; NaN where there is no time."""
        return 3600 * _number(text[:2]) + 60 * _number(text[2:4]) + _number(text[4:])


class Angle(Text):
    """``ddmm.mmmm`` and a letter, as degrees, negative in the south and the west."""

    commas = 2

    def value(self, text: str, *letter: str) -> float:
        """The degrees; NaN where there is no angle."""
        point = text.find(".") if "." in text else len(text)
        degrees = _number(text[: point - 2] or "0") + _number(text[max(0, point - 2) :]) / 60
        return -degrees if letter and letter[0] in ("S", "W") else degrees


class Signed(Text):
    """A number and a letter, negative to the west."""

    commas = 2

    def value(self, text: str, *letter: str) -> float:
        """The number; NaN where there is none."""
        return -_number(text) if letter and letter[0] == "W" else _number(text)


class Date(Text):
    """``ddmmyy``, as ``yyyy-mm-dd``; the years are 1980 to 2079."""

    def value(self, text: str, *_: str) -> str:
        """The date; empty where there is none."""
        if len(text) != 6 or not text.isdecimal():
            return ""
        return f"{'19' if text[4:] >= '80' else '20'}{text[4:]}-{text[2:4]}-{text[:2]}"


class Left(_Construct):
    """Takes nothing; refuses where fewer fields are left, so that a list of groups ends."""

    def __init__(self, fields: int) -> None:
        super().__init__()
        self.fields = fields

    def _parse(self, stream: IO[bytes], context: Any, path: str) -> None:  # noqa: ARG002 construct's own signature
        rest = stream.read()
        stream.seek(-len(rest), 1)
        if rest.count(b",") + 1 < self.fields:
            raise StreamError("too few fields are left", path)


class Sentence(_Construct):
    """All that is left of the sentence, which is not used up."""

    def _parse(self, stream: IO[bytes], context: Any, path: str) -> str:  # noqa: ARG002 construct's own signature
        rest = stream.read()
        stream.seek(-len(rest), 1)
        return rest.decode("ascii", "replace")


def _number(text: str) -> float:
    """The number that a text is, without what Python alone takes for one (``1_0``, ``inf``); else NaN."""
    if not text.strip("+-0123456789."):
        try:
            return float(text)
        except ValueError:
            pass
    return math.nan


def _n(name: str, doc: str, unit: str = "", kind: Construct[Any, Any] | None = None) -> Any:
    return name / Measurement(kind or Number(), unit) * doc


def _t(name: str, doc: str) -> Any:
    return name / Text() * doc


def _declared(*fields: Any) -> Construct[Any, Any]:
    return Struct(
        "sentence" / Sentence() * "the whole sentence, without its check",
        "address" / Text() * "talker and formatter",
        *fields,
    )


_TIME = _n("time", "of the day, UTC", "s", TimeOfDay())
_LATITUDE = _n("latitude", "north positive", "deg", Angle())
_LONGITUDE = _n("longitude", "east positive", "deg", Angle())
_STATUS = _t("status", "A: valid, V: a warning")
_MODE = _t("mode", "A: autonomous, D: differential, E: estimated, R: RTK fixed, F: RTK float, N: none")
_SATELLITE = Struct(
    Left(4),
    _n("number", "of the satellite"),
    _n("elevation", "above the horizon", "deg"),
    _n("azimuth", "clockwise from north", "deg"),
    _n("cn0", "carrier to noise density; NaN: not tracked", "dBHz"),
)

SENTENCES: dict[str, tuple[str, Construct[Any, Any]]] = {
    "GGA": (
        "position and fix",
        _declared(
            _TIME,
            _LATITUDE,
            _LONGITUDE,
            _n("quality", "0: no fix, 1: autonomous, 2: differential, 4: RTK fixed, 5: RTK float, 6: estimated"),
            _n("satellites", "used; many receivers stop at 12"),
            _n("hdop", "horizontal dilution of precision"),
            _n("altitude", "above mean sea level", "m"),
            _t("altitude_unit", "M"),
            _n("geoid_separation", "of the geoid above the ellipsoid", "m"),
            _t("geoid_separation_unit", "M"),
            _n("age", "of the differential corrections", "s"),
            _t("station", "that the corrections came from"),
        ),
    ),
    "RMC": (
        "recommended minimum: position, velocity, date",
        _declared(
            _TIME,
            _STATUS,
            _LATITUDE,
            _LONGITUDE,
            _n("speed", "over ground", "kn"),
            _n("course", "over ground, true", "deg"),
            "date" / Date() * "UTC",
            _n("variation", "magnetic, east positive", "deg", Signed()),
            _MODE,
            _t("navigation_status", "V: no navigation device for safety at sea"),
        ),
    ),
    "VTG": (
        "course and speed over ground",
        _declared(
            _n("course", "over ground, true", "deg"),
            _t("course_reference", "T"),
            _n("magnetic_course", "over ground, magnetic", "deg"),
            _t("magnetic_course_reference", "M"),
            _n("speed", "over ground", "kn"),
            _t("speed_unit", "N"),
            _n("speed_km_h", "over ground", "km/h"),
            _t("speed_km_h_unit", "K"),
            _MODE,
        ),
    ),
    "GLL": ("position", _declared(_LATITUDE, _LONGITUDE, _TIME, _STATUS, _MODE)),
    "GNS": (
        "position and fix, of several systems",
        _declared(
            _TIME,
            _LATITUDE,
            _LONGITUDE,
            _t("modes", "a letter for each system: N: no fix, A: autonomous, D: differential, R, F: RTK"),
            _n("satellites", "used"),
            _n("hdop", "horizontal dilution of precision"),
            _n("altitude", "above mean sea level", "m"),
            _n("geoid_separation", "of the geoid above the ellipsoid", "m"),
            _n("age", "of the differential corrections", "s"),
            _t("station", "that the corrections came from"),
            _t("navigation_status", "V: no navigation device for safety at sea"),
        ),
    ),
    "GSA": (
        "satellites used, and dilution of precision",
        _declared(
            _t("selection", "M: 2D or 3D by command, A: by itself"),
            _n("fix", "1: none, 2: 2D, 3: 3D"),
            _n("satellites", "used, NaN where there are fewer than 12", "", Array(12, Number())),
            _n("pdop", "dilution of precision in position"),
            _n("hdop", "horizontal dilution of precision"),
            _n("vdop", "vertical dilution of precision"),
            _n("system", "1: GPS, 2: GLONASS, 3: Galileo, 4: BeiDou, 5: QZSS"),
        ),
    ),
    "GST": (
        "errors of the position, standard deviations",
        _declared(
            _TIME,
            _n("range_rms", "of the pseudoranges", "m"),
            _n("major", "semi-major axis of the error ellipse", "m"),
            _n("minor", "semi-minor axis of the error ellipse", "m"),
            _n("orientation", "of the major axis, from north", "deg"),
            _n("latitude_error", "in latitude", "m"),
            _n("longitude_error", "in longitude", "m"),
            _n("altitude_error", "in altitude", "m"),
        ),
    ),
    "ZDA": (
        "time and date",
        _declared(
            _TIME,
            _n("day", "of the month, UTC"),
            _n("month", "of the year, UTC"),
            _n("year", "UTC"),
            _n("zone_hours", "from local time to UTC", "h"),
            _n("zone_minutes", "from local time to UTC", "min"),
        ),
    ),
    "GSV": (
        "satellites in view, four a sentence",
        _declared(
            _n("total", "sentences of the list"),
            _n("index", "of this one among them"),
            _n("in_view", "satellites in view"),
            "satellites" / GreedyRange(_SATELLITE),
        ),
    ),
    "HDT": ("heading, true", _declared(_n("heading", "true", "deg"))),
    "TXT": (
        "a text of the receiver",
        _declared(
            _n("total", "sentences of the text"),
            _n("index", "of this one among them"),
            _n("kind", "0: error, 1: warning, 2: notice, 7: answer"),
            _t("text", "what it says"),
        ),
    ),
}
"""By formatter: what it tells, and its fields."""

PLAIN = _declared()
"""Of other formatters."""
