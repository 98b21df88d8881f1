"""Fields that AltOS' logs and radio packets share: pressure, GNSS, voltages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Bytes,
    BytesInteger,
    Construct,
    Flag,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64ul,
    Peek,
    Struct,
)

from protocols.altos.curves import (
    Ms5607Pressure,
    Ms5607Temperature,
    OldDilution,
    PressureAltitude,
    Prom,
    SplitNumber,
    Then,
)
from protocols.curve import Curve, Linear
from protocols.measurement import Measurement

Fields: TypeAlias = "tuple[Construct[Any, Any], ...]"

ADC = 3.3 / 4095.0
"""V a count of a 12-bit converter."""
BATTERY = ADC * (5.6 + 10.0) / 10.0
PYRO = ADC * (100.0 + 27.0) / 27.0
PYRO_30V = ADC * (100.0 + 12.0) / 12.0
"""V a count behind the dividers of the boards (5.6k/10k, 100k/27k, 100k/12k)."""
OLD_BATTERY, OLD_IGNITER = 5.0 / 32767.0, 15.0 / 32767.0
OLD_PRESSURE = Linear(1.0 / 16.0 / 2047.0 / 0.009 * 1000.0, 0.095 / 0.009 * 1000.0)
"""Pa, MP3H6115 on the first boards."""
OLD_TEMPERATURE = Linear(1.25 / 32728.0 / 0.00247, -19791.268 / 32728.0 * 1.25 / 0.00247)
"""degC, of the radio's own sensor on the first boards."""


def altitudes(
    counts: Construct[Any, Any], pressure: Curve | None, ground: float | None
) -> Iterator[Construct[Any, Any]]:
    """Altitude and height, from the pressure whose counts come next."""
    for name, base, doc in (
        ("altitude", None, "above sea level, by pressure in the standard atmosphere"),
        ("height", ground, "above the pad, by pressure in the standard atmosphere"),
    ):
        if name == "height" and base is None:
            continue
        curve = PressureAltitude(base)
        yield name / Peek(Measurement(counts, "m", Then(pressure, curve) if pressure else curve)) * doc


def barometer(prom: Prom | None, ground: float | None, bits: int = 32) -> Fields:
    """Both readings of an MS5607, of so many bits each, and what they make where its calibration is known."""
    word = Int64ul if bits == 32 else BytesInteger(2 * bits // 8, swapped=True)
    one = Int32ul if bits == 32 else BytesInteger(bits // 8, swapped=True)
    counts = (
        "pressure_counts" / Measurement(one, "counts") * "the pressure sensor's reading D1",
        "temperature_counts" / Measurement(one, "counts") * "the pressure sensor's reading D2",
    )
    if prom is None:
        return counts
    prom = replace(prom, bits=bits)
    pressure = Ms5607Pressure(prom)
    return (
        "pressure" / Peek(Measurement(word, "Pa", pressure)) * "static",
        "temperature" / Peek(Measurement(word, "degC", Ms5607Temperature(prom))) * "at the pressure sensor",
        *altitudes(word, pressure, ground),
        *counts,
    )


def pascals(ground: float | None) -> Fields:
    """A pressure that is stored in Pa."""
    return (*altitudes(Int32sl, None, ground), "pressure" / Measurement(Int32sl, "Pa") * "static")


def old_barometer(ground: float | None) -> Fields:
    """An analogue pressure sensor."""
    return (*altitudes(Int16sl, OLD_PRESSURE, ground), "pressure" / Measurement(Int16sl, "Pa", OLD_PRESSURE) * "static")


def axes(names: str, unit: str, doc: str, *curves: Curve | None) -> Fields:
    """Three numbers of an inertial sensor: names separated by spaces, a curve for each."""
    parts = zip(names.split(), curves, strict=True)
    return tuple(name / Measurement(Int16sl, unit, curve) * f"{doc}, {name.split('_')[-1]}" for name, curve in parts)


def voltage(name: str, scale: float, doc: str, offset: float = 0.0) -> Construct[Any, Any]:
    """A voltage of so many V a count."""
    return name / Measurement(Int16sl, "V", Linear(scale, offset)) * doc


def latitude() -> Construct[Any, Any]:
    """1e-7 degrees."""
    return "latitude" / Measurement(Int32sl, "deg", Linear(1e-7)) * "north positive"


def longitude() -> Construct[Any, Any]:
    """1e-7 degrees."""
    return "longitude" / Measurement(Int32sl, "deg", Linear(1e-7)) * "east positive"


def gps_flags() -> Construct[Any, Any]:
    """``AO_GPS_*``: the state of the receiver in a byte."""
    return "gps" / BitStruct(
        "course_valid" / Flag * "whether speed and course are known",
        "date_valid" / Flag * "whether the date is known",
        "running" / Flag * "whether the receiver is connected",
        "locked" / Flag * "whether the position is known",
        "satellites" / Measurement(BitsInteger(4), "") * "used for the position",
    )


def gps_date() -> Fields:
    """Date in UTC, three bytes."""
    return (
        "year" / Measurement(Int8ul, "", Linear(1.0, 2000.0)) * "UTC",
        "month" / Measurement(Int8ul, "") * "UTC",
        "day" / Measurement(Int8ul, "") * "UTC",
    )


def gps_time() -> Fields:
    """Time of day in UTC, three bytes."""
    return (
        "hour" / Measurement(Int8ul, "") * "UTC",
        "minute" / Measurement(Int8ul, "") * "UTC",
        "second" / Measurement(Int8ul, "") * "UTC",
    )


def dilution(*names: str, old: bool = False) -> Fields:
    """Dilutions of precision, in tenths; of firmware before 1.4.9 in hundredths that ran over at 2.56."""
    curve: Curve = OldDilution() if old else Linear(0.1)
    return tuple(name / Measurement(Int8ul, "", curve) * "dilution of precision" for name in names)


def split_altitude(span: int, low: int, high: int, high_bytes: int = 2, flag: int = -1) -> Fields:
    """Altitude by GNSS whose parts lie at these bytes of the span that comes next; then its lower part, if it is that.

    The higher part is a field of its own where it lies: :func:`altitude_high`.
    """
    curve = SplitNumber(low, high, high_bytes, flag)
    return (
        "altitude" / Peek(Measurement(Bytes(span), "m", curve)) * "above sea level, by GNSS",
        "altitude_low" / Measurement(Int16ul, "m") * "the lower 16 bits of the altitude",
    )


def altitude_high(number: Construct[Any, Any]) -> Construct[Any, Any]:
    """The rest of an altitude by GNSS."""
    return "altitude_high" / Measurement(number, "65536 m") * "the altitude above its lower 16 bits"


def satellites(count: int) -> Fields:
    """Satellites in view, as many as fit."""
    one = Struct("id" / Measurement(Int8ul, "") * "SVID", "c_n0" / Measurement(Int8ul, "dBHz") * "strength")
    return ("satellite" / Array(count, one),)
