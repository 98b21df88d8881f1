"""Simulate a vehicle to receive: OneSpace's OS-X, a synthetic flight, sent on a pseudo-terminal or by UDP.

It says the address a campaign receives it by. Everything it sends is made up, and is marked so wherever it is shown.

  groundstation simulate osx --on pty:                     then: source = "serial:/dev/pts/N?baud=921600"
  groundstation simulate osx --on udp:127.0.0.1:5000       then: source = "udp:5000"
  groundstation simulate osx --on pty: --begin -5 --end 60 --speed 2
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from groundstation.commands.replay import speed

HELP = "simulate a vehicle to receive, on a pseudo-terminal or by UDP"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("vehicle", choices=["osx"], help="the vehicle")
    parser.add_argument("--on", default="pty:", metavar="SINK", help="pty: or udp:HOST:PORT (default: %(default)s)")
    parser.add_argument("--begin", type=float, default=-20.0, metavar="S", help="s since T-0 (default: %(default)s)")
    parser.add_argument("--end", type=float, metavar="S", help="s since T-0; default: after landing")
    parser.add_argument("--speed", type=speed, default=1.0, metavar="0.1...1000|max", help="default: 1")
    parser.add_argument("--seed", type=int, default=1, help="of the sensors' noise (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Fly, and send it."""
    refuse_empty(arguments)
    from hardware.simulator.telemetry import OsxTelemetry  # noqa: PLC0415
    from hardware.simulator.transmitter import sink, transmit  # noqa: PLC0415

    to = sink(arguments.on)

    async def fly() -> int:
        async with to:
            sys.stderr.write(f"simulated OS-X, synthetic; receive it from {to.address}\n")
            telemetry = OsxTelemetry(seed=arguments.seed)
            return await transmit(telemetry, to, speed=arguments.speed, begin=arguments.begin, end=arguments.end)

    sent = asyncio.run(fly())
    dropped = f", {to.dropped:,} bytes dropped: nobody read them" if to.dropped else ""
    sys.stderr.write(f"{sent:,} packets sent{dropped}\n")
    return 0


def refuse_empty(arguments: argparse.Namespace) -> None:
    """Raise AddressError where --end comes before --begin: nothing would be sent."""
    from protocols.errors import AddressError  # noqa: PLC0415

    if arguments.end is not None and arguments.end <= arguments.begin:
        raise AddressError(f"--begin {arguments.begin:g} --end {arguments.end:g}", "the end comes after the beginning")
