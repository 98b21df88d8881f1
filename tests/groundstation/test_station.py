"""The station as a whole: real sockets and ptys in, a real broker out, and everything that can go away going away."""

import asyncio
import os
import resource
import socket
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from groundstation.campaign import Campaign
from groundstation.live import live
from groundstation.reading import read
from groundstation.station import Station
from protocols.errors import BusError
from protocols.framer import framer
from tests.groundstation.conftest import Mosquitto, free_port, state_packet

FRAMER = framer("cobs", check="crc-16/ibm-3740")


def stream(*packets: bytes) -> bytes:
    return FRAMER.encode(packets)


@asynccontextmanager
async def running(path: Path, url: str) -> AsyncIterator[Station]:
    """A campaign's station, stopped at the end."""
    campaign = Campaign.load(path)
    started: asyncio.Future[Station] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(live(campaign, url, started.set_result))
    either: set[asyncio.Future[Any]] = {task, started}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    station = await started
    try:
        await station.setup.links["radio"].opened.wait()
        yield station
    finally:
        station.stopping.set()
        await task


class Udp:
    """A vehicle that sends datagrams."""

    def __init__(self) -> None:
        self.port = free_port()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.count = 0

    async def send(self, packets: int, altitude: Callable[[int], float] = lambda n: 10.0) -> None:
        for _ in range(packets):
            self._socket.sendto(stream(state_packet(self.count, altitude(self.count))), ("127.0.0.1", self.port))
            self.count += 1
            if self.count % 20 == 0:
                await asyncio.sleep(0.002)


@pytest.fixture
async def udp() -> AsyncIterator[Udp]:
    made = Udp()
    yield made
    made._socket.close()


