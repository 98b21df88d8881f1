"""A real broker that can be killed and frozen, a test vehicle, and a subscriber that keeps what it sees."""

import asyncio
import os
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest

SPARROW = """\
from construct import Const, Int8ub, Int16ub, Int32ub, Struct
from protocols.curve import Linear
from protocols.flight import Above, Falls, Flight, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

VEHICLE = Vehicle(
    name="sparrow", title="Sparrow", framing={"kind": "cobs", "check": "crc-16/ibm-3740"},
    header=Header(Struct("kind" / Int8ub, "count" / Int32ub * "packets sent"), key="kind", sequence="count"),
    packets=(
        Packet("state", Struct(
            "altitude" / Measurement(Int16ub, "m", Linear(0.5), yellow=(0, 900), red=(0, 1000)) * "above the pad",
            "voltage" / Measurement(Int16ub, "V", Linear(0.001), red=(20, 34)) * "at the battery",
        ), key=1, rate=100.0, doc="where it is"),
    ),
    flight=Flight("pad", (
        Transition("liftoff", "ascent", (Above("state.altitude", 20.0),)),
        Transition("apogee", "descent", (Falls("state.altitude", 5.0),)),
    )),
    display=("state.altitude",), plots=("state.altitude",),
)
"""


def state_packet(count: int, altitude: float, voltage: float = 28.0) -> bytes:
    """A state packet of SPARROW, by struct, not by the code under test."""
    return struct.pack(">BIHH", 1, count, round(altitude * 2), round(voltage * 1000))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A real mosquitto on loopback that tests may kill, freeze and start again."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if found is None:
            pytest.skip("mosquitto is not installed: apt-get install mosquitto")
        self.port, self._program, self._folder = free_port(), found, folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        config = self._folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self._process = await asyncio.to_thread(
            subprocess.Popen, [self._program, "-c", str(config)], stderr=subprocess.DEVNULL
        )
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                assert self._process.poll() is None, "mosquitto did not start"
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    await broker.start()
    yield broker
    broker.kill()


class Seen:
    """What a subscriber saw, by the last parts of its topics."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []

    def add(self, topic: str, payload: bytes) -> None:
        if not topic.endswith("/request"):  # which may be any junk
            self.messages.append((topic.split("/", 3)[3], orjson.loads(payload)))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [content for topic, content in self.messages if topic == kind or topic.startswith(f"{kind}/")]

    def newest(self, kind: str) -> dict[str, Any]:
        found = self.of(kind)
        return found[-1] if found else {}

    def values(self, packet: str, path: str, *kinds: str) -> list[Any]:
        """A measurement's values from all messages of these kinds."""
        topics = [f"{kind}/{packet}" for kind in kinds or ("telemetry",)]
        return [each for topic, message in self.messages if topic in topics for each in message["values"][path]]


@pytest.fixture
def subscriber() -> Callable[[str], Any]:
    """``async with subscriber(url) as seen``: everything under groundstation/ from then on."""

    @asynccontextmanager
    async def subscribed(url: str) -> AsyncIterator[Seen]:
        port = int(url.rsplit(":", 1)[1])
        seen = Seen()

        async def listen(ready: asyncio.Event) -> None:
            while True:
                try:
                    async with aiomqtt.Client("127.0.0.1", port, timeout=120) as client:
                        await client.subscribe("groundstation/#", qos=1)
                        ready.set()
                        async for message in client.messages:
                            seen.add(str(message.topic), bytes(message.payload))
                except aiomqtt.MqttError:
                    await asyncio.sleep(0.02)

        ready = asyncio.Event()
        task = asyncio.create_task(listen(ready))
        await ready.wait()
        yield seen
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return subscribed


@pytest.fixture
def sparrow(tmp_path: Path) -> Callable[..., Path]:
    """``sparrow(source)``: a campaign file of the test vehicle, beside its vehicle file."""

    def written(source: str, more: str = "") -> Path:
        (tmp_path / "sparrow.py").write_text(SPARROW)
        path = tmp_path / "campaign.toml"
        heard = "" if "silent_after" in more else "silent_after = 600.0\n"  # however slow the machine is that sends
        path.write_text(
            f'[campaign]\nname = "hop-1"\nvehicle = "./sparrow.py"\n[links.radio]\nsource = "{source}"\n{heard}{more}'
        )
        return path

    return written
