"""CCSDS time codes (301.0-B-4): unsegmented (CUC, 3.2) and day segmented (CDS, 3.3), as declarations that give seconds.

Both are plain construct with measurements in seconds, so they decode by columns. Leap seconds: CUC counts TAI seconds
and stays TAI; CDS counts UTC days and stays UTC. Only :func:`unix_seconds` goes from one to the other, by the
difference TAI - UTC that its caller gives: this module holds no table of leap seconds that could be out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from construct import BytesInteger, Construct, Int16ub, Int24ub, Int32ub, Struct

from protocols.curve import Linear, Numbers
from protocols.errors import DeclarationError
from protocols.measurement import Measurement

CCSDS_EPOCH: Final = -4_383 * 86_400.0
"""1958-01-01 in s from 1970-01-01 (3.2.2): what time codes count from unless the mission says otherwise."""
GPS_EPOCH: Final = 3_657 * 86_400.0
"""1980-01-06 in s from 1970-01-01, a common agency epoch."""
J2000_EPOCH: Final = 10_957.5 * 86_400.0
"""2000-01-01 12:00 in s from 1970-01-01, a common agency epoch."""

CDS_TIME: Final = ("day", "millisecond", "submillisecond")
"""The names in a CDS declaration; those it has add up to the time."""

_DAYS: Final[Mapping[int, Construct[int, int]]] = {2: Int16ub, 3: Int24ub}
_SUBMILLISECONDS: Final[Mapping[int, tuple[Construct[int, int], float]]] = {2: (Int16ub, 1e-6), 4: (Int32ub, 1e-12)}


def cuc(coarse: int = 4, fine: int = 2) -> Measurement:
    """A CUC time field of coarse bytes of seconds and fine bytes of fractions, as one measurement in s from its epoch.

    A float holds 53 bits: past them (4 + 3 bytes) the last bits are lost. Raises DeclarationError on widths that the
    standard does not have (3.2.2: coarse 1 to 7, fine 0 to 10) or that are more than 8 bytes together.
    """
    if not (1 <= coarse <= 7 and 0 <= fine <= 10 and coarse + fine <= 8):
        raise DeclarationError(f"CUC time of {coarse} + {fine} bytes", "use 1 to 7 and 0 to 10, 8 at most together")
    return Measurement(BytesInteger(coarse + fine), "s", Linear(2.0 ** (-8 * fine)))


def cds(day: int = 2, submillisecond: int = 0) -> Construct[Any, Any]:
    """A CDS time field: day bytes of days, 4 of milliseconds, and 0, 2 (microseconds) or 4 (picoseconds) below that.

    Each part is a measurement in s; their sum is the time from the epoch: give ``Packet.time`` the paths of the
    :data:`CDS_TIME` parts there are. Raises DeclarationError on widths that the standard does not have (3.3.2).
    """
    if day not in _DAYS or submillisecond not in (0, *_SUBMILLISECONDS):
        problem = "use 2 or 3 bytes of days, and 0, 2 or 4 below the millisecond"
        raise DeclarationError(f"CDS time of {day} bytes of days, {submillisecond} below the millisecond", problem)
    parts = [
        "day" / Measurement(_DAYS[day], "s", Linear(86_400.0)) * "whole days since the epoch",
        "millisecond" / Measurement(Int32ub, "s", Linear(1e-3)) * "of the day",
    ]
    if submillisecond:
        field, resolution = _SUBMILLISECONDS[submillisecond]
        parts.append("submillisecond" / Measurement(field, "s", Linear(resolution)) * "of the millisecond")
    return Struct(*parts)


def cds_seconds(parts: Mapping[str, Any], prefix: str = "") -> Numbers:
    """The time in s since the epoch from a parsed CDS field, or from columns whose names begin with prefix."""
    present = [parts[prefix + name] for name in CDS_TIME if prefix + name in parts]
    return sum(present[1:], start=present[0])


def unix_seconds(seconds: Numbers, epoch: float = CCSDS_EPOCH, tai_minus_utc: float = 0.0) -> Numbers:
    """Seconds since 1970-01-01 of seconds since an epoch, for a number or a column.

    Give tai_minus_utc (37 s since 2017) to turn the TAI of a CUC time into UTC; left at 0 the time scale stays what
    it is, and that is right for CDS.
    """
    return seconds + (epoch - tai_minus_utc)


@dataclass(frozen=True, slots=True)
class TimeField:
    """What a preamble field (P-field) says of the time field (T-field) behind it."""

    layout: Construct[Any, Any]
    """The declaration of the time field."""
    code: str
    """``cuc`` or ``cds``."""
    agency_epoch: bool
    """Whether it counts from an epoch that the mission defines, not from 1958-01-01."""
    preamble_size: int
    """Bytes of the P-field itself."""

    @property
    def size(self) -> int:
        """Bytes of the time field."""
        return int(self.layout.sizeof())


def preamble(data: bytes) -> TimeField | None:
    """The time field that the P-field at the beginning of data announces (3.2.2, 3.3.2).

    None where it announces another code (CCS, ASCII, agency-defined), widths over 8 bytes, or is cut short.
    """
    code = data[0] >> 4 & 0b111 if data else 0
    if code in (0b001, 0b010):
        return _cuc_preamble(data)
    if code == 0b100 and not data[0] & 0x80 and data[0] & 0b11 != 0b11:
        below = (0, 2, 4)[data[0] & 0b11]
        return TimeField(cds(3 if data[0] & 0b100 else 2, below), "cds", bool(data[0] & 0b1000), 1)
    return None


def _cuc_preamble(data: bytes) -> TimeField | None:
    first, extended = data[0], bool(data[0] & 0x80)
    coarse, fine = (first >> 2 & 0b11) + 1, first & 0b11
    if extended:
        if len(data) < 2 or data[1] & 0x80:
            return None
        coarse, fine = coarse + (data[1] >> 5 & 0b11), fine + (data[1] >> 2 & 0b111)
    if coarse + fine > 8:
        return None
    return TimeField(cuc(coarse, fine), "cuc", first >> 4 & 0b111 == 0b010, 1 + extended)
