"""The console steering a real replay over a real broker: what the keys do is what the screen then shows.

Most is done while paused: the pilot waits after each key until the process rests, up to a second while it plays.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from groundstation.console.app import BusConsole
from groundstation.console.widgets.replay_bar import SPEEDS
from groundstation.reading import Reading, read
from groundstation.replaying import replaying
from groundstation.station import Station
from groundstation.wanted_part import Wanted
from protocols.chunk import Chunk
from protocols.framer import framer
from replay.recorder import Recorder
from replay.recording import RecordedLink

Open = Callable[..., Any]
BEGIN_NS, STEP_NS = 1_790_000_000_000_000_000, 10_000_000
PACKETS, LIFTOFF, APOGEE = 1000, 301, 650
FRAMER = framer("cobs", check="crc-16/ibm-3740")


@pytest.fixture
def hop(tmp_path: Path, sparrow: Callable[..., Path]) -> Reading:
    """Ten seconds of flight: up from packet 300 on, down from 650 on; two chunks a packet."""
    campaign = sparrow("udp:5000")
    about: dict[str, Any] = {"campaign": "", "definitions": {}, "synthetic": True, "software": "a test"}
    links = {"radio": RecordedLink("sparrow", {"kind": "cobs", "check": "crc-16/ibm-3740"})}
    with Recorder(tmp_path / "hop.mcap", links=links, **about) as recorder:
        for n in range(PACKETS):
            height = 20.0 + 3.0 * max(0, min(n - 300, 1000 - n))
            data = FRAMER.encode([struct.pack(">BIHH", 1, n, round(height * 2), 28_000)])
            recorder.write_many([Chunk("radio", part, BEGIN_NS + n * STEP_NS) for part in (data[:7], data[7:])])
    return read(recorder.path, campaign)


class Operator:
    """Somebody at the console of a replay."""

    def __init__(self, app: BusConsole, pilot: Pilot[Any], station: Station, eventually: Any) -> None:
        self.app, self._pilot, self._station, self._eventually = app, pilot, station, eventually

    async def press(self, *keys: str) -> None:
        """Press keys, each when the station has answered the one before."""
        for key in keys:
            await self._pilot.press(key)

    async def open_dialog(self) -> None:
        """Ask for the dialog that asks where to go, and wait for it."""
        await self.press("g")
        await self.until(lambda: isinstance(self.app.focused, Input))

    async def go_to(self, text: str) -> None:
        """Write a place there."""
        await self.open_dialog()
        for key in text:
            await self.press({"+": "plus", "-": "minus", " ": "space"}.get(key, key))
        await self.until(lambda: isinstance(self.app.focused, Input) and self.app.focused.value == text)
        await self.press("enter")
        await self.until(lambda: len(self.app.screen_stack) == 1)

    @property
    def screen(self) -> str:
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    @property
    def replay(self) -> Any:
        return self.app.picture.status.replay

    async def until(self, condition: Callable[[], object]) -> None:
        await self._eventually(condition)

    @property
    def newest(self) -> int:
        """The packet whose height is shown, by its count."""
        packet = self.app.picture.packets["state"]
        return int(packet.newest[packet.rows["header.count"]]) if "header.count" in packet.rows else -1


@pytest.fixture
def at_the_console(hop: Reading, mosquitto: Any, eventually: Any) -> Open:
    @asynccontextmanager
    async def opened(speed: float = 1.0) -> AsyncIterator[Operator]:
        wanted = Wanted(speed, begin=None, end=None, loop=False, stay=True, broker=mosquitto.url)
        started: asyncio.Future[Station] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(replaying(hop, wanted, started.set_result))
        station = await started
        app = BusConsole(mosquitto.url, station.root, owner=False)
        async with app.run_test(size=(140, 45)) as pilot:
            operator = Operator(app, pilot, station, eventually)
            await eventually(lambda: operator.replay is not None and operator.replay.state == "playing")
            yield operator
        station.stopping.set()
        await task

    return opened


def at(packet: int) -> int:
    return BEGIN_NS + packet * STEP_NS


async def test_steps_and_places_and_events_by_key(at_the_console: Open) -> None:
    async with at_the_console() as operator:
        await operator.press("space")
        await operator.until(lambda: operator.replay.state == "paused")
        await operator.until(lambda: "PAUSED" in operator.screen)
        await operator.go_to("apogee-1")
        await operator.until(lambda: operator.replay.position_ns == at(APOGEE - 100))
        await operator.until(lambda: "ASCENT" in operator.screen)
        await operator.press("full_stop")
        await operator.until(lambda: operator.newest == APOGEE - 100)
        await operator.press("comma")
        await operator.until(lambda: operator.newest == APOGEE - 101)
        await operator.press("comma")
        await operator.until(lambda: operator.newest == APOGEE - 102)
        await operator.press("right_square_bracket")
        await operator.until(lambda: operator.replay.position_ns == at(APOGEE))
        await operator.open_dialog()
        await operator.press("down", "enter")
        await operator.until(lambda: operator.replay.position_ns == at(LIFTOFF))
        await operator.go_to("T+1")
        await operator.until(lambda: operator.replay.position_ns == at(LIFTOFF + 100))


async def test_what_cannot_be_done_is_said(at_the_console: Open) -> None:
    async with at_the_console() as operator:
        await operator.press("space")
        await operator.until(lambda: operator.replay.state == "paused")
        await operator.go_to("apogy")
        await operator.until(lambda: "NOT DONE: no event 'apogy'; it has liftoff, apogee" in operator.screen)
        await operator.go_to("5 minutes")
        await operator.until(lambda: "NOT DONE: '5 minutes': want T+12.3" in operator.screen)


async def test_a_part_is_looped_by_three_presses(at_the_console: Open) -> None:
    async with at_the_console(0.1) as operator:
        await operator.press("space")
        await operator.until(lambda: operator.replay.state == "paused")
        await operator.go_to("4")
        await operator.until(lambda: operator.replay.position_ns == at(400))
        await operator.press("b")
        await operator.until(lambda: "a loop begins here" in operator.screen)
        await operator.go_to("5")
        await operator.until(lambda: operator.replay.position_ns == at(500))
        await operator.press("b")
        await operator.until(lambda: operator.replay.loop_from_ns == at(400))
        assert (operator.replay.loop, operator.replay.loop_to_ns) == (True, at(500))
        await operator.until(lambda: "[" in operator.screen.splitlines()[-2] and "loop" in operator.screen)
        for speed in SPEEDS[1:-1]:
            await operator.press("plus")
            await operator.until(lambda reached=speed: operator.replay.speed == reached)
        session = operator.app.picture.session
        await operator.press("space")
        await operator.until(lambda: operator.app.picture.session != session)
        assert at(400) <= operator.replay.position_ns <= at(500)
        await operator.press("b")
        await operator.until(lambda: not operator.replay.loop)
        await operator.until(lambda: operator.replay.ended)


async def test_as_fast_as_possible_is_a_speed_like_another(at_the_console: Open) -> None:
    async with at_the_console(1000.0) as operator:
        await operator.press("plus")
        await operator.until(lambda: operator.replay.speed == float("inf"))
        await operator.until(lambda: operator.replay.ended)
        await operator.until(lambda: "max" in operator.screen and "END OF DATA" in operator.screen)
        await operator.press("left", "minus")
        await operator.until(lambda: operator.replay.speed == 1000.0)
        await operator.until(lambda: operator.newest == PACKETS - 1)
