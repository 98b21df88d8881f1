"""Time codes against recordings of JPSS-1 and a simulated satellite, the calendar, and the standard's own tables."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from construct import Struct
from hypothesis import given
from hypothesis import strategies as st

from protocols.ccsds.time_code import (
    CCSDS_EPOCH,
    CDS_TIME,
    GPS_EPOCH,
    J2000_EPOCH,
    cds,
    cds_seconds,
    cuc,
    preamble,
    unix_seconds,
)
from protocols.errors import DeclarationError
from protocols.layout import Layout


def test_epochs_are_those_of_the_calendar() -> None:
    for epoch, date in (
        (CCSDS_EPOCH, datetime(1958, 1, 1, tzinfo=UTC)),
        (GPS_EPOCH, datetime(1980, 1, 6, tzinfo=UTC)),
        (J2000_EPOCH, datetime(2000, 1, 1, 12, tzinfo=UTC)),
    ):
        assert epoch == date.timestamp()


def test_jpss_packets_of_a_day_bear_that_day(data: Path) -> None:
    """Its CDS secondary header: the file's name gives the day, space_packet_parser the fields of samples."""
    truth = json.loads((data / "ccsds_xtce_spp" / "truth.json").read_text())[0]
    rows = np.fromfile(data / "ccsds_xtce_spp" / truth["packets_file"], np.uint8).reshape(7200, 71)[:, 6:14]
    columns = Layout(cds(2, 2)).columns(np.ascontiguousarray(rows))
    unix = unix_seconds(cds_seconds(columns))
    assert [datetime.fromtimestamp(each, UTC).date().isoformat() for each in (unix[0], unix[-1])] == ["2021-04-09"] * 2
    assert np.allclose(np.diff(unix), 1.0, atol=0.1)
    for index, sample in truth["samples"]:
        at = datetime(1958, 1, 1, tzinfo=UTC) + timedelta(
            days=sample["DOY"], milliseconds=sample["MSEC"], microseconds=sample["USEC"]
        )
        assert unix[index] == pytest.approx(at.timestamp(), abs=2e-6)
        scalar = cds_seconds(cds(2, 2).parse(rows[index].tobytes()))
        assert unix_seconds(scalar) == pytest.approx(unix[index], abs=1e-6)  # sums of floats differ by Python's version


def test_cuc_seconds_of_a_dust_analysers_packet(data: Path) -> None:
    """SUDA counts from 2010; its file's name says day 130 of 2022, 17:41:53, when the file was begun."""
    truth = json.loads((data / "ccsds_xtce_spp" / "truth.json").read_text())[1]
    raw = (data / "ccsds_xtce_spp" / truth["packets_file"]).read_bytes()[4 + 6 :][:6]  # behind a file header
    sample = truth["samples"][0][1]
    seconds = cuc(4, 2).parse(raw)
    assert seconds == sample["SHCOARSE"] + sample["SHFINE"] / 65_536
    columns = Layout(Struct("time" / cuc(4, 2))).columns(np.frombuffer(raw * 2, np.uint8).reshape(2, 6))
    assert columns["time"].tolist() == [seconds] * 2
    when = datetime.fromtimestamp(unix_seconds(seconds, datetime(2010, 1, 1, tzinfo=UTC).timestamp()), UTC)
    assert abs(when - datetime(2022, 5, 10, 17, 41, 53, tzinfo=UTC)) < timedelta(minutes=10)


@given(st.integers(1, 7).flatmap(lambda c: st.tuples(st.just(c), st.integers(0, 8 - c))), st.data())
def test_cuc_parse_build_and_columns_agree(widths: tuple[int, int], data: st.DataObject) -> None:
    coarse, fine = widths
    field = cuc(coarse, fine)
    raw = data.draw(st.integers(0, min(2**53, 256 ** (coarse + fine)) - 1)).to_bytes(coarse + fine, "big")
    value = field.parse(raw)
    assert value == int.from_bytes(raw[:coarse], "big") + int.from_bytes(raw[coarse:], "big") / 256**fine
    assert field.build(value) == raw
    columns = Layout(Struct("time" / field)).columns(np.frombuffer(raw, np.uint8).reshape(1, -1))
    assert columns["time"].tolist() == [value]


@pytest.mark.parametrize(("submillisecond", "unit"), [(0, 0.0), (2, 1e-6), (4, 1e-12)])
@pytest.mark.parametrize("day", [2, 3])
def test_cds_parts_add_up(day: int, submillisecond: int, unit: float) -> None:
    raw = (7).to_bytes(day, "big") + (8_000).to_bytes(4, "big") + (9).to_bytes(4, "big")[4 - submillisecond :]
    parsed = cds(day, submillisecond).parse(raw)
    assert cds_seconds(parsed) == pytest.approx(7 * 86_400 + 8.0 + 9 * unit, abs=1e-12)
    assert cds(day, submillisecond).build(parsed) == raw
    assert [name for name in CDS_TIME if name in parsed] == list(CDS_TIME[: 3 if submillisecond else 2])


def test_tai_becomes_utc_only_with_the_difference_given() -> None:
    """2017-01-01: TAI - UTC became 37 s (IERS Bulletin C 52)."""
    tai = (datetime(2017, 1, 2, tzinfo=UTC) - datetime(1958, 1, 1, tzinfo=UTC)).total_seconds() + 37
    assert unix_seconds(tai, tai_minus_utc=37) == datetime(2017, 1, 2, tzinfo=UTC).timestamp()
    assert unix_seconds(np.array([tai]))[0] - datetime(2017, 1, 2, tzinfo=UTC).timestamp() == 37


@pytest.mark.parametrize(
    ("field", "code", "size", "agency", "own"),
    [
        ("1c", "cuc", 4, False, 1),  # 001 11 00: four and none
        ("1e", "cuc", 6, False, 1),  # 001 11 10: four and two
        ("2f", "cuc", 7, True, 1),  # 010 11 11: the mission's epoch, four and three
        ("9c04", "cuc", 5, False, 2),  # extended by one byte of fractions
        ("40", "cds", 6, False, 1),  # 100 0 0 00: days in two, milliseconds
        ("41", "cds", 8, False, 1),  # with microseconds
        ("4e", "cds", 11, True, 1),  # the mission's epoch, days in three, picoseconds
    ],
)
def test_preambles_say_what_the_tables_of_the_standard_say(
    field: str, code: str, size: int, agency: bool, own: int
) -> None:
    told = preamble(bytes.fromhex(field))
    assert told is not None
    assert (told.code, told.size, told.agency_epoch, told.preamble_size) == (code, size, agency, own)


@pytest.mark.parametrize("field", ["", "00", "50", "43", "9c", "9c80", "9f60"])
def test_preambles_of_other_codes_announce_nothing(field: str) -> None:
    assert preamble(bytes.fromhex(field)) is None


@given(st.binary(max_size=3))
def test_preambles_of_any_bytes_never_raise(field: bytes) -> None:
    told = preamble(field)
    assert told is None or 1 <= told.size <= 11


def test_widths_that_the_standard_has_not_are_refused() -> None:
    for make in (lambda: cuc(0, 2), lambda: cuc(4, 5), lambda: cds(4), lambda: cds(2, 3)):
        with pytest.raises(DeclarationError, match=r"use 1 to 7|use 2 or 3"):
            make()
