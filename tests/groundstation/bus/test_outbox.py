"""The outbox on real brokers: in order, at least once, nothing lost while the broker is killed or frozen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import numpy as np
import pytest

from groundstation.bus.address import BrokerAddress
from groundstation.bus.broker import EmbeddedBroker
from groundstation.bus.outbox import EVENTS_WAITING, Outbox
from protocols.batch import Batch
from tests.conftest import until
from tests.groundstation.conftest import Mosquitto, free_port

ROOT = "groundstation/live/box"


def batch(start: int, count: int = 1, packet: str = "state") -> Batch:
    numbers = np.arange(start, start + count)
    return Batch(packet, "radio", {"count": numbers}, numbers, np.ones(count, np.bool_))


class Running:
    """An outbox at work, and what its callbacks were told."""

    def __init__(self, url: str, **options: Any) -> None:
        self.requests: list[dict[str, Any]] = []
        self.told: list[str] = []
        self.outbox = Outbox(
            BrokerAddress.parse(url),
            ROOT,
            "one",
            last_will={"state": "lost"},
            on_request=self._requested,
            on_away=lambda: self.told.append("away"),
            on_back=lambda: self.told.append("back"),
            on_rival=lambda session: self.told.append(f"rival {session}"),
            **options,
        )

    async def settled(self) -> None:
        """Once everything is published."""
        await until(lambda: self.outbox.connected)
        assert await self.outbox.settle(60.0)

    def _requested(self, request: Any) -> None:
        self.requests.append(dict(request))
        if request.get("do") == "fail":
            raise RuntimeError("a fault in what answers")


@asynccontextmanager
async def publishing(url: str, **options: Any) -> AsyncIterator[Running]:
    """An outbox that runs; cancelled at the end."""
    made = Running(url, **options)
    task = asyncio.create_task(made.outbox.run())
    try:
        yield made
    finally:
        assert not task.done()
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.5)


@pytest.fixture(params=["mosquitto", "embedded"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A broker of each kind that a station may run on."""
    if request.param == "embedded":
        async with EmbeddedBroker(port=free_port()) as embedded:
            yield embedded.url
        return
    broker = Mosquitto(tmp_path)
    await broker.start()
    yield broker.url
    broker.kill()


async def test_every_packet_arrives_once_and_in_order_with_its_number(
    url: str, subscriber: Any, eventually: Any
) -> None:
    async with subscriber(url) as seen, publishing(url) as running:
        for start in range(0, 3000, 3):
            running.outbox.telemetry(batch(start, 3))
            if start % 300 == 0:
                await asyncio.sleep(0)
        await running.settled()
        await eventually(lambda: len(seen.values("state", "count")) >= 3000)
        assert seen.values("state", "count") == list(range(3000))
        assert [each["seq"] for each in seen.of("telemetry/state")] == list(range(len(seen.of("telemetry/state"))))
        assert {each["thinned"] for each in seen.of("telemetry/state")} == {1}
        assert running.outbox.waiting == 0


async def test_only_the_newest_of_a_state_counts_and_it_is_kept_for_who_comes_later(
    url: str, subscriber: Any, eventually: Any
) -> None:
    async with publishing(url) as running:
        for n in range(1000):
            running.outbox.state("status", {"n": n})
        await running.settled()
        async with subscriber(url) as seen:
            await eventually(lambda: seen.of("status"))
            assert [each["n"] for each in seen.of("status")] == [999]


async def test_a_state_published_again_goes_out_behind_what_was_published_before_it(
    url: str, subscriber: Any, eventually: Any
) -> None:
    async with subscriber(url) as seen, publishing(url) as running:
        await running.settled()
        for topic in ("status", "alarms", "status"):  # in one turn of the loop: all of them wait together
            running.outbox.state(topic, {"n": 1})
        await eventually(lambda: seen.of("status"))
        assert seen.of("alarms")


