"""Recording and playing: time a chunk to write, read, seek and play, beside the MCAP library in the same run.

Run it as a script. Figures are the best of several rounds; compare ratios, since machines are busy. Both writers hand
every chunk to the kernel before they go on.
"""

import math
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mcap.reader import NonSeekingReader
from mcap.writer import CompressionType, Writer

from protocols.chunk import Chunk
from replay.formats.mcap import McapRecording
from replay.player import Player
from replay.recorder import Recorder
from replay.recording import RecordedLink

ROUNDS = 3
START = 1_790_000_000_000_000_000


def best(work: Callable[[], object]) -> float:
    """The best time of one call, in s."""
    spent = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begin)
    return min(spent)


def record(path: Path, chunks: list[Chunk], batch: int) -> None:
    """Write with our recorder, in batches."""
    path.unlink(missing_ok=True)
    links = {"umbilical": RecordedLink("osx", "cobs")}
    with Recorder(path, campaign="", definitions={}, links=links, synthetic=True, software="bench") as made:
        for at in range(0, len(chunks), batch):
            made.write_many(chunks[at : at + batch])


def library_record(path: Path, chunks: list[Chunk]) -> None:
    """Write with the library, unchunked, unbuffered and with the checksum that we write too."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE, use_chunking=False, enable_data_crcs=True)
        writer.start()
        channel = writer.register_channel("raw/umbilical", "application/octet-stream", 0)
        for number, chunk in enumerate(chunks):
            writer.add_message(channel, chunk.received_ns, chunk.data, chunk.received_ns, number)
            file.flush()
        writer.finish()


def library_read(path: Path) -> int:
    """Read with the streaming reader of the library, which checks its one checksum as we check our marks."""
    with path.open("rb") as file:
        return sum(1 for _ in NonSeekingReader(file, validate_crcs=True).iter_messages(log_time_order=False))


def play(path: Path) -> int:
    """Play as fast as possible."""
    player = Player(McapRecording(path).placed(), 0, math.inf)
    player.play(0.0)
    count = 0
    while player.next_deadline() is not None:
        count += len(player.due(0.0))
    return count


def compare(folder: Path, size: int, count: int) -> None:
    """Print the figures for chunks of one size."""
    chunks = [Chunk("umbilical", os.urandom(size), START + number * 1_000_000) for number in range(count)]
    ours, theirs = folder / "ours.mcap", folder / "theirs.mcap"
    write_library = best(lambda: library_record(theirs, chunks))
    read_library = best(lambda: library_read(theirs))

    def row(what: str, spent: float, peer: float) -> None:
        rate, speed = count / spent / 1e3, count * size / spent / 1e6
        print(f"{what:34} {spent / count * 1e6:9.2f} {rate:10.0f} {speed:8.0f}   {peer / spent:6.1f} x the library")

    print(f"{f'{count:,} chunks of {size:,} bytes':34} {'us/chunk':>9} {'k chunks/s':>10} {'MB/s':>8}")
    row("write, one at a time", best(lambda: record(ours, chunks, 1)), write_library)
    row("write, 20 at a time", best(lambda: record(ours, chunks, 20)), write_library)
    row("read", best(lambda: sum(1 for _ in McapRecording(ours).chunks())), read_library)
    row("play at the maximum speed", best(lambda: play(ours)), read_library)
    middle = chunks[count * 3 // 4].received_ns
    recording = McapRecording(ours)
    sought = best(lambda: next(recording.chunks(middle)))
    with ours.open("rb+") as file:
        file.truncate(ours.stat().st_size - 1000)
    opened = best(lambda: McapRecording(ours))
    print(f"seek {sought * 1e3:.2f} ms; open, cut off and without an index {opened * 1e3:.1f} ms\n")


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        for size, count in ((64, 100_000), (1024, 50_000), (65_536, 2000)):
            compare(Path(folder), size, count)


if __name__ == "__main__":
    main()
