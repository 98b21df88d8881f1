"""What the console costs: CPU of its process on a terminal, with 500 measurements at 10 Hz and a radio link's spectrum
at 5 Hz. Target: 15 % of a core.

A mosquitto and a publisher run in processes of their own; the console runs on a pseudo-terminal of 140 x 66, true
colour, whose output is read and thrown away. One figure a view; a console on a silent bus beside them.
"""

from __future__ import annotations

import asyncio
import fcntl
import math
import os
import pty
import random
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

import aiomqtt
import orjson

PACKETS, EACH, RATE_HZ = 10, 50, 10
RADIO_HZ, BINS = 5, 256
SECONDS, SETTLE_S = 8.0, 4.0
COLUMNS, ROWS = 140, 66
ROOT = "groundstation/live/bench"
CONSOLE = "import sys; from groundstation.console.app import run_console; run_console(sys.argv[1], sys.argv[2])"
VIEWS = {"flight": b"f", "measurements": b"m", "links": b"l", "radio": b"r", "events": b"e"}


def definition() -> dict[str, object]:
    """Ten packet types of fifty measurements, a third of them with limits."""
    measurement = {"unit": "V", "doc": "a value", "type": "u16", "bits": 16, "resolution": 0.01}
    limited = {**measurement, "yellow": [-5, 5], "red": [-9, 9]}
    packets = {
        f"packet{n}": {
            "rate": RATE_HZ,
            "measurements": {f"value_{m:02d}": limited if m % 3 == 0 else measurement for m in range(EACH)},
        }
        for n in range(PACKETS)
    }
    names = [f"packet{n}.value_00" for n in range(6)]
    return {"name": "bench", "packets": packets, "display": names, "plots": names[:2], "phases": ["pad", "boost"]}


def telemetry(packet: int, tick: int) -> bytes:
    """One packet: every value moves every time, by less than its limits."""
    now = time.time_ns()
    values = {f"value_{m:02d}": [((tick * 7 + m * 13 + packet) % 801 - 400) / 100] for m in range(EACH)}
    return orjson.dumps(
        {"packet": f"packet{packet}", "link": "radio", "session": "s", "seq": tick + 1, "count": 1,
         "received_ns": [now], "mission_time": [tick / RATE_HZ], "time": None, "valid": [True], "values": values}
    )  # fmt: skip


