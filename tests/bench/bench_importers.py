"""Importers: MB/s of file as chunks and decoded, by processes of their own; and the memory that takes.

Run it as a script, with the megabytes of each file if not 64, and with names of formats where not all are wanted. To
add a format, add a line to CASES of ``large_files.py``: its name, and what writes a file of so many bytes.

Times are those of the processor, which a busy machine stretches too: beside them stands what the same file takes to be
read and split into lines, in the same run. Seconds are those that a person waits for ``decode``. Memory is the most of
a process that imports a file, one that imports a file four times as large, which should be the same, and of ``decode``
of the larger one.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from large_files import CASES

from replay.recording import open_recording

BLOCK = 1 << 20
HEAD = (
    "format            chunks MB/s  us a chunk  of reading  decode MB/s  seconds  memory MB: chunks  at 4 times  decode"
)


class Run(NamedTuple):
    """One run of a process."""

    seconds: float
    processor: float
    memory: float
    """The most it had, in MB."""
    told: str


def read_only(path: Path) -> float:
    """Seconds to read a file and split its lines."""
    begin = time.process_time()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            block.split(b"\n")
    return time.process_time() - begin


def imported(path: Path) -> None:
    """Import a file and print seconds, and chunks."""
    begin = time.process_time()
    recording = open_recording(path)
    chunks = sum(1 for _ in recording.chunks())
    spent = time.process_time() - begin
    sys.stdout.write(f"{spent} {chunks}\n")


def child(*command: str) -> Run:
    """A Python process that does something and says something."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.monotonic()
        process = subprocess.Popen([sys.executable, *command], stdout=said, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        told = said.read()
    assert process.returncode in (0, 1), command  # 1: it holds no packet of a vehicle known here
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, told)


def main(megabytes: int, names: list[str]) -> None:
    """Print a line for each format."""
    sys.stdout.write(f"{HEAD}\n")
    with tempfile.TemporaryDirectory() as folder:
        for name in names or CASES:
            path = Path(folder) / "large"
            CASES[name](path, megabytes * 1_000_000)
            size = path.stat().st_size / 1e6
            reading = min(read_only(path) for _ in range(3))
            runs = [child(__file__, "--import", str(path)) for _ in range(2)]
            spent, chunks = min((float(run.told.split()[0]), int(run.told.split()[1])) for run in runs)
            decoded = child("-m", "groundstation", "decode", str(path))
            CASES[name](path, 4 * megabytes * 1_000_000)
            more = child(__file__, "--import", str(path)).memory
            most = child("-m", "groundstation", "decode", str(path)).memory
            sys.stdout.write(
                f"{name:<18}{size / spent:>11.1f}{1e6 * spent / chunks:>12.2f}{reading / spent:>12.1%}"
                f"{size / decoded.processor:>13.1f}{decoded.seconds:>9.1f}"
                f"{runs[0].memory:>11.0f}{more:>12.0f}{most:>8.0f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--import"]:
        imported(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 64, sys.argv[2:])
