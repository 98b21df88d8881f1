"""Writes captures: packets of every layer by hand, and files of both formats around them."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from dataclasses import dataclass

TIME_NS = 1_700_000_000_123_456_000
VEHICLE, STATION = "10.0.0.7", "10.0.0.1"
SIXES = "2001:db8::7", "2001:db8::1"
ETHERNET, NULL, LOOP, RAW, SLL, SLL2, WIFI = 1, 0, 108, 101, 113, 276, 105


@dataclass(frozen=True)
class Packet:
    """A captured packet."""

    data: bytes
    time_ns: int = TIME_NS
    original: int = 0
    """Its length before the capture cut it; 0: it is whole."""
    link_type: int = ETHERNET


def udp(payload: bytes, source: int = 40000, port: int = 14550) -> bytes:
    return struct.pack(">HHHH", source, port, 8 + len(payload), 0) + payload


def tcp(
    payload: bytes, sequence: int, flags: int = 0x18, ack: int = 0, ports: tuple[int, int] = (5760, 50000)
) -> bytes:
    options = bytes.fromhex("0101080a0000000000000000")
    return struct.pack(">HHIIBBHHH", *ports, sequence % 2**32, ack % 2**32, 0x80, flags, 8192, 0, 0) + options + payload


def ipv4(
    body: bytes,
    protocol: int = 17,
    ends: tuple[str, str] = (VEHICLE, STATION),
    options: bytes = b"",
    fragment: int = 0,
    number: int = 1,
) -> bytes:
    size = 20 + len(options)
    head = struct.pack(">BBHHHBBH", 0x40 | size // 4, 0, size + len(body), number, fragment, 64, protocol, 0)
    return head + b"".join(ipaddress.ip_address(each).packed for each in ends) + options + body


def ipv6(body: bytes, protocol: int = 17, ends: tuple[str, str] = SIXES) -> bytes:
    head = struct.pack(">IHBB", 6 << 28, len(body), protocol, 64)
    return head + b"".join(ipaddress.ip_address(each).packed for each in ends) + body


def ethernet(body: bytes, kind: int = 0x0800, tags: Iterable[tuple[int, int]] = ()) -> bytes:
    head = bytes.fromhex("020000000001 020000000002")
    return head + b"".join(struct.pack(">HH", *tag) for tag in tags) + struct.pack(">H", kind) + body


def pcap(packets: Iterable[Packet], order: str = "<", magic: int = 0xA1B2C3D4, link_type: int = ETHERNET) -> bytes:
    """A classic capture; by its magic number of microseconds, nanoseconds, or with the longer record headers."""
    unit = 1 if magic == 0xA1B23C4D else 1000
    more = bytes(8) if magic == 0xA1B2CD34 else b""
    file = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)]
    for each in packets:
        seconds, rest = divmod(each.time_ns, 10**9)
        sizes = len(each.data), each.original or len(each.data)
        file += [struct.pack(f"{order}IIII", seconds, rest // unit, *sizes), more, each.data]
    return b"".join(file)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + size + body + size


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int = ETHERNET, order: str = "<", options: bytes = b"", longest: int = 0) -> bytes:
    return block(1, struct.pack(f"{order}HHI", link_type, 0, longest) + options, order)


def enhanced(packet: Packet, order: str = "<", number: int = 0, units: int = 10**6, offset_s: int = 0) -> bytes:
    stamp = (packet.time_ns - offset_s * 10**9) * units // 10**9
    sizes = len(packet.data), packet.original or len(packet.data)
    body = struct.pack(f"{order}IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, *sizes) + packet.data
    return block(6, body + bytes(-len(body) % 4) + option(2, bytes(4), order) + option(0, b"", order), order)


def simple(packet: Packet, order: str = "<") -> bytes:
    return block(3, struct.pack(f"{order}I", packet.original or len(packet.data)) + packet.data, order)


def obsolete(packet: Packet, order: str = "<", number: int = 0) -> bytes:
    stamp = packet.time_ns // 1000
    sizes = len(packet.data), packet.original or len(packet.data)
    head = struct.pack(f"{order}HHIIII", number, 0, stamp >> 32, stamp & 0xFFFFFFFF, *sizes)
    return block(2, head + packet.data, order)


def pcapng(packets: Iterable[Packet], order: str = "<") -> bytes:
    """A capture of one interface for each link type."""
    packets = list(packets)
    types = list(dict.fromkeys(each.link_type for each in packets)) or [ETHERNET]
    described = b"".join(interface(each, order, option(9, b"\x09", order)) for each in types)
    return (
        section(order)
        + described
        + b"".join(enhanced(each, order, types.index(each.link_type), 10**9) for each in packets)
    )
