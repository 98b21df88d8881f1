"""What OS-X's sensors make of its flight: bias, noise, drop-outs, and the state of what only switches.

Each function gives the columns of one packet type by path, in the units of ``protocols.vehicles.osx``, at times in s
since T-0; the same times, flight and generator give the same columns. All figures of noise, bias and the housekeeping's
course are assumptions: what sensors of this class usually do, chosen so that the flight stays inside its red limits and
the battery is below its yellow one from the glide on.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hardware.simulator.rocket import OS_X
from hardware.simulator.trajectory import AZIMUTH, Trajectory
from protocols.vehicles.osx import SAMPLE_INTERVAL, SAMPLES, GuidanceMode, Igniter

Floats = NDArray[np.float64]
Columns = dict[str, Any]

CLOCK_AT_T0: Final = 1_800.0
"""s on the vehicle's clock at T-0: the flight computer was started half an hour before."""
CYCLE_RATE: Final = 200.0
"""Cycles of the flight software a second."""

INTERNAL_POWER: Final = -10.0
SAFE_ARM: Final = -12.0
INHIBIT_REMOVED: Final = -8.0
FINS_POWERED: Final = -5.0
ALIGNED: Final = -15.0
"""Times of the count-down's last steps, s since T-0."""
GPS_LOST: Final = (-2.0, 5.0)
"""s about the highest dynamic pressure, from and to which the GPS receiver has no fix."""

_ZERO_CELSIUS: Final = 273.15
_METRES_PER_DEGREE: Final = 111_195.0
"""Of latitude, on a sphere of the Earth's mean radius."""
_IGNITER_END: Final = 0.3
"""s: the igniter's grain has burnt out."""


def gps_lost(flight: Trajectory, time: Floats) -> NDArray[np.bool_]:
    """When the GPS receiver has no fix."""
    since = time - flight.time[flight.dynamic_pressure.argmax()]
    return np.asarray((since >= GPS_LOST[0]) & (since < GPS_LOST[1]))


def roll(flight: Trajectory, time: Floats) -> tuple[Floats, Floats]:
    """Roll in deg and its rate in deg/s: a slow swing that the fins allow, from liftoff until the impact."""
    begin, end = flight.events["liftoff"], flight.events["landing"]
    turn = 2.0 * np.pi * (np.clip(time, begin, end) - begin) / 17.0
    flying = (time > begin) & (time < end)
    return 3.0 * (1.0 - np.cos(turn)), np.where(flying, 3.0 * 2.0 * np.pi / 17.0 * np.sin(turn), 0.0)


def guidance(flight: Trajectory, time: Floats, random: np.random.Generator) -> Columns:
    """Guidance: inertial navigation held by GPS, whose slow error it shares, and alone while that is lost."""
    at, lost = flight.at(time), gps_lost(flight, time)
    alone = np.where(lost, time - time[lost][0], 0.0) if lost.any() else np.zeros(len(time))
    north, east, up = (_wander(time, random, 1.5) for _ in range(3))
    east = east - 0.15 * alone**2  # an accelerometer's error, twice integrated
    up = up + 0.05 * alone**2
    longitude_scale = _METRES_PER_DEGREE * np.cos(np.radians(at.latitude))
    return {
        "latitude": at.latitude + (north + _noise(time, random, 0.1)) / _METRES_PER_DEGREE,
        "longitude": at.longitude + (east + _noise(time, random, 0.1)) / longitude_scale,
        "altitude": at.altitude + up + _noise(time, random, 0.2),
        "downrange": at.downrange - east + _noise(time, random, 0.1),
        "speed": np.abs(at.speed + _noise(time, random, 0.1)),
        "vertical_speed": at.vertical_speed + _noise(time, random, 0.08),
        "acceleration": at.acceleration + _noise(time, random, 0.05),
        "mach": np.abs(at.mach + _noise(time, random, 4e-4)),
        "dynamic_pressure": np.abs(at.dynamic_pressure * (1.0 + _noise(time, random, 2e-3))),
        "pitch": at.pitch + _noise(time, random, 0.02),
        "heading": AZIMUTH + _noise(time, random, 0.03),
        "roll": roll(flight, time)[0] + _noise(time, random, 0.02),
        "mode": _mode(flight, time),
        "satellites": np.where(lost, 2, 10 + np.rint(_wander(time, random, 0.7))),
    }


