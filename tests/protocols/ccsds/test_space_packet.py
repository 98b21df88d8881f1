"""Space packets against recordings that ccsdspy and space_packet_parser counted, and against the ccsdspy package."""

import io
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ccsds.space_packet import (
    COUNT_MODULO,
    HEADER_SIZE,
    PRIMARY_HEADER,
    SPACE_PACKET,
    Reassembly,
    SequenceFlags,
    build,
    segmented,
    sequence_gaps,
    space_packets,
)
from protocols.errors import DeclarationError
from protocols.layout import Layout

apids, counts = st.integers(0, 2046), st.integers(0, COUNT_MODULO - 1)


def recordings(data: Path) -> list[tuple[bytes, dict[str, Any]]]:
    """All recordings of packets one after the other, with what others counted in them."""
    ccsdspy = json.loads((data / "ccsds_ccsdspy" / "truth.json").read_text())
    jpss = json.loads((data / "ccsds_xtce_spp" / "truth.json").read_text())[0]
    found = [((data / each["file"]).read_bytes(), each) for each in ccsdspy]
    return [*found, ((data / "ccsds_xtce_spp" / jpss["packets_file"]).read_bytes(), jpss)]


def headers(stream: bytes) -> Any:
    """The columns of the packets' primary headers."""
    starts = space_packets(stream)[:-1, None] + np.arange(HEADER_SIZE)
    return Layout(PRIMARY_HEADER).columns(np.frombuffer(stream, np.uint8)[starts])


def test_recordings_hold_the_packets_that_others_counted(data: Path) -> None:
    for stream, truth in recordings(data):
        edges = space_packets(stream)
        assert len(edges) - 1 == truth["packets"]
        assert edges[-1] == len(stream)
        columns = headers(stream)
        assert {str(apid): n for apid, n in Counter(columns["apid"].tolist()).items()} == truth["by_apid"]
        if "seq_first" in truth:
            assert columns["sequence_count"][[0, -1]].tolist() == [truth["seq_first"], truth["seq_last"]]
            lengths = columns["data_length"]
            assert (lengths.min(), lengths.max()) == (truth["len_min"], truth["len_max"])


def test_jpss_headers_equal_what_its_parser_sampled(data: Path) -> None:
    stream, truth = recordings(data)[-1]
    columns, edges = headers(stream), space_packets(stream)
    for index, sample in truth["samples"]:
        parsed = PRIMARY_HEADER.parse(stream[edges[index] :])
        for name, field in (
            ("VERSION", "version"), ("TYPE", "type"), ("SEC_HDR_FLG", "secondary_header"), ("PKT_APID", "apid"),
            ("SEQ_FLGS", "sequence_flags"), ("SRC_SEQ_CTR", "sequence_count"), ("PKT_LEN", "data_length"),
        ):  # fmt: skip
            assert int(columns[field][index]) == sample[name]
            assert int(parsed[field]) == sample[name]
    assert sequence_gaps(columns["sequence_count"]) == 0


@given(
    st.lists(st.tuples(apids, counts, st.one_of(st.binary(min_size=1, max_size=30), st.just(bytes(9)))), max_size=80)
)
def test_packets_built_are_walked_and_split_as_ccsdspy_does(sent: list[tuple[int, int, bytes]]) -> None:
    ccsdspy = pytest.importorskip("ccsdspy.utils", reason="the peer ccsdspy is in the bench extra")
    packets = [build(*each) for each in sent] * 2 + [build(5, i, bytes(11)) for i in range(60)]
    stream = b"".join(packets)
    edges = space_packets(stream + b"\x08\x01\xc0")
    assert [stream[begin:end] for begin, end in pairwise(edges)] == packets
    assert [bytes(each) for each in ccsdspy.split_packet_bytes(io.BytesIO(stream))] == packets


@given(st.binary(max_size=200))
def test_the_walk_never_raises_nor_leaves_the_buffer(stream: bytes) -> None:
    edges = space_packets(stream)
    assert edges[0] == 0
    assert edges[-1] <= len(stream)
    assert (np.diff(edges) > HEADER_SIZE).all()


def test_a_built_header_says_what_was_given() -> None:
    packet = build(0x123, 20_000, b"data", secondary=b"time", flags=SequenceFlags.FIRST, telecommand=True)
    header = PRIMARY_HEADER.parse(packet)
    assert (header.version, header.type, header.secondary_header, header.apid) == (0, 1, True, 0x123)
    assert (header.sequence_count, header.data_length, packet[6:]) == (20_000 - 16_384, 7, b"timedata")
    assert int(header.sequence_flags) == SequenceFlags.FIRST
    assert PRIMARY_HEADER.build(header) == packet[:6]
    assert header.data_length + SPACE_PACKET.length_bias == len(packet) - HEADER_SIZE


