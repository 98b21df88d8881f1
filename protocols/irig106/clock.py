"""The recorder's time: what time packets say (11.2.3), and UTC for any count of the relative time counter by them.

A time packet of format 1 tells hundredths of a second in BCD as IRIG time does: day of the year, without a year, or
day, month and year. Format 2 is network time. Each holds for the count in its header; between them the 10 MHz counter
runs on, and before the first it is reckoned back.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.irig106.packet import TICK_NS, Header, apart_ticks

TIME_1, TIME_2 = 0x11, 0x12
_SECOND_NS = 1_000_000_000
_DAY_S = 86_400
_NTP_TO_UNIX_S = 2_208_988_800
"""From 1900-01-01, RFC 5905."""
_TAI_AHEAD = ((1_483_228_800, 37), (1_435_708_800, 36), (1_341_100_800, 35), (1_230_768_000, 34), (0, 33))
"""Seconds that TAI is ahead of UTC since a second of UTC: leap seconds of 2017, 2015, 2012, 2009, and before."""
UNKNOWN_YEAR = 1970
_LEAP_YEAR = 1972
_DAYS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
"""Days of a common year before each month."""


@dataclass(slots=True)
class TimeOfYear:
    """What a time packet says."""

    year: int
    """0 where it does not say."""
    day: int
    """Of the year, from 1."""
    ns: int
    """Of the day; of a leap second, more than it has."""
    leap: bool
    """Whether it says that the year is one of 366 days."""


class RecorderClock:
    """UTC by the time packets of one channel, the latest of them."""

    def __init__(self, year: int = 0) -> None:
        """Year is that of the first time packet which names none; 0: not known, and 1970 (1972 with a leap day)."""
        self.channel = -1
        """The channel whose time packets hold: the first that had a good one."""
        self.dated = False
        """Whether a time packet, or year, told the year."""
        self.reference: tuple[int, int] | None = None
        """A count of the counter and its time in ns UTC, by the latest good time packet."""
        self._year, self._day = year, 0

    def at(self, rtc: int) -> int:
        """The time of a count in ns UTC; before any time packet, ns since the counter began."""
        if self.reference is None:
            return rtc * TICK_NS
        count, time_ns = self.reference
        return time_ns + apart_ticks(count, rtc) * TICK_NS

    def follow(self, header: Header, body: bytes) -> bool:
        """Go by a time packet, if it is good and of the channel gone by. Returns whether it is good."""
        told = time_of(header.kind, body)
        if told is None:
            return False
        if self.channel < 0:
            self.channel = header.channel
        if header.channel == self.channel:
            self.reference = header.rtc, self._utc_ns(told)
        return True

    def _utc_ns(self, told: TimeOfYear) -> int:
        """A time in ns UTC, its year the one known, and the next after New Year."""
        if told.year:
            self._year, self.dated = told.year, True
        elif not self._year:
            self._year = _LEAP_YEAR if told.leap or told.day > 365 else UNKNOWN_YEAR
        elif self._day - told.day > 300:
            self._year += 1
        self._day = told.day
        return _ns_of(self._year, told)


def time_of(kind: int, body: bytes) -> TimeOfYear | None:
    """What the body of a time packet says; None where it is invalid or no time at all."""
    if kind == TIME_2:
        return _network_time(body)
    if len(body) < 10 or body[0] >> 4 == 0xF:
        return None
    word, hours, days = body[4] | body[5] << 8, body[6] | body[7] << 8, body[8] | body[9] << 8
    digits = f"{word:04x}{hours:04x}{days & 0xFF:02x}"
    if not digits.isdecimal():
        return None
    of_day = int(digits[4:6]) * 3600 + int(digits[6:8]) * 60 + int(digits[:2])
    ns = of_day * _SECOND_NS + int(digits[2:4]) * 10_000_000
    if of_day > _DAY_S:
        return None
    number, upper = int(digits[8:]), days >> 8
    if not body[1] & 0x02:  # day of the year; some recorders count from 0
        number += (upper & 15) * 100
        return TimeOfYear(0, number, ns, bool(body[1] & 0x01)) if number <= 366 else None
    year, month = f"{body[10] | body[11] << 8:04x}" if len(body) >= 12 else "", (upper >> 4) * 10 + (upper & 15)
    whole = int(year) if year.isdecimal() else 0
    if not (1970 <= whole <= 2200 and 1 <= month <= 12 and 1 <= number <= 31):
        return None
    leap = whole % 4 == 0 and (whole % 100 != 0 or whole % 400 == 0)
    return TimeOfYear(whole, _DAYS[month - 1] + number + (leap and month > 2), ns, leap)


def _network_time(body: bytes) -> TimeOfYear | None:
    """Format 2: NTP counts UTC from 1900, PTP counts TAI from 1970 (11.2.3.3)."""
    if len(body) < 12:
        return None
    if not body[0] >> 4:
        seconds, fraction = int.from_bytes(body[4:8], "little"), int.from_bytes(body[8:12], "little")
        return _of_1970((seconds - _NTP_TO_UNIX_S) * _SECOND_NS + (fraction * _SECOND_NS >> 32))
    wide = 6 if len(body) >= 14 else 4
    seconds = int.from_bytes(body[4 : 4 + wide], "little")
    ahead = next((ahead for since, ahead in _TAI_AHEAD if seconds - ahead >= since), 0)
    return _of_1970((seconds - ahead) * _SECOND_NS + int.from_bytes(body[4 + wide : 8 + wide], "little"))


def _of_1970(ns: int) -> TimeOfYear | None:
    """A time in ns UTC as days of 1970, of which there may be many; None where no recorder can have been."""
    day, rest = divmod(ns, _DAY_S * _SECOND_NS)
    return TimeOfYear(1970, day + 1, rest, leap=False) if 0 <= day <= 84_000 else None


def _ns_of(year: int, told: TimeOfYear) -> int:
    """The time of a day of a year, in ns UTC."""
    before = year - 1
    days = 365 * (year - 1970) + (before // 4 - 492) - (before // 100 - 19) + (before // 400 - 4)
    return (days + told.day - 1) * _DAY_S * _SECOND_NS + told.ns
