"""A MAVLink log of a real vehicle: every value of every message decoded, by us and by pymavlink in the same run.

Target: ten times as fast as pymavlink, and 20 MB/s of file. Ours is the whole path of ``groundstation decode``: the
file cut into chunks, framed, checked, decoded, limits and flight judged, and then every column finished. The first run
compiles the types of message that occur; pymavlink has its classes as Python source. Also a log whose frames all have
times of their own, as most ground stations write them.
"""

from __future__ import annotations

import gc
import json
import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from groundstation.pipeline import blocks
from groundstation.reading import read
from protocols.mavlink.message_set import messages  # noqa: F401 both sides have their message sets loaded

DATA = Path(os.environ.get("GROUNDSTATION_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
ROUNDS = 10


def ours(path: Path) -> int:
    """Packets, each of whose values has been made."""
    reading = read(path)
    pipeline = reading.pipeline()
    found = 0
    for group in blocks(reading.recording.chunks()):
        for batch in pipeline.receive(*group).batches:
            found += len(batch)
            for name in batch.columns:
                batch.columns[name]
    return found


def theirs(path: Path) -> int:
    """Messages, which pymavlink makes with all their values."""
    from pymavlink import mavutil  # noqa: PLC0415 of the bench extra

    log, found = mavutil.mavlink_connection(str(path)), 0
    while (message := log.recv_msg()) is not None:
        found += message.get_type() != "BAD_DATA"
    log.close()
    return found


def timed(run: Callable[[Path], int], path: Path) -> tuple[float, int]:
    """Seconds of processor time of one run, and what it found."""
    gc.collect()
    began = time.process_time()  # both keep to one core; others may be at work on it
    found = run(path)
    return time.process_time() - began, found


def compared(path: Path) -> dict[str, float]:
    """Both in turn, the best of some rounds of each."""
    first, _ = timed(ours, path)
    mine, other = [first], []
    for _ in range(ROUNDS):
        seconds, found = timed(theirs, path)
        other.append(seconds)
        seconds, own = timed(ours, path)
        mine.append(seconds)
        assert own == found
    size = path.stat().st_size
    return {
        "messages": float(own),
        "ours_ms": 1e3 * min(mine),
        "first_run_ms": 1e3 * first,
        "pymavlink_ms": 1e3 * min(other),
        "times_pymavlink": min(other) / min(mine),
        "MB/s": size / min(mine) / 1e6,
    }


def spread(path: Path, target: Path) -> None:
    """The same log with a time of its own for each record."""
    log, at, count = path.read_bytes(), 0, 0
    with target.open("wb") as file:
        while at < len(log):
            end = at + 20 + log[at + 9]
            file.write(struct.pack(">Q", 1_683_220_541_055_000 + 7_000 * count) + log[at + 8 : end])
            at, count = end, count + 1


def main() -> None:
    """Print both."""
    small = DATA / "mavlink" / "small.tlog"
    if not small.is_file():
        sys.exit("no real recordings here: set GROUNDSTATION_TEST_DATA to their folder")
    with tempfile.TemporaryDirectory() as folder:
        spread(small, Path(folder) / "spread.tlog")
        for path in (small, Path(folder) / "spread.tlog"):
            told = {name: round(value, 1) for name, value in compared(path).items()}
            sys.stdout.write(f"{path.name}: {json.dumps(told)}\n")


if __name__ == "__main__":
    main()
