"""The equations of motion of a rocket in the plane of its flight, and their integration with a fixed step.

Three degrees of freedom: the point mass moves in a vertical plane over a spherical Earth that does not rotate, in still
air, and its attitude is the programme's. The rotation would change OS-X's apogee and range by a few per cent, less than
what has to be assumed of the rocket. Runge-Kutta of fourth order, the same operations in the same order every time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hardware.simulator.atmosphere import CEILING, STANDARD_GRAVITY, standard_air
from hardware.simulator.rocket import Rocket

EARTH_RADIUS: Final = 6_371_008.8
"""m, the mean radius of the Earth (IUGG, R1 of the GRS80 ellipsoid)."""
GRAVITATION: Final = STANDARD_GRAVITY * EARTH_RADIUS**2
"""m3/s2: gravity falls with the square of the radius from standard gravity at sea level."""
LONGEST_FLIGHT: Final = 3_600.0
"""s: a motion that has not come down by then is given up."""

_AIR_SPACING: Final = 20.0
"""m between the air's tabulated altitudes: straight lines between them are within 2e-6 of the standard's density."""
_MACH_SPACING: Final = 0.02
_MACH_TOP: Final = 30.0

State = tuple[float, float, float, float]
"""Radius in m, angle from the pad in rad, climb in m/s and ground speed in m/s (at this radius, not at the surface)."""
_Acceleration = Callable[[int, float, float, float], tuple[float, float]]
"""The change of climb and of ground speed, from the half step and from radius, climb and ground speed."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A rocket's states at every step from when it leaves the pad until it is back; every array has shape (n,)."""

    first: int
    """Steps after the ignition command of the first state."""
    radius: NDArray[np.float64]
    """m from the centre of the Earth."""
    angle: NDArray[np.float64]
    """rad around the centre of the Earth from the pad."""
    climb: NDArray[np.float64]
    """m/s, upward."""
    ground_speed: NDArray[np.float64]
    """m/s, downrange."""


def integrate(rocket: Rocket, step: float, elevation: float) -> Motion:
    """The motion of ``rocket`` from a pad ``elevation`` m above sea level, a state every ``step`` s.

    The last state is the first one at or below the pad's level. Raises ValueError when the motor never lifts the rocket
    or the rocket is not back after an hour.
    """
    accelerate = _acceleration(rocket, step)
    first, state = _first_state(rocket, step, elevation)
    ground = EARTH_RADIUS + elevation
    states = [state]
    for index in range(first, round(LONGEST_FLIGHT / step)):
        state = _runge_kutta(accelerate, 2 * index, step, state)
        states.append(state)
        if state[0] <= ground:
            break
    else:
        raise ValueError(f"the rocket is not back after {LONGEST_FLIGHT:g} s: lower thrust_curve or raise liftoff_mass")
    columns = np.array(states).T
    return Motion(first, columns[0], columns[1], columns[2], columns[3])


