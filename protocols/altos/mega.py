"""Records of 32 bytes: the boards with an inertial sensor, TeleMega, EasyMega and EasyTimer, and TeleGPS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from construct import Construct, Int8ul, Int16sl, Int16ul, Int32sl, Padding, Peek

from protocols.altos.curves import STANDARD_GRAVITY, Zeroed
from protocols.altos.fields import (
    BATTERY,
    PYRO,
    PYRO_30V,
    altitude_high,
    barometer,
    dilution,
    gps_date,
    gps_flags,
    gps_time,
    latitude,
    longitude,
    satellites,
    split_altitude,
    voltage,
)
from protocols.altos.log import (
    Calibration,
    Field,
    LogFormat,
    acceleration,
    counts,
    flight,
    ground_acceleration,
    ground_pressure,
    record,
    state,
)
from protocols.altos.small import Packets
from protocols.altos.state import RecordType
from protocols.curve import Linear
from protocols.measurement import Measurement
from protocols.packet import Packet

_AXES = ("along", "across", "through")
_TURNS = ("roll", "pitch", "yaw")


@dataclass(frozen=True, slots=True)
class Inertial:
    """An inertial sensor on its board: scales, and which of its axes is which of the rocket's."""

    counts_per_g: float
    counts_per_gauss: float
    places: tuple[str, str, str] = _AXES
    """What its x, y and z (or the first, second and third number of a record) point along; ``-`` turns it round."""
    mag: tuple[str, str, str] = _AXES
    """The same of the three numbers of the magnetometer, in the order of the record (which may be x, z, y)."""
    counts_per_degree: float = 32767.0 / 2000.0

    def accelerations(self, zero: tuple[float, float, float]) -> tuple[Field, ...]:
        """The accelerometer's three numbers; zero is its counts at 0 g along, across and through."""
        return tuple(
            self._axis("acceleration", place, zero, self.counts_per_g / STANDARD_GRAVITY, "m/s2", _AXES)
            for place in self.places
        )

    def rates(self, zero: tuple[float, float, float]) -> tuple[Field, ...]:
        """The gyroscope's three numbers; zero is its counts at rest, roll, pitch, yaw."""
        turned = {"along": "roll", "across": "pitch", "through": "yaw"}
        places = ["-" * place.startswith("-") + turned[place.lstrip("-")] for place in self.places]
        return tuple(self._axis("rate", place, zero, self.counts_per_degree, "deg/s", _TURNS) for place in places)

    def field(self) -> tuple[Field, ...]:
        """The magnetometer's three numbers."""
        none = (0.0, 0.0, 0.0)
        return tuple(self._axis("field", place, none, self.counts_per_gauss, "G", _AXES) for place in self.mag)

    def _axis(
        self, what: str, place: str, zero: tuple[float, float, float], scale: float, unit: str, names: tuple[str, ...]
    ) -> Field:
        name, turned = place.lstrip("-"), place.startswith("-")
        zeroed = zero[names.index(name)]
        curve = Zeroed(-zeroed, -scale) if turned else Zeroed(zeroed, scale)
        return f"{what}_{name}" / Measurement(Int16sl, unit, curve) * f"inertial sensor or magnetometer, {name}"


_MPU6000_PLACES = ("across", "along", "through")
_EASYMEGA_PLACES = ("along", "-across", "through")
_MPU9250_GAUSS = 32767.0 / 48.0
_MMC5983_GAUSS = 4096.0
_BMI088_G = 1365.0
"""Counts a g of a BMI088 at 24 g, by its data sheet."""

SENSORS = {
    LogFormat.TELEMEGA_OLD: Inertial(2048.0, 1090.0, _MPU6000_PLACES, ("across", "through", "along")),
    LogFormat.TELEMEGA: Inertial(2048.0, 1090.0, _MPU6000_PLACES, ("across", "through", "along")),
    LogFormat.TELEMEGA_3: Inertial(2048.0, _MPU9250_GAUSS, _MPU6000_PLACES, ("across", "through", "along")),
    LogFormat.EASYMEGA_2: Inertial(2048.0, _MPU9250_GAUSS, _EASYMEGA_PLACES, ("along", "through", "-across")),
    LogFormat.TELEMEGA_4: Inertial(2048.0, 100.0, _EASYMEGA_PLACES, ("along", "through", "across")),
    LogFormat.TELEMEGA_5: Inertial(2048.0, _MMC5983_GAUSS),
    LogFormat.TELEMEGA_6: Inertial(_BMI088_G, _MMC5983_GAUSS),
    LogFormat.EASYMEGA_3: Inertial(_BMI088_G, _MMC5983_GAUSS),
    LogFormat.TELEMEGA_7: Inertial(_BMI088_G, _MMC5983_GAUSS),
    LogFormat.EASYTIMER_2: Inertial(_BMI088_G, _MMC5983_GAUSS),
    LogFormat.EASYMOTOR: Inertial(20.5, 0.0, ("across", "-along", "through")),
}
"""By log format: MPU6000 and HMC5883, MPU9250, BMX160, MPU6000 and MMC5983, BMI088 and MMC5983, ADXL375."""


