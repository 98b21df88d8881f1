"""CSP packets, version 1 (libcsp 1.x, ``csp_types.h``): a header of 32 bits, data, and a CRC-32C where a flag says so.

The header goes big-endian; some set-ups of GomSpace's transceivers send it the other way round. What the CRC-32C is
computed over is not told by the packet: early versions of libcsp leave the header out, later ones take it in. Either
is accepted here, since one that fits by chance comes once in two thousand million packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from construct import BitsInteger, BitStruct, ByteSwapped, Construct, Flag

from protocols.coding.crc import crc
from protocols.measurement import Measurement

HEADER_SIZE = 4
CRC32 = 0x01
"""The flag in the header's lowest byte: the packet ends with a CRC-32C."""
PING_PORT = 1
"""The service that sends back what it was sent (libcsp, ``csp_service_handler``)."""
_CHECK = crc("crc-32c")

HEADER: Construct[Any, Any] = BitStruct(
    "priority" / Measurement(BitsInteger(2), "") * "0 critical, 1 high, 2 normal, 3 low",
    "source" / Measurement(BitsInteger(5), "") * "address of the sender",
    "destination" / Measurement(BitsInteger(5), "") * "address of the receiver",
    "destination_port" / Measurement(BitsInteger(6), "") * "from 32 on: of a client that waits for a reply",
    "source_port" / Measurement(BitsInteger(6), "") * "up to 6: a service that every node has",
    "reserved" / Measurement(BitsInteger(3), "") * "0",
    "fragmentation" / Flag * "whether the data are a part of something longer",
    "hmac" / Flag * "whether a message authentication code follows the data",
    "xtea" / Flag * "whether the data are encrypted with XTEA",
    "rdp" / Flag * "whether a header of the reliable datagram protocol follows the data",
    "crc" / Flag * "whether a CRC-32C follows the data",
)
"""The header, big-endian; for a vehicle's frame, or within its header."""

HEADER_LITTLE: Construct[Any, Any] = ByteSwapped(HEADER)
"""The header, little-endian."""


def asks_for_check(packet: bytes, *, little: bool = False) -> bool:
    """Whether a packet's header says that it ends with a CRC-32C; False of one too short to have a header."""
    return len(packet) >= HEADER_SIZE and bool(packet[0 if little else HEADER_SIZE - 1] & CRC32)


def good(packet: bytes) -> bool:
    """Whether a packet ends with the CRC-32C of its data, or of its header and data."""
    return len(packet) >= HEADER_SIZE + _CHECK.width and (_CHECK.good(packet) or _bare(packet))


def with_check(packet: bytes, *, header: bool = True) -> bytes:
    """A packet with its CRC-32C behind it, computed with its header or without."""
    return packet + _CHECK.compute(packet if header else packet[HEADER_SIZE:]).to_bytes(_CHECK.width, "big")


def _bare(packet: bytes) -> bool:
    """Whether its check is that of the data alone, of which there may be none."""
    data, check = packet[HEADER_SIZE : -_CHECK.width], packet[-_CHECK.width :]
    return _CHECK.compute(data) == int.from_bytes(check, "big")


@dataclass(slots=True)
class Checker:
    """Verifies the CRC-32C of packets that have one, and cuts it off. Never raises on any bytes."""

    little: bool = False
    """Whether headers are little-endian."""
    checked: int = 0
    """Packets with a check so far."""
    failures: int = 0
    """Of them, those whose check was wrong, or that were too short for one."""

    def verified(self, packet: bytes) -> bytes | None:
        """A packet without its check; None where that is wrong."""
        if not asks_for_check(packet, little=self.little):
            return packet
        self.checked += 1
        if good(packet):
            return packet[: -_CHECK.width]
        self.failures += 1
        return None
