"""A 200 MB recording of 64-byte frames replayed as fast as possible: MB/s of raw bytes, and the memory it takes.

Targets: 50 MB/s, under 250 MB. Whole processes, as a user runs them: `replay --speed max` on its own bus, and `decode`.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench_pipeline

from protocols.chunk import Chunk
from replay.recorder import Recorder
from replay.recording import RecordedLink

MEGABYTES, CHUNK = 200, 4096
VEHICLE = "import sys; sys.path.insert(0, {folder!r})\nfrom bench_pipeline import VEHICLE\n"


def record(folder: Path) -> tuple[Path, Path]:
    """The recording and the campaign to read it by."""
    (folder / "bench.py").write_text(VEHICLE.format(folder=str(Path(__file__).parent)))
    campaign = folder / "bench.toml"
    campaign.write_text('[campaign]\nname = "bench"\nvehicle = "./bench.py"\n[links.link]\nsource = "udp:9"\n')
    data = b"".join(bench_pipeline.stream(1 << 14))
    links = {"link": RecordedLink("bench", bench_pipeline.FRAMING)}
    with Recorder(
        folder / "bench.mcap", campaign="", definitions={}, links=links, synthetic=True, software="bench"
    ) as recorder:
        written, at = 0, 1_700_000_000_000_000_000
        while written < MEGABYTES * 1_000_000:
            chunks = [Chunk("link", data[i : i + CHUNK], at + i * 10_000) for i in range(0, len(data), CHUNK)]
            recorder.write_many(chunks)
            written, at = written + len(data), at + len(data) * 10_000
    return recorder.path, campaign


def timed(*command: str) -> tuple[float, float, dict[str, object]]:
    """Seconds, peak memory in MB and what it said, of one run of a command."""
    began = time.monotonic()
    run = subprocess.run([sys.executable, "-m", "groundstation", *command], capture_output=True, text=True, check=True)
    seconds = time.monotonic() - began
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3, json.loads(run.stdout)


def main() -> None:
    """Print both."""
    with tempfile.TemporaryDirectory() as name:
        path, campaign = record(Path(name))
        common = (str(path), "--campaign", str(campaign), "--json")
        for title, command in (
            ("decode", ("decode", *common)),
            ("replay --speed max", ("replay", *common, "--speed", "max", "--no-console")),
        ):
            seconds, memory, told = timed(*command)
            link = told["links"]["link"]  # type: ignore[index]
            size = link["bytes_in"] / 1e6
            sys.stdout.write(
                f"{title:20s} {size:.0f} MB, {link['frames']:,} frames in {seconds:.1f} s:"
                f" {size / seconds:.0f} MB/s, {memory:.0f} MB of memory\n"
            )


if __name__ == "__main__":
    main()
