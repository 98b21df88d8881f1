"""Simulate a vehicle to receive: OneSpace's OS-X, a synthetic flight, as bytes or as the samples of a radio.

It says what to write in a campaign to receive it. Everything it sends is made up, and marked so wherever it is shown.

  groundstation simulate osx --on pty:                     then: source = "serial:/dev/pts/N?baud=921600"
  groundstation simulate osx --on udp:127.0.0.1:5000       then: source = "udp:5000"
  groundstation simulate osx --on pty: --begin -5 --end 60 --speed 2

A radio: an rtl_tcp server whose dongle hears the vehicle, in real time; or a SigMF recording of what it would hear.

  groundstation simulate osx --on rtl_tcp:127.0.0.1:1234
  groundstation simulate osx --on 'rtl_tcp:1234?frequency=2245.5M&rate=1M' --modem gmsk:150000 --framing u482c
  groundstation simulate osx --on rtl_tcp:1234 --eb-n0 9 --offset 40000 --drift -200 --clock-error 20 --fading 0.5,12
  groundstation simulate osx --on 'sigmf:flight?rate=1M&format=cu8' --begin -2 --end 10

OS-X sends 190 packets/s, 7.4 kB/s: with ax100_golay some 125 kbit/s. A slower modem carries a part of them.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from groundstation.commands.replay import speed

if TYPE_CHECKING:
    from hardware.simulator.downlink import Radio
    from hardware.simulator.radio_address import RadioAddress
    from hardware.simulator.telemetry import OsxTelemetry
    from hardware.simulator.transmitter import Sink

HELP = "simulate a vehicle to receive, on a pseudo-terminal, by UDP or by radio"
_LARGEST = 1e9
"""What an option may be at most: Hz, s or parts in a million. Our choice."""
_MODEM, _FRAMING, _EB_N0 = "fsk:200000", "ax100_golay", 12.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("vehicle", choices=["osx"], help="the vehicle")
    parser.add_argument(
        "--on",
        default="pty:",
        metavar="SINK",
        help="pty:, udp:HOST:PORT, rtl_tcp:HOST:PORT or sigmf:PATH (default: pty:)",
    )
    parser.add_argument("--begin", type=number, default=-20.0, metavar="S", help="s since T-0 (default: %(default)s)")
    parser.add_argument("--end", type=number, metavar="S", help="s since T-0; default: after landing")
    parser.add_argument("--speed", type=speed, default=1.0, metavar="0.1...1000|max", help="default: 1")
    parser.add_argument("--seed", type=_seed, default=1, help="of all noise (default: %(default)s)")
    radio = parser.add_argument_group("a radio, on rtl_tcp or sigmf")
    radio.add_argument("--modem", metavar="KIND:BAUD", help=f"fsk, gmsk, afsk, psk, qpsk... (default: {_MODEM})")
    radio.add_argument("--framing", metavar="NAME", help=f"as a campaign names it (default: {_FRAMING})")
    radio.add_argument("--eb-n0", type=_decibels, metavar="DB|none", help=f"of a bit on the air (default: {_EB_N0:g})")
    radio.add_argument("--offset", type=number, metavar="HZ", help="of the carrier, as by Doppler (default: 0)")
    radio.add_argument("--drift", type=number, metavar="HZ/S", help="of the offset (default: 0)")
    radio.add_argument("--clock-error", type=number, metavar="PPM", help="of the symbols (default: 0)")
    radio.add_argument("--fading", type=_fading, metavar="HZ,DB", help="a spinning vehicle: how often, how deep")


def run(arguments: argparse.Namespace) -> int:
    """Fly, and send it."""
    refuse_empty(arguments)
    from hardware.simulator.radio_address import is_radio, radio_address  # noqa: PLC0415
    from hardware.simulator.telemetry import OsxTelemetry  # noqa: PLC0415
    from hardware.simulator.transmitter import sink  # noqa: PLC0415

    if not is_radio(arguments.on):
        to = sink(arguments.on)
        _refuse_radio(arguments)
        return _fly(arguments, to, OsxTelemetry(seed=arguments.seed))
    where = radio_address(arguments.on)
    radio = _radio(arguments)
    radio.downlink(where.signal)  # what cannot be is said before the flight is computed
    if where.kind == "sigmf":
        return _record(arguments, where, radio)
    from hardware.simulator.radio_sink import rtl_tcp_sink  # noqa: PLC0415

    to = rtl_tcp_sink(arguments.on, where, radio)
    return _fly(arguments, to, OsxTelemetry(seed=arguments.seed, framed=False))


def refuse_empty(arguments: argparse.Namespace) -> None:
    """Raise AddressError where --end comes before --begin: nothing would be sent."""
    from protocols.errors import AddressError  # noqa: PLC0415

    if arguments.end is not None and arguments.end <= arguments.begin:
        raise AddressError(f"--begin {arguments.begin:g} --end {arguments.end:g}", "the end comes after the beginning")


def _fly(arguments: argparse.Namespace, to: Sink, telemetry: OsxTelemetry) -> int:
    """Send at its pace, and say what became of it."""
    from hardware.simulator.transmitter import transmit  # noqa: PLC0415

    async def fly() -> int:
        async with to:
            sys.stderr.write(f"simulated OS-X, synthetic; receive it from {to.address}{_receiving(arguments)}\n")
            sent = await transmit(telemetry, to, speed=arguments.speed, begin=arguments.begin, end=arguments.end)
            await to.finish()
            return sent

    _tell(asyncio.run(fly()), to.dropped)
    return 0


def _record(arguments: argparse.Namespace, where: RadioAddress, radio: Radio) -> int:
    """Write a recording, as fast as it can be made."""
    from hardware.simulator.radio_file import record  # noqa: PLC0415
    from hardware.simulator.telemetry import OsxTelemetry  # noqa: PLC0415

    telemetry = OsxTelemetry(seed=arguments.seed, framed=False)
    end = telemetry.end if arguments.end is None else min(arguments.end, telemetry.end)
    begin = max(arguments.begin, telemetry.start)
    path, sent, dropped = record(
        telemetry, radio, where.signal, Path(where.target), begin=begin, end=end, start_ns=time.time_ns()
    )
    sys.stderr.write(f"simulated OS-X, synthetic; {path}{_receiving(arguments)}\n")
    _tell(sent, dropped)
    return 0


def _tell(sent: int, dropped: int) -> None:
    lost = f", {dropped:,} bytes dropped: nobody took them, or the link carries no more" if dropped else ""
    sys.stderr.write(f"{sent:,} packets sent{lost}\n")


def _radio(arguments: argparse.Namespace) -> Radio:
    """The vehicle's radio, as the arguments have it. Raises DeclarationError."""
    from groundstation.transmitters import transmitter  # noqa: PLC0415
    from hardware.simulator.downlink import Air, Radio  # noqa: PLC0415
    from protocols.modem.transmitter_table import Transmitter  # noqa: PLC0415

    table = transmitter(arguments.modem or _MODEM, arguments.framing or _FRAMING)
    eb_n0 = _EB_N0 if arguments.eb_n0 is None else arguments.eb_n0
    air = Air(
        eb_n0=None if eb_n0 == float("inf") else eb_n0,
        offset=arguments.offset or 0.0,
        drift=arguments.drift or 0.0,
        clock_error=arguments.clock_error or 0.0,
        fading=arguments.fading,
        seed=arguments.seed,
    )
    return Radio(Transmitter.of(table), air)


