"""A station and its console as two processes: what becomes of the one when the other ends, fails or never was."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from groundstation.hosting import console_and_station, tell_progress
from groundstation.reading import read
from protocols.chunk import Chunk
from protocols.framer import framer
from replay.recorder import Recorder
from replay.recording import RecordedLink
from tests.groundstation.conftest import Mosquitto, free_port, state_packet

STATION = [sys.executable, "-m", "groundstation"]
FRAMER = framer("cobs", check="crc-16/ibm-3740")


def send(port: int, *counts: int) -> None:
    """Datagrams of a packet each."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as vehicle:
        for count in counts:
            vehicle.sendto(FRAMER.encode([state_packet(count, 10.0)]), ("127.0.0.1", port))


@contextmanager
def terminal(*command: object) -> Iterator[tuple[subprocess.Popen[bytes], bytearray]]:
    """A command on a terminal of its own, and what it has written there; the terminal is closed at the end."""
    master, slave = pty.openpty()
    written = bytearray()
    environment = {**os.environ, "TERM": "xterm-256color", "LINES": "30", "COLUMNS": "100"}
    process = subprocess.Popen(
        [*STATION, *map(str, command)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env=environment,
    )
    os.close(slave)
    loop = asyncio.get_running_loop()

    def drain() -> None:
        try:
            written.extend(os.read(master, 65536))
        except OSError:  # all who had it open have gone
            loop.remove_reader(master)

    loop.add_reader(master, drain)
    try:
        yield process, written
    finally:
        loop.remove_reader(master)
        os.close(master)
        process.kill()
        process.wait()


@contextmanager
def announced(*command: object, log: Path, listen: bool = True) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A station started as its console would start it, and the pipe on which it says where its bus is."""
    read_end, write_end = os.pipe()
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*STATION, *map(str, command), "--no-console", "--announce", str(write_end)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(write_end,),
        )
    os.close(write_end)
    if not listen:
        os.close(read_end)
    try:
        yield process, read_end
    finally:
        if listen:
            os.close(read_end)
        process.kill()
        process.wait()


def started_in_a_process_of_its_own(campaign: Path, log: Path) -> subprocess.Popen[bytes]:
    """``console_and_station``, to be interrupted."""
    program = f"""
from pathlib import Path
from groundstation.hosting import console_and_station
console_and_station(["run", {str(campaign)!r}], Path({str(log)!r}))
"""
    return subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)


async def test_a_station_outlives_its_console_and_its_terminal(
    mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    port = free_port()
    campaign = sparrow(f"udp:{port}")
    async with subscriber(mosquitto.url) as seen:
        with terminal("run", campaign, "--broker", mosquitto.url) as (console, written):
            await eventually(lambda: b"Sparrow" in written)
            await eventually(lambda: seen.newest("link/radio").get("state") == "receiving")
            send(port, 0, 1, 2)
            await eventually(lambda: seen.values("state", "header.count") == [0, 1, 2])
            station = int(seen.newest("status")["pid"])
            assert station != console.pid
            assert os.getsid(station) != os.getsid(console.pid)
            console.kill()
            console.wait()
        try:
            send(port, 3, 4, 5)
            await eventually(lambda: seen.values("state", "header.count") == [0, 1, 2, 3, 4, 5])
            assert seen.newest("status")["state"] == "running"
            recording = Path(seen.newest("status")["recording"]["path"])
        finally:
            os.kill(station, signal.SIGTERM)
        await eventually(lambda: seen.newest("status").get("state") == "stopped")
    chunks = read(recording, campaign).recording.chunks()
    assert [chunk.data for chunk in chunks] == [FRAMER.encode([state_packet(n, 10.0)]) for n in range(6)]


async def test_a_station_says_once_where_its_bus_is_and_how_to_log_in_there(
    tmp_path: Path, mosquitto: Mosquitto, sparrow: Callable[..., Path], eventually: Any
) -> None:
    (tmp_path / "secret").write_text("xyzzy-7\n")
    url = mosquitto.url.replace("://", "://ann%40pad@")
    campaign = sparrow(f"udp:{free_port()}", f'[mqtt]\nurl = "{url}"\npassword_file = "secret"\n')
    with announced("run", campaign, log=tmp_path / "log") as (process, pipe):
        told = await asyncio.to_thread(os.read, pipe, 4096)
        assert json.loads(told) == {"url": url, "root": "groundstation/live/hop-1", "password": "xyzzy-7"}
        assert os.read(pipe, 1) == b""
        await eventually(lambda: "is there" in (tmp_path / "log").read_text())
        process.send_signal(signal.SIGINT)
        await eventually(lambda: process.poll() is not None)
        assert process.returncode == 0
    assert "xyzzy" not in (tmp_path / "log").read_text()


async def test_a_station_that_nobody_waits_for_ends_and_closes_its_recording(
    tmp_path: Path, mosquitto: Mosquitto, sparrow: Callable[..., Path], eventually: Any
) -> None:
    campaign = sparrow(f"udp:{free_port()}")
    log = tmp_path / "log"
    with announced("run", campaign, "--broker", mosquitto.url, log=log, listen=False) as (process, _):
        await eventually(lambda: process.poll() is not None)
        assert process.returncode == 0, log.read_text()
    assert "has gone" in log.read_text()
    assert "Traceback" not in log.read_text()
    (recording,) = (tmp_path / "recordings").glob("*.mcap")
    assert not read(recording, campaign).recording.damage.notes


def test_how_far_it_has_read_is_told_to_whoever_started_it_and_to_nobody_else() -> None:
    read_end, write_end = os.pipe()
    told = tell_progress(Namespace(announce=write_end))
    told(0.25)
    os.close(write_end)  # as it is once the station has announced itself
    mine, theirs = socket.socketpair()  # which are given its number, as the next connection to a broker would be
    with mine, theirs:
        told(0.5)
        assert [json.loads(line) for line in os.read(read_end, 4096).splitlines()] == [{"read": 0.25}, {"read": 0.5}]
        os.close(read_end)
        told(1.0)
        for end in (mine, theirs):
            end.settimeout(0)
            with pytest.raises(BlockingIOError):
                end.recv(1)


async def test_where_a_replay_is_to_begin_is_found_before_its_console_opens(
    tmp_path: Path, sparrow: Callable[..., Path], eventually: Any
) -> None:
    campaign, log = sparrow("udp:5000"), tmp_path / "log"
    links = {"radio": RecordedLink("sparrow", {"kind": "cobs", "check": "crc-16/ibm-3740"})}
    with Recorder(
        tmp_path / "hop.mcap", campaign="", definitions={}, links=links, synthetic=True, software="a test"
    ) as recorder:
        for n in range(1000):
            packet = FRAMER.encode([state_packet(n, 3.0 * max(0, min(n - 300, 1000 - n)))])
            recorder.write(Chunk("radio", packet, 1_790_000_000_000_000_000 + n * 10_000_000))
    with announced("replay", recorder.path, "--campaign", campaign, "--from", "apogee+1", log=log) as (process, pipe):
        told = (await asyncio.to_thread(os.read, pipe, 4096)).splitlines()
        while b"root" not in told[-1]:
            told += (await asyncio.to_thread(os.read, pipe, 4096)).splitlines()
        assert json.loads(told[-1])["root"] == "groundstation/replay/hop"
        assert all(0 <= json.loads(line)["read"] <= 1 for line in told[:-1])
        process.send_signal(signal.SIGINT)
        await eventually(lambda: process.poll() is not None)
        assert process.returncode == 0, log.read_text()
    command = ["replay", recorder.path, "--campaign", campaign, "--from", "apogy"]
    with terminal(*command) as (console, written):
        await eventually(lambda: console.poll() is not None)
        await eventually(lambda: b"has no event 'apogy'; it has liftoff, apogee" in written)
        assert console.returncode == 1


def test_a_station_that_does_not_begin_says_why_with_its_status(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "station.log"
    log.parent.mkdir()
    log.write_text("a fault of yesterday\n")
    assert console_and_station(["run", str(tmp_path / "nix.toml")], log) == 2
    said = capfd.readouterr().err
    assert "nix.toml" in said
    assert "yesterday" not in said
    assert log.read_text().startswith("a fault of yesterday\n")


def test_a_station_that_is_killed_before_it_begins_gives_a_shell_s_status(
    tmp_path: Path, sparrow: Callable[..., Path]
) -> None:
    campaign = sparrow("udp:5000")
    with (tmp_path / "sparrow.py").open("a") as vehicle:
        vehicle.write("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert console_and_station(["run", str(campaign)], tmp_path / "log") == 128 + signal.SIGKILL


async def test_ctrl_c_before_the_console_is_there_leaves_no_station_behind(
    tmp_path: Path, sparrow: Callable[..., Path], eventually: Any
) -> None:
    campaign, told = sparrow("udp:5000"), tmp_path / "pid"
    with (tmp_path / "sparrow.py").open("a") as vehicle:
        vehicle.write(
            f"import os, pathlib, time\npathlib.Path({str(told)!r}).write_text(f'{{os.getpid()}}.')\ntime.sleep(99)\n"
        )
    console = started_in_a_process_of_its_own(campaign, tmp_path / "log")
    try:
        await eventually(lambda: told.exists() and told.read_text().endswith("."))
        console.send_signal(signal.SIGINT)
        await eventually(lambda: console.poll() is not None)
        with pytest.raises(ProcessLookupError):
            os.kill(int(told.read_text()[:-1]), 0)
    finally:
        console.kill()
        console.wait()
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(int(re.sub(r"\D", "", told.read_text())), signal.SIGKILL)
