"""Digests of packets: the same for equal values however they came in batches, another for anything that is another."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Bytes,
    Enum,
    Flag,
    Float32l,
    Float64b,
    GreedyBytes,
    If,
    Int8ub,
    Int16sl,
    Int64ub,
    PaddedString,
    PascalString,
    PrefixedArray,
    Struct,
    this,
)
from hypothesis import given
from hypothesis import strategies as st

from protocols.batch import Batch
from protocols.curve import Linear
from protocols.decoder import VehicleDecoder
from protocols.frames import Frames
from protocols.measurement import Measurement
from protocols.packet import Packet, Vehicle
from protocols.packet_digest import BLOCK_ROWS, PacketDigest

FIXED = Struct(
    "count" / Int16sl,
    "bits" / BitStruct("phase" / BitsInteger(5), "armed" / Flag, "gear" / BitsInteger(2)),
    "mode" / Enum(Int8ub, SAFE=0, HOT=1),
    "volts" / Measurement(Int16sl, "V", Linear(0.01, -3.0)),
    "ratio" / Float32l,
    "wide" / Float64b,
    "trim" / Array(3, Int8ub),
    "name" / PaddedString(6, "utf8"),
    "tail" / Bytes(2),
)
LOOSE = Struct(
    "kind" / Int8ub,
    "extra" / If(this.kind & 1, Int64ub),
    "real" / If(this.kind & 2, Float32l),
    "list" / PrefixedArray(Int8ub, Int16sl),
    "text" / PascalString(Int8ub, "utf8"),
    "rest" / GreedyBytes,
)


def vehicle(body: Any) -> Vehicle:
    return Vehicle("test", "Test", (Packet("state", body),))


def decoded(body: Any, frames: Sequence[bytes], cuts: Sequence[int] = ()) -> list[Batch]:
    """The packets in frames, handed over in pieces that end at cuts; each dated by its number."""
    decoder, found = VehicleDecoder(vehicle(body), "link"), []
    for begin, end in zip([0, *cuts], [*cuts, len(frames)], strict=True):
        if end > begin:
            pieces = Frames.of(frames[begin:end], 0)
            times = np.arange(begin, end, dtype=np.int64) * 1000
            found += decoder.decode(replace(pieces, received_ns=times))
    return found


def digest(batches: Sequence[Batch]) -> str:
    made = PacketDigest("state")
    for batch in batches:
        made.add(batch)
    return made.hexdigest()


def fixed_frames(seed: int, count: int) -> list[bytes]:
    rows = np.random.default_rng(seed).integers(0, 256, (count, FIXED.sizeof()), dtype=np.uint8)
    return [row.tobytes() for row in rows]


loose_frame = st.builds(
    lambda kind, extra, real, numbers, text, rest: b"".join(
        (
            bytes((kind,)),
            extra if kind & 1 else b"",
            real if kind & 2 else b"",
            bytes((len(numbers),)) + struct.pack(f"<{len(numbers)}h", *numbers),
            bytes((len(text.encode()),)) + text.encode(),
            rest,
        )
    ),
    st.integers(0, 3),
    st.binary(min_size=8, max_size=8),
    st.binary(min_size=4, max_size=4),
    st.lists(st.integers(-32768, 32767), max_size=3),
    st.text(max_size=4),
    st.binary(max_size=3),
)


@given(st.integers(0, 1000), st.lists(st.integers(0, 60), max_size=6).map(sorted))
def test_how_packets_of_fixed_layout_come_in_batches_changes_nothing(seed: int, cuts: list[int]) -> None:
    frames = fixed_frames(seed, 60)
    assert digest(decoded(FIXED, frames, cuts)) == digest(decoded(FIXED, frames))


@given(st.lists(loose_frame, min_size=1, max_size=12), st.data())
def test_how_packets_whose_layout_depends_on_the_data_come_in_batches_changes_nothing(
    frames: list[bytes], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(frames)), max_size=5)))
    assert digest(decoded(LOOSE, frames, cuts)) == digest(decoded(LOOSE, frames))


def test_whole_blocks_and_what_is_left_over_are_the_same_however_they_came() -> None:
    frames = fixed_frames(7, BLOCK_ROWS * 2 + 137)
    whole = digest(decoded(FIXED, frames))
    for cuts in ([1], [BLOCK_ROWS - 1, BLOCK_ROWS + 1], range(900, len(frames), 900)):
        assert digest(decoded(FIXED, frames, list(cuts))) == whole


def test_asking_in_between_changes_nothing_and_tells_of_the_packets_so_far() -> None:
    frames = fixed_frames(3, 50)
    made, seen = PacketDigest("state"), []
    for batch in decoded(FIXED, frames, [10, 20, 30, 40]):
        made.add(batch)
        seen.append(made.hexdigest())
    assert seen == [digest(decoded(FIXED, frames[:end])) for end in (10, 20, 30, 40, 50)]
    assert len(set(seen)) == 5


@pytest.mark.parametrize("body", [FIXED, LOOSE], ids=["columns", "construct"])
def test_a_copy_goes_on_by_itself(body: Any) -> None:
    frames = fixed_frames(1, 30) if body is FIXED else [bytes((0, 0, 1, 65 + n % 26)) for n in range(30)]
    one, two, three = decoded(body, frames, [10, 20])
    made = PacketDigest("state")
    made.add(one)
    other = made.fork()
    made.add(two)
    other.add(three)
    assert (made.hexdigest(), other.hexdigest()) == (digest([one, two]), digest([one, three]))
    assert (made.count, other.count) == (20, 20)


@pytest.mark.parametrize("body", [FIXED, LOOSE], ids=["columns", "construct"])
def test_every_bit_that_makes_a_value_counts(body: Any) -> None:
    frame = bytearray(b"\x03" + bytes(range(40, 40 + FIXED.sizeof() - 1)))
    if body is LOOSE:
        frame = bytearray(
            b"\x03" + struct.pack(">Q", 77) + struct.pack("<f", 1.5) + b"\x02\x01\x00\x02\x00" + b"\x02ab!"
        )
    seen = {digest(decoded(body, [bytes(frame)]))}
    places = range(8 * len(frame)) if body is FIXED else range(8 * 9, 8 * 13)
    for bit in places:
        changed = bytearray(frame)
        changed[bit // 8] ^= 1 << bit % 8
        seen.add(digest(decoded(body, [bytes(changed)])))
    assert len(seen) == len(places) + 1


def test_no_numbers_are_alike_whatever_their_bits() -> None:
    frames = [struct.pack("<I", bits) for bits in (0x7FC00000, 0x7FC00001, 0xFFC12345, 0x7F800001)]
    assert len({digest(decoded(Struct("real" / Float32l), [frame])) for frame in frames}) == 1


def test_arrival_validity_and_the_vehicles_time_count() -> None:
    (batch,) = decoded(FIXED, fixed_frames(1, 3))
    others = [
        replace(batch, received_ns=batch.received_ns + 1),
        replace(batch, valid=~batch.valid),
        replace(batch, time=np.zeros(3)),
        replace(batch, time=np.ones(3)),
    ]
    assert len({digest([each]) for each in (batch, *others)}) == 5


def test_a_declaration_that_names_or_scales_a_value_otherwise_shows() -> None:
    bodies = (
        Struct("volts" / Int16sl),
        Struct("amperes" / Int16sl),
        Struct("volts" / Measurement(Int16sl, "V", Linear(2.0))),
        Struct("volts" / Measurement(Int16sl, "V", Linear(3.0))),
    )
    assert len({digest(decoded(body, [b"\x07\x00"])) for body in bodies}) == len(bodies)


def test_a_curve_that_fails_ends_nothing() -> None:
    class Broken:
        def __call__(self, raw: Any) -> Any:
            raise ZeroDivisionError

        def inverse(self, value: Any) -> Any:
            return value

    body = Struct("volts" / Measurement(Int16sl, "V", Broken()), "amperes" / Int16sl)
    first, second = (digest(decoded(body, [frame])) for frame in (b"\x07\x00\x01\x00", b"\x07\x00\x02\x00"))
    assert first != second
