"""Messages found together are those found one by one: of any lengths, channels, numbers and times, cut anywhere."""

from itertools import groupby
from struct import pack

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replay.message_stretch import Message, Stretch, in_step, out_of_step

WRAP = 1 << 32
heads = st.tuples(st.integers(0, 3), st.integers(WRAP - 3, WRAP + 3), st.integers(-(2**63), 2**63 - 1))
runs = st.tuples(st.integers(1, 40), st.integers(0, 70), heads)
"""So many messages with data of a length, the first one's channel, number and time."""


def records(drawn) -> tuple[bytes, list[Message]]:
    """Messages in runs, numbered one by one, as they stand in a file; and what they are."""
    data, told = b"", []
    for count, length, (channel, sequence, time_ns) in drawn:
        for number in range(count):
            body, of = bytes(range(number, number + length)), (sequence + number) % WRAP
            told.append(Message(len(data), channel, of, time_ns, body))
            data += pack("<BQHIqq", 5, 22 + length, channel, of, time_ns, time_ns) + body
    return data, told


def read(data: bytes, start: int = 0, base: int = 0) -> list[Message]:
    found = Stretch.beginning(data, start, base)
    return found.messages() if found else []


@given(st.lists(runs, max_size=8), st.integers(0, 5000), st.binary(max_size=40))
def test_all_whole_messages_are_found_and_no_others(drawn, cut, after):
    data, told = records(drawn)
    assert read(data) == told
    cut = min(cut, len(data))
    assert read(data[:cut]) == [each for each in told if each.end <= cut]
    start = next((each.offset for each in told if each.offset >= cut), len(data))
    moved = [each._replace(offset=each.offset + 7) for each in told if each.offset >= start]
    assert read(data, start, 7) == moved
    if after and after[0] != 5:
        assert read(data + after) == told


@given(st.lists(runs, min_size=1, max_size=8), st.data())
def test_what_is_told_by_columns_is_what_the_messages_tell(drawn, draw):
    data, told = records(drawn)
    begin = draw.draw(st.integers(0, len(told) - 1))
    told = told[begin : draw.draw(st.integers(begin + 1, len(told)))]
    part = Stretch.beginning(data, 0, 0).part(begin, begin + len(told))
    assert part.messages() == told
    assert part.data() == [each.data for each in told]
    assert part.ends() == [each.end for each in told]
    assert (part.offset, part.latest, part.end) == (told[0].offset, told[-1].offset, told[-1].end)
    assert part.raw() == data[told[0].offset : told[-1].end]
    assert [number for number, _ in part.by_channel()] == list(dict.fromkeys(each.channel for each in told))
    for number, which in part.by_channel():
        times = part.heads["time_ns"][which].tolist()
        assert times == [each.time_ns for each in told if each.channel == number]
    assert part.among({1, 2}).tolist() == [each.channel in {1, 2} for each in told]


@given(st.lists(runs, max_size=5), st.sets(st.integers(0, 3)), st.dictionaries(st.integers(0, 3), st.just(WRAP - 1)))
def test_gaps_are_those_that_one_by_one_would_be_found(drawn, wanted, expected):
    data, told = records(drawn)
    found = Stretch.beginning(data, 0, 0)
    after, missing = dict(expected), []
    for each in told:
        if each.channel in wanted:
            if after.get(each.channel, each.sequence) != each.sequence:
                missing.append((each, after[each.channel]))
            after[each.channel] = (each.sequence + 1) % WRAP
    if found is not None:
        before = dict(expected)
        assert in_step(found, wanted, before) == (not missing)
        assert before == (expected if missing else after)
        assert out_of_step(found, wanted, expected) == missing
        assert expected == after


def test_long_runs_of_several_lengths_are_found_whole():
    lengths = [64] * 3000 + [10, 20] * 2000 + [64] * 15 + [0] * 500 + [7]
    data = b"".join(
        pack("<BQHIqq", 5, 22 + size, 1, number, number, number) + bytes(size) for number, size in enumerate(lengths)
    )
    found = Stretch.beginning(data, 0, 0)
    assert np.diff(found.edges).tolist() == [31 + size for size in lengths]
    assert [(size, len(list(same))) for size, same in groupby(map(len, found.data()))] == [
        (size, len(list(same))) for size, same in groupby(lengths)
    ]
