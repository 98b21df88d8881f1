"""OS-X's flight, computed: every quantity its telemetry is made from, sampled from the pad to after the impact.

It is synthetic, and meets the figures published of the first flight (sources in ``rocket``): apogee 38.742 km, range
273 km, a top speed of more than Mach 5.7, 306 s of flight. The equations of motion are in ``motion``, the vehicle is in
``rocket``, the air in ``atmosphere``.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hardware.simulator.atmosphere import Air, standard_air
from hardware.simulator.motion import EARTH_RADIUS, Motion, gravity, integrate, liftoff_time
from hardware.simulator.rocket import OS_X, Rocket

PAD_TIME: Final = 20.0
"""s on the pad before the ignition command: where a trajectory begins."""
AFTER_LANDING: Final = 10.0
"""s on the ground after the impact: where a trajectory ends."""

SITE_LATITUDE: Final = 40.96
"""deg north. Published: "a test field in northwest China"; assumed: the Jiuquan range, where the second OS-X flew."""
SITE_LONGITUDE: Final = 100.28
"""deg east. Assumed, as the latitude."""
SITE_ELEVATION: Final = 1_000.0
"""m above sea level, about that of the Jiuquan range. The published 38.742 km are taken as above the site."""
AZIMUTH: Final = 270.0
"""deg from north, clockwise. Assumed: due west, over the desert."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trajectory:
    """OS-X's flight, sampled; every array has shape (n,), times in seconds since T-0 (the ignition command)."""

    time: Floats
    """s since T-0, from ``-PAD_TIME`` to ``AFTER_LANDING`` s after the impact."""
    altitude: Floats
    """m above the launch site."""
    downrange: Floats
    """m along the surface, at sea level."""
    latitude: Floats
    """deg north."""
    longitude: Floats
    """deg east."""
    speed: Floats
    """m/s, relative to the ground and, in still air, to the air."""
    vertical_speed: Floats
    """m/s, upward."""
    flight_path_angle: Floats
    """deg, of the velocity above the local horizon; 90 on the pad, and after the impact what it last was."""
    mach: Floats
    """Speed over the speed of sound."""
    dynamic_pressure: Floats
    """Pa."""
    acceleration: Floats
    """m/s2, along the body axis toward the nose, as an accelerometer senses it: gravity's reaction on the pad.

    The impact itself is no acceleration here: from one sample to the next the body lies still.
    """
    normal_acceleration: Floats
    """m/s2, across the body axis in the plane of flight, upward when the body lies level; sensed, as the axial one."""
    pitch: Floats
    """deg, of the body axis above the local horizon."""
    pitch_rate: Floats
    """deg/s, the change of ``pitch``; 0 where the body stands or lies."""
    thrust: Floats
    """N."""
    chamber_pressure: Floats
    """Pa, absolute; ambient while nothing burns."""
    mass: Floats
    """kg."""
    temperature: Floats
    """K, of the air around."""
    pressure: Floats
    """Pa, of the air around."""
    events: dict[str, float]
    """True times in s since T-0, by name: ``liftoff``, ``burnout``, ``apogee``, ``landing``.

    Liftoff is when thrust exceeds weight, burnout when the chamber is down to a tenth of its highest pressure (the end
    of the action time of Sutton, Rocket Propulsion Elements, section 12.1), landing the impact.
    """

    def at(self, time: Floats) -> "Trajectory":
        """The flight at any times in s since T-0, shape (m,), interpolated; outside of it the first or last sample.

        ``time`` of the result is the times asked for, the events are the flight's.
        """
        wanted = np.asarray(time, dtype=np.float64)
        columns = {
            field.name: np.interp(wanted, self.time, getattr(self, field.name))
            for field in fields(self)
            if field.name not in {"time", "events"}
        }
        return Trajectory(time=wanted, events=self.events, **columns)


@dataclass(frozen=True, slots=True)
class _Samples:
    """The motion on the trajectory's own times, with the pad before it and the ground after; arrays of shape (n,)."""

    time: Floats
    radius: Floats
    angle: Floats
    climb: Floats
    ground_speed: Floats
    flying: NDArray[np.bool_]
    landing: float


def fly(step: float = 0.005, rocket: Rocket = OS_X) -> Trajectory:
    """The flight of ``rocket``, sampled and integrated every ``step`` s; the same to the last bit every time.

    Raises ValueError when the step is not between 0 and 0.1 s, or the rocket never leaves the pad or never returns.
    """
    if not 0.0 < step <= 0.1:
        raise ValueError(f"step is {step} s: give more than 0 and at most 0.1 s")
    samples = _samples(integrate(rocket, step, SITE_ELEVATION), step)
    air = standard_air(samples.radius - EARTH_RADIUS)
    speed = np.hypot(samples.climb, samples.ground_speed)
    path = _path_angle(samples)
    angle_of_attack = np.where(samples.flying, rocket.angle_of_attack(samples.time), 0.0)
    pitch = _held(samples, path + angle_of_attack)
    thrust = rocket.thrust(samples.time, air.pressure)
    axial, normal = _sensed(rocket, samples, air, thrust, pitch)
    latitude, longitude = _position(samples.angle)
    return Trajectory(
        time=samples.time,
        altitude=samples.radius - EARTH_RADIUS - SITE_ELEVATION,
        downrange=samples.angle * EARTH_RADIUS,
        latitude=latitude,
        longitude=longitude,
        speed=speed,
        vertical_speed=samples.climb,
        flight_path_angle=np.degrees(path),
        mach=speed / air.speed_of_sound,
        dynamic_pressure=air.density * speed**2 / 2.0,
        acceleration=axial,
        normal_acceleration=normal,
        pitch=np.degrees(pitch),
        pitch_rate=np.where(samples.flying, np.gradient(np.degrees(pitch), samples.time), 0.0),
        thrust=thrust,
        chamber_pressure=rocket.chamber_pressure(samples.time, air.pressure),
        mass=rocket.mass(samples.time),
        temperature=air.temperature,
        pressure=air.pressure,
        events=_events(rocket, samples),
    )


