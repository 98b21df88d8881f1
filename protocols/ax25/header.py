"""The header of AX.25's unnumbered information frames (AX.25 2.2, section 3): addresses, control, protocol.

An address is a callsign of six characters, each shifted up by a bit, and a byte with its number (SSID); the lowest bit
of the last address's last byte is 1. Satellites' frames have a destination and a source, and more where repeaters are
named. A vehicle whose frames have two declares HEADER; what a frame of any number says, ``parse`` tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from construct import Array, BitsInteger, BitStruct, Construct, Flag, Int8ub, Struct

from protocols.measurement import Measurement

ADDRESS_SIZE = 7
MOST_ADDRESSES = 10
"""Two and up to eight repeaters (3.12.5, as older versions have it)."""
UI, POLL_FINAL = 0x03, 0x10
"""Control byte of unnumbered information (4.3.3.6), and a bit that may be set in it."""
NO_LAYER_3 = 0xF0
"""Protocol identifier of most satellites' telemetry (3.4)."""


def address(who: str) -> Construct[Any, Any]:
    """The declaration of an address; of its callsign's characters the codes, as six columns."""
    return BitStruct(
        "callsign"
        / Array(
            6,
            Struct(
                "code" / Measurement(BitsInteger(7), "") * f"characters of the {who}'s callsign, filled with spaces",
                "extended" / Flag * "0 within a callsign",
            ),
        ),
        "command" / Flag * f"command bit of the {who}; of a repeater: it has repeated the frame",
        "reserved" / Measurement(BitsInteger(2), "") * "3",
        "ssid" / Measurement(BitsInteger(4), "") * f"which of the {who}'s stations",
        "last" / Flag * "whether no further address follows",
    )


HEADER: Construct[Any, Any] = Struct(
    "destination" / address("receiver"),
    "source" / address("sender"),
    "control" / Measurement(Int8ub, "") * "type of frame: 3 is unnumbered information",
    "pid" / Measurement(Int8ub, "") * "protocol of the information: 240 is none",
)
"""Two addresses, control and protocol: 16 bytes; for a vehicle's frame, or within its header."""


@dataclass(frozen=True, slots=True)
class Address:
    """A station."""

    callsign: str
    ssid: int
    flag: bool
    """The command bit, or that a repeater has repeated the frame."""

    def __str__(self) -> str:
        return f"{self.callsign}-{self.ssid}" if self.ssid else self.callsign


@dataclass(frozen=True, slots=True)
class Frame:
    """What an unnumbered information frame says."""

    addresses: tuple[Address, ...]
    """Destination, source, repeaters."""
    control: int
    pid: int
    info: bytes


def parse(frame: bytes) -> Frame | None:
    """An unnumbered information frame without flags and check; None of bytes that are none."""
    addresses: list[Address] = []
    end = 0
    while len(addresses) < MOST_ADDRESSES and len(frame) >= end + ADDRESS_SIZE:
        *characters, station = frame[end : end + ADDRESS_SIZE]
        name = bytes(each >> 1 for each in characters).decode("ascii")
        if any(each & 1 for each in characters) or not _callsign(name):
            return None
        addresses.append(Address(name.rstrip(), station >> 1 & 15, bool(station & 0x80)))
        end += ADDRESS_SIZE
        if station & 1:
            break
    else:
        return None
    if len(addresses) < 2 or len(frame) < end + 2 or frame[end] & ~POLL_FINAL != UI:
        return None
    return Frame(tuple(addresses), frame[end], frame[end + 1], frame[end + 2 :])


def _callsign(name: str) -> bool:
    """Capital letters and digits, spaces behind them; nothing but spaces too, which some satellites send."""
    told = name.rstrip()
    return not told or (told.isalnum() and told == told.upper())
