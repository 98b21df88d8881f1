"""Frames without a marker: recordings of transfer frames, and what a slip costs."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.framer import framer

CHECK = "crc-16/ibm-3740"
LENGTH = 64


def sent(count: int) -> list[bytes]:
    return [bytes([number % 251]) * (LENGTH - 2) for number in range(count)]


def test_recordings_of_transfer_frames_are_cut_into_as_many_as_published(data: Path) -> None:
    folder = data / "ccsds_frames_deepspace"
    for truth in json.loads((folder / "truth.json").read_text()):
        check = CHECK if truth["fecf_present"] else ""
        made, stream = (
            framer("fixed", frame_length=truth["frame_len"], check=check),
            (folder / truth["file"]).read_bytes(),
        )
        frames = [frame for at in range(0, len(stream), 4096) for frame in made.receive(stream[at : at + 4096], at)]
        good = truth["fecf_valid"] if check else truth["frames"]
        assert len(frames) == good
        assert made.ledger.pending == truth["bytes"] - good * truth["frame_len"], "a bad last frame waits for the next"


def test_a_bad_frame_among_good_ones_costs_itself() -> None:
    made = framer("fixed", frame_length=LENGTH, check=CHECK)
    stream = bytearray(made.encode(sent(9)))
    stream[3 * LENGTH + 5] ^= 1
    stream[7 * LENGTH + 5] ^= 1
    assert list(made.receive(bytes(stream), 0)) == [each for n, each in enumerate(sent(9)) if n not in (3, 7)]
    assert (made.ledger.crc_failures, made.ledger.discarded) == (2, 2 * LENGTH)
    assert made.sync_state == "lock"


@settings(deadline=None, max_examples=40)
@given(lost=st.integers(1, LENGTH - 1), at=st.integers(0, 8 * LENGTH - 1), added=st.binary(max_size=100))
def test_a_slip_costs_the_frame_it_happened_in_and_no_other_once_two_follow(lost: int, at: int, added: bytes) -> None:
    made = framer("fixed", frame_length=LENGTH, check=CHECK)
    stream = made.encode(sent(12))
    got = list(made.receive(stream[:at] + added + stream[at + lost :], 0))
    hit = {at // LENGTH, (at + lost - 1) // LENGTH}
    left = iter(got)
    assert all(each in left for number, each in enumerate(sent(12)) if number not in hit)
    assert set(got) <= set(sent(12))


def test_it_says_that_it_searches() -> None:
    made = framer("fixed", frame_length=LENGTH, check=CHECK)
    made.receive(bytes(range(1, 200)), 0)
    assert made.sync_state == "search"
    assert made.receive(made.encode(sent(3)), 0).lengths.tolist() == [LENGTH - 2] * 3
    assert made.sync_state == "lock"
    assert framer("fixed", frame_length=LENGTH).sync_state == ""


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(DeclarationError, match="no byte is left"):
        framer("fixed", frame_length=2, check=CHECK)
    with pytest.raises(DeclarationError, match="not 64"):
        framer("fixed", frame_length=LENGTH).encode([b"short"])
