"""OS-X, OneSpace's suborbital rocket: its telemetry, which is made up.

OneSpace published no telemetry format, so this one is ours; what it carries is what a vehicle of this kind sends. Each
packet is a CCSDS space packet (133.0-B-2), its secondary header a time code (301.0-B-4 3.2: unsegmented, four octets of
seconds and two of fraction, from the start of the flight computer), sent as a COBS frame with a CRC.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from math import inf
from typing import Any, Final

from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Construct,
    Enum,
    Flag,
    Int8ub,
    Int16sb,
    Int16ub,
    Int32sb,
    Int32ub,
    Padding,
    Struct,
)

from protocols.ccsds.space_packet import SPACE_PACKET, primary_header
from protocols.ccsds.time_code import cuc
from protocols.curve import Linear, Polynomial, Table
from protocols.flight import Above, Below, Falls, Flight, Steady, Transition
from protocols.measurement import Measurement
from protocols.packet import Packet, Vehicle


class Apid(IntEnum):
    """Application process identifiers, 11 bits (133.0-B-2 4.1.3.3.4)."""

    GUIDANCE = 0x101
    PROPULSION = 0x102
    INERTIAL = 0x103
    POWER = 0x104
    DISCRETES = 0x105


class GuidanceMode(IntEnum):
    """What guidance is doing."""

    ALIGNMENT = 0
    READY = 1
    RISE = 2
    TURN = 3
    COAST = 4
    GLIDE = 5
    DIVE = 6
    LANDED = 7


class Igniter(IntEnum):
    """State of the motor's igniter."""

    SAFE = 0
    ARMED = 1
    FIRING = 2
    FIRED = 3


SAMPLES: Final = 10
"""Samples of each axis in an inertial packet."""
SAMPLE_INTERVAL: Final = 0.005
"""s between them."""

THERMISTOR: Final = Table(
    (159, 194, 238, 295, 368, 462, 584, 740, 940, 1191, 1496, 1854, 2048, 2248, 2654, 3037, 3368, 3627, 3813, 3936),
    (140, 130, 120, 110, 100, 90, 80, 70, 60, 50, 40, 30, 25, 20, 10, 0, -10, -20, -30, -40),
)
"""degC of a 12-bit converter's counts: a thermistor of 10 kohm at 25 degC and beta 3,435 K below as much resistance."""

THERMOCOUPLE: Final = Polynomial((-2.688, 2.57866e-2, -1.05207e-7, 1.66872e-12))
"""degC of microvolts, type K, cold junction compensated: fitted to NIST ITS-90's inverse functions within 2.7 degC."""

TIME: Final = "time" / cuc(4, 2) * "of the first sample, since the flight computer's start"
"""The secondary header."""

HEADER: Final = replace(SPACE_PACKET, layout=primary_header(Enum(BitsInteger(11), Apid)), several=False)
"""One packet a frame."""

GUIDANCE: Final = Struct(
    TIME,
    "latitude" / Measurement(Int32sb, "deg", Linear(1e-7)) * "north positive",
    "longitude" / Measurement(Int32sb, "deg", Linear(1e-7)) * "east positive",
    "altitude" / Measurement(Int32sb, "m", Linear(0.01)) * "above the launch site",
    "downrange" / Measurement(Int32sb, "m", Linear(0.1)) * "along the surface from the launch site",
    "speed" / Measurement(Int16ub, "m/s", Linear(0.05)) * "relative to the ground",
    "vertical_speed" / Measurement(Int16sb, "m/s", Linear(0.05)) * "upward",
    "acceleration" / Measurement(Int16sb, "m/s2", Linear(0.01), red=(-60, 90)) * "along the body axis, as sensed",
    "mach" / Measurement(Int16ub, "", Linear(1e-3)) * "by the standard atmosphere",
    "dynamic_pressure"
    / Measurement(
        Int16ub, "Pa", Linear(10.0), yellow=(-inf, 350e3), red=(-inf, 400e3), persistence=5, when=("boost", "coast")
    )
    * "by the standard atmosphere",
    "pitch" / Measurement(Int16sb, "deg", Linear(0.01)) * "of the body axis above the horizon",
    "heading" / Measurement(Int16ub, "deg", Linear(0.01)) * "of the body axis, clockwise from north",
    "roll" / Measurement(Int16sb, "deg", Linear(0.01)) * "about the body axis",
    "mode" / Enum(Int8ub, GuidanceMode) * "what guidance is doing",
    "satellites"
    / Measurement(Int8ub, "", yellow=(4, inf), persistence=10, when=("boost", "coast", "descent"))
    * "used by the GPS receiver; 4 are needed",
)

