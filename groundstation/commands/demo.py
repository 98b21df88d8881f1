"""Show everything at once: a simulated flight of OneSpace's OS-X leaves a pseudo-terminal as a serial stream, is
received through the real serial source, recorded, published on an embedded MQTT broker on loopback, and shown live.

No server, no hardware and no network are needed. All of its telemetry is synthetic, and every screen says so.

  groundstation demo
  groundstation demo --begin -3 --end 30 --no-console --json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundstation.commands.simulate import number, refuse_empty
from groundstation.hosting import add_station_arguments, console_and_station, host, with_console

HELP = "a simulated flight, received, recorded and shown"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--begin", type=number, default=-10.0, metavar="S", help="s since T-0 (default: %(default)s)")
    parser.add_argument("--end", type=number, metavar="S", help="s since T-0; default: after landing")
    parser.add_argument(
        "--directory", type=Path, default=Path("recordings"), help="where it is recorded (default: %(default)s)"
    )
    add_station_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fly the demo."""
    refuse_empty(arguments)
    if with_console(arguments):
        return console_and_station(sys.argv[1:], arguments.directory / "osx-demo.log")
    from groundstation.demo import demonstrate  # noqa: PLC0415
    from groundstation.summary import say, summary  # noqa: PLC0415

    ended: list[Any] = []

    async def station(running: Callable[[Any], None]) -> None:
        linger = arguments.announce >= 0
        begin, end = arguments.begin, arguments.end
        made = demonstrate(arguments.directory, arguments.broker, running, begin=begin, end=end, linger=linger)
        ended.extend(await made)

    host(arguments, station)
    told = {**summary(ended[0].pipeline, ended[1]), "mode": "live"}
    say(told, f"recorded in {ended[1]}", as_json=arguments.json)
    return 0
