"""What the replay's keys ask for, and which station is opened when nobody said."""

from typing import Any

import orjson
import pytest

from groundstation.console import replay_requests
from groundstation.console.stations import SETTLE_NS, Stations
from groundstation.console.widgets.replay_bar import timeline, turning_points

SECOND = 1_000_000_000


@pytest.fixture
def replayed(bus: Any) -> Any:
    """A replay 40 s after T-0, with events before and after."""
    bus.define()
    bus.replay()
    for name, at_s in (("liftoff", 0.0), ("burnout", 39.8), ("apogee", 80.0)):
        bus.event(name, at_s)
    bus.event("noise", 45.0, kind="limit")
    bus.advance(39.0)
    bus.telemetry("guidance", {"altitude": [1.0] * 50, "mode": [0] * 50})
    bus.advance(1.0)
    bus.telemetry("guidance", {"altitude": [1.0, 2.0], "mode": [0, 0]})
    bus.replay()
    return bus


def seconds(bus: Any, requests: list[dict[str, Any]]) -> float:
    """Where the last request seeks, in s since T-0."""
    assert requests[-1]["do"] == "seek"
    return (requests[-1]["received_ns"] - bus.picture.status.t0_ns) / 1e9


def test_space_pauses_and_plays(replayed: Any) -> None:
    assert replay_requests.pause_or_play(replayed.picture) == [{"do": "pause"}]
    replayed.replay(paused=True)
    assert replay_requests.pause_or_play(replayed.picture) == [{"do": "play"}]


def test_jumps_are_ten_seconds_within_the_recording(replayed: Any) -> None:
    assert seconds(replayed, replay_requests.jump(replayed.picture, 1)) == 50.0
    assert seconds(replayed, replay_requests.jump(replayed.picture, -1)) == 30.0
    assert seconds(replayed, replay_requests.jump(replayed.picture, 2)) == 100.0
    assert seconds(replayed, replay_requests.jump(replayed.picture, -2)) == -10.0
    replayed.advance(248)
    replayed.replay()
    assert seconds(replayed, replay_requests.jump(replayed.picture, 1)) == 290.0


def test_events_are_those_of_the_flight_and_the_one_just_reached_is_behind(replayed: Any) -> None:
    assert seconds(replayed, replay_requests.event(replayed.picture, 1)) == 80.0
    assert seconds(replayed, replay_requests.event(replayed.picture, -1)) == 0.0
    replayed.advance(45)
    replayed.replay()
    assert replay_requests.event(replayed.picture, 1) == []


def test_events_still_to_come_are_known_from_the_recording(replayed: Any) -> None:
    landing = {"name": "landing", "received_ns": replayed.picture.status.t0_ns + 250 * SECOND}
    replayed.advance(45)
    replayed.replay(events=[landing])
    assert seconds(replayed, replay_requests.event(replayed.picture, 1)) == 250.0
    assert [event.name for event in turning_points(replayed.picture)] == ["liftoff", "burnout", "apogee", "landing"]


def test_a_step_is_a_packet_on_or_back(replayed: Any) -> None:
    assert replay_requests.step(replayed.picture, 1) == [{"do": "step", "n": 1}]
    assert replay_requests.step(replayed.picture, -1) == [{"do": "step", "n": -1}]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("T+12.3", {"mission_time": 12.3}),
        ("t-5 s", {"mission_time": -5.0}),
        ("apogee", {"event": "apogee"}),
        ("apogee-5", {"event": "apogee", "by": -5.0}),
        ("nowhere", {"event": "nowhere", "by": 0.0}),
    ],
)
def test_where_to_go_is_written_as_people_say_it(replayed: Any, text: str, asked: dict[str, Any]) -> None:
    assert replay_requests.go_to(replayed.picture, text) == [{"do": "seek", **asked}]


