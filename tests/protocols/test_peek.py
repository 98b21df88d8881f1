"""A value of several fields together, and of what follows: construct's Peek in columns."""

import numpy as np
import pytest
from construct import Bytes, Int8ub, Int16ul, Int32ul, Int64ul, Peek, Struct
from hypothesis import given
from hypothesis import strategies as st

from protocols.altos.curves import SplitNumber, Widened
from protocols.layout import Layout
from protocols.leaf import NoFixedPlace
from protocols.measurement import Measurement

DECLARED = Struct(
    "kind" / Int8ub,
    "both" / Peek(Measurement(Int64ul, "")),
    "split" / Peek(Measurement(Bytes(8), "m", SplitNumber(0, 6))),
    "low" / Int32ul,
    "middle" / Int16ul,
    "high" / Int16ul,
)


@given(rows=st.lists(st.binary(min_size=9, max_size=9), min_size=1, max_size=5))
def test_columns_are_what_construct_parses_and_build_needs_only_what_is_stored(rows: list[bytes]) -> None:
    layout = Layout(DECLARED)
    assert layout.size == DECLARED.sizeof() == 9
    columns = layout.columns(np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 9))
    parsed = [DECLARED.parse(row) for row in rows]
    for name in ("both", "split", "low", "high"):
        assert columns[name].tolist() == [each[name] for each in parsed]
    for row, each in zip(rows, parsed, strict=True):
        assert each.both == int.from_bytes(row[1:], "little")
        assert each.split == int.from_bytes(row[1:3] + row[7:9], "little", signed=True)
        assert DECLARED.build({"kind": each.kind, "low": each.low, "middle": each.middle, "high": each.high}) == row
    assert (layout.fields["split"].raw_type, layout.fields["split"].unit) == ("u64", "m")


def test_one_that_looks_past_the_end_has_no_place() -> None:
    with pytest.raises(NoFixedPlace, match="late: it looks past the end of the packet"):
        Layout(Struct("early" / Int32ul, "late" / Peek(Int32ul), "last" / Int8ub))


def test_eight_bits_that_stand_for_twelve_come_back() -> None:
    curve = Widened(0.5)
    every = np.arange(256)
    assert curve(every).max() == 0.5 * 4095
    assert curve.inverse(curve(every)).tolist() == every.tolist()