def gravity(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gravity in m/s2 at radii in m."""
    return GRAVITATION / radius**2


def liftoff_time(rocket: Rocket, elevation: float) -> float:
    """When, in s since the ignition command, the thrust first carries the rocket's weight: until then the pad does.

    Raises ValueError when that never is.
    """
    time = np.arange(0.0, rocket.thrust_curve[-1][0], 1e-3)
    lift = _lift(rocket, time, elevation)
    carried = np.flatnonzero(lift > 0.0)
    if not carried.size:
        raise ValueError("the motor never carries the rocket's weight: raise thrust_curve or lower liftoff_mass")
    after = int(carried[0])
    return float(np.interp(0.0, lift[after - 1 : after + 1], time[after - 1 : after + 1]))


def _lift(rocket: Rocket, time: NDArray[np.float64], elevation: float) -> NDArray[np.float64]:
    """Acceleration in m/s2, at times in s, of the rocket on its pad: thrust less weight over mass."""
    thrust = rocket.thrust(time, standard_air(np.array(elevation)).pressure)
    return thrust / rocket.mass(time) - gravity(np.array(EARTH_RADIUS + elevation))


def _first_state(rocket: Rocket, step: float, elevation: float) -> tuple[int, State]:
    """The first step after liftoff and the state there: between them the acceleration grows in a straight line."""
    liftoff = liftoff_time(rocket, elevation)
    first = int(liftoff / step) + 1
    elapsed = first * step - liftoff
    acceleration = float(_lift(rocket, np.array(first * step), elevation))
    height = acceleration * elapsed**2 / 6.0
    return first, (EARTH_RADIUS + elevation + height, 0.0, acceleration * elapsed / 2.0, 0.0)


def _programme(rocket: Rocket, step: float) -> list[tuple[float, ...]]:
    """What depends on time only, at every half step until nothing changes any more.

    Specific thrust in vacuum and exit area over mass; cosine and sine of the angle of attack; then, times area over
    mass, the parts of drag and lift that go with the axial coefficient and those that do not.
    """
    settled = max(rocket.thrust_curve[-1][0], rocket.glide_end + rocket.manoeuvre_duration)
    time = np.arange(int(2.0 * settled / step) + 3) * np.float64(step / 2.0)
    mass, angle = rocket.mass(time), rocket.angle_of_attack(time)
    cosine, sine = np.cos(angle), np.sin(angle)
    area = rocket.reference_area / mass
    normal = rocket.normal_coefficient(angle) * area
    columns = (
        rocket.vacuum_thrust(time) / mass,
        rocket.exit_area / mass,
        cosine,
        sine,
        cosine**3 * area,
        normal * sine,
        -(cosine**2) * sine * area,
        normal * cosine,
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _acceleration(rocket: Rocket, step: float) -> _Acceleration:
    """The accelerations of ``rocket`` as a function of plain floats, from evenly spaced tables of all it depends on."""
    programme = _programme(rocket, step)
    settled = len(programme) - 1
    air = standard_air(np.arange(0.0, CEILING + 2 * _AIR_SPACING, _AIR_SPACING))
    half_density, pressure = (air.density / 2.0).tolist(), air.pressure.tolist()
    mach_scale = (1.0 / (_MACH_SPACING * air.speed_of_sound)).tolist()
    axial = rocket.axial_coefficient(np.arange(0.0, _MACH_TOP + _MACH_SPACING, _MACH_SPACING)).tolist()
    top, fastest = len(pressure) - 2, len(axial) - 2

    def accelerate(half_step: int, radius: float, climb: float, ground_speed: float) -> tuple[float, float]:
        now = half_step if half_step < settled else settled
        thrust, exit_area, cosine, sine, drag_axial, drag_normal, lift_axial, lift_normal = programme[now]
        level = (radius - EARTH_RADIUS) / _AIR_SPACING
        row = int(level)
        if row > top:
            row, level = top, top + 1.0
        part = level - row
        square = climb * climb + ground_speed * ground_speed
        speed = sqrt(square)
        up, along = (climb / speed, ground_speed / speed) if speed > 0.0 else (1.0, 0.0)
        mach = speed * (mach_scale[row] + part * (mach_scale[row + 1] - mach_scale[row]))
        column = int(mach)
        if column > fastest:
            column, mach = fastest, fastest + 1.0
        coefficient = axial[column] + (mach - column) * (axial[column + 1] - axial[column])
        dynamic = square * (half_density[row] + part * (half_density[row + 1] - half_density[row]))
        forward = -dynamic * (coefficient * drag_axial + drag_normal)
        upward = dynamic * (coefficient * lift_axial + lift_normal)
        if thrust > 0.0:
            thrust = max(thrust - exit_area * (pressure[row] + part * (pressure[row + 1] - pressure[row])), 0.0)
            forward += thrust * cosine
            upward += thrust * sine
        turn = ground_speed / radius
        return (
            forward * up + upward * along - GRAVITATION / (radius * radius) + ground_speed * turn,
            forward * along - upward * up - climb * turn,
        )

    return accelerate


def _runge_kutta(accelerate: _Acceleration, half_step: int, step: float, state: State) -> State:
    """The state one step later."""
    r, a, c1, g1 = state
    half, sixth = step / 2.0, step / 6.0
    up1, along1 = accelerate(half_step, r, c1, g1)
    r2, c2, g2 = r + half * c1, c1 + half * up1, g1 + half * along1
    up2, along2 = accelerate(half_step + 1, r2, c2, g2)
    r3, c3, g3 = r + half * c2, c1 + half * up2, g1 + half * along2
    up3, along3 = accelerate(half_step + 1, r3, c3, g3)
    r4, c4, g4 = r + step * c3, c1 + step * up3, g1 + step * along3
    up4, along4 = accelerate(half_step + 2, r4, c4, g4)
    return (
        r + sixth * (c1 + 2.0 * (c2 + c3) + c4),
        a + sixth * (g1 / r + 2.0 * (g2 / r2 + g3 / r3) + g4 / r4),
        c1 + sixth * (up1 + 2.0 * (up2 + up3) + up4),
        g1 + sixth * (along1 + 2.0 * (along2 + along3) + along4),
    )