ARMING: Final = BitStruct(
    "safe_arm" / Flag * "safe-arm device armed",
    "continuity" / Flag * "igniter circuit closed",
    "igniter_inhibit" / Flag * "ground inhibit of the igniter in place",
    "termination_a" / Flag * "termination receiver A armed",
    "termination_b" / Flag * "termination receiver B armed",
    Padding(3),
)

PROPULSION: Final = Struct(
    TIME,
    "chamber_pressure"
    / Measurement(
        Int16ub, "Pa", Linear(250.0, -100e3), yellow=(0.2e6, 7.6e6), red=(0.1e6, 8.2e6), persistence=3, when=("boost",)
    )
    * "in the motor's chamber, absolute",
    "igniter_pressure" / Measurement(Int16ub, "Pa", Linear(500.0, -100e3)) * "in the igniter, absolute",
    "nozzle_temperature"
    / Measurement(Int16ub, "degC", THERMOCOUPLE, yellow=(-inf, 1000), red=(-inf, 1150), persistence=10)
    * "of the throat's housing, by thermocouple",
    "case_temperature_forward"
    / Measurement(Int16ub, "degC", THERMISTOR, yellow=(-20, 110), red=(-30, 130), persistence=10)
    * "of the motor's case at its head end",
    "case_temperature_aft"
    / Measurement(Int16ub, "degC", THERMISTOR, yellow=(-20, 110), red=(-30, 130), persistence=10)
    * "of the motor's case at the nozzle",
    "thrust" / Measurement(Int16ub, "N", Linear(10.0)) * "estimated from chamber and ambient pressure",
    "igniter" / Enum(Int8ub, Igniter) * "state of the igniter",
    "arming" / ARMING,
)


def _axis(name: str, unit: str, doc: str) -> Construct[Any, Any]:
    return name / Measurement(Array(SAMPLES, Int16sb), unit, Linear(0.01)) * f"{doc}; {SAMPLES} samples, 5 ms apart"


INERTIAL: Final = Struct(
    TIME,
    _axis("acceleration_x", "m/s2", "specific force along the body axis, toward the nose"),
    _axis("acceleration_y", "m/s2", "specific force across the body, to the right"),
    _axis("acceleration_z", "m/s2", "specific force across the body, upward when it lies level"),
    _axis("rate_x", "deg/s", "angular rate about the body axis"),
    _axis("rate_y", "deg/s", "angular rate about the axis to the right, nose up"),
    _axis("rate_z", "deg/s", "angular rate about the third axis, nose right"),
    "temperature"
    / Measurement(Int16ub, "degC", THERMISTOR, yellow=(-10, 60), red=(-20, 75), persistence=5)
    * "in the unit",
)

POWER: Final = Struct(
    TIME,
    "battery_voltage"
    / Measurement(
        Int16ub,
        "V",
        Linear(1e-3),
        yellow=(26.0, 33.0),
        red=(24.0, 34.0),
        persistence=5,
        persistence_s=0.4,
        hysteresis=0.3,
    )
    * "of the main battery, under load",
    "battery_current"
    / Measurement(Int16sb, "A", Linear(0.01), yellow=(-5, 40), red=(-10, 60), persistence=3)
    * "out of the main battery",
    "charge_used" / Measurement(Int16ub, "A h", Linear(1e-3)) * "of the main battery since it was connected",
    "bus_voltage"
    / Measurement(Int16ub, "V", Linear(1e-3), yellow=(27.0, 29.0), red=(26.0, 30.0), persistence=3, hysteresis=0.1)
    * "of the regulated bus",
    "bus_current" / Measurement(Int16ub, "A", Linear(0.01)) * "into everything on the regulated bus",
    "pyro_voltage"
    / Measurement(Int16ub, "V", Linear(1e-3), yellow=(13.5, 17.5), red=(12.0, 18.0), persistence=5)
    * "of the battery for pyrotechnics",
    "transmitter_current" / Measurement(Int16ub, "A", Linear(1e-3)) * "into the telemetry transmitter",
    "battery_temperature"
    / Measurement(Int16ub, "degC", THERMISTOR, yellow=(0, 50), red=(-10, 65), persistence=5)
    * "of the main battery's middle cell",
    "converter_temperature"
    / Measurement(Int16ub, "degC", THERMISTOR, yellow=(-20, 70), red=(-30, 85), persistence=5)
    * "of the bus converter's heat sink",
)

