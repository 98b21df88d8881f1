"""Makes the pictures of the console: the real one, without a terminal, on the bus of real stations, during a flight.

``console.svg`` is of the demo, ``radio_view.svg`` of a station that receives the simulated radio of `groundstation
simulate`. Both fly in real time, so this takes as long as the flight up to there, twice.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from groundstation.console.app import BusConsole

FOLDER = Path(__file__).parent
SIZE = (140, 45)
BEGIN_S, MOMENT_S = -10.0, 33.5
"""The flight begins and is pictured there, in s since T-0: late in the boost, with an alarm: few satellites."""
RADIO_MOMENT_S = 20.0
"""The radio view is pictured there: its history shows half a minute."""
LATE_S = 60.0
"""The moment has to come this long after it is due, or something is wrong."""
TUNER = "rtl_tcp:127.0.0.1:{port}?frequency=2245.5M&rate=1M"
RADIO = """\
[campaign]
name = "s-band-test"
vehicle = "osx"
[links.s-band]
source = "{tuner}"
modem = "fsk:200000"
framing = "ax100_golay"
"""
PORT = 12_345
FONTS = {
    "Fira Code, monospace": "'Fira Code', Menlo, 'Cascadia Mono', 'DejaVu Sans Mono', monospace",
    "arial;": "arial, sans-serif;",
}
"""Rich's fonts, and what stands there instead: an image inside a page may load none, so it takes what is there."""


@contextmanager
def station(*command: str) -> Iterator[dict[str, str]]:
    """A running station: the ``url`` of its broker and the ``root`` of its topics. What it records is thrown away."""
    read_end, write_end = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "radio.toml").write_text(RADIO.format(tuner=TUNER.format(port=PORT)))
        running = subprocess.Popen(  # noqa: S603 the program beside this file
            [sys.executable, "-m", "groundstation", *command, "--no-console", "--announce", str(write_end)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(write_end,),
        )
        os.close(write_end)
        try:
            with os.fdopen(read_end) as pipe:
                yield json.loads(pipe.readline())
        finally:
            running.terminate()
            running.wait(30)


@contextmanager
def transmitter() -> Iterator[None]:
    """The simulated vehicle's radio, heard by a simulated dongle."""
    told = ("--eb-n0", "12", "--offset", "15000", "--drift", "-200", "--begin", str(BEGIN_S))
    running = subprocess.Popen(  # noqa: S603 the program beside this file
        [sys.executable, "-m", "groundstation", "simulate", "osx", "--on", TUNER.format(port=PORT), *told],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert running.stderr is not None
        running.stderr.readline()  # said once it listens
        yield
    finally:
        running.terminate()
        running.wait(30)


async def screenshot(where: dict[str, str], title: str, moment_s: float, *keys: str) -> str:
    """The console at a moment of the flight, as SVG. Raises TimeoutError when that does not come."""
    app = BusConsole(where["url"], where["root"], owner=True)
    deadline = time.monotonic() + moment_s - BEGIN_S + LATE_S
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*keys)
        while (app.picture.mission_time(app.picture.now_ns) or BEGIN_S) < moment_s:
            if time.monotonic() > deadline:
                raise TimeoutError(f"T+{moment_s:g} s has not come; try `{title}` in a terminal")
            await pilot.pause(0.1)
        return app.export_screenshot(title=title, simplify=True)


def self_contained(svg: str) -> str:
    """The same picture, with fonts that are there instead of some from the network."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    for theirs, ours in FONTS.items():
        svg = svg.replace(theirs, ours)
    return svg


def main() -> None:
    """Fly, look, write; twice."""
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with station("demo", "--begin", str(BEGIN_S), "--directory", ".") as where:
        svg = asyncio.run(screenshot(where, "groundstation demo", MOMENT_S))
    (FOLDER / "console.svg").write_text(self_contained(svg), encoding="utf-8")
    with ExitStack() as both:
        both.enter_context(transmitter())
        where = both.enter_context(station("run", "radio.toml"))
        svg = asyncio.run(screenshot(where, "groundstation run radio.toml", RADIO_MOMENT_S, "r"))
    (FOLDER / "radio_view.svg").write_text(self_contained(svg), encoding="utf-8")


if __name__ == "__main__":
    main()
