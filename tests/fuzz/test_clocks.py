"""The clock set back by an hour, or forward by years, while data come: what must go on, goes on."""

import numpy as np
import pytest
from construct import Float64b, Int8ub, Struct
from hypothesis import given, settings
from hypothesis import strategies as st

from groundstation.link_health import LinkHealth, LinkState
from groundstation.pipeline import Pipeline
from protocols.chunk import Chunk
from protocols.flight import Above, Below, Falls, Flight, Rises, Steady, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle
from replay.player import Player

S = 1_000_000_000
HOUR, NOON = 3600 * S, 1_700_000_000 * S
QUICK = settings(max_examples=60, deadline=None)


def vehicle() -> Vehicle:
    flight = Flight(
        "pad",
        (
            Transition("liftoff", "up", (Above("state.height", 20.0, 0.5),)),
            Transition("apogee", "down", (Falls("state.height", 5.0),)),
            Transition("landing", "ground", (Steady("state.height", 2.0, 1.0), Below("state.height", 1.0, 1.0))),
        ),
    )
    height = Measurement(Float64b, "m")
    pressure = Measurement(Float64b, "bar", red=(0.0, 10.0), persistence=2, persistence_s=1.0)
    packets = (
        Packet("state", Struct("height" / height), key=1),
        Packet("engine", Struct("pressure" / pressure), key=2),
    )
    return Vehicle("v", "V", packets, header=Header(Struct("key" / Int8ub), key="key"), flight=flight)


def chunk(key: int, value: float, at_ns: int) -> Chunk:
    return Chunk("link", bytes((key,)) + np.array(value, ">f8").tobytes(), at_ns)


def pipeline() -> Pipeline:
    return Pipeline(vehicle(), {"link": "datagram"})


def heights() -> list[float]:
    """Ten samples a second: on the pad, up, down, on the ground."""
    return [0.0] * 20 + [10.0 * n for n in range(60)] + [590.0 - 20 * n for n in range(29)] + [8.0] * 40


@pytest.mark.parametrize("step_ns", [-HOUR, -5 * S, 3 * 365 * 24 * HOUR])
@pytest.mark.parametrize("when", range(0, 149, 7))
def test_a_flight_is_followed_over_a_step_of_the_clock(step_ns: int, when: int) -> None:
    made = pipeline()
    for number, height in enumerate(heights()):
        made.receive(chunk(1, height, NOON + number * S // 10 + step_ns * (number >= when)))
    assert [event.name for event in made.events] == ["liftoff", "apogee", "landing"]


@pytest.mark.parametrize("step_ns", [-HOUR, -5 * S])
def test_an_alarm_that_needs_seconds_comes_although_the_clock_was_set_back(step_ns: int) -> None:
    made = pipeline()
    for number in range(40):
        made.receive(chunk(2, 99.0, NOON + number * S // 10 + step_ns * (number >= 5)))
    assert [event.name for event in made.events] == ["red"]
    assert made.events[0].received_ns <= NOON + step_ns + 2 * S


def test_conditions_on_another_packet_go_on_after_the_clock_was_set_back() -> None:
    flight = Flight(
        "pad",
        (
            Transition("liftoff", "up", (Above("state.height", 20.0),)),
            Transition("burnout", "coast", (Below("engine.pressure", 1.0),)),
        ),
    )
    base = vehicle()
    made = Pipeline(Vehicle("v", "V", base.packets, header=base.header, flight=flight), {"link": "datagram"})
    made.receive(chunk(1, 30.0, NOON))
    made.receive(chunk(2, 0.5, NOON - HOUR))
    made.receive(chunk(2, 0.5, NOON - HOUR + 1))
    assert made.flight.phase == "coast"


def test_a_silent_link_is_said_to_be_silent_after_the_clock_was_set_back() -> None:
    health = LinkHealth("link", "udp:1", silent_after_s=3.0)
    health.enter(LinkState.RECEIVING, NOON)
    health.received([Chunk("link", b"a", NOON + S)], 1)
    assert not health.is_silent(NOON + 2 * S)
    assert not health.is_silent(NOON - HOUR)
    assert not health.is_silent(NOON - HOUR + 2 * S)
    assert health.is_silent(NOON - HOUR + 4 * S)


def test_rates_take_bounded_memory_and_tell_no_nonsense_after_the_clock_was_set_back() -> None:
    health, times = LinkHealth("link", "udp:1"), [NOON + n * S // 100 for n in range(1000)]
    for number, at in enumerate([*times, *(at - HOUR for at in times)]):
        health.received([Chunk("link", bytes(100), at)], number)
        assert len(health._recent) <= 202
        bytes_per_s, frames_per_s = health.rates(at)
        assert 0 <= bytes_per_s <= 10_001 * 20
        assert 0 <= frames_per_s <= 2001
    assert health.rates(NOON - HOUR + 10 * S)[0] == pytest.approx(10_000, rel=0.05)


instants = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([NOON, NOON + 1, NOON - HOUR, 0, -(2**62), 2**62, NOON + 20 * 365 * 24 * HOUR]),
)


@QUICK
@given(
    times=st.lists(instants, max_size=12),
    speed=st.sampled_from([0.1, 1.0, 1000.0, float("inf")]),
    begin=instants,
    acts=st.lists(
        st.tuples(st.sampled_from(["due", "pause", "play", "step", "go on", "speed", "end"]), instants), max_size=12
    ),
)
def test_a_player_never_fails_and_hands_over_only_what_is_there(
    times: list[int], speed: float, begin: int, acts: list[tuple[str, int]]
) -> None:
    chunks = [Chunk("link", bytes((number,)), at) for number, at in enumerate(times)]
    placed = [(each, place) for place, each in enumerate(chunks, 1)]
    player, now = Player(placed, begin, speed), 0.0
    player.play(now)
    for act, at in acts:
        now += 0.5
        given_: list[Chunk] = []
        match act:
            case "due":
                given_ = player.due(now)
            case "pause":
                player.pause()
            case "play":
                player.play(now)
            case "step":
                given_ = [each for each in [player.step()] if each is not None]
            case "go on":
                player.go_on(placed, at, 0, now)
            case "end":
                player.set_end(at, now)
            case "speed":
                player.set_speed([0.1, 1.0, float("inf")][at % 3], now)
        assert all(each in chunks for each in given_)
        assert isinstance(player.position_ns, int)
        deadline = player.next_deadline()
        assert deadline is None or deadline == deadline


@QUICK
@given(samples=st.lists(st.tuples(st.sampled_from([1, 2]), st.floats(width=64), instants), min_size=1, max_size=40))
def test_no_times_and_no_values_make_it_fail(samples: list[tuple[int, float, int]]) -> None:
    one, together = pipeline(), pipeline()
    chunks = [chunk(*sample) for sample in samples]
    for each in chunks:
        one.receive(each)
    together.receive(*chunks)
    for made in (one, together):
        assert made.links["link"].counts()["frames"] == len(chunks)
        assert made.flight.phase in ("pad", "up", "down", "ground")


def test_rises_is_used_too() -> None:
    flight = Flight("pad", (Transition("liftoff", "up", (Rises("state.height", 20.0),)),))
    base = vehicle()
    made = Pipeline(Vehicle("v", "V", base.packets, header=base.header, flight=flight), {"link": "datagram"})
    for number in range(5):
        made.receive(chunk(1, 10.0 * number, NOON - number * HOUR))
    assert [event.name for event in made.events] == ["liftoff"]
