"""What proof costs: decoding with digests against without, live packet by packet and in blocks; verify against decode.

Frames of 64 bytes with 32 values, as bench_pipeline has them. Targets: live 15 % more than decoding and publishing what
was decoded, verify 1.5 times decode, both as whole commands on 100 MB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bench_pipeline
import bench_replay

from groundstation.bus import payload
from groundstation.pipeline import Pipeline
from protocols.chunk import Chunk

PACKETS, REPEATS = 20_000, 5


def spent(block: int, frames: list[bytes], *, proven: bool, published: bool) -> float:
    """CPU seconds for frames in blocks of so many."""
    pipeline = Pipeline(bench_pipeline.VEHICLE, {"link": bench_pipeline.FRAMING})
    if proven:
        pipeline.prove()
    chunks = [Chunk("link", b"".join(frames[i : i + block]), i + 1) for i in range(0, len(frames), block)]
    began = time.process_time()
    for chunk in chunks:
        pipeline.recorded((chunk,))
        for batch in pipeline.receive(chunk).batches:
            if published:
                payload.encode(payload.telemetry([batch], "session", 0, 0))
    if pipeline.digests is not None:
        pipeline.digests.as_dict()
    return time.process_time() - began


def ratio(of: Callable[[], float], to: Callable[[], float]) -> tuple[float, float]:
    """The best of some turns of both, in turns: their ratio, and the second."""
    pairs = [(of(), to()) for _ in range(REPEATS)]
    first, second = min(each for each, _ in pairs), min(each for _, each in pairs)
    return first / second, second


def main() -> dict[str, float]:
    """Print the ratios; by name."""
    frames = bench_pipeline.stream(200_000)
    found = {}
    for block, published in ((1, True), (10, True), (1, False), (10, False), (1_000, False), (4_096, False)):
        some = frames[: PACKETS if block < 100 else len(frames)]
        what = "decoded and published" if published else "decoded"
        name = f"blocks of {block}, {what}"
        found[name], plain = ratio(
            lambda: spent(block, some, proven=True, published=published),  # noqa: B023 called here and now
            lambda: spent(block, some, proven=False, published=published),  # noqa: B023
        )
        each = plain / len(some) * 1e6
        sys.stdout.write(f"  {name:40s} {each:8.2f} us a packet without digests, x {found[name]:.2f} with\n")
    bench_replay.MEGABYTES = 100
    with tempfile.TemporaryDirectory() as folder:
        path, campaign = bench_replay.record(Path(folder))
        words = (str(path), "--campaign", str(campaign))
        found["verify"], seconds = ratio(lambda: command("verify", *words), lambda: command("decode", *words))
    sys.stdout.write(f"  {'verify against decode, 100 MB':40s} {seconds:8.2f} s decode, x {found['verify']:.2f}\n")
    return found


def command(*words: str) -> float:
    """Wall seconds of a whole command; its exit status is its own affair."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "groundstation", *words], capture_output=True, check=False)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
