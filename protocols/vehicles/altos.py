"""Altus Metrum's flight computers on the radio: TeleMetrum, TeleMega, TeleMini, TeleGPS, and EasyMega's kin.

Follows ``src/kernel/ao_telemetry.h`` of AltOS and altosui's ``AltosTelemetry*``: packets of 32 bytes, little-endian, to
which the receiver appends signal strength and status (``struct ao_telemetry_all_recv``). The radio checks them.

The accelerometer along the body is given in counts: its calibration comes in other packets. What the flight computer
makes of it is ``acceleration``.
"""

from __future__ import annotations

from typing import Any

from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Construct,
    Enum,
    Flag,
    Int8sl,
    Int8ul,
    Int16sl,
    Int16ul,
    PaddedString,
    Padding,
    Struct,
)

from protocols.altos.curves import Widened
from protocols.altos.fields import (
    BATTERY,
    OLD_BATTERY,
    OLD_IGNITER,
    OLD_PRESSURE,
    OLD_TEMPERATURE,
    PYRO,
    PYRO_30V,
    Fields,
    altitude_high,
    dilution,
    gps_date,
    gps_flags,
    gps_time,
    latitude,
    longitude,
    old_barometer,
    pascals,
    satellites,
    split_altitude,
    voltage,
)
from protocols.altos.log import LogFormat, counts, ground_acceleration, ground_pressure
from protocols.altos.mega import SENSORS
from protocols.altos.state import FlightState, flight
from protocols.curve import Linear
from protocols.flight import Flight, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

HEADER = Header(
    Struct(
        "serial" / Measurement(Int16ul, "") * "number of the flight computer",
        "tick" / Measurement(Int16ul, "s", Linear(0.01)) * "of the flight computer; begins again every 655.36 s",
        "type" / Measurement(Int8ul, "") * "what the packet holds",
    ),
    key="type",
)
BODY_BYTES = 27
RECEIVED: Fields = (
    "rssi" / Measurement(Int8sl, "dBm", Linear(0.5, -74.0)) * "received signal strength",
    "link"
    / BitStruct(
        "crc_good" / Flag * "whether the radio found the packet whole",
        "quality" / Measurement(BitsInteger(7), "") * "link quality indicator of the radio's chip",
    ),
)
"""What the receiver appends."""


def _packet(key: int, name: str, doc: str, *fields: Construct[Any, Any]) -> Packet:
    rest = BODY_BYTES - Struct(*fields).sizeof()
    return Packet(name, Struct(*fields, Padding(rest), *RECEIVED), key, time=("header.tick",), doc=doc)


STATE = "state" / Enum(Int8ul, FlightState) * "of the flight computer"
ACCELEROMETER = counts("accelerometer", "along the body, as the sensor gave it")
PRESSURE = pascals(None)
TEMPERATURE = "temperature" / Measurement(Int16sl, "degC", Linear(0.01)) * "at the pressure sensor"
ESTIMATES: Fields = (
    "acceleration" / Measurement(Int16sl, "m/s2", Linear(1 / 16)) * "upward, estimated",
    "speed" / Measurement(Int16sl, "m/s", Linear(1 / 16)) * "upward, estimated",
    "height" / Measurement(Int16sl, "m") * "above the pad, estimated; 16 bits",
)
CALIBRATION: Fields = (
    ground_acceleration(),
    counts("plus_g", "of the accelerometer at +1 g"),
    counts("minus_g", "of the accelerometer at -1 g"),
)


def _igniters(scale: float) -> Fields:
    return (
        voltage("apogee", scale, "at the igniter for apogee"),
        voltage("main", scale, "at the igniter for the main parachute"),
    )


def _sensor(key: int, board: str) -> Packet:
    """The first boards, whose sensors are analogue."""
    ground = "ground_pressure" / Measurement(Int16sl, "Pa", OLD_PRESSURE) * "on the pad"
    fields = (
        STATE,
        ACCELEROMETER,
        *old_barometer(None),
        "temperature" / Measurement(Int16sl, "degC", OLD_TEMPERATURE) * "in the radio's chip",
        voltage("battery", OLD_BATTERY, "at the battery"),
        *_igniters(OLD_IGNITER),
        *ESTIMATES,
        ground,
        *CALIBRATION,
    )
    return _packet(key, f"sensor_{board}", f"sensors of {board}", *fields)


def _mega_sensor(key: int, name: str, log_format: LogFormat) -> Packet:
    """Sensors of TeleMega; no zeros are sent, so rotation and acceleration have an offset."""
    sensor, none = SENSORS[log_format], (0.0, 0.0, 0.0)
    fields = (
        "tilt" / Measurement(Int8ul, "deg") * "from the vertical",
        ACCELEROMETER,
        *PRESSURE,
        TEMPERATURE,
        *sensor.accelerations(none),
        *sensor.rates(none),
        *sensor.field(),
    )
    return _packet(key, name, "sensors of TeleMega", *fields)


def _mega_data(key: int, name: str, pyro: float) -> Packet:
    """State and voltages of TeleMega; the igniters' have eight bits, and the voltage's scale is of twelve."""
    places = (*(f"igniter_{letter}" for letter in "abcd"), "apogee", "main")
    fields = (
        STATE,
        voltage("battery", BATTERY, "at the battery"),
        voltage("pyro", pyro, "at the battery of the igniters"),
        *(place / Measurement(Int8ul, "V", Widened(pyro)) * "at the igniter" for place in places),
        ground_pressure(),
        *CALIBRATION,
        *ESTIMATES,
    )
    return _packet(key, name, "state, voltages and estimates of TeleMega", *fields)


