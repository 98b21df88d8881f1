"""Flight events: against a real launch's published times, against formulas, and over any cutting into batches."""

import json
import math
from collections import deque
from itertools import pairwise

import construct as cs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundstation.event import EventKind
from groundstation.flight import FlightMonitor
from protocols.batch import Batch
from protocols.errors import DeclarationError
from protocols.flight import Above, Below, Condition, Equals, Falls, Flight, Rises, Steady, Transition
from protocols.layout import Layout

SECOND = 1_000_000_000


def batch_of(columns: dict, times_s, packet: str = "p", valid=None) -> Batch:
    times = np.round(np.asarray(times_s) * 1e9).astype(np.int64)
    valid = np.ones(len(times), np.bool_) if valid is None else np.asarray(valid, np.bool_)
    return Batch(packet, "link", {path: np.asarray(each) for path, each in columns.items()}, times, valid)


def parts_of(batch: Batch, edges) -> list[Batch]:
    cuts = sorted({0, len(batch), *(each for each in edges if 0 < each < len(batch))})
    return [
        Batch(
            batch.packet,
            batch.link,
            {path: column[begin:end] for path, column in batch.columns.items()},
            batch.received_ns[begin:end],
            batch.valid[begin:end],
        )
        for begin, end in pairwise(cuts)
    ]


def flight_of(*steps: tuple[str, str, tuple[Condition, ...]]) -> Flight:
    return Flight("pad", tuple(Transition(*step) for step in steps), t0=steps[0][0])


def times_of(monitor: FlightMonitor) -> dict[str, float]:
    return {name: at / 1e9 for name, at in monitor.event_times.items()}


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_falcon_9_ascent_has_the_published_events(data, size):
    """FormoSat-5, analysed once a second by others: their event times are whole seconds, so ours are within 1 s."""
    folder = data / "spacex_webcast"
    truth = json.loads((folder / "FormoSat-5_JSON_events.json").read_text())
    read = json.loads((folder / "FormoSat-5_JSON_analysed.json").read_text())
    flight = flight_of(
        ("liftoff", "ascent", (Above("p.velocity", 1.0, 2.0),)),
        ("maxq", "high", (Falls("p.q", 300.0),)),
        ("meco", "coast", (Falls("p.velocity", 10.0),)),
        ("ses1", "second stage", (Above("p.acceleration", 2.0, 3.0),)),
        ("fast", "insertion", (Above("p.velocity", 7000.0),)),
        ("seco1", "orbit", (Steady("p.velocity", 10.0, 5.0),)),
    )
    monitor, events = FlightMonitor(flight), []
    for part in parts_of(batch_of(read, read["time"]), range(0, len(read["time"]), size)):
        events += monitor.watch(part)
    found = times_of(monitor)
    assert [event.name for event in events] == ["liftoff", "maxq", "meco", "ses1", "fast", "seco1"]
    assert abs(found["liftoff"]) <= 1.0
    for name in ("maxq", "meco", "ses1", "seco1"):
        assert abs(found[name] - truth[name]) <= 1.0, name
    assert monitor.t0_ns == round(found["liftoff"] * 1e9)
    meco = events[2]
    assert (meco.kind, meco.text) == (EventKind.FLIGHT, "meco: high to coast")
    assert meco.detail == {"phase": "coast", "value": 1894.652, "measurement": "p.velocity"}  # as its README says


