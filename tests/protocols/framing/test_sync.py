"""Start bytes and a length: real u-blox messages, and that no good frame is lost behind a false start."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.framer import framer

UBX = {  # u-blox 8 interface description, 32.2: B5 62 class id length[2] payload CK_A CK_B
    "start": "b562",
    "length_offset": 4,
    "length_size": 2,
    "length_endian": "little",
    "length_bias": 8,
    "body_offset": 2,
    "check_offset": 2,
    "maximum": 4096,
    "check": "fletcher-16/modulo-256:little",
}
PLAIN: dict[str, Any] = {"start": "aa", "maximum": 60, "check": "crc-32/iso-hdlc"}


def test_receivers_logs_give_the_messages_that_pyubx2_found(data: Path) -> None:
    """Pure UBX, mixed with NMEA and RTCM3, and with one checksum spoilt on purpose."""
    truth = json.loads((data / "gnss_ubx" / "truth.json").read_text())
    assert len(truth) == 5
    for entry in truth:
        expected = sum(count for name, count in entry["by_type"].items() if re.fullmatch(r"[A-Z]{3}-[A-Z0-9]+", name))
        made = framer("sync", **UBX)
        frames = list(made.receive((data / "gnss_ubx" / entry["file"]).read_bytes(), 0))
        assert len(frames) == expected, entry["file"]
        for _, text, _ in entry["samples"]:
            if text.startswith("b562"):
                begin = bytes.fromhex(re.match("(..)*", re.match("[0-9a-f]*", text)[0])[0])[2:-2]
                assert any(frame.startswith(begin) for frame in frames), text


@settings(deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6),
    st.lists(st.lists(st.sampled_from(b"\xaa\x05\x20\x30\xff"), max_size=12).map(bytes), min_size=6, max_size=6),
    st.sampled_from([1, 20]),
)
def test_no_good_frame_is_lost_behind_a_false_start(sent: list[bytes], noise: list[bytes], times: int) -> None:
    made = framer("sync", **PLAIN)
    stream = b"".join(before + made.encode([body]) for before, body in zip(noise, sent, strict=False)) * times
    frames = list(made.receive(stream + bytes(made.bound), 0))
    assert frames == sent * times
    assert made.ledger.balanced


def test_a_length_that_cannot_be_does_not_wait_for_its_bytes() -> None:
    made = framer("sync", start="aa55", length_size=4, maximum=100, check="xor-8")
    frames = made.receive(b"\xaa\x55\x7f\xff\xff\xff" + made.encode([b"alive"]), 0)
    assert list(frames) == [b"alive"]
    assert made.ledger.pending == 0


@pytest.mark.parametrize("times", [1, 100])
def test_a_failed_check_is_counted_once_and_only_outside_of_good_frames(times: int) -> None:
    made = framer("sync", **PLAIN)
    good = made.encode([b"\xaa\x08\xaa\x08 looks like a start"])
    bad = bytearray(made.encode([b"quite a different one"]))
    bad[5] ^= 1
    frames = made.receive((good + bytes(bad)) * times + good + bytes(60), 0)
    assert len(frames) == times + 1
    assert made.ledger.crc_failures == times


@pytest.mark.parametrize("times", [1, 100])
def test_a_start_within_a_good_frame_does_not_wait_for_what_it_announces(times: int) -> None:
    made = framer("sync", **PLAIN)
    sent = [b"ends like a start: \xaa\x3c"] * times
    assert list(made.receive(made.encode(sent), 0)) == sent
    assert made.ledger.balanced
    assert (made.ledger.pending, made.ledger.discarded) == (0, 0)


def test_the_length_may_count_what_it_likes_and_stand_where_it_likes() -> None:
    """``start type length[little] body check``, length of the body alone; the type is delivered."""
    made = framer(
        "sync", start="fe", length_offset=2, length_size=2, length_endian="little", length_bias=6, body_offset=1,
        check="modbus:little",
    )  # fmt: skip
    wire = made.encode([b"\x07\0\0hello"])
    assert wire[:4] == b"\xfe\x07\x05\x00"
    assert list(made.receive(wire, 0)) == [b"\x07\x05\x00hello"]


def test_frames_of_fixed_length_need_no_length_field() -> None:
    made = framer("sync", start="aa55", length_size=0, length_bias=10, check="sum-8")
    sent = [b"1234567", b"abcdefg"]
    assert list(made.receive(b"\xaa" + made.encode(sent), 0)) == sent


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"start": "zz"}, "start"),
        ({"start": ""}, "start"),
        ({"length_offset": 0}, "length_offset 0"),
        ({"length_size": 9}, "length_size 9"),
        ({"length_endian": "middle"}, "length_endian 'middle'"),
        ({"body_offset": 0}, "body_offset 0"),
        ({"check_offset": -1}, "check_offset -1"),
        ({"maximum": 3}, "maximum 3"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(DeclarationError, match=named):
        framer("sync", **({"start": "aa55"} | options))


def test_a_body_too_long_for_the_length_field_is_refused() -> None:
    with pytest.raises(DeclarationError, match="change the options"):
        framer("sync", start="aa", maximum=5000).encode([bytes(300)])
