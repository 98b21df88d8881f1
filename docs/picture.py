"""Makes ``docs/console.svg``: the real console, without a terminal, on the bus of the real demo, during its flight.

The demo flies in real time, so this takes as long as the flight up to there.
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
from contextlib import contextmanager
from pathlib import Path

from groundstation.console.app import BusConsole

FILE = Path(__file__).parent / "console.svg"
SIZE = (140, 45)
BEGIN_S, MOMENT_S = -10.0, 33.5
"""The flight begins and is pictured there, in s since T-0: late in the boost, with an alarm: few satellites."""
LATE_S = 60.0
"""The moment has to come this long after it is due, or something is wrong."""
FONTS = {
    "Fira Code, monospace": "'Fira Code', Menlo, 'Cascadia Mono', 'DejaVu Sans Mono', monospace",
    "arial;": "arial, sans-serif;",
}
"""Rich's fonts, and what stands there instead: an image inside a page may load none, so it takes what is there."""


@contextmanager
def demo() -> Iterator[dict[str, str]]:
    """A running demo: the ``url`` of its broker and the ``root`` of its topics. What it records is thrown away."""
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "groundstation", "demo", "--begin", str(BEGIN_S), "--directory", "."]
    with tempfile.TemporaryDirectory() as folder:
        station = subprocess.Popen(  # noqa: S603 the program beside this file
            [*command, "--no-console", "--announce", str(write_end)],
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
            station.terminate()
            station.wait(30)


async def screenshot(url: str, root: str) -> str:
    """The console at the moment, as SVG. Raises TimeoutError when that does not come."""
    app = BusConsole(url, root, owner=True)
    deadline = time.monotonic() + MOMENT_S - BEGIN_S + LATE_S
    async with app.run_test(size=SIZE) as pilot:
        while (app.picture.mission_time(app.picture.now_ns) or BEGIN_S) < MOMENT_S:
            if time.monotonic() > deadline:
                raise TimeoutError(f"T+{MOMENT_S:g} s has not come; try `groundstation demo` in a terminal")
            await pilot.pause(0.1)
        return app.export_screenshot(title="groundstation demo", simplify=True)


def self_contained(svg: str) -> str:
    """The same picture, with fonts that are there instead of some from the network."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    for theirs, ours in FONTS.items():
        svg = svg.replace(theirs, ours)
    return svg


def main() -> None:
    """Fly, look, write."""
    with demo() as where:
        svg = asyncio.run(screenshot(where["url"], where["root"]))
    FILE.write_text(self_contained(svg), encoding="utf-8")


if __name__ == "__main__":
    main()