def test_the_same_ascent_as_read_off_the_screen_at_30_hz(data):
    """The raw readings of the webcast, quantised and with gaps, give the cut-offs too."""
    folder = data / "spacex_webcast"
    truth = json.loads((folder / "FormoSat-5_JSON_events.json").read_text())
    read = json.loads((folder / "FormoSat-5_JSON_FormoSat-5_raw.json").read_text())
    flight = flight_of(
        ("liftoff", "ascent", (Above("p.velocity", 1.0, 2.0),)),
        ("meco", "coast", (Falls("p.velocity", 10.0),)),
        ("restart", "second stage", (Rises("p.velocity", 10.0),)),
        ("fast", "insertion", (Above("p.velocity", 7000.0),)),
        ("seco1", "orbit", (Steady("p.velocity", 10.0, 5.0),)),
    )
    columns = {path: each[:15_800] for path, each in read.items()}  # the first stage's readings follow the second's
    monitor = FlightMonitor(flight)
    monitor.watch(batch_of(columns, columns["time"]))
    found = times_of(monitor)
    assert abs(found["liftoff"]) <= 1.0
    assert abs(found["meco"] - truth["meco"]) <= 1.0
    assert truth["ses1"] < found["restart"] < truth["seco1"]
    assert abs(found["seco1"] - truth["seco1"]) <= 1.0


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize(("boost", "burn_s"), [(30.0, 4.0), (80.0, 2.5)])
def test_a_ballistic_arc_has_the_events_of_its_formula(noise, boost, burn_s):
    """Constant thrust, then gravity alone: burnout, apogee and landing times are known on paper.

    Noise of s m puts the highest sample within about 2 * sqrt(2 * 3 s / g) of the apogee. The landing is where the
    band of 6 m begins.
    """
    period, gravity, pad_s = 0.02, 9.80665, 10.0
    speed = boost * burn_s
    apogee_s = burn_s + speed / gravity
    highest = boost * burn_s**2 / 2 + speed**2 / (2 * gravity)
    landing_s = apogee_s + math.sqrt(2 * highest / gravity)
    t = np.arange(round(-pad_s / period), round((landing_s + 20) / period)) * period
    after = np.maximum(t - burn_s, 0.0)
    altitude = np.where(t < burn_s, boost * np.maximum(t, 0) ** 2 / 2, 0) + (t >= burn_s) * (
        boost * burn_s**2 / 2 + speed * after - gravity * after**2 / 2
    )
    altitude = np.where(t > landing_s, 0.0, altitude) + np.random.default_rng(7).normal(0, 1, len(t)) * noise
    acceleration = np.where((t >= 0) & (t < burn_s), boost, 0.0)
    flight = flight_of(
        ("liftoff", "boost", (Above("p.acceleration", 20.0, 0.2), Rises("p.altitude", 50.0))),
        ("burnout", "coast", (Below("p.acceleration", 10.0, 0.1),)),
        ("apogee", "descent", (Falls("p.altitude", 10.0),)),
        ("landing", "landed", (Steady("p.altitude", 6.0, 5.0),)),
    )
    monitor = FlightMonitor(flight)
    events = monitor.watch(batch_of({"altitude": altitude, "acceleration": acceleration}, t + 1000))
    found = {name: at - 1000 for name, at in times_of(monitor).items()}
    assert found["liftoff"] == pytest.approx(0.0, abs=1e-6)
    assert found["burnout"] == pytest.approx(burn_s, abs=period)
    assert found["apogee"] == pytest.approx(apogee_s, abs=period + 2 * math.sqrt(6 * noise / gravity))
    assert found["landing"] == pytest.approx(landing_s, abs=period + 6.0 / math.sqrt(2 * gravity * highest))
    assert events[2].detail["value"] == pytest.approx(highest, abs=4 * noise + 1e-2)
    assert monitor.phase == "landed"


