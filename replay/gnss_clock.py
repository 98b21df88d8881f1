"""When the messages of a GNSS receiver were sent, by what they say themselves: the navigation epoch they belong to.

Three kinds of stamps stand in them: a date and time (NAV-PVT, NAV-TIMEUTC, HNR-PVT, RMC, ZDA), the GPS time of week
(most of class NAV), the time of day (GGA, GLL, GNS, GST). Once a date is known, all three tell UTC; the time of week by
what a message that has both says of the leap seconds. Without a date, the first kind seen counts from its own zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.gnss.messages import UBX_FIRST
from protocols.gnss.sentences import Date, TimeOfDay
from replay.utc_text import utc_ns
from replay.vehicle_clock import VehicleClock

SECOND_NS = 1_000_000_000
_MS_NS = 1_000_000
DAY_NS, WEEK_NS = 86_400 * SECOND_NS, 604_800 * SECOND_NS
_GAP_NS = 3600 * SECOND_NS
_IDS = (1, 2, 3, 4, 5, 6, 7, 0x11, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x30, 0x34, 0x35, 0x36, 0x43, 0x61)
_WITH_WEEK = {bytes((group, each)) for group in (0x01, 0x29) for each in _IDS} | {b"\x28\x00"}
"""UBX messages that begin with the time of week: of NAV and NAV2, and HNR-PVT."""
_PVT = {b"\x01\x07": 16, b"\x29\x07": 16, b"\x28\x00": 12}
"""Messages with a date behind the time of week, and where their nanoseconds stand."""
_TIMEUTC = (b"\x01\x21", b"\x29\x21")
_DATE_AND_TIME, _UTC_KNOWN = 0x03, 0x04
_DAY_FIELD = {b"GGA": 1, b"GNS": 1, b"GST": 1, b"RMC": 1, b"ZDA": 1, b"GLL": 5}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the date."""

    utc_ns: int
    """A time not far from those that follow."""
    from_week_ns: int | None
    """UTC less the time of week: when the week began, give or take whole weeks, and the leap seconds."""


class GnssClock:
    """The time of each message of a stream, which never goes back."""

    def __init__(self, known: Known | None = None) -> None:
        """A new clock; by what another has found out of the date."""
        self.utc = known is not None
        """Whether a date is known, and times are UTC."""
        self._known = known or Known(0, None)
        self._kind = 0  # of the stamps that count where no date is known: DAY_NS or WEEK_NS
        self._clock = VehicleClock(_GAP_NS)

    @property
    def known(self) -> Known | None:
        """What is known of the date; None where nothing is."""
        return self._known if self.utc else None

    def at(self, message: bytes) -> int:
        """The time of a message in ns; that of the one before where it tells none; 0 before the first."""
        utc, week, day = _ubx_stamps(message) if message[0] == UBX_FIRST else _nmea_stamps(message)
        now, from_week = self._known.utc_ns, self._known.from_week_ns
        if utc is not None:
            self.utc = True
            self._known = Known(utc, from_week if week is None else utc - week)
        elif not self.utc:
            return self._undated(week, day)
        elif week is not None and from_week is not None:
            self._known = Known(_nearest(from_week + week, WEEK_NS, now), from_week)
        elif day is not None:
            self._known = Known(_nearest(day, DAY_NS, now), from_week)
        else:
            return self._clock.now_ns
        return self._clock.at(self._known.utc_ns)

    def _undated(self, week: int | None, day: int | None) -> int:
        """By the receiver's own week or day, whichever came first."""
        if not self._kind and (week is not None or day is not None):
            self._kind = DAY_NS if week is None else WEEK_NS
            self._clock = VehicleClock(_GAP_NS, self._kind)
        stamp = week if self._kind == WEEK_NS else day
        return self._clock.now_ns if stamp is None else self._clock.at(stamp)


def _nearest(stamp: int, period: int, now: int) -> int:
    """The time nearest to now that is a stamp and any number of periods."""
    return now + (stamp - now + period // 2) % period - period // 2


def _ubx_stamps(message: bytes) -> tuple[int | None, int | None, int | None]:
    """Date and time, time of week and time of day that a UBX message tells, in ns; None each where it does not."""
    kind, payload = message[2:4], message[6:-2]
    if kind not in _WITH_WEEK or len(payload) < 4:
        return None, None, None
    week, utc = int.from_bytes(payload[:4], "little") * _MS_NS, None
    if kind in _PVT and len(payload) >= 20 and payload[11] & _DATE_AND_TIME == _DATE_AND_TIME:
        utc = _utc(payload[4:11], payload[_PVT[kind] : _PVT[kind] + 4])
    elif kind in _TIMEUTC and len(payload) >= 20 and payload[19] & _UTC_KNOWN:
        utc = _utc(payload[12:19], payload[8:12])
    return utc, week, None


def _utc(date: bytes, nanoseconds: bytes) -> int | None:
    """A date as ns UTC, to the millisecond, as the time of week is."""
    whole = utc_ns(int.from_bytes(date[:2], "little"), *date[2:7])
    rest = int.from_bytes(nanoseconds, "little", signed=True)
    return None if whole is None else whole + (rest + _MS_NS // 2) // _MS_NS * _MS_NS


def _nmea_stamps(message: bytes) -> tuple[int | None, int | None, int | None]:
    """The same of an NMEA sentence, or of an RTCM 3 message, which tells nothing of this kind."""
    place = _DAY_FIELD.get(message[3:6]) if message[:1] == b"$" else None
    if place is None:
        return None, None, None
    fields = message[: message.rfind(b"*")].decode("ascii", "replace").split(",")
    seconds = TimeOfDay().value(fields[place]) if len(fields) > place else -1.0
    if not 0 <= seconds < DAY_NS // SECOND_NS + 1:
        return None, None, None
    day, date = round(seconds * SECOND_NS), None
    if message[3:6] == b"RMC" and len(fields) > 9 and fields[2] == "A":
        date = Date().value(fields[9]).split("-")
    elif message[3:6] == b"ZDA" and len(fields) > 4:
        date = fields[4:1:-1]
    if date is None or not all(each.isdecimal() for each in date) or len(date) != 3:
        return None, None, day
    year, month, day_of_month = (int(each[:4]) for each in date)
    midnight = utc_ns(year, month, day_of_month, 0, 0, 0)
    return (None if midnight is None else midnight + day), None, day
