"""The picture: what the bus said, what may be thought of it, and what no message can do to it."""

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundstation.console.picture import Picture
from groundstation.console.reading import Origin, Quality


def wobble(count: int) -> list[float]:
    """A value that moves by a count at every sample."""
    return [29.81 + 0.01 * (index % 2) for index in range(count)]


def voltage(bus: Any) -> Any:
    return bus.picture.reading("power.battery_voltage")


def power(bus: Any, values: list[Any], **changes: Any) -> None:
    bus.telemetry("power", {"battery_voltage": values}, **changes)


def test_a_message_gives_the_newest_value_and_the_extremes(bus: Any) -> None:
    bus.define()
    bus.status()
    power(bus, [28.0, 31.0, 29.5])
    reading = voltage(bus)
    assert (reading.value, reading.low, reading.high, reading.quality) == (29.5, 28.0, 31.0, Quality.NOMINAL)
    assert (reading.declared.unit, reading.declared.resolution, reading.declared.red) == ("V", 0.01, (27.5, None))


def test_labels_flags_texts_and_arrays_are_kept(bus: Any) -> None:
    bus.fly()
    picture = bus.picture
    assert picture.reading("guidance.mode").declared.labels[int(picture.reading("guidance.mode").value)] == "ascent"
    assert picture.reading("power.armed").value == 1.0
    assert picture.reading("power.serial").value == "SN-0042"
    assert picture.reading("power.cells").value == [3.3, 3.2, 3.1]


@pytest.mark.parametrize(("values", "valid"), [([29.8, None], [True, True]), ([29.8, 29.9], [True, False])])
def test_no_number_or_a_packet_not_valid_makes_a_value_invalid(bus: Any, values: list[Any], valid: list[bool]) -> None:
    bus.define()
    bus.status()
    power(bus, values, valid=valid)
    assert voltage(bus).quality is Quality.INVALID


@pytest.mark.parametrize(
    ("packet", "fresh_s", "stale_s"), [("guidance", 0.95, 1.05), ("power", 2.95, 3.05)], ids=["10 Hz", "1 Hz"]
)
def test_a_value_is_stale_after_three_intervals_and_a_second(
    bus: Any, packet: str, fresh_s: float, stale_s: float
) -> None:
    bus.fly()
    name = {"guidance": "guidance.altitude", "power": "power.battery_voltage"}[packet]
    bus.advance(fresh_s)
    assert bus.picture.reading(name).quality is Quality.NOMINAL
    bus.advance(stale_s - fresh_s)
    assert bus.picture.reading(name).quality is Quality.STALE


def test_a_value_nobody_knows_the_rate_of_is_stale_after_ten_seconds(bus: Any) -> None:
    bus.status()
    bus.telemetry("beacon", {"count": [1]})
    bus.advance(9.9)
    assert bus.picture.reading("beacon.count").quality is Quality.NOMINAL
    bus.advance(0.2)
    assert bus.picture.reading("beacon.count").quality is Quality.STALE


def test_silence_is_said_with_its_age(bus: Any) -> None:
    bus.fly()
    assert not bus.picture.data_is_old
    bus.advance(12.5)
    assert bus.picture.data_is_old
    assert bus.picture.data_age_ns == 12_500_000_000


def test_a_station_whose_clock_is_an_hour_off_is_not_stale(new_bus: Any) -> None:
    bus = new_bus()
    bus.define()
    bus.status()
    for _ in range(5):
        power(bus, [29.8])
        bus.advance(1.0)
    bus.picture.tick(bus.at_ns, bus.data_ns + 3_600_000_000_000)
    assert voltage(bus).quality is Quality.NOMINAL
    assert voltage(bus).age_ns == 1_000_000_000