def first_by_the_docstring(condition: Condition, samples: list[tuple[int, float]]) -> tuple[int, int] | None:
    """Deciding sample and event time of a condition over all samples since the phase began, from its docstring."""
    for at in range(len(samples)):
        seen, (now, value) = samples[: at + 1], samples[at]
        match condition:
            case Above(_, limit, seconds) | Below(_, limit, seconds):
                over = (lambda v, c=condition: v > c.value) if isinstance(condition, Above) else (lambda v: v < limit)
                stretch = deque()
                for time_ns, each in reversed(seen):
                    if not over(each):
                        break
                    stretch.append(time_ns)
                if stretch and now - stretch[-1] >= seconds * SECOND:
                    return at, stretch[-1]
            case Equals(_, wanted):
                if value == wanted:
                    return at, now
            case Falls(_, amount):
                top = max(each for _, each in seen)
                if top - value >= amount:
                    return at, next(time_ns for time_ns, each in seen if each == top)
            case Rises(_, amount):
                low = min(each for _, each in seen)
                if value - low >= amount:
                    return at, [time_ns for time_ns, each in seen if each - low <= amount / 10][-1]
            case Steady(_, within, seconds):
                begin = at
                while begin and spread(seen[begin - 1 :]) <= within:
                    begin -= 1
                if now - seen[begin][0] >= seconds * SECOND:
                    return at, seen[begin][0]
    return None


def spread(samples: list[tuple[int, float]]) -> float:
    values = [value for _, value in samples]
    return max(values) - min(values)


conditions = st.one_of(
    st.builds(Above, st.just("p.v"), st.integers(0, 9), st.sampled_from([0.0, 1.0, 2.0])),
    st.builds(Below, st.just("p.v"), st.integers(0, 9), st.sampled_from([0.0, 1.0, 2.0])),
    st.builds(Equals, st.just("p.v"), st.integers(0, 9)),
    st.builds(Rises, st.just("p.v"), st.sampled_from([1, 4, 10])),
    st.builds(Falls, st.just("p.v"), st.sampled_from([1, 4, 10])),
    st.builds(Steady, st.just("p.v"), st.integers(0, 4), st.sampled_from([0.5, 1.0, 3.0])),
)
number = st.one_of(st.integers(0, 9).map(float), st.sampled_from([math.nan, math.inf, -math.inf]))


@settings(max_examples=400, deadline=None)
@given(
    steps=st.lists(st.lists(conditions, min_size=1, max_size=2), min_size=1, max_size=4),
    rows=st.lists(
        st.tuples(number, st.sampled_from([0.25, 0.5, 1.0]), st.sampled_from([True] * 4 + [False])), max_size=60
    ),
    cuts=st.lists(st.integers(1, 60)),
)
def test_any_cutting_gives_what_the_docstrings_say(steps, rows, cuts):
    """Chains of any conditions over any samples, against a plain reading of each condition's docstring."""
    times = np.cumsum([gap for _, gap, _ in rows])
    batch = batch_of({"v": np.array([v for v, _, _ in rows], np.float64)}, times, valid=[ok for _, _, ok in rows])
    left = [
        (int(at), float(v))
        for at, v, ok in zip(batch.received_ns, batch["v"], batch.valid, strict=True)
        if ok and math.isfinite(v)
    ]
    want = []
    for any_of in steps:
        found = [first_by_the_docstring(each, left) for each in any_of]
        found = [each for each in found if each]
        if not found:
            break
        at, time_ns = min(found, key=lambda each: each[0])
        want.append((len(want), time_ns))
        left = left[at + 1 :]
    flight = flight_of(*((f"e{i}", f"phase {i}", tuple(any_of)) for i, any_of in enumerate(steps)))
    for edges in ([], cuts, range(len(rows))):
        monitor = FlightMonitor(flight)
        events = [event for part in parts_of(batch, edges) for event in monitor.watch(part)]
        assert [(int(event.name[1:]), event.received_ns) for event in events] == want
        assert monitor.t0_ns == (want[0][1] if want else None)


