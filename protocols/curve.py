"""Calibration curves: raw counts to engineering units, for one number and for a column alike.

A curve is arithmetic only, so ``curve(raw)`` means the same for an int and for an array; that is what lets one
declaration serve construct's own parse and the columnar decoder.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Numbers = Any
"""A number or an array of numbers: what a curve takes, and what it gives."""


class Curve(Protocol):
    """Raw counts to engineering units and back."""

    def __call__(self, raw: Numbers) -> Numbers:
        """Engineering units of raw counts; the shape stays."""
        ...

    def inverse(self, value: Numbers) -> Numbers:
        """Raw counts (not rounded) of a value in engineering units. Raises ValueError where there is no inverse."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """``raw * scale + offset``."""

    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        """Make both floats: with a whole number, numpy would compute a narrow column in its own few bits, and wrap."""
        object.__setattr__(self, "scale", float(self.scale))
        object.__setattr__(self, "offset", float(self.offset))

    def __call__(self, raw: Numbers) -> Numbers:
        """Engineering units of raw counts."""
        return raw * self.scale + self.offset if self.offset else raw * self.scale

    def inverse(self, value: Numbers) -> Numbers:
        """Raw counts of a value. Raises ValueError where the scale is zero, from which no counts come back."""
        if not self.scale:
            raise ValueError("a scale of zero has no inverse; give another to build packets with it")
        return (value - self.offset) / self.scale


@dataclass(frozen=True, slots=True)
class Polynomial:
    """``c0 + c1 raw + c2 raw**2 + ...``, coefficients from the constant up, by Horner's rule."""

    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        """Make them floats, as those of Linear. Raises ValueError where there are none."""
        if not self.coefficients:
            raise ValueError("a polynomial needs a coefficient; give the constant at least")
        object.__setattr__(self, "coefficients", tuple(map(float, self.coefficients)))

    def __call__(self, raw: Numbers) -> Numbers:
        """Engineering units of raw counts."""
        value: Numbers = self.coefficients[-1]
        for coefficient in self.coefficients[-2::-1]:
            value = value * raw + coefficient
        return value if len(self.coefficients) > 1 else value + 0.0 * raw

    def inverse(self, value: Numbers) -> Numbers:
        """The real root nearest to zero counts; ValueError where there is none."""
        roots = np.roots([*self.coefficients[:0:-1], self.coefficients[0] - value])
        real = roots[np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots.real))].real
        if not len(real):
            raise ValueError(f"{value} is no value of this polynomial; give one that the curve reaches")
        return float(real[np.argmin(np.abs(real))])


@dataclass(frozen=True, slots=True)
class Table:
    """Straight lines between calibration points; held constant outside them (as IRIG 106 TMATS pair sets are)."""

    raw: tuple[float, ...]
    """Counts, strictly increasing."""
    values: tuple[float, ...]
    """Engineering units at those counts."""

    def __post_init__(self) -> None:
        """Raise ValueError on points that make no curve."""
        if len(self.raw) != len(self.values) or len(self.raw) < 2 or any(np.diff(self.raw) <= 0):
            raise ValueError("a table needs two or more points with increasing counts, and a value for each")

    def __call__(self, raw: Numbers) -> Numbers:
        """Engineering units of raw counts."""
        return np.interp(raw, self.raw, self.values)

    def inverse(self, value: Numbers) -> Numbers:
        """Raw counts of a value, for a table whose values only rise or only fall; ValueError otherwise."""
        steps = np.diff(self.values)
        if all(steps > 0):
            return np.interp(value, self.values, self.raw)
        if all(steps < 0):
            return np.interp(value, self.values[::-1], self.raw[::-1])
        raise ValueError("the table rises and falls, so a value has several counts; give counts instead")
