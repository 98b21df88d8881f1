"""The alarm table, told as a test day would: what an operator sees after each step."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from groundstation.alarms import AlarmTable
from groundstation.limits import Crossing, Level, Standing

NOMINAL, YELLOW, RED = Level.NOMINAL, Level.YELLOW, Level.RED


class Story:
    """A table, and the levels of its measurements so far."""

    def __init__(self) -> None:
        self.table, self.levels, self.now = AlarmTable(), {}, 0

    def goes(self, name: str, level: Level, value: float = 27.4, beyond: float = 0.1) -> None:
        self.now += 1_000_000_000
        limit = f"{level.word} < 27.5" if level else ""
        previous = self.levels.get(name, NOMINAL)
        self.levels[name] = level
        crossing = Crossing(name, level, previous, self.now, self.now - 5, value, value, beyond, limit, "V")
        self.table.update(crossing)

    def seen(self, *keys: str) -> list:
        alarms = self.table.as_payload(lambda ns: ns / 1e9)["alarms"]
        return [tuple(alarm[key] for key in keys) for alarm in alarms]


def test_the_payload_is_that_of_the_bus_document():
    """docs/bus.md, `alarms`: every key of its example, and none besides; null for what is no number."""
    story = Story()
    story.goes("power.battery_voltage", RED, -math.inf, math.inf)
    (alarm,) = story.table.as_payload(lambda ns: None)["alarms"]
    assert json.loads(json.dumps(alarm, allow_nan=False)) == {
        "measurement": "power.battery_voltage",
        "level": "red",
        "active": True,
        "acknowledged": False,
        "by": "",
        "first_out": 1,
        "since_ns": 999_999_995,
        "mission_time": None,
        "value": None,
        "worst": None,
        "limit": "red < 27.5",
        "unit": "V",
        "count": 1,
    }


def test_an_alarm_that_returned_stays_until_it_is_acknowledged():
    story = Story()
    story.goes("a", RED)
    story.goes("a", NOMINAL, 28.0)
    assert story.seen("measurement", "active", "acknowledged", "level", "limit") == [
        ("a", False, False, "red", "red < 27.5")
    ]
    assert story.table.acknowledge("a", "ann") == ["a"]
    assert story.seen("measurement") == []


def test_an_acknowledged_alarm_stays_until_it_returns():
    story = Story()
    story.goes("a", RED)
    assert story.table.acknowledge("*", "ann") == ["a"]
    assert story.table.acknowledge("*", "bob") == []  # nothing new to see
    assert story.seen("measurement", "active", "acknowledged", "by") == [("a", True, True, "ann")]
    story.goes("a", NOMINAL)
    assert len(story.table) == 0


def test_a_rise_asks_again_and_an_ease_does_not_hide_the_red():
    story = Story()
    story.goes("a", YELLOW)
    story.table.acknowledge("a", "ann")
    story.goes("a", RED)
    assert story.seen("level", "acknowledged", "by") == [("red", False, "")]
    story.goes("a", YELLOW)
    assert story.seen("level", "active", "limit") == [("red", True, "red < 27.5")]
    story.table.acknowledge("a", "ann")
    assert story.seen("level", "active", "limit") == [("yellow", True, "yellow < 27.5")]
    assert story.table.totals() == {"red": 0, "yellow": 1, "unacknowledged": 0}


def test_by_need_red_then_unacknowledged_then_first_out():
    story = Story()
    for name, level in (("a", YELLOW), ("b", RED), ("c", RED), ("d", YELLOW), ("e", RED)):
        story.goes(name, level)
    story.table.acknowledge("b", "ann")
    story.table.acknowledge("a", "ann")
    assert story.seen("measurement", "first_out") == [("c", 3), ("e", 5), ("b", 2), ("d", 4), ("a", 1)]
    assert story.table.totals() == {"red": 3, "yellow": 2, "unacknowledged": 3}


def test_the_first_cause_is_numbered_from_one_again_once_the_table_was_empty():
    story = Story()
    story.goes("a", RED)
    story.goes("b", RED)
    story.goes("a", NOMINAL)
    story.table.acknowledge("*", "ann")
    story.goes("c", RED)
    assert story.seen("measurement", "first_out") == [("c", 3), ("b", 2)]
    story.goes("b", NOMINAL)
    story.goes("c", NOMINAL)
    story.table.acknowledge("*", "ann")
    story.goes("d", YELLOW)
    assert story.seen("measurement", "first_out") == [("d", 1)]


def test_count_and_worst_are_of_all_its_times_and_since_is_the_first():
    story = Story()
    story.goes("a", RED, 27.4, 0.1)
    assert story.table.follow([Standing("a", RED, 26.9, 26.5, 1.0), Standing("z", RED, 1.0, 1.0, 9.0)])
    assert not story.table.follow([Standing("a", RED, 27.0, 26.5, 1.0)])
    story.goes("a", NOMINAL, 28.0, 1.0)
    story.goes("a", RED, 27.3, 0.2)
    assert story.seen("value", "worst", "count", "mission_time") == [(27.3, 26.5, 2, 0.999999995)]


def test_the_table_is_bounded_and_keeps_what_is_needed_most():
    story = Story()
    for index in range(1200):
        story.goes(f"m{index}", RED if index % 2 else YELLOW)
    assert (len(story.table), story.table.dropped) == (1000, 200)
    assert story.table.totals()["red"] == 600
    story.goes("m1198", NOMINAL)  # one that was dropped
    assert len(json.dumps(story.table.as_payload(lambda ns: ns / 1e9))) < 1_000_000


names, levels = st.sampled_from("abc"), st.sampled_from(list(Level))
steps = st.lists(st.one_of(st.tuples(names, levels), st.tuples(st.sampled_from(["a", "b", "c", "*"]))), max_size=40)


@given(steps)
def test_whatever_is_out_or_unseen_is_in_the_table_and_nothing_else(story_steps):
    """Against two plain sets: what is out now, and what was out and not acknowledged since."""
    story, unseen = Story(), set()
    for step in story_steps:
        if len(step) == 2:
            name, level = step
            before = story.levels.get(name, NOMINAL)
            if level == before:
                continue
            story.goes(name, level)
            if level > before:
                unseen.add(name)
        else:
            story.table.acknowledge(step[0], "ann")
            unseen -= set("abc") if step[0] == "*" else {step[0]}
        out = {name for name, level in story.levels.items() if level}
        assert {name for (name,) in story.seen("measurement")} == out | unseen
        assert {name for name, active in story.seen("measurement", "active") if active} == out
        assert {name for name, known in story.seen("measurement", "acknowledged") if not known} == unseen
