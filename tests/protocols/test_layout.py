"""The columnar decoder against construct's own parse, on declarations and bytes made up by hypothesis."""

import math
from typing import Any

import construct as cs
import numpy as np
import pytest
from construct import (
    Aligned,
    Array,
    BitsInteger,
    BitStruct,
    Bytes,
    BytesInteger,
    ByteSwapped,
    Const,
    Enum,
    Flag,
    FlagsEnum,
    Hex,
    Int8ub,
    Int16ub,
    Int24ub,
    Int32ul,
    Padded,
    PaddedString,
    Padding,
    Struct,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.curve import Linear, Polynomial, Table
from protocols.layout import LANES_FROM, Layout
from protocols.leaf import NoFixedPlace
from protocols.measurement import Measurement
from protocols.objects import Objects

FORMATS = [getattr(cs, f"Int{width}{sign}{order}") for width in (8, 16, 32, 64) for sign in "us" for order in "bln"]
FLOATS = [getattr(cs, f"Float{width}{order}") for width in (16, 32, 64) for order in "bln"]
ODD = [BytesInteger(n, signed=s, swapped=w) for n in (1, 3, 5, 6, 7, 8) for s in (True, False) for w in (True, False)]
CURVES = [None, Linear(0.25, -100.0), Polynomial((1.0, 0.5, -1e-6)), Table((0, 100, 60000), (5.0, -3.0, 12.0))]


def named(members: list[Any]) -> Any:
    return Struct(*(f"f{i}" / member for i, member in enumerate(members)))


bit_fields = st.one_of(
    st.builds(lambda n, s: BitsInteger(n, signed=s), st.integers(1, 40), st.booleans()),
    st.just(Flag),
    st.builds(lambda n: Enum(BitsInteger(n), A=0, B=1), st.integers(1, 8)),
    st.builds(lambda n, k: Array(k, BitsInteger(n)), st.integers(1, 13), st.integers(1, 4)),
    st.builds(Padding, st.integers(1, 9)),
)


@st.composite
def bit_structs(draw: st.DrawFn) -> Any:
    members = draw(st.lists(bit_fields, min_size=1, max_size=8))
    used = sum(member.sizeof() for member in members)
    if used % 8:
        members.append(BitsInteger(8 - used % 8))
    made = BitStruct(*(f"b{i}" / member for i, member in enumerate(members)))
    return ByteSwapped(made) if draw(st.booleans()) else made


plain = st.one_of(
    st.sampled_from([*FORMATS, *ODD, Flag]),
    st.builds(Bytes, st.integers(1, 9)),
    st.builds(lambda n: Hex(BytesInteger(n)), st.integers(1, 4)),
    st.just(FlagsEnum(Int16ub, one=1, four=4, top=0x8000)),
    st.builds(lambda f, c: Measurement(f, "V", c), st.sampled_from(FORMATS[:18]), st.sampled_from(CURVES)),
    st.builds(lambda f: Padded(9, f), st.sampled_from(FORMATS)),
    st.builds(lambda f: Aligned(4, f), st.sampled_from(FORMATS)),
    st.builds(ByteSwapped, st.sampled_from([*FORMATS, Int24ub])),
    st.builds(Array, st.integers(1, 4), st.sampled_from([*FORMATS, Int24ub])),
    bit_structs(),
)
nodes = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.builds(named, st.lists(inner, min_size=1, max_size=4)),
        st.builds(lambda n, m: Array(n, named(m)), st.integers(1, 3), st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda m: ByteSwapped(named(m)), st.lists(st.sampled_from([*FORMATS, Int24ub]), min_size=1, max_size=3)
        ),
    ),
    max_leaves=12,
)


def same(column: Any, want: list[Any]) -> bool:
    """Whether a column equals construct's values, kind by kind; floats to the last bit, NaN included."""
    return all(_equal(got, each) for got, each in zip(column, want, strict=True))


def _equal(got: Any, want: Any) -> bool:
    if isinstance(want, list):
        return len(got) == len(want) and all(_equal(a, b) for a, b in zip(got, want, strict=True))
    if isinstance(want, bytes):
        return bytes(got.item() if hasattr(got, "item") else got) == want
    if isinstance(want, cs.EnumIntegerString):
        return int(got) == int(want)
    if isinstance(want, float) or isinstance(got, float):
        return (math.isnan(got) and math.isnan(want)) or got == want
    return bool(got == want)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(members=st.lists(nodes, min_size=1, max_size=6), data=st.data())
