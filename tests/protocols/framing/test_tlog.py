"""Frames that follow their times: dated by them, however they come and are looked at."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.framer import framer
from protocols.framing import mavlink

HEARTBEAT = bytes((7, 1, 2, 0, 0, 0)) + b"\x03" * 9
FRAME = framer("mavlink").encode([HEARTBEAT])


def record(us: int) -> bytes:
    return struct.pack(">Q", us) + FRAME


@pytest.mark.parametrize("many", [0, 1 << 30])
@given(
    times=st.lists(st.integers(0, 1 << 53) | st.sampled_from([0xFD, 0xFE00, 0xFDFD_FDFD]), max_size=8),
    cuts=st.lists(st.integers(0, 300), max_size=6),
    gap=st.binary(max_size=12),
)
def test_each_frame_has_its_time(many: int, times: list[int], cuts: list[int], gap: bytes) -> None:
    stream = b"".join(map(record, times)) + gap.replace(b"\xfd", b"").replace(b"\xfe", b"") + record(5)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    made, found = framer("tlog"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mavlink, "_MANY", many)
        for begin, end in pairwise(edges):
            got = made.receive(stream[begin:end], 99)
            assert made.ledger.balanced
            found += zip(got.received_ns.tolist(), got, strict=True)
    assert found == [(us * 1000, HEARTBEAT) for us in [*times, 5]]
    assert made.ledger.frame_bytes == (len(times) + 1) * (8 + len(FRAME))


@pytest.mark.parametrize("many", [1, 100])
def test_what_can_be_no_time_is_the_latest(many: int) -> None:
    got = framer("tlog").receive(record((1 << 64) - 1) * many, 99)
    assert got.received_ns.tolist() == [1000 << 53] * many


def test_a_frame_without_a_time_before_it_is_none() -> None:
    made = framer("tlog")
    assert list(made.receive(FRAME + FRAME[:1], 99)) == []
    assert list(made.receive(record(8) + record(9), 99)) == [HEARTBEAT] * 2
