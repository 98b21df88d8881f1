"""CATS Vega flight computers: the records of a flight log, as firmware 3.0 writes them.

Follows ``flight_computer/src/flash/recorder.hpp`` and ``src/util/types.hpp`` of catsystems/cats-embedded and
``src/modules/logparser.js`` of catsystems/cats-configurator: all little-endian, no checksum, no length field. Firmware
before 3.0 wrote other record types (magnetometer, covariance, sensor health) with the type before the time and without
a firmware version at the log's head; its logs are of another format and are not declared here.

Scales: accelerometer 1,024 counts/g and gyroscope 14.28 counts/(deg/s) (LSM6DSO32 at 32 g and 2,000 deg/s, as the
parsers of the project divide). Orientation counts are 1e-4, as the firmware multiplies by 10,000 and as unit length of
the recorded quaternions confirms; the configurator's 1e-3 is not followed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from construct import (
    BitsInteger,
    BitStruct,
    ByteSwapped,
    Construct,
    Enum,
    Flag,
    Float32l,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    Padding,
    Struct,
)

from protocols.curve import Linear
from protocols.flight import Above, Below, Equals, Falls, Flight, Steady, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

STANDARD_GRAVITY = 9.80665
"""m/s2; BIPM, 3rd CGPM 1901."""


class RecordType(IntEnum):
    """``rec_entry_type_e`` without the four bits of sensor number below it."""

    IMU = 1 << 0
    BARO = 1 << 1
    FLIGHT_INFO = 1 << 2
    ORIENTATION_INFO = 1 << 3
    FILTERED_DATA_INFO = 1 << 4
    FLIGHT_STATES = 1 << 5
    EVENT_INFO = 1 << 6
    ERROR_INFO = 1 << 7
    GNSS_INFO = 1 << 8
    VOLTAGE_INFO = 1 << 9


class FlightState(IntEnum):
    """``flight_fsm_e``; 1 was called MOVING in early 3.0 firmware."""

    INVALID = 0
    CALIBRATING = 1
    READY = 2
    THRUSTING = 3
    COASTING = 4
    DROGUE = 5
    MAIN = 6
    TOUCHDOWN = 7


class Event(IntEnum):
    """``cats_event_e`` without its ``EV_``; 0 was called MOVING in early 3.0 firmware."""

    CALIBRATE = 0
    READY = 1
    LIFTOFF = 2
    MAX_V = 3
    APOGEE = 4
    MAIN_DEPLOYMENT = 5
    TOUCHDOWN = 6
    CUSTOM_1 = 7
    CUSTOM_2 = 8


class Action(IntEnum):
    """``action_function_e``: what an event does to an output."""

    NO_OP = 0
    OS_DELAY = 1
    HIGH_CURRENT_ONE = 2
    HIGH_CURRENT_TWO = 3
    LOW_LEVEL_ONE = 4
    SERVO_ONE = 5
    SERVO_TWO = 6
    SET_RECORDER_STATE = 7


HEADER = Header(
    Struct(
        "time" / Measurement(Int32ul, "s", Linear(1e-3)) * "since the flight computer started",
        "record"
        / ByteSwapped(
            BitStruct(
                "type" / Enum(BitsInteger(28), RecordType) * "what the record holds",
                "sensor" / Measurement(BitsInteger(4), "") * "which of several like sensors",
            )
        ),
    ),
    key="record.type",
    several=True,
)

# cats_error_e, from the lowest bit up
_ERRORS = (
    ("non_user_config", "the configuration is not the user's"),
    ("no_pyro", "no pyro channel is connected"),
    ("log_full", "the log memory is full"),
    ("battery_low", "the battery is low"),
    ("battery_critical", "the battery is nearly empty"),
    ("imu_0", "inertial sensor 0 failed"),
    ("imu_1", "inertial sensor 1 failed"),
    ("imu_2", "inertial sensor 2 failed"),
    ("baro_0", "barometer 0 failed"),
    ("baro_1", "barometer 1 failed"),
    ("baro_2", "barometer 2 failed"),
    ("magnetometer", "the magnetometer failed"),
    ("accelerometer", "the high-g accelerometer failed"),
    ("filter_acceleration", "the estimator rejects the acceleration"),
    ("filter_height", "the estimator rejects the height"),
    ("hard_fault", "the processor faulted"),
    ("telemetry_hot", "the telemetry radio is too hot"),
    ("calibration", "the calibration failed"),
)


def _record(kind: RecordType, rate: float, doc: str, *fields: Construct[Any, Any]) -> Packet:
    return Packet(kind.name.lower(), Struct(*fields), int(kind), rate, ("header.time",), doc=doc)


def _axes(name: str, unit: str, scale: float, doc: str) -> tuple[Construct[Any, Any], ...]:
    return tuple(f"{name}_{axis}" / Measurement(Int16sl, unit, Linear(scale)) * f"{doc}, {axis} axis" for axis in "xyz")


PACKETS = (
    _record(
        RecordType.IMU,
        100.0,
        "inertial sensor",
        *_axes("acceleration", "m/s2", STANDARD_GRAVITY / 1024, "specific force"),
        *_axes("angular_rate", "deg/s", 1 / 14.28, "angular rate"),
    ),
    _record(
        RecordType.BARO,
        100.0,
        "barometer",
        "pressure" / Measurement(Int32sl, "Pa") * "static pressure",
        "temperature" / Measurement(Int32sl, "degC", Linear(0.01)) * "at the barometer",
    ),
    _record(
        RecordType.FLIGHT_INFO,
        100.0,
        "state estimate",
        "height" / Measurement(Float32l, "m") * "above ground",
        "velocity" / Measurement(Float32l, "m/s") * "upward",
        "acceleration" / Measurement(Float32l, "m/s2") * "upward, gravity and estimated offset removed",
    ),
    _record(
        RecordType.ORIENTATION_INFO,
        100.0,
        "attitude estimate",
        *(f"q{i}" / Measurement(Int16sl, "", Linear(1e-4)) * f"quaternion, component {i}" for i in range(4)),
    ),
    _record(
        RecordType.FILTERED_DATA_INFO,
        100.0,
        "what goes into the state estimate",
        "altitude" / Measurement(Float32l, "m") * "above ground, median-filtered from the barometer",
        "acceleration" / Measurement(Float32l, "m/s2") * "upward, median-filtered",
    ),
    _record(
        RecordType.FLIGHT_STATES,
        0.0,
        "a new state of the flight computer",
        "state" / Enum(Int32ul, FlightState) * "state entered",
    ),
    _record(
        RecordType.EVENT_INFO,
        0.0,
        "an event, and one action it does; with a delay before it, the time lies ahead of the records around it",
        "event" / Enum(Int32ul, Event) * "what happened",
        "action" / Enum(Int16ul, Action) * "what is done",
        "argument" / Measurement(Int16sl, "") * "of the action",
    ),
    _record(
        RecordType.ERROR_INFO,
        0.0,
        "errors",
        "error"
        / ByteSwapped(BitStruct(Padding(32 - len(_ERRORS)), *(name / Flag * doc for name, doc in reversed(_ERRORS)))),
    ),
    _record(
        RecordType.GNSS_INFO,
        5.0,
        "GNSS position; no satellites: the last known",
        "latitude" / Measurement(Float32l, "deg") * "north positive",
        "longitude" / Measurement(Float32l, "deg") * "east positive",
        "satellites" / Measurement(Int8ul, "") * "used",
    ),
    _record(
        RecordType.VOLTAGE_INFO,
        1.0,
        "battery",
        "voltage" / Measurement(Int16ul, "V", Linear(1e-3)) * "at the battery",
    ),
)

_HEIGHT, _ACCELERATION = "flight_info.height", "flight_info.acceleration"

FLIGHT = Flight(
    "pad",
    (
        Transition("liftoff", "boost", (Above(_ACCELERATION, 20.0, 0.1),)),  # 2 g net
        Transition("burnout", "coast", (Below(_ACCELERATION, 0.0, 0.1),)),
        Transition("apogee", "descent", (Falls(_HEIGHT, 20.0),)),  # the estimate's noise near the top is 2 m
        # under a parachute 2 s are 10 m and more; the log ends when the computer has seen the touchdown
        Transition(
            "landing", "landed", (Steady(_HEIGHT, 4.0, 2.0), Equals("flight_states.state", FlightState.TOUCHDOWN))
        ),
    ),
)

VEHICLE = Vehicle(
    "cats",
    "CATS Vega",
    PACKETS,
    HEADER,
    flight=FLIGHT,
    display=(
        _HEIGHT,
        "flight_info.velocity",
        _ACCELERATION,
        "flight_states.state",
        "voltage_info.voltage",
        "gnss_info.satellites",
    ),
    plots=(_HEIGHT, "flight_info.velocity", _ACCELERATION),
    source="catsystems/cats-embedded flight_computer/src/flash/recorder.hpp, firmware 3.0",
)
