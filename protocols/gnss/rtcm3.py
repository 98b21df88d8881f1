"""RTCM 3 messages as construct declarations, after RTCM 10403.3: stations and their positions; the rest as bytes."""

from __future__ import annotations

from typing import Any

from construct import BitsInteger, BitStruct, Construct, GreedyBytes, Padding, Struct

from protocols.curve import Linear
from protocols.measurement import Measurement


def _bits(name: str, width: int, unit: str, doc: str, scale: float = 1.0, *, signed: bool = False) -> Any:
    return name / Measurement(BitsInteger(width, signed=signed), unit, Linear(scale) if scale != 1.0 else None) * doc


_STATION = _bits("station", 12, "", "number of the reference station")
_NUMBER = Padding(12)
"""The message number, which the frame's first four bytes tell already."""


def _position(*more: Any) -> Construct[Any, Any]:
    return BitStruct(
        _NUMBER,
        _STATION,
        _bits("realisation", 6, "", "year of the reference frame (ITRF), reserved"),
        _bits("systems", 4, "", "bits: GPS, GLONASS, Galileo, the station is none that stands"),
        _bits("x", 38, "m", "antenna reference point, Earth-fixed", 1e-4, signed=True),
        _bits("oscillator", 1, "", "1: one for all signals"),
        Padding(1),
        _bits("y", 38, "m", "antenna reference point, Earth-fixed", 1e-4, signed=True),
        _bits("quarter_cycle", 2, "", "whether phases of one frequency are alike"),
        _bits("z", 38, "m", "antenna reference point, Earth-fixed", 1e-4, signed=True),
        *more,
    )


_PAYLOAD = "payload" / GreedyBytes * "of the message, from its number on"
_OF_STATION = Struct("reference" / BitStruct(_NUMBER, _STATION), "rest" / GreedyBytes * "of the message")
_SYSTEMS = ("gps", "glonass", "galileo", "sbas", "qzss", "beidou", "navic")

MESSAGES: dict[int, tuple[str, Construct[Any, Any]]] = {
    1005: ("position of the reference station", _position()),
    1006: (
        "position of the reference station and height of its antenna",
        _position(_bits("height", 16, "m", "of the antenna", 1e-4)),
    ),
    **dict.fromkeys(range(1001, 1005), ("observations of GPS", _OF_STATION)),
    1007: ("antenna of the reference station", _OF_STATION),
    1008: ("antenna of the reference station and its serial number", _OF_STATION),
    **dict.fromkeys(range(1009, 1013), ("observations of GLONASS", _OF_STATION)),
    1013: ("system parameters", _OF_STATION),
    1029: ("text", _OF_STATION),
    1033: ("receiver and antenna of the reference station", _OF_STATION),
    **{
        1071 + 10 * place + kind: (f"observations of {system}, multiple signal message {kind + 1}", _OF_STATION)
        for place, system in enumerate(_SYSTEMS)
        for kind in range(7)
    },
    1230: ("code and phase biases of GLONASS", _OF_STATION),
    **{
        number: (f"ephemerides of {system}", Struct(_PAYLOAD))
        for number, system in (
            (1019, "GPS"),
            (1020, "GLONASS"),
            (1041, "NavIC"),
            (1042, "BeiDou"),
            (1044, "QZSS"),
            (1045, "Galileo F/NAV"),
            (1046, "Galileo I/NAV"),
        )
    },
    4072: ("of u-blox: position and time of a moving reference", Struct(_PAYLOAD)),
}
"""By message number: what it tells, and its payload."""