@pytest.mark.parametrize(("apid", "data"), [(2048, b"x"), (-1, b"x"), (1, b""), (1, bytes(65_537))])
def test_packets_that_cannot_be_are_not_built(apid: int, data: bytes) -> None:
    with pytest.raises(DeclarationError, match="APID"):
        build(apid, 0, data)


@pytest.mark.parametrize(
    ("received", "previous", "missing"),
    [
        ([], None, 0),
        ([5, 6, 7], None, 0),
        ([5, 6, 9], None, 2),
        ([16_382, 16_383, 0, 1], None, 0),
        ([16_382, 1], None, 2),
        ([7], 3, 3),
        ([7, 7, 8], 6, 0),  # a duplicate
        ([8, 7], 7, 0),  # out of order
    ],
)
def test_missing_packets_by_hand(received: list[int], previous: int | None, missing: int) -> None:
    assert sequence_gaps(np.array(received, np.uint16), COUNT_MODULO, previous) == missing


@given(st.sets(st.integers(1, 6000), max_size=40), st.integers(0, COUNT_MODULO - 1))
def test_packets_taken_out_of_a_run_are_missed_exactly(lost: set[int], first: int) -> None:
    kept = [(first + i) % COUNT_MODULO for i in range(6002) if i not in lost]
    half = len(kept) // 2
    assert sequence_gaps(np.array(kept)) == len(lost)
    split = sequence_gaps(np.array(kept[:half])) + sequence_gaps(np.array(kept[half:]), previous=kept[half - 1])
    assert split == len(lost)


def test_gaps_of_virtual_channels_as_their_receiver_counted_them(data: Path) -> None:
    """Virtual channel counts of 24 bits in AOS frames (732.0-B-4) and of 8 bits in TM frames (132.0-B-3)."""
    compared = 0
    for entry in json.loads((data / "ccsds_frames_deepspace" / "truth.json").read_text()):
        rows = np.fromfile(data / "ccsds_frames_deepspace" / entry["file"], np.uint8).reshape(-1, entry["frame_len"])
        rows = rows.astype(np.int64)
        aos = set(entry["version"]) == {"1"}
        channel = rows[:, 1] & 0x3F if aos else rows[:, 1] >> 1 & 7
        count = rows[:, 2] << 16 | rows[:, 3] << 8 | rows[:, 4] if aos else rows[:, 3]
        for name, expected in entry["vc_counter"].items():
            steps = np.diff(count[channel == int(name)]) % (1 << 24 if aos else 256)
            if (steps > (1 << 23 if aos else 128)).any():
                continue  # taken for out of order here, for a long gap there
            gaps = sequence_gaps(count[channel == int(name)], 1 << 24 if aos else 256)
            assert gaps == expected["missing"], (entry["file"], name)
            compared += 1
    assert compared >= 25


@given(st.lists(st.tuples(apids, st.binary(min_size=1, max_size=60)), max_size=8), st.integers(1, 9), counts)
def test_segmented_user_data_come_back(sent: list[tuple[int, bytes]], longest: int, count: int) -> None:
    ours = Reassembly()
    packets = [packet for apid, data in sent for packet in segmented(apid, count, data, longest)]
    assert ours.receive(packets) == sent
    assert (ours.pending, ours.discarded) == (0, 0)


def test_application_processes_do_not_disturb_each_other() -> None:
    one, two = segmented(1, 0, b"abcdef", 2), segmented(2, 9, b"uvwxyz", 2)
    mixed = [packet for pair in zip(one, two, strict=True) for packet in pair]
    assert Reassembly().receive(mixed) == [(1, b"abcdef"), (2, b"uvwxyz")]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_missing_segment_costs_its_unit_alone(lost: int) -> None:
    ours = Reassembly()
    first = segmented(1, 0, b"abcdef", 2)
    del first[lost]
    assert ours.receive([*first, *segmented(1, 3, b"uvwxyz", 2)]) == [(1, b"uvwxyz")]
    assert (ours.pending, ours.discarded) == (0, 4)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(SequenceFlags), st.integers(0, 3), st.binary(max_size=9))))
def test_any_segments_at_all_are_accounted_for_within_the_limit(
    some: list[tuple[int, SequenceFlags, int, bytes]],
) -> None:
    ours = Reassembly(limit=30)
    given_bytes = given_back = 0
    for apid, flags, count, data in some:
        packet = build(apid, count, data, flags=flags) if data else b"short"
        given_back += sum(len(unit) for _, unit in ours.receive([packet]))
        given_bytes += len(data) or len(packet)
        assert 0 <= ours.pending <= 30
        assert given_bytes == given_back + ours.pending + ours.discarded


def test_a_secondary_header_is_cut_off_each_segment() -> None:
    first = build(1, 0, b"ab", secondary=b"TIME", flags=SequenceFlags.FIRST)
    last = build(1, 1, b"cd", flags=SequenceFlags.LAST)
    assert Reassembly(secondary_size=4).receive([first, last]) == [(1, b"abcd")]
