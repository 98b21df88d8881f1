"""Sequence counts: what is missing, by what was sent."""

from typing import Any

import numpy as np
import pytest
from construct import Array, Bytes, Enum, Float32b, Int8sb, Int8ub, Int16ub, Int64ub, Struct
from hypothesis import given
from hypothesis import strategies as st

from protocols.curve import Linear
from protocols.errors import DeclarationError
from protocols.layout import Layout
from protocols.measurement import Measurement
from protocols.sequence import LATE, SequenceCount


def missing(counts: list[Any], modulo: int = 1 << 14, groups: list[int] | None = None) -> int:
    """Packets missing in counts given in groups of these lengths, the rest in one."""
    counter, total, left = SequenceCount("count", modulo), 0, list(counts)
    for group in [*(groups or []), len(left)]:
        given_now, left = left[:group], left[group:]
        if given_now:
            total += counter.gaps(np.array(given_now))
    return total


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], 0),
        ([7], 0),  # the first says nothing of those before it
        ([7, 8, 9], 0),
        ([7, 8, 11], 2),
        ([16382, 16383, 0, 1], 0),
        ([16382, 1], 2),
        ([5, 5, 5, 6], 0),  # sent twice
        ([1, 2, 4, 3, 5], 1),  # one late: missing when it was counted, and not again
        ([100, 101, 101 - LATE, 102], 0),
        ([5000, 5001, 0, 1, 2], 0),  # the flight computer began again
        ([5000, 5001, 0, 1, 4], 2),
        ([0, 8192], 8191),  # half the range ahead is the most that can be told
    ],
)
def test_gaps(counts: list[int], expected: int) -> None:
    assert missing(counts) == expected
    assert missing(counts, groups=[1] * len(counts)) == expected


@given(
    start=st.integers(0, 2**14 - 1),
    lost=st.lists(st.booleans(), max_size=60),
    groups=st.lists(st.integers(0, 9), max_size=20),
    width=st.sampled_from([8, 14, 16, 32, 48, 64]),
)
def test_what_was_lost_is_what_is_missing(start: int, lost: list[bool], groups: list[int], width: int) -> None:
    modulo = 1 << width
    sent = [(modulo - 30 + start + i) % modulo for i in range(len(lost))]
    kept = [count for count, gone in zip(sent, lost, strict=True) if not gone]
    inside = lost[lost.index(False) : len(lost) - lost[::-1].index(False)] if kept else []
    assert missing(kept, modulo, groups) == sum(inside)


@given(
    counts=st.lists(st.integers(0, 255), max_size=60),
    groups=st.lists(st.integers(0, 9), max_size=20),
)
def test_any_counts_in_any_groups_give_the_same_and_never_less_than_nothing(
    counts: list[int], groups: list[int]
) -> None:
    assert missing(counts, 256, groups) == missing(counts, 256) >= 0


@given(counts=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_counters_of_64_bits_do_not_overflow(counts: list[int]) -> None:
    counter = SequenceCount("count", 1 << 64)
    assert counter.gaps(np.array(counts, np.uint64)) == missing(counts, 1 << 64, [1] * len(counts)) >= 0


def test_signed_counters_count_through_zero() -> None:
    counter = SequenceCount.of("v.p", "count", Layout(Struct("count" / Int8sb)).leaves)
    assert counter.gaps(np.array([-2, -1, 0, 1], np.int8)) == 0
    assert counter.gaps(np.array([4], np.int8)) == 2
    assert counter.gaps(np.array([127, -128], np.int8)) == 122
    assert counter.gaps(np.array([-128, -126], np.int8)) == 1


def test_packets_without_the_counter_are_passed_over() -> None:
    counter = SequenceCount("count", 256)
    assert counter.gaps(np.array([1.0, np.nan, 2.0, 5.0])) == 2
    assert counter.gaps(np.array([6, None, 8], object)) == 1
    assert counter.gaps(np.array([None, None], object)) == 0


@pytest.mark.parametrize("kind", [Float32b, Bytes(2), Array(2, Int8ub), Measurement(Int16ub, "", Linear(2.0))])
def test_what_is_no_counter_is_refused(kind: Any) -> None:
    with pytest.raises(DeclarationError, match=r"v\.p"):
        SequenceCount.of("v.p", "count", Layout(Struct("count" / kind)).leaves)
    with pytest.raises(DeclarationError, match=r"no counter 'other'.*it has count"):
        SequenceCount.of("v.p", "other", Layout(Struct("count" / kind)).leaves)


@pytest.mark.parametrize("kind", [Int8ub, Int64ub, Measurement(Int16ub, ""), Enum(Int8ub, first=0)])
def test_whole_numbers_of_any_width_are_counters(kind: Any) -> None:
    assert SequenceCount.of("v.p", "count", Layout(Struct("count" / kind)).leaves).modulo == 1 << 8 * kind.sizeof()
