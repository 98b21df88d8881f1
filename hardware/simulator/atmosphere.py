"""The U.S. Standard Atmosphere, 1976 (NOAA-S/T 76-1562, NASA-TM-X-74335), from 5 km below sea level to 86 km.

Temperature is linear in geopotential height within seven layers (table 4); pressure follows from the hydrostatic
equation (33a, 33b), density from the gas law (42) and the speed of sound from (50).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

STANDARD_GRAVITY: Final = 9.80665
"""m/s2 at sea level (table 2, g0)."""
EFFECTIVE_RADIUS: Final = 6_356_766.0
"""m, the radius with which the standard turns geometric altitude into geopotential height (section 1.2.4)."""
GAS_CONSTANT: Final = 8314.32 / 28.9644
"""J/(kg K), of air: the standard's own R* (table 2) over the sea-level molar mass (section 1.2.2)."""
HEAT_RATIO: Final = 1.4
"""Ratio of specific heats of air (table 2)."""
CEILING: Final = 86_000.0
"""m, geometric: up to here the layers below hold, and above it the standard goes on with other equations."""

_SEA_LEVEL_PRESSURE: Final = 101_325.0
"""Pa (table 2)."""
_BASE_HEIGHT: Final = np.array([0.0, 11_000.0, 20_000.0, 32_000.0, 47_000.0, 51_000.0, 71_000.0])
"""Geopotential height of the bottom of each layer, m (table 4)."""
_LAPSE: Final = np.array([-6.5e-3, 0.0, 1.0e-3, 2.8e-3, 0.0, -2.8e-3, -2.0e-3])
"""Temperature gradient of each layer, K/m (table 4)."""
_SEA_LEVEL_TEMPERATURE: Final = 288.15
"""K (table 2)."""
_BASE_TEMPERATURE: Final = _SEA_LEVEL_TEMPERATURE + np.concatenate(
    ([0.0], np.cumsum(_LAPSE[:-1] * np.diff(_BASE_HEIGHT)))
)
"""Temperature at the bottom of each layer, K: each layer's gradient carried up from sea level."""


@dataclass(frozen=True, slots=True)
class Air:
    """The air at some altitudes; every array has the shape of the altitudes asked for."""

    temperature: NDArray[np.float64]
    """K. Above 80 km the molecular-scale temperature, which is up to 0.042 % above the kinetic one (table 8)."""
    pressure: NDArray[np.float64]
    """Pa."""
    density: NDArray[np.float64]
    """kg/m3."""
    speed_of_sound: NDArray[np.float64]
    """m/s."""


def geopotential_height(altitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Geopotential height in m of geometric altitudes in m above sea level (equation 18)."""
    return EFFECTIVE_RADIUS * altitude / (EFFECTIVE_RADIUS + altitude)


def standard_air(altitude: NDArray[np.float64]) -> Air:
    """The standard's air at geometric altitudes in m above sea level, any shape.

    Altitudes outside -5 km to 86 km are given the air at that end.
    """
    height = geopotential_height(np.clip(np.asarray(altitude, dtype=np.float64), -5_000.0, CEILING))
    layer = np.clip(np.searchsorted(_BASE_HEIGHT, height, side="right") - 1, 0, len(_BASE_HEIGHT) - 1)
    above = height - _BASE_HEIGHT[layer]
    temperature = _BASE_TEMPERATURE[layer] + _LAPSE[layer] * above
    pressure = _BASE_PRESSURE[layer] * _pressure_ratio(layer, above)
    gas = GAS_CONSTANT * temperature
    return Air(temperature, pressure, pressure / gas, np.sqrt(HEAT_RATIO * gas))


def _pressure_ratio(layer: NDArray[np.intp], above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pressure over that of the layer's bottom, ``above`` m higher: equation 33a with a gradient, 33b without."""
    hydrostatic = STANDARD_GRAVITY / GAS_CONSTANT
    base, lapse = _BASE_TEMPERATURE[layer], _LAPSE[layer]
    isothermal = lapse == 0.0
    gradient = np.where(isothermal, 1.0, lapse)  # keeps the division defined where its result is not used
    with_gradient = (1.0 + gradient * above / base) ** (-hydrostatic / gradient)
    return np.where(isothermal, np.exp(-hydrostatic * above / base), with_gradient)


def _base_pressures() -> NDArray[np.float64]:
    """Pressure at the bottom of each layer, Pa: each layer's ratio from bottom to top, carried up from sea level."""
    ratios = _pressure_ratio(np.arange(len(_BASE_HEIGHT) - 1), np.diff(_BASE_HEIGHT))
    return _SEA_LEVEL_PRESSURE * np.concatenate(([1.0], np.cumprod(ratios)))


_BASE_PRESSURE: Final = _base_pressures()
