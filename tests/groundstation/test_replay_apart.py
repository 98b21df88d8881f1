"""A replay is marked REPLAY wherever it shows, and nothing in it can reach a vehicle."""

import asyncio
import json
import os
import subprocess
import sys
import tty
from pathlib import Path
from typing import Any

import aiomqtt

from groundstation.campaign import Campaign
from groundstation.live import pipeline_of, recorder_of
from protocols.chunk import Chunk
from tests.groundstation.conftest import Mosquitto
from tests.groundstation.test_replay import groundstation, told

WATCHED = """
import json, sys
seen = {"opened": [], "connected": [], "ptys": 0}
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        seen["opened"].append(str(arguments[0]))
    elif event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        seen["connected"].append(repr(arguments[1]) if len(arguments) > 1 else event)
    elif event in ("os.openpty", "pty.spawn", "os.posix_spawn", "subprocess.Popen"):
        seen["ptys"] += 1
sys.addaudithook(hook)
from groundstation.cli import main
status = main(sys.argv[1:])
seen["status"] = status
sys.stderr.write("\\n" + json.dumps(seen) + "\\n")
"""
BEGIN_NS = 1_790_000_000_000_000_000


def recorded(folder: Path, source: str) -> Path:
    """A recording of a station that received from a source; the campaign that says so is inside."""
    text = f'[campaign]\nname = "pad"\nvehicle = "osx"\n[links.umbilical]\nsource = "{source}"\n'
    campaign = Campaign(text, folder / "pad.toml")
    with recorder_of(campaign, pipeline_of(campaign)) as recorder:
        recorder.write_many([Chunk("umbilical", bytes(range(200)), BEGIN_NS + n * 10_000_000) for n in range(100)])
    return recorder.path


async def test_every_message_of_a_replay_stands_under_its_own_topics_and_its_status_says_so(
    mosquitto: Mosquitto, data: Path, eventually: Any
) -> None:
    topics: dict[str, list[bytes]] = {}

    async def listen(ready: asyncio.Event) -> None:
        async with aiomqtt.Client("127.0.0.1", mosquitto.port, timeout=120) as client:
            await client.subscribe("#", qos=1)
            ready.set()
            async for message in client.messages:
                topics.setdefault(str(message.topic), []).append(bytes(message.payload))

    ready = asyncio.Event()
    listening = asyncio.create_task(listen(ready))
    await ready.wait()
    flight = data / "carleton" / "july_12th.mission"
    arguments = ("replay", flight, "--speed", "max", "--no-console", "--broker", mosquitto.url)
    said = await asyncio.to_thread(groundstation, *arguments)
    root = "groundstation/replay/july_12th/"
    await eventually(lambda: b'"stopped"' in b"".join(topics.get(f"{root}status", ())))
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert len(topics) > 5
    assert all(topic.startswith(root) for topic in topics)
    assert {json.loads(each)["mode"] for each in topics[f"{root}status"]} == {"replay"}
    assert said.stdout.startswith("REPLAY of ")
    assert told("replay", flight, "--speed", "max", "--no-console")["mode"] == "replay"


def test_a_replay_opens_no_source_and_talks_to_its_own_broker_only(tmp_path: Path) -> None:
    """Of a recording whose campaign names a serial port that is there and could be opened."""
    master, slave = os.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)
    path = recorded(tmp_path, f"serial:{port}?baud=115200")
    os.close(slave)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "replay", str(path), "--speed", "max", "--no-console", "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    seen: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    assert seen["status"] == 0
    assert json.loads(done.stdout)["links"]["umbilical"]["bytes_in"] == 20_000
    assert str(path) in seen["opened"], "the watch sees what is opened"
    assert port not in seen["opened"]
    devices = [each for each in seen["opened"] if each.startswith("/dev/")]
    assert set(devices) <= {"/dev/null", "/dev/urandom"}
    assert seen["connected"]
    own = ("127.0.0.1", "::1", "('', 0)")  # the last: a client's end, wherever it goes
    assert [each for each in seen["connected"] if not any(place in each for place in own)] == []
    assert seen["ptys"] == 0
    os.set_blocking(master, False)
    try:
        received = os.read(master, 1000)
    except OSError:  # nobody has it open, as nobody ever had
        received = b""
    os.close(master)
    assert received == b""