def _samples(motion: Motion, step: float) -> _Samples:
    """The motion between its times of rest. Its last state, below the ground, becomes the first one at rest on it."""
    before = round(PAD_TIME / step) + motion.first
    height = motion.radius[-2:] - (EARTH_RADIUS + SITE_ELEVATION)
    part = height[0] / (height[0] - height[1])
    after = int(np.ceil(AFTER_LANDING / step)) + 1
    index = np.arange(before + len(motion.radius) - 1 + after)
    steps = index - round(PAD_TIME / step)
    ground = EARTH_RADIUS + SITE_ELEVATION
    impact = motion.angle[-2] + part * (motion.angle[-1] - motion.angle[-2])

    def between(column: Floats, first: float, last: float) -> Floats:
        return np.concatenate((np.full(before, first), column[:-1], np.full(after, last)))

    return _Samples(
        time=steps * np.float64(step),
        radius=between(motion.radius, ground, ground),
        angle=between(motion.angle, 0.0, impact),
        climb=between(motion.climb, 0.0, 0.0),
        ground_speed=between(motion.ground_speed, 0.0, 0.0),
        flying=(index >= before) & (index < len(index) - after),
        landing=step * (motion.first + len(motion.radius) - 2 + float(part)),
    )


def _held(samples: _Samples, angle: Floats) -> Floats:
    """``angle`` in flight; upright before, and after it what it was at the impact."""
    flown = np.flatnonzero(samples.flying)
    held = np.where(samples.flying, angle, np.pi / 2.0)
    held[flown[-1] + 1 :] = angle[flown[-1]]
    return held


def _path_angle(samples: _Samples) -> Floats:
    """Angle of the velocity above the local horizon, rad."""
    return _held(samples, np.arctan2(samples.climb, samples.ground_speed))


def _sensed(rocket: Rocket, samples: _Samples, air: Air, thrust: Floats, pitch: Floats) -> tuple[Floats, Floats]:
    """Axial and normal specific force in m/s2: the motor and the air in flight, what holds up the weight at rest."""
    angle = rocket.angle_of_attack(samples.time)
    square = samples.climb**2 + samples.ground_speed**2
    force = air.density * square / 2.0 * rocket.reference_area
    drag = rocket.axial_coefficient(np.sqrt(square) / air.speed_of_sound) * np.cos(angle) ** 2
    mass, weight = rocket.mass(samples.time), gravity(samples.radius)
    axial = np.where(samples.flying, (thrust - force * drag) / mass, weight * np.sin(pitch))
    normal = np.where(samples.flying, force * rocket.normal_coefficient(angle) / mass, weight * np.cos(pitch))
    return axial, normal


def _position(angle: Floats) -> tuple[Floats, Floats]:
    """Latitude and longitude in deg, ``angle`` rad along the great circle that leaves the site at ``AZIMUTH``."""
    start, heading = np.radians(SITE_LATITUDE), np.radians(AZIMUTH)
    sine = np.sin(start) * np.cos(angle) + np.cos(start) * np.sin(angle) * np.cos(heading)
    east = np.sin(heading) * np.sin(angle) * np.cos(start)
    longitude = np.arctan2(east, np.cos(angle) - np.sin(start) * sine)
    return np.degrees(np.arcsin(sine)), SITE_LONGITUDE + np.degrees(longitude)


def _events(rocket: Rocket, samples: _Samples) -> dict[str, float]:
    """The true times of the flight, between the samples."""
    burning = np.arange(0.0, rocket.thrust_curve[-1][0], 1e-3)
    vacuum_thrust = rocket.vacuum_thrust(burning)
    flown = np.flatnonzero(samples.flying)
    peak = int(vacuum_thrust.argmax())
    return {
        "liftoff": liftoff_time(rocket, SITE_ELEVATION),
        "burnout": _first_crossing(burning[peak:], 0.1 * vacuum_thrust.max() - vacuum_thrust[peak:]),
        "apogee": _first_crossing(samples.time[flown], -samples.climb[flown]),
        "landing": samples.landing,
    }


def _first_crossing(time: Floats, value: Floats) -> float:
    """When ``value``, negative at first, first becomes positive: on the straight line between the two samples."""
    after = int(np.flatnonzero(value > 0.0)[0])
    before = after - 1
    part = value[before] / (value[before] - value[after])
    return float(time[before] + part * (time[after] - time[before]))
