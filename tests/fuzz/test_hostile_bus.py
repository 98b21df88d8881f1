"""A bus on which anybody may say anything, and what a station meets there: it goes on receiving, and says so."""

import asyncio
import shutil
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest
from construct import Array, Float64b, Int8ub, Struct

from groundstation.bus.address import PASSWORD_VARIABLE, BrokerAddress
from groundstation.bus.broker import EmbeddedBroker
from groundstation.campaign import Campaign
from groundstation.live import live
from groundstation.reading import read
from groundstation.station import Station
from hardware.sources.file import File
from protocols.errors import BusError
from protocols.framer import framer
from tests.groundstation.conftest import SPARROW, free_port, state_packet

FRAMER = framer("cobs", check="crc-16/ibm-3740")

REQUESTS = [
    b"", b"{", b"true", b"[]", b"null", b"\xff\xfe", b'"stop"', b"[" * 100_000 + b"]" * 100_000,
    b'{"do":"mark","by":' + b"[" * 1000 + b"]" * 1000 + b"}",  # Python's own limit on how deep it writes: was fatal
    b'{"do":["stop"]}', b'{"do":{"stop":1}}', b'{"do":null}', b'{"do":1e308}', b'{"do":"' + b"x" * 60_000 + b'"}',
    b'{"do":"mark","text":"\\ud800"}', b'{"do":"mark","text":{"a":1e400}}', b'{"do":"mark","text":["a"],"by":5}',
    b'{"do":"mark","text":"one\\u001b[2J\\nERROR two","by":"\\r\\u0000me"}',
    b'{"do":"acknowledge","measurement":{}}', b'{"do":"acknowledge","measurement":5,"by":[]}',
    b'{"do":"seek","received_ns":1e400}', b'{"do":"speed","speed":"NaN"}', b"x" * 1_000_000,
]  # fmt: skip


@asynccontextmanager
async def running(path: Path, url: str) -> AsyncIterator[Station]:
    """A campaign's station, stopped at the end."""
    started: asyncio.Future[Station] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(live(Campaign.load(path), url, started.set_result, linger=True))
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    station = await started
    try:
        yield station
    finally:
        station.stopping.set()
        await task


class Vehicle:
    """Sends datagrams, one state packet each."""

    def __init__(self) -> None:
        self.port, self.count = free_port(), 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    @property
    def address(self) -> str:
        return f"udp:{self.port}"

    def send(self, count: int = 1) -> None:
        for _ in range(count):
            self._socket.sendto(FRAMER.encode([state_packet(self.count, 10.0)]), ("127.0.0.1", self.port))
            self.count += 1

    def send_raw(self, data: bytes) -> None:
        self._socket.sendto(data, ("127.0.0.1", self.port))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def rocket() -> Any:
    made = Vehicle()
    yield made
    made.close()


