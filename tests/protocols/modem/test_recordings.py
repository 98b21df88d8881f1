"""Recordings of real satellites give at least gr_satellites' frames, byte for byte."""

from functools import cache
from pathlib import Path

import pytest

from protocols.modem.receiver import ReceivedFrame
from tests.protocols.modem.recordings import RECORDINGS, facts, received, truth

NO_FRAME_OF_ITS = {
    "aalto1": "its frame is noise that passed a 16-bit check: bytes that are no AX.25 address; ours is OH2AGS's beacon",
}
"""Recordings whose true frames are not to be expected, and why."""

NOISE_AT_THE_END = {
    "lilacsat1": (2, "nothing vouches for a frame, and behind the signal's end each of its runs takes others for one"),
}
"""How many of its last frames are not to be expected, and why."""
FOUND_AGAIN = {
    "cape3": "the preamble is its marker a dozen times, and each time it finds the one frame that follows",
}
"""Recordings in which it gives a frame more often than it was sent, and why."""


@cache
def decoded(data: Path, name: str) -> tuple[ReceivedFrame, ...]:
    """The frames in a recording, which is decoded once."""
    return tuple(received(data, name))


@pytest.mark.parametrize("name", sorted(RECORDINGS.keys() - NO_FRAME_OF_ITS.keys()))
def test_every_frame_of_gr_satellites_is_found(data: Path, name: str) -> None:
    frames = decoded(data, name)
    theirs = truth(data, name)
    theirs = theirs[: len(theirs) - NOISE_AT_THE_END[name][0]] if name in NOISE_AT_THE_END else theirs
    assert theirs
    missing = list(dict.fromkeys(theirs)) if name in FOUND_AGAIN else list(theirs)
    for frame in frames:
        if frame.body in missing:
            missing.remove(frame.body)
    assert not missing


def test_frames_that_only_some_of_its_runs_found_are_found(data: Path) -> None:
    extra = truth(data, "by701", "frames_extra")
    assert len(extra) == 5
    assert set(extra) <= {frame.body for frame in decoded(data, "by701")}


def test_gomx_3_gives_both_beacons(data: Path) -> None:
    frames = decoded(data, "gomx_3")
    assert {28, 153} <= {len(frame.body) for frame in frames}


def test_aalto_1_gives_the_beacon_that_names_itself(data: Path) -> None:
    frames = decoded(data, "aalto1")
    callsigns = [bytes(byte >> 1 for byte in frame.body[:13]) for frame in frames]
    assert any(each.startswith(b"OH2AGS") for each in callsigns)


def test_frames_lie_within_the_recording_in_order(data: Path) -> None:
    frames = decoded(data, "innosat_2")
    places = [place for frame in frames for place in (frame.begin, frame.end)]
    assert places == sorted(places)
    assert places[0] > 0
    assert places[-1] < facts(data)["innosat_2"]["samples"]
    for frame in frames:  # 32 bits of marker, 24 of length, 32 bytes of parity around each, at 4800 baud
        assert (frame.end - frame.begin) / 10 == pytest.approx(56 + 8 * (len(frame.body) + 32), abs=2)
