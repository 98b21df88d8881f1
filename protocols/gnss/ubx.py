"""UBX messages as construct declarations, after the u-blox receiver descriptions of generations 6 to 10.

Payloads that later firmware made longer are declared as far as all have them; what follows is passed over. Times are
the GPS time of week; angles and accuracies are scaled as the descriptions say.
"""

from __future__ import annotations

from typing import Any

from construct import (
    BitsInteger,
    BitStruct,
    Construct,
    Enum,
    Flag,
    Float32l,
    Float64l,
    GreedyBytes,
    GreedyRange,
    GreedyString,
    Int8sl,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    PaddedString,
    Padding,
    Struct,
)

from protocols.curve import Linear
from protocols.gnss.rows import Rows
from protocols.measurement import Measurement


def _n(name: str, counts: Construct[Any, Any], unit: str, doc: str, scale: float = 1.0) -> Any:
    return name / Measurement(counts, unit, Linear(scale) if scale != 1.0 else None) * doc


TIME = _n("time_of_week", Int32ul, "s", "GPS time of week of the navigation epoch", 1e-3)
FIX = (
    "fix"
    / Enum(Int8ul, NONE=0, DEAD_RECKONING=1, FIX_2D=2, FIX_3D=3, GNSS_AND_DEAD_RECKONING=4, TIME_ONLY=5)
    * "kind of fix"
)
_LONGITUDE = _n("longitude", Int32sl, "deg", "east positive", 1e-7)
_LATITUDE = _n("latitude", Int32sl, "deg", "north positive", 1e-7)
_HEIGHT = _n("height", Int32sl, "m", "above the ellipsoid", 1e-3)
_HEIGHT_MSL = _n("height_msl", Int32sl, "m", "above mean sea level", 1e-3)
_GNSS = (
    "system" / Enum(Int8ul, GPS=0, SBAS=1, GALILEO=2, BEIDOU=3, IMES=4, QZSS=5, GLONASS=6, NAVIC=7) * "satellites of"
)
_SATELLITE = _n("satellite", Int8ul, "", "number of the satellite")


def _repeated(name: str, *fields: Any) -> Any:
    return name / Rows(Struct(*fields))


def _ecef(prefix: str, unit: str, scale: float, doc: str) -> list[Any]:
    return [_n(f"{prefix}{axis}", Int32sl, unit, f"{doc}, Earth-fixed {axis}", scale) for axis in "xyz"]


def _accuracies(unit: str, scale: float, **docs: str) -> list[Any]:
    return [_n(f"{name}_accuracy", Int32ul, unit, f"estimated, {doc}", scale) for name, doc in docs.items()]


def _date() -> list[Any]:
    return [
        _n("year", Int16ul, "", "UTC"),
        _n("month", Int8ul, "", "UTC"),
        _n("day", Int8ul, "", "of the month, UTC"),
        _n("hour", Int8ul, "", "of the day, UTC"),
        _n("minute", Int8ul, "", "of the hour, UTC"),
        _n("second", Int8ul, "", "of the minute, UTC"),
    ]


_POSITION = (_LONGITUDE, _LATITUDE, _HEIGHT, _HEIGHT_MSL)
_POSITION_ACCURACY = _accuracies("m", 1e-3, horizontal="horizontal", vertical="vertical")
_DATE_VALID = "valid" / BitStruct(
    Padding(5),
    "resolved" / Flag * "seconds are known for certain",
    "time" / Flag * "time of day is valid",
    "date" / Flag * "date is valid",
)
_VERSION = _n("version", Int8ul, "", "of the message")
_TIME_ACCURACY = _n("time_accuracy", Int32ul, "s", "estimated", 1e-9)
_WEEK = _n("week", Int16sl, "", "GPS week")
_LEAP = _n("leap_seconds", Int8sl, "s", "system time ahead of UTC")


def _velocities(scale: float) -> list[Any]:
    return [_n(f"velocity_{way}", Int32sl, "m/s", f"towards {way}", scale) for way in ("north", "east", "down")]


def _system_time(doc: str) -> Construct[Any, Any]:
    """NAV-TIMEBDS, NAV-TIMEGAL: a system's own week and second."""
    return Struct(
        TIME,
        _n("second_of_week", Int32ul, "s", f"{doc} time"),
        _n("fraction", Int32sl, "s", "added to the second of week", 1e-9),
        _n("week", Int16sl, "", f"{doc} week"),
        _LEAP,
        _n("valid", Int8ul, "", "bits: second of week, week, leap seconds"),
        _TIME_ACCURACY,
    )