def test_packets_received_together_are_ordered_by_their_times():
    """A fast replay hands over seconds of all packet types at once, a live link row by row: the events are the same."""
    t = np.arange(0, 20, 0.1)
    pressure = batch_of({"pressure": np.where((t > 2) & (t < 6), 5e6, 1e5)}, t, "propulsion")
    altitude = batch_of({"altitude": 100 - (t - 11) ** 2}, t + 0.05, "guidance")
    code = batch_of({"code": np.where(t > 3, 4, 7)}, t + 0.02, "state")
    flight = flight_of(
        ("liftoff", "boost", (Above("propulsion.pressure", 1e6, 0.3),)),
        ("arm", "armed", (Equals("state.code", 4),)),
        ("burnout", "coast", (Below("propulsion.pressure", 1e6),)),
        ("apogee", "descent", (Falls("guidance.altitude", 4.0),)),
    )
    results = []
    for batches in ([pressure, altitude, code], [code, altitude, pressure]):
        together = FlightMonitor(flight)
        results.append([(e.name, e.received_ns) for e in together.watch(*batches)])
    one_by_one, live = FlightMonitor(flight), []
    rows = [part for batch in (code, altitude, pressure) for part in parts_of(batch, range(len(t)))]
    for row in sorted(rows, key=lambda part: int(part.received_ns[0])):
        live += [(e.name, e.received_ns) for e in one_by_one.watch(row)]
    assert results == [live, live]
    expected = [("liftoff", 2.1), ("arm", 3.12), ("burnout", 6.0), ("apogee", 11.05)]
    assert [(name, round(at / 1e9, 6)) for name, at in live] == expected


either = st.sampled_from(["p.v", "q.v"])
of_two = st.one_of(
    st.builds(Above, either, st.integers(0, 9), st.sampled_from([0.0, 1.0])),
    st.builds(Falls, either, st.sampled_from([1, 4])),
    st.builds(Equals, either, st.integers(0, 9)),
)


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(st.lists(of_two, min_size=1, max_size=2), min_size=1, max_size=4),
    rows=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40),
    cuts=st.lists(st.integers(1, 40)),
    turned=st.booleans(),
)
def test_two_packet_types_in_any_blocks(steps, rows, cuts, turned):
    """Rows of two packet types, given one by one or by blocks of both types in any order: the same events."""
    flight = flight_of(*((f"e{i}", f"phase {i}", tuple(any_of)) for i, any_of in enumerate(steps)))
    results = []
    for edges in (range(len(rows)), cuts, []):
        cut = sorted({0, len(rows), *(each for each in edges if each < len(rows))})
        monitor, events = FlightMonitor(flight), []
        for begin, end in pairwise(cut):
            block = []
            for packet in ("q", "p") if turned else ("p", "q"):
                times = [at for at in range(begin, end) if rows[at][1] == (packet == "p")]
                if times:
                    block.append(batch_of({"v": np.array([rows[at][0] for at in times])}, times, packet))
            events += monitor.watch(*block)
        results.append([(event.name, event.received_ns, event.detail) for event in events])
    assert results[0] == results[1] == results[2]