def pad_axes() -> tuple[Field, ...]:
    """What the inertial sensor read on the pad."""
    return tuple(counts(f"ground_acceleration_{axis}", "of the inertial sensor on the pad") for axis in _AXES)


def _pad_rates(number: Construct[Any, Any]) -> tuple[Field, ...]:
    doc = "sum of 512 readings of the gyroscope on the pad"
    return tuple(f"ground_{turn}" / Measurement(number, "counts") * doc for turn in _TURNS)


def mega(c: Calibration) -> Packets:
    """TeleMega and EasyMega."""
    size, sensor = 32, SENSORS[LogFormat(c.log_format)]
    old = c.log_format == LogFormat.TELEMEGA_OLD
    pad = _pad_rates(Int16sl) if old else (Padding(2), *_pad_rates(Int32sl))
    return (
        flight(size, ground_acceleration(), ground_pressure(), *pad_axes(), *pad),
        record(
            RecordType.SENSOR,
            "sensor",
            size,
            "barometer, inertial sensor, magnetometer and accelerometer",
            *barometer(c.prom, c.ground_pressure),
            *sensor.accelerations(c.zero),
            *sensor.rates(c.gyro_zero),
            *sensor.field(),
            acceleration(c),
            rate=100.0,
        ),
        record(RecordType.TEMPERATURE_VOLTAGE, "voltage", size, "voltages", *_mega_voltages(c)),
        state(size),
        gps(c, size),
        record(
            RecordType.GPS_SATELLITES,
            "gps_satellites",
            size,
            "satellites in view",
            "count" / Measurement(Int16ul, "") * "satellites in this record",
            *satellites(12),
        ),
    )


def _mega_voltages(c: Calibration) -> tuple[Field, ...]:
    pyro = PYRO_30V if c.log_format == LogFormat.TELEMEGA_7 else PYRO
    return (
        voltage("battery", BATTERY, "at the battery"),
        voltage("pyro", pyro, "at the battery of the igniters"),
        "sensed" / Measurement(Int16sl, "") * "number of igniters measured, 6",
        *(voltage(f"igniter_{name}", pyro, f"at igniter {name.upper()}") for name in "abcd"),
        voltage("apogee", pyro, "at the igniter for apogee"),
        voltage("main", pyro, "at the igniter for the main parachute"),
        Padding(8),
        "fired" / Measurement(Int16ul, "") * "igniters fired so far, a bit each",
    )


def gps(c: Calibration, size: int) -> Packet:
    """The one record that holds all of a position; the letter is that of the time in other formats."""
    narrow = ("altitude" / Measurement(Int16sl, "m") * "above sea level, by GNSS",)
    return record(
        RecordType.GPS_TIME,
        "gps",
        size,
        "GNSS position and time",
        latitude(),
        longitude(),
        *(split_altitude(20, 0, 18) if c.altitude_32 else narrow),
        *gps_time(),
        gps_flags(),
        *gps_date(),
        "course" / Measurement(Int8ul, "deg", Linear(2.0)) * "over ground, clockwise from north",
        "ground_speed" / Measurement(Int16ul, "m/s", Linear(0.01)) * "over ground",
        "climb_rate" / Measurement(Int16sl, "m/s", Linear(0.01)) * "upward",
        *dilution("pdop", "hdop", "vdop", old=c.version < (1, 4, 9)),
        "mode" / Measurement(Int8ul, "") * "AO_GPS_MODE bits",
        *((altitude_high(Int16sl),) if c.altitude_32 else ()),
    )


def telegps(c: Calibration) -> Packets:
    """TeleGPS: a logger of positions."""
    start = "start_altitude" / Measurement(Int16sl, "m") * "above sea level, at the start"
    return flight(32, start, latitude(), longitude()), gps(c, 32)


def easytimer(c: Calibration) -> Packets:
    """EasyTimer 2: inertial sensor and voltages in one record, no barometer."""
    size, sensor, along = 32, SENSORS[LogFormat.EASYTIMER_2], c.acceleration
    turned = Zeroed(-along.zero, -along.counts) if along else None
    return (
        flight(size, ground_acceleration(), *pad_axes(), Padding(2), *_pad_rates(Int32sl)),
        record(
            RecordType.SENSOR,
            "sensor",
            size,
            "inertial sensor, magnetometer and voltages",
            "acceleration" / Peek(Measurement(Int16sl, c.acceleration_unit, turned)) * "along the body, 0 on the pad",
            *sensor.accelerations(c.zero),
            *sensor.rates(c.gyro_zero),
            *sensor.field(),
            voltage("battery", BATTERY, "at the battery"),
            voltage("pyro", PYRO, "at the battery of the igniters"),
            voltage("apogee", PYRO, "at the first igniter"),
            voltage("main", PYRO, "at the second igniter"),
            "fired" / Measurement(Int16ul, "") * "igniters fired so far, a bit each",
            rate=100.0,
        ),
        state(size),
    )
