"""Records of AltOS flight logs: a vehicle for each log format, with the calibration that a log carries.

Follows ``src/kernel/ao_log.h`` for the layouts and altosui's ``AltosEepromRecord*``, ``AltosConvert``, ``AltosIMU`` and
``AltosMag`` for the values. A record is ``type, checksum, tick in 10 ms, data``, little-endian, of 8, 16 or 32 bytes.
What altosui filters over the whole flight (speed, tilt) is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from construct import Construct, Enum, Int8ul, Int16sl, Int16ul, Int32sl, Padding, Struct

from protocols.altos.curves import Prom, Zeroed, accelerometer
from protocols.altos.state import FLIGHT, FlightState, RecordType
from protocols.curve import Linear
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

Field: TypeAlias = "Construct[Any, Any]"


class LogFormat(IntEnum):
    """``AO_LOG_FORMAT_*``."""

    FULL = 1
    TINY = 2
    TELESCIENCE = 4
    TELEMEGA_OLD = 5
    EASYMINI1 = 6
    TELEMETRUM = 7
    TELEMINI2 = 8
    TELEGPS = 9
    TELEMEGA = 10
    DETHERM = 11
    TELEMINI3 = 12
    TELEFIRETWO = 13
    EASYMINI2 = 14
    TELEMEGA_3 = 15
    EASYMEGA_2 = 16
    TELESTATIC = 17
    MICROPEAK2 = 18
    TELEMEGA_4 = 19
    EASYMOTOR = 20
    TELEMEGA_5 = 21
    TELEMEGA_6 = 22
    EASYTIMER_2 = 23
    EASYMEGA_3 = 24
    TELEMEGA_7 = 25


@dataclass(frozen=True, slots=True)
class Calibration:
    """What of a log's header and of its first records goes into the values; None: not told."""

    log_format: int
    product: str = ""
    serial: int = 0
    version: tuple[int, ...] = ()
    """Of the firmware."""
    altitude_32: bool = False
    """Whether GNSS altitudes have 32 bits."""
    prom: Prom | None = None
    """Of the pressure sensor."""
    plus_g: float | None = None
    minus_g: float | None = None
    """Counts of the accelerometer at +1 g and -1 g."""
    zero: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Counts of the inertial sensor at 0 g: along, across, through."""
    ground_acceleration: float | None = None
    """Counts of the accelerometer on the pad."""
    ground_pressure: float | None = None
    """Pa on the pad."""
    gyro_zero: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Counts of the gyroscope at rest: roll, pitch, yaw."""
    ground_motor: int = 0
    """Counts of the motor's pressure on the pad."""

    @property
    def acceleration(self) -> Zeroed | None:
        """Of the accelerometer's counts, in m/s2; None where it has no calibration."""
        if self.plus_g is None or self.minus_g is None:
            return None
        return accelerometer(self.plus_g, self.minus_g, self.ground_acceleration)

    @property
    def acceleration_unit(self) -> str:
        """m/s2, or counts where there is no calibration."""
        return "m/s2" if self.acceleration else "counts"


HEADER = Header(
    Struct(
        "type" / Enum(Int8ul, RecordType) * "what the record holds",
        Padding(1),  # its checksum
        "tick" / Measurement(Int16ul, "s", Linear(0.01)) * "of the flight computer; begins again every 655.36 s",
    ),
    key="type",
)
HEAD_BYTES = 4


def record(kind: RecordType, name: str, size: int, doc: str, *fields: Field, rate: float = 0.0) -> Packet:
    """A record of so many bytes, header included."""
    body = Struct(*fields)
    body = Struct(*fields, Padding(size - HEAD_BYTES - body.sizeof()))
    return Packet(name, body, int(kind), rate, ("header.tick",), doc=doc)


def state(size: int) -> Packet:
    """The record of a new state."""
    return record(
        RecordType.STATE,
        "state",
        size,
        "a new state of the flight computer",
        "state" / Enum(Int16ul, FlightState) * "state entered",
        "reason" / Measurement(Int16ul, "") * "why, as the firmware numbers it",
    )


def flight(size: int, *fields: Field) -> Packet:
    """The record that begins a flight: its number, then these."""
    number = "flight" / Measurement(Int16ul, "") * "its number"
    return record(RecordType.FLIGHT, "flight", size, "the flight, and what was measured on the pad", number, *fields)


def counts(name: str, doc: str) -> Field:
    """A number as the sensor gave it."""
    return name / Measurement(Int16sl, "counts") * doc


def ground_acceleration() -> Field:
    """What the accelerometer read on the pad."""
    return counts("ground_acceleration", "of the accelerometer on the pad")


def ground_pressure() -> Field:
    """What the barometer read on the pad."""
    return "ground_pressure" / Measurement(Int32sl, "Pa") * "on the pad"


def acceleration(calibration: Calibration) -> Field:
    """The accelerometer along the body."""
    unit, curve = calibration.acceleration_unit, calibration.acceleration
    return "acceleration" / Measurement(Int16sl, unit, curve) * "along the body, 0 on the pad"


def log_vehicle(calibration: Calibration, packets: tuple[Packet, ...]) -> Vehicle:
    """The vehicle of a log with these records."""
    there = {packet.name: packet for packet in packets}
    shown = [path for path in _SHOWN if _has(there, path)]
    return Vehicle(
        "altos_log",
        calibration.product or "AltOS flight log",
        packets,
        HEADER,
        flight=FLIGHT if {"flight", "state"} <= there.keys() else None,
        display=shown[:6],
        plots=shown[:3],
        source="keithp/altos src/kernel/ao_log.h, altoslib",
    )


_SHOWN = (
    "sensor.height",
    "sensor.acceleration",
    "sensor.pressure",
    "state.state",
    "voltage.battery",
    "sensor.battery",
    "sensor.thrust",
    "gps.altitude",
    "gps_altitude.altitude",
    "gps.latitude",
    "gps.longitude",
)


def _has(packets: dict[str, Packet], path: str) -> bool:
    packet, _, name = path.partition(".")
    members = packets[packet].body.subcons if packet in packets else ()  # type: ignore[attr-defined]
    return any(member.name == name for member in members)