async def test_no_request_ends_bus_or_station(
    rocket: Vehicle, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    async with EmbeddedBroker(port=0) as broker, subscriber(broker.url) as seen:  # noqa: SIM117 reads better
        async with running(sparrow(rocket.address), broker.url) as station:
            await station.setup.links["radio"].opened.wait()
            async with aiomqtt.Client("127.0.0.1", int(broker.url.rsplit(":", 1)[1])) as anybody:
                for request in REQUESTS:
                    await anybody.publish(f"{station.root}/request", request, qos=1)
                await anybody.publish(f"{station.root}/request", b'{"do":"mark","text":"the last"}', qos=1)
            rocket.send(5)
            await eventually(lambda: seen.values("state", "header.count") == list(range(5)))
            await eventually(lambda: any(each["text"] == "the last" for each in seen.of("event")))
            marks = [each["text"] for each in seen.of("event") if each["name"] == "mark"]
            assert all(text.isprintable() and len(text) < 500 for text in marks)
            assert "one [2J ERROR two (me)" in marks
            assert station.outbox.connected
            assert not any(each["name"] == "acknowledged" for each in seen.of("event"))


async def test_another_station_on_the_same_topics_is_said(
    rocket: Vehicle, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    path = sparrow(rocket.address)
    async with EmbeddedBroker(port=0) as broker, subscriber(broker.url) as seen:
        async with running(path, broker.url) as one:
            await eventually(lambda: one.outbox.connected)
            other = path.with_name("other.toml")
            other.write_text(path.read_text().replace(rocket.address, f"udp:{free_port()}"))
            async with running(other, broker.url) as two:
                await eventually(lambda: two.session in {each["detail"]["session"] for each in rivals(seen)})
                await eventually(lambda: one.session in {each["detail"]["session"] for each in rivals(seen)})
            said = len(rivals(seen))
            rocket.send(3)
            await eventually(lambda: 2 in seen.values("state", "header.count"))
        assert len(rivals(seen)) == said == 2, "once each"


def rivals(seen: Any) -> list[dict[str, Any]]:
    return [each for each in seen.of("event") if each["name"] == "rival"]


async def test_what_an_earlier_run_left_behind_is_no_rival(
    rocket: Vehicle, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    path = sparrow(rocket.address)
    async with EmbeddedBroker(port=0) as broker, subscriber(broker.url) as seen:
        for _ in range(2):
            async with running(path, broker.url) as station:
                rocket.send()
                await eventually(lambda want=station.session: seen.newest("status").get("session") == want)
        assert not rivals(seen)


async def test_a_broker_that_was_not_there_at_the_start_gets_all_of_it(
    rocket: Vehicle,
    subscriber: Any,
    sparrow: Callable[..., Path],
    eventually: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Telemetry waits only thinned; what came since the start is in the recording, from which the gap is filled."""
    port = free_port()
    async with running(sparrow(rocket.address), f"mqtt://127.0.0.1:{port}") as station:
        await station.setup.links["radio"].opened.wait()
        await eventually(lambda: station.outbox.problem)
        rocket.send(1)
        await eventually(lambda: station.outbox._lanes)
        for lane in station.outbox._lanes.values():
            lane.rows_waiting = 100
        for _ in range(111):
            rocket.send(9)
            await asyncio.sleep(0)
        await eventually(lambda: station.pipeline.links["radio"].framer.ledger.frames == 1000)
        async with EmbeddedBroker(port=port) as broker, subscriber(broker.url) as seen:
            everything = set(range(1000))
            await eventually(lambda: set(seen.values("state", "header.count", "telemetry", "backfill")) == everything)
            station.stopping.set()
            await eventually(lambda: seen.newest("status").get("state") == "stopped")


async def test_no_broker_for_the_whole_run_costs_the_recording_nothing(
    rocket: Vehicle, sparrow: Callable[..., Path], eventually: Any
) -> None:
    path = sparrow(rocket.address)
    async with running(path, f"mqtt://127.0.0.1:{free_port()}") as station:
        await station.setup.links["radio"].opened.wait()
        rocket.send(50)
        await eventually(lambda: station.pipeline.links["radio"].framer.ledger.frames == 50)
    assert station.recorder is not None
    recorded = b"".join(chunk.data for chunk in read(station.recorder.path, path).recording.chunks())
    assert recorded == FRAMER.encode([state_packet(number, 10.0) for number in range(50)])


async def test_a_deleted_recording_is_said_and_the_station_goes_on(
    rocket: Vehicle, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    port = free_port()
    async with running(sparrow(rocket.address), f"mqtt://127.0.0.1:{port}") as station:
        async with EmbeddedBroker(port=port) as broker, subscriber(broker.url) as seen:
            await eventually(lambda: station.outbox.connected)
            rocket.send(5)
            await eventually(lambda: len(seen.values("state", "header.count")) == 5)
        await eventually(lambda: not station.outbox.connected)
        assert station.recorder is not None
        shutil.rmtree(station.recorder.path.parent)
        rocket.send(5)
        await eventually(lambda: station.recorder.problem)
        async with EmbeddedBroker(port=port) as broker, subscriber(broker.url) as seen:
            await eventually(
                lambda: any(each["name"] == "no backfill" for each in seen.newest("events").get("events", []))
            )
            rocket.send(5)
            await eventually(lambda: station.pipeline.links["radio"].framer.ledger.frames == 15)
            await eventually(lambda: 14 in seen.values("state", "header.count"))
            (said,) = [each["text"] for each in seen.newest("events")["events"] if each["kind"] == "recording"]
            assert "NOT RECORDING" in said
            assert "was deleted; copy /proc/" in said
            await eventually(lambda: seen.newest("status")["recording"]["state"] == "failed")
            kept = Path(said.split("copy ")[1].split(" ")[0])
            assert FRAMER.encode([state_packet(14, 10.0)]) in kept.read_bytes(), "as the message says"  # noqa: ASYNC240
            station.stopping.set()
            await eventually(lambda: seen.newest("status").get("state") == "stopped")


async def test_a_source_that_raises_whatever_it_does_takes_nothing_else_down(
    rocket: Vehicle,
    subscriber: Any,
    sparrow: Callable[..., Path],
    eventually: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    async def raises(_: File) -> None:
        raise RuntimeError("a driver's fault")

    (tmp_path / "empty").touch()
    monkeypatch.setattr(File, "close", raises)
    more = f'[links.second]\nsource = "file:{tmp_path}/empty"\n'
    async with EmbeddedBroker(port=0) as broker, subscriber(broker.url) as seen:  # noqa: SIM117 reads better
        async with running(sparrow(rocket.address, more), broker.url) as station:
            await eventually(lambda: str(station.setup.links["second"].state) in ("lost", "ended"))
            await station.setup.links["radio"].opened.wait()
            rocket.send(3)
            await eventually(lambda: seen.values("state", "header.count") == [0, 1, 2])


@pytest.mark.parametrize("delay", [0.0, 0.002, 0.004, 0.006, 0.008, 0.02])
async def test_a_stop_at_the_moment_of_connecting_is_a_stop(
    delay: float, rocket: Vehicle, sparrow: Callable[..., Path]
) -> None:
    async with EmbeddedBroker(port=0) as broker, asyncio.timeout(120):
        async with running(sparrow(rocket.address), broker.url) as station:
            await station.setup.links["radio"].opened.wait()
            await asyncio.sleep(delay)
        assert station.state in ("running", "stopped")


@pytest.mark.parametrize("size", [0, 1, 65507])
async def test_datagrams_of_any_size_are_accounted_for(
    size: int, rocket: Vehicle, sparrow: Callable[..., Path], eventually: Any
) -> None:
    async with EmbeddedBroker(port=0) as broker, running(sparrow(rocket.address), broker.url) as station:
        await station.setup.links["radio"].opened.wait()
        rocket.send_raw(bytes(size))
        rocket.send_raw(b"\xff" * size)
        rocket.send_raw(b"\0")
        rocket.send(1)
        ledger = station.pipeline.links["radio"].framer.ledger
        await eventually(lambda: ledger.frames == 1)
        assert ledger.balanced
        assert ledger.bytes_in == 2 * size + 1 + len(FRAMER.encode([state_packet(0, 10.0)]))


async def test_messages_larger_than_a_broker_takes_are_divided(
    rocket: Vehicle, subscriber: Any, tmp_path: Path, sparrow: Callable[..., Path], eventually: Any
) -> None:
    """A thousand packets of 300 numbers are 5 MB of JSON; the embedded broker cuts off who sends more than 2 MB."""
    path = sparrow(rocket.address)
    wide = SPARROW.replace('"voltage" / ', '"wide" / Array(300, Float64b),\n            "voltage" / ')
    (tmp_path / "sparrow.py").write_text("from construct import Array, Float64b\n" + wide)
    body = Struct(
        "kind" / Int8ub, "count" / Array(4, Int8ub), "height" / Array(2, Int8ub), "wide" / Array(300, Float64b)
    )
    async with running(path, f"mqtt://127.0.0.1:{(port := free_port())}") as station:
        await station.setup.links["radio"].opened.wait()
        for number in range(1000):
            head = body.build(
                {"kind": 1, "count": struct.pack(">I", number), "height": [0, 9], "wide": [0.1 + number] * 300}
            )
            rocket.send_raw(FRAMER.encode([head + bytes((100, 0))]))
            if number % 50 == 0:
                await eventually(lambda want=number: station.pipeline.links["radio"].framer.ledger.frames >= want)
        await eventually(lambda: station.pipeline.links["radio"].framer.ledger.frames == 1000)
        async with EmbeddedBroker(port=port) as broker, subscriber(broker.url) as seen:
            await eventually(lambda: set(seen.values("state", "header.count")) == set(range(1000)))
            assert broker.counts.cut_off == 0
            sizes = [len(orjson.dumps(message)) for message in seen.of("telemetry")]
            assert max(sizes) <= 1 << 20
            station.stopping.set()
            await eventually(lambda: seen.newest("status").get("state") == "stopped")


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://pilot:hunter2@host:99999",
        "mqtt://pilot:hunter2@host",
        "http://pilot:hunter2@host",
        "mqtt://pilot:hunt/er2@host:1",
        "pilot:hunter2@host:1883",
        "mqtt://pilot:hunt://er2@host:x",
        "mqtt://[::1",
        "mqtt://[zz]:5",
        "mqtt://no..host",
        "mqtt://host:0",
        "mqtt://\0",
        "//",
        "",
    ],
)
def test_an_address_that_cannot_be_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BusError) as refused:
        BrokerAddress.parse(url)
    assert "hunt" not in str(refused.value)
    assert "er2" not in str(refused.value)


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("binary", "absent", "."):
        with pytest.raises(BusError, match=r"cannot be read .*correct mqtt\.password_file"):
            BrokerAddress.parse("mqtt://pilot@host", str(tmp_path / name))
    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter2")
    assert "hunter2" not in str(BrokerAddress.parse("mqtt://pilot@host"))