_PVT = Struct(
    TIME,
    *_date(),
    _DATE_VALID,
    _TIME_ACCURACY,
    _n("nanosecond", Int32sl, "s", "added to the second, may be negative", 1e-9),
    FIX,
    "flags"
    / BitStruct(
        "carrier" / Enum(BitsInteger(2), NONE=0, FLOAT=1, FIXED=2) * "solution by the carrier's phase",
        Padding(4),
        "differential" / Flag * "corrections were applied",
        "fix_ok" / Flag * "within the limits for accuracy",
    ),
    Padding(1),
    _n("satellites", Int8ul, "", "used"),
    *_POSITION,
    *_POSITION_ACCURACY,
    *_velocities(1e-3),
    _n("ground_speed", Int32sl, "m/s", "horizontal", 1e-3),
    _n("course", Int32sl, "deg", "of motion, from north", 1e-5),
    *_accuracies("m/s", 1e-3, speed="speed"),
    *_accuracies("deg", 1e-5, course="course"),
    _n("pdop", Int16ul, "", "dilution of precision in position", 0.01),
    Padding(6),
)
_HNR_PVT = Struct(
    TIME,
    *_date(),
    _DATE_VALID,
    _n("nanosecond", Int32sl, "s", "added to the second, may be negative", 1e-9),
    FIX,
    _n("flags", Int8ul, "", "bits: fix is good, differential, week, time of week, heading"),
    Padding(2),
    *_POSITION,
    _n("ground_speed", Int32sl, "m/s", "horizontal", 1e-3),
    _n("speed", Int32sl, "m/s", "in space", 1e-3),
    _n("course", Int32sl, "deg", "of motion, from north", 1e-5),
    _n("heading", Int32sl, "deg", "of the vehicle, from north", 1e-5),
    *_POSITION_ACCURACY,
    *_accuracies("m/s", 1e-3, speed="speed"),
    *_accuracies("deg", 1e-5, course="course"),
    Padding(4),
)
_SOL = Struct(
    TIME,
    _n("fraction", Int32sl, "s", "added to the time of week", 1e-9),
    _WEEK,
    FIX,
    _n("flags", Int8ul, "", "bits: fix is good, differential, week, time of week"),
    *_ecef("position_", "m", 0.01, "position"),
    *_accuracies("m", 0.01, position="position"),
    *_ecef("velocity_", "m/s", 0.01, "velocity"),
    *_accuracies("m/s", 0.01, speed="speed"),
    _n("pdop", Int16ul, "", "dilution of precision in position", 0.01),
    Padding(1),
    _n("satellites", Int8ul, "", "used"),
    Padding(4),
)
_HPPOSLLH = Struct(
    _VERSION,
    Padding(2),
    _n("flags", Int8ul, "", "bit 0: the position is invalid"),
    TIME,
    *_POSITION,
    _n("longitude_more", Int8sl, "deg", "added to the longitude", 1e-9),
    _n("latitude_more", Int8sl, "deg", "added to the latitude", 1e-9),
    _n("height_more", Int8sl, "m", "added to the height", 1e-4),
    _n("height_msl_more", Int8sl, "m", "added to the height above mean sea level", 1e-4),
    *_accuracies("m", 1e-4, horizontal="horizontal", vertical="vertical"),
)
_HPPOSECEF = Struct(
    _VERSION,
    Padding(3),
    TIME,
    *_ecef("position_", "m", 0.01, "position"),
    *(_n(f"position_{axis}_more", Int8sl, "m", f"added to position_{axis}", 1e-4) for axis in "xyz"),
    _n("flags", Int8ul, "", "bit 0: the position is invalid"),
    *_accuracies("m", 1e-4, position="position"),
)
_TIMELS = Struct(
    TIME,
    _VERSION,
    Padding(3),
    _n("source", Int8ul, "", "of the leap seconds: 0: firmware, 1: GPS and GLONASS, 2: GPS, 5: Galileo, 255: unknown"),
    _n("leap_seconds", Int8sl, "s", "GPS time ahead of UTC, now"),
    _n("change_source", Int8ul, "", "of the coming change"),
    _n("change", Int8sl, "s", "coming change"),
    _n("change_in", Int32sl, "s", "time to the change, negative after it"),
    _n("change_week", Int16ul, "", "GPS week of the change"),
    _n("change_day", Int16ul, "", "of the week of the change"),
    Padding(3),
    _n("valid", Int8ul, "", "bits: leap seconds, time to the change"),
)
_SVIN = Struct(
    _VERSION,
    Padding(3),
    TIME,
    _n("duration", Int32ul, "s", "of the survey"),
    *_ecef("position_", "m", 0.01, "mean position"),
    *(_n(f"position_{axis}_more", Int8sl, "m", f"added to position_{axis}", 1e-4) for axis in "xyz"),
    Padding(1),
    *_accuracies("m", 1e-4, position="mean position"),
    _n("observations", Int32ul, "", "used"),
    _n("valid", Int8ul, "", "1: the position is good enough"),
    _n("active", Int8ul, "", "1: the survey goes on"),
    Padding(2),
)
_COVARIANCES = ("nn", "ne", "nd", "ee", "ed", "dd")
_COV = Struct(
    TIME,
    _VERSION,
    _n("position_valid", Int8ul, "", "1: covariances of the position are valid"),
    _n("velocity_valid", Int8ul, "", "1: covariances of the velocity are valid"),
    Padding(9),
    *(_n(f"position_{each}", Float32l, "m2", f"covariance of the position, {each}") for each in _COVARIANCES),
    *(_n(f"velocity_{each}", Float32l, "m2/s2", f"covariance of the velocity, {each}") for each in _COVARIANCES),
)
_DIRECTION = (
    _n("cn0", Int8ul, "dBHz", "carrier to noise density"),
    _n("elevation", Int8sl, "deg", "above the horizon"),
    _n("azimuth", Int16sl, "deg", "clockwise from north"),
)
_SAT = Struct(
    TIME,
    _VERSION,
    _n("count", Int8ul, "", "satellites in the list"),
    Padding(2),
    _repeated(
        "satellites",
        _GNSS,
        _SATELLITE,
        *_DIRECTION,
        _n("residual", Int16sl, "m", "of the pseudorange", 0.1),
        _n("flags", Int32ul, "", "bits: signal quality (3), used, health (2), corrections, orbits"),
    ),
)
_SVINFO = Struct(
    TIME,
    _n("count", Int8ul, "", "channels in the list"),
    _n("chip", Int8ul, "", "generation of the receiver"),
    Padding(2),
    _repeated(
        "channels",
        _n("channel", Int8ul, "", "255: of no channel"),
        _SATELLITE,
        _n("flags", Int8ul, "", "bits: used, differential, orbit known, ephemeris, unhealthy"),
        _n("quality", Int8ul, "", "of the signal, 0 to 7"),
        *_DIRECTION,
        _n("residual", Int32sl, "m", "of the pseudorange", 0.01),
    ),
)
_SIG = Struct(
    TIME,
    _VERSION,
    _n("count", Int8ul, "", "signals in the list"),
    Padding(2),
    _repeated(
        "signals",
        _GNSS,
        _SATELLITE,
        _n("signal", Int8ul, "", "of the satellite, by the number u-blox gives it"),
        _n("slot", Int8ul, "", "GLONASS frequency slot and 7"),
        _n("residual", Int16sl, "m", "of the pseudorange", 0.1),
        _n("cn0", Int8ul, "dBHz", "carrier to noise density"),
        _n("quality", Int8ul, "", "of the signal, 0 to 7"),
        _n("correction", Int8ul, "", "source of the corrections"),
        _n("ionosphere", Int8ul, "", "model of the ionosphere"),
        _n("flags", Int16ul, "", "bits: health (2), smoothed, used"),
        Padding(4),
    ),
)
_RAWX = Struct(
    _n("receiver_time", Float64l, "s", "time of week by the receiver's clock"),
    _n("week", Int16ul, "", "GPS week"),
    _LEAP,
    _n("count", Int8ul, "", "measurements in the list"),
    _n("status", Int8ul, "", "bits: leap seconds known, clock was reset"),
    _VERSION,
    Padding(2),
    _repeated(
        "measurements",
        _n("pseudorange", Float64l, "m", "measured"),
        _n("carrier_phase", Float64l, "", "measured, cycles"),
        _n("doppler", Float32l, "Hz", "measured, approaching positive"),
        _GNSS,
        _SATELLITE,
        _n("signal", Int8ul, "", "of the satellite, by the number u-blox gives it"),
        _n("slot", Int8ul, "", "GLONASS frequency slot and 7"),
        _n("lock_time", Int16ul, "s", "carrier phase locked for", 1e-3),
        _n("cn0", Int8ul, "dBHz", "carrier to noise density"),
        _n("pseudorange_deviation", Int8ul, "", "standard deviation, code: 0.01 m times 2 to its power"),
        _n("carrier_phase_deviation", Int8ul, "", "standard deviation, code: 0.004 cycles times it"),
        _n("doppler_deviation", Int8ul, "", "standard deviation, code: 0.002 Hz times 2 to its power"),
        _n("status", Int8ul, "", "bits: pseudorange, carrier phase, half cycle"),
        Padding(1),
    ),
)
_SFRBX = Struct(
    _GNSS,
    _SATELLITE,
    _n("signal", Int8ul, "", "of the satellite, by the number u-blox gives it"),
    _n("slot", Int8ul, "", "GLONASS frequency slot and 7"),
    _n("count", Int8ul, "", "words of the subframe"),
    _n("channel", Int8ul, "", "of the receiver"),
    _VERSION,
    Padding(1),
    "words" / Measurement(GreedyRange(Int32ul), "") * "words of the subframe",
)
_HW = Struct(
    Padding(16),
    _n("noise", Int16ul, "", "level, counts"),
    _n("gain_control", Int16ul, "", "automatic gain control, 0 to 8191"),
    "antenna" / Enum(Int8ul, INIT=0, UNKNOWN=1, OK=2, SHORT=3, OPEN=4) * "state of the antenna",
    "antenna_power" / Enum(Int8ul, OFF=0, ON=1, UNKNOWN=2) * "supply of the antenna",
    _n("flags", Int8ul, "", "bits: clock calibrated, safe boot, jamming (2), crystal absent"),
    Padding(5),
)
_TP = Struct(
    _n("time_of_week", Int32ul, "s", "of the next pulse", 1e-3),
    _n("fraction", Int32ul, "s", "added to the time of week", 1e-3 / 2**32),
    _n("quantisation", Int32sl, "s", "error of the pulse", 1e-12),
    _n("week", Int16ul, "", "of the next pulse"),
    _n("flags", Int8ul, "", "bits: UTC, UTC known"),
    Padding(1),
)
_TM2 = Struct(
    _n("channel", Int8ul, "", "of the input"),
    _n("flags", Int8ul, "", "bits: mode, running, falling edge, base (2), UTC known, valid, rising edge"),
    _n("count", Int16ul, "", "rising edges so far"),
    _n("rising_week", Int16ul, "", "of the last rising edge"),
    _n("falling_week", Int16ul, "", "of the last falling edge"),
    _n("rising", Int32ul, "s", "last rising edge, time of week", 1e-3),
    _n("rising_fraction", Int32ul, "s", "added to it", 1e-9),
    _n("falling", Int32ul, "s", "last falling edge, time of week", 1e-3),
    _n("falling_fraction", Int32ul, "s", "added to it", 1e-9),
    _TIME_ACCURACY,
)
_ACK = Struct(
    _n("group", Int8ul, "", "class of the message that is answered"), _n("id", Int8ul, "", "of the message answered")
)
_NAV: dict[str, Construct[Any, Any]] = {
    "POSECEF": Struct(TIME, *_ecef("position_", "m", 0.01, "position"), *_accuracies("m", 0.01, position="position")),
    "POSLLH": Struct(TIME, *_POSITION, *_POSITION_ACCURACY),
    "STATUS": Struct(
        TIME,
        FIX,
        _n("flags", Int8ul, "", "bits: fix is good, differential, week, time of week"),
        _n("fix_status", Int8ul, "", "bits: corrections, carrier, map matching (2)"),
        _n("flags_2", Int8ul, "", "bits: power save (2), spoofing (2), carrier (2)"),
        _n("first_fix", Int32ul, "s", "time to the first fix", 1e-3),
        _n("uptime", Int32ul, "s", "since the start", 1e-3),
    ),
    "DOP": Struct(
        TIME,
        *(
            _n(f"{letter}dop", Int16ul, "", f"dilution of precision, {what}", 0.01)
            for letter, what in zip(
                "gptvhne", ("geometric", "position", "time", "vertical", "horizontal", "north", "east"), strict=True
            )
        ),
    ),
    "PVT": _PVT,
    "VELECEF": Struct(TIME, *_ecef("velocity_", "m/s", 0.01, "velocity"), *_accuracies("m/s", 0.01, speed="speed")),
    "VELNED": Struct(
        TIME,
        *_velocities(0.01),
        _n("speed", Int32ul, "m/s", "in space", 0.01),
        _n("ground_speed", Int32ul, "m/s", "horizontal", 0.01),
        _n("course", Int32sl, "deg", "of motion, from north", 1e-5),
        *_accuracies("m/s", 0.01, speed="speed"),
        *_accuracies("deg", 1e-5, course="course"),
    ),
    "TIMEGPS": Struct(
        TIME,
        _n("fraction", Int32sl, "s", "added to the time of week", 1e-9),
        _WEEK,
        _LEAP,
        _n("valid", Int8ul, "", "bits: time of week, week, leap seconds"),
        _TIME_ACCURACY,
    ),
    "TIMEUTC": Struct(
        TIME,
        _TIME_ACCURACY,
        _n("nanosecond", Int32sl, "s", "added to the second, may be negative", 1e-9),
        *_date(),
        _n("valid", Int8ul, "", "bits: time of week, week, UTC; then the standard (4)"),
    ),
    "TIMEGLO": Struct(
        TIME,
        _n("second_of_day", Int32ul, "s", "GLONASS time"),
        _n("fraction", Int32sl, "s", "added to the second of day", 1e-9),
        _n("day", Int16ul, "", "of the four years"),
        _n("period", Int8ul, "", "of four years, from 1996 on"),
        _n("valid", Int8ul, "", "bits: time of day, date"),
        _TIME_ACCURACY,
    ),
    "TIMEBDS": _system_time("BeiDou"),
    "TIMEGAL": _system_time("Galileo"),
    "TIMELS": _TIMELS,
    "CLOCK": Struct(
        TIME,
        _n("bias", Int32sl, "s", "of the receiver's clock", 1e-9),
        _n("drift", Int32sl, "s/s", "of the receiver's clock", 1e-9),
        _TIME_ACCURACY,
        _n("frequency_accuracy", Int32ul, "s/s", "estimated", 1e-12),
    ),
    "ODO": Struct(
        _VERSION,
        Padding(3),
        TIME,
        _n("distance", Int32ul, "m", "on the ground since the last reset"),
        _n("total", Int32ul, "m", "on the ground in all"),
        *_accuracies("m", 1.0, distance="distance"),
    ),
    "HPPOSECEF": _HPPOSECEF,
    "HPPOSLLH": _HPPOSLLH,
    "SVIN": _SVIN,
    "SAT": _SAT,
    "COV": _COV,
    "SIG": _SIG,
    "EOE": Struct(TIME),
}
"""Messages of class NAV that a second solution (class NAV2) has too."""

