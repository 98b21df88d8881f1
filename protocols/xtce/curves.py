"""Curves that XTCE knows and declarations written by hand do not need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocols.curve import Curve, Numbers


@dataclass(frozen=True, slots=True)
class Spline:
    """Points joined by steps or straight lines; outside of them there is no value, or the last piece goes on."""

    raw: tuple[float, ...]
    """Counts, strictly increasing; two at least."""
    values: tuple[float, ...]
    """Values at those counts."""
    order: int
    """0: the value of the point before; 1: straight lines."""
    extrapolate: bool
    """Whether the outermost pieces go on; else what is outside is NaN."""

    def __call__(self, raw: Numbers) -> Numbers:
        """Values of raw counts."""
        counts, points, values = np.asarray(raw, np.float64), np.array(self.raw), np.array(self.values)
        piece = np.clip(np.searchsorted(points, counts, "right") - 1, 0, len(points) - 1 - self.order)
        value = values[piece]
        if self.order:
            slope = (values[piece + 1] - value) / (points[piece + 1] - points[piece])
            value = slope * (counts - points[piece]) + value
        inside = (counts >= points[0]) & (counts <= points[-1]) | self.extrapolate & ~np.isnan(counts)
        return np.where(inside, value, np.nan)[()]

    def inverse(self, value: Numbers) -> Numbers:
        """Counts of a value, of straight lines that only rise or only fall; ValueError otherwise."""
        steps = np.diff(self.values)
        if self.order and (all(steps > 0) or all(steps < 0)):
            values, raw = zip(*sorted(zip(self.values, self.raw, strict=True)), strict=True)
            return Spline(values, raw, 1, self.extrapolate)(value)
        raise ValueError("the spline has several counts for a value; give counts instead")


@dataclass(frozen=True, slots=True)
class Chain:
    """One curve behind another."""

    first: Curve
    then: Curve

    def __call__(self, raw: Numbers) -> Numbers:
        """Values of raw counts."""
        return self.then(self.first(raw))

    def inverse(self, value: Numbers) -> Numbers:
        """Counts of a value. Raises ValueError where one of both has no inverse."""
        return self.first.inverse(self.then.inverse(value))


def _bits(raw: Numbers) -> NDArray[np.int64]:
    """Unsigned counts of at most 64 bits as int64 of the same bits."""
    return np.asarray(np.asarray(raw).astype(np.int64))


@dataclass(frozen=True, slots=True)
class SignMagnitude:
    """Counts whose highest bit is the sign of the others."""

    bits: int
    """At most 64."""

    def __call__(self, raw: Numbers) -> Numbers:
        """Numbers of unsigned counts."""
        counts, rest = _bits(raw), np.int64((1 << self.bits - 1) - 1)
        return np.where(counts & ~rest, -(counts & rest), counts)[()]

    def inverse(self, value: Numbers) -> Numbers:
        """Unsigned counts of numbers; of zero those without a sign."""
        return np.where(np.asarray(value) < 0, (1 << self.bits - 1) - np.asarray(value), value)[()]


@dataclass(frozen=True, slots=True)
class OnesComplement:
    """Counts of which negative ones have every bit turned round."""

    bits: int

    def __call__(self, raw: Numbers) -> Numbers:
        """Numbers of unsigned counts."""
        counts, rest = _bits(raw), np.int64((1 << self.bits - 1) - 1)
        return np.where(counts & ~rest, -(~counts & rest), counts)[()]

    def inverse(self, value: Numbers) -> Numbers:
        """Unsigned counts of numbers; of zero those without a bit."""
        return np.where(np.asarray(value) < 0, np.asarray(value) + (1 << self.bits) - 1, value)[()]


@dataclass(frozen=True, slots=True)
class Mil1750A:
    """MIL-STD-1750A 4.1.4: 32 bits, 24 of a fraction and 8 of an exponent, both in two's complement."""

    def __call__(self, raw: Numbers) -> Numbers:
        """Numbers of unsigned 32-bit words."""
        words = np.asarray(raw, np.int64)
        fraction = (words >> 8 ^ 1 << 23) - (1 << 23)
        exponent = (words & 0xFF ^ 1 << 7) - (1 << 7)
        return np.ldexp(fraction.astype(np.float64), (exponent - 23).astype(np.int32))[()]

    def inverse(self, value: Numbers) -> Numbers:
        """The nearest word; ValueError on a number past their range."""
        fraction, exponent = np.frexp(np.asarray(value, np.float64))
        whole = np.rint(fraction * (1 << 23)).astype(np.int64)
        over = np.abs(whole) == 1 << 23  # rounded up to 1, which only the exponent can hold
        whole, exponent = np.where(over, whole >> 1, whole), np.where(whole == 0, 0, exponent + over)
        if np.any((exponent < -128) | (exponent > 127)):
            raise ValueError(f"{value} is past the range of MIL-STD-1750A; give another")
        return ((whole & 0xFFFFFF) << 8 | exponent.astype(np.int64) & 0xFF)[()]


@dataclass(frozen=True, slots=True)
class Truth:
    """1 for any count but 0: booleans of several bits."""

    def __call__(self, raw: Numbers) -> Numbers:
        """1.0 or 0.0 of raw counts."""
        return (np.asarray(raw) != 0).astype(np.float64)[()]

    def inverse(self, value: Numbers) -> Numbers:
        """1 or 0."""
        return self(value)
