"""Packets built by columns against construct's own build, on declarations and bytes made up by hypothesis."""

from typing import Any

import construct as cs
import numpy as np
import pytest
from construct import Array, BitsInteger, BitStruct, Bytes, BytesInteger, Const, Enum, Flag, Padding, Struct
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.simulator.encoder import PacketEncoder
from protocols.curve import Linear, Polynomial, Table
from protocols.errors import DeclarationError
from protocols.layout import Layout
from protocols.measurement import Measurement

WHOLE = [getattr(cs, f"Int{width}{sign}{order}") for width in (8, 16, 32, 64) for sign in "us" for order in "bl"]
ODD = [BytesInteger(n, signed=s, swapped=w) for n in (3, 5, 6, 7) for s in (True, False) for w in (True, False)]
SIXTEEN = [cs.Int16ub, cs.Int16ul]
CURVES = [Linear(0.25, -100.0), Polynomial((1.0, 0.5, 1e-6)), Table((0, 100, 60000), (5.0, -3.0, -12.0))]


def named(members: list[Any]) -> list[Any]:
    return [f"f{i}" / member for i, member in enumerate(members)]


bits = st.one_of(
    st.builds(lambda n, s: BitsInteger(n, signed=s), st.integers(1, 40), st.booleans()),
    st.just(Flag),
    st.builds(lambda n: Enum(BitsInteger(n), A=0, B=1), st.integers(1, 8)),
    st.builds(lambda n, k: Array(k, BitsInteger(n)), st.integers(1, 13), st.integers(1, 4)),
)


@st.composite
def bit_structs(draw: st.DrawFn) -> Any:
    members = draw(st.lists(bits, min_size=1, max_size=6))
    spare = -sum(member.sizeof() for member in members) % 8
    return BitStruct(*named(members), Padding(spare))


whole = st.one_of(
    st.sampled_from([*WHOLE, *ODD]),
    st.builds(lambda node, count: Array(count, node), st.sampled_from([*WHOLE, *ODD]), st.integers(1, 5)),
    st.builds(lambda node, curve: Measurement(node, "V", curve), st.sampled_from(SIXTEEN), st.sampled_from(CURVES)),
    st.builds(lambda node: Const(7, node), st.sampled_from([cs.Int8ub, cs.Int16sl])),
)
declarations = st.lists(st.one_of(whole, bit_structs()), min_size=1, max_size=6).map(lambda each: Struct(*named(each)))


@settings(max_examples=150, deadline=None)
@given(declarations, st.randoms(use_true_random=False))
def test_columns_give_the_bytes_that_construct_builds(declaration: Any, random: Any) -> None:
    layout = Layout(declaration)
    rows = np.frombuffer(random.randbytes(20 * layout.size), np.uint8).reshape(20, layout.size).copy()
    for leaf, _ in layout.constants:
        width = leaf.place.bits // 8
        at = leaf.place.bit // 8
        rows[:, at : at + width] = np.frombuffer(
            (7).to_bytes(width, "little" if leaf.place.little else "big"), np.uint8
        )
    columns = {path: layout.columns(rows)[path] for path in layout.leaves}
    built = PacketEncoder(declaration).rows(columns, len(rows))
    for row, packet in zip(rows, built, strict=True):
        assert packet.tobytes() == declaration.build(declaration.parse(row.tobytes()))


def test_values_out_of_range_stay_at_its_ends() -> None:
    declaration = Struct(
        "a" / Measurement(cs.Int16ub, "V", Linear(0.1)), "b" / cs.Int8sb, "c" / BitStruct("d" / BitsInteger(8))
    )
    columns = {"a": np.array([-1.0, 1e9]), "b": np.array([-1000, 1000]), "c.d": np.array([-5.0, 300.0])}
    rows = PacketEncoder(declaration).rows(columns, 2)
    assert rows.tobytes() == bytes.fromhex("0000 80 00 ffff 7f ff")


def test_one_value_serves_all_packets() -> None:
    assert PacketEncoder(Struct("a" / cs.Int16ub)).rows({"a": 258}, 3).tobytes() == b"\1\2" * 3


def test_a_missing_column_is_named() -> None:
    with pytest.raises(KeyError, match="speed"):
        PacketEncoder(Struct("speed" / cs.Int16ub)).rows({}, 1)


def test_bytes_are_refused_with_the_way_out() -> None:
    with pytest.raises(DeclarationError, match="build it with construct"):
        PacketEncoder(Struct("blob" / Bytes(3)))
