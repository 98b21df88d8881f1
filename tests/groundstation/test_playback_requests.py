"""What a script may ask of a replay over the bus, and what the status answers; on a real recording and broker."""

import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest

from groundstation.moments import Moment
from groundstation.reading import Reading, read
from protocols.chunk import Chunk
from protocols.errors import RecordingError
from replay.formats.mcap import McapRecording
from replay.recorder import Recorder
from replay.recording import Placed, RecordedLink
from tests.groundstation.conftest import Mosquitto, state_packet
from tests.groundstation.test_playback import (
    APOGEE,
    BEGIN_NS,
    FRAMER,
    LIFTOFF,
    PACKETS,
    STEP_NS,
    Console,
    altitude,
    played,
)

PIECE = 7
"""Bytes of a chunk: half a packet, so that no chunk is one."""


class Script:
    """Asks, and waits for the answer."""

    def __init__(self, console: Console, eventually: Any) -> None:
        self.console, self._eventually, self._ids = console, eventually, count(1)

    async def ask(self, **request: Any) -> dict[str, Any]:
        """The replay's status that answers a request."""
        number = next(self._ids)
        await self.console.ask(id=number, **request)
        await self._eventually(lambda: (self.console.replay.get("answer") or {}).get("id") == number)
        assert self.console.replay["answer"]["do"] == request["do"]
        return self.console.replay

    async def problem(self, **request: Any) -> str:
        """Why a request is refused."""
        return str((await self.ask(**request))["answer"]["problem"])

    async def shown(self) -> int:
        """The newest packet shown in this session, once all that was decoded has come."""
        console = self.console
        decoded = lambda: sum(console.station.pipeline.links["radio"].decoder.packets.values())  # noqa: E731
        await self._eventually(lambda: console.counts(console.station.session))
        await self._eventually(lambda: console.counts(console.station.session)[-1] == decoded() - 1)
        return console.counts(console.station.session)[-1]


@pytest.fixture
def pieces(tmp_path: Path, sparrow: Callable[..., Path]) -> Reading:
    """Ten seconds of flight, 100 packets a second, two chunks a packet, received at once."""
    campaign = sparrow("udp:5000")
    link = RecordedLink("sparrow", {"kind": "cobs", "check": "crc-16/ibm-3740"})
    about: dict[str, Any] = {"campaign": "", "definitions": {}, "synthetic": True, "software": "a test"}
    with Recorder(tmp_path / "hop.mcap", links={"radio": link}, **about) as recorder:
        for n in range(PACKETS):
            data = FRAMER.encode([state_packet(n, altitude(n))])
            for at in range(0, len(data), PIECE):
                recorder.write(Chunk("radio", data[at : at + PIECE], BEGIN_NS + n * STEP_NS))
    return read(recorder.path, campaign)


@pytest.fixture
def script(pieces: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any) -> Any:
    """``async with script(speed) as it``: a paused replay and a script that steers it."""

    @asynccontextmanager
    async def steering(speed: float = 1.0, reading: Reading = pieces, **options: Any) -> AsyncIterator[Script]:
        async with played(reading, mosquitto, subscriber, speed, **options) as console:
            await eventually(lambda: console.replay.get("state") in ("playing", "ended"))
            it = Script(console, eventually)
            await it.ask(do="pause")
            yield it

    return steering


def at(packet: int) -> int:
    return BEGIN_NS + packet * STEP_NS


async def test_every_step_shows_one_packet_more_and_every_step_back_one_less(script: Any) -> None:
    async with script() as it:
        await it.ask(do="seek", received_ns=at(500))
        for n in (500, 501, 502):
            replay = await it.ask(do="step")
            assert await it.shown() == n
            assert (replay["state"], replay["answer"]["problem"]) == ("paused", "")
        for n in (501, 500, 499, 498):
            session = it.console.station.session
            replay = await it.ask(do="step", n=-1)
            assert it.console.station.session != session
            assert await it.shown() == n
            assert replay["position_ns"] == at(n)
        await it.ask(do="step", n=10)
        assert await it.shown() == 508
        await it.ask(do="step", n=-100)
        assert await it.shown() == 408
        assert it.console.station.pipeline.flight.phase == "ascent"


