"""What OneSpace's OS-X ("Chongqing Liangjiang Star") is taken to be: motor, mass, shape and programme.

Published of its first flight, 2018-05-17: one solid stage of 9 m and 7,200 kg, from a test field in northwest China to
38.742 km and over 273 km, faster than Mach 5.7 (SpaceFlight Insider, "China's first private rocket reaches 127,000 feet
on maiden flight", 2018-05; Financial News, "China launches privately designed rocket", 2018-05-30, which adds 306 s of
flight, as does leonarddavid.com; gbtimes, through Parabolic Arc, 2018-09-03, has 265 s). Everything else a flight needs
is an assumption, said to be one where it stands, and chosen so that the flight meets these figures.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hardware.simulator.atmosphere import STANDARD_GRAVITY

Floats = NDArray[np.float64]

THRUST_CURVE: Final = (
    (0.0, 0.0),
    (0.12, 0.0),
    (0.20, 90e3),
    (0.32, 372e3),
    (0.45, 380e3),
    (0.9, 358e3),
    (6.0, 368e3),
    (35.9, 200e3),
    (36.9, 150e3),
    (37.9, 60e3),
    (38.9, 14e3),
    (40.4, 0.0),
)
"""Vacuum thrust in N at times in s since the ignition command, straight lines between; zero after the last.

Published: a solid motor 6 m long with "a thrust of 35 tonnes" (CCTV, quoted by go-taikonauts.com, 2018-01-28): 343 kN,
which is what the first seconds give at the pad. Assumed: the rest. The igniter burns for 0.12 s before the grain
catches, the chamber fills within 0.3 s, with an overshoot from the igniter's own gas, the grain is regressive, which
spares the rocket at its highest dynamic pressure, and slivers burn out in a tail-off of a few seconds.
"""

DRAG_CURVE: Final = (
    (0.0, 0.28),
    (0.6, 0.28),
    (0.8, 0.31),
    (0.95, 0.42),
    (1.05, 0.50),
    (1.2, 0.52),
    (1.5, 0.46),
    (2.0, 0.37),
    (3.0, 0.27),
    (4.0, 0.215),
    (5.0, 0.185),
    (6.0, 0.17),
    (8.0, 0.16),
)
"""Axial force coefficient at Mach numbers, on the body's cross-section, nose first.

