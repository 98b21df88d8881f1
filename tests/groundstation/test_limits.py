"""Limits against a plain sample-by-sample reading of the rules, over any cutting into batches."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import construct as cs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundstation.limits import Crossing, Level, LimitMonitor, Limits
from protocols.batch import Batch, Field
from protocols.curve import Linear, Polynomial, Table
from protocols.errors import DeclarationError
from protocols.layout import Layout
from protocols.measurement import Measurement

INF = math.inf


def field_of(path: str, unit: str = "V", raw_type: str = "f64") -> Field:
    return Field(path=path, unit=unit, doc="", raw_type=raw_type, bit=0, bits=64)


def batch_of(values, times=None, valid=None, path="v") -> Batch:
    values = np.asarray(values)
    times = np.arange(len(values)) * 1_000_000_000 if times is None else np.asarray(times, np.int64)
    valid = np.ones(len(values), np.bool_) if valid is None else np.asarray(valid, np.bool_)
    return Batch("p", "link", {path: values}, times, valid)


def monitor_of(limits: Limits, path: str = "v") -> LimitMonitor:
    return LimitMonitor({f"p.{path}": field_of(path)}, {f"p.{path}": limits})


def part_of(batch: Batch, begin: int, end: int) -> Batch:
    columns = {path: column[begin:end] for path, column in batch.columns.items()}
    return Batch(batch.packet, batch.link, columns, batch.received_ns[begin:end], batch.valid[begin:end])


def check_in_parts(monitor: LimitMonitor, batch: Batch, cuts, phase: str = "") -> list[Crossing]:
    edges = sorted({0, len(batch), *(cut for cut in cuts if cut < len(batch))})
    found = []
    for begin, end in pairwise(edges):
        found += monitor.check(part_of(batch, begin, end), phase)
    return found


@dataclass
class ByTheRules:
    """The rules of docs and docstrings, one sample at a time, written for reading."""

    limits: Limits
    level: Level = Level.NOMINAL
    runs: dict = field(default_factory=dict)
    active: set = field(default_factory=set)

    def bands(self):
        return [(Level.YELLOW, self.limits.yellow), (Level.RED, self.limits.red)]

    def crossings(self, batch: Batch) -> list[tuple[Level, Level, int, int, float]]:
        found = []
        for value, time_ns, valid in zip(
            batch["v"].tolist(), batch.received_ns.tolist(), batch.valid.tolist(), strict=True
        ):
            if not valid or math.isnan(value):
                continue
            since = []
            for level, band in self.bands():
                if band is not None:
                    since += self.sample(level, band, value, time_ns)
            before, self.level = self.level, max(self.active, default=Level.NOMINAL)
            if before != self.level:
                found.append((before, self.level, time_ns, min(since), value))
        return found

    def sample(self, level, band, value, time_ns) -> list[int]:
        low, high = band
        if value < low or value > high or math.isinf(value):
            run = self.runs.setdefault(level, [])
            run.append(time_ns)
            full = len(run) >= self.limits.persistence
            if level not in self.active and full and time_ns - run[0] >= self.limits.persistence_s * 1e9:
                self.active.add(level)
                return [run[0]]
            return []
        self.runs[level] = []
        if low + self.limits.hysteresis <= value <= high - self.limits.hysteresis and level in self.active:
            self.active.discard(level)
            return [time_ns]
        return []


samples = st.sampled_from(
    [0.0, 5.0, 9.0, 10.0, 11.0, 12.0, 25.0, 38.0, 39.0, 40.0, 41.0, 60.0, 61.0, INF, -INF, math.nan]
)
all_limits = st.builds(
    Limits,
    yellow=st.sampled_from([None, (10.0, 40.0), (-INF, 40.0), (10.0, INF)]),
    red=st.sampled_from([None, (5.0, 60.0), (0.0, INF), (-INF, 60.0)]),
    persistence=st.integers(1, 4),
    persistence_s=st.sampled_from([0.0, 0.0, 1.0, 2.5]),
    hysteresis=st.sampled_from([0.0, 1.0, 2.0]),
)


@settings(max_examples=400, deadline=None)
@given(
    limits=all_limits.filter(lambda each: each.yellow or each.red),
    rows=st.lists(st.tuples(st.lists(samples, min_size=1, max_size=3), st.integers(1, 20), st.booleans()), max_size=30),
    steps=st.integers(1, 3),
    cuts=st.lists(st.integers(1, 200)),
)
def test_any_cutting_gives_what_the_rules_say(limits, rows, steps, cuts):
    """Blocks (by numpy) and single rows (one by one) cross where the plain reading does."""
    values = np.array([v for pattern, times, _ in rows for v in pattern * times], np.float64)
    valid = np.array([ok for pattern, times, ok in rows for _ in pattern * times], np.bool_)
    batch = batch_of(values, np.arange(len(values)) * 500_000_000 * steps, valid)
    want = ByTheRules(limits).crossings(batch)
    results = []
    for edges in ([], cuts, range(len(values))):
        found = check_in_parts(monitor_of(limits), batch, edges)
        assert [(c.previous, c.level, c.received_ns, c.since_ns, c.value) for c in found] == want
        results.append(found)
    assert results[0] == results[1] == results[2]  # also the worst values and the texts


def test_persistence_counts_samples_and_seconds():
    """Three samples that also span 0.5 s: at 10 Hz the sixth, at 1 Hz the third."""
    limits = Limits(red=(27.5, INF), persistence=3, persistence_s=0.5)
    for period_ns, at in ((100_000_000, 5), (1_000_000_000, 2)):
        times = np.arange(20) * period_ns + 7
        values = np.full(20, 27.4)
        values[3 if at == 2 else 6] = 27.1
        (crossing,) = monitor_of(limits).check(batch_of(values, times), "")
        assert (crossing.received_ns, crossing.since_ns) == (times[at], 7)
        assert (crossing.measurement, crossing.unit, crossing.limit) == ("p.v", "V", "red < 27.5")
        assert (crossing.level, crossing.previous) == (Level.RED, Level.NOMINAL)


def test_the_worst_value_is_that_since_the_first_sample_outside():
    """A peak within the persistence counts; what was outside before it was nominal again does not."""
    monitor = monitor_of(Limits(yellow=(0.0, 40.0), red=(-10.0, 60.0), persistence=2))
    values = [90.0, 20.0, 50.0, 45.0, 44.0, 70.0, 71.0, 65.0, 50.0, 10.0, 20.0]
    found = monitor.check(batch_of(values), "")
    assert [(c.level.word, c.value, c.worst, c.beyond, c.limit) for c in found] == [
        ("yellow", 45.0, 50.0, 10.0, "yellow > 40"),
        ("red", 71.0, 71.0, 31.0, "red > 60"),
        ("yellow", 50.0, 71.0, 31.0, "yellow > 40"),
        ("nominal", 10.0, 71.0, 31.0, ""),
    ]
    assert monitor.standing == []


def test_standing_follows_the_newest_and_the_worst():
    """Between crossings the worst value still grows, and nothing else comes out."""
    monitor = monitor_of(Limits(red=(0.0, 60.0)))
    assert len(monitor.check(batch_of([61.0]), "")) == 1
    assert monitor.check(batch_of(np.r_[np.full(5000, 62.0), 99.0, 63.0]), "") == []
    (standing,) = monitor.standing
    assert (standing.level, standing.value, standing.worst, standing.beyond) == (Level.RED, 63.0, 99.0, 39.0)


def test_phases_switch_limits_off_and_on():
    """Outside its phases a measurement is nominal, whatever it reads, and returns there once it was not."""
    monitor = monitor_of(Limits(red=(3e6, INF), when=("boost",), persistence=2))
    low = batch_of([1e5, 1e5, 1e5])
    assert monitor.check(low, "pad") == []
    (entered,) = monitor.check(low, "boost")
    assert (entered.level, entered.received_ns) == (Level.RED, 1_000_000_000)
    (left,) = monitor.check(batch_of([math.nan, 1e5, 1e5]), "coast")
    assert (left.level, left.previous, left.received_ns) == (Level.NOMINAL, Level.RED, 1_000_000_000)
    assert monitor.check(low, "coast") == []
    assert monitor.check(batch_of([1e5]), "boost") == []  # counted anew
    assert len(monitor.check(batch_of([1e5]), "boost")) == 1


def test_of_an_array_the_worst_element_counts():
    """One element outside is enough; all must be back inside; NaN elements say nothing."""
    monitor = monitor_of(Limits(red=(-5.0, 5.0), hysteresis=1.0))
    rows = [[0, 0, 0], [0, 7, -6], [4.5, 0, 0], [math.nan, 0, -9], [math.nan] * 3, [4.0, -4.0, 0]]
    found = monitor.check(batch_of(np.array(rows, np.float64)), "")
    assert [(c.level.word, c.value, c.worst, c.received_ns // 10**9) for c in found] == [
        ("red", 7.0, 7.0, 1),
        ("nominal", 4.0, -9.0, 5),
    ]


def test_objects_decoded_one_by_one_are_judged_too():
    """Columns of objects: numbers and lists count, text and absent values do not."""
    column = np.empty(5, object)
    column[:] = [None, 2**80, [1, 2], "off", [1, 99]]
    found = monitor_of(Limits(red=(0.0, 50.0))).check(batch_of(column), "")
    assert [(c.level, c.value) for c in found] == [(Level.RED, 2.0**80), (Level.NOMINAL, 1.0), (Level.RED, 99.0)]
    assert monitor_of(Limits(red=(0.0, 50.0))).check(batch_of(np.array(["a", "b"])), "") == []


@pytest.mark.parametrize(
    ("name", "limits", "says"),
    [
        ("p.w", Limits(red=(0, 1)), "p.w: no such measurement"),
        ("p.v", Limits(red=(0, 1), hysteresis=0.6), "make it smaller"),
        ("p.v", Limits(red=(0, 1), persistence=0), "persistence starts at 1"),
        ("p.t", Limits(red=(0, 1)), "text9 has no limits"),
    ],
)
def test_limits_that_cannot_work_are_refused(name, limits, says):
    fields = {"p.v": field_of("v"), "p.t": field_of("t", raw_type="text9")}
    with pytest.raises(DeclarationError, match=says):
        LimitMonitor(fields, {name: limits})


def limited(counts, curve=None, band=(-20.0, 35.0)):
    return Measurement(counts, "V", curve, yellow=band)


BODY = cs.Struct(
    "u8" / limited(cs.Int8ub, Linear(0.5, -30.0)),
    "i8" / limited(cs.Int8sb),
    "u16l" / limited(cs.Int16ul, Linear(0.1, -100.0), (-20.0, 5000.0)),
    "i16" / limited(cs.Int16sb, Linear(-0.001, 0.3), (-20.0, 20.0)),
    "i24" / limited(cs.Int24sl, Linear(0.1), (-100.0, 123456.7)),
    "i32" / limited(cs.Int32sb, Linear(1e-7), (-100.1, 100.1)),
    "u64" / limited(cs.Int64ub, None, (0.0, 1.5e19)),
    "f32" / limited(cs.Float32b),
    "f32l" / limited(cs.Float32l, Linear(2.0, 1.0)),
    "f64" / limited(cs.Float64b),
    "poly" / limited(cs.Int16ub, Polynomial((-10.0, 0.01, -1.2e-7))),
    "table" / limited(cs.Int8ub, Table((0.0, 100.0, 255.0), (-40.0, 30.0, 60.0))),
    "code" / limited(cs.Enum(cs.Int8ub, off=0, on=1), None, (0.0, 1.0)),
    "bits"
    / cs.BitStruct(
        "flag" / limited(cs.Flag, None, (0.0, 0.5)),
        "unset" / limited(cs.Flag, None, (0.5, 1.0)),
        "u11" / limited(cs.BitsInteger(11), Linear(0.1, -50.0), (-20.0, 100.05)),
        "i5" / limited(cs.BitsInteger(5, signed=True), None, (-14.0, 14.0)),
        "rest" / cs.BitsInteger(6),
    ),
    "swapped" / cs.ByteSwapped(cs.BitStruct("u13" / limited(cs.BitsInteger(13), None, (5.0, 8000.0)), cs.Padding(3))),
    "flag8" / limited(cs.Flag, None, (0.0, 0.5)),
    "array" / cs.Array(3, limited(cs.Int16sl, Linear(0.01), (-300.0, 300.0))),
    "long" / limited(cs.Array(40, cs.Int8ub), None, (0.0, 253.0)),
)
LAYOUT = Layout(BODY)
FIELDS = {f"p.{path}": each for path, each in LAYOUT.fields.items()}
LIMITS = {name: Limits.of(each) for name, each in FIELDS.items() if each.yellow}


def rows_of(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, LAYOUT.size), np.uint8)


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")  # signalling NaN, in the decoder
@pytest.mark.parametrize("count", [1, 32, 33, 500])
def test_raw_counts_decide_as_construct_and_the_limits_do(count):
    """Every kind of field: random bytes cross exactly where the values construct parses are outside of the band.

    Row by row and in blocks, where the decision is made on raw counts, floats, or columns.
    """
    monitor, state, seen = LimitMonitor(FIELDS, LIMITS), dict.fromkeys(LIMITS, False), set()
    for seed in range(max(600 // count, 2)):
        rows = rows_of(seed, count)
        valid = np.ones(count, np.bool_)
        found = monitor.check(Batch("p", "l", LAYOUT.columns(rows), np.arange(count), valid), "")
        want = []
        for at, row in enumerate(rows):
            parsed = BODY.parse(row.tobytes())
            for order, name in enumerate(LIMITS):
                outside = out_of_band(parsed, name, FIELDS[name].yellow)
                if outside is not None and outside != state[name]:
                    state[name] = outside
                    want.append((at, order, name, outside))
                    seen.add((name, outside))
        assert [(c.received_ns, c.measurement, bool(c.level)) for c in found] == [(w[0], w[2], w[3]) for w in want]
    assert len(seen) == 2 * len(LIMITS)  # every field went out and came back


def out_of_band(parsed, name, band) -> bool | None:
    value = parsed
    for part in name.split(".")[1:]:
        value = value[part]
    values = [
        float(int(each) if isinstance(each, str) else each) for each in (value if isinstance(value, list) else [value])
    ]
    values = [each for each in values if not math.isnan(each)]
    return any(each < band[0] or each > band[1] for each in values) if values else None


@pytest.mark.parametrize("scale", [0.1, -0.1, 1 / 3, 0.0, 1e-9])
def test_the_last_count_inside_is_exact(scale):
    """At each limit that is a value of some count, that count is inside and its neighbour outside."""
    for edge in (0, 1, 77, 1000, 65534, 65535):
        value = edge * scale + 0.7
        body = cs.Struct(
            "x" / Measurement(cs.Int16ub, "V", Linear(scale, 0.7), red=(value, value + 1e-12 + abs(value)))
        )
        layout = Layout(body)
        fields = {"p.x": layout.fields["x"]}
        limits = {"p.x": Limits.of(layout.fields["x"])}
        for count in sorted({max(edge - 1, 0), edge, min(edge + 1, 65535)}):
            rows = np.frombuffer(count.to_bytes(2, "big"), np.uint8).reshape(1, 2)
            inside = value <= count * scale + 0.7 <= value + 1e-12 + abs(value)
            for size in (1, 40):
                block = np.repeat(rows, size, axis=0)
                batch = Batch("p", "l", layout.columns(block), np.arange(size), np.ones(size, np.bool_))
                assert bool(LimitMonitor(fields, limits).check(batch, "")) is not inside


def test_two_links_with_their_own_layouts_share_the_state():
    """The same packet by two links: its persistence counts the samples of both."""
    other = Layout(BODY)
    monitor = LimitMonitor(FIELDS, {"p.i8": Limits(red=(-100.0, 100.0), persistence=2)})
    row = np.zeros((1, LAYOUT.size), np.uint8)
    row[0, FIELDS["p.i8"].bit // 8] = 0x7F
    one = np.ones(1, np.bool_)
    assert monitor.check(Batch("p", "a", LAYOUT.columns(row), np.array([1]), one), "") == []
    (crossing,) = monitor.check(Batch("p", "b", other.columns(row), np.array([2]), one), "")
    assert (crossing.since_ns, crossing.received_ns, crossing.value) == (1, 2, 127.0)
