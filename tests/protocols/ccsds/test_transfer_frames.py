"""Transfer frames: what is lost with frames and what is not, however they come, and whatever bytes come instead."""

import copy
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.ccsds.frame_stage import CHANNELS, TransferFrames
from protocols.ccsds.multiplexer import Multiplexer
from protocols.ccsds.packet_zone import LONGEST_PACKET
from protocols.ccsds.space_packet import IDLE_APID, build
from protocols.ccsds.transfer_frame import AOS_HEADER, CLCW, M_PDU_HEADER, TM_HEADER
from protocols.errors import DeclarationError
from protocols.frames import Frames

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
kinds = st.sampled_from(["tm", "aos"])
packets = st.lists(
    st.tuples(st.integers(0, IDLE_APID - 1), st.one_of(st.integers(1, 60), st.integers(1, 700))),
    min_size=1,
    max_size=60,
).map(lambda many: [build(apid, number, bytes([number % 256]) * size) for number, (apid, size) in enumerate(many)])


def encapsulated(size: int, protocol: int = 2) -> bytes:
    """An encapsulation packet of size bytes in all (133.1-B-3 4.1.2), at least 4 of them its header."""
    return bytes([7 << 5 | protocol << 2 | 2, 0]) + size.to_bytes(2, "big") + bytes(size - 4)


def received(stage: TransferFrames, frames: list[bytes], cuts: list[int]) -> tuple[list[tuple[bytes, int]], Any]:
    """Packets with the number of the frame that completed each, and all counts; frames come in groups as cut."""
    found = []
    for begin, end in pairwise(sorted({0, len(frames), *(cut % (len(frames) + 1) for cut in cuts)})):
        group = Frames.of(frames[begin:end], 0)
        group.received_ns[:] = range(begin, end)
        out = stage.receive(group)
        found += zip(out, out.received_ns.tolist(), strict=True)
        assert stage.zones.balanced
        assert all(0 <= each.zones.pending < LONGEST_PACKET for each in stage.channels.values())
    assert stage.frames == len(frames)
    return found, stage.counts()


