"""Print a vehicle's interface page, made from its declaration: what lies where in every packet, and what it means.

groundstation icd osx > osx.md
groundstation icd ./own.py
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "print a vehicle's interface page, made from its declaration"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("vehicle", help="the vehicle's name, or a Python file of declarations")


def run(arguments: argparse.Namespace) -> int:
    """Print it. Raises DeclarationError on a vehicle that there is not, or that cannot be decoded."""
    from groundstation.icd import page  # noqa: PLC0415
    from groundstation.vehicle_file import NoVehicle, load_vehicle  # noqa: PLC0415
    from protocols.errors import DeclarationError  # noqa: PLC0415

    try:
        vehicle = load_vehicle(arguments.vehicle, Path.cwd() / "campaign.toml")
    except NoVehicle as error:
        raise DeclarationError("vehicle", str(error)) from None
    sys.stdout.write(page(vehicle))
    return 0