Assumed: the usual course for a slender finned body with a pointed nose (a peak just above Mach 1, then a slow fall).
"""


@dataclass(frozen=True, slots=True)
class Rocket:
    """A one-stage solid rocket: plain numbers in SI units, angles in degrees. The defaults are OS-X."""

    liftoff_mass: float = 7_200.0
    """kg. Published: 7,200 kg (Financial News)."""
    length: float = 9.0
    """m. Published: 9 m (Financial News, SpaceFlight Insider)."""
    diameter: float = 0.85
    """m. Published for the second OS-X (gbtimes, through Parabolic Arc); assumed for the first."""

    thrust_curve: tuple[tuple[float, float], ...] = THRUST_CURVE
    specific_impulse: float = 262.0
    """s, in vacuum. Assumed: aluminised composite propellant behind a nozzle for the lower atmosphere."""
    exit_area: float = 0.25
    """m2 of the nozzle's exit. Assumed: 0.56 m across, which fits inside the body."""
    throat_area: float = 0.0305
    """m2 of the nozzle's throat. Assumed: an expansion ratio of 8.2."""
    thrust_coefficient: float = 1.72
    """In vacuum. Assumed: about what an expansion ratio of 8 gives; the chamber then runs at some 7 MPa."""

    drag_curve: tuple[tuple[float, float], ...] = DRAG_CURVE
    normal_slope: float = 3.0
    """Normal force coefficient per radian at small angles. Assumed: 2 for a slender nose, the rest for the fins."""
    crossflow_drag: float = 1.2
    """Of the body broadside, on its side view. Assumed: that of a long cylinder across the stream."""

    turn_start: float = 1.5
    """s: the rocket has risen straight up until here. Assumed."""
    turn_angle: float = 19.49
    """deg: the largest angle of attack of the turn, at low speed. Assumed; it sets apogee against range."""
    turn_quickness: float = 0.35
    """1/s: how soon the angle of attack comes (its peak is ln 2 over this after the start) and goes. Assumed."""
    glide_start: float = 110.0
    """s: just past apogee the fins raise the nose. Assumed."""
    glide_angle: float = 56.7
    """deg: the angle of attack of the glide, which carries and brakes. Assumed, for want of a published descent.

    Falling ballistically OS-X would be back after some 200 s, not 306, and would have to be faster than published to
    come as far. Start, angle and end of the glide set range and time of flight.
    """
    glide_end: float = 249.5
    """s: the fins let go, and the body, being stable, falls nose first. Assumed; no parachute is known."""
    manoeuvre_duration: float = 10.0
    """s that it takes to raise the nose, and to lower it. Assumed."""

    @property
    def reference_area(self) -> float:
        """Cross-section of the body, m2: what every coefficient refers to."""
        return float(np.pi / 4.0 * self.diameter**2)

    def vacuum_thrust(self, time: Floats) -> Floats:
        """Thrust in N that the motor would have in vacuum, at times in s since the ignition command."""
        times, thrust = _columns(self.thrust_curve)
        return np.interp(time, times, thrust)

    def thrust(self, time: Floats, pressure: Floats) -> Floats:
        """Thrust in N against an ambient pressure in Pa.

        The air presses on the nozzle's exit, and never takes away more than there is: a nozzle with little pressure
        behind it no longer runs full.
        """
        return np.maximum(self.vacuum_thrust(time) - self.exit_area * pressure, 0.0)

    def chamber_pressure(self, time: Floats, pressure: Floats) -> Floats:
        """Absolute pressure in the chamber in Pa: thrust over throat area and thrust coefficient, at least ambient."""
        return np.maximum(self.vacuum_thrust(time) / (self.throat_area * self.thrust_coefficient), pressure)

    def mass(self, time: Floats) -> Floats:
        """Mass in kg: what is left after the vacuum impulse given so far was paid for in propellant."""
        times, thrust = _columns(self.thrust_curve)
        impulses = np.concatenate(([0.0], np.cumsum(np.diff(times) * (thrust[1:] + thrust[:-1]) / 2.0)))
        since = np.clip(time, times[0], times[-1])
        node = np.clip(np.searchsorted(times, since, side="right") - 1, 0, len(times) - 2)
        elapsed = since - times[node]
        slope = np.diff(thrust) / np.diff(times)
        impulse = impulses[node] + elapsed * (thrust[node] + slope[node] * elapsed / 2.0)
        spent: Floats = impulse / (self.specific_impulse * STANDARD_GRAVITY)
        return self.liftoff_mass - spent

    def angle_of_attack(self, time: Floats) -> Floats:
        """Angle in rad from the velocity up to the body axis, as programmed: 0 but in turn and glide.

        The turn is the exponential programme alpha = -4 alpha_m x (1 - x), x = exp(-a (t - t1)), usual for solid
        rockets: it fades by itself, and from then on gravity alone turns the path.
        """
        decay = np.exp(-self.turn_quickness * np.maximum(time - self.turn_start, 0.0))
        turn = -4.0 * np.radians(self.turn_angle) * decay * (1.0 - decay)
        held = self._eased(time, self.glide_start) - self._eased(time, self.glide_end)
        angle: Floats = turn + np.radians(self.glide_angle) * held
        return angle

    def _eased(self, time: Floats, start: float) -> Floats:
        """From 0 to 1 in ``manoeuvre_duration`` s from ``start`` on, without a jolt at either end."""
        part: Floats = np.clip((time - start) / self.manoeuvre_duration, 0.0, 1.0)
        return part**2 * (3.0 - 2.0 * part)

    def axial_coefficient(self, mach: Floats) -> Floats:
        """Axial force coefficient, nose first, at Mach numbers of any shape."""
        machs, coefficients = _columns(self.drag_curve)
        return np.interp(mach, machs, coefficients)

    def normal_coefficient(self, angle: Floats) -> Floats:
        """Normal force coefficient at angles of attack in rad: slender-body lift, and crossflow drag (NACA 1048)."""
        side_ratio = self.length * self.diameter / self.reference_area
        crossflow = self.crossflow_drag * side_ratio * np.sin(angle) * np.abs(np.sin(angle))
        return self.normal_slope * np.sin(angle) * np.cos(angle) + crossflow


def _columns(curve: tuple[tuple[float, float], ...]) -> tuple[Floats, Floats]:
    """A curve's points as two arrays of shape (n,)."""
    points = np.array(curve, dtype=np.float64)
    return points[:, 0], points[:, 1]


OS_X: Final = Rocket()
"""OneSpace's OS-X."""