def _receiving(arguments: argparse.Namespace) -> str:
    """What a campaign says besides where the samples come from."""
    from hardware.simulator.radio_address import is_radio  # noqa: PLC0415

    if not is_radio(arguments.on):
        return ""
    return f' with modem = "{arguments.modem or _MODEM}", framing = "{arguments.framing or _FRAMING}"'


def _refuse_radio(arguments: argparse.Namespace) -> None:
    """Raise AddressError where an option of radios is given for a sink of bytes."""
    from protocols.errors import AddressError  # noqa: PLC0415

    for name in ("modem", "framing", "eb_n0", "offset", "drift", "clock_error", "fading"):
        if getattr(arguments, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise AddressError(arguments.on, f"carries bytes; leave out {option}, or send on rtl_tcp: or sigmf:")


def number(text: str) -> float:
    """A number that is one, of a size that can be computed with."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) <= _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r}: want a number, up to {_LARGEST:g}")
    return value


def _seed(text: str) -> int:
    """A whole number that is not negative."""
    if not text.isdecimal() or len(text) > 20:
        raise argparse.ArgumentTypeError(f"{text!r}: want a whole number from 0")
    return int(text)


def _decibels(text: str) -> float:
    """Eb/N0 in dB; inf for none."""
    if text == "none":
        return float("inf")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -50.0 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!r}: want dB from -50 to 100, or none for no noise")
    return value


def _fading(text: str) -> tuple[float, float]:
    """How often, in Hz, and how deep, in dB."""
    try:
        rate, depth = (float(each) for each in text.split(","))
    except ValueError:
        rate = depth = float("nan")
    if not (0.0 < rate < 1000.0 and 0.0 <= depth <= 100.0):
        raise argparse.ArgumentTypeError(f"{text!r}: want times a second and dB, as 0.5,12")
    return rate, depth
