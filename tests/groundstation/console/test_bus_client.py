"""The console on a real broker: it finds its station, shows it, asks it, and survives the broker."""

import asyncio
import socket
import time
from typing import Any

import aiomqtt
import orjson
import pytest

from groundstation.console.app import BusConsole
from groundstation.console.bus_client import INBOX, Inbox
from groundstation.console.reading import Quality

ROOT = "groundstation/live/hop-1"


def status(**changes: Any) -> dict[str, Any]:
    return {
        "state": "running", "mode": "live", "name": "hop-1", "session": "one", "vehicle": "sparrow", "synthetic": False,
        "time_base": "utc", "now_ns": time.time_ns(), "phase": "ascent", "t0_ns": time.time_ns() - 5_000_000_000,
        "recording": None, "replay": None, **changes,
    }  # fmt: skip


def telemetry(seq: int, voltage: float) -> dict[str, Any]:
    return {
        "packet": "power", "link": "radio", "session": "one", "seq": seq, "count": 1, "sequence_gaps": 0,
        "received_ns": [time.time_ns()], "mission_time": [5.0], "time": None, "valid": [True],
        "values": {"voltage": [voltage]},
    }  # fmt: skip


DEFINITION = {
    "name": "sparrow", "title": "Sparrow", "display": ["power.voltage"], "phases": ["pad", "ascent"],
    "packets": {"power": {"rate": 1.0, "measurements": {"voltage": {"unit": "V", "type": "u16", "resolution": 0.1}}}},
}  # fmt: skip


class Station:
    """Publishes what a station would, and keeps what it is asked."""

    def __init__(self, client: aiomqtt.Client, root: str = ROOT) -> None:
        self.client, self.root = client, root

    async def publish(self, leaf: str, message: Any, *, retain: bool = True) -> None:
        await self.client.publish(f"{self.root}/{leaf}", orjson.dumps(message), qos=1, retain=retain)

    async def speak(self) -> None:
        await self.publish("definition", DEFINITION)
        await self.publish("status", status(name=self.root.rpartition("/")[2]))
        await self.publish("telemetry/power", telemetry(1, 28.4))

    async def asked(self) -> dict[str, Any]:
        message = await asyncio.wait_for(anext(aiter(self.client.messages)), 120)
        return dict(orjson.loads(message.payload))


async def test_the_only_station_is_found_shown_and_asked(mosquitto: Any, eventually: Any) -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        station = Station(client)
        await station.speak()
        await client.subscribe(f"{ROOT}/request", qos=1)
        app = BusConsole(mosquitto.url, None, owner=False)
        async with app.run_test(size=(100, 30)) as pilot:
            await eventually(lambda: app.picture.root == ROOT)
            await station.publish("radio/downlink", {"session": "one", "at_ns": time.time_ns()})
            await eventually(lambda: app.picture.radios)
            await eventually(lambda: app.picture.reading("power.voltage").value == 28.4)
            await station.publish("telemetry/power", telemetry(2, 27.9))
            await eventually(lambda: app.picture.reading("power.voltage").value == 27.9)
            await eventually(lambda: "27.9" in _screen(app))
            await eventually(lambda: "ASCENT" in _screen(app))
            for key in ("x", "o", "k", "enter"):
                await pilot.press(key)
            request = await station.asked()
            assert (request["do"], request["text"]) == ("mark", "ok")


async def test_a_broker_that_dies_is_said_and_comes_back_by_itself(mosquitto: Any, eventually: Any) -> None:
    app = BusConsole(mosquitto.url, ROOT, owner=False)
    async with app.run_test(size=(100, 30)):
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            await Station(client).speak()
        await eventually(lambda: app.picture.reading("power.voltage").value == 28.4)
        mosquitto.kill()
        await eventually(lambda: "BROKER LOST" in _screen(app))
        assert app.picture.reading("power.voltage").quality is Quality.STALE
        await mosquitto.start()
        await eventually(lambda: not app.picture.broker_problem)
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            await Station(client).publish("status", status())
            await Station(client).publish("telemetry/power", telemetry(9, 26.5))
            await eventually(lambda: app.picture.reading("power.voltage").value == 26.5)
            await eventually(lambda: "BROKER LOST" not in _screen(app))


async def test_of_several_stations_one_is_chosen(mosquitto: Any, eventually: Any) -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        for root in ("groundstation/live/a", "groundstation/replay/b"):
            await Station(client, root).speak()
        app = BusConsole(mosquitto.url, None, owner=False)
        async with app.run_test(size=(100, 30)) as pilot:
            await eventually(lambda: "replay/b" in _screen(app))
            await pilot.press("down")
            await pilot.press("enter")
            await eventually(lambda: app.picture.root == "groundstation/replay/b")
            await eventually(lambda: app.picture.reading("power.voltage").value == 28.4)


async def test_without_a_broker_it_waits_and_can_be_left(unused_tcp_port: int, eventually: Any) -> None:
    app = BusConsole(f"mqtt://127.0.0.1:{unused_tcp_port}", None, owner=False)
    async with app.run_test(size=(100, 30)) as pilot:
        await eventually(lambda: "BROKER LOST" in _screen(app))
        await eventually(lambda: "No station" in _screen(app))
        await pilot.press("q")
        await eventually(lambda: app.return_value == "left")


def message(topic: str, number: int) -> aiomqtt.Message:
    return aiomqtt.Message(topic, str(number).encode(), qos=0, retain=False, mid=number, properties=None)


@pytest.mark.parametrize("topic", ["telemetry/power", "radio/downlink"])
async def test_a_full_inbox_keeps_the_newest_telemetry_and_everything_else(topic: str) -> None:
    inbox = Inbox()
    inbox.put_nowait(message(f"{ROOT}/definition", 0))
    for number in range(1, INBOX + 100):
        inbox.put_nowait(message(f"{ROOT}/{topic}", number))
    taken = inbox.take_all()
    assert len(taken) == INBOX
    assert taken[0].topic.value.endswith("definition")
    assert [int(each.payload) for each in taken[1:]] == list(range(101, INBOX + 100))
    assert inbox.dropped == 100
    assert inbox.empty()


@pytest.fixture
def unused_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _screen(app: BusConsole) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
