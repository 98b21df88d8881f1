"""A recording steered over the bus: every console's keys, on a real recording of the test vehicle and a real broker."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest

from groundstation.moments import Moment
from groundstation.reading import Reading, read
from groundstation.replaying import replaying
from groundstation.station import Station
from groundstation.wanted_part import Wanted
from protocols.chunk import Chunk
from protocols.framer import framer
from replay.recorder import Recorder
from replay.recording import RecordedLink
from tests.groundstation.conftest import Mosquitto, Seen, state_packet

BEGIN_NS, STEP_NS = 1_790_000_000_000_000_000, 10_000_000
PACKETS, LIFTOFF, APOGEE, TOO_HIGH = 1000, 301, 650, 600
FRAMER = framer("cobs", check="crc-16/ibm-3740")
ROOT = "groundstation/replay/hop"
NO_SPEEDS: tuple[Any, ...] = (0, -1, "fast", None, [], {})
NO_PLACES: tuple[Any, ...] = ("there", None, 1.5, [], {"a": 1})


def altitude(n: int) -> float:
    """On the pad, up from packet 300 on by 3 m each, over the red limit of 1,000 m at the top, down from 650 on."""
    return 20.0 + 3.0 * max(0, min(n - 300, 1000 - n))


@pytest.fixture
def hop(tmp_path: Path, sparrow: Callable[..., Path]) -> Reading:
    """Ten seconds of flight, 100 packets a second, one a chunk."""
    campaign = sparrow("udp:5000")
    link = RecordedLink("sparrow", {"kind": "cobs", "check": "crc-16/ibm-3740"})
    about: dict[str, Any] = {"campaign": "", "definitions": {}, "synthetic": True, "software": "a test"}
    with Recorder(tmp_path / "hop.mcap", links={"radio": link}, **about) as recorder:
        for n in range(PACKETS):
            recorder.write(Chunk("radio", FRAMER.encode([state_packet(n, altitude(n))]), BEGIN_NS + n * STEP_NS))
    return read(recorder.path, campaign)


class Console:
    """What a console does and sees."""

    def __init__(self, client: aiomqtt.Client, seen: Seen, station: Station) -> None:
        self._client, self.seen, self.station = client, seen, station

    async def ask(self, **request: Any) -> None:
        await self._client.publish(f"{ROOT}/request", orjson.dumps(request), qos=1)

    @property
    def replay(self) -> dict[str, Any]:
        found: dict[str, Any] = self.seen.newest("status").get("replay") or {}
        return found

    def counts(self, session: str = "") -> list[int]:
        """Numbers of the packets seen in a session, by the vehicle's own count."""
        messages = [each for each in self.seen.of("telemetry/state") if session in ("", each["session"])]
        return [count for each in messages for count in each["values"]["header.count"]]

    @property
    def session(self) -> str:
        return str(self.seen.newest("status").get("session", ""))


@asynccontextmanager
async def played(
    reading: Reading, broker: Mosquitto, subscriber: Any, speed: float, **options: Any
) -> AsyncIterator[Console]:
    """A replay with a console; stopped at the end."""
    wanted = {"begin": None, "end": None, "loop": False, "stay": True, **options}
    started: asyncio.Future[Station] = asyncio.get_running_loop().create_future()
    async with subscriber(broker.url) as seen, aiomqtt.Client("127.0.0.1", broker.port) as client:
        task = asyncio.create_task(replaying(reading, Wanted(speed, **wanted, broker=broker.url), started.set_result))
        await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        station = await started
        try:
            yield Console(client, seen, station)
        finally:
            station.stopping.set()
            await task


