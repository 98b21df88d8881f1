"""Which records a log format has, and how long they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from protocols.altos import mega, small, stands
from protocols.altos.log import Calibration, LogFormat, log_vehicle
from protocols.altos.small import Packets
from protocols.packet import Vehicle

_MEGA = (
    LogFormat.TELEMEGA_OLD,
    LogFormat.TELEMEGA,
    LogFormat.TELEMEGA_3,
    LogFormat.EASYMEGA_2,
    LogFormat.TELEMEGA_4,
    LogFormat.TELEMEGA_5,
    LogFormat.TELEMEGA_6,
    LogFormat.EASYMEGA_3,
    LogFormat.TELEMEGA_7,
)
_MINI = (
    LogFormat.EASYMINI1,
    LogFormat.EASYMINI2,
    LogFormat.TELEMINI2,
    LogFormat.TELEMINI3,
    LogFormat.DETHERM,
)

_FORMATS: Mapping[LogFormat, tuple[int, Callable[[Calibration], Packets]]] = MappingProxyType(
    {
        LogFormat.FULL: (8, small.full),
        LogFormat.TINY: (2, small.tiny),
        LogFormat.MICROPEAK2: (2, small.micropeak),
        LogFormat.TELEMETRUM: (16, small.metrum),
        LogFormat.EASYMOTOR: (16, stands.easymotor),
        LogFormat.TELEGPS: (32, mega.telegps),
        LogFormat.EASYTIMER_2: (32, mega.easytimer),
        LogFormat.TELEFIRETWO: (32, stands.firetwo),
        LogFormat.TELESTATIC: (32, stands.telestatic),
        LogFormat.TELESCIENCE: (32, stands.telescience),
        **dict.fromkeys(_MINI, (16, small.mini)),
        **dict.fromkeys(_MEGA, (32, mega.mega)),
    }
)

MADE_BYTES = 8
"""Bytes of the records that are made of those of two bytes."""


def record_bytes(log_format: LogFormat) -> int:
    """Bytes of a record in the log."""
    return _FORMATS[log_format][0]


def vehicle_of(calibration: Calibration) -> Vehicle:
    """The vehicle of a log."""
    return log_vehicle(calibration, _FORMATS[LogFormat(calibration.log_format)][1](calibration))
