"""Texts that end at their first NUL: parsed, built and in columns."""

import numpy as np
from construct import Array, Struct
from hypothesis import given
from hypothesis import strategies as st

from protocols.layout import Layout
from protocols.terminated_text import TerminatedText

NAMES = Struct("name" / TerminatedText(6), "others" / Array(2, TerminatedText(3)))


@given(raw=st.lists(st.binary(min_size=12, max_size=12), min_size=1, max_size=5))
def test_what_lies_behind_a_nul_is_no_text(raw: list[bytes]) -> None:
    each = [bytes(byte & 0x7F for byte in row) for row in raw]
    rows = np.frombuffer(b"".join(each), np.uint8).reshape(-1, 12)
    columns = Layout(NAMES).columns(rows)
    assert columns["name"].tolist() == [row[:6].split(b"\0")[0].decode() for row in each]
    assert columns["others"].tolist() == [
        [part.split(b"\0")[0].decode() for part in (row[6:9], row[9:])] for row in each
    ]
    assert (rows == np.frombuffer(b"".join(each), np.uint8).reshape(-1, 12)).all(), "the packets stay as they were"
    for row in each:
        parsed = NAMES.parse(row)
        assert parsed.name == row[:6].split(b"\0")[0].decode()
        assert NAMES.parse(NAMES.build(parsed)) == parsed


def test_a_full_text_has_no_nul() -> None:
    assert NAMES.build({"name": "abcdef", "others": ["ghi", ""]}) == b"abcdefghi\0\0\0"
    assert Layout(NAMES).columns(np.frombuffer(b"abcdefghi\0\0\0", np.uint8).reshape(1, 12))["name"].tolist() == [
        "abcdef"
    ]
