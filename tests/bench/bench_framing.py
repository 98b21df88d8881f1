"""Framing and checks: bytes to checked frames a second, beside what a loop over the best packages does in the same run.

Run it as a script. Figures are the best of several rounds; compare ratios, since machines are busy.
"""

import time
from collections.abc import Callable
from typing import Any

import fastcrc
import numpy as np
from cobs import cobs

from protocols.ccsds.space_packet import build, space_packets
from protocols.framer import framer

CHECK = "crc-16/ibm-3740"
LENGTH = 62  # with its check 64
ROUNDS = 7
BLOCK = 400_000  # bytes: within the 256 to 640 KiB that large inputs are cut into


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The best time of one call, in s."""
    work()
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(repeats):
            work()
        best = min(best, (time.perf_counter() - begin) / repeats)
    return best


def telemetry(count: int, length: int = LENGTH, mixed: bool = False) -> list[bytes]:
    """Frames a tenth of whose bytes are zero; of four lengths where mixed."""
    random = np.random.default_rng(1)
    rows = random.integers(0, 256, (count, length), np.uint8)
    rows[random.random(rows.shape) < 0.1] = 0
    return [row.tobytes()[: length - 8 * (i % 4) if mixed else length] for i, row in enumerate(rows)]


def ours(kind: str, bodies: list[bytes], **options: Any) -> tuple[float, int]:
    """Seconds a frame, and bytes of stream a frame."""
    made = framer(kind, check=CHECK, **options)
    stream = made.encode(bodies)
    assert list(made.receive(stream, 0)) == bodies
    repeats = max(1, 8_000 // len(bodies))
    return seconds(lambda: made.receive(stream, 0), repeats) / len(bodies), len(stream) // len(bodies)


def packages(bodies: list[bytes]) -> float:
    """Seconds a frame of the cobs package's C code and fastcrc, frame by frame."""
    check, good = fastcrc.crc16.ibm_3740, len(bodies)
    stream = b"".join(cobs.encode(body + check(body).to_bytes(2, "big")) + b"\0" for body in bodies)

    def decode() -> None:
        frames = [cobs.decode(segment) for segment in stream.split(b"\0") if segment]
        assert sum(check(frame[:-2]) == int.from_bytes(frame[-2:], "big") for frame in frames) == good

    return seconds(decode, max(1, 8_000 // good)) / good


def main() -> None:
    """Print all figures."""
    print(f"{'framing, check ' + CHECK:44} {'ns/frame':>9} {'M frames/s':>11} {'Gbit/s':>7}")
    large = BLOCK // (LENGTH + 4)

    def row(what: str, each: float, size: int, note: str = "") -> None:
        print(f"{what:44} {each * 1e9:9.0f} {1e-6 / each:11.2f} {size * 8e-9 / each:7.2f}  {note}")

    for count in (1, 100, 4096, large):
        bodies = telemetry(count)
        each, size = ours("cobs", bodies)
        row(f"cobs, {count} frames of 64 bytes", each, size, f"{packages(bodies) / each:.1f} x the packages' loop")
    for kind, options in (
        ("slip", {}),
        ("kiss", {}),
        ("sync", {"start": "a55a"}),
        ("asm", {"frame_length": LENGTH + 2}),
    ):
        for count in (1, 100, 4096):
            each, size = ours(kind, telemetry(count), **options)
            row(f"{kind}, {count} frames of 64 bytes", each, size)
    for kind, options in (("cobs", {}), ("slip", {}), ("sync", {"start": "a55a"})):
        row(f"{kind}, 4096 frames of four lengths", *ours(kind, telemetry(4096, mixed=True), **options))
    row("asm, frames of 1115 bytes", *ours("asm", telemetry(350, 1113), frame_length=1115))
    made = framer("asm", frame_length=1115)
    stream = made.encode(telemetry(350, 1115))
    row("asm, the same without a check", seconds(lambda: made.receive(stream, 0), 50) / 350, 1119)
    noise = np.random.default_rng(2).integers(0, 256, BLOCK, np.uint8).tobytes()
    for kind, options in (("asm", {"frame_length": 1115}), ("sync", {"start": "a55a"}), ("cobs", {}), ("slip", {})):
        hunting = framer(kind, check=CHECK, **options)
        spent = seconds(lambda made=hunting: made.receive(noise, 0), 3)
        print(f"{kind + ', noise alone':44} {'':9} {'':11} {BLOCK * 8e-9 / spent:7.2f}")
    stream = b"".join(build(1, i, body) for i, body in enumerate(telemetry(4096, mixed=True)))
    row("space packets walked, of four lengths", seconds(lambda: space_packets(stream), 5) / 4096, len(stream) // 4096)


if __name__ == "__main__":
    main()