@pytest.mark.parametrize(
    ("text", "to_s"), [("15", 5.0), ("+15", 55.0), ("-15", 25.0), ("mark", 30.0), ("mark + 1.5", 31.5), ("9999", 290.0)]
)
def test_also_by_seconds_and_by_what_an_operator_marked(replayed: Any, text: str, to_s: float) -> None:
    replayed.event("mark", 30.0, kind="operator")
    assert seconds(replayed, replay_requests.go_to(replayed.picture, text)) == to_s


def test_what_is_no_place_is_said(replayed: Any) -> None:
    with pytest.raises(ValueError, match="want T"):
        replay_requests.go_to(replayed.picture, "5 minutes")


def test_a_loop_has_two_ends_in_any_order(replayed: Any) -> None:
    now, first = replayed.picture.now_ns, replayed.picture.now_ns - 5 * SECOND
    looped = {"do": "loop", "loop": True, "from_ns": first, "to_ns": now}
    assert replay_requests.loop(replayed.picture, first) == [looped]
    assert replay_requests.loop(replayed.picture, now + SECOND) == [looped | {"from_ns": now, "to_ns": now + SECOND}]
    assert replay_requests.loop(replayed.picture) == [{"do": "loop", "loop": False}]


@pytest.mark.parametrize(
    ("speed", "direction", "asked"),
    [(1.0, 1, 2.0), (1.0, -1, 0.5), (3.0, 1, 4.0), (100.0, 1, 200.0), (1000.0, 1, "max"), ("max", -1, 1000.0),
     ("max", 1, "max"), (0.1, -1, 0.1)],
)  # fmt: skip
def test_speeds_go_up_and_down(replayed: Any, speed: Any, direction: int, asked: Any) -> None:
    replayed.replay(speed=speed)
    assert replay_requests.speed(replayed.picture, direction) == [{"do": "speed", "speed": asked}]


def test_a_live_station_is_asked_for_nothing(bus: Any) -> None:
    bus.fly()
    for what in (replay_requests.jump, replay_requests.step, replay_requests.event, replay_requests.speed):
        assert what(bus.picture, 1) == []
    assert replay_requests.pause_or_play(bus.picture) == []


def status(state: str) -> bytes:
    return orjson.dumps({"state": state, "mode": "live"})


def test_the_only_station_is_opened_once_others_had_time_to_speak() -> None:
    stations = Stations()
    assert stations.only_one(0) is None
    stations.take("groundstation/live/a/status", status("running"), 100)
    stations.take("groundstation/live/old/status", status("lost"), 200)
    stations.take("groundstation/live/junk/status", b"\xff", 200)
    assert stations.only_one(200) is None
    assert stations.only_one(100 + SETTLE_NS) == "groundstation/live/a"
    stations.take("groundstation/replay/b/status", status("ended"), 300)
    assert stations.only_one(100 + SETTLE_NS) is None
    assert stations.present == ["groundstation/live/a", "groundstation/replay/b"]


def test_the_timeline_names_events_where_there_is_room(replayed: Any) -> None:
    replay = replayed.picture.status.replay
    bar = timeline(replay, replayed.picture.now_ns, turning_points(replayed.picture), 62)
    assert bar == "├──▾──────▾●───────▾apogee───────────────────────────────────┤"
    assert len(timeline(replay, 0, [], 20)) == 20


def test_the_timeline_shows_where_events_may_lie_that_are_not_yet_known(replayed: Any) -> None:
    replayed.replay(read=0.5)
    bar = timeline(replayed.picture.status.replay, replayed.picture.now_ns, [], 22)
    assert bar == "├───●──────╌╌╌╌╌╌╌╌╌╌┤"


def test_the_timeline_shows_what_is_looped(replayed: Any) -> None:
    t0_ns = replayed.picture.status.t0_ns
    replayed.replay(loop=True, loop_from_ns=t0_ns + 20 * SECOND, loop_to_ns=t0_ns + 140 * SECOND)
    bar = timeline(replayed.picture.status.replay, replayed.picture.now_ns, turning_points(replayed.picture), 62)
    assert bar == "├──▾───[━━▾●━━━━━━━▾apogee━━━━━]─────────────────────────────┤"
