"""Frames to batches, against bytes packed by hand with struct."""

import struct
from typing import Any

import numpy as np
import pytest
from construct import (
    Array,
    Bytes,
    Check,
    Const,
    Enum,
    Flag,
    Float32b,
    GreedyBytes,
    If,
    Int8sb,
    Int8ub,
    Int16sb,
    Int16sl,
    Int16ub,
    Int16ul,
    Int32ub,
    PascalString,
    Prefixed,
    PrefixedArray,
    Struct,
    Switch,
    this,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.batch import Batch
from protocols.curve import Linear
from protocols.decoder import VehicleDecoder
from protocols.frames import Frames
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

MANY = 20
"""More frames than are walked one by one."""

VOLTS = Packet("volts", Struct("bus" / Measurement(Int16ul, "V", Linear(1e-3)), "armed" / Flag), key=1)
ANGLE = Packet("angle", Struct("pitch" / Measurement(Int16sl, "deg", Linear(0.01))), key=2)
KIND = Header(Struct("kind" / Int8ub), key="kind", several=True)
SIZED = Header(Struct("kind" / Int8ub, "count" / Int8ub, "size" / Int16ub), key="kind", sequence="count", length="size")


def frames(*pieces: bytes) -> Frames:
    """Frames that arrive at 100, 101, ... ns."""
    return Frames.join([Frames.of([piece], 100 + i) for i, piece in enumerate(pieces)])


def decoder(*packets: Packet, header: Header | None = None, frame: Any = None) -> VehicleDecoder:
    return VehicleDecoder(Vehicle("v", "V", packets, header, frame), "radio")


def counts(made: VehicleDecoder) -> tuple[dict[str, int], int, int]:
    return made.packets, made.unknown_packets, made.malformed


def sized(kind: int, count: int, body: bytes, size: int | None = None) -> bytes:
    return struct.pack(">BBH", kind, count, len(body) if size is None else size) + body


def test_a_frame_is_one_packets_body_where_there_is_no_header() -> None:
    made = decoder(Packet("state", Struct("x" / Int16ub, "y" / Int8sb)))
    (batch,) = made.decode(frames(struct.pack(">Hb", 500, -3), b"", b"\1\2", struct.pack(">Hb", 7, 4) + b"behind"))
    assert (batch.packet, batch.link, len(batch)) == ("state", "radio", 2)
    assert (batch["x"].tolist(), batch["y"].tolist()) == ([500, 7], [-3, 4])
    assert batch.received_ns.tolist() == [100, 103]
    assert (batch.time, batch.sequence_gaps, batch.valid.tolist()) == (None, 0, [True, True])
    assert counts(made) == ({"state": 2}, 0, 2)


def test_no_frames_give_no_batches() -> None:
    made = decoder(VOLTS, ANGLE, header=KIND)
    assert made.decode(Frames.none()) == []
    assert counts(made) == ({"volts": 0, "angle": 0}, 0, 0)


def test_several_packets_in_a_frame() -> None:
    made = decoder(VOLTS, ANGLE, header=KIND)
    first = struct.pack("<BhBH?Bh", 2, -150, 1, 28_000, 1, 2, 250)
    second = struct.pack("<BH?", 1, 27_500, 0)
    volts, angle = made.decode(frames(first, second))
    assert (volts.packet, angle.packet) == ("volts", "angle")
    assert volts["bus"].tolist() == [28.0, 27.5]
    assert volts["armed"].tolist() == [True, False]
    assert volts.received_ns.tolist() == [100, 101]
    assert angle["pitch"].tolist() == [-1.5, 2.5]
    assert angle["header.kind"].tolist() == [2, 2]
    assert angle.received_ns.tolist() == [100, 100]
    assert counts(made) == ({"volts": 2, "angle": 2}, 0, 0)


def test_what_stands_behind_a_packet_that_cannot_be_passed_over_is_lost_and_counted_once() -> None:
    made = decoder(VOLTS, ANGLE, header=KIND)
    good = struct.pack("<Bh", 2, 100)
    (angle,) = made.decode(frames(good + b"\x09" + good, good + good[:2], b"", good))
    assert angle["pitch"].tolist() == [1.0, 1.0, 1.0]
    assert counts(made) == ({"volts": 0, "angle": 3}, 1, 2)


def test_the_frames_header_is_lent_to_every_packet_in_it() -> None:
    block = Packet("block", Struct("offset" / Measurement(Int16sl, "s", Linear(1e-3))), 5, time=("frame.at", "offset"))
    call = Struct("call" / Bytes(2), "at" / Measurement(Int16ul, "s", Linear(30.0)))
    made = decoder(block, header=KIND, frame=call)
    one = b"AB" + struct.pack("<HBhBh", 2, 5, 250, 5, -250)
    two = b"CD" + struct.pack("<HBh", 3, 5, 0)
    (batch,) = made.decode(frames(one, two, b"EF", b"E", b"GH\0\0"))
    assert [bytes(call) for call in batch["frame.call"]] == [b"AB", b"AB", b"CD"]
    assert batch["frame.at"].tolist() == [60.0, 60.0, 90.0]
    assert batch.time is not None
    assert batch.time.tolist() == [60.25, 59.75, 90.0]
    assert counts(made) == ({"block": 3}, 0, 3)


@pytest.mark.parametrize("many", [1, MANY])
@pytest.mark.parametrize(
    ("bias", "body", "size"),
    [(0, 2, 2), (1, 2, 1), (-4, 2, 6), (0, 2, 1), (0, 2, 3), (0, 2, 0), (-4, 2, 3), (-4, 2, 4), (0, 5, 5), (0, 5, 2)],
)
def test_a_length_says_where_the_body_ends(bias: int, body: int, size: int, many: int) -> None:
    """A body of two bytes is declared; bias is added to what the length field says."""
    header = Header(SIZED.layout, key="kind", length="size", length_bias=bias)
    made = decoder(Packet("state", Struct("x" / Int16ub), key=7), header=header)
    made.decode(frames(*[sized(7, 0, struct.pack(">H", 99) + bytes(body - 2), size)] * many))
    good = 2 <= size + bias <= body
    assert counts(made) == ({"state": many * good}, 0, many * (not good))


@pytest.mark.parametrize("many", [1, MANY])
def test_a_length_below_nothing_is_malformed_also_of_an_unknown_packet(many: int) -> None:
    header = Header(SIZED.layout, key="kind", length="size", length_bias=-4)
    made = decoder(Packet("state", Struct("x" / Int16ub), key=7), header=header)
    assert made.decode(frames(*[sized(8, 0, b"\0\5", 3), sized(8, 0, b"\0\5", 6)] * many)) == []
    assert counts(made) == ({"state": 0}, many, many)


@pytest.mark.parametrize("several", [False, True])
def test_unknown_packets_are_passed_over_by_their_length(several: bool) -> None:
    header = Header(SIZED.layout, key="kind", length="size", several=several)
    made = decoder(Packet("state", Struct("x" / Int16ub), key=7), header=header)
    known, other, liar = sized(7, 0, b"\0\5"), sized(8, 0, b"anything"), sized(8, 0, b"short", 99)
    batches = made.decode(frames(other + known, known + other, liar + known))
    assert [batch["x"].tolist() for batch in batches] == [[5, 5] if several else [5]]
    assert counts(made) == ({"state": 2}, 2, 1) if several else ({"state": 1}, 1, 1)


@pytest.mark.parametrize("many", [1, MANY])
@pytest.mark.parametrize(("kind", "code"), [(Int8sb, -5), (Int16sb, -300), (Bytes(4), b"ADIS"), (Int32ub, 2**32 - 1)])
def test_keys_of_any_kind(kind: Any, code: Any, many: int) -> None:
    head = code if isinstance(code, bytes) else code.to_bytes(kind.sizeof(), "big", signed=code < 0)
    header = Header(Struct("kind" / kind), key="kind")
    made = decoder(Packet("state", Struct("x" / Int8ub), key=code), header=header)
    (batch,) = made.decode(frames(*[head + b"\x07"] * many, bytes(len(head)) + b"\x07"))
    assert batch["x"].tolist() == [7] * many
    assert counts(made) == ({"state": many}, 1, 0)


@pytest.mark.parametrize("many", [1, MANY])
def test_too_short_for_header_or_body_is_malformed(many: int) -> None:
    made = decoder(Packet("state", Struct("x" / Int16ub), key=7), header=Header(Struct("kind" / Int8ub), key="kind"))
    batches = made.decode(frames(*[b"", b"\7", b"\7\0", b"\7\0\1", b"\7\0\2\xff"] * many))
    assert [batch["x"].tolist() for batch in batches] == [[1, 2] * many]
    assert counts(made) == ({"state": 2 * many}, 0, 3 * many)


@pytest.mark.parametrize("many", [1, MANY])
def test_a_wrong_constant_is_masked(many: int) -> None:
    made = decoder(Packet("state", Struct(Const(b"\xa5\x5a"), "x" / Int8ub, "version" / Const(3, Int8ub))))
    (batch,) = made.decode(frames(*[b"\xa5\x5a\x01\x03", b"\xa5\x5b\x02\x03", b"\xa5\x5a\x03\x04"] * many))
    assert batch.valid.tolist() == [True, False, False] * many
    assert batch["x"].tolist() == [1, 2, 3] * many


@pytest.mark.parametrize("size", [1, 3, MANY, 1000])
def test_gaps_are_counted_by_packet_type_whatever_the_groups(size: int) -> None:
    """Lost: kind 1 count 3 and 254 to 0; kind 2 count 11. Twice or late: nothing."""
    sent = [(1, c) for c in (1, 2, 4, 5, 5)] + [(2, 10), (2, 12), (2, 9), (2, 13)]
    sent += [(1, c) for c in (*range(6, 254), 1, 2)]
    whole = [sized(kind, count, b"\0\0\0") for kind, count in sent]
    made = decoder(VOLTS, ANGLE, header=SIZED)
    gaps = {"volts": 0, "angle": 0}
    for begin in range(0, len(whole), size):
        for batch in made.decode(frames(*whole[begin : begin + size])):
            gaps[batch.packet] += batch.sequence_gaps
    assert gaps == {"volts": 1 + 3, "angle": 1}
    assert made.sequence_gaps == 5


def test_a_counter_of_the_body_shows_gaps_too() -> None:
    made = decoder(Packet("state", Struct("n" / Int16ub), sequence="n"))
    (batch,) = made.decode(frames(*[struct.pack(">H", n) for n in (65_534, 65_535, 0, 3)]))
    assert batch.sequence_gaps == made.sequence_gaps == 2


def test_a_fork_goes_on_by_itself() -> None:
    made = decoder(VOLTS, ANGLE, header=SIZED)
    made.decode(frames(sized(1, 1, b"\0\0\0")))
    other = made.fork()
    other.decode(frames(sized(1, 5, b"\0\0\0"), sized(9, 0, b""), b""))
    assert (counts(other), other.sequence_gaps) == (({"volts": 2, "angle": 0}, 1, 1), 3)
    assert (counts(made), made.sequence_gaps) == (({"volts": 1, "angle": 0}, 0, 0), 0)
    made.decode(frames(sized(1, 2, b"\0\0\0")))
    assert made.sequence_gaps == 0


# --- packets whose layout depends on the data -------------------------------------------------------------------------

FIXED = Struct(
    "t" / Measurement(Int32ub, "s", Linear(1e-3)) * "time",
    "mode" / Enum(Int8ub, IDLE=0, BURN=4) * "mode",
    "n" / Int8ub,
    "volts" / Measurement(Int16ub, "V", Linear(0.5), red=(0, 100)) * "at the battery",
    "rates" / Measurement(Array(2, Int16sb), "deg/s", Linear(0.1)),
    "armed" / Flag,
    "raw" / Bytes(3),
    "ratio" / Float32b,
)
LOOSE = Struct(*FIXED.subcons, Check(this.n < 256), "rest" / Prefixed(Int8ub, GreedyBytes))
"""The same values, and one more that has no fixed place."""


def of(body: Any, name: str, key: int) -> Packet:
    return Packet(name, body, key, time=("t",))


@settings(max_examples=40, deadline=None)
@given(bodies=st.lists(st.binary(min_size=20, max_size=20), min_size=1, max_size=12), rest=st.binary(max_size=5))
def test_through_construct_come_the_same_values_as_by_columns(bodies: list[bytes], rest: bytes) -> None:
    made = decoder(of(FIXED, "fixed", 1), of(LOOSE, "loose", 2), header=SIZED)
    assert made.decoders["fixed"].layout is not None
    assert made.decoders["loose"].layout is None
    assert "rest" in made.decoders["loose"].reason
    tail = bytes((len(rest),)) + rest
    sent = [piece for i, body in enumerate(bodies) for piece in (sized(1, i, body), sized(2, i, body + tail))]
    fixed, loose = made.decode(frames(*sent))
    assert counts(made) == ({"fixed": len(bodies), "loose": len(bodies)}, 0, 0)
    assert set(loose.columns) == {*fixed.columns, "rest"}
    for path, column in fixed.columns.items():
        if path not in ("header.kind", "header.size"):
            assert same(column, loose[path]), path
    assert [bytes(each) for each in loose["rest"]] == [rest] * len(bodies)
    assert fixed.time is not None
    assert loose.time is not None
    assert fixed.time.tolist() == loose.time.tolist()
    assert loose.received_ns.tolist() == [each + 1 for each in fixed.received_ns]
    assert loose.valid.all()


def same(column: Any, other: Any) -> bool:
    if column.dtype.kind == "V":
        return [bytes(each) for each in column] == list(other)
    return np.array_equal(column, other, equal_nan=column.dtype.kind == "f")


def test_what_is_known_of_their_fields_is_what_is_declared() -> None:
    made = decoder(of(FIXED, "fixed", 1), of(LOOSE, "loose", 2), header=SIZED)
    fixed, loose = made.decoders["fixed"].fields, made.decoders["loose"].fields
    assert set(loose) == {*fixed, "rest"}
    for path, field in fixed.items():
        other = loose[path]
        assert (other.unit, other.doc, other.labels, other.red) == (field.unit, field.doc, field.labels, field.red)
        assert other.raw_type == field.raw_type
        assert other.bit == -1
    assert loose["rest"].raw_type == ""


CASES = Struct(
    "kind" / Int8ub,
    "volts" / If(this.kind == 1, Measurement(Int16ub, "V", Linear(0.5)) * "only of kind 1"),
    "part" / Switch(this.kind, {1: Int8ub, 2: Struct("a" / Measurement(Int8ub, "A"))}),
    "points" / PrefixedArray(Int8ub, Struct("x" / Measurement(Int8ub, "m"))),
    "name" / PascalString(Int8ub, "utf8"),
)


def test_every_declared_value_has_a_column_also_where_no_packet_has_it() -> None:
    made = decoder(Packet("state", CASES))
    fields = made.decoders["state"].fields
    assert set(fields) == {"kind", "volts", "part", "part.a", "points.x", "name"}
    assert (fields["volts"].unit, fields["volts"].doc, fields["part.a"].unit) == ("V", "only of kind 1", "A")
    one, two = b"\1\0\x0a\x09\x02\x05\x06\x02hi", b"\2\x07\x00\x00"
    (batch,) = made.decode(frames(one, two, b"\1\0", b"\3\0\x01\xff", two))
    assert counts(made) == ({"state": 3}, 0, 2)
    assert batch["kind"].tolist() == [1, 2, 2]
    assert batch["volts"][0] == 5.0
    assert np.isnan(batch["volts"][1:]).all()
    assert batch["part.a"].tolist()[1:] == [7.0, 7.0]
    assert batch["name"].tolist() == ["hi", "", ""]
    assert batch["points.x"].tolist()[0] == [5, 6]
    (other,) = made.decode(frames(two))
    assert set(other.columns) == set(batch.columns) == set(fields)
    assert np.isnan(other["volts"]).all()


def test_their_counters_and_optional_times_are_read_as_far_as_they_are_there() -> None:
    body = Struct("kind" / Int8ub, "t" / If(this.kind == 1, Measurement(Int8ub, "s")))
    made = decoder(Packet("state", body, key=1, time=("t",)), header=SIZED)
    (batch,) = made.decode(frames(sized(1, 0, b"\1\5"), sized(1, 3, b"\0"), sized(1, 4, b"\1\6")))
    assert (batch.sequence_gaps, made.sequence_gaps) == (2, 2)
    assert batch.time is not None
    assert np.array_equal(batch.time, [5.0, np.nan, 6.0], equal_nan=True)
    (none,) = made.decode(frames(sized(1, 5, b"\0")))
    assert none.time is not None
    assert np.isnan(none.time).all()


def test_several_of_them_in_a_frame_end_where_construct_says() -> None:
    text = Packet("text", Struct("text" / PascalString(Int8ub, "ascii")), key=3)
    made = decoder(text, ANGLE, header=KIND, frame=Struct("id" / Int8ub))
    sent = b"\x77" + b"\3\5hello" + struct.pack("<Bh", 2, 100) + b"\3\0" + b"\3\2ab"
    texts, angle = made.decode(frames(sent, b"\x78\3\1\xff", b"\x79\3\x09short"))
    assert texts["text"].tolist() == ["hello", "", "ab"]
    assert texts["frame.id"].tolist() == [0x77] * 3
    assert angle["pitch"].tolist() == [1.0]
    assert counts(made) == ({"text": 3, "angle": 1}, 0, 2)


@given(sent=st.lists(st.binary(max_size=40), max_size=12))
def test_any_bytes_are_decoded_or_counted(sent: list[bytes]) -> None:
    made = decoder(Packet("cases", CASES, key=1), of(LOOSE, "loose", 2), ANGLE_AT_3, header=KIND)
    batches: list[Batch] = made.decode(frames(*sent)) if sent else []
    assert sum(len(batch) for batch in batches) == sum(made.packets.values())
    assert sum(made.packets.values()) + made.unknown_packets + made.malformed >= len(sent)


ANGLE_AT_3 = Packet("angle", ANGLE.body, key=3)