BODIES: dict[str, Construct[Any, Any]] = {
    **{f"NAV-{name}": body for name, body in _NAV.items()},
    **{f"NAV2-{name}": body for name, body in _NAV.items()},
    "NAV-SOL": _SOL,
    "NAV-SVINFO": _SVINFO,
    "NAV-ATT": Struct(
        TIME,
        _VERSION,
        Padding(3),
        *(_n(name, Int32sl, "deg", "of the vehicle", 1e-5) for name in ("roll", "pitch", "heading")),
        *_accuracies("deg", 1e-5, roll="roll", pitch="pitch", heading="heading"),
    ),
    "HNR-PVT": _HNR_PVT,
    "RXM-RAWX": _RAWX,
    "RXM-SFRBX": _SFRBX,
    "MON-VER": Struct(
        "software" / PaddedString(30, "ascii") * "version of the firmware",
        "hardware" / PaddedString(10, "ascii") * "version of the hardware",
        "extensions" / GreedyRange(PaddedString(30, "ascii")) * "further versions",
    ),
    "MON-HW": _HW,
    "ACK-ACK": _ACK,
    "ACK-NAK": _ACK,
    "TIM-TP": _TP,
    "TIM-TM2": _TM2,
    "ESF-MEAS": Struct(
        _n("time_tag", Int32ul, "", "of the measurements, by the sensor's clock"),
        _n("flags", Int16ul, "", "bits: time marks (2), edge, calibration tag; then how many there are (5)"),
        _n("sensor", Int16ul, "", "that sent them"),
        "data" / Measurement(GreedyRange(Int32ul), "") * "kind (high 8 bits) and value of each",
    ),
    **{
        f"INF-{name}": Struct("text" / GreedyString("latin-1") * "what the receiver says")
        for name in ("ERROR", "WARNING", "NOTICE", "TEST", "DEBUG")
    },
}
"""Declarations of payloads by the messages' names."""

RAW = Struct("payload" / GreedyBytes * "of a message whose fields are not declared")
"""Of all other messages."""
