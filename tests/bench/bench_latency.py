"""From a byte written into a serial line to the subscriber of the bus: latency and losses at 1,000 packets/s.

A station in a process of its own receives from a pseudo-terminal; this process writes and subscribes. Targets: p99 at
most 15 ms, nothing lost. Percentiles of a shared machine: the quiet runs tell, so several are made.
"""

from __future__ import annotations

import asyncio
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tty
from pathlib import Path

import aiomqtt
import numpy as np
import orjson

from protocols.framer import framer

PACKETS, RATE = 10_000, 1_000
VEHICLE = """\
from construct import Int8ub, Int32ub, Int16sb, Struct
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle
VEHICLE = Vehicle("bench", "Bench", (Packet("state", Struct(
    *(f"value_{i}" / Measurement(Int16sb, "V") for i in range(27))), key=1),),
    Header(Struct("kind" / Int8ub, "count" / Int32ub), key="kind", sequence="count"),
    framing={"kind": "cobs", "check": "crc-16/ibm-3740"})
"""


def write(master: int, sent: list[float]) -> None:
    """Packets of 59 bytes at absolute deadlines."""
    encode = framer("cobs", check="crc-16/ibm-3740").encode
    packets = [encode([struct.pack(">BI27h", 1, n, *range(27))]) for n in range(PACKETS)]
    begin = time.monotonic()
    for n, packet in enumerate(packets):
        wait = begin + n / RATE - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        sent.append(time.monotonic())
        os.write(master, packet)


async def listen(port: int, master: int) -> tuple[list[float], dict[int, float]]:
    """When each packet was written, and when it came over the bus."""
    sent: list[float] = []
    came: dict[int, float] = {}
    async with aiomqtt.Client("127.0.0.1", port, max_inflight_messages=1000) as client:
        await client.subscribe("groundstation/live/latency/telemetry/state", qos=1)
        writer = threading.Thread(target=write, args=(master, sent))
        writer.start()
        deadline = time.monotonic() + PACKETS / RATE + 5
        while len(came) < PACKETS and time.monotonic() < deadline:
            try:
                async with asyncio.timeout(1.0):
                    message = await anext(client.messages)
            except TimeoutError:
                continue
            now = time.monotonic()
            for number in orjson.loads(message.payload)["values"]["header.count"]:
                came.setdefault(number, now)
        writer.join()
    return sent, came


def once(folder: Path) -> dict[str, float]:
    """One run with the embedded broker."""
    master, slave = os.openpty()
    tty.setraw(slave)
    (folder / "bench.py").write_text(VEHICLE)
    (folder / "latency.toml").write_text(
        '[campaign]\nname = "latency"\nvehicle = "./bench.py"\n'
        f'[links.l]\nsource = "serial:{os.ttyname(slave)}?baud=921600"\n'
    )
    command = [sys.executable, "-m", "groundstation", "run", str(folder / "latency.toml"), "--no-console", "--json"]
    station = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert station.stderr is not None
    port = 0
    for line in station.stderr:
        port = int(found[1]) if (found := re.search(r"mqtt://127\.0\.0\.1:(\d+)", line)) else port
        if " open," in line:
            break
    sent, came = asyncio.run(listen(port, master))
    cpu = os.times()
    station.terminate()
    station.communicate()
    spent = os.times().children_user - cpu.children_user + os.times().children_system - cpu.children_system
    delays = np.array([came[n] - sent[n] for n in came]) * 1e3
    os.close(slave)
    os.close(master)
    return {
        "p50 ms": float(np.percentile(delays, 50)),
        "p99 ms": float(np.percentile(delays, 99)),
        "max ms": float(delays.max()),
        "lost": float(PACKETS - len(came)),
        "station CPU % of a core": 100 * spent / (PACKETS / RATE),
    }


def main() -> list[dict[str, float]]:
    """Print three runs."""
    found = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            found.append(once(Path(folder)))
        sys.stdout.write("  ".join(f"{name} {value:.1f}" for name, value in found[-1].items()) + "\n")
    return found


if __name__ == "__main__":
    main()