def test_a_value_the_broker_kept_from_yesterday_is_stale_at_once(bus: Any) -> None:
    bus.define()
    power(bus, [29.8], retained=True)
    bus.status()
    bus.picture.tick(bus.at_ns, bus.data_ns + 86_400_000_000_000)
    assert voltage(bus).quality is Quality.STALE
    assert voltage(bus).age_ns == 86_400_000_000_000


def test_a_paused_replay_does_not_age_and_a_running_one_does(bus: Any) -> None:
    bus.define()
    bus.replay()
    power(bus, [29.8])
    bus.replay(paused=True)
    bus.advance(60)
    assert voltage(bus).quality is Quality.NOMINAL
    bus.at_ns -= 60_000_000_000
    bus.replay()
    bus.replay(position_ns=bus.data_ns + 5_000_000_000)
    bus.tick()
    assert voltage(bus).quality is Quality.STALE


def test_a_stopped_station_vouches_for_nothing(bus: Any) -> None:
    bus.fly()
    bus.status(state="lost")
    assert voltage(bus).quality is Quality.STALE


def test_a_repeat_changes_nothing_and_a_jump_is_counted(bus: Any) -> None:
    bus.define()
    bus.status()
    power(bus, [29.0], seq=812)
    power(bus, [25.0], seq=812)
    power(bus, [29.5], seq=815)
    state = bus.picture.packets["power"]
    assert (state.repeats, state.missed, state.count) == (1, 2, 2)
    assert voltage(bus).low == 29.0


def test_another_session_forgets_the_one_before_and_ignores_its_messages(bus: Any) -> None:
    bus.fly()
    bus.session = "two"
    bus.status()
    assert voltage(bus).quality is Quality.ABSENT
    assert bus.picture.events == []
    power(bus, [21.0], session="one")
    assert voltage(bus).quality is Quality.ABSENT
    power(bus, [29.7], seq=1)
    assert voltage(bus).value == 29.7


def test_a_new_session_begins_with_its_first_packet_not_only_with_its_status(bus: Any) -> None:
    bus.fly()
    power(bus, [27.7], session="two", seq=1)
    assert voltage(bus).value == 27.7
    power(bus, [21.0], session="one", seq=99)
    assert voltage(bus).value == 27.7
    assert bus.picture.reading("guidance.altitude").quality is Quality.ABSENT


def test_what_the_broker_kept_of_another_session_does_not_begin_it(bus: Any) -> None:
    bus.fly()
    power(bus, [21.0], session="before", seq=7, retained=True)
    assert voltage(bus).value == 29.81


def test_a_trace_fills_the_curve_and_the_extremes_from_before_this_screen_was_opened(bus: Any) -> None:
    bus.fly()
    zero = bus.data_ns - 100_000_000_000
    times = [zero + second * 1_000_000_000 for second in range(110)]
    trace = {"received_ns": times, "values": [float(second) for second in range(110)]}
    bus.publish("traces", {"session": "one", "traces": {"power.battery_voltage": trace, "power.none": trace}})
    curve = bus.picture.curve("power.battery_voltage", zero + 50_000_000_000)
    assert curve.values.tolist() == [*map(float, range(50, 100)), 29.81]
    assert (voltage(bus).low, voltage(bus).high) == (0.0, 109.0)
    bus.publish("traces", {"session": "before", "traces": {}}, retained=True)
    assert voltage(bus).high == 109.0
    bus.publish("traces", {"session": "one", "traces": {"power.battery_voltage": {"received_ns": [1], "values": []}}})
    assert bus.picture.not_understood == 1


def test_after_a_seek_the_trace_stands_in_until_the_next_packet(bus: Any) -> None:
    bus.define()
    bus.replay(paused=True)
    trace = {"received_ns": [bus.data_ns - 2_000_000_000, bus.data_ns - 500_000_000], "values": [29.0, 28.5]}
    bus.publish("traces", {"session": "one", "traces": {"power.battery_voltage": trace}})
    assert (voltage(bus).value, voltage(bus).quality, voltage(bus).age_ns) == (28.5, Quality.NOMINAL, 500_000_000)
    power(bus, [28.4])
    assert voltage(bus).value == 28.4


