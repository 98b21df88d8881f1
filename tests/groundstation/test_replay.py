"""``groundstation replay``: what live would have told, from the same bytes, on a bus of its own."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.groundstation.conftest import free_port

GROUNDSTATION = [sys.executable, "-m", "groundstation"]
FLIGHTS = (
    "carleton/july_12th.mission",
    "cats_euroc23/11_faraday/main.cfl",
    "psas_packet/simple_logfile",
)


def groundstation(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    """A command, in a process of its own, that ends with status and no traceback."""
    done = subprocess.run(
        [*GROUNDSTATION, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def told(*arguments: object) -> dict[str, Any]:
    """The JSON object a command ends with."""
    answer: dict[str, Any] = json.loads(groundstation(*arguments, "--json").stdout)
    return answer


@pytest.fixture(scope="module")
def osx(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Ten seconds around the liftoff of the demo's flight: its recording, and what the demo said at its end."""
    folder = tmp_path_factory.mktemp("osx")
    said = told("demo", "--begin", "-2", "--end", "8", "--no-console", "--directory", folder)
    return Path(said["recording"]), said


def same(decoded: dict[str, Any], replayed: dict[str, Any]) -> None:
    keys = ("links", "packets", "events", "duration_s", "t0_ns", "synthetic", "vehicle", "damage")
    assert {key: decoded[key] for key in keys} == {key: replayed[key] for key in keys}


@pytest.mark.parametrize("flight", FLIGHTS)
def test_a_flight_replayed_tells_what_decoding_it_tells(flight, data):
    same(told("decode", data / flight), told("replay", data / flight, "--speed", "max", "--no-console"))


def test_a_recording_of_a_station_tells_what_the_station_told(osx):
    recording, live = osx
    decoded = told("decode", recording)
    same(decoded, told("replay", recording, "--speed", "max", "--no-console"))
    assert decoded["synthetic"] is True
    assert decoded["damage"] == {"discarded": 0, "notes": []}
    assert (decoded["links"], decoded["packets"], decoded["t0_ns"]) == (live["links"], live["packets"], live["t0_ns"])
    from_data = [event for event in live["events"] if event["kind"] in ("flight", "limit")]
    assert decoded["events"] == from_data
    assert "liftoff" in [event["name"] for event in from_data]
    # ten seconds of 50, 100, 20 (200 samples in arrays of ten), 10 and 10 packets a second
    rates = {"guidance": 50, "propulsion": 100, "inertial": 20, "power": 10, "discretes": 10}
    assert decoded["packets"] == {packet: 10 * rate for packet, rate in rates.items()}
    link = decoded["links"]["umbilical"]
    assert (link["discarded"], link["crc_failures"], link["sequence_gaps"]) == (0, 0, 0)


def test_a_part_of_a_flight_is_named_by_mission_time_or_by_seconds(data):
    flight = data / "cats_euroc23/07_aesir/main_1.cfl"
    whole = told("decode", flight)
    part = told("replay", flight, "--speed", "max", "--no-console", "--from", "T-0.7", "--to", "T+35.3")
    assert 35.9 <= part["duration_s"] <= 36.1
    assert [event["name"] for event in part["events"] if event["kind"] == "flight"] == ["liftoff", "burnout", "apogee"]
    # 100 records a second of each kind by the flight computer's documents, in the 36.0 s
    assert 3_590 <= part["packets"]["flight_info"] <= 3_610
    assert part["t0_ns"] == whole["t0_ns"]
    rest = told("replay", flight, "--speed", "max", "--no-console", "--from", "100")
    assert 172.0 <= rest["duration_s"] <= 172.4  # of 272.29 s by the other parser's first and last time
    for nowhere in (["--from", "5000"], ["--from", "T+60", "--to", "T-5"]):
        done = groundstation("replay", flight, "--speed", "max", "--no-console", *nowhere, status=1)
        assert "nothing lies between --from and --to; it lasts 272.2 s" in done.stderr


def test_mission_time_needs_a_liftoff(data):
    flight = data / "psas_packet/simple_logfile"
    done = groundstation("replay", flight, "--speed", "max", "--no-console", "--from", "T+1", status=1)
    assert done.stdout == ""
    assert f"{flight}: has no T-0 (no liftoff was found); give seconds since its beginning" in done.stderr