async def test_what_is_sent_is_recorded_decoded_and_published(
    udp: Udp, mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    path = sparrow(f"udp:{udp.port}")
    async with subscriber(mosquitto.url) as seen:
        async with running(path, mosquitto.url) as station:
            await udp.send(300, lambda n: 10.0 if n < 100 else 10.0 + min(n - 100, 300 - n) * 4)
            await eventually(lambda: len(seen.values("state", "altitude")) == 300)
            await eventually(lambda: seen.newest("link/radio").get("frames") == 300)
        assert seen.values("state", "header.count") == list(range(300))
        assert seen.values("state", "altitude")[:3] == [10.0, 10.0, 10.0]
        assert [event["name"] for event in seen.of("event") if event["kind"] == "flight"] == ["liftoff", "apogee"]
        definition = seen.newest("definition")
        assert definition["packets"]["state"]["measurements"]["altitude"]["unit"] == "m"
        link = seen.newest("link/radio")
        assert link["bytes_in"] == link["frame_bytes"] + link["discarded"] + link["pending"] > 0
        await eventually(lambda: seen.newest("status").get("state") == "stopped")
    assert station.recorder is not None
    recorded = b"".join(chunk.data for chunk in read(station.recorder.path, path).recording.chunks())
    assert recorded == b"".join(
        stream(state_packet(n, 10.0 if n < 100 else 10.0 + min(n - 100, 300 - n) * 4)) for n in range(300)
    )


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_nothing_is_lost_to_the_bus_while_the_broker_is_away(
    how: str,
    udp: Udp,
    mosquitto: Mosquitto,
    subscriber: Any,
    sparrow: Callable[..., Path],
    eventually: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("groundstation.bus.outbox.ACKNOWLEDGE_S", 0.5)
    async with subscriber(mosquitto.url) as seen, running(sparrow(f"udp:{udp.port}"), mosquitto.url) as station:
        await udp.send(100)
        await eventually(lambda: len(seen.values("state", "altitude")) == 100)
        mosquitto.kill() if how == "killed" else mosquitto.freeze()
        await udp.send(500)
        await eventually(lambda: not station.outbox.connected)
        monkeypatch.setattr("groundstation.bus.outbox.ACKNOWLEDGE_S", 120.0)  # that it comes back takes its time
        await udp.send(1500)
        path = station.pipeline.links["radio"]
        await eventually(lambda: path.framer.ledger.frames == 2100)
        await mosquitto.start() if how == "killed" else mosquitto.thaw()
        await eventually(lambda: station.outbox.connected)
        await udp.send(100)
        everything = set(range(2200))
        await eventually(lambda: set(seen.values("state", "header.count", "telemetry", "backfill")) == everything)
        await eventually(lambda: any(each["name"] == "backfill" for each in seen.newest("events")["events"]))


async def test_a_pulled_cable_is_said_and_the_link_comes_back_under_the_same_name(
    tmp_path: Path, mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    name = tmp_path / "usb-radio"

    def plug() -> int:
        master, slave = os.openpty()
        tty.setraw(slave)
        name.unlink(missing_ok=True)
        name.symlink_to(os.ttyname(slave))
        os.close(slave)
        return master

    master = plug()
    async with subscriber(mosquitto.url) as seen, running(sparrow(f"serial:{name}?baud=921600"), mosquitto.url):
        for round_ in range(3):
            for n in range(50):
                os.write(master, stream(state_packet(round_ * 50 + n, 10.0)))
            await eventually(lambda want=(round_ + 1) * 50: len(seen.values("state", "altitude")) == want)
            os.close(master)
            await eventually(lambda: seen.newest("link/radio").get("state") == "lost")
            assert "usb-radio" in seen.newest("link/radio")["problem"]
            master = plug()
            await eventually(lambda: seen.newest("link/radio").get("state") == "receiving")
        assert seen.values("state", "header.count") == list(range(150))
    os.close(master)


async def test_a_crossed_limit_alarms_and_is_acknowledged_by_a_console(
    udp: Udp, mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    async with subscriber(mosquitto.url) as seen, running(sparrow(f"udp:{udp.port}"), mosquitto.url):
        await udp.send(20, lambda n: 1001.0 if n >= 10 else 10.0)
        await eventually(lambda: seen.newest("alarms").get("alarms"))
        (alarm,) = seen.newest("alarms")["alarms"]
        assert (alarm["measurement"], alarm["level"], alarm["first_out"]) == ("state.altitude", "red", 1)
        assert not alarm["acknowledged"]
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as console:
            request = b'{"do": "acknowledge", "measurement": "state.altitude", "by": "ann"}'
            for junk in (b"\xff\x00", b"[]", b'{"do": 7}', b'{"do": "launch"}'):
                await console.publish("groundstation/live/hop-1/request", junk, qos=1)
            await console.publish("groundstation/live/hop-1/request", request, qos=1)
        await eventually(lambda: seen.newest("alarms")["alarms"][0]["by"] == "ann")


async def test_a_disk_that_refuses_is_said_and_live_goes_on(
    udp: Udp, mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with subscriber(mosquitto.url) as seen, running(sparrow(f"udp:{udp.port}"), mosquitto.url) as station:
        await udp.send(50)
        await eventually(lambda: len(seen.values("state", "altitude")) == 50)
        assert station.recorder is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (station.recorder.path.stat().st_size + 200, hard))
        try:
            await udp.send(100)
            await eventually(lambda: len(seen.values("state", "altitude")) == 150)
            await eventually(lambda: seen.newest("status")["recording"]["state"] == "failed")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await udp.send(10)
        await eventually(lambda: seen.newest("status")["recording"]["state"] == "recording")


async def test_a_replay_tells_the_same_story_as_live(
    udp: Udp, mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    path = sparrow(f"udp:{udp.port}")
    async with running(path, mosquitto.url) as station:
        await udp.send(900, lambda n: 10.0 + min(n, 900 - n) * 3)
        await eventually(lambda: station.pipeline.links["radio"].framer.ledger.frames == 900)
    assert station.recorder is not None
    again = read(station.recorder.path, path).pipeline()
    for chunk in read(station.recorder.path, path).recording.chunks():
        again.receive(chunk)
    lived = [event for event in station.pipeline.events if event.kind in ("flight", "limit")]
    assert list(again.events) == lived
    assert {event.name for event in lived} >= {"liftoff", "apogee", "red", "yellow"}
    assert again.links["radio"].counts() == station.pipeline.links["radio"].counts()


async def test_a_station_that_cannot_have_its_broker_leaves_no_recording_behind(
    tmp_path: Path, sparrow: Callable[..., Path]
) -> None:
    path = sparrow(f"udp:{free_port()}", '[mqtt]\nurl = "mqtt://ann@127.0.0.1"\npassword_file = "nowhere"\n')
    with pytest.raises(BusError, match=r"nowhere cannot be read .*correct mqtt\.password_file"):
        await live(Campaign.load(path), "", lambda _: None)
    assert not (tmp_path / "recordings").exists()