def test_columns_equal_constructs_parse(members: list[Any], data: st.DataObject) -> None:
    declaration = named(members)
    layout, objects = Layout(declaration), Objects(declaration)
    assert layout.size == declaration.sizeof()
    count = data.draw(st.sampled_from([1, 2, 9]))
    rows = np.frombuffer(data.draw(st.binary(min_size=count * layout.size, max_size=count * layout.size)), np.uint8)
    rows = rows.reshape(count, layout.size)
    parsed = [objects.parse(bytes(row)) for row in rows]
    values = [each[0] for each in parsed if each]
    assert len(values) == count
    columns = layout.columns(rows)
    assert set(columns) == set(values[0])
    for path, column in columns.items():
        assert column.dtype.isnative
        assert same(column, [value[path] for value in values]), path


def test_labels_docs_units_and_constants_are_found() -> None:
    declaration = Struct(
        Const(b"\x5a\xa5"),
        "mode" / Enum(Int8ub, IDLE=0, FIRE=7) * "what the engine does",
        "volts" / Measurement(Int16ub, "V", Linear(1e-3), red=(20, 34)) * "at the battery",
        "version" / Const(3, Int8ub),
        "name" / PaddedString(6, "ascii"),
    )
    layout = Layout(declaration)
    rows = np.frombuffer(b"\x5a\xa5\x07\x6d\x60\x03abc\0\0\0" + b"\x5a\xa4\x00\x00\x01\x03\xffbcdef", np.uint8).reshape(
        2, -1
    )
    columns = layout.columns(rows)
    assert columns["volts"].tolist() == [28.0, 0.001]
    assert columns["name"].tolist() == ["abc", "\N{REPLACEMENT CHARACTER}bcdef"]
    assert layout.valid(rows).tolist() == [True, False]
    assert layout.fields["mode"].labels == {0: "IDLE", 7: "FIRE"}
    assert (layout.fields["volts"].unit, layout.fields["volts"].red) == ("V", (20, 34))
    assert (layout.fields["volts"].bit, layout.fields["volts"].bits, layout.fields["volts"].doc) == (
        24,
        16,
        "at the battery",
    )


@pytest.mark.parametrize(
    "part",
    [
        cs.Switch(cs.this.kind, {1: Int8ub}),
        cs.If(cs.this.kind, Int8ub),
        cs.Prefixed(Int8ub, cs.GreedyBytes),
        cs.Bytes(cs.this.kind),
        cs.GreedyRange(Int16ub),
        cs.VarInt,
        cs.CString("utf8"),
        cs.Optional(Int8ub),
        cs.Union(0, "a" / Int32ul, "b" / Int16ub),
    ],
)
def test_data_dependent_parts_are_refused_by_name_and_decoded_by_construct(part: Any) -> None:
    declaration = Struct("kind" / Int8ub, "part" / part)
    with pytest.raises(NoFixedPlace, match="part"):
        Layout(declaration)
    objects = Objects(declaration)
    parsed = objects.parse(b"\x01\x02\x00\x04\x05\x06\x07\x08")
    assert parsed is not None
    assert objects.columns([parsed[0]])["kind"].tolist() == [1]


@given(data=st.binary(max_size=40))
def test_construct_decoding_never_raises(data: bytes) -> None:
    declaration = Struct("n" / Int8ub, "text" / cs.PascalString(Int8ub, "utf8"), "rest" / Array(cs.this.n, Int16ub))
    parsed = Objects(declaration).parse(data)
    assert parsed is None or parsed[1] <= len(data)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(members=st.lists(nodes, min_size=1, max_size=6), seed=st.integers(0, 2**32 - 1))
def test_many_rows_give_what_each_gives_alone(members: list[Any], seed: int) -> None:
    """Many rows are read by way of lanes, few are not."""
    layout = Layout(named(members))
    rows = np.random.default_rng(seed).integers(0, 256, (LANES_FROM, layout.size), dtype=np.uint8)
    many, few = layout.columns(rows), layout.columns(np.ascontiguousarray(rows[::500]))
    for path in many:
        assert many.raw(path)[::500].tobytes() == few.raw(path).tobytes(), path
