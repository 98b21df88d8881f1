"""Power as colour: levels that differ by the same amount to the eye, from the screen's background to its brightest.

The colours lie on a line through anchors, at equal distances in Oklab (Björn Ottosson, 2020), a space in which equal
distances look equal; their lightness only ever rises (on a light screen falls), so that the order of levels is seen
without colour too. No level is the yellow or red of an alarm.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style

from groundstation.console.widgets.signs import THEMES

LEVELS = 16
SHADES = " ·░▒▓█"
"""Levels where there are no colours to be had."""
ANCHORS = {
    "night": ("#2a2752", "#35508c", "#2f86a3", "#4bbfab", "#b4e6c6", "#f4fff2"),
    "sun": ("#cdeee0", "#7fccbf", "#3d97ab", "#3a5c98", "#35275f", "#0b0410"),
    "colour-blind": ("#00285a", "#3b496c", "#6c6e72", "#9a9580", "#cfc7a2", "#fffbe8"),
}
"""From the weakest up, after the background: dark blue to pale green; colour-blind, blue to sand, as cividis."""

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)

Points = NDArray[np.float64]


def oklab(colours: list[str]) -> Points:
    """Colours as ``#rrggbb`` in Oklab: lightness, green to red, blue to yellow, float64 (n, 3)."""
    encoded = np.array([[int(each[at : at + 2], 16) for at in (1, 3, 5)] for each in colours]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T)


def _hexadecimal(points: Points) -> list[str]:
    """Points of Oklab as colours of a screen."""
    linear = np.clip((points @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.rint(encoded * 255).astype(int)]


@lru_cache
def colours(theme: str) -> list[str]:
    """The colours of a theme's levels, the background first; those of ``night`` for a theme of Textual's own."""
    name = theme if theme in ANCHORS else "night"
    anchors = oklab([THEMES[name].background, *ANCHORS[name]])
    along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(anchors, axis=0), axis=1))))
    even = np.linspace(0, along[-1], LEVELS)
    return _hexadecimal(np.column_stack([np.interp(even, along, part) for part in anchors.T]))


@lru_cache
def half_blocks(theme: str) -> list[tuple[str, Style]]:
    """What shows an upper and a lower level in one cell: a character and a style, at ``LEVELS * upper + lower``."""
    parsed = [Color.parse(each) for each in colours(theme)]
    pairs = [(upper, lower) for upper in parsed for lower in parsed]
    return [(" " if upper == lower else "▀", Style.from_color(upper, lower)) for upper, lower in pairs]


def levels(decibels: NDArray[np.float32], dark: float, bright: float, count: int = LEVELS) -> NDArray[np.intp]:
    """The level of each power, from 0 for the darkest; where it is unknown 0."""
    scaled = np.nan_to_num((decibels - dark) / (bright - dark) * (count - 1))
    return np.asarray(np.clip(np.rint(scaled), 0, count - 1), np.intp)
