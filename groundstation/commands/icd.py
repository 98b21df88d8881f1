"""Print a vehicle's interface page, made from its declaration: what lies where in every packet, and what it means.

groundstation icd osx > osx.md
groundstation icd ./own.py
groundstation icd jpss.xml
groundstation icd osx --to osx.xml
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "print a vehicle's interface page, made from its declaration, or write it as XTCE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("vehicle", help="the vehicle's name, or a file of declarations, Python or XTCE")
    parser.add_argument("--to", type=Path, metavar="FILE", help="write it there: .md the page, .xml XTCE 1.2")
    parser.add_argument("--no-arrays", action="store_true", help="in XTCE, a parameter for each element of an array")


def run(arguments: argparse.Namespace) -> int:
    """Print or write it. Raises DeclarationError on a vehicle that there is not, or that cannot be read or written."""
    from groundstation.icd import page  # noqa: PLC0415
    from groundstation.vehicle_file import NoVehicle, load_vehicle  # noqa: PLC0415
    from protocols.errors import DeclarationError  # noqa: PLC0415
    from protocols.xtce.writing import write_xtce  # noqa: PLC0415

    target: Path | None = arguments.to
    if target is not None and target.suffix.lower() not in (".md", ".xml"):
        sys.stderr.write(f"groundstation icd: --to {target}: of no kind known here; known are .md, .xml\n")
        return 2
    if arguments.no_arrays and (target is None or target.suffix.lower() != ".xml"):
        sys.stderr.write("groundstation icd: --no-arrays: is for XTCE only; add --to FILE.xml\n")
        return 2
    try:
        vehicle = load_vehicle(arguments.vehicle, Path.cwd() / "campaign.toml")
    except NoVehicle as error:
        raise DeclarationError("vehicle", str(error)) from None
    if target is None:
        sys.stdout.write(page(vehicle))
        return 0
    xml = target.suffix.lower() == ".xml"
    text = write_xtce(vehicle, arrays=not arguments.no_arrays) if xml else page(vehicle)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"groundstation icd: --to {target}: cannot be written ({error.strerror}); name another\n")
        return 1
    sys.stderr.write(f"written to {target}\n")
    return 0
