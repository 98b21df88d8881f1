"""Packet types told apart by patterns: the two ways to find them agree with each other and with comparing by hand."""

import numpy as np
import pytest
from construct import BitsInteger, BitStruct, Int8ub, Int16ub, Struct
from hypothesis import given
from hypothesis import strategies as st

from protocols.curve import Linear
from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.frames import Frames
from protocols.leaf import Kind, Place
from protocols.packet import Header, Packet, Pattern, Test, Vehicle
from protocols.patterns import OPERATORS, PatternReader

HEADER = Header(Struct("kind" / Int8ub, "length" / Int8ub), key=(), length="length", several=True)
KIND, SUBTYPE = Place(Kind.INTEGER, 0, 8), Place(Kind.INTEGER, 20, 4)


def packet(name: str, *tests: Test) -> Packet:
    return Packet(name, BitStruct("mode" / BitsInteger(4), "subtype" / BitsInteger(4)), Pattern(tests))


VEHICLE = Vehicle(
    "v",
    "V",
    (
        packet("third", Test("kind", KIND, "==", 3), Test("subtype", SUBTYPE, ">", 9)),
        packet("second", Test("kind", KIND, "==", 3), Test("subtype", SUBTYPE, "!=", 0)),
        packet("first", Test("kind", KIND, "==", 3)),
        packet("high", Test("kind", KIND, ">=", 200)),
    ),
    HEADER,
)


def by_hand(kind: int, subtype: int) -> str:
    if kind == 3:
        return "third" if subtype > 9 else "second" if subtype else "first"
    return "high" if kind >= 200 else ""


@given(st.lists(st.tuples(st.sampled_from([0, 3, 199, 200]), st.integers(0, 255)), min_size=1, max_size=40))
def test_the_first_pattern_that_fits_names_the_packet(sent: list[tuple[int, int]]) -> None:
    decoder = VehicleDecoder(VEHICLE, "")
    batches = decoder.decode(Frames.of([bytes((kind, 1, body)) for kind, body in sent], 0))
    wanted = [by_hand(kind, body & 15) for kind, body in sent]
    assert {name: count for name, count in decoder.packets.items() if count} == {
        name: wanted.count(name) for name in set(wanted) - {""}
    }
    assert decoder.unknown_packets == wanted.count("")
    for batch in batches:
        assert batch["subtype"].tolist() == [
            body & 15 for (_, body), name in zip(sent, wanted, strict=True) if name == batch.packet
        ]


@given(
    st.integers(0, 30), st.integers(1, 24), st.booleans(), st.sampled_from(sorted(OPERATORS)), st.integers(-200, 200),
    st.binary(min_size=35, max_size=70),
)  # fmt: skip
def test_columns_and_single_packets_agree_for_any_test(
    bit: int, bits: int, signed: bool, operator: str, value: int, data: bytes
) -> None:
    curve = Linear(2.0, -1.0) if value % 2 else None
    test = Test("x", Place(Kind.INTEGER, bit, bits, signed=signed), operator, value, curve)
    reader = PatternReader("v", [packet("p", test)])
    rows = np.frombuffer(data[: len(data) // 7 * 7], np.uint8).reshape(-1, 7)
    whole = [int.from_bytes(row.tobytes()) >> (56 - bit - bits) & (1 << bits) - 1 for row in rows]
    counts = [each - (signed and each >> bits - 1) * (1 << bits) for each in whole]
    wanted = [0 if OPERATORS[operator](2 * each - 1 if curve else each, value) else -1 for each in counts]
    assert reader.keys(rows).tolist() == wanted
    assert [reader.key(data, 7 * row) for row in range(len(rows))] == wanted


@given(st.lists(st.integers(1, 4), min_size=9, max_size=30), st.booleans())
def test_frames_of_one_packet_are_the_same_by_columns_and_walked(counts: list[int], crowded: bool) -> None:
    body = Struct("n" / Int16ub)
    header = Header(Struct("kind" / Int8ub, "length" / Int8ub), key="kind", length="length", several=True)
    vehicle = Vehicle("v", "V", tuple(Packet(f"p{kind}", body, kind) for kind in (1, 2, 3)), header)
    frames = [bytes((kind, 2, 0, number)) for number, kind in enumerate(counts)]
    if crowded:
        frames[0] += frames[1]
    whole, single = VehicleDecoder(vehicle, ""), VehicleDecoder(vehicle, "")
    found = {batch.packet: batch["n"].tolist() for batch in whole.decode(Frames.of(frames, 0))}
    one_by_one: dict[str, list[int]] = {}
    for frame in frames:
        for batch in single.decode(Frames.of([frame], 0)):
            one_by_one.setdefault(batch.packet, []).extend(batch["n"].tolist())
    assert found == one_by_one
    assert (whole.packets, whole.unknown_packets) == (single.packets, single.unknown_packets)


def test_what_cannot_tell_types_apart_is_refused() -> None:
    wide = Test("x", Place(Kind.INTEGER, 0, 57), "==", 1)
    with pytest.raises(DeclarationError, match="at most 56 bits"):
        PatternReader("v", [packet("p", wide)])
    with pytest.raises(DeclarationError, match="no comparison"):
        PatternReader("v", [packet("p", Test("x", KIND, "=", 1))])
    with pytest.raises(DeclarationError, match="packet q has no pattern"):
        PatternReader("v", [packet("p"), Packet("q", Struct("a" / Int8ub), 1)])