async def test_steps_end_where_the_recording_does(script: Any) -> None:
    async with script() as it:
        await it.ask(do="seek", received_ns=at(PACKETS - 2))
        await it.ask(do="step", n=2)
        assert await it.shown() == PACKETS - 1
        assert await it.problem(do="step") == "there is no further packet"
        await it.ask(do="seek", received_ns=at(1))
        await it.ask(do="step")
        await it.ask(do="step", n=-1)
        assert await it.shown() == 0
        assert await it.problem(do="step", n=-1) == "there is no earlier packet"
        assert it.console.replay["position_ns"] == BEGIN_NS
        await it.ask(do="step")
        assert await it.shown() == 0


async def test_places_have_many_names(script: Any) -> None:
    async with script() as it:
        for request, place in (
            ({"received_ns": at(200)}, at(200)),
            ({"mission_time": 1.5}, at(LIFTOFF + 150)),
            ({"event": "apogee"}, at(APOGEE)),
            ({"event": "apogee", "by": -2.5}, at(APOGEE - 250)),
            ({"by": 1}, at(APOGEE - 150)),
            ({"by": -1e300}, at(0)),
            ({"mission_time": 1e300}, it.console.replay["last_ns"]),
        ):
            replay = await it.ask(do="seek", **request)
            assert replay["position_ns"] == place, request
            assert replay["answer"]["problem"] == ""
        for do, place in (("previous", APOGEE), ("previous", LIFTOFF), ("next", APOGEE)):
            assert (await it.ask(do=do))["position_ns"] == at(place)
        assert await it.problem(do="next") == "no event after this; none"
        await it.ask(do="seek", received_ns=0)
        assert await it.problem(do="previous") == "no event before this; none"


async def test_seeks_from_where_it_is_going_add_up(script: Any, eventually: Any) -> None:
    async with script() as it:
        await it.ask(do="seek", received_ns=at(900))
        for _ in range(4):
            await it.console.ask(do="seek", by=-1.0)
        await eventually(lambda: it.console.replay["position_ns"] == at(500))


NONSENSE = (
    ({"do": "seek"}, "want received_ns"),
    ({"do": "seek", "received_ns": 1.5}, "received_ns: want a whole number of ns"),
    ({"do": "seek", "received_ns": True}, "received_ns: want a whole number of ns"),
    ({"do": "seek", "mission_time": "T+1"}, "mission_time: want seconds"),
    ({"do": "seek", "by": None}, "by: want seconds"),
    ({"do": "seek", "event": "apogy"}, "no event 'apogy'; it has liftoff, apogee"),
    ({"do": "seek", "event": 3}, "event: want the name of one; it has liftoff, apogee"),
    ({"do": "step", "n": 0}, "n: want a whole number"),
    ({"do": "step", "n": 1e3}, "n: want a whole number"),
    ({"do": "step", "n": 1 << 40}, "n: want a whole number"),
    ({"do": "speed"}, "speed: want a number"),
    ({"do": "speed", "speed": -1}, "speed: want a number"),
    ({"do": "loop", "loop": 1}, "loop: want true or false"),
    ({"do": "loop", "from_ns": "a"}, "from_ns: want a whole number"),
    ({"do": "loop", "from_mission_time": 9, "to_mission_time": 1}, "nothing of what is played lies between"),
)