def propulsion(flight: Trajectory, time: Floats, random: np.random.Generator) -> Columns:
    """The motor. Its housekeeping temperatures answer to the burn as first-order lags do."""
    at, burnout = flight.at(time), flight.events["burnout"]
    ambient = float(flight.temperature[0]) - _ZERO_CELSIUS
    roughness = 1.0 + _noise(time, random, 3e-3) * (at.thrust > 0.0)
    igniter = 11e6 * np.clip(time / 0.02, 0.0, 1.0) * np.exp(-np.clip(time - _IGNITER_END + 0.1, 0.0, 10.0) / 0.03)
    heated = 850.0 * (1.0 - np.exp(-np.clip(time, 0.0, burnout) / 14.0))
    nozzle = ambient + heated * np.exp(-np.clip(time - burnout, 0.0, None) / 120.0)
    since = np.clip(time - 5.0, 0.0, None)
    return {
        "chamber_pressure": at.chamber_pressure * 1.002 * roughness + _noise(time, random, 6e3),
        "igniter_pressure": np.maximum(at.chamber_pressure, igniter) + _noise(time, random, 1e4),
        "nozzle_temperature": nozzle + _noise(time, random, 0.8),
        "case_temperature_forward": ambient + 70.0 * (1.0 - np.exp(-since / 60.0)) + _noise(time, random, 0.1),
        "case_temperature_aft": ambient + 85.0 * (1.0 - np.exp(-since / 45.0)) + _noise(time, random, 0.1),
        "thrust": at.thrust * 1.004 * roughness,
        "igniter": _steps(time, Igniter.SAFE, (SAFE_ARM, Igniter.ARMED), (0.0, Igniter.FIRING), (0.3, Igniter.FIRED)),
        "arming.safe_arm": time >= SAFE_ARM,
        "arming.continuity": time < 0.05,
        "arming.igniter_inhibit": time < INHIBIT_REMOVED,
        "arming.termination_a": True,
        "arming.termination_b": True,
    }


def inertial(flight: Trajectory, time: Floats, random: np.random.Generator) -> Columns:
    """Accelerometers and gyroscopes: samples from ``time`` on, (n, SAMPLES), shaken by motor and air stream."""
    times = time[:, None] + np.arange(SAMPLES) * SAMPLE_INTERVAL
    at = flight.at(times.ravel())
    shaking = 0.03 + 0.5 * (at.thrust > 0.0) + 1.5e-6 * at.dynamic_pressure

    def axis(truth: Floats | float, noise: Floats, bias: float) -> Floats:
        return (truth + bias + noise * random.standard_normal(len(noise))).reshape(times.shape)

    return {
        "acceleration_x": axis(at.acceleration, shaking, 0.02),
        "acceleration_y": axis(0.0, shaking, -0.015),
        "acceleration_z": axis(at.normal_acceleration, shaking, 0.01),
        "rate_x": axis(roll(flight, at.time)[1], 0.2 * shaking, 0.01),
        "rate_y": axis(at.pitch_rate, 0.2 * shaking, -0.02),
        "rate_z": axis(0.0, 0.2 * shaking, 0.015),
        "temperature": 31.0 + 9.0 * (1.0 - np.exp(-(time - flight.time[0]) / 200.0)) + _noise(time, random, 0.05),
    }


