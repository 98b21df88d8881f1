"""CSP: headers against gr_satellites' reading of real packets, checks against real transceivers' and damage."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.csp.packet import HEADER, HEADER_LITTLE, HEADER_SIZE, Checker, asks_for_check, good, with_check
from protocols.framer import framer
from tests.protocols.modem.recordings import truth

CHECKED = ("gomx_3", "delphini1", "innosat_2", "spooqy_1")
"""Recordings whose packets set the flag; GOMX-3's checks leave the header out, the others take it in."""
PRINTED = ("gomx_1", "gomx_3", "innosat_2", "ty_2")
FIELD = re.compile(r"^ {8}(\w+) = (\w+)$", re.MULTILINE)


def printed_headers(data: Path, name: str) -> list[dict[str, int]]:
    """The header of each packet as gr_satellites printed it."""
    text = (data / "sat_wav" / "truth" / f"{name}.tlm.txt").read_text()
    blocks = re.split(r"^ +(?:csp_)?header = Container: *$", text, flags=re.MULTILINE)[1:]
    numbers = {"True": "1", "False": "0"}
    found = []
    for block in blocks:
        lines = re.match(r"\s*\n((?: {8}\w+ = \w+\n)+)", block)
        assert lines
        found.append({key: int(numbers.get(value, value)) for key, value in FIELD.findall(lines[1])})
    return found


@pytest.mark.parametrize("name", PRINTED)
def test_headers_are_those_that_gr_satellites_prints(data: Path, name: str) -> None:
    packets, printed = truth(data, name), printed_headers(data, name)
    assert len(packets) == len(printed) > 0
    for packet, wanted in zip(packets, printed, strict=True):
        header = HEADER.parse(packet)
        assert {key: int(header[key]) for key in wanted} == wanted
        assert len(wanted) == 11
        assert HEADER_LITTLE.parse(packet[HEADER_SIZE - 1 :: -1]) == header


@pytest.mark.parametrize("name", CHECKED)
def test_checks_of_real_packets_hold_and_damage_is_counted(data: Path, name: str) -> None:
    checker, packets = Checker(), truth(data, name)
    assert all(map(asks_for_check, packets))
    assert [checker.verified(packet) for packet in packets] == [packet[:-4] for packet in packets]
    assert (checker.checked, checker.failures) == (len(packets), 0)
    damaged = packets[0][:5] + bytes((packets[0][5] ^ 4,)) + packets[0][6:]
    assert checker.verified(damaged) is None
    assert (checker.checked, checker.failures) == (len(packets) + 1, 1)


@given(packet=st.binary(max_size=60), little=st.booleans())
def test_any_bytes_are_passed_on_or_counted(packet: bytes, little: bool) -> None:
    checker = Checker(little)
    verified = checker.verified(packet)
    if not asks_for_check(packet, little=little):
        assert verified == packet
        assert checker.checked == 0
    else:
        assert (verified is None) == (not good(packet))
        assert (checker.checked, checker.failures) == (1, int(verified is None))


@given(data=st.binary(max_size=60), header=st.booleans(), place=st.integers(0), bit=st.integers(0, 7))
def test_a_check_survives_no_wrong_bit(data: bytes, header: bool, place: int, bit: int) -> None:
    packet = with_check(bytes.fromhex("82a78001") + data, header=header)
    assert good(packet)
    at = HEADER_SIZE + place % (len(packet) - HEADER_SIZE)
    assert not good(packet[:at] + bytes((packet[at] ^ 1 << bit,)) + packet[at + 1 :])


@given(packet=st.binary(min_size=1, max_size=60), little=st.booleans())
def test_the_framing_adds_and_takes_away_what_the_header_asks_for(packet: bytes, little: bool) -> None:
    link = framer("csp", little=little)
    sent = link.encode([packet])
    assert len(sent) == len(packet) + 4 * asks_for_check(packet, little=little)
    assert list(link.receive(sent, 0)) == [packet]
    assert link.ledger.balanced


def test_a_chunk_of_nothing_but_a_check_is_discarded() -> None:
    link = framer("csp", check="crc-16/xmodem")
    assert not len(link.receive(bytes(2), 0))  # the check of no bytes at all
    assert link.ledger.discarded == 2
    assert link.ledger.balanced
