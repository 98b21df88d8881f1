"""The air against the tables printed in U.S. Standard Atmosphere, 1976, and against the physics it stands for."""

import numpy as np
import pytest

from hardware.simulator.atmosphere import CEILING, geopotential_height, standard_air

TABLE_I = [
    # geometric altitude m, temperature K, pressure Pa, density kg/m3, speed of sound m/s (table I, metric)
    (0.0, 288.150, 1.01325e5, 1.2250, 340.29),
    (5_000.0, 255.676, 5.4048e4, 7.3643e-1, 320.55),
    (10_000.0, 223.252, 2.6499e4, 4.1351e-1, 299.53),
    (15_000.0, 216.650, 1.2111e4, 1.9476e-1, 295.07),
    (20_000.0, 216.650, 5.5293e3, 8.8910e-2, 295.07),
    (25_000.0, 221.552, 2.5492e3, 4.0084e-2, 298.39),
    (30_000.0, 226.509, 1.1970e3, 1.8410e-2, 301.71),
    (40_000.0, 250.350, 2.8714e2, 3.9957e-3, 317.19),
    (50_000.0, 270.650, 7.9779e1, 1.0269e-3, 329.80),
    (60_000.0, 247.021, 2.1958e1, 3.0968e-4, 315.07),
    (70_000.0, 219.585, 5.2209e0, 8.2829e-5, 297.06),
    (80_000.0, 198.639, 1.0524e0, 1.8458e-5, 282.54),
]

LAYER_BASES = [
    # geopotential height m, temperature K, pressure Pa (table 4, and the pressures that go with it)
    (11_000.0, 216.65, 22_632.1),
    (20_000.0, 216.65, 5_474.89),
    (32_000.0, 228.65, 868.019),
    (47_000.0, 270.65, 110.906),
    (51_000.0, 270.65, 66.9389),
    (71_000.0, 214.65, 3.95642),
    (84_852.0, 186.946, 0.373384),
]


@pytest.mark.parametrize(("altitude", "temperature", "pressure", "density", "sound"), TABLE_I)
def test_the_air_is_that_of_the_printed_table(
    altitude: float, temperature: float, pressure: float, density: float, sound: float
) -> None:
    air = standard_air(np.array(altitude))
    assert float(air.temperature) == pytest.approx(temperature, abs=2e-3)
    assert float(air.pressure) == pytest.approx(pressure, rel=1e-4)
    assert float(air.density) == pytest.approx(density, rel=1e-4)
    assert float(air.speed_of_sound) == pytest.approx(sound, abs=0.01)


@pytest.mark.parametrize(("height", "temperature", "pressure"), LAYER_BASES)
def test_the_bottom_of_every_layer_is_where_the_standard_has_it(
    height: float, temperature: float, pressure: float
) -> None:
    altitude = height * 6_356_766.0 / (6_356_766.0 - height)
    assert float(geopotential_height(np.array(altitude))) == pytest.approx(height, abs=1e-6)
    air = standard_air(np.array(altitude))
    assert float(air.temperature) == pytest.approx(temperature, abs=1e-3)
    assert float(air.pressure) == pytest.approx(pressure, rel=1e-5)


def test_the_air_carries_its_own_weight() -> None:
    """dp/dz = -density x gravity, at every altitude: the hydrostatic equation the standard is built on."""
    altitude = np.arange(0.0, CEILING, 10.0)
    air = standard_air(altitude)
    gravity = 9.80665 * (6_356_766.0 / (6_356_766.0 + altitude)) ** 2
    np.testing.assert_allclose(
        np.diff(np.log(air.pressure)) / 10.0,
        -(gravity * air.density / air.pressure)[:-1],
        rtol=5e-4,
    )


def test_outside_the_layers_the_air_is_that_of_the_nearest_end() -> None:
    air = standard_air(np.array([-9_000.0, -5_000.0, CEILING, 1e6]))
    for column in (air.temperature, air.pressure, air.density, air.speed_of_sound):
        assert column[0] == column[1]
        assert column[2] == column[3]


def test_the_result_has_the_shape_of_the_altitudes() -> None:
    assert standard_air(np.zeros((3, 4))).density.shape == (3, 4)
    assert standard_air(np.array(0.0)).density.shape == ()