def test_a_thinned_packet_is_expected_less_often(bus: Any) -> None:
    bus.define()
    bus.status()
    power(bus, [29.8], thinned=4)
    bus.advance(11.9)
    assert voltage(bus).quality is Quality.NOMINAL
    bus.advance(0.2)
    assert voltage(bus).quality is Quality.STALE


def test_telemetry_before_its_status_is_kept(bus: Any) -> None:
    power(bus, [29.7])
    bus.status()
    assert voltage(bus).value == 29.7


def test_a_value_that_stops_moving_is_frozen_and_one_that_never_moved_is_not(bus: Any) -> None:
    bus.define()
    bus.status()

    def send(voltages: list[float]) -> None:
        for each in voltages:
            bus.advance(0.1)
            bus.telemetry("power", {"battery_voltage": [each], "cells": [[3.0, 3.0, 3.0]]})

    send(wobble(30))
    assert voltage(bus).quality is Quality.NOMINAL
    send([29.81] * 40)
    assert voltage(bus).quality is Quality.NOMINAL, "four seconds are not yet unusual"
    send([29.81] * 30)
    assert voltage(bus).quality is Quality.FROZEN
    assert bus.picture.reading("power.cells").quality is Quality.NOMINAL
    send([29.82])
    assert voltage(bus).quality is Quality.NOMINAL


def test_how_samples_are_batched_does_not_change_what_is_frozen(new_bus: Any) -> None:
    samples = wobble(30) + [29.81] * 600
    one, many = new_bus(at_ns=10**12), new_bus(at_ns=10**12)
    for bus, step in ((one, len(samples)), (many, 7)):
        bus.define()
        bus.status()
        for start in range(0, len(samples), step):
            part = samples[start : start + step]
            bus.advance(0.01 * len(part))
            power(bus, part)
    assert voltage(one).quality is voltage(many).quality is Quality.FROZEN


def test_alarms_colour_their_measurement_the_worst_level_first(bus: Any) -> None:
    bus.fly()
    bus.alarm({"level": "yellow", "first_out": 1}, {"level": "red", "first_out": 2})
    assert voltage(bus).quality is Quality.RED
    bus.alarm({"level": "yellow"}, {"level": "red", "active": False, "acknowledged": True})
    assert voltage(bus).quality is Quality.YELLOW


def test_alarms_stand_in_order_of_need(bus: Any) -> None:
    bus.alarm(
        {"measurement": "a", "acknowledged": True, "first_out": 1},
        {"measurement": "b", "active": False, "first_out": 2},
        {"measurement": "c", "level": "yellow", "first_out": 3},
        {"measurement": "d", "first_out": 5},
        {"measurement": "e", "first_out": 4},
    )
    assert [alarm.measurement for alarm in bus.picture.alarms] == ["e", "d", "c", "b", "a"]


def test_events_of_the_session_before_are_not_shown(bus: Any) -> None:
    bus.event("landed", -500.0)
    bus.status()
    bus.event("landed", -500.0)
    bus.event("liftoff", 0.0)
    assert [event.name for event in bus.picture.events] == ["liftoff"]


def test_time_stands_still_when_a_file_has_come_to_its_end(bus: Any) -> None:
    bus.fly()
    ended = bus.data_ns
    bus.status(state="ended")
    bus.advance(100)
    assert bus.picture.now_ns == ended
    assert voltage(bus).quality is Quality.NOMINAL


def test_events_merge_and_stay_known_when_a_replay_moves_back(bus: Any) -> None:
    bus.replay()
    bus.event("apogee", 60.0)
    bus.event("liftoff", 0.0)
    bus.publish("events", {"events": [{"name": "liftoff", "kind": "flight", "received_ns": 1, "text": ""}]})
    bus.event("apogee", 60.0)
    assert [event.name for event in bus.picture.events] == ["liftoff", "liftoff", "apogee"]


