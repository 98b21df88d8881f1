"""AX.25 headers: against gr_satellites' reading of real frames, and any bytes."""

import re
from pathlib import Path

import pytest
from construct import Bytes, Struct
from hypothesis import given
from hypothesis import strategies as st

from protocols.ax25.header import ADDRESS_SIZE, HEADER, NO_LAYER_3, UI, parse
from protocols.layout import Layout
from tests.protocols.modem.recordings import truth

PRINTED = ("duchifat_3", "fmn1", "il01", "swiatowid-ax25", "tigrisat", "us01")
ADDRESS = re.compile(r"callsign = u'([^']*)'.*?ch = (\w+)\s+ssid = (\d+)", re.DOTALL)
LAST = re.compile(r"control = (\w+)\s+pid = (\w+)")


@pytest.mark.parametrize("name", PRINTED)
def test_headers_are_those_that_gr_satellites_prints(data: Path, name: str) -> None:
    frames = truth(data, name)
    text = (data / "sat_wav" / "truth" / f"{name}.tlm.txt").read_text()
    printed = [part.split("info =")[0] for part in text.split("header = Container:")[1:]]
    assert len(printed) == len(frames) > 0
    for frame, header in zip(frames, printed, strict=True):
        ours = parse(frame)
        assert ours is not None
        wanted = [(callsign, flag, int(ssid)) for callsign, flag, ssid in ADDRESS.findall(header)]
        assert [(each.callsign, str(each.flag), each.ssid) for each in ours.addresses] == wanted
        assert [tuple(int(value, 16) for value in pair) for pair in LAST.findall(header)] == [(ours.control, ours.pid)]
        assert frame.endswith(ours.info)


@given(frame=st.binary(max_size=80))
def test_any_bytes_are_a_frame_or_none(frame: bytes) -> None:
    ours = parse(frame)
    if ours is not None:
        assert len(frame) == ADDRESS_SIZE * len(ours.addresses) + 2 + len(ours.info)


def test_the_declaration_has_columns_and_says_the_same(data: Path) -> None:
    frame = truth(data, "us01")[0]
    ours, told = parse(frame), HEADER.parse(frame)
    assert ours is not None
    for address, station in zip(ours.addresses, (told.destination, told.source), strict=True):
        assert "".join(chr(each.code) for each in station.callsign).rstrip() == address.callsign
        assert (station.ssid, station.command) == (address.ssid, address.flag)
    assert (told.control, told.pid) == (UI, NO_LAYER_3)
    assert Layout(Struct("frame" / HEADER, "body" / Bytes(4))).size == 20
    assert HEADER.build(told) == frame[:16]
