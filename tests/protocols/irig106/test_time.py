"""Recorders' time against dates made by the standard library."""

from datetime import UTC, datetime, timedelta
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.irig106.clock import RecorderClock, time_of
from protocols.irig106.packet import Header, Packet, apart_ticks, parse_header

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)).map(  # noqa: DTZ001 hypothesis asks for these
    lambda at: at.replace(microsecond=at.microsecond // 10_000 * 10_000, tzinfo=UTC)
)


def ns(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def bcd(text: str) -> bytes:
    """Words of four decimal digits as a recorder stores them."""
    return b"".join(pack("<H", int(text[at : at + 4], 16)) for at in range(0, len(text), 4))


def of_day(at: datetime) -> str:
    return f"{at.second:02}{at.microsecond // 10_000:02}{at.hour:02}{at.minute:02}"


def dated(at: datetime) -> bytes:
    return b"\x01\x02\0\0" + bcd(f"{of_day(at)}{at.month:02}{at.day:02}{at.year:04}")


def yearless(at: datetime, *, leap: bool = False) -> bytes:
    return bytes((0x01, leap, 0, 0)) + bcd(f"{of_day(at)}0{at.timetuple().tm_yday:03}")


def header(rtc: int, kind: int = 0x11, channel: int = 1, **more) -> Header:
    return Header(channel, 36, 12, 0, more.pop("flags", 0), kind, rtc, **more)


@given(moments, st.integers(0, (1 << 48) - 1), st.integers(-(10**9), 10**9))
def test_day_month_year_and_the_counter_from_it(at, rtc, ticks):
    clock = RecorderClock()
    assert clock.follow(header(rtc), dated(at))
    assert clock.dated
    assert clock.at((rtc + ticks) % (1 << 48)) == ns(at) + 100 * ticks  # back and on, over its wrap


@given(moments)
def test_day_of_the_year_with_the_year_from_elsewhere(at):
    clock = RecorderClock(at.year)
    assert clock.follow(header(5), yearless(at))
    assert clock.at(5) == ns(at)
    assert not clock.dated


def test_a_year_nobody_told_is_1970_or_a_leap_year_and_goes_on_past_new_year():
    clock = RecorderClock()
    clock.follow(header(0), yearless(datetime(2011, 12, 31, 23, 59, 59, tzinfo=UTC)))
    clock.follow(header(10_000_000), yearless(datetime(2012, 1, 1, tzinfo=UTC)))
    assert clock.at(10_000_000) == ns(datetime(1971, 1, 1, tzinfo=UTC))
    leap = RecorderClock()
    leap.follow(header(0), yearless(datetime(2012, 3, 1, tzinfo=UTC), leap=True))
    assert leap.at(0) == ns(datetime(1972, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("at", [datetime(2010, 6, 1, 12, tzinfo=UTC), datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)])
def test_network_time(at):
    clock = RecorderClock()
    seconds = int(at.timestamp())
    assert clock.follow(header(0, 0x12), pack("<III", 0x00, seconds + 2_208_988_800, 1 << 31))
    assert clock.at(0) == ns(at) + 500_000_000
    ahead = 34 if at.year == 2010 else 37  # TAI - UTC, IERS Bulletin C
    assert clock.follow(header(0, 0x12), pack("<IIHI", 0x20, seconds + ahead, 0, 250_000_000))
    assert clock.at(0) == ns(at) + 250_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xf1\0\0\0" + bytes(6),  # no time at all
        b"\x01\0\0\0" + bcd("0A0000000001"),
        b"\x01\0\0\0" + bcd("000099990001"),
        b"\x01\0\0\0" + bcd("000000000400"),
        b"\x01\x02\0\0" + bcd("0000000013012020"),
        b"\x01\x02\0\0" + bcd("000000001201"),
    ],
)
def test_what_is_no_time_is_not_gone_by(body):
    clock = RecorderClock()
    assert not clock.follow(header(1), body)
    assert clock.reference is None
    assert clock.at(7) == 700


def test_one_channel_is_gone_by():
    clock, at = RecorderClock(), datetime(2020, 1, 1, tzinfo=UTC)
    clock.follow(header(0), dated(at))
    assert clock.follow(header(0, channel=9), dated(at + timedelta(hours=1)))
    assert clock.at(0) == ns(at)


@given(st.sampled_from((0x11, 0x12)), st.binary(max_size=20))
def test_any_body_is_a_time_or_none(kind, body):
    time_of(kind, body)


def test_stamps_within_a_packet():
    packet = Packet(header((1 << 48) - 5), pack("<Q", 5), 0, 8, 1_000_000)
    assert packet.stamp(0) == 1_000_000 + 10 * 100
    assert apart_ticks(5, (1 << 48) - 5) == -10
    far = Packet(header(0), pack("<Q", 700_000_000), 0, 8, 42)
    assert far.stamp(0) == 42  # 70 s from its packet: damaged


@pytest.mark.parametrize(
    ("form", "first", "then"),
    [
        (0x04, pack("<II", 999_999_000, 7), pack("<II", 500, 8)),  # IEEE 1588: ns, s
        (0x08, pack("<Q", 1_000), pack("<Q", 2_500)),  # extended counter, 1 ns
        (0x00, pack("<HHHH", 0, 9_998, 1, 2), pack("<HHHH", 0, 0, 2, 2)),  # Chapter 4: us, low, high
    ],
)
def test_absolute_stamps_hold_from_the_secondary_headers_time(form, first, then):
    head = pack("<HHIIBBBBIH", 0xEB25, 3, 48, 12, 0, 0, 0xC0 | form, 0x50, 77, 0)
    checksum = sum(int.from_bytes(head[at : at + 2], "little") for at in range(0, 22, 2)) & 0xFFFF
    body = first + b"\0\0" + pack("<H", sum(first) & 0xFFFF)
    found = parse_header(head + pack("<H", checksum) + body, 0)
    assert found is not None
    assert found.begin == 36
    apart = {0x04: 1500, 0x08: 1500, 0x00: 10_000_000 - 9_998_000}[form]
    assert Packet(found, then, 0, 8, 10).stamp(0) == 10 + apart
