"""What the first records of an AltOS log tell of its values: what the sensors read on the pad."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from protocols.altos.boards import vehicle_of
from protocols.altos.log import Calibration, LogFormat
from protocols.layout import Columns, Layout

_TWO_G = 16294 - 15758
"""Counts of 2 g of an accelerometer that was not calibrated; altosui's."""


def on_the_pad(told: Calibration, rows: NDArray[np.uint8]) -> Calibration:
    """The calibration with what the first records of a log, uint8 (n, size), add to it.

    As altosui takes them: a flight's record, the last where there are several; without one, the first pressure.
    """
    vehicle = vehicle_of(told)
    found: dict[str, Columns] = {}
    for packet in vehicle.packets:
        own = rows[rows[:, 0] == packet.key] if packet.name in ("flight", "sensor", "pressure") else rows[:0]
        if len(own):
            found[packet.name] = Layout(vehicle.declaration(packet)).columns(np.ascontiguousarray(own))
    pad = found.get("flight")
    if pad is not None:
        told = _flight(told, pad)
    first = next((each for each in (found.get("sensor"), found.get("pressure")) if each is not None), None)
    if told.ground_pressure is None and first is not None and "pressure" in first:
        told = replace(told, ground_pressure=float(first["pressure"][0]))
    if told.log_format == LogFormat.TELEMEGA_OLD and "sensor" in found:
        told = replace(told, gyro_zero=_wrapped(told.gyro_zero, found["sensor"]))
    return told


def _flight(told: Calibration, pad: Columns) -> Calibration:
    """What a flight's record says."""

    def last(path: str) -> float | None:
        return float(pad.raw(path)[-1]) if path in pad else None

    ground = last("ground_acceleration")
    made = replace(told, ground_acceleration=ground, ground_pressure=last("ground_pressure"))
    made = replace(made, ground_motor=int(last("ground_motor_pressure") or 0))
    if made.plus_g is None and ground is not None and told.log_format == LogFormat.FULL:
        made = replace(made, plus_g=ground, minus_g=ground + _TWO_G)
    turns = [last(f"ground_{turn}") for turn in ("roll", "pitch", "yaw")]
    roll, pitch, yaw = (0.0 if turn is None else turn / 512.0 for turn in turns)
    return replace(made, gyro_zero=(roll, pitch, yaw))


def _wrapped(zero: tuple[float, float, float], sensor: Columns) -> tuple[float, float, float]:
    """The gyroscope's zeros of the oldest TeleMega logs, which lost their higher bits: near the first readings."""
    first = (float(sensor.raw(f"rate_{turn}")[0]) for turn in ("roll", "pitch", "yaw"))
    roll, pitch, yaw = (each + float(np.trunc(raw / 128.0)) * 128.0 for each, raw in zip(zero, first, strict=True))
    return roll, pitch, yaw
