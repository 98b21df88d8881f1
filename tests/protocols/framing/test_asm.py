"""The attached sync marker: its state table, tolerance, flywheel and slips; frames off the air from deep space."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.framer import framer
from protocols.framing.asm import NEXT, Asm, Sight, State

MARKER = bytes.fromhex("1acffc1d")
LENGTH = 40


def made(check: str = "", **options: Any) -> Asm:
    ours = framer("asm", frame_length=LENGTH, check=check, **options)
    assert isinstance(ours, Asm)
    return ours


def frames(count: int, size: int = LENGTH) -> list[bytes]:
    random = np.random.default_rng(4)
    return [random.integers(0, 256, size, np.uint8).tobytes() for _ in range(count)]


def flipped(stream: bytes, *bits: int) -> bytes:
    number = int.from_bytes(stream, "big")
    for bit in bits:
        number ^= 1 << (8 * len(stream) - 1 - bit)
    return number.to_bytes(len(stream), "big")


def marker_bits(frame: int, *bits: int) -> list[int]:
    return [frame * 8 * (4 + LENGTH) + bit for bit in bits]


def test_the_table_says_where_every_sight_leads() -> None:
    assert set(NEXT) == set(State)
    assert all(len(row) == len(Sight) for row in NEXT.values())
    assert all(NEXT[state][Sight.MARKER] > state or state >= State.LOCK for state in State)
    lost = product(State, (Sight.EXHAUSTED, Sight.ELSEWHERE))
    assert {NEXT[state][sight] for state, sight in lost} == {State.SEARCH}
    assert {state for state in State if NEXT[state][Sight.MISSED] == State.FLYWHEEL} == {State.LOCK, State.FLYWHEEL}


def test_it_goes_from_search_over_check_to_lock() -> None:
    ours, sent, seen = made(), frames(3), []
    for body in sent:
        assert list(ours.receive(ours.encode([body]), 0)) == [body]
        seen.append(ours.sync_state)
    assert seen == ["check", "lock", "lock"]
    ours.receive(bytes(10_000), 0)
    assert ours.sync_state == "search"


def test_frames_off_the_air_with_their_frame_error_control(data: Path) -> None:
    """Emirates Mars Mission and Mars 2020: AOS frames whose FECF (732.0-B-4 4.1.6, our crc-16/ibm-3740) is there."""
    truth = json.loads((data / "ccsds_frames_deepspace" / "truth.json").read_text())
    compared = 0
    for entry in (each for each in truth if each["fecf_present"]):
        rows = np.fromfile(data / "ccsds_frames_deepspace" / entry["file"], np.uint8).reshape(-1, entry["frame_len"])
        ours = framer("asm", frame_length=entry["frame_len"], check="crc-16/ibm-3740")
        got = ours.receive(b"".join(MARKER + row.tobytes() for row in rows) + MARKER, 0)
        assert len(got) == entry["fecf_valid"]
        assert ours.ledger.crc_failures == entry["frames"] - entry["fecf_valid"]
        spacecraft = [(frame[0] << 8 | frame[1]) >> 6 & 0xFF for frame in got]
        assert set(map(str, spacecraft)) <= set(entry["scid"])
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("count", [3, 30])
def test_wrong_marker_bits_are_tolerated_in_lock_and_counted(count: int) -> None:
    ours, sent = made(lock_errors=3), frames(count)
    stream = flipped(ours.encode(sent), *marker_bits(count - 1, 0, 9, 31))
    assert list(ours.receive(stream, 0)) == sent
    assert ours.ledger.corrected == 3


def test_wrong_marker_bits_are_not_tolerated_in_search_unless_asked_for() -> None:
    sent = frames(1)
    stream = flipped(made().encode(sent), 5)
    strict, lenient = made(), made(search_errors=1)
    assert list(strict.receive(stream + bytes(9), 0)) == []
    assert list(lenient.receive(b"noise" + stream, 0)) == sent
    assert lenient.ledger.corrected == 1


@pytest.mark.parametrize("check", ["", "crc-16/ibm-3740"])
@pytest.mark.parametrize("count", [5, 50])
def test_the_flywheel_carries_a_frame_whose_marker_is_destroyed(check: str, count: int) -> None:
    ours = made(check)
    sent = frames(count, LENGTH - (2 if check else 0))
    stream = flipped(ours.encode(sent), *marker_bits(3, *range(0, 32, 2)))
    assert list(ours.receive(stream, 0)) == sent
    assert ours.sync_state == "lock"


def test_the_flywheel_gives_up_after_as_many_misses_as_it_is_told() -> None:
    for allowed in (0, 1, 3):
        ours = made(flywheel=allowed)
        ours.receive(ours.encode(frames(3)), 0)
        states = []
        for _ in range(5):
            ours.receive(bytes(4 + LENGTH), 0)
            states.append(ours.state)
        ours.receive(bytes(4 + LENGTH), 0)
        assert states.count(State.FLYWHEEL) == allowed
        assert ours.state == State.SEARCH


@pytest.mark.parametrize("check", ["", "crc-32/iso-hdlc"])
@settings(deadline=None)
@given(data=st.data())
def test_bytes_lost_or_added_cost_no_frame_but_the_one_they_are_in(check: str, data: st.DataObject) -> None:
    ours = made(check)
    sent = frames(data.draw(st.integers(4, 30)), LENGTH - (4 if check else 0))
    pieces = [ours.encode([body]) for body in sent]
    hurt = data.draw(st.integers(1, len(sent) - 2))
    cut = data.draw(st.integers(0, 3 + LENGTH))
    pieces[hurt] = data.draw(st.one_of(st.just(pieces[hurt][:cut]), st.binary(max_size=70).map(pieces[hurt].__add__)))
    got = list(ours.receive(b"".join(pieces) + MARKER + bytes(2 * LENGTH), 0))
    others = sent[:hurt] + sent[hurt + 1 :]
    if check:
        assert [frame for frame in got if frame != sent[hurt]] == others
    else:  # a frame cut short takes its bytes from the next; nothing else may be hurt
        assert [frame for frame in got if frame in others and frame != sent[hurt + 1]] == others[:hurt] + others[
            hurt + 1 :
        ]


@pytest.mark.parametrize("check", ["crc-16/ibm-3740"])
def test_a_spoilt_frame_in_a_long_run_is_dropped_alone(check: str) -> None:
    ours, sent = made(check), frames(100, LENGTH - 2)
    stream = flipped(ours.encode(sent), *(8 * (44 * frame + 20) for frame in (0, 40, 41, 99)))
    assert list(ours.receive(stream + MARKER, 0)) == [body for i, body in enumerate(sent) if i not in (0, 40, 41, 99)]
    assert ours.ledger.crc_failures == 4


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"frame_length": 2, "check": "crc-16/xmodem"}, "frame_length 2"),
        ({"marker": "1acffc1"}, "marker"),
        ({"search_errors": 5, "lock_errors": 1}, "search_errors"),
        ({"lock_errors": 16}, "lock_errors"),
        ({"flywheel": -1}, "flywheel"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(DeclarationError, match=named):
        framer("asm", **({"frame_length": 10} | options))


def test_a_frame_of_another_length_is_not_encoded() -> None:
    with pytest.raises(DeclarationError, match="39 bytes, not 40"):
        made().encode([bytes(39)])
