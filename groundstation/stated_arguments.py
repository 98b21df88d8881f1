"""What is said on a command line of a file that does not tell itself how to read it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from protocols.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class Stated:
    """What was said of a file; empty where nothing was."""

    modem: str = ""
    framings: Sequence[str] = ()
    satellite: str = ""
    samples: str = ""
    """``FORMAT:RATE?frequency=HZ`` of a file that does not tell itself."""
    transfer_frames: str = ""
    vehicle: str = ""
    links: Sequence[str] = ()
    """The links it is said of, the others not read; all of them where there are none. Says nothing by itself."""

    def __bool__(self) -> bool:
        return bool(
            self.modem or self.framings or self.satellite or self.samples or self.transfer_frames or self.vehicle
        )


def add_stated_arguments(parser: argparse.ArgumentParser) -> None:
    """How to read files that do not tell it."""
    how = parser.add_argument_group("samples, frames and streams that do not say how to read them")
    how.add_argument("--satellite", default="", metavar="NAME", help="by a satellite's published modes: name or number")
    how.add_argument("--modem", default="", metavar="KIND:BAUD", help="how samples are modulated, as fsk:9600")
    how.add_argument("--framing", action="append", default=[], metavar="KIND", help="how bits or bytes are framed")
    how.add_argument("--samples", default="", metavar="FORMAT:RATE", help="what a raw file holds, as cu8:2.4M")
    how.add_argument("--transfer-frames", default="", metavar="KIND", help="take space packets out of tm or aos frames")
    how.add_argument("--link", action="append", default=[], metavar="NAME", help="read this link of the file alone")
    how.add_argument("--vehicle", default="", metavar="NAME", help="decode the frames' packets as this vehicle's")


def stated_of(arguments: argparse.Namespace) -> Stated | None:
    """What was said on the command line of how to read the file, if anything was.

    Raises DeclarationError where a campaign file says it too.
    """
    said = Stated(
        arguments.modem,
        tuple(arguments.framing),
        arguments.satellite,
        arguments.samples,
        arguments.transfer_frames,
        arguments.vehicle,
        tuple(arguments.link),
    )
    if said and arguments.campaign:
        raise DeclarationError("--campaign", "tells how to read a file itself; leave it out, or what is said beside it")
    return said or None
