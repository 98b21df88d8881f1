"""Carleton University InSpace rockets: blocks of measurements in LoRa radio packets.

Follows ``telemetry/src/packets/packets.h`` and ``collection.c`` of CarletonURocketry/inspace-nxtelem (flight software)
and ``modules/telemetry/packet_spec`` of CarletonURocketry/ground-station: all little-endian, no checksum (LoRa has its
own). Block types from 0x0C on are reserved. Later flight software puts a count after each block's type; such packets
are of another format and are not declared here.

Two things found in recordings and in ``collection.c``, which the packet format does not say. The magnetic field is sent
in nT (the code multiplies uT by 1,000; the comment says 0.1 uT). Barometer and altitude carry stamps of a 32-bit
microsecond counter, so they fall behind the other blocks' by 4,294.967296 s with every wrap of it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from construct import Construct, Enum, Int8ul, Int16sl, Int16ul, Int32sl, Int32ul, PaddedString, Struct

from protocols.curve import Linear
from protocols.flight import Above, Below, Equals, Falls, Flight, Rises, Steady, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle


class BlockType(IntEnum):
    """``block_type_e``."""

    ALTITUDE_ABOVE_SEA_LEVEL = 0x0
    ALTITUDE_ABOVE_LAUNCH_LEVEL = 0x1
    TEMPERATURE = 0x2
    PRESSURE = 0x3
    LINEAR_ACCELERATION = 0x4
    ANGULAR_VELOCITY = 0x5
    HUMIDITY = 0x6
    COORDINATES = 0x7
    VOLTAGE = 0x8
    MAGNETIC_FIELD = 0x9
    FLIGHT_STATUS = 0xA
    ERROR = 0xB


class StatusCode(IntEnum):
    """``status_code_e``: what the flight software found (CHANGED) or still finds (IN)."""

    NOMINAL = 0x0
    CHANGED_IDLE = 0x1
    CHANGED_AIRBORNE = 0x2
    CHANGED_ASCENT = 0x3
    CHANGED_APOGEE = 0x4
    CHANGED_LANDED = 0x5
    IN_IDLE = 0x6
    IN_AIRBORNE = 0x7
    IN_ASCENT = 0x8
    IN_DESCENT = 0x9
    IN_LANDED = 0xA


class ErrorCode(IntEnum):
    """``error_code_e``."""

    GENERAL = 0
    PROCESS_DEAD = 1


class Process(IntEnum):
    """``process_id_e``."""

    GENERAL = 0
    COLLECTION = 1
    FUSION = 2
    LOGGING = 3
    TRANSMIT = 4


FRAME = Struct(
    "callsign" / PaddedString(9, "ascii") * "amateur radio call sign, padded with NUL",
    "timestamp" / Measurement(Int16ul, "s", Linear(30.0)) * "mission time that block offsets count from (half-minutes)",
    "blocks" / Measurement(Int8ul, "") * "number of blocks in the radio packet",
    "packet_number" / Measurement(Int8ul, "") * "counts radio packets sent, also those on other links",
)

HEADER = Header(Struct("type" / Enum(Int8ul, BlockType) * "block type"), key="type", several=True)


def _block(block: BlockType, doc: str, *fields: Construct[Any, Any]) -> Packet:
    offset = "time_offset" / Measurement(Int16sl, "s", Linear(1e-3)) * "measurement time, from the frame's timestamp"
    time = ("frame.timestamp", "time_offset")
    return Packet(block.name.lower(), Struct(offset, *fields), int(block), time=time, doc=doc)


def _axes(unit: str, scale: float, doc: str) -> tuple[Construct[Any, Any], ...]:
    return tuple(f"{axis}_axis" / Measurement(Int16sl, unit, Linear(scale)) * f"{doc}, {axis} axis" for axis in "xyz")


PACKETS = (
    _block(
        BlockType.ALTITUDE_ABOVE_SEA_LEVEL,
        "altitude above sea level; of the barometer and of GNSS, which one is not said",
        "altitude" / Measurement(Int32sl, "m", Linear(1e-3)) * "above sea level",
    ),
    _block(
        BlockType.ALTITUDE_ABOVE_LAUNCH_LEVEL,
        "altitude above the launch site",
        "altitude" / Measurement(Int32sl, "m", Linear(1e-3)) * "above the launch site",
    ),
    _block(
        BlockType.TEMPERATURE,
        "temperature of the barometer",
        "temperature" / Measurement(Int32sl, "degC", Linear(1e-3)) * "at the barometer",
    ),
    _block(BlockType.PRESSURE, "static pressure", "pressure" / Measurement(Int32ul, "Pa") * "static, at the barometer"),
    _block(BlockType.LINEAR_ACCELERATION, "accelerometer", *_axes("m/s2", 1e-2, "specific force")),
    _block(BlockType.ANGULAR_VELOCITY, "gyroscope", *_axes("deg/s", 0.1, "angular rate")),
    _block(
        BlockType.HUMIDITY,
        "humidity of the air",
        "humidity" / Measurement(Int32ul, "%", Linear(1e-4)) * "relative humidity",
    ),
    _block(
        BlockType.COORDINATES,
        "GNSS position",
        "latitude" / Measurement(Int32sl, "deg", Linear(1e-7)) * "north positive",
        "longitude" / Measurement(Int32sl, "deg", Linear(1e-7)) * "east positive",
    ),
    _block(
        BlockType.VOLTAGE,
        "a voltage, one of several",
        "voltage" / Measurement(Int16sl, "V", Linear(1e-3)) * "measured; 4.2 V is the converter's full scale",
        "identifier" / Measurement(Int8ul, "") * "which voltage it is",
    ),
    _block(BlockType.MAGNETIC_FIELD, "magnetometer", *_axes("uT", 1e-3, "magnetic field")),
    _block(
        BlockType.FLIGHT_STATUS,
        "state of the flight software",
        "status_code" / Enum(Int8ul, StatusCode) * "state entered, or state it is still in",
    ),
    _block(
        BlockType.ERROR,
        "an error of the flight software",
        "originating_process" / Enum(Int8ul, Process) * "thread that reports it",
        "error_code" / Enum(Int8ul, ErrorCode) * "what happened",
    ),
)

_STATUS = "flight_status.status_code"
_BOOST = 40.0
"""Over 4 g for 0.2 s on any axis is a motor; handling on the pad gave 27 m/s2 for one sample in the recordings."""

FLIGHT = Flight(
    "pad",
    (
        Transition(
            "liftoff",
            "ascent",
            (
                *(Above(f"linear_acceleration.{axis}_axis", _BOOST, 0.2) for axis in "xyz"),
                *(Below(f"linear_acceleration.{axis}_axis", -_BOOST, 0.2) for axis in "xyz"),
                Equals(_STATUS, StatusCode.CHANGED_AIRBORNE),
                Equals(_STATUS, StatusCode.CHANGED_ASCENT),
                Equals(_STATUS, StatusCode.IN_AIRBORNE),
                Equals(_STATUS, StatusCode.IN_ASCENT),
            ),
        ),
        Transition(
            "apogee",
            "descent",
            (
                Rises("pressure.pressure", 500.0),  # about 45 m down; of the two altitudes mixed, one cannot tell
                Falls("altitude_above_launch_level.altitude", 45.0),
                Equals(_STATUS, StatusCode.CHANGED_APOGEE),
                Equals(_STATUS, StatusCode.IN_DESCENT),
            ),
        ),
        Transition(
            "landing",
            "landed",
            (
                Steady("pressure.pressure", 60.0, 20.0),  # 5 m; the barometer's noise is 10 Pa
                Equals(_STATUS, StatusCode.CHANGED_LANDED),
                Equals(_STATUS, StatusCode.IN_LANDED),
            ),
        ),
    ),
)
"""No burnout: which axis points forward is not known, and the flight software reports none."""

VEHICLE = Vehicle(
    "carleton",
    "Carleton InSpace",
    PACKETS,
    HEADER,
    FRAME,
    flight=FLIGHT,
    display=(
        "altitude_above_sea_level.altitude",
        "pressure.pressure",
        "linear_acceleration.y_axis",
        "voltage.voltage",
        "coordinates.latitude",
        "coordinates.longitude",
    ),
    plots=("altitude_above_sea_level.altitude", "linear_acceleration.y_axis", "pressure.pressure"),
    source="CarletonURocketry/inspace-nxtelem telemetry/src/packets/packets.h, CarletonURocketry/ground-station",
)
