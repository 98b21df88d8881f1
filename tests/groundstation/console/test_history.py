"""The history: bounded, nothing wrong in it however it came in pieces, nothing left of a future that was taken back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundstation.console.history import COARSE, FINE, History

SECOND = 1_000_000_000


def filled(values: np.ndarray, times: np.ndarray, cuts: list[int]) -> History:
    history = History(values.shape[0])
    for start, end in zip([0, *cuts], [*cuts, len(times)], strict=True):
        history.append(times[start:end], values[:, start:end])
    return history


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6 * FINE), st.lists(st.integers(0, 6 * FINE), max_size=8), st.integers(0, 2**32))
def test_pieces_of_any_size_give_the_same_curve(count: int, cuts: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(2, count))
    times = np.arange(count) * (SECOND // 10)
    history = filled(values, times, sorted(min(cut, count) for cut in cuts))
    kept = min(count, FINE)
    assert history.values(1)[-kept:].tolist() == values[1, -kept:].tolist()
    low, high = history.extremes()
    assert low == pytest.approx(values.min(axis=1), rel=1e-6)
    assert high == pytest.approx(values.max(axis=1), rel=1e-6)
    curve = history.curve(0, 0)
    assert (np.diff(curve.times_ns) >= 0).all()
    assert curve.values.min() == pytest.approx(values[0].min(), rel=1e-6)


def test_memory_is_bounded_and_a_spike_of_an_hour_ago_is_not_lost() -> None:
    history = History(1)
    seconds = COARSE - 100
    values = np.zeros((1, seconds * 10))
    values[0, 137] = 9.0
    for start in range(0, seconds * 10, 50):
        history.append(np.arange(start, start + 50) * (SECOND // 10), values[:, start : start + 50])
    curve = history.curve(0, 0)
    assert len(curve.values) <= 2 * FINE + 2 * COARSE
    assert curve.times_ns[np.argmax(curve.values)] // SECOND == 13


def test_a_curve_begins_where_it_is_asked_to() -> None:
    history = filled(np.arange(100.0)[None], np.arange(100) * SECOND, [])
    assert history.curve(0, 90 * SECOND).values.tolist() == list(range(90, 100))


def test_what_was_after_a_step_back_is_forgotten_also_in_the_old_part() -> None:
    count = 3 * FINE
    history = filled(np.arange(float(count))[None], np.arange(count) * SECOND, [])
    history.append(np.array([100 * SECOND]), np.array([[-1.0]]))
    curve = history.curve(0, 0)
    assert curve.times_ns.max() == 100 * SECOND
    assert (history.extremes()[0][0], history.extremes()[1][0]) == (-1.0, 99.0)


def test_no_number_is_kept_as_none_and_hides_no_other() -> None:
    history = filled(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]), np.arange(3) * SECOND, [])
    low, high = history.extremes()
    assert (low[0], high[0]) == (1.0, 3.0)
    assert np.isnan(low[1])
    assert np.isnan(high[1])
