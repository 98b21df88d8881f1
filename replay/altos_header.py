"""The header of an AltOS ``.eeprom`` file: JSON since AltOS 1.8, before that the answers to its console's commands.

Read as altosui reads them (``AltosConfigData``): what it marks as missing is 2147483647.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from protocols.altos.curves import Prom
from protocols.altos.log import Calibration, LogFormat

MISSING = 0x7FFFFFFF
LONGEST = 1 << 18
"""Bytes of a header at the most; those that are known have some 3,000."""

_AXES = ("along", "across", "through")
_PROM = ("sens", "off", "tcs", "tco", "tref", "tempsens")
_LINES: Mapping[str, re.Pattern[str]] = {
    "product": re.compile(r'product\s+"?([^"\n]*)"?'),
    "version": re.compile(r'software-version\s+"?([^"\n]*)"?'),
    "callsign": re.compile(r'Callsign:\s+"?([^"\n]*)"?'),
    "serial": re.compile(r"serial-number\s+(-?\d+)"),
    "log_format": re.compile(r"log-format\s+(-?\d+)"),
    "altitude_32": re.compile(r"altitude-32\s+(-?\d+)"),
    "accel_cal_plus": re.compile(r"Accel cal \+1g:?\s+(-?\d+)"),
    "accel_cal_minus": re.compile(r"Accel cal \+1g:?\s+\S+\s+-1g:?\s+(-?\d+)"),
    **{f"ms5607 {name}": re.compile(rf"ms5607 {name}:\s+(-?\d+)") for name in _PROM},
    "accel_zero": re.compile(r"IMU cal along\s+(-?\d+)\s+across\s+(-?\d+)\s+through\s+(-?\d+)"),
}
"""What the lines of the older header tell, by the names of the newer."""


def old_header(text: str) -> dict[str, Any]:
    """What the lines before the first record tell, as JSON would."""
    told: dict[str, Any] = {}
    for name, pattern in _LINES.items():
        found = re.search(rf"^\s*{pattern.pattern}", text, re.MULTILINE)
        if found and len(found.groups()) == 1:
            told[name] = found[1]
        elif found:
            told |= dict(zip((f"{name}_{axis}" for axis in _AXES), found.groups(), strict=True))
    prom = {name: told.pop(f"ms5607 {name}") for name in _PROM if f"ms5607 {name}" in told}
    return told | ({"ms5607": prom} if prom else {})


def new_header(text: str) -> tuple[dict[str, Any], int] | None:
    """The JSON that text begins with, and where it ends; None where it does not begin with any."""
    try:
        told, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return (told, end) if isinstance(told, dict) else None


def calibration(told: Mapping[str, Any]) -> Calibration | None:
    """What a header tells of the values; None where its log format is none that is known."""
    product = str(told.get("product") or "")
    log_format = _number(told, "log_format") or _guessed(product)
    if log_format not in set(LogFormat):
        return None
    prom = told.get("ms5607")
    made = Calibration(
        log_format,
        product=product,
        serial=_number(told, "serial") or 0,
        version=_version(str(told.get("version") or "")),
        altitude_32=_number(told, "altitude_32") == 1,
        prom=_prom(prom) if isinstance(prom, dict) else None,
        zero=_zero(told),
    )
    plus, minus = _number(told, "accel_cal_plus"), _number(told, "accel_cal_minus")
    return made if plus is None or minus is None or plus == minus else replace(made, plus_g=plus, minus_g=minus)


def _guessed(product: str) -> int:
    """The log format of the boards that did not tell it."""
    return int(LogFormat.TINY if product.startswith("TeleMini") else LogFormat.FULL)


def _number(told: Mapping[str, Any], name: str) -> int | None:
    """A number that is there."""
    value = told.get(name)
    try:
        number = int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return None if number == MISSING or abs(number) > MISSING else number


def _prom(told: Mapping[str, Any]) -> Prom | None:
    """The pressure sensor's calibration where all of it is there."""
    values = {name: _number(told, name) for name in _PROM}
    known = {name: value for name, value in values.items() if value is not None}
    return Prom(**known, ms5611=told.get("ms5611") is True) if len(known) == len(_PROM) else None


def _zero(told: Mapping[str, Any]) -> tuple[float, float, float]:
    """Counts of the inertial sensor at 0 g: 0 where it was not calibrated."""
    along, across, through = (_number(told, f"accel_zero_{axis}") or 0 for axis in _AXES)
    return float(along), float(across), float(through)


def _version(text: str) -> tuple[int, ...]:
    """The numbers of a version; one that is no number is 0."""
    return tuple(int(part) if re.fullmatch("[0-9]{1,8}", part) else 0 for part in text.split("."))