async def test_nonsense_is_refused_with_what_is_wanted_and_changes_nothing(script: Any) -> None:
    async with script() as it:
        before = await it.ask(do="seek", received_ns=at(321))
        for request, problem in NONSENSE:
            assert (await it.problem(**request)).startswith(problem), request
        unchanged = {key: value for key, value in it.console.replay.items() if key != "answer"}
        assert unchanged == {key: value for key, value in before.items() if key != "answer"}
        assert it.console.replay["answer"]["number"] == before["answer"]["number"] + len(NONSENSE)


async def test_a_part_is_looped_until_the_loop_is_taken_away(script: Any, eventually: Any) -> None:
    async with script(20.0) as it:
        replay = await it.ask(do="loop", from_ns=at(400), to_mission_time=2.0)
        assert (replay["loop"], replay["loop_from_ns"], replay["loop_to_ns"]) == (True, at(400), at(LIFTOFF + 200))
        await it.ask(do="toggle")
        sessions = lambda: list(dict.fromkeys(each["session"] for each in it.console.seen.of("telemetry/state")))  # noqa: E731
        await eventually(lambda: len(sessions()) >= 4)
        whole = list(range(400, LIFTOFF + 201))
        assert [it.console.counts(session) for session in sessions()[1:3]] == [whole, whole]
        replay = await it.ask(do="loop", loop=False)
        assert (replay["loop"], replay["loop_from_ns"], replay["loop_to_ns"]) == (False, None, None)
        await eventually(lambda: it.console.replay["state"] == "ended")
        await it.shown()
        assert it.console.counts(it.console.station.session)[-1] == PACKETS - 1


async def test_who_stands_behind_a_part_is_taken_to_its_beginning(script: Any, eventually: Any) -> None:
    async with script() as it:
        await it.ask(do="seek", received_ns=at(900))
        await it.ask(do="loop", from_ns=at(100), to_ns=at(200))
        await eventually(lambda: it.console.replay["position_ns"] == at(100))


@pytest.mark.parametrize("speed", [1000.0, math.inf])
async def test_all_keys_work_at_the_highest_speeds(script: Any, eventually: Any, speed: float) -> None:
    async with script(speed) as it:
        await it.ask(do="play")
        await eventually(lambda: it.console.replay["state"] == "ended")
        assert (await it.ask(do="seek", by=-5))["answer"]["problem"] == ""
        await eventually(lambda: it.console.replay["state"] == "ended")
        assert (await it.shown()) == PACKETS - 1
        await it.ask(do="step", n=-1)
        assert (await it.shown()) == PACKETS - 2


class Slow(McapRecording):
    """A recording that is looked through only so far until somebody lets it go on."""

    gate: threading.Event
    held_at: int

    def twin(self) -> Self:
        other = super().twin()
        other.placed = other.held  # type: ignore[method-assign]
        return other

    def held(self, place: int = 0) -> Iterator[Placed]:
        for number, each in enumerate(McapRecording.placed(self, place)):
            if number == self.held_at:
                self.gate.wait()
            yield each


def slow(reading: Reading, held_at: int) -> tuple[Reading, threading.Event]:
    recording = Slow(reading.recording.path)
    recording.gate, recording.held_at = threading.Event(), held_at
    return replace(reading, recording=recording), recording.gate