async def test_events_and_telemetry_are_not_kept_for_who_comes_later_but_the_newest_telemetry_is(
    url: str, subscriber: Any, eventually: Any
) -> None:
    async with publishing(url) as running:
        for n in range(3):
            running.outbox.event({"n": n})
            running.outbox.telemetry(batch(n))
            running.outbox.telemetry(batch(n, packet="past"), "backfill")
            await running.settled()
        running.outbox.state("end", {})
        await running.settled()
        async with subscriber(url) as seen:
            await eventually(lambda: len(seen.messages) >= 2)
            assert sorted(topic for topic, _ in seen.messages) == ["end", "telemetry/state"]
            assert seen.values("state", "count") == [2]


async def test_a_killed_broker_loses_nothing_and_learns_all_states_again(
    mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with publishing(mosquitto.url) as running:
        running.outbox.state("definition", {"name": "sparrow"})
        await running.settled()
        mosquitto.kill()
        running.outbox.telemetry(batch(0, 500))
        await eventually(lambda: not running.outbox.connected)
        running.outbox.telemetry(batch(500, 2500))
        await mosquitto.start()  # with nothing in memory
        async with subscriber(mosquitto.url) as seen:
            await eventually(lambda: seen.newest("definition") == {"name": "sparrow"})
            running.outbox.telemetry(batch(3000, 10))
            await running.settled()
            await eventually(lambda: seen.values("state", "count")[-1:] == [3009])
        assert running.told == ["back", "away", "back"]


async def test_states_are_learnt_again_without_anything_new_to_publish(
    mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with publishing(mosquitto.url) as running:
        running.outbox.state("definition", {"name": "sparrow"})
        await running.settled()
        mosquitto.kill()
        await eventually(lambda: not running.outbox.connected)
        await mosquitto.start()
        async with subscriber(mosquitto.url) as seen:
            await eventually(lambda: seen.newest("definition") == {"name": "sparrow"})


async def test_a_frozen_broker_is_away_in_time_and_gets_all_of_it_at_least_once(
    mosquitto: Mosquitto, subscriber: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundstation.bus.outbox.ACKNOWLEDGE_S", 0.3)
    async with subscriber(mosquitto.url) as seen, publishing(mosquitto.url) as running:
        running.outbox.telemetry(batch(0, 10))
        await eventually(lambda: len(seen.values("state", "count")) == 10)
        mosquitto.freeze()
        for start in range(10, 1000, 10):
            running.outbox.telemetry(batch(start, 10))
            running.outbox.event({"n": start})
        await eventually(lambda: "away" in running.told)
        monkeypatch.setattr("groundstation.bus.outbox.ACKNOWLEDGE_S", 120.0)  # that it comes back takes its time
        assert running.outbox.problem
        assert running.outbox.waiting >= 99  # events, beside the packets in messages
        mosquitto.thaw()
        await eventually(lambda: set(seen.values("state", "count")) == set(range(1000)))
        await eventually(lambda: {each["n"] for each in seen.of("event")} == set(range(10, 1000, 10)))
        in_order = list(dict.fromkeys(seen.values("state", "count")))
        assert in_order == list(range(1000))


async def test_what_waits_for_a_broker_that_is_not_there_is_bounded_and_told(
    tmp_path: Path, subscriber: Any, eventually: Any
) -> None:
    broker = Mosquitto(tmp_path)
    async with publishing(broker.url, rows_waiting=100) as running:
        await eventually(lambda: running.told == ["away"])  # also where it never was there
        for n in range(EVENTS_WAITING + 7):
            running.outbox.event({"n": n})
        for n in range(5000):
            running.outbox.telemetry(batch(n))
            assert running.outbox.waiting <= EVENTS_WAITING + 100
        assert running.outbox.events_dropped == 7
        await asyncio.wait_for(running.outbox.room(0), 60)  # nobody waits for a broker that is away
        assert not await running.outbox.settle(5.0)
        await broker.start()
        async with subscriber(broker.url) as seen:
            await eventually(lambda: running.outbox.connected)
            running.outbox.state("marker", {})
            await eventually(lambda: seen.of("marker"))
            for message in seen.of("telemetry/state"):
                assert (message["thinned"], message["count"]) == (64, 79)
                assert message["values"]["count"] == list(range(0, 5000, 64))
    broker.kill()


async def test_a_new_session_forgets_what_waits_and_numbers_from_0(
    mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with subscriber(mosquitto.url) as seen, publishing(mosquitto.url) as running:
        running.outbox.telemetry(batch(0, 10))
        await eventually(lambda: seen.values("state", "count"))
        running.outbox.telemetry(batch(10, 10))
        running.outbox.start_over("two")
        running.outbox.telemetry(batch(100, 10))
        await eventually(lambda: 109 in seen.values("state", "count"))
        messages = [(each["session"], each["seq"], each["values"]["count"][0]) for each in seen.of("telemetry/state")]
        assert messages == [("one", 0, 0), ("two", 0, 100)]


async def test_room_waits_for_acknowledgements(mosquitto: Mosquitto, eventually: Any) -> None:
    async with publishing(mosquitto.url) as running:
        await eventually(lambda: running.outbox.connected)
        mosquitto.freeze()
        running.outbox.telemetry(batch(0, 500))
        waiter = asyncio.create_task(running.outbox.room(0))
        done, _ = await asyncio.wait([waiter], timeout=0.1)
        assert not done
        assert running.outbox.waiting > 0
        mosquitto.thaw()
        await asyncio.wait_for(waiter, 60)
        assert running.outbox.waiting == 0


@pytest.mark.parametrize("junk", [b"", b"\xff", b"7", b"[]", b'{"do":', b"{" * 100_000, b'{"do": "' + b"x" * 2**20])
async def test_no_request_ends_the_bus(junk: bytes, url: str, subscriber: Any, eventually: Any) -> None:
    async with publishing(url) as running, aiomqtt.Client("127.0.0.1", int(url.rsplit(":", 1)[1])) as console:
        await eventually(lambda: running.outbox.connected)
        for payload in (junk, b'{"do": "fail"}', b'{"do": "mark"}'):
            await console.publish(f"{ROOT}/request", payload, qos=1)
        await eventually(lambda: {"do": "mark"} in running.requests)
        assert [each["do"] for each in running.requests] == ["fail", "mark"]
        async with subscriber(url) as seen:
            running.outbox.event({"n": 1})
            await eventually(lambda: seen.of("event"))
        assert running.told == ["back"]


async def test_a_request_that_the_broker_kept_is_of_the_past(url: str, eventually: Any) -> None:
    """Whoever publishes a request retained, by mistake, would stop every station that ever connects."""
    async with aiomqtt.Client("127.0.0.1", int(url.rsplit(":", 1)[1])) as console:
        await console.publish(f"{ROOT}/request", b'{"do": "stop"}', qos=1, retain=True)
        async with publishing(url) as running:
            await eventually(lambda: running.outbox.connected)
            await console.publish(f"{ROOT}/request", b'{"do": "mark"}', qos=1)
            await eventually(lambda: running.requests)
            assert running.requests == [{"do": "mark"}]


async def test_of_two_stations_on_one_set_of_topics_each_is_told_of_the_other(url: str, eventually: Any) -> None:
    async with publishing(url) as one, publishing(url) as two:
        two.outbox.start_over("two")
        await eventually(lambda: one.outbox.connected and two.outbox.connected)
        one.outbox.state("status", {"state": "running", "session": "one"})
        two.outbox.state("status", {"state": "running", "session": "two"})
        await eventually(lambda: "rival two" in one.told)
        assert "rival one" not in one.told


async def test_what_cannot_be_published_holds_up_nothing_else(
    mosquitto: Mosquitto, subscriber: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with subscriber(mosquitto.url) as seen, publishing(mosquitto.url) as running:
        for n in range(3):
            running.outbox.telemetry(batch(n, packet="wild#card"))
            running.outbox.telemetry(batch(n))
            running.outbox.state("status", {"n": n})
            await running.settled()
        await eventually(lambda: seen.values("state", "count") == [0, 1, 2])
        await eventually(lambda: seen.newest("status") == {"n": 2})
    assert sum("wild#card" in record.getMessage() for record in caplog.records) == 1


async def test_what_json_has_no_form_for_is_still_json(url: str, subscriber: Any, eventually: Any) -> None:
    async with subscriber(url) as seen, publishing(url) as running:
        running.outbox.event({"wide": 1 << 70, "text": "\ud800", "none": float("nan")})
        await eventually(lambda: seen.of("event"))
    assert seen.of("event") == [{"wide": "1180591620717411303424", "text": "\\ud800", "none": None}]