@asynccontextmanager
async def subscribed(port: int) -> AsyncIterator[list[tuple[str, dict[str, Any]]]]:
    """Everything under groundstation/ on a broker of this machine, as topics and contents."""
    seen: list[tuple[str, dict[str, Any]]] = []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            seen.append((str(message.topic), json.loads(bytes(message.payload))))

    async with aiomqtt.Client("127.0.0.1", port, max_queued_incoming_messages=0) as client:
        await client.subscribe("groundstation/#", qos=1)
        task = asyncio.create_task(listen(client))
        yield seen
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def started(log: Path, *arguments: object) -> subprocess.Popen[bytes]:
    with log.open("wb") as errors:
        command = [*GROUNDSTATION, "replay", *map(str, arguments), "--no-console", "--json"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)


async def test_every_packet_of_a_fast_replay_is_on_the_bus_once(data, tmp_path, mosquitto, eventually):
    flight = "cats_euroc23/11_faraday/main.cfl"
    async with subscribed(mosquitto.port) as seen:
        process = started(tmp_path / "log", data / flight, "--speed", "100", "--broker", mosquitto.url)
        try:
            await eventually(lambda: process.poll() is not None)
            assert process.returncode == 0, (tmp_path / "log").read_text()
            end = json.loads(process.communicate()[0])
            await eventually(lambda: any(content.get("state") == "stopped" for _, content in seen))
        finally:
            process.kill()
            process.wait()
    root = f"groundstation/replay/{Path(flight).stem}"
    assert {topic.rpartition(f"{root}/")[0] for topic, _ in seen} == {""}  # nothing stands outside of it
    rows: Counter[str] = Counter()
    for topic, content in seen:
        if topic.startswith(f"{root}/telemetry/"):
            packet = content["packet"]
            assert topic == f"{root}/telemetry/{packet}"
            assert content["thinned"] == 1
            assert {len(column) for column in content["values"].values()} == {content["count"]}
            assert content["mission_time"] is not None or end["t0_ns"] is None
            rows[packet] += content["count"]
    assert rows == end["packets"] == told("decode", data / flight)["packets"]
    for packet in rows:
        numbers = [content["seq"] for topic, content in seen if topic == f"{root}/telemetry/{packet}"]
        assert numbers == list(range(len(numbers)))
    last = [content for topic, content in seen if topic == f"{root}/link/{next(iter(end['links']))}"][-1]
    assert (last["state"], last["frames"]) == ("ended", next(iter(end["links"].values()))["frames"])


async def test_the_broker_of_a_replay_is_where_it_says_and_knows_nothing_live(osx, tmp_path, eventually):
    recording, _ = osx
    log = tmp_path / "log"
    process = started(log, recording, "--speed", "0.2")
    try:
        pattern = r"the bus is mqtt://127\.0\.0\.1:(\d+), topics (\S+)/#"
        await eventually(lambda: re.search(pattern, log.read_text()) or process.poll() is not None)
        found = re.search(pattern, log.read_text())
        assert found, log.read_text()
        assert found[2] == f"groundstation/replay/{recording.stem}"
        async with subscribed(int(found[1])) as seen:
            await eventually(lambda: sum("/telemetry/" in topic for topic, _ in seen) > 20)
        process.send_signal(signal.SIGINT)
        out, _ = await asyncio.to_thread(process.communicate, timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, log.read_text()
    assert all(topic.startswith(f"{found[2]}/") for topic, _ in seen)
    status = next(content for topic, content in seen if topic.endswith("/status"))
    assert (status["mode"], status["synthetic"], status["recording"]) == ("replay", True, None)
    assert status["replay"]["path"] == recording.name
    end = json.loads(out)
    assert 0 < sum(end["packets"].values()) < sum(told("decode", recording)["packets"].values())


def test_a_broker_that_cannot_be_is_said_at_once(data):
    flight = data / "psas_packet/simple_logfile"
    done = groundstation("replay", flight, "--no-console", "--broker", "http://x", status=1)
    assert "want mqtt://host:port or mqtts://host:port" in done.stderr


def test_a_broker_that_refuses_does_not_keep_a_replay_from_its_end(data):
    flight = data / "psas_packet/simple_logfile"
    broker = f"mqtt://127.0.0.1:{free_port()}"
    same(told("decode", flight), told("replay", flight, "--no-console", "--broker", broker))