@QUICK
@given(data=st.data())
def test_exactly_the_packets_that_no_lost_frame_touches_come_out(data: st.DataObject) -> None:
    kind, fecf, ocf = data.draw(kinds), data.draw(st.booleans()), data.draw(st.booleans())
    insert_zone = data.draw(st.sampled_from([0, 5])) if kind == "aos" else 0
    several = data.draw(st.lists(packets, min_size=1, max_size=3))
    length = data.draw(st.sampled_from([40, 100, 223, 1115]))
    lost_each, frames, wanted = [], [], []
    for vcid, sent in enumerate(several):
        made = Multiplexer(kind, length, 77, vcid, fecf, ocf, insert_zone)
        made.count = data.draw(st.sampled_from([0, 250, (1 << 24) - 3, (1 << 28) - 2]))
        own = made.frames(sent)
        lost = set(data.draw(st.lists(st.integers(0, len(own) - 1), max_size=6)))
        edges = list(accumulate(map(len, sent), initial=0))
        for packet, (begin, end) in zip(sent, pairwise(edges), strict=True):
            touched = range(begin // made.zone, (end - 1) // made.zone + 1)
            if not lost & set(touched):
                wanted.append((packet, (vcid, touched[-1])))
        frames.append([((vcid, number), frame) for number, frame in enumerate(own) if number not in lost])
        lost_each.append(lost)
    order = data.draw(st.permutations([vcid for vcid, own in enumerate(frames) for _ in own]))
    queues = [iter(own) for own in frames]
    stream = [next(queues[vcid]) for vcid in order]
    place = {name: number for number, (name, _) in enumerate(stream)}
    stage = TransferFrames(kind, length, fecf, ocf, insert_zone, scid=77)
    found, counts = received(stage, [frame for _, frame in stream], data.draw(st.lists(st.integers(0, 99), max_size=9)))
    assert found == sorted(((packet, place[name]) for packet, name in wanted), key=lambda each: each[1])
    for vcid, own in enumerate(frames):
        if own:
            told = counts["virtual_channels"][f"{kind}/77/{vcid}"]
            first, last = own[0][0][1], own[-1][0][1]
            missing = sum(first < number < last for number in lost_each[vcid])
            assert told["missing"] == (missing if kind == "aos" or missing < 100 else told["missing"])
            assert told["frames"] == len(own)


def damaged(draw: st.DrawFn, frames: list[bytes]) -> list[bytes]:
    """Frames of which some are lost, sent twice, changed in a byte, of another length, or noise."""
    found = []
    for frame in frames:
        match draw(st.sampled_from(["whole"] * 12 + ["lost", "twice", "changed", "cut", "noise"])):
            case "whole":
                found.append(frame)
            case "twice":
                found += [frame, frame]
            case "changed":
                at = draw(st.one_of(st.integers(0, min(12, len(frame) - 1)), st.integers(0, len(frame) - 1)))
                found.append(frame[:at] + bytes([draw(st.integers(0, 255))]) + frame[at + 1 :])
            case "cut":
                found.append(frame[: draw(st.integers(0, len(frame)))])
            case "noise":
                found.append(draw(st.binary(max_size=len(frame))))
    return found


@st.composite
def hostile(draw: st.DrawFn) -> list[bytes]:
    """Frames of one or two kinds with all that can happen to them."""
    found = []
    for vcid in range(draw(st.integers(1, 2))):
        made = Multiplexer(draw(kinds), draw(st.sampled_from([20, 64, 300])), 5, vcid)
        pieces = draw(packets)
        if draw(st.booleans()):
            pieces = [each for piece in pieces for each in (piece, encapsulated(4 + len(piece) % 30), b"\xe0")]
        frames = made.frames(pieces)
        if draw(st.booleans()):
            frames.insert(len(frames) // 2, made.idle_frame())
        found += damaged(draw, frames)
    return found


@QUICK
@given(
    frames=hostile(),
    cuts=st.lists(st.integers(0, 300), max_size=9),
    options=st.fixed_dictionaries(
        {"kind": st.sampled_from(["tm", "aos", "auto"]), "keep_idle": st.booleans(), "ocf": st.booleans()},
        optional={"vcids": st.sampled_from([(), 0, (1, 5)]), "scid": st.just(5), "insert_zone": st.just(2)},
    ),
)
def test_how_frames_are_grouped_changes_nothing_whatever_they_hold(
    frames: list[bytes], cuts: list[int], options: dict[str, Any]
) -> None:
    whole = received(TransferFrames(**options), frames, [])
    assert received(TransferFrames(**options), frames, cuts) == whole
    assert received(TransferFrames(**options), frames, list(range(len(frames)))) == whole


@QUICK
@given(data=st.data())
def test_many_frames_at_once_are_read_as_one_after_the_other(data: st.DataObject) -> None:
    """With a byte changed in pointers, in packets' headers or anywhere, where all frames are there."""
    made = Multiplexer("aos", data.draw(st.sampled_from([16, 40, 90])))
    sent = data.draw(packets) * 4
    frames = [bytearray(frame) for frame in made.frames(sent[: data.draw(st.integers(1, len(sent)))])]
    if data.draw(st.booleans()):
        del frames[: data.draw(st.integers(0, 20))]
    heads = [begin + place for begin in accumulate(map(len, sent), initial=0) for place in (0, 4, 5)]
    for _ in range(data.draw(st.integers(0, 2)) if frames else 0):
        place = data.draw(st.sampled_from(heads))
        frame = data.draw(st.sampled_from(frames))
        value = data.draw(st.one_of(st.integers(0, 255), st.sampled_from([0, 1, 7, 224])))
        match data.draw(st.sampled_from(["pointer", "none", "header", "any"])):
            case "pointer":
                frame[7] = value
            case "none":
                frame[6:8] = b"\x07\xff"
            case "header":
                frames[min(place // made.zone, len(frames) - 1)][8 + place % made.zone] = value
            case "any":
                frame[data.draw(st.integers(8, len(frame) - 1))] = value
    stream = [bytes(frame) for frame in frames]
    whole = received(TransferFrames("aos"), stream, data.draw(st.lists(st.integers(0, 300), max_size=2)))
    assert whole == received(TransferFrames("aos"), stream, list(range(len(stream))))


@QUICK
@given(frames=st.lists(st.binary(max_size=80), max_size=60), fecf=st.booleans())
def test_any_bytes_are_taken(frames: list[bytes], fecf: bool) -> None:
    one, many = TransferFrames(fecf=fecf), TransferFrames(fecf=fecf)
    assert received(one, frames, []) == received(many, frames, list(range(len(frames))))


@pytest.mark.parametrize("first", [0x20, 0x60, 0xE0, 0xE2, 0xFF])
def test_a_packet_of_another_version_among_many_is_not_taken_for_one(first: int) -> None:
    made = Multiplexer("aos", 48)
    frames = [bytearray(each) for each in made.frames([build(1, number, bytes(54)) for number in range(40)])]
    frames[30][8] = first  # there begins packet 20
    found, counts = received(TransferFrames("aos"), [bytes(each) for each in frames], [])
    assert [int.from_bytes(packet[2:4], "big") & 0x3FFF for packet, _ in found] == [*range(20), *range(21, 40)]
    assert counts["virtual_channels"]["aos/0/0"]["encapsulated_packets"] in (0, 1)


def test_channels_of_noise_do_not_fill_the_memory() -> None:
    stage = TransferFrames("tm")
    for scid in range(1000):
        for frame in Multiplexer("tm", 40, scid, scid % 8).frames([build(1, 0, bytes(60))], fill=False):
            stage.receive(Frames.of([frame], 0))
    assert len(stage.channels) == CHANNELS
    assert stage.malformed_frames == 1000 - CHANNELS
    assert stage.zones.pending <= stage.bound


def test_frames_without_a_pointer_carry_a_long_packet_on() -> None:
    made, long = Multiplexer("aos", 100), build(9, 0, bytes(60_000))
    frames = made.frames([build(1, 0, b"before"), long, build(2, 0, b"after")])
    assert TransferFrames("aos").receive(Frames.of(frames, 0)).lengths.tolist() == [12, len(long), 11]
    del frames[300]
    stage = TransferFrames("aos")
    assert stage.receive(Frames.of(frames, 0)).lengths.tolist() == [12, 11]
    assert stage.counts()["virtual_channels"]["aos/0/0"]["cut_packets"] == 1


def test_encapsulation_packets_are_skipped_by_their_length() -> None:
    sent = [build(1, 0, b"one"), encapsulated(500), b"\xe0" * 9, bytes([7 << 5 | 1, 5, 0, 0, 0]), build(2, 0, b"two")]
    frames = Multiplexer("tm", 64).frames([*sent[:2], *(b"\xe0" for _ in range(9)), *sent[3:]])
    stage = TransferFrames("tm")
    assert list(stage.receive(Frames.of(frames, 0))) == [sent[0], sent[4]]
    told = stage.counts()["virtual_channels"]["tm/0/0"]
    assert (told["encapsulated_packets"], told["encapsulated_bytes"], told["discarded"]) == (11, 514, 0)


def test_a_packet_that_does_not_end_at_the_pointer_is_discarded() -> None:
    frames = Multiplexer("tm", 40, vcid=1).frames([build(1, number, bytes(20)) for number in range(9)])
    wrong = bytearray(frames[2])
    wrong[5] += 1
    stage = TransferFrames("tm")
    found, counts = received(stage, [*frames[:2], bytes(wrong), *frames[3:]], [])
    assert [int.from_bytes(packet[2:4], "big") & 0x3FFF for packet, _ in found] == [0, 1, 4, 5, 6, 7, 8], (
        "2 ends short of it, 3 begins before"
    )
    assert counts["virtual_channels"]["tm/0/1"]["cut_packets"] >= 1


def test_idle_frames_do_not_cut_a_packet_but_gaps_do() -> None:
    for kind in ("tm", "aos"):
        made = Multiplexer(kind, 40, vcid=2)
        first = made.frames([build(3, 0, bytes(50))], fill=False)
        idle = made.idle_frame()
        rest = made.frames([])
        stage = TransferFrames(kind)
        assert len(stage.receive(Frames.of([*first, idle, *rest], 0))) == 1
        assert stage.counts()["virtual_channels"][f"{kind}/0/2"]["idle_frames"] == 1
        assert len(TransferFrames(kind).receive(Frames.of([*first, *rest], 0))) == 0


def test_a_repeated_frame_is_counted_once_even_between_calls() -> None:
    frames = Multiplexer("tm", 60, vcid=2).frames([build(3, number, bytes(30)) for number in range(10)])
    stage = TransferFrames("tm")
    found, counts = received(stage, [frame for frame in frames for _ in range(3)], list(range(0, 40, 2)))
    assert len(found) == 10
    told = counts["virtual_channels"]["tm/0/2"]
    assert (told["duplicates"], told["gaps"]) == (2 * len(frames), 0)
    assert counts["master_channels"]["0"] == {"frames": 3 * len(frames), "gaps": 0, "missing": 0}


def test_idle_packets_are_counted_and_given_only_if_asked_for() -> None:
    frames = Multiplexer("aos", 500).frames([build(3, 0, bytes(30))])
    plain, keeping = TransferFrames("aos"), TransferFrames("aos", keep_idle=True)
    assert len(plain.receive(Frames.of(frames, 0))) == 1
    assert len(keeping.receive(Frames.of(frames, 0))) == 2
    assert plain.counts() == keeping.counts()
    assert plain.counts()["virtual_channels"]["aos/0/0"]["apids"] == {"3": 1, "2047": 1}


def test_a_secondary_header_is_gone_past_and_the_control_word_kept() -> None:
    head = TM_HEADER.build(
        {"version": 0, "scid": 9, "vcid": 3, "ocf": True, "mc_count": 7, "vc_count": 4, "secondary_header": True}
        | {"sync": False, "packet_order": False, "segment_length_id": 3, "first_header": 0}
    )
    clcw = bytes.fromhex("01082400")
    packet = build(5, 0, b"body")
    stage = TransferFrames("tm")
    assert list(stage.receive(Frames.of([head + bytes([3, 1, 2, 3]) + packet + clcw], 0))) == [packet]
    assert stage.counts()["virtual_channels"]["tm/9/3"]["ocf"] == clcw.hex()
    told = CLCW.parse(clcw)
    assert (told.cop, told.vcid, told.lockout, told.report) == (1, 2, True, 0)


def test_a_copy_goes_on_by_itself() -> None:
    frames = Multiplexer("aos", 40).frames([build(3, 0, bytes(100))])
    stage = TransferFrames("aos")
    stage.receive(Frames.of(frames[:2], 0))
    other = copy.deepcopy(stage)
    assert len(other.receive(Frames.of(frames[2:], 0))) == 1
    assert stage.counts()["virtual_channels"]["aos/0/0"]["packets"] == 0
    assert len(stage.receive(Frames.of(frames[2:], 0))) == 1


def test_headers_have_the_sizes_of_the_standards() -> None:
    assert [each.sizeof() for each in (TM_HEADER, AOS_HEADER, M_PDU_HEADER, CLCW)] == [6, 6, 2, 4]


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "tc"},
        {"frame_length": 8},
        {"insert_zone": -1},
        {"fecf": "yes"},
        {"vcids": "3"},
        {"vcids": ["1"]},
        {"scid": 1.5},
    ],
)
def test_wrong_options_are_refused_and_named(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=next(iter(options))):
        TransferFrames(**options)


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(DeclarationError, match="no space packet"):
        Multiplexer("tm", 40).frames([b"\x00\x01\xc0\x00\x00\x09short"])
    for options in ({"frame_length": 12}, {"frame_length": 40, "vcid": 8}, {"frame_length": 4000}):
        with pytest.raises(DeclarationError, match="transfer frames of"):
            Multiplexer("tm", **options)