def power(flight: Trajectory, time: Floats, random: np.random.Generator) -> Columns:
    """The electrical system: loads, and a battery that sags with its charge and under the fins' glide."""
    gliding = (time >= OS_X.glide_start) & (time < OS_X.glide_end)
    bus = 9.0 + 4.0 * (time >= FINS_POWERED) + 9.0 * gliding + _noise(time, random, 0.15)
    current = np.where(time < INTERNAL_POWER, -0.4, 1.08 * bus)  # the converter's losses on top
    charge = 0.05 + np.cumsum(np.clip(current, 0.0, None) * np.gradient(time)) / 3600.0  # A h, 0.05 of them in tests
    battery = 29.4 - 1.0 * charge - 0.6 * charge**2 - 0.06 * current + _noise(time, random, 0.012)
    fired = (time >= 0.0) & (time < 0.1)
    since = time - flight.time[0]
    return {
        "battery_voltage": battery,
        "battery_current": current + _noise(time, random, 0.05),
        "charge_used": charge,
        "bus_voltage": 28.1 - 0.006 * bus + _noise(time, random, 0.01),
        "bus_current": bus,
        "pyro_voltage": 16.4 - 0.9 * fired + _noise(time, random, 0.01),
        "transmitter_current": 3.2 + _noise(time, random, 0.02),
        "battery_temperature": 18.0 + 7.0 * charge + _noise(time, random, 0.05),
        "converter_temperature": 30.0 + 24.0 * (1.0 - np.exp(-since / 180.0)) + _noise(time, random, 0.05),
    }


def discretes(flight: Trajectory, time: Floats, random: np.random.Generator) -> Columns:
    """Switches and counters. The payload stays on, as it does in the computed flight."""
    liftoff = flight.events["liftoff"]
    commands = _steps(time, 12, (ALIGNED, 13), (SAFE_ARM, 14), (INTERNAL_POWER, 15), (INHIBIT_REMOVED, 16), (0.0, 17))
    return {
        "state.umbilical": time < liftoff + 0.1,
        "state.external_power": time < INTERNAL_POWER,
        "state.safe_arm": time >= SAFE_ARM,
        "state.ignition_command": time >= 0.0,
        "state.first_motion": time >= liftoff + 0.05,
        "state.separation": False,
        "state.telemetry_transmitter": True,
        "state.gps_lock": ~gps_lost(flight, time),
        "state.guidance_valid": time >= ALIGNED,
        "state.fins_powered": time >= FINS_POWERED,
        "state.recorder": True,
        "state.termination_link": True,
        "cycles": np.floor((time + CLOCK_AT_T0) * CYCLE_RATE),
        "overruns": np.cumsum(random.random(len(time)) < 1e-3),
        "corrected_errors": np.cumsum(random.random(len(time)) < 2e-3),
        "commands_accepted": commands,
        "commands_rejected": 0,
        "processor_load": 44.0 + _wander(time, random, 4.0) + _noise(time, random, 0.5),
    }


def _noise(time: Floats, random: np.random.Generator, deviation: float) -> Floats:
    """White noise of a standard deviation, one for each time."""
    return deviation * random.standard_normal(len(time))


def _wander(time: Floats, random: np.random.Generator, amplitude: float) -> Floats:
    """A slow error of at most 1.6 times amplitude: two sines of unlike periods at random phases."""
    first, second = random.uniform(0.0, 2.0 * np.pi, 2)
    swing = np.sin(2.0 * np.pi * time / 97.0 + first) + 0.6 * np.sin(2.0 * np.pi * time / 41.0 + second)
    return np.asarray(amplitude * swing)


def _steps(time: Floats, first: int, *later: tuple[float, int]) -> NDArray[np.int64]:
    """A code at each time: the first, and from each of the later times on that one's."""
    codes = np.full(len(time), int(first))
    for begin, code in later:
        codes[time >= begin] = int(code)
    return codes


def _mode(flight: Trajectory, time: Floats) -> NDArray[np.int64]:
    """Guidance's mode, by the programme of OS-X and the flight's events."""
    return _steps(
        time,
        GuidanceMode.ALIGNMENT,
        (ALIGNED, GuidanceMode.READY),
        (flight.events["liftoff"], GuidanceMode.RISE),
        (OS_X.turn_start, GuidanceMode.TURN),
        (flight.events["burnout"], GuidanceMode.COAST),
        (OS_X.glide_start, GuidanceMode.GLIDE),
        (OS_X.glide_end, GuidanceMode.DIVE),
        (flight.events["landing"], GuidanceMode.LANDED),
    )
