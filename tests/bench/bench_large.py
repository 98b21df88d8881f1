"""A recording of some GB, and such files of other formats: the memory that looking and decoding take, and how fast.

Run it as a script, with the gigabytes of each file if not 4, and with names where not all are wanted: ``recording``,
which is in chunks of 4 KiB, or those of CASES in ``large_files.py``. Files are made in the folder for temporary files,
one after the other, and removed. A target: under 300 MB, whatever the file.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import bench_replay
from bench_importers import child
from large_files import CASES

RECORDING = "recording"
SPARE = 2_000_000_000
"""Bytes that are to stay free beside a file."""


def line(title: str, size: float, *command: str) -> None:
    """Print one run of a command on a file of so many MB."""
    run = child("-m", "groundstation", *command)
    sys.stdout.write(
        f"  {title:16s}{size / run.seconds:8.1f} MB/s, {size / run.processor:8.1f} a processor's second,"
        f" {run.seconds:7.1f} s, {run.memory:4.0f} MB of memory\n"
    )
    sys.stdout.flush()


def measure_recording(folder: Path, gigabytes: float) -> None:
    """Print every command that goes through a recording of ours."""
    path = bench_replay.record(folder / "large.mcap", 4096, int(1000 * gigabytes))
    size, campaign = path.stat().st_size / 1e6, ("--campaign", str(bench_replay.campaign(folder)))
    sys.stdout.write(f"{RECORDING}, {size:,.0f} MB\n")
    line("info", size, "info", str(path), "--json")
    for title, command in bench_replay.COMMANDS.items():
        extra = ("--to", str(folder / "large.html")) if command[0] == "report" else ()
        line(title, size, command[0], str(path), *campaign, *command[1:], *extra)
    if shutil.disk_usage(folder).free > 1e6 * size + SPARE:
        bench_replay.cut(path)
        line("recover", size, "recover", str(path), "--to", str(folder / "whole.mcap"))


def measure(folder: Path, name: str, gigabytes: float) -> None:
    """Print info and decode of a file of another format."""
    path = folder / "large"
    CASES[name](path, int(1e9 * gigabytes))
    size = path.stat().st_size / 1e6
    sys.stdout.write(f"{name}, {size:,.0f} MB\n")
    line("info", size, "info", str(path), "--json")
    line("decode", size, "decode", str(path))


def main(gigabytes: float, names: list[str]) -> None:
    """Print all."""
    for name in names or (RECORDING, *CASES):
        with tempfile.TemporaryDirectory() as folder:
            if shutil.disk_usage(folder).free < 1e9 * gigabytes + SPARE:
                sys.stdout.write(f"{name}: there is no room for it in {tempfile.gettempdir()}\n")
            elif name == RECORDING:
                measure_recording(Path(folder), gigabytes)
            else:
                measure(Path(folder), name, gigabytes)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 4, sys.argv[2:])