def radio(tick: int) -> bytes:
    """What a radio link says of its signal: noise as that of one spectrum without averaging, the worst there is to
    draw, and a carrier that drifts.
    """
    now, at = time.time_ns(), 128 + 0.02 * tick
    noise = (10 * math.log10(random.expovariate(1.0) + 1e-6) for _ in range(BINS))
    decibels = [round(each - 75 + 40 / (1 + (bin_ - at) ** 2), 1) for bin_, each in enumerate(noise)]
    transmitter = {"modem": {"kind": "fsk", "baud": 9600}, "framing": "ax100_golay", "eb_n0": 9 + 0.1 * (tick % 30),
                   "carrier_offset_hz": 187.5 * tick, "sync": "lock", "frames": tick, "check_failures": 0,
                   "corrected": tick // 3, "bits_in": 960 * tick}  # fmt: skip
    frames = [{"received_ns": now - n * 10**8, "bytes": 153, "eb_n0": 9.0, "corrected": n % 4, "transmitter": 0}
              for n in range(20, 0, -1)]  # fmt: skip
    return orjson.dumps(
        {"session": "s", "at_ns": now, "signal": {"samples": "cu8", "rate": 2.4e6, "frequency": 437.5e6},
         "spectrum": {"low_hz": -1.2e6, "high_hz": 1.2e6, "db": decibels}, "samples_in": 240_000 * tick, "invalid": 0,
         "saturated": 0, "transmitters": [transmitter], "recent": frames}
    )  # fmt: skip


async def publish(port: int, *, silent: bool) -> None:
    """Be a station until killed: 10 packet types at 10 Hz, a status a second, a link twice a second."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        start = time.time_ns()
        status = {"state": "running", "mode": "live", "name": "bench", "session": "s", "time_base": "utc",
                  "phase": "boost", "t0_ns": start}  # fmt: skip
        await client.publish(f"{ROOT}/definition", orjson.dumps(definition()), qos=1, retain=True)
        await client.publish(f"{ROOT}/status", orjson.dumps(status), qos=1, retain=True)
        tick = 0
        while True:
            await asyncio.sleep(max(0.0, (start + tick * 10**9 / RATE_HZ - time.time_ns()) / 1e9))
            if not silent:
                for packet in range(PACKETS):
                    await client.publish(
                        f"{ROOT}/telemetry/packet{packet}", telemetry(packet, tick), qos=1, retain=True
                    )
                if tick % (RATE_HZ // RADIO_HZ) == 0:
                    await client.publish(f"{ROOT}/radio/radio", radio(tick), qos=1, retain=True)
            if tick % RATE_HZ == 0:
                status["now_ns"] = time.time_ns()
                await client.publish(f"{ROOT}/status", orjson.dumps(status), qos=1, retain=True)
            if tick % (RATE_HZ // 2) == 0:
                link = {"link": "radio", "state": "receiving", "since_ns": start, "last_ns": time.time_ns(),
                        "frames": tick, "packets": {f"packet{n}": tick for n in range(PACKETS)}}  # fmt: skip
                await client.publish(f"{ROOT}/link/radio", orjson.dumps(link), retain=True)
            tick += 1


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Terminal:
    """A console on a pseudo-terminal whose output is counted."""

    def __init__(self, port: int) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONSOLE, f"mqtt://127.0.0.1:{port}", ROOT],
            stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.written = 0
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        while True:
            try:
                self.written += len(os.read(self.master, 65_536))
            except OSError:
                return

    def measure(self, key: bytes) -> tuple[float, float]:
        """CPU in % of a core and kB/s written, of the view that a key opens."""
        os.write(self.master, b"\x1b")
        time.sleep(0.3)
        os.write(self.master, b"\x1b")
        time.sleep(0.3)
        os.write(self.master, key)
        time.sleep(SETTLE_S)
        cpu, written, start = cpu_seconds(self.process.pid), self.written, time.monotonic()
        time.sleep(SECONDS)
        took = time.monotonic() - start
        return 100 * (cpu_seconds(self.process.pid) - cpu) / took, (self.written - written) / took / 1e3

    def close(self) -> None:
        """End the console."""
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def run(*, silent: bool, views: dict[str, bytes]) -> dict[str, tuple[float, float]]:
    """The figures of each view, with a broker and a publisher of their own."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        raise SystemExit("mosquitto is not installed: apt-get install mosquitto")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "mosquitto.conf")
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        broker = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        publisher = subprocess.Popen([sys.executable, __file__, "publish", str(port), "silent" if silent else "loud"])
        terminal = Terminal(port)
        try:
            return {name: terminal.measure(key) for name, key in views.items()}
        finally:
            terminal.close()
            for process in (publisher, broker):
                process.kill()
                process.wait()


def main() -> None:
    """Print the figures."""
    count = PACKETS * EACH
    print(f"console, {count} measurements at {RATE_HZ} Hz in {PACKETS} packet types, {COLUMNS} x {ROWS}, % of a core")
    for name, (cpu, written) in run(silent=False, views=VIEWS).items():
        print(f"  {name:<14}{cpu:6.1f} %   {written:7.1f} kB/s to the terminal   target 15 %")
    cpu, written = run(silent=True, views={"flight": b"f"})["flight"]
    print(f"  {'silent bus':<14}{cpu:6.1f} %   {written:7.1f} kB/s to the terminal")
    print(f"  (children so far: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime:.0f} s of CPU in all)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["publish"]:
        asyncio.run(publish(int(sys.argv[2]), silent=sys.argv[3] == "silent"))
    else:
        main()
