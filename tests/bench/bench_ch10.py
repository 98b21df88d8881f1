"""Chapter 10 files: walk all packets and messages, as pychapter10 does, and decode them all, in the same run.

Run it as a script, with the folder of Chapter 10 files; pychapter10 is imported here if it is installed, else run by
the interpreter that ``--peer`` or CHAPTER10_PYTHON names. Figures are the best of several rounds; compare ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from struct import pack, unpack_from

from groundstation.pipeline import blocks
from groundstation.reading import read
from replay.formats.ch10 import Chapter10

ROUNDS = 5
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "irig106_ch10"
PEER = """
import json, sys, time
from chapter10 import C10
def walk(path):
    with open(path, "rb") as file:
        for packet in C10(file):
            for message in packet:
                pass
def best(path):
    spent = []
    for _ in range(3):
        begin = time.perf_counter()
        walk(path)
        spent.append(time.perf_counter() - begin)
    return min(spent)
print(json.dumps({path: best(path) for path in sys.argv[1:]}))
"""


def best(work: Callable[[], object]) -> float:
    """The best time of one call, in s."""
    spent = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begin)
    return min(spent)


def walk(path: Path) -> int:
    """Open a file and take all its chunks; the bytes it has."""
    for _ in Chapter10(path).chunks():
        pass
    return path.stat().st_size


def decode(path: Path) -> int:
    """Open a file and decode all its packets into columns; the bytes it has."""
    reading = read(path)
    pipeline = reading.pipeline()
    for group in blocks(reading.recording.chunks()):
        pipeline.receive(*group)
    return path.stat().st_size


def peer(interpreter: str, paths: list[Path]) -> dict[str, float]:
    """pychapter10's time for each file, in s; empty where it cannot be had."""
    done = subprocess.run([interpreter, "-c", PEER, *map(str, paths)], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def packet(channel: int, kind: int, body: bytes, rtc: int, sequence: int) -> bytes:
    """A packet without data checksum."""
    filled = body + bytes(-len(body) % 4)
    head = pack(
        "<HHIIBBBBIH", 0xEB25, channel, 24 + len(filled), len(body), 6, sequence % 256, 0, kind, rtc % 2**32, rtc >> 32
    )
    return head + pack("<H", sum(unpack_from("<11H", head)) & 0xFFFF) + filled


def made(kind: int, head: int, message: bytes, many: int, size: int) -> bytes:
    """A file of packets of many messages each, some size in all."""
    written, rtc = [], 0
    while sum(map(len, written[:1])) * len(written) < size:
        body = b"".join(pack("<Q", rtc + number) + message for number in range(many))
        written.append(packet(5, kind, pack("<I", head) + body, rtc, len(written)))
        rtc += 100_000
    return b"".join(written)


def small_messages(folder: Path) -> None:
    """Print what files of nothing but small messages cost, which is the most there is for each byte."""
    uart = pack("<HH", 48, 0) + bytes(48)
    bus = pack("<HBBH", 0, 0, 0, 68) + pack("<34H", *range(34))
    for name, kind, head, message in (
        ("UART, 48 bytes each", 0x50, 1 << 31, uart),
        ("Ethernet, 200 bytes each", 0x68, 200, pack("<HH", 200, 0) + bytes(200)),
        ("PCM, minor frames of 64 bytes", 0x09, 1 << 30 | 1 << 19, bytes(2) + bytes(range(64))),
        ("MIL-STD-1553, 32 words each", 0x19, 200, bus),
    ):
        path = folder / "made.ch10"
        path.write_bytes(made(kind, head, message, 200, 8_000_000))
        row(name, path, 0.0)


def row(name: str, path: Path, theirs: float) -> None:
    """Print the figures of a file."""
    size = path.stat().st_size / 1e6
    walked, decoded = best(lambda: walk(path)), best(lambda: decode(path))
    ratios = f"{theirs / walked:6.1f} x {theirs / decoded:6.1f} x" if theirs else ""
    print(f"{name:32} {walked * 1e3:8.1f} {size / walked:8.0f} {decoded * 1e3:8.1f} {size / decoded:8.0f}   {ratios}")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=SHARED, help="of .ch10 and .c10 files")
    parser.add_argument("--peer", default=os.environ.get("CHAPTER10_PYTHON", sys.executable), metavar="PYTHON")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.glob("*10") if path.is_file())
    theirs = peer(arguments.peer, paths) if paths else {}
    if not paths:
        print(f"no Chapter 10 files in {arguments.folder}: name their folder")
    elif not theirs:
        print("pychapter10 is not installed here: name an interpreter that has it with --peer")
    print(f"{'':32} {'walk ms':>8} {'MB/s':>8} {'decode':>8} {'MB/s':>8}   over pychapter10")
    for path in paths:
        row(path.name, path, theirs.get(str(path), 0.0))
    with tempfile.TemporaryDirectory() as folder:
        small_messages(Path(folder))


if __name__ == "__main__":
    main()
