"""A bus written by hand, as docs/bus.md has it, and a console on it whose requests are kept."""

import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from textual.pilot import Pilot

from groundstation.console.picture import Picture
from groundstation.console.screen import Console

ROOT = "groundstation/live/hop-1"
SECOND = 1_000_000_000
START_NS = 1_790_000_000 * SECOND
"""Data time of the bus's first moment."""

VOLTAGE = {
    "unit": "V", "doc": "at the battery", "type": "u16", "bit": 96, "bits": 16, "shape": [], "labels": {},
    "resolution": 0.01, "yellow": [28.0, None], "red": [27.5, None], "persistence": 3, "persistence_s": 0.0,
    "hysteresis": 0.0, "when": [],
}  # fmt: skip
DEFINITION = {
    "name": "sparrow", "title": "Sparrow", "synthetic": False, "source": "sparrow.py",
    "phases": ["pad", "boost", "coast", "descent", "landed"],
    "display": ["guidance.altitude", "power.battery_voltage"], "plots": ["guidance.altitude"],
    "links": {"umbilical": {"source": "serial:/dev/ttyUSB0", "framing": "cobs"}},
    "packets": {
        "guidance": {"doc": "navigation", "rate": 10.0, "measurements": {
            "altitude": {"unit": "m", "doc": "above the pad", "type": "f32", "bit": 64, "bits": 32},
            "mode": {"type": "u3", "labels": {"0": "align", "2": "ascent"}}}},
        "power": {"doc": "battery", "rate": 1.0, "measurements": {
            "battery_voltage": VOLTAGE, "armed": {"type": "flag"}, "serial": {"type": "text8"},
            "cells": {"unit": "V", "type": "u8", "shape": [3], "resolution": 0.1}}},
    },
}  # fmt: skip


