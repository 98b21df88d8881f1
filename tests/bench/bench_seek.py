"""Going back in a recording of 1 GB, over the bus, as a console does: until the status says that it is there.

Target: ten seconds back in under 0.2 s. The recording is made on the spot: the simulated OS-X's flight over and over,
as a serial port gives it, 512 bytes a chunk. Said besides: how soon playing begins, how long it takes to look through
the whole recording beside playing, and how late packets come meanwhile, beside how late they come afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import aiomqtt
import numpy as np

from hardware.simulator.telemetry import OsxTelemetry
from protocols.chunk import Chunk
from protocols.vehicles.osx import VEHICLE
from replay.recorder import Recorder
from replay.recording import RecordedLink

CHUNK = 512
START = 1_790_000_000_000_000_000
JUMPS = 40
LISTEN_S = 4.0


def record(path: Path, megabytes: int) -> None:
    """The flight, again and again, until the file is that long."""
    telemetry = OsxTelemetry()
    sent = telemetry.window(telemetry.start, telemetry.end)
    data = b"".join(packet for _, packet in sent)
    ends, times = np.cumsum([len(packet) for _, packet in sent]), [at for at, _ in sent]
    cuts = [*range(CHUNK, len(data), CHUNK), len(data)]
    whens = [round((times[min(at, len(times) - 1)] - telemetry.start) * 1e9) for at in np.searchsorted(ends, cuts)]
    pieces = [(data[begin:end], when) for begin, end, when in zip([0, *cuts], cuts, whens, strict=False)]
    links, span = {"umbilical": RecordedLink("osx", VEHICLE.framing)}, round((telemetry.end - telemetry.start) * 1e9)
    with Recorder(path, campaign="", definitions={}, links=links, synthetic=True, software="bench") as recorder:
        for flight in range(-(-megabytes * 1_000_000 // len(data))):
            begin = START + flight * span
            recorder.write_many([Chunk("umbilical", piece, begin + when) for piece, when in pieces])


class Script:
    """Steers a replay, and sees what it says."""

    def __init__(self, client: aiomqtt.Client, root: str) -> None:
        self.client, self.root = client, root
        self.replay: dict[str, Any] = {}
        self.answered: dict[int, float] = {}
        self.lateness: list[float] = []
        self._ids = count(1)
        self._changed = asyncio.Event()
        self._first: tuple[float, int] | None = None

    async def listen(self) -> None:
        """Take messages as they come."""
        async for message in self.client.messages:
            now, content = time.monotonic(), json.loads(bytes(message.payload))
            if str(message.topic).endswith("/status"):
                self.replay = content.get("replay") or {}
                if answer := self.replay.get("answer"):
                    self.answered.setdefault(answer["id"], now)
                self._changed.set()
            else:
                newest = content["received_ns"][-1]
                self._first = self._first or (now, newest)
                self.lateness.append(now - self._first[0] - (newest - self._first[1]) / 1e9)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition on what the status says."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def ask(self, **request: Any) -> float:
        """Ask for something; how long it took until the status said that it is done, in s."""
        number, began = next(self._ids), time.monotonic()
        await self.client.publish(f"{self.root}/request", json.dumps({**request, "id": number}), qos=1)
        await self.until(lambda: number in self.answered)
        return self.answered[number] - began

    async def late(self) -> tuple[float, float]:
        """How late packets come at 1x, beside the least late: median and 99th percentile, in ms."""
        self.lateness, self._first = [], None
        await asyncio.sleep(LISTEN_S)
        late = np.array(self.lateness) - min(self.lateness)
        return float(np.median(late)) * 1e3, float(np.percentile(late, 99)) * 1e3


def line(what: str, seconds: list[float]) -> None:
    """Print what something took."""
    ms = np.array(sorted(seconds)) * 1e3
    figures = f"median {np.median(ms):4.0f} ms, 95 % {np.percentile(ms, 95):4.0f} ms, most {ms[-1]:4.0f} ms"
    sys.stdout.write(f"{what:34s} {figures}\n")


async def measure(path: Path) -> None:
    """Print all figures of one recording."""
    size, began = os.stat(path).st_size / 1e6, time.monotonic()  # noqa: PTH116
    read_end, write_end = os.pipe()
    command = ["-m", "groundstation", "replay", str(path), "--no-console", "--announce", str(write_end)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, pass_fds=(write_end,), stderr=asyncio.subprocess.DEVNULL
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        where = json.loads(await asyncio.to_thread(pipe.readline))
    async with aiomqtt.Client("127.0.0.1", int(where["url"].rsplit(":", 1)[1])) as client:
        await client.subscribe([(f"{where['root']}/status", 1), (f"{where['root']}/telemetry/guidance", 1)])
        script = Script(client, where["root"])
        task = asyncio.create_task(script.listen())
        await script.until(lambda: script.replay.get("state") == "playing")
        sys.stdout.write(f"{size:.0f} MB; playing after {time.monotonic() - began:.1f} s from the command\n")
        during = await script.late()
        early = [await script.ask(do="seek", by=-1) for _ in range(3)]
        await script.until(lambda: script.replay["read"] == 1)
        took = time.monotonic() - began
        sys.stdout.write(f"looked through beside playing in {took:.1f} s: {size / took:.0f} MB/s\n")
        afterwards = await script.late()
        for what, (median, most) in (("while it looks through", during), ("afterwards", afterwards)):
            sys.stdout.write(f"packets at 1x {what:20s} late by {median:.1f} ms, 99 % by {most:.1f} ms\n")
        line("one second back, while it does", early)
        await jumps(script)
        with open(f"/proc/{process.pid}/status") as told:  # noqa: ASYNC230, PTH123
            peak = next(each for each in told if each.startswith("VmHWM")).split()[1]
        sys.stdout.write(f"memory at most {int(peak) / 1e3:.0f} MB\n")
        await client.publish(f"{where['root']}/request", json.dumps({"do": "stop"}), qos=1)
        await process.wait()
        task.cancel()


async def jumps(script: Script) -> None:
    """Print how long it takes to go somewhere."""
    first, last = script.replay["first_ns"], script.replay["last_ns"]
    anywhere, back, steps = [], [], []
    chosen = random.Random(1)
    for _ in range(JUMPS):
        anywhere.append(await script.ask(do="seek", received_ns=chosen.randint(first, last)))
        back.append(await script.ask(do="seek", by=-10))
        steps.append(await script.ask(do="step", n=-1))
        await script.ask(do="play")
    line("anywhere", anywhere)
    line("ten seconds back", back)
    line("a packet back", steps)


def main() -> None:
    """Make the recording, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    megabytes = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.mcap"
        record(path, megabytes)
        asyncio.run(measure(path))


if __name__ == "__main__":
    main()
