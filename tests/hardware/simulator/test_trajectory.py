"""OS-X's flight against what OneSpace published of it, and against mechanics worked out another way."""

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hardware.simulator.rocket import OS_X, Rocket
from hardware.simulator.trajectory import AZIMUTH, SITE_LATITUDE, SITE_LONGITUDE, Trajectory, fly

EARTH = 6_371_008.8
"""m, the Earth's mean radius (IUGG)."""
SITE = 1_000.0
"""m, the site's elevation."""
ARRAYS = [field.name for field in fields(Trajectory) if field.name != "events"]
AIRLESS = replace(OS_X, drag_curve=((0.0, 0.0), (8.0, 0.0)), normal_slope=0.0, crossflow_drag=0.0)
"""OS-X without any force of the air on its body."""


@pytest.fixture(scope="module")
def flight() -> Trajectory:
    return fly()


@pytest.fixture(scope="module")
def airless() -> Trajectory:
    return fly(rocket=AIRLESS)


def gravity(altitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """m/s2, by the inverse square from standard gravity at sea level."""
    return 9.80665 * (EARTH / (EARTH + SITE + altitude)) ** 2


def cartesian(flight: Trajectory) -> NDArray[np.float64]:
    """Positions (n, 2) in m in the plane of flight: along the site's horizon, and along its vertical."""
    radius, angle = EARTH + SITE + flight.altitude, flight.downrange / EARTH
    return np.column_stack((radius * np.sin(angle), radius * np.cos(angle)))


def smooth_flight(flight: Trajectory) -> slice:
    """The samples in the air, but for a few at both ends where a difference would reach over the edge."""
    airborne = np.flatnonzero((flight.time > flight.events["liftoff"]) & (flight.time < flight.events["landing"]))
    return slice(airborne[0] + 3, airborne[-1] - 3)


# What was published.


def test_apogee_is_the_published_one(flight: Trajectory) -> None:
    assert flight.altitude.max() == pytest.approx(38_742.0, rel=0.02)


def test_range_is_the_published_one(flight: Trajectory) -> None:
    assert flight.downrange[-1] == pytest.approx(273_000.0, rel=0.03)


def test_top_speed_is_over_the_published_mach_number_and_not_far_over(flight: Trajectory) -> None:
    assert 5.7 < flight.mach.max() < 6.0


def test_flight_lasts_about_the_published_time(flight: Trajectory) -> None:
    assert 265.0 <= flight.events["landing"] - flight.events["liftoff"] <= 330.0
    assert flight.events["landing"] == pytest.approx(306.0, abs=5.0)


def test_the_rocket_on_the_pad_has_the_published_mass_and_its_motor_the_published_thrust(flight: Trajectory) -> None:
    pad = flight.at(np.array([-20.0, 0.0]))
    assert pad.mass.tolist() == [7_200.0, 7_200.0]
    first_seconds = flight.at(np.linspace(1.0, 6.0, 50))
    np.testing.assert_allclose(first_seconds.thrust, 35_000.0 * 9.80665, rtol=0.03)


# Mechanics.


def test_halving_the_step_changes_nothing_that_matters(flight: Trajectory) -> None:
    halved = fly(0.0025)
    assert halved.altitude.max() == pytest.approx(flight.altitude.max(), rel=1e-6)
    assert halved.downrange[-1] == pytest.approx(flight.downrange[-1], rel=1e-6)
    for name, time in flight.events.items():
        assert halved.events[name] == pytest.approx(time, abs=1e-3)


def test_the_error_falls_with_the_fourth_power_of_the_step() -> None:
    """Without air and with the thrust's corners on steps, the time of apogee errs by the integration alone."""
    even = ((0.0, 0.0), (0.5, 360e3), (6.0, 368e3), (36.0, 200e3), (38.0, 0.0))
    rocket = replace(AIRLESS, thrust_curve=even, exit_area=0.0)
    reference = fly(0.00625, rocket).events["apogee"]
    errors = np.array([fly(step, rocket).events["apogee"] - reference for step in (0.1, 0.05, 0.025)])
    np.testing.assert_allclose(errors[:-1] / errors[1:], 16.0, rtol=0.1)


def test_energy_and_angular_momentum_are_kept_on_the_arc_without_air(airless: Trajectory) -> None:
    coast = airless.at(airless.time[(airless.time > 41.0) & (airless.time < airless.events["landing"])])
    radius = EARTH + SITE + coast.altitude
    energy = coast.speed**2 / 2.0 - 9.80665 * EARTH**2 / radius
    momentum = radius * coast.speed * np.cos(np.radians(coast.flight_path_angle))
    kinetic = coast.speed[0] ** 2 / 2.0
    assert np.ptp(energy) < 1e-9 * kinetic
    assert np.ptp(momentum) < 1e-10 * momentum[0]


def test_the_arc_without_air_is_keplers(airless: Trajectory) -> None:
    """Apogee and its time from the state after burnout alone, by the formulas of the ellipse."""
    state = airless.at(airless.time[[np.searchsorted(airless.time, 41.0)]])
    attraction = 9.80665 * EARTH**2
    radius, speed = float(EARTH + SITE + state.altitude[0]), float(state.speed[0])
    momentum = radius * speed * float(np.cos(np.radians(state.flight_path_angle[0])))
    semi_major = 1.0 / (2.0 / radius - speed**2 / attraction)
    eccentricity = np.sqrt(1.0 - momentum**2 / (attraction * semi_major))
    assert airless.altitude.max() == pytest.approx(semi_major * (1.0 + eccentricity) - EARTH - SITE, abs=0.01)
    anomaly = np.arccos((1.0 - radius / semi_major) / eccentricity)
    to_apogee = (np.pi - anomaly + eccentricity * np.sin(anomaly)) * np.sqrt(semi_major**3 / attraction)
    assert airless.events["apogee"] == pytest.approx(float(state.time[0]) + to_apogee, abs=1e-3)


def test_the_mass_spent_is_what_the_rocket_equation_asks_for(flight: Trajectory) -> None:
    """The vacuum acceleration summed over the burn is the exhaust speed times the logarithm of the mass ratio."""
    burn = flight.at(np.linspace(0.5, 36.0, 40_000))
    vacuum_thrust = burn.thrust + OS_X.exit_area * burn.pressure
    acceleration = vacuum_thrust / burn.mass
    gained = ((acceleration[1:] + acceleration[:-1]) / 2.0 * np.diff(burn.time)).sum()
    exhaust = OS_X.specific_impulse * 9.80665
    assert gained == pytest.approx(exhaust * np.log(burn.mass[0] / burn.mass[-1]), rel=1e-5)


def test_speeds_are_the_derivative_of_the_position(flight: Trajectory) -> None:
    inside = smooth_flight(flight)
    velocity = np.gradient(cartesian(flight), flight.time, axis=0)
    np.testing.assert_allclose(np.hypot(velocity[:, 0], velocity[:, 1])[inside], flight.speed[inside], atol=0.01)
    climb = np.gradient(flight.altitude, flight.time)
    np.testing.assert_allclose(climb[inside], flight.vertical_speed[inside], atol=0.01)
    slope = np.degrees(np.arcsin(flight.vertical_speed[inside] / flight.speed[inside]))
    moving = flight.speed[inside] > 5.0
    np.testing.assert_allclose(flight.flight_path_angle[inside][moving], slope[moving], atol=1e-3)


def test_what_the_accelerometers_read_is_the_motion_without_gravity(flight: Trajectory) -> None:
    """The second derivative of the position, less gravity, on the body's axes: no force or mass enters."""
    step = flight.time[1] - flight.time[0]
    position, angle = cartesian(flight), flight.downrange / EARTH
    acceleration = (position[2:] - 2.0 * position[1:-1] + position[:-2]) / step**2
    pull = gravity(flight.altitude)
    up = np.column_stack((np.sin(angle), np.cos(angle)))
    sensed = acceleration + (pull[:, None] * up)[1:-1]
    axis = np.radians(flight.pitch) - angle  # above the site's horizon, not the local one
    axial = (sensed * np.column_stack((np.cos(axis), np.sin(axis)))[1:-1]).sum(axis=1)
    normal = (sensed * np.column_stack((-np.sin(axis), np.cos(axis)))[1:-1]).sum(axis=1)
    inside = smooth_flight(flight)
    clear = ~np.isin(np.arange(len(flight.time)), near_corners(flight, OS_X))[inside]
    np.testing.assert_allclose(
        axial[inside.start - 1 : inside.stop - 1][clear], flight.acceleration[inside][clear], atol=0.05
    )
    np.testing.assert_allclose(
        normal[inside.start - 1 : inside.stop - 1][clear], flight.normal_acceleration[inside][clear], atol=0.05
    )


def near_corners(flight: Trajectory, rocket: Rocket) -> NDArray[np.intp]:
    """Samples beside a corner of the thrust curve, where a difference of positions rounds the corner off."""
    corners = np.searchsorted(flight.time, [time for time, _ in rocket.thrust_curve])
    return (corners[:, None] + np.arange(-2, 3)).ravel()


def test_pitch_rate_sums_up_to_pitch(flight: Trajectory) -> None:
    inside = smooth_flight(flight)
    time, rate, pitch = flight.time[inside], flight.pitch_rate[inside], flight.pitch[inside]
    turned = np.cumsum((rate[1:] + rate[:-1]) / 2.0 * np.diff(time))
    np.testing.assert_allclose(turned, pitch[1:] - pitch[0], atol=0.1)


# At rest, and the events.


def test_on_the_pad_it_stands_still_and_senses_gravity(flight: Trajectory) -> None:
    pad = flight.at(np.linspace(-20.0, 0.2, 100))
    np.testing.assert_allclose(pad.acceleration, 9.80665 * (EARTH / (EARTH + SITE)) ** 2, atol=1e-9)
    np.testing.assert_allclose(pad.normal_acceleration, 0.0, atol=1e-9)
    for still in (pad.altitude, pad.downrange, pad.speed, pad.mach, pad.dynamic_pressure, pad.pitch_rate):
        assert not still.any()
    assert set(pad.pitch.tolist()) == {90.0}


def test_after_the_impact_it_lies_still_and_senses_gravity(flight: Trajectory) -> None:
    rest = flight.at(np.linspace(flight.events["landing"] + 0.01, flight.time[-1], 100))
    for still in (rest.altitude, rest.speed, rest.vertical_speed, rest.pitch_rate):
        np.testing.assert_allclose(still, 0.0, atol=1e-9)
    felt = np.hypot(rest.acceleration, rest.normal_acceleration)
    np.testing.assert_allclose(felt, 9.80665 * (EARTH / (EARTH + SITE)) ** 2, atol=1e-9)
    assert flight.time[-1] > flight.events["landing"] + 5.0


def test_events_are_in_order_and_where_they_say(flight: Trajectory) -> None:
    assert list(flight.events) == ["liftoff", "burnout", "apogee", "landing"]
    times = np.array(list(flight.events.values()))
    assert (np.diff(times) > 0.0).all()
    liftoff, burnout, apogee, landing = (flight.at(np.array([time])) for time in times)
    assert liftoff.thrust[0] == pytest.approx(float(liftoff.mass[0] * gravity(liftoff.altitude)[0]), rel=1e-3)
    assert burnout.chamber_pressure[0] == pytest.approx(0.1 * flight.chamber_pressure.max(), rel=1e-3)
    assert apogee.vertical_speed[0] == pytest.approx(0.0, abs=1e-3)
    assert apogee.altitude[0] == pytest.approx(flight.altitude.max(), abs=1e-3)
    assert landing.altitude[0] == pytest.approx(0.0, abs=3.0)


def test_nothing_burns_before_the_ignition_command_and_after_the_burn(flight: Trajectory) -> None:
    cold = (flight.time <= 0.0) | (flight.time > 41.0)
    assert not flight.thrust[cold].any()
    np.testing.assert_array_equal(flight.chamber_pressure[cold], flight.pressure[cold])
    assert (np.diff(flight.mass) <= 0.0).all()
    assert flight.mass[-1] > 1_000.0


def test_it_is_never_below_the_site_and_leaves_it_once(flight: Trajectory) -> None:
    assert (flight.altitude >= 0.0).all()
    assert (np.diff(flight.downrange) >= 0.0).all()
    climbing = np.diff(flight.altitude[flight.altitude > 0.0]) > 0.0
    assert np.count_nonzero(np.diff(climbing)) == 1


# Where it is on the map.


def test_latitude_and_longitude_lie_downrange_of_the_site(flight: Trajectory) -> None:
    """The haversine distance from the site is the range, and the first kilometres bear along the azimuth."""
    latitude, longitude = np.radians(flight.latitude), np.radians(flight.longitude)
    site = np.radians(SITE_LATITUDE)
    east = longitude - np.radians(SITE_LONGITUDE)
    chord = np.sin((latitude - site) / 2.0) ** 2 + np.cos(site) * np.cos(latitude) * np.sin(east / 2.0) ** 2
    np.testing.assert_allclose(2.0 * EARTH * np.arcsin(np.sqrt(chord)), flight.downrange, atol=0.5)
    near = int(np.searchsorted(flight.downrange, 1_000.0))
    bearing = np.degrees(np.arctan2(east[near] * np.cos(site), latitude[near] - site)) % 360.0
    assert bearing == pytest.approx(AZIMUTH, abs=0.1)


# The samples.


def test_times_are_even_and_every_array_is_as_long_and_finite(flight: Trajectory) -> None:
    assert flight.time[0] == -20.0
    np.testing.assert_allclose(np.diff(flight.time), 0.005, atol=1e-9)
    for name in ARRAYS:
        column = getattr(flight, name)
        assert column.dtype == np.float64
        assert column.shape == flight.time.shape
        assert np.isfinite(column).all()


def test_two_flights_are_the_same_to_the_last_bit() -> None:
    first, second = fly(0.02), fly(0.02)
    assert first.events == second.events
    for name in ARRAYS:
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_at_gives_samples_where_they_are_and_the_straight_line_between(flight: Trajectory) -> None:
    here = flight.at(flight.time[1_000:40_000:777])
    for name in ARRAYS:
        np.testing.assert_allclose(getattr(here, name), getattr(flight, name)[1_000:40_000:777], rtol=1e-12, atol=1e-12)
    between = flight.at((flight.time[20_000:20_010] + flight.time[20_001:20_011]) / 2.0)
    middle = (flight.speed[20_000:20_010] + flight.speed[20_001:20_011]) / 2.0
    np.testing.assert_allclose(between.speed, middle, rtol=1e-9)
    assert between.events == flight.events


def test_at_outside_the_flight_gives_its_ends(flight: Trajectory) -> None:
    outside = flight.at(np.array([-1e4, 1e4]))
    for name in ARRAYS[1:]:
        assert getattr(outside, name).tolist() == [getattr(flight, name)[0], getattr(flight, name)[-1]]


# What cannot fly.


@pytest.mark.parametrize("step", [0.0, -0.005, 0.2, float("nan")])
def test_a_step_that_cannot_be_is_refused(step: float) -> None:
    with pytest.raises(ValueError, match="give more than 0"):
        fly(step)


def test_a_rocket_that_is_too_heavy_says_so() -> None:
    with pytest.raises(ValueError, match="lower liftoff_mass"):
        fly(0.02, replace(OS_X, liftoff_mass=100_000.0))


def test_a_rocket_that_does_not_come_back_says_so() -> None:
    with pytest.raises(ValueError, match="not back"):
        fly(0.1, replace(AIRLESS, specific_impulse=1e5, liftoff_mass=1_000.0))
