"""What if: judge a recording by two campaign files, and say what would have alarmed under one and not the other.

With one campaign, it is compared with the limits that held when the recording was made; of other people's formats, with
those of the declaration. Where only limits differ, the recording is decoded once and judged twice.

  groundstation compare hop-1.mcap --campaign tighter.toml
  groundstation compare hop-1.mcap --campaign hop-1.toml --campaign hop-2.toml --json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundstation.reading import Reading

HELP = "judge a recording by two sets of limits: what alarms under one and not the other"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recording", type=Path, help="the file to judge")
    parser.add_argument(
        "--campaign", type=Path, action="append", required=True, metavar="FILE", help="once or twice: A, then B"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output at the end")


def run(arguments: argparse.Namespace) -> int:
    """Compare; 0 when done, whatever was found."""
    import orjson  # noqa: PLC0415

    from groundstation.comparison import Comparison  # noqa: PLC0415
    from groundstation.comparison_report import lines, report  # noqa: PLC0415
    from groundstation.plain_text import plain  # noqa: PLC0415
    from groundstation.progress import Progress  # noqa: PLC0415

    if len(arguments.campaign) > 2:
        sys.stderr.write("groundstation compare: two campaigns can be compared; name one or two\n")
        return 2
    found = Comparison(*_readings(arguments.recording, arguments.campaign))
    progress = Progress("comparing", found.recording)
    try:
        found.run(progress.at)
    finally:
        progress.end()
    told = report(found, arguments.recording)
    text = orjson.dumps(told).decode() if arguments.json else plain("\n".join(lines(told)))
    sys.stdout.write(f"{text}\n")
    return 0


def _readings(recording: Path, campaigns: list[Path]) -> tuple[tuple[str, Reading], tuple[str, Reading]]:
    """A and B with their names, of one vehicle where both name the same."""
    from dataclasses import replace  # noqa: PLC0415

    from groundstation.campaign import Campaign  # noqa: PLC0415
    from groundstation.reading import read_by  # noqa: PLC0415
    from groundstation.recorded_limits import as_recorded  # noqa: PLC0415
    from groundstation.summary import printable  # noqa: PLC0415
    from replay.recording import open_recording  # noqa: PLC0415

    opened = open_recording(recording)
    loaded = [Campaign.load(path) for path in campaigns]
    readings = [read_by(opened, each) for each in loaded]
    names = [printable(path) for path in campaigns]
    if len(readings) == 1:
        before = "as recorded" if opened.definitions else "as declared"
        return (before, as_recorded(readings[0])), (names[0], readings[0])
    first, second = readings
    if loaded[0].vehicle_named == loaded[1].vehicle_named:
        second = replace(second, vehicle=first.vehicle)
    return (names[0], first), (names[1], second)
