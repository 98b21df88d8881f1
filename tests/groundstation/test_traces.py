"""Traces: the flight so far, bounded, evenly spaced, the same however it was cut."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundstation.traces import FINEST_NS, POINTS, Traces
from protocols.batch import Batch


def batch(times: list[int], values: list[float]) -> Batch:
    """Packets of one measurement."""
    count = len(times)
    columns = {"x": np.array(values, float), "text": np.array(["a"] * count)}
    return Batch("p", "l", columns, np.array(times, np.int64), np.ones(count, np.bool_))


@given(gaps=st.lists(st.integers(1, 3 * FINEST_NS), min_size=1, max_size=400), cuts=st.sets(st.integers(0, 400)))
def test_points_are_samples_apart_by_a_step_however_they_came(gaps: list[int], cuts: set[int]) -> None:
    times = np.cumsum(gaps).tolist()
    values = [float(n) for n in range(len(times))]
    whole, parts = Traces(["p.x", "p.text"]), Traces(["p.x", "p.text"])
    whole.add(batch(times, values))
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(times)), len(times)]
    for begin, end in pairwise(edges):
        parts.add(batch(times[begin:end], values[begin:end]))
    assert whole.as_payload("s") == parts.as_payload("s")
    (trace,) = whole.as_payload("s")["traces"].values()
    assert trace["received_ns"][0] == times[0]
    assert all(times[int(value)] == at for at, value in zip(trace["received_ns"], trace["values"], strict=True))
    assert all(np.diff(trace["received_ns"]) >= FINEST_NS)
    assert (trace["low"], trace["high"]) == (values[0], values[-1])


def test_a_long_flight_stays_bounded_and_whole() -> None:
    traces = Traces(["p.x"])
    seconds = list(range(20_000))
    for begin in range(0, 20_000, 7_000):
        some = seconds[begin : begin + 7_000]
        traces.add(batch([second * 1_000_000_000 for second in some], [float(second) for second in some]))
    trace = traces.as_payload("s")["traces"]["p.x"]
    assert POINTS / 2 <= len(trace["values"]) <= POINTS
    assert trace["values"][0] == 0.0
    assert trace["values"][-1] > 19_900
    assert np.diff(trace["values"]).max() <= 2 * 20_000 / (POINTS / 2)
