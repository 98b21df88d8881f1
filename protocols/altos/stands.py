"""Records of the boards that watch motors on test stands, and of TeleScience."""

from __future__ import annotations

from construct import Array, Enum, Int8ul, Int16ul, Int32ul, Padding

from protocols.altos.fields import ADC
from protocols.altos.log import Calibration, LogFormat, acceleration, counts, flight, ground_acceleration, record, state
from protocols.altos.mega import SENSORS, pad_axes
from protocols.altos.small import Packets
from protocols.altos.state import FlightState, RecordType
from protocols.curve import Linear, Table
from protocols.measurement import Measurement


def easymotor(c: Calibration) -> Packets:
    """EasyMotor: pressure of a motor's chamber, and its acceleration."""
    size, third = 16, c.product.startswith("EasyMotor-v3")
    volt = (3.3 / 32767.0 if third else ADC) * 15.6 / 10.0
    battery = volt if third else ADC * 127.0 / 27.0
    return (
        flight(size, ground_acceleration(), *pad_axes(), counts("ground_motor_pressure", "on the pad")),
        record(
            RecordType.SENSOR,
            "sensor",
            size,
            "pressure of the motor, battery and accelerometer",
            "motor_pressure" / Measurement(Int16ul, "Pa", transducer(volt, c.ground_motor)) * "above that on the pad",
            "battery" / Measurement(Int16ul, "V", Linear(battery)) * "at the battery",
            acceleration(c),
            *SENSORS[LogFormat.EASYMOTOR].accelerations(c.zero),
            rate=100.0,
        ),
        state(size),
    )


_PSI = 6894.76


def transducer(volt: float, ground: int = 0) -> Table:
    """Pa of a transducer for 1600 psi that gives 0.5 V to 4.5 V, so many V a count, above what ground counts give."""
    absolute = Table((0.5 / volt, 4.5 / volt), (0.0, 1600.0 * _PSI))
    at_rest = float(absolute(ground))
    return Table(absolute.raw, (-at_rest, 1600.0 * _PSI - at_rest))


def firetwo(_: Calibration) -> Packets:
    """TeleFireTwo: a test stand. What its counts of thrust are in N is not known (altosui's figure is a guess)."""
    volt = ADC * (5.6 + 10.0) / 10.0
    return (
        flight(32, counts("idle_pressure", "of the motor before ignition"), counts("idle_thrust", "before ignition")),
        record(
            RecordType.SENSOR,
            "sensor",
            32,
            "pressure and thrust of a motor",
            "motor_pressure" / Measurement(Int16ul, "Pa", transducer(volt)) * "in the chamber",
            "thrust" / Measurement(Int16ul, "counts") * "of the load cell",
            "thermistor" / Array(4, Measurement(Int16ul, "counts")) * "of the thermistors",
        ),
        state(32),
    )


def telestatic(_: Calibration) -> Packets:
    """TeleStatic: a test stand; altosui does not know the scales either."""
    return (
        flight(32),
        record(
            RecordType.SENSOR,
            "sensor",
            32,
            "pressures, thrust, mass and temperatures of a motor",
            *(
                name / Measurement(Int32ul, "counts") * "as converted"
                for name in ("pressure", "pressure_2", "thrust", "mass")
            ),
            "temperature_low" / Measurement(Int16ul, "counts") * "as converted",
            "temperature_high" / Array(4, Measurement(Int16ul, "counts")) * "as converted",
        ),
        state(32),
    )


def telescience(_: Calibration) -> Packets:
    """TeleScience: twelve converters, and what the flight computer beside it said."""
    fields = (
        "computer_tick" / Measurement(Int16ul, "s", Linear(0.01)) * "of the flight computer beside it",
        "state" / Enum(Int8ul, FlightState) * "of the flight computer beside it",
        Padding(1),
        "converter" / Array(12, Measurement(Int16ul, "counts")) * "as converted",
    )
    return (
        record(RecordType.SCIENCE_START, "start", 32, "logging begins", *fields),
        record(RecordType.SCIENCE_DATA, "data", 32, "what was converted", *fields),
    )
