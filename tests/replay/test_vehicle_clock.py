"""The vehicle's clock as receive times."""

from hypothesis import given
from hypothesis import strategies as st

from replay.vehicle_clock import AGREEING, VehicleClock

S = 1_000_000_000


def times(stamps, **options):
    clock = VehicleClock(10 * S, **options)
    return [clock.at(stamp * S) // S for stamp in stamps]


@given(st.lists(st.integers(0, 2**48)), st.sampled_from((0, 2**32 * 1000)))
def test_never_goes_back(stamps, wrap):
    clock = VehicleClock(10 * S, wrap)
    seen = [clock.at(stamp) for stamp in stamps]
    assert seen == sorted(seen)


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(0, 1000))
def test_follows_ordinary_stamps_exactly(steps, first):
    stamps = [first]
    for step in steps:
        stamps.append(stamps[-1] + step)
    assert times(stamps) == stamps


def test_one_wrong_stamp_changes_nothing():
    assert times([100, 101, 90_000, 102, 3, 103]) == [100, 101, 101, 102, 102, 103]


def test_a_gap_that_several_stamps_agree_on_is_true():
    assert AGREEING == 3
    assert times([100, 500, 501, 502, 503]) == [100, 100, 100, 502, 503]


def test_a_restart_goes_on_from_where_it_stopped():
    assert times([100, 1, 2, 3, 4, 5]) == [100, 100, 100, 100, 101, 102]


def test_records_out_of_order_do_not_turn_it_back():
    assert times([100, 98, 101, 99, 102]) == [100, 100, 101, 101, 102]


def test_two_counters_of_which_one_wraps():
    assert times([5432, 1141, 5434, 1143], wrap_ns=2**32 * 1000) == [5432, 5435, 5435, 5437]