def test_rows_are_told_the_phase_they_were_received_in():
    """By the time of the decision, whatever batch the row is in; also of another packet type."""
    flight = flight_of(("liftoff", "boost", (Above("p.v", 0, 0.0),)), ("burnout", "coast", (Equals("p.v", 5),)))
    for size in (1, 3, 10):
        monitor, told, others = FlightMonitor(flight), [], []
        whole = batch_of({"v": np.array([0, 0, 1, 2, 3, 5, 6, 7])}, np.arange(8))
        for part in parts_of(whole, range(0, 8, size)):
            monitor.watch(part)
            other = batch_of({"w": part["v"]}, part.received_ns / 1e9, "q")
            for batch, into in ((part, told), (other, others)):
                for piece, phase in monitor.by_phase(batch):
                    into += [(int(at) // SECOND, phase) for at in piece.received_ns]
        assert told == others == list(enumerate(["pad"] * 3 + ["boost"] * 3 + ["coast"] * 2))


def test_a_decoded_batch_is_cut_with_all_it_holds():
    """The parts by phase of a batch of raw rows: values, validity, vehicle time, and the gaps once."""
    layout = Layout(cs.Struct("v" / cs.Int8ub, "w" / cs.Int16ub))
    rows = np.array([[0, 1, i] for i in range(3)] + [[7, 2, i] for i in range(5)], np.uint8)
    valid, times = np.arange(8) != 6, np.arange(8) * SECOND
    batch = Batch("p", "link", layout.columns(rows), times, valid, np.arange(8) / 4, sequence_gaps=2)
    monitor = FlightMonitor(flight_of(("liftoff", "boost", (Above("p.v", 0),))))
    monitor.watch(batch)
    parts = list(monitor.by_phase(batch))
    assert [(phase, part["v"].tolist(), part["w"].tolist()) for part, phase in parts] == [
        ("pad", [0, 0, 0, 7], [256, 257, 258, 512]),
        ("boost", [7, 7, 7, 7], [513, 514, 515, 516]),
    ]
    assert [part.valid.tolist() for part, _ in parts] == [[True] * 4, [True, True, False, True]]
    assert [part.time.tolist() for part, _ in parts] == [[0.0, 0.25, 0.5, 0.75], [1.0, 1.25, 1.5, 1.75]]
    assert [part.sequence_gaps for part, _ in parts] == [2, 0]


def test_steady_remembers_a_bounded_part_of_any_rate():
    """At 100 kHz for 10 s it keeps a thousand entries, and the landing is right to a thousandth of its seconds."""
    monitor = FlightMonitor(flight_of(("landing", "landed", (Steady("p.v", 2.0, 10.0),))))
    t = np.arange(0, 12, 1e-5)
    values = np.where(t < 1.0, 1000.0 * (1.0 - t), np.sin(40 * t))
    kept = 0
    for part in parts_of(batch_of({"v": values}, t), range(0, len(t), 100_000)):
        monitor.watch(part)
        steady = monitor._watchers[0][1] if monitor._watchers else None
        kept = max(kept, sum(map(len, (steady._begins, steady._highs, steady._lows))) if steady else 0)
    assert 0 < kept <= 3 * 1026
    assert times_of(monitor)["landing"] == pytest.approx(1.0, abs=10 / 1024 + 2e-3)


def test_switched_on_in_flight_it_passes_what_already_holds():
    """Data that begins on the way down: liftoff and apogee are passed at once, the landing is found."""
    flight = flight_of(
        ("liftoff", "ascent", (Above("p.altitude", 100.0),)),
        ("apogee", "descent", (Falls("p.altitude", 20.0),)),
        ("landing", "landed", (Steady("p.altitude", 1.0, 5.0),)),
    )
    t = np.arange(300.0, 400.0, 0.5)
    monitor = FlightMonitor(flight)
    monitor.watch(batch_of({"altitude": np.maximum(500 - 10 * (t - 300), 0)}, t))
    assert times_of(monitor) == {"liftoff": 300.0, "apogee": 300.5, "landing": 350.0}


def test_arrays_text_and_missing_measurements():
    """An array's elements count one after the other; text and what a packet lacks never come true."""
    flight = flight_of(("a", "x", (Equals("p.text", 1.0), Above("p.gone", 0.0), Above("p.z", 8.0))))
    monitor = FlightMonitor(flight)
    batch = batch_of({"text": np.array(["1", "1"]), "z": np.array([[1, 2, 3], [4, 9, 5]])}, [1.0, 2.0])
    (event,) = monitor.watch(batch)
    assert (event.received_ns, event.detail["value"]) == (2 * SECOND, 9.0)
    assert monitor.watch(batch) == []


def test_without_a_flight_nothing_happens():
    monitor = FlightMonitor(None)
    assert monitor.watch(batch_of({"v": [1.0]}, [0.0])) == []
    assert (monitor.phase, monitor.t0_ns, monitor.event_times) == ("", None, {})
    with pytest.raises(DeclarationError, match="name one of apogee"):
        FlightMonitor(Flight("pad", (Transition("apogee", "descent", (Falls("p.v", 1.0),)),)))
