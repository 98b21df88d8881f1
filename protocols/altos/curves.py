"""From counts to units as altosui computes them: pressure sensor, standard atmosphere, accelerometer, split numbers.

A value that needs two readings takes both as one word: ``Peek(Measurement(Int64ul, "Pa", Ms5607Pressure(prom)))`` over
the two numbers, which follow as fields of their own. So raw bytes stay as they are and each value is one column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.curve import Curve, Numbers

STANDARD_GRAVITY = 9.80665
"""m/s2; BIPM, 3rd CGPM 1901."""


class _OneWay:
    """A curve of several readings or one that loses some, from which no counts come back."""

    __slots__ = ()

    def inverse(self, value: Numbers) -> Numbers:
        """Raise ValueError: there is none."""
        raise ValueError(f"no counts come back from {value}; build the packet with the readings it is made from")


@dataclass(frozen=True, slots=True)
class Zeroed:
    """``(raw - zero) / counts``: counts are those of one unit, and may be negative."""

    zero: float
    counts: float

    def __call__(self, raw: Numbers) -> Numbers:
        """Engineering units of raw counts."""
        return (raw - float(self.zero)) / self.counts

    def inverse(self, value: Numbers) -> Numbers:
        """Raw counts of a value."""
        return value * self.counts + self.zero


def accelerometer(plus_g: float, minus_g: float, ground: float | None) -> Zeroed | None:
    """Acceleration in m/s2, 0 on the pad, from the counts at +1 g, -1 g and on the pad; None where not calibrated."""
    counts = (plus_g - minus_g) / 2.0 / STANDARD_GRAVITY
    return Zeroed(plus_g if ground is None else ground, counts) if counts else None


@dataclass(frozen=True, slots=True)
class Then(_OneWay):
    """One curve after another."""

    first: Curve
    second: Curve

    def __call__(self, raw: Numbers) -> Numbers:
        """What the second makes of what the first makes of raw counts."""
        return self.second(self.first(raw))


@dataclass(frozen=True, slots=True)
class Prom:
    """Calibration of an MS5607 or MS5611, by the names of its data sheet."""

    sens: int
    off: int
    tcs: int
    tco: int
    tref: int
    tempsens: int
    ms5611: bool = False
    bits: int = 32
    """Bits that each of the two readings takes in the word: pressure first, then temperature, little-endian."""

    def compensate(self, word: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pressure in Pa and temperature in 0.01 degC of words, int64 each; data sheet, first and second order."""
        whole, mask = np.asarray(word).astype(np.uint64), np.uint64((1 << self.bits) - 1)
        d1, d2 = (whole & mask).astype(np.int64), (whole >> np.uint64(self.bits) & mask).astype(np.int64)
        with np.errstate(over="ignore"):
            return self._compensate(d1, d2)

    def _compensate(self, d1: Any, d2: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        low = int(self.ms5611)
        dt = d2 - (self.tref << 8)
        temperature = 2000 + (dt * self.tempsens >> 23)
        offset = (self.off << 17 - low) + (self.tco * dt >> 6 + low)
        sensitivity = (self.sens << 16 - low) + (self.tcs * dt >> 7 + low)
        cold = np.where(temperature < 2000, temperature - 2000, 0)
        colder = np.where(temperature < -1500, temperature + 1500, 0)
        offset = offset - (61 * cold * cold >> 4) - 15 * colder * colder
        sensitivity = sensitivity - 2 * cold * cold - 8 * colder * colder
        temperature = temperature - np.where(temperature < 2000, dt * dt >> 31, 0)
        pressure = (d1 * sensitivity >> 21) - offset >> 15
        return np.asarray(pressure), np.asarray(temperature)


@dataclass(frozen=True, slots=True)
class Ms5607Pressure(_OneWay):
    """Pressure in Pa of the word of both readings."""

    prom: Prom

    def __call__(self, raw: Numbers) -> Numbers:
        """Pressure in Pa."""
        return self.prom.compensate(raw)[0].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Ms5607Temperature(_OneWay):
    """Temperature in degC of the word of both readings."""

    prom: Prom

    def __call__(self, raw: Numbers) -> Numbers:
        """Temperature in degC."""
        return self.prom.compensate(raw)[1] / 100.0


_GAS = 287.053
"""J/(kg K); the constant of altosui, from which all altitudes here come."""
_LAPSE = (-0.0065, 0.0, 0.001, 0.0028, 0.0, -0.0028, -0.002)
_BASE = (0.0, 11000.0, 20000.0, 32000.0, 47000.0, 51000.0, 71000.0)
_HIGHEST, _LOWEST_PRESSURE = 84852.0, 0.3734


def _layers() -> tuple[list[float], list[float]]:
    """Pressure in Pa and temperature in K at the bottom of each layer."""
    pressures, temperatures = [101325.0], [288.15]
    for lapse, low, high in zip(_LAPSE, _BASE, _BASE[1:], strict=False):
        temperature, step = temperatures[-1], high - low
        if lapse:
            ratio = (lapse * step / temperature + 1.0) ** (-STANDARD_GRAVITY / (_GAS * lapse))
        else:
            ratio = float(np.exp(-STANDARD_GRAVITY * step / _GAS / temperature))
        pressures.append(pressures[-1] * ratio)
        temperatures.append(temperature + step * lapse)
    return pressures, temperatures


_PRESSURES, _TEMPERATURES = _layers()


def pressure_altitude(pressure: Numbers) -> NDArray[np.float64]:
    """Altitude in m of pressures in Pa in the standard atmosphere (ISA to 84.852 km; -1 under no pressure at all)."""
    given = np.atleast_1d(np.asarray(pressure, np.float64))
    altitude = np.full(given.shape, _HIGHEST)
    layer = len(_PRESSURES) - 1 - np.searchsorted(_PRESSURES[:0:-1], given, side="right")
    for number in np.unique(layer).tolist():
        inside = layer == number
        ratio = np.maximum(given[inside], _LOWEST_PRESSURE) / _PRESSURES[number]
        lapse, temperature = _LAPSE[number], _TEMPERATURES[number]
        if lapse:
            above = temperature / lapse * (ratio ** (_GAS * lapse / -STANDARD_GRAVITY) - 1)
        else:
            above = _GAS / -STANDARD_GRAVITY * temperature * np.log(ratio)
        altitude[inside] = _BASE[number] + above
    altitude[given < _LOWEST_PRESSURE] = _HIGHEST
    altitude[given < 0] = -1.0
    return altitude.reshape(np.shape(pressure))


@dataclass(frozen=True, slots=True)
class PressureAltitude(_OneWay):
    """Altitude in m in the standard atmosphere, above the altitude of a pressure where one is given."""

    ground: float | None = None
    """Pa on the pad; None: the altitude is above sea level."""

    def __call__(self, raw: Numbers) -> Numbers:
        """Altitude in m of pressures in Pa."""
        altitude = pressure_altitude(raw)
        return altitude if self.ground is None else altitude - pressure_altitude(self.ground)


@dataclass(frozen=True, slots=True)
class SplitNumber(_OneWay):
    """A signed number whose lower 16 bits and higher bits lie apart in some bytes, both little-endian."""

    low: int
    high: int
    """First byte of each part."""
    high_bytes: int = 2
    flag: int = -1
    """The byte whose lowest bit says that there is a higher part; -1: there always is."""

    def __call__(self, raw: Numbers) -> Numbers:
        """The number, of the bytes of one packet or of a column of void."""
        if isinstance(raw, np.ndarray):
            rows = np.ascontiguousarray(raw).view(np.uint8).reshape(len(raw), raw.dtype.itemsize)
        else:
            rows = np.frombuffer(bytes(raw), np.uint8)[None]
        low = rows[:, self.low].astype(np.int64) | rows[:, self.low + 1].astype(np.int64) << 8
        high = rows[:, self.high].astype(np.int64)
        for place in range(1, self.high_bytes):
            high |= rows[:, self.high + place].astype(np.int64) << 8 * place
        sign = 1 << 8 * self.high_bytes - 1
        wide = ((high ^ sign) - sign) * 65536 + low
        if self.flag >= 0:
            wide = np.where(rows[:, self.flag] & 1, wide, (low ^ 0x8000) - 0x8000)
        return wide if isinstance(raw, np.ndarray) else int(wide[0])


@dataclass(frozen=True, slots=True)
class Widened:
    """Eight bits that stand for twelve, the highest four repeated below, times a scale."""

    scale: float

    def __call__(self, raw: Numbers) -> Numbers:
        """Engineering units of raw counts."""
        wide = np.asarray(raw).astype(np.int64)
        return (wide << 4 | wide >> 4) * self.scale

    def inverse(self, value: Numbers) -> Numbers:
        """Raw counts of a value."""
        return np.rint(value / self.scale) // 16


@dataclass(frozen=True, slots=True)
class OldDilution(_OneWay):
    """Hundredths in eight bits; what would be under 0.8 has run over."""

    def __call__(self, raw: Numbers) -> Numbers:
        """A dilution of precision."""
        told = np.asarray(raw) / 100.0
        return np.where(told < 0.8, told + 2.56, told)