def test_a_replay_moved_back_forgets_what_came_after(bus: Any) -> None:
    bus.define()
    bus.replay()
    for altitude in (10.0, 20.0, 900.0):
        bus.advance(1.0)
        bus.telemetry("guidance", {"altitude": [altitude], "mode": [0]})
    bus.at_ns -= 1_500_000_000
    bus.replay()
    bus.telemetry("guidance", {"altitude": [15.0], "mode": [0]})
    reading = bus.picture.reading("guidance.altitude")
    assert (reading.low, reading.high, reading.age_ns) == (10.0, 15.0, 0)
    assert bus.picture.packets["guidance"].history.values(0).tolist() == [10.0, 15.0]


@pytest.mark.parametrize(
    ("root", "status", "origin"),
    [
        ("groundstation/live/x", {}, Origin.LIVE),
        ("groundstation/live/x", {"synthetic": True}, Origin.SIMULATION),
        ("groundstation/replay/x", {"mode": "replay", "synthetic": True}, Origin.REPLAY),
    ],
)
def test_the_origin_is_never_in_doubt(new_bus: Any, root: str, status: dict[str, Any], origin: Origin) -> None:
    bus = new_bus(root)
    bus.status(**status)
    assert bus.picture.origin is origin


def test_names_are_the_declared_then_those_only_received(bus: Any) -> None:
    bus.fly()
    bus.telemetry("extra", {"b": [1.0], "a": [2.0]})
    assert bus.picture.names[:2] == ["guidance.altitude", "guidance.mode"]
    assert bus.picture.names[-2:] == ["extra.b", "extra.a"]


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(
    [
        *("state", "mode", "session", "now_ns", "started_ns", "t0_ns", "replay", "recording", "position_ns", "speed"),
        *("packets", "measurements", "labels", "yellow", "red", "shape", "rate", "display", "plots", "phases"),
        *(
            "seq",
            "values",
            "received_ns",
            "valid",
            "alarms",
            "level",
            "active",
            "first_out",
            "events",
            "link",
            "detail",
        ),
    ]
)
objects = st.dictionaries(keys, json | st.dictionaries(keys, json, max_size=5), max_size=8)
batches = st.fixed_dictionaries(
    {
        "session": st.just("one") | json,
        "seq": st.integers(0, 50) | json,
        "received_ns": st.lists(st.integers(0, 2**62), max_size=4) | json,
        "valid": st.lists(st.booleans(), max_size=4) | json,
        "values": st.dictionaries(st.text(max_size=2), st.lists(json, max_size=4) | json, max_size=4) | json,
    }
)
leaves = st.sampled_from(
    [
        "traces",
        "status",
        "definition",
        "link/a",
        "telemetry/a",
        "telemetry/a",
        "event",
        "events",
        "alarms",
        "request",
        "other",
    ]
)


@given(st.lists(st.tuples(leaves, (objects | batches).map(orjson.dumps) | st.binary(max_size=40))))
def test_no_message_breaks_the_picture(messages: list[tuple[str, bytes]]) -> None:
    picture = Picture("groundstation/live/x")
    for at_ns, (leaf, payload) in enumerate(messages):
        picture.take(f"groundstation/live/x/{leaf}", payload, at_ns=at_ns)
        picture.tick(at_ns, 10**18)
        for name in picture.names:
            assert picture.reading(name).quality in Quality
    assert picture.not_understood <= len(messages)
    assert math.isfinite(picture.data_age_ns)


def test_what_is_not_understood_is_counted(bus: Any) -> None:
    bus.fly()
    for payload in (b"", b"{", b"[1]", b'{"session": "one"}'):
        bus.publish("telemetry/power", payload)
    assert bus.picture.not_understood == 4
    assert voltage(bus).value == 29.81
