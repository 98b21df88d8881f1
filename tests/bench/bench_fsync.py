"""When to have the disk hold what is written: never, ten times a second, after every chunk. Costs, and what is at risk.

Run it as a script, with a folder on the disk meant as its argument. At risk is what a power cut would take: written,
and not yet confirmed by the disk. Chunks come at a steady rate as from a link, then as fast as they can be written.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from protocols.chunk import Chunk
from replay.recorder import Recorder
from replay.recording import RecordedLink

SECONDS = 5.0
RATE, SIZE = 1000, 256
"""Chunks a second, and bytes of each, of the steady link."""


class Synced:
    """Calls ``sync`` and keeps how long it took, and how much and for how long anything was at risk."""

    def __init__(self, made: Recorder) -> None:
        self._made = made
        self._safe_to, self._written = made.position, [(time.perf_counter(), made.position)]
        self.took: list[float] = []
        self.most_bytes, self.longest = 0, 0.0

    def wrote(self) -> None:
        """A chunk was written."""
        self._written.append((time.perf_counter(), self._made.position))
        self.most_bytes = max(self.most_bytes, self._made.position - self._safe_to)

    def sync(self) -> None:
        """Have the disk hold what is written."""
        count, position = len(self._written), self._made.position
        begin = time.perf_counter()
        self._made.sync()
        end = time.perf_counter()
        self.took.append(end - begin)
        oldest = next((at for at, to in self._written[:count] if to > self._safe_to), end)
        self.longest = max(self.longest, end - oldest)
        self._safe_to = position
        del self._written[: count - 1]


def each_chunk(synced: Synced, _: threading.Event) -> Callable[[], None]:
    """After every chunk, before the next."""
    return synced.sync


def ten_a_second(synced: Synced, over: threading.Event) -> Callable[[], None]:
    """In a thread, as the station does."""

    def run() -> None:
        while not over.wait(0.1):
            synced.sync()

    threading.Thread(target=run).start()
    return lambda: None


def never(synced: Synced, over: threading.Event) -> Callable[[], None]:
    """The kernel writes when it likes, as a rule after 30 s."""
    return lambda: None


def measure(
    folder: Path, policy: Callable[[Synced, threading.Event], Callable[[], None]], rate: float
) -> tuple[float, Synced]:
    """Seconds of CPU and waiting a chunk costs the thread that writes, by a policy, at a rate; 0 for the fastest."""
    path = folder / "bench.mcap"
    path.unlink(missing_ok=True)
    links = {"a": RecordedLink("osx", "cobs")}
    over = threading.Event()
    spent, count, begin = 0.0, 0, time.perf_counter()
    with Recorder(path, campaign="", definitions={}, links=links, synthetic=True, software="bench") as made:
        synced = Synced(made)
        after = policy(synced, over)
        while (now := time.perf_counter()) - begin < SECONDS:
            made.write(Chunk("a", os.urandom(SIZE), time.time_ns()))
            synced.wrote()
            after()
            count += 1
            spent += time.perf_counter() - now
            if rate:
                time.sleep(max(0.0, begin + count / rate - time.perf_counter()))
        over.set()
        for each in threading.enumerate():
            if each is not threading.current_thread():
                each.join()
    return spent / count, synced


def main() -> None:
    """Print all figures."""
    parent = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=parent) as name:
        for rate, what in ((RATE, f"{RATE:,} chunks of {SIZE} bytes a second"), (0, "as fast as they can be written")):
            print(f"{what:40} {'us/chunk':>9} {'x never':>8} {'sync ms':>8} {'worst':>8} {'at risk, most':>22}")
            base = 0.0
            for policy, title in ((never, "never"), (ten_a_second, "ten a second"), (each_chunk, "each chunk")):
                spent, synced = measure(Path(name), policy, float(rate))
                base = base or spent
                took = [each * 1e3 for each in synced.took] or [0.0]
                risk = f"{synced.most_bytes:,} B, {synced.longest * 1e3:,.0f} ms" if synced.took else "everything"
                print(
                    f"{title:40} {spent * 1e6:9.1f} {spent / base:8.1f} {median(took):8.2f} {max(took):8.2f} {risk:>22}"
                )


if __name__ == "__main__":
    main()
