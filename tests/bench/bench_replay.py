"""Recordings of 64-byte packets read by whole processes, as a user runs them: MB/s of raw bytes, processor, memory.

A packet has 32 values, 16 of them with limits, and flight events are watched for. The recordings differ in the size of
their chunks: 64 bytes is a datagram of a packet each, 4 KiB what a fast serial port hands over. Run it as a script,
with the megabytes of raw bytes if not 200. Beside each run stands what the same bytes take to be read and hashed, in
the same run: absolute rates depend on the machine, which is busy.

Targets: 100 MB/s with chunks of 4 KiB, under 300 MB of memory whatever the size.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import bench_pipeline

from protocols.chunk import Chunk
from replay.recorder import Recorder
from replay.recording import RecordedLink

MEGABYTES = 200
CHUNKS = (64, 256, 4096)
FRAMES_A_SECOND = 10_000
"""Whatever the size of chunks, so that times are those of a flight."""
VEHICLE = """import sys; sys.path.insert(0, {folder!r})
from dataclasses import replace
from bench_pipeline import VEHICLE as BARE
from protocols.flight import Equals, Falls, Flight, Transition
VEHICLE = replace(BARE, flight=Flight("pad", (
    Transition("liftoff", "ascent", (Equals("state.mode", {liftoff}),)),
    Transition("apogee", "descent", (Falls("state.unsigned_0", 30_000.0),)),
)))
"""
REPLAY = ("replay", "--speed", "max", "--no-console")
COMMANDS: dict[str, tuple[str, ...]] = {
    "decode": ("decode",),
    "decode, digests": ("decode", "--json"),
    "replay": REPLAY,
    "replay, digests": (*REPLAY, "--json"),
    "verify": ("verify", "--json"),
    "report": ("report",),
}


class Run(NamedTuple):
    """One run of a command."""

    seconds: float
    processor: float
    """Seconds of all its threads."""
    memory: float
    """The most it had, in MB."""
    told: str


def campaign(folder: Path, *, flies: bool = True) -> Path:
    """The campaign to read it by: under one that does not fly, liftoff is waited for to the end."""
    name = "flies" if flies else "stays"
    (folder / f"{name}.py").write_text(VEHICLE.format(folder=str(Path(__file__).parent), liftoff=1 if flies else 2))
    path = folder / f"{name}.toml"
    path.write_text(f'[campaign]\nname = "{name}"\nvehicle = "./{name}.py"\n[links.link]\nsource = "udp:9"\n')
    return path


def record(path: Path, size: int, megabytes: int) -> Path:
    """A recording of so many bytes in chunks of a size; liftoff is after a tenth of it."""
    pad, flight = (b"".join(bench_pipeline.stream(1 << 14, mode)) for mode in (0, 1))
    spacing = 1_000_000_000 // FRAMES_A_SECOND * size // 64
    links = {"link": RecordedLink("bench", bench_pipeline.FRAMING)}
    with Recorder(path, campaign="", definitions={}, links=links, synthetic=True, software="bench") as recorder:
        written, at = 0, 1_700_000_000_000_000_000
        while written < megabytes * 1_000_000:
            data = pad if written < megabytes * 100_000 else flight
            pieces = [data[i : i + size] for i in range(0, len(data), size)]
            recorder.write_many([Chunk("link", each, at + i * spacing) for i, each in enumerate(pieces)])
            written, at = written + len(data), at + len(pieces) * spacing
    return recorder.path


def timed(*command: str) -> Run:
    """One run of a command, whose status may be 1: it found a difference."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.monotonic()
        process = subprocess.Popen([sys.executable, "-m", "groundstation", *command], stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        told = said.read()
    assert process.returncode in (0, 1), told
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, told)


def read_and_hash(path: Path) -> float:
    """Seconds to read a file and hash it, which every replay does at least."""
    began = time.monotonic()
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.monotonic() - began


def cut(path: Path) -> Path:
    """The same recording as a killed station leaves it: with something to recover."""
    os.truncate(path, path.stat().st_size - 1000)
    return path


def measure(path: Path, folder: Path, raw: float) -> None:
    """Print all commands on one recording, of so many MB of raw bytes; it is cut then, and recovered."""
    floor, flies, stays = read_and_hash(path), str(campaign(folder)), str(campaign(folder, flies=False))
    for title, command in COMMANDS.items():
        extra = ("--to", str(path.with_suffix(".html"))) if command[0] == "report" else ()
        line(title, raw, floor, timed(command[0], str(path), "--campaign", flies, *command[1:], *extra))
    line("replay, no liftoff", raw, floor, timed(*REPLAY[:1], str(path), "--campaign", stays, *REPLAY[1:]))
    cut(path)
    target = path.with_suffix(".whole.mcap")
    line("recover", raw, floor, timed("recover", str(path), "--to", str(target)))
    target.unlink()


def line(title: str, raw: float, floor: float, run: Run) -> None:
    """Print one run."""
    sys.stdout.write(
        f"  {title:20s}{raw / run.seconds:8.1f} MB/s, {raw / run.processor:6.1f} a processor's second,"
        f" {run.memory:4.0f} MB of memory, {run.seconds / floor:6.1f} x reading and hashing\n"
    )
    sys.stdout.flush()


def main(megabytes: int) -> None:
    """Print all."""
    for size in CHUNKS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = record(folder / "bench.mcap", size, megabytes)
            sys.stdout.write(f"chunks of {size} bytes, a file of {path.stat().st_size / 1e6:.0f} MB\n")
            measure(path, folder, megabytes)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES)
