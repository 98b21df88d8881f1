"""Prove a recording: decode it again, and compare with the digests that the station wrote into it.

A station writes SHA-256 digests every ten seconds and at its end: of the bytes of each link, of their times, of every
value decoded, of alarms and flight events. Equal means that what is in the file is what was received, and that it is
decoded as it was then. Where not, the first ten seconds are said in which it differs, and in what.

  groundstation verify recordings/hop-1-20261121T044151Z.mcap
  groundstation verify hop-1.mcap --campaign hop-1.toml --json

Exit status: 0 equal; 1 it differs, or not all of it can be proven.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "prove that a recording is whole and decoded as it was live"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recording", type=Path, help="the file to prove; of several parts, the first")
    parser.add_argument("--campaign", type=Path, metavar="FILE", help="read it by this campaign file")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output at the end")


def run(arguments: argparse.Namespace) -> int:
    """Verify; 0 where all is equal."""
    import orjson  # noqa: PLC0415

    from groundstation.plain_text import plain  # noqa: PLC0415
    from groundstation.progress import Progress  # noqa: PLC0415
    from groundstation.reading import read  # noqa: PLC0415
    from groundstation.verification import Verification  # noqa: PLC0415
    from groundstation.verification_report import EQUAL, lines, report  # noqa: PLC0415

    reading = read(arguments.recording, arguments.campaign)
    found = Verification(reading)
    progress = Progress("verifying", reading.recording)
    try:
        found.run(progress.at)
    finally:
        progress.end()
    told = report(found, arguments.recording)
    text = orjson.dumps(told).decode() if arguments.json else plain("\n".join(lines(told)))
    sys.stdout.write(f"{text}\n")
    return 0 if told["verdict"] == EQUAL else 1