def _mini(key: int, name: str, battery: float, igniter: float) -> Packet:
    fields = (
        STATE,
        voltage("battery", battery, "at the battery"),
        *_igniters(igniter),
        *PRESSURE,
        TEMPERATURE,
        *ESTIMATES,
        ground_pressure(),
    )
    return _packet(key, name, "sensors of TeleMini", *fields)


_MINI_2 = 3.3 / 32767.0 * 127.0 / 27.0

PACKETS = (
    _sensor(0x01, "telemetrum"),
    _sensor(0x02, "telemini"),
    _sensor(0x03, "telenano"),
    _packet(
        0x04,
        "configuration",
        "what the flight computer is",
        "device" / Measurement(Int8ul, "") * "USB product number of the board",
        "flight" / Measurement(Int16ul, "") * "its number",
        "config_major" / Measurement(Int8ul, "") * "version of the configuration",
        "config_minor" / Measurement(Int8ul, "") * "version of the configuration",
        "apogee_delay" / Measurement(Int16ul, "s") * "from apogee to its igniter; of TeleGPS the battery's counts",
        "main_deploy" / Measurement(Int16ul, "m") * "height for the main parachute",
        "log_max" / Measurement(Int16ul, "kB") * "longest flight log",
        "callsign" / PaddedString(8, "ascii") * "amateur radio call sign",
        "version" / PaddedString(8, "ascii") * "of the firmware",
    ),
    _packet(
        0x05,
        "location",
        "GNSS position",
        gps_flags(),
        *split_altitude(26, low=0, high=25, high_bytes=1, flag=19),
        latitude(),
        longitude(),
        *gps_date(),
        *gps_time(),
        *dilution("pdop", "hdop", "vdop"),
        "mode" / Measurement(Int8ul, "") * "AO_GPS_MODE bits",
        "ground_speed" / Measurement(Int16ul, "m/s", Linear(0.01)) * "over ground",
        "climb_rate" / Measurement(Int16sl, "m/s", Linear(0.01)) * "upward",
        "course" / Measurement(Int8ul, "deg", Linear(2.0)) * "over ground, clockwise from north",
        altitude_high(Int8sl),
    ),
    _packet(
        0x06,
        "satellites",
        "GNSS satellites in view",
        "count" / Measurement(Int8ul, "") * "satellites in this packet",
        *satellites(12),
    ),
    _packet(
        0x07,
        "companion",
        "what a board beside the flight computer measured",
        "board" / Measurement(Int8ul, "") * "which board",
        "period" / Measurement(Int8ul, "s", Linear(0.01)) * "between measurements",
        "channels" / Measurement(Int8ul, "") * "how many are in use",
        "channel" / Array(12, Measurement(Int16ul, "counts")) * "as converted",
    ),
    _mega_sensor(0x08, "mega_sensor", LogFormat.TELEMEGA_3),
    _mega_data(0x09, "mega_data", PYRO),
    _packet(
        0x0A,
        "metrum_sensor",
        "state, sensors and voltages of TeleMetrum 2 and later",
        STATE,
        ACCELEROMETER,
        *PRESSURE,
        TEMPERATURE,
        *ESTIMATES,
        voltage("battery", BATTERY, "at the battery"),
        *_igniters(PYRO),
    ),
    _packet(
        0x0B,
        "metrum_data",
        "calibration of TeleMetrum 2 and later",
        Padding(3),
        ground_pressure(),
        *CALIBRATION,
    ),
    _mini(0x10, "mini_2", _MINI_2, _MINI_2),
    _mini(0x11, "mini_3", BATTERY, PYRO),
    _mega_sensor(0x12, "mega_sensor_bmx160", LogFormat.TELEMEGA_4),
    _mega_sensor(0x13, "mega_sensor_mpu6000", LogFormat.TELEMEGA_5),
    _mega_sensor(0x14, "mega_sensor_bmi088", LogFormat.TELEMEGA_6),
    _mega_data(0x15, "mega_data_30v", PYRO_30V),
)


def _tells_state(packet: Packet) -> bool:
    members: list[Any] = packet.body.subcons  # type: ignore[attr-defined]
    return any(member.name == STATE.name for member in members)


def _flight() -> Flight:
    """The flight by whichever packet tells the state."""
    states = [f"{packet.name}.state" for packet in PACKETS if _tells_state(packet)]
    each = [flight(state).transitions for state in states]
    return Flight(
        "pad",
        tuple(
            Transition(first.event, first.phase, tuple(when for one in same for when in one.when))
            for first, *others in zip(*each, strict=True)
            for same in ((first, *others),)
        ),
    )


VEHICLE = Vehicle(
    "altos",
    "Altus Metrum",
    PACKETS,
    HEADER,
    flight=_flight(),
    display=(
        "metrum_sensor.height",
        "metrum_sensor.speed",
        "mega_data.height",
        "mega_data.speed",
        "location.latitude",
        "location.longitude",
    ),
    plots=("metrum_sensor.height", "mega_data.height", "location.altitude"),
    source="keithp/altos src/kernel/ao_telemetry.h, altoslib",
)
