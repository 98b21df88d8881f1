"""Repair a recording that was not closed, was cut or is damaged: a finished copy of all that is whole, beside it.

It says exactly what is lost: bytes, times, and messages by their numbers. The recording itself is not touched.

  groundstation recover hop-1.mcap                               writes hop-1.recovered.mcap
  groundstation recover hop-1.mcap --to /media/usb/hop-1.mcap

Of a recording in parts each is repaired by itself. Exit status: 0 repaired, or nothing was wrong; 1 it cannot be read,
or nothing is left of it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundstation.plain_text import plain

if TYPE_CHECKING:
    from replay.recovery import Recovered

HELP = "repair a recording that was cut off or damaged"
_LINES = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recording", type=Path, help="the file to repair")
    parser.add_argument("--to", type=Path, metavar="OUT.mcap", help="write it there; default: NAME.recovered.mcap")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output at the end")


def run(arguments: argparse.Namespace) -> int:
    """Repair it; 0 where all that is whole is in a finished file now."""
    import orjson  # noqa: PLC0415

    from groundstation.progress import Progress  # noqa: PLC0415
    from replay.recovery import recover, recovered_path  # noqa: PLC0415

    target: Path = arguments.to or recovered_path(arguments.recording)
    if problem := _unfit(target):
        sys.stderr.write(f"groundstation recover: {target}: {problem}\n")
        return 2
    progress = Progress("repairing")
    try:
        made = recover(arguments.recording, target, progress.done)
    finally:
        progress.end()
    if arguments.json:
        sys.stdout.write(orjson.dumps(_told(arguments.recording, made)).decode() + "\n")
    else:
        sys.stdout.write(plain("\n".join(_lines(arguments.recording, made))) + "\n")
    return 0


def _unfit(target: Path) -> str:
    """Why nothing can be written there; empty where it can."""
    if target.is_dir():
        return "is a folder; name a file with --to"
    if target.exists():
        return "is there already; move it away, or name another file with --to"
    if not target.parent.is_dir():
        return f"there is no folder {target.parent}; make it first"
    return ""


def _told(path: Path, made: Recovered) -> dict[str, Any]:
    """The object of ``--json``."""
    from groundstation.summary import printable  # noqa: PLC0415

    written = None if made.path is None else printable(made.path)
    return {"file": printable(path), "recovered": written, "lost": made.survey.lost(), **made.survey.as_dict()}


def _lines(path: Path, made: Recovered) -> list[str]:
    """The same for people."""
    survey = made.survey
    whole = ", ".join(f"{count:,} of {topic}" for topic, count in survey.messages.items())
    lost = survey.lines()
    more = [f"... and {len(lost) - _LINES:,} more, which --json lists"] if len(lost) > _LINES else []
    told = [f"  {each}" for each in (*lost[:_LINES], *more)]
    if made.path is None:
        return [f"{path}: nothing is wrong with it; nothing was written", f"  whole: {whole}", *told]
    refers = any(topic.startswith("samples/") for topic in survey.messages) and made.path.parent != path.parent
    samples = "; copy the files of samples beside it" if refers else ""
    return [f"{path}: {survey.lost()}", f"  whole: {whole}", *told, f"written to {made.path}{samples}"]