async def test_a_replay_shows_every_packet_in_order_and_waits_at_its_end(
    hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with played(hop, mosquitto, subscriber, 20.0) as console:
        await eventually(lambda: console.replay.get("ended"))
        await eventually(lambda: len(console.counts()) == PACKETS)
        assert console.counts() == list(range(PACKETS))
        events = [(each["name"], each["mission_time"]) for each in console.seen.of("event") if each["kind"] == "flight"]
        assert events == [("liftoff", 0.0), ("apogee", (APOGEE - LIFTOFF) / 100)]


async def test_mission_time_is_known_from_the_beginning_and_the_same_everywhere(
    hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    t0_ns = BEGIN_NS + LIFTOFF * STEP_NS
    async with played(hop, mosquitto, subscriber, 0.1) as console:
        await eventually(console.counts)
        await console.ask(do="mark", text="before liftoff", by="ann")
        await eventually(lambda: any(each["name"] == "mark" for each in console.seen.of("event")))
        mark = next(each for each in console.seen.of("event") if each["name"] == "mark")
        first = console.seen.of("telemetry/state")[0]
        assert first["mission_time"][0] == pytest.approx(-LIFTOFF / 100)
        assert mark["mission_time"] == pytest.approx((mark["received_ns"] - t0_ns) / 1e9)
        assert mark["mission_time"] < 0
        assert console.seen.newest("status")["t0_ns"] == t0_ns


async def test_pause_step_and_play(hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any) -> None:
    async with played(hop, mosquitto, subscriber, 2.0) as console:
        await eventually(console.counts)
        await console.ask(do="pause")
        await eventually(lambda: console.replay.get("paused"))
        links = console.station.pipeline.links["radio"]
        await eventually(lambda: len(console.counts()) == links.framer.ledger.frames)
        shown = len(console.counts())
        for more in range(1, 4):
            await console.ask(do="step")
            await eventually(lambda want=shown + more: len(console.counts()) == want)
        assert console.counts() == list(range(shown + 3))
        assert console.replay["paused"]
        await console.ask(do="speed", speed="max")
        await eventually(lambda: console.replay.get("speed") == "max")
        assert len(console.counts()) == shown + 3  # a change of speed is no start
        await console.ask(do="play")
        await eventually(lambda: console.replay.get("ended"))
        await eventually(lambda: len(console.counts()) == PACKETS)


async def test_speed_is_bounded_and_nonsense_changes_nothing(
    hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with played(hop, mosquitto, subscriber, 1.0) as console:
        await eventually(console.counts)
        for asked, became in ((4, 4.0), (1e9, 1000.0), (0.001, 0.1), ("max", "max"), (2.5, 2.5)):
            await console.ask(do="speed", speed=asked)
            await eventually(lambda want=became: console.replay.get("speed") == want)
        for speed in NO_SPEEDS:
            await console.ask(do="speed", speed=speed)
        for place in NO_PLACES:
            await console.ask(do="seek", received_ns=place)
        await console.ask(do="mark", text="read so far")
        await eventually(lambda: any(each["name"] == "mark" for each in console.seen.of("event")))
        assert console.replay["speed"] == 2.5
        assert {each["session"] for each in console.seen.of("telemetry/state")} == {console.session}


@pytest.mark.parametrize(("to", "phase"), [(100, "pad"), (400, "ascent"), (900, "descent")])
async def test_a_seek_finds_phase_and_alarms_as_the_flight_had_them(
    to: int, phase: str, hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with played(hop, mosquitto, subscriber, 1.0) as console:
        await eventually(console.counts)
        await console.ask(do="pause")
        await eventually(lambda: console.replay.get("paused"))
        before = console.session
        await console.ask(do="seek", mission_time=(to - LIFTOFF) / 100)
        await eventually(lambda: console.session not in ("", before))
        status = console.seen.newest("status")
        assert status["phase"] == phase
        assert status["replay"]["position_ns"] == BEGIN_NS + to * STEP_NS
        assert status["replay"]["paused"]
        alarms = console.seen.newest("alarms")["alarms"]  # published before the status that tells of the session
        assert [each["level"] for each in alarms] == (["red"] if to > TOO_HIGH + 100 else [])
        await console.ask(do="step")
        await eventually(lambda: console.counts(console.session))
        assert console.counts(console.session) == [to]


async def test_of_many_seeks_the_last_one_counts(
    hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with played(hop, mosquitto, subscriber, 0.1) as console:
        await eventually(console.counts)
        for to in (900, 100, 800, 200, 500):
            await console.ask(do="seek", received_ns=BEGIN_NS + to * STEP_NS)
        await eventually(lambda: 500 in console.counts(console.session))
        assert console.counts(console.session)[0] == 500


async def test_a_seek_that_comes_while_the_broker_is_waited_for_is_not_forgotten(
    hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundstation.playback.ROWS_AHEAD", 0)
    monkeypatch.setattr("groundstation.playback.COMPLETE", 1000.0)
    monkeypatch.setattr("groundstation.bus.outbox.ACKNOWLEDGE_S", 120.0)
    async with played(hop, mosquitto, subscriber, 1.0) as console:
        await eventually(console.counts)
        station, at = console.station, BEGIN_NS + 300 * STEP_NS
        mosquitto.freeze()
        station.setup.requests["speed"]({"do": "speed", "speed": 1000})
        await eventually(lambda: station.pipeline.links["radio"].framer.ledger.frames == PACKETS)
        station.setup.requests["seek"]({"do": "seek", "received_ns": at})
        mosquitto.thaw()
        await eventually(lambda: console.counts(station.session)[:1] == [300])


async def test_a_loop_begins_again_from_the_pad(
    hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with played(hop, mosquitto, subscriber, 50.0, loop=True) as console:
        await eventually(lambda: len({each["session"] for each in console.seen.of("telemetry/state")}) >= 4)
        sessions = list(dict.fromkeys(each["session"] for each in console.seen.of("telemetry/state")))
        for session in sessions[:3]:
            assert console.counts(session) == list(range(PACKETS))
        flown = [each["name"] for each in console.seen.of("event") if each["kind"] == "flight"]
        assert flown[:6] == ["liftoff", "apogee"] * 3
        assert console.station.pipeline.links["radio"].counts()["sequence_gaps"] == 0


async def test_a_loop_can_be_asked_for_at_the_end_and_be_left(
    hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with played(hop, mosquitto, subscriber, 100.0) as console:
        await eventually(lambda: console.replay.get("ended"))
        first = console.session
        await console.ask(do="loop", loop=True)
        await eventually(lambda: console.session != first)
        await console.ask(do="loop", loop=False)
        await eventually(lambda: console.replay.get("ended") and not console.replay.get("loop"))


async def test_a_replay_from_the_middle_of_the_flight_knows_what_came_before_and_does_not_count_it(
    hop: Reading, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    begin, end = 700, 800
    part = {at: Moment.parse(f"T{(n - LIFTOFF) / 100:+}") for at, n in (("begin", begin), ("end", end))}
    async with played(hop, mosquitto, subscriber, math.inf, **part) as console:
        await eventually(lambda: console.replay.get("ended"))
        await eventually(lambda: console.counts(console.session)[-1:] == [end])
        assert console.counts() == list(range(begin, end + 1))
        status = console.seen.newest("status")
        assert (status["phase"], status["events_seen"]) == ("descent", {"liftoff": 0.0, "apogee": 3.49})
        assert console.station.pipeline.flight.t0_ns == BEGIN_NS + LIFTOFF * STEP_NS
        assert console.station.pipeline.links["radio"].counts()["packets"] == {"state": end + 1 - begin}
        assert not [each for each in console.seen.of("event") if each["kind"] == "flight"]
