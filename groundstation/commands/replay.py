"""Replay a recording through the path that runs live, on the bus and in the console.

The file may be a recording of ours (.mcap) or a flight log of a format known here. Its topics stand under
groundstation/replay/, never under those of a live station, and every screen says REPLAY.

  groundstation replay flight.cfl
  groundstation replay flight.mcap --speed 10 --from T-5 --to T+60
  groundstation replay flight.mcap --from apogee-5 --to apogee+10 --loop
  groundstation replay flight.mcap --speed max --no-console --json
  groundstation replay pass.wav --satellite GOMX-3
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundstation.hosting import add_station_arguments, console_and_station, host, tell_progress, with_console
from groundstation.moments import Moment
from groundstation.registry import state_directory
from groundstation.stated_arguments import add_stated_arguments, stated_of

HELP = "replay a recording in the console and on the bus"


def speed(text: str) -> float:
    """A speed from 0.1 to 1000, or infinity for ``max``."""
    try:
        value = math.inf if text == "max" else float(text)
    except ValueError:
        value = math.nan
    if not (0.1 <= value <= 1000 or math.isinf(value)) or value < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: want a number from 0.1 to 1000, or max")
    return value


def moment(text: str) -> Moment:
    """``T+12.3``, an event with or without seconds after it, or seconds since the recording's beginning."""
    try:
        return Moment.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recording", type=Path, help="the file to replay")
    parser.add_argument("--campaign", type=Path, metavar="FILE", help="read it by this campaign file")
    parser.add_argument("--speed", type=speed, default=1.0, metavar="0.1...1000|max", help="default: 1")
    places = "T+12.3, T-5, an event as apogee or apogee-5, or seconds"
    parser.add_argument("--from", dest="begin", type=moment, metavar="T", help=f"begin there: {places}")
    parser.add_argument("--to", dest="end", type=moment, metavar="T", help="end there: the same")
    parser.add_argument("--loop", action="store_true", help="begin again at the end, where --from says")
    parser.add_argument("--digests", action="store_true", help="with --json: digests in it, as `verify` compares them")
    add_stated_arguments(parser)
    add_station_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replay to the end, or until stopped."""
    from groundstation.reading import read  # noqa: PLC0415
    from groundstation.stated_reading import read_as_stated  # noqa: PLC0415

    stated = stated_of(arguments)
    if stated is None:
        reading = read(arguments.recording, arguments.campaign, arguments.link)
    else:
        reading = read_as_stated(arguments.recording, stated)
    if with_console(arguments):
        return console_and_station(sys.argv[1:], state_directory() / f"replay-{arguments.recording.stem}.log")
    from groundstation.replaying import replaying  # noqa: PLC0415
    from groundstation.summary import say, summary  # noqa: PLC0415

    ended: list[Any] = []

    async def station(running: Callable[[Any], None]) -> None:
        ended.append(await replaying(reading, _wanted(arguments), running, tell_progress(arguments)))

    host(arguments, station)
    told = summary(ended[0].pipeline, arguments.recording, damage=reading.recording.damage)
    told |= {"synthetic": reading.synthetic, "mode": "replay"}
    say(told, as_json=arguments.json)
    return 0


def _wanted(arguments: argparse.Namespace) -> Any:
    from groundstation.wanted_part import Wanted  # noqa: PLC0415

    stay = arguments.announce >= 0
    return Wanted(
        arguments.speed, arguments.begin, arguments.end, arguments.loop, stay, arguments.broker, arguments.digests
    )
