"""Rows in the order of their times, and counters of sixteen bits that go on."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replay.tick_clock import TickClock
from replay.time_order import TimeOrder


@given(
    late=st.lists(st.integers(0, 7), min_size=1, max_size=120),
    cuts=st.lists(st.integers(1, 40), max_size=10),
    window=st.integers(8, 30),
)
def test_what_is_not_later_than_the_window_comes_in_order(late: list[int], cuts: list[int], window: int) -> None:
    """Rows of equal time in the order of the file; how they are put in changes nothing."""
    times = np.array([10 * place - 10 * back for place, back in enumerate(late)], np.int64)
    order, given_times, given_rows = TimeOrder(window), [], []
    edges = sorted({0, len(times), *(min(len(times), sum(cuts[: at + 1])) for at in range(len(cuts)))})
    for begin, end in pairwise(edges):
        some, rows = order.put(times[begin:end], np.arange(begin, end))
        given_times += some.tolist()
        given_rows += rows.tolist()
    some, rows = order.finish()
    assert given_rows + rows.tolist() == np.argsort(times, kind="stable").tolist()
    assert given_times + some.tolist() == sorted(times.tolist())


def test_one_that_is_too_late_takes_the_time_of_those_before() -> None:
    order = TimeOrder(1)
    first, _ = order.put(np.array([5, 6, 7]), np.array([0, 1, 2]))
    second, rows = order.put(np.array([1, 8]), np.array([3, 4]))
    assert first.tolist() == [5, 6]
    assert (second.tolist(), rows.tolist()) == ([6, 7], [3, 2])
    assert order.finish()[0].tolist() == [8]


@given(
    begin=st.integers(0, 65_535),
    steps=st.lists(st.integers(-500, 2500), min_size=1, max_size=200),
    cut=st.integers(0, 200),
)
def test_ticks_go_on_over_every_turn(begin: int, steps: list[int], cut: int) -> None:
    true = begin + np.concatenate(([0], np.cumsum(steps)))
    clock = TickClock()
    got = np.concatenate((clock.at(true[:cut] & 0xFFFF), clock.at(true[cut:] & 0xFFFF)))
    np.testing.assert_array_equal(got, true)


def test_a_single_wrong_tick_is_not_followed() -> None:
    assert TickClock().at(np.array([100, 101, 30_000, 102, 103])).tolist() == [100, 101, 101, 102, 103]
