"""Records of the boards with a barometer and at most one axis of acceleration, and of the GNSS loggers."""

from __future__ import annotations

from construct import Int8ul, Int16sl, Int16ul, Int32sl, Int32ul, Padding

from protocols.altos.fields import (
    ADC,
    BATTERY,
    OLD_BATTERY,
    OLD_IGNITER,
    OLD_TEMPERATURE,
    PYRO,
    barometer,
    dilution,
    gps_date,
    gps_flags,
    gps_time,
    latitude,
    longitude,
    old_barometer,
    pascals,
    satellites,
    voltage,
)
from protocols.altos.log import (
    Calibration,
    Field,
    LogFormat,
    acceleration,
    flight,
    ground_acceleration,
    ground_pressure,
    record,
    state,
)
from protocols.altos.state import RecordType
from protocols.measurement import Measurement
from protocols.packet import Packet

Packets = tuple[Packet, ...]


def full(c: Calibration) -> Packets:
    """TeleMetrum 1: records of 8 bytes."""
    size, number = 8, "flight" / Measurement(Int16ul, "") * "its number"
    begun = "the flight, and what was measured on the pad"
    return (
        record(RecordType.FLIGHT, "flight", size, begun, ground_acceleration(), number),
        record(
            RecordType.SENSOR,
            "sensor",
            size,
            "accelerometer and barometer",
            acceleration(c),
            *old_barometer(c.ground_pressure),
            rate=100.0,
        ),
        record(
            RecordType.POSITION_OR_PRESSURE,
            "pressure",
            size,
            "barometer",
            Padding(2),
            *old_barometer(c.ground_pressure),
        ),
        record(
            RecordType.TEMPERATURE_VOLTAGE,
            "voltage",
            size,
            "temperature and battery",
            "temperature" / Measurement(Int16sl, "degC", OLD_TEMPERATURE) * "in the radio's chip",
            voltage("battery", OLD_BATTERY, "at the battery"),
        ),
        record(RecordType.DEPLOY, "deploy", size, "igniters", *_igniters(OLD_IGNITER)),
        state(size),
        *_full_gps(c, size),
    )


def _full_gps(c: Calibration, size: int) -> Packets:
    altitude = "altitude" / Measurement(Int32sl if c.altitude_32 else Int16sl, "m") * "above sea level, by GNSS"
    satellite = (
        "id" / Measurement(Int16ul, "") * "SVID",
        Padding(1),
        "c_n0" / Measurement(Int8ul, "dBHz") * "strength",
    )
    return (
        record(RecordType.GPS_TIME, "gps_time", size, "GNSS time", *gps_time(), gps_flags()),
        record(RecordType.GPS_LATITUDE, "gps_latitude", size, "GNSS latitude", latitude()),
        record(RecordType.GPS_LONGITUDE, "gps_longitude", size, "GNSS longitude", longitude()),
        record(RecordType.GPS_ALTITUDE, "gps_altitude", size, "GNSS altitude", altitude),
        record(RecordType.GPS_SATELLITES, "gps_satellites", size, "a satellite in view", *satellite),
        record(RecordType.GPS_DATE, "gps_date", size, "GNSS date", *gps_date()),
    )


def _igniters(scale: float, offset: float = 0.0) -> tuple[Field, Field]:
    return (
        voltage("apogee", scale, "at the igniter for apogee", offset),
        voltage("main", scale, "at the igniter for the main parachute", offset),
    )


def tiny(c: Calibration) -> Packets:
    """TeleMini 1: two bytes a record, of which the importer makes records of 8 with type and tick."""
    return flight(8), record(RecordType.SENSOR, "sensor", 8, "barometer", *old_barometer(c.ground_pressure)), state(8)


def micropeak(c: Calibration) -> Packets:
    """MicroPeak 2: the lower halves of pressures, of which the importer makes records of 8 with type and tick."""
    begin = record(RecordType.FLIGHT, "flight", 8, "what was measured on the pad", ground_pressure())
    return begin, record(RecordType.SENSOR, "sensor", 8, "barometer", *pascals(c.ground_pressure))


def metrum(c: Calibration) -> Packets:
    """TeleMetrum 2 and later: records of 16 bytes."""
    size = 16
    ground_temperature = "ground_temperature" / Measurement(Int32ul, "counts") * "of the pressure sensor on the pad"
    return (
        flight(size, ground_acceleration(), ground_pressure(), ground_temperature),
        record(
            RecordType.SENSOR,
            "sensor",
            size,
            "accelerometer and barometer",
            *barometer(c.prom, c.ground_pressure),
            acceleration(c),
            rate=100.0,
        ),
        record(
            RecordType.TEMPERATURE_VOLTAGE,
            "voltage",
            size,
            "voltages",
            voltage("battery", BATTERY, "at the battery"),
            *_igniters(PYRO),
        ),
        state(size),
        *_metrum_gps(c, size),
    )


def _metrum_gps(c: Calibration, size: int) -> Packets:
    altitude = "altitude" / Measurement(Int32sl if c.altitude_32 else Int16sl, "m") * "above sea level, by GNSS"
    told = (*gps_time(), gps_flags(), *gps_date(), *dilution("pdop"))
    several = (
        "count" / Measurement(Int8ul, "") * "satellites in this record",
        "more" / Measurement(Int8ul, "") * "whether another record follows",
        *satellites(4),
    )
    return (
        record(RecordType.POSITION_OR_PRESSURE, "gps", size, "GNSS position", latitude(), longitude(), altitude),
        record(RecordType.GPS_TIME, "gps_time", size, "GNSS time and state", *told),
        record(RecordType.GPS_SATELLITES, "gps_satellites", size, "satellites in view, four a record", *several),
    )


def mini(c: Calibration) -> Packets:
    """TeleMini 2 and 3, EasyMini, DeTherm: records of 16 bytes, readings of 24 bits."""
    size = 16
    return (
        flight(size, Padding(2), ground_pressure()),
        record(
            RecordType.SENSOR,
            "sensor",
            size,
            "barometer and voltages",
            *barometer(c.prom, c.ground_pressure, bits=24),
            *_mini_voltages(c),
            rate=100.0,
        ),
        state(size),
    )


def _mini_voltages(c: Calibration) -> tuple[Field, ...]:
    """By board: converter, regulator and divider; the first EasyMini measure behind a diode."""
    divider, offset = 127.0 / 27.0, 0.0
    match c.log_format:
        case LogFormat.TELEMINI3:
            return *_igniters(PYRO), voltage("battery", BATTERY, "at the battery")
        case LogFormat.EASYMINI2:
            scale = ADC * divider
        case LogFormat.TELEMINI2:
            scale = 3.3 / 32767.0 * divider
        case LogFormat.EASYMINI1:
            scale = (3.0 if c.serial < 1000 else 3.3) / 32767.0 * divider
            offset = 0.150 if c.serial < 1665 else 0.0
        case _:  # DeTherm has no converter
            return ()
    return *_igniters(scale, offset), voltage("battery", scale, "at the battery", offset)