async def test_it_plays_as_soon_as_t0_is_known_and_events_come_when_they_are_found(
    script: Any, pieces: Reading, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundstation.survey.BLOCK_CHUNKS", 20)
    reading, gate = slow(pieces, 2 * 500)
    async with script(reading=reading) as it:
        try:
            replay = await it.ask(do="toggle")
            assert 0.3 < replay["read"] < 0.7
            assert [each["name"] for each in replay["events"]] == ["liftoff"]
            await eventually(it.console.counts)
            assert it.console.seen.of("telemetry/state")[0]["mission_time"][0] == pytest.approx(-LIFTOFF / 100)
            assert "of the recording is read yet; ask again" in await it.problem(do="seek", event="apogee")
            await it.ask(do="pause")  # and go where nobody has read yet
            assert (await it.ask(do="seek", received_ns=at(900)))["answer"]["problem"] == ""
            await it.ask(do="step", n=-1)
            assert await it.shown() == 898
            assert it.console.station.pipeline.flight.phase == "descent"
        finally:
            gate.set()
        await eventually(lambda: it.console.replay["read"] == 1)
        assert [each["name"] for each in it.console.replay["events"]] == ["liftoff", "apogee"]
        assert (await it.ask(do="seek", event="apogee"))["position_ns"] == at(APOGEE)


async def test_until_then_it_says_how_far_it_has_read(
    pieces: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundstation.survey.BLOCK_CHUNKS", 20)
    reading, gate = slow(pieces, 2 * 200)
    async with played(reading, mosquitto, subscriber, 1.0) as console:
        it = Script(console, eventually)
        try:
            await eventually(lambda: console.replay.get("read", 0) > 0.1)
            assert console.replay["state"] == "reading"
            assert (await it.problem(do="seek", by=1)).startswith("the recording is still being read, ")
            assert (await it.ask(do="pause"))["paused"]
            assert not console.counts()
            assert console.seen.newest("status")["t0_ns"] is None
        finally:
            gate.set()
        await eventually(lambda: console.replay["state"] == "paused")
        assert not console.counts()
        await it.ask(do="play")
        await eventually(console.counts)
        assert console.seen.of("telemetry/state")[0]["mission_time"][0] == pytest.approx(-LIFTOFF / 100)


@pytest.mark.parametrize(
    ("begin", "end", "shown"),
    [("apogee-1", "apogee+0.5", (APOGEE - 100, APOGEE + 50)), ("T+1", "apogee", (LIFTOFF + 100, APOGEE)),
     ("2.5", None, (250, PACKETS - 1)), (None, "liftoff", (0, LIFTOFF))],
)  # fmt: skip
async def test_a_part_is_named_by_events(
    hop_part: Any, begin: str | None, end: str | None, shown: tuple[int, int], eventually: Any
) -> None:
    async with hop_part(begin, end) as console:
        await eventually(lambda: console.replay.get("state") == "ended")
        first, last = shown
        await eventually(lambda: console.counts(console.session)[-1:] == [last])
        assert console.counts(console.session)[0] == first


@pytest.fixture
def hop_part(pieces: Reading, mosquitto: Mosquitto, subscriber: Any) -> Any:
    def part(begin: str | None, end: str | None) -> Any:
        named = {"begin": begin and Moment.parse(begin), "end": end and Moment.parse(end)}
        return played(pieces, mosquitto, subscriber, math.inf, **named)

    return part


async def test_an_event_that_is_not_there_is_refused_with_those_that_are(hop_part: Any) -> None:
    with pytest.raises(RecordingError, match=r"hop\.mcap: has no event 'apogy'; it has liftoff, apogee"):
        async with hop_part("apogy-5", None):
            pass


def test_moments_are_read_as_people_write_them() -> None:
    for text, base, seconds in (
        ("12.5", "", 12.5), ("T+12.3", "T", 12.3), ("t-5s", "T", -5.0), ("T", "T", 0.0), ("T-0", "T", 0.0),
        ("apogee", "apogee", 0.0), ("apogee-5", "apogee", -5.0), ("stage 2 + 1.5 s", "stage 2", 1.5),
        ("main-chute", "main-chute", 0.0), ("+3", "", 3.0),
    ):  # fmt: skip
        moment = Moment.parse(text)
        assert (moment.base, moment.seconds) == (base, seconds), text
    for text in ("", "5 minutes", "1e9", "--", "12:30", "x" * 200, "9" * 40):
        with pytest.raises(ValueError, match=r"want T\+12\.3"):
            Moment.parse(text)
    assert Moment.parse("stage-2").at(0, None, {"stage": 5, "stage-2": 7}) == 7
    assert Moment.parse("stage-2").at(0, None, {"stage": 5_000_000_000}) == 3_000_000_000