class Bus:
    """Publishes straight into a picture; its clock stands until it is moved."""

    def __init__(self, root: str = ROOT, at_ns: int | None = None) -> None:
        self.root, self.session = root, "one"
        self.picture = Picture(root)
        self.at_ns = time.monotonic_ns() if at_ns is None else at_ns
        self._zero_ns = self.at_ns
        self._seq: dict[str, int] = {}

    @property
    def data_ns(self) -> int:
        """Data time now."""
        return START_NS + self.at_ns - self._zero_ns

    def publish(self, leaf: str, message: Any, *, retained: bool = False) -> None:
        payload = message if isinstance(message, bytes) else orjson.dumps(message)
        self.picture.take(f"{self.root}/{leaf}", payload, at_ns=self.at_ns, retained=retained)

    def advance(self, seconds: float) -> None:
        self.at_ns += int(seconds * SECOND)
        self.tick()

    def tick(self) -> None:
        self.picture.tick(self.at_ns, self.data_ns)

    def define(self, **changes: Any) -> None:
        self.publish("definition", {**DEFINITION, **changes}, retained=True)

    def status(self, **changes: Any) -> None:
        status = {
            "state": "running", "mode": "live", "name": "hop-1", "session": self.session, "pid": 7,
            "vehicle": "sparrow", "synthetic": False, "time_base": "utc", "now_ns": self.data_ns,
            "started_ns": START_NS, "phase": "boost", "t0_ns": START_NS, "mission_time": 0.0, "events_seen": {},
            "recording": {"path": "hop-1.mcap", "state": "recording", "bytes": 18_200_000, "seconds": 872.0,
                          "free_bytes": 81_000_000_000, "minutes_left": 214.0},
            "replay": None, "alarms": {"red": 0, "yellow": 0, "unacknowledged": 0},
            "outbox": {"waiting": 0, "catching_up": False},
        }  # fmt: skip
        self.publish("status", {**status, **changes})
        self.tick()

    def telemetry(self, packet: str, values: dict[str, list[Any]], *, retained: bool = False, **changes: Any) -> None:
        """Packets of one type, 10 ms apart, the newest received now."""
        count = len(next(iter(values.values())))
        self._seq[packet] = self._seq.get(packet, 0) + 1
        received = [self.data_ns - 10_000_000 * (count - 1 - index) for index in range(count)]
        message = {
            "packet": packet, "link": "umbilical", "session": self.session, "seq": self._seq[packet], "count": count,
            "sequence_gaps": 0, "received_ns": received, "mission_time": None, "time": None, "valid": [True] * count,
            "values": values,
        }  # fmt: skip
        self.publish(f"telemetry/{packet}", {**message, **changes}, retained=retained)
        self.tick()

    def alarm(self, *alarms: dict[str, Any]) -> None:
        full = {
            "measurement": "power.battery_voltage", "level": "red", "active": True, "acknowledged": False, "by": "",
            "first_out": 1, "since_ns": self.data_ns, "mission_time": 81.9, "value": 27.4, "worst": 27.1,
            "limit": "red < 27.5", "unit": "V", "count": 1,
        }  # fmt: skip
        self.publish("alarms", {"alarms": [{**full, **alarm} for alarm in alarms]})

    def event(self, name: str, at_s: float, kind: str = "flight") -> None:
        message = {"name": name, "kind": kind, "received_ns": START_NS + int(at_s * SECOND), "mission_time": at_s}
        self.publish("event", {**message, "text": f"{name} happened", "detail": {}})

    def link(self, **changes: Any) -> None:
        message = {
            "link": "umbilical", "source": "serial:/dev/ttyUSB0?baud=921600", "state": "receiving",
            "since_ns": START_NS, "detail": {"lock": "9.8 dB"}, "last_ns": self.data_ns, "problem": "",
            "bytes_in": 18_200_000, "frames": 81_204, "frame_bytes": 18_199_988, "discarded": 12, "pending": 0,
            "crc_failures": 3, "corrected": 0, "sequence_gaps": 9, "unknown_packets": 0, "malformed": 0,
            "packets": {"power": 872, "guidance": 8_720}, "bytes_per_s": 21_000.0, "frames_per_s": 360.0,
        }  # fmt: skip
        self.publish("link/umbilical", {**message, **changes})

    def radio(self, link: str = "downlink", **changes: Any) -> None:
        """What a radio link says of its signal: noise at -80 dBFS, a carrier at -40 dBFS 305 kHz up."""
        decibels = [-80.0] * 256
        decibels[160] = -40.0
        message = {
            "session": self.session, "at_ns": self.data_ns,
            "signal": {"samples": "cu8", "rate": 2_400_000.0, "frequency": 437_500_000.0},
            "spectrum": {"low_hz": -1_200_000.0, "high_hz": 1_200_000.0, "db": decibels},
            "samples_in": 123_456_789, "invalid": 0, "saturated": 0,
            "transmitters": [{
                "modem": {"kind": "fsk", "baud": 9600}, "framing": "ax100_golay", "eb_n0": 12.3,
                "carrier_offset_hz": 350.0, "sync": "lock", "frames": 17, "check_failures": 1, "corrected": 23,
                "bits_in": 1234}],
            "recent": [{"received_ns": START_NS, "bytes": 153, "eb_n0": 11.8, "corrected": 3, "transmitter": 0}],
        }  # fmt: skip
        self.publish(f"radio/{link}", {**message, **changes})
        self.tick()

    def replay(self, **changes: Any) -> None:
        state = {"path": "hop.mcap", "position_ns": self.data_ns, "first_ns": START_NS - 10 * SECOND,
                 "last_ns": START_NS + 290 * SECOND, "speed": 1.0, "paused": False, "loop": False}  # fmt: skip
        self.status(mode="replay", recording=None, replay={**state, **changes})

    def fly(self) -> None:
        """Everything a station says in its first second."""
        self.define()
        self.status()
        self.link()
        self.event("liftoff", 0.0)
        self.telemetry("guidance", {"altitude": [1_180.0, 1_204.5], "mode": [2, 2]})
        self.telemetry(
            "power", {"battery_voltage": [29.81], "armed": [True], "serial": ["SN-0042"], "cells": [[3.3, 3.2, 3.1]]}
        )


@pytest.fixture
def bus() -> Bus:
    """A bus with nothing said on it yet."""
    return Bus()


@pytest.fixture
def new_bus() -> type[Bus]:
    """For a bus of another root or time."""
    return Bus


class Operator:
    """A console under a pilot, what it shows and what it asked for."""

    def __init__(self, console: Console, pilot: Pilot[Any], sent: list[dict[str, object]]) -> None:
        self.console, self.pilot, self.sent = console, pilot, sent

    async def look(self) -> str:
        """The screen's text after everything has been drawn."""
        await self.pilot.pause()
        for _ in range(3):  # heights that follow from what was drawn show at the third drawing
            self.console.panel.touch()
            self.console._text_ns = 0
            self.console.draw()
            await self.pilot.pause()
        return "\n".join(strip.text for strip in self.console.screen._compositor.render_strips())

    async def press(self, *keys: str) -> str:
        await self.strike(*keys)
        return await self.look()

    async def strike(self, *keys: str) -> None:
        """Press keys, each when what the one before did is done."""
        for key in keys:
            await self.pilot.press(key)


@pytest.fixture
def console() -> Callable[..., Any]:
    """``async with console(bus) as operator``: the console on a picture, 80 x 24 unless told."""

    @asynccontextmanager
    async def opened(bus: Bus, size: tuple[int, int] = (80, 24), **options: Any):  # type: ignore[no-untyped-def]
        sent: list[dict[str, object]] = []

        async def send(request: dict[str, object]) -> bool:
            sent.append(request)
            return not bus.picture.broker_problem

        app = Console(bus.picture, send, clock=lambda: bus.at_ns, **options)
        async with app.run_test(size=size) as pilot:
            yield Operator(app, pilot, sent)

    return opened
