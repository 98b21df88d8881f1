"""A lane's policy, held to what its messages tell: bounded, in order, thinned by exactly the factor they name."""

import numpy as np
from construct import Int16ub, Struct
from hypothesis import given
from hypothesis import strategies as st

from groundstation.bus.lane import ROWS_A_MESSAGE, Lane, joined
from protocols.batch import Batch
from protocols.layout import Layout

LAYOUT = Layout(Struct("count" / Int16ub))
sizes = st.lists(st.one_of(st.just(1), st.integers(1, 50), st.integers(1, 3000)), max_size=40)
bounds = st.integers(1, 2000)


def batch(start: int, count: int, *, lazy: bool = True) -> Batch:
    """Packets that count from start, with columns that are finished when asked for or are there already."""
    numbers = np.arange(start, start + count)
    rows = np.ascontiguousarray(numbers.astype(">u2")).view(np.uint8).reshape(count, 2)
    columns = LAYOUT.columns(rows) if lazy else {"count": numbers % 65536}
    return Batch("state", "radio", columns, numbers * 1000, numbers % 2 == 0, numbers / 8, 1)


def filled(rows_waiting: int, counts: list[int], *, lazy: bool = True) -> Lane:
    lane, start = Lane(rows_waiting), 0
    for count in counts:
        lane.add(batch(start, count, lazy=lazy))
        start += count
        assert lane.rows <= rows_waiting
        assert lane.rows == sum(map(len, lane.batches))
    return lane


def emptied(lane: Lane) -> list[tuple[list[Batch], int, int]]:
    """All messages of a lane."""
    messages = []
    while lane.rows:
        messages.append(lane.take())
    return messages


def numbers(*batches: Batch) -> list[int]:
    """The packets' numbers."""
    return [int(ns) // 1000 for each in batches for ns in each.received_ns]


@given(bounds, sizes, st.booleans())
def test_what_waits_is_one_in_so_many_as_it_says_however_it_came(
    rows_waiting: int, counts: list[int], lazy: bool
) -> None:
    messages = emptied(filled(rows_waiting, counts, lazy=lazy))
    factors = {thinned for _, thinned, _ in messages} or {1}
    found = [number for group, _, _ in messages for number in numbers(*group)]
    (thinned,) = factors
    assert found == list(range(0, sum(counts), thinned))


@given(bounds, sizes)
def test_it_is_no_thinner_than_its_bound_asks_for(rows_waiting: int, counts: list[int]) -> None:
    thinned = filled(rows_waiting, counts).thinned
    total = sum(counts)
    assert thinned == 1 if total <= rows_waiting else -(-total // (thinned // 2)) > rows_waiting


@given(bounds, st.lists(st.one_of(st.none(), st.integers(1, 2500)), max_size=30))
def test_taken_from_while_it_fills_it_keeps_order_and_tells_the_truth(
    rows_waiting: int, steps: list[int | None]
) -> None:
    """None takes a message, a number adds so many packets."""
    lane, start, messages = Lane(rows_waiting), 0, []
    for step in steps:
        if step is None and lane.rows:
            messages.append(lane.take())
        elif step is not None:
            lane.add(batch(start, step))
            start += step
        assert lane.rows <= rows_waiting
    messages += emptied(lane)
    found = [number for group, _, _ in messages for number in numbers(*group)]
    assert found == sorted(set(found))
    for group, thinned, _ in messages:
        assert set(np.diff(numbers(*group))) <= {thinned}
    if start <= rows_waiting:
        assert found == list(range(start))
    assert sum(missing for _, _, missing in messages) == sum(step is not None for step in steps)


@given(bounds, sizes, st.booleans())
def test_all_columns_of_a_packet_stay_together(rows_waiting: int, counts: list[int], lazy: bool) -> None:
    for group, _, _ in emptied(filled(rows_waiting, counts, lazy=lazy)):
        for each in group:
            own = each.received_ns // 1000
            assert each.time is not None
            assert (each["count"] == own % 65536).all()
            assert (each.valid == (own % 2 == 0)).all()
            assert (each.time == own / 8).all()


@given(sizes, st.booleans())
def test_messages_are_full_but_for_the_last(counts: list[int], lazy: bool) -> None:
    carried = [sum(map(len, group)) for group, _, _ in emptied(filled(200_000, counts, lazy=lazy))]
    assert sum(carried) == sum(counts)
    assert set(carried[:-1]) <= {ROWS_A_MESSAGE}
    assert not carried or 0 < carried[-1] <= ROWS_A_MESSAGE


def test_an_emptied_lane_takes_every_packet_again() -> None:
    lane = filled(10, [1] * 100)
    ((group, thinned, missing),) = emptied(lane)
    assert (numbers(*group), thinned, missing) == (list(range(0, 100, 16)), 16, 100)
    lane.add(batch(100, 5))
    assert (numbers(*(again := lane.take())[0]), again[1:]) == (list(range(100, 105)), (1, 1))


def test_what_is_thinned_holds_nothing_else_in_memory() -> None:
    group, _, _ = filled(10, [5000]).take()
    assert sum(each.columns.rows.nbytes for each in group) < 100  # type: ignore[attr-defined] # of lazy columns


def test_packets_that_came_one_by_one_are_finished_together() -> None:
    group, _, _ = filled(1000, [1] * 700).take()
    (whole,) = group
    assert (len(whole), whole.sequence_gaps) == (700, 700)
    assert whole["count"].tolist() == list(range(700))


def test_batches_without_a_layout_stay_apart() -> None:
    apart = [batch(0, 2, lazy=False), batch(2, 2)]
    assert joined(apart) == apart


@given(st.integers(1, 1000), st.integers(1, 50))
def test_a_message_too_large_is_divided_and_later_ones_are_smaller_at_once(count: int, times_too_large: int) -> None:
    lane = filled(5000, [count])
    group, _, _ = lane.take()
    parts = lane.divide(group, times_too_large << 20)
    assert numbers(*(each for part in parts for each in part)) == list(range(count))
    most = max(1, count // (2 * times_too_large))
    assert max(sum(map(len, part)) for part in parts) <= most
    lane.add(batch(0, count))
    assert sum(map(len, lane.take()[0])) <= most