STATE: Final = BitStruct(
    "umbilical" / Flag * "umbilical connected",
    "external_power" / Flag * "fed through the umbilical",
    "safe_arm" / Flag * "safe-arm device armed",
    "ignition_command" / Flag * "ignition was commanded",
    "first_motion" / Flag * "lift-off switch open",
    "separation" / Flag * "payload separated from the motor",
    "telemetry_transmitter" / Flag * "telemetry transmitter on",
    "gps_lock" / Flag * "GPS receiver has a fix",
    "guidance_valid" / Flag * "guidance's own check passed",
    "fins_powered" / Flag * "fin actuators powered",
    "recorder" / Flag * "on-board recorder running",
    "termination_link" / Flag * "termination receivers hear the range's carrier",
    Padding(4),
)

DISCRETES: Final = Struct(
    TIME,
    "state" / STATE,
    "cycles" / Measurement(Int32ub, "") * "cycles of the flight software since its start, 200 a second",
    "overruns" / Measurement(Int16ub, "", yellow=(-inf, 20), red=(-inf, 100)) * "cycles that took too long",
    "corrected_errors" / Measurement(Int16ub, "") * "single-bit memory errors corrected",
    "commands_accepted" / Measurement(Int8ub, "") * "by the umbilical, since the start",
    "commands_rejected" / Measurement(Int8ub, "", yellow=(-inf, 3)) * "by the umbilical, since the start",
    "processor_load"
    / Measurement(Int8ub, "%", Linear(0.5), yellow=(-inf, 85), red=(-inf, 95), persistence=10)
    * "of the flight computer, mean of a second",
)


def _packet(apid: Apid, body: Construct[Any, Any], rate: float, doc: str) -> Packet:
    return Packet(apid.name.lower(), body, int(apid), rate=rate, time=("time",), doc=doc)


PACKETS: Final = (
    _packet(Apid.GUIDANCE, GUIDANCE, 50.0, "where guidance takes the vehicle to be, and what it does"),
    _packet(Apid.PROPULSION, PROPULSION, 100.0, "the solid motor and its igniter"),
    _packet(Apid.INERTIAL, INERTIAL, 20.0, "accelerometers and gyroscopes, 200 samples a second"),
    _packet(Apid.POWER, POWER, 10.0, "batteries, bus and their temperatures"),
    _packet(Apid.DISCRETES, DISCRETES, 10.0, "switches, and counters of the flight software"),
)

FLIGHT: Final = Flight(
    "pad",
    (
        # 1.5 g: the motor gives 5 g from its first tenth of a second on. The altitude is there in case that is lost.
        Transition(
            "liftoff", "boost", (Above("guidance.acceleration", 15.0, 0.1), Above("guidance.altitude", 50.0, 0.3))
        ),
        # Half a g: the pad gives one, the motor over four until its last seconds, drag less than nothing after them.
        Transition("burnout", "coast", (Below("guidance.acceleration", 5.0, 0.3),)),
        Transition(
            "apogee", "descent", (Below("guidance.vertical_speed", 0.0, 1.0), Falls("guidance.altitude", 500.0))
        ),
        # At apogee the vehicle stays within 5 m for 2 s, nowhere else in flight for more than a tenth of one.
        Transition("landing", "landed", (Steady("guidance.altitude", 5.0, 3.0),)),
    ),
)

VEHICLE: Final = Vehicle(
    "osx",
    "OneSpace OS-X",
    PACKETS,
    HEADER,
    framing={"kind": "cobs", "check": "crc-16/ibm-3740"},
    flight=FLIGHT,
    display=(
        "guidance.altitude",
        "guidance.speed",
        "guidance.mach",
        "guidance.downrange",
        "propulsion.chamber_pressure",
        "power.battery_voltage",
    ),
    plots=("guidance.altitude", "guidance.speed", "propulsion.chamber_pressure"),
    synthetic=True,
    source=(
        "ours: OneSpace published no telemetry format. Space packets by CCSDS 133.0-B-2, time by CCSDS 301.0-B-4 3.2, "
        "frames by COBS with CRC-16/IBM-3740; the flight is computed (hardware.simulator)"
    ),
)
