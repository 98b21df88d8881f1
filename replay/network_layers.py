"""From a captured packet to the UDP datagram or TCP segment in it: link layer, VLAN tags, IPv4, IPv6, fragments.

Headers after RFC 791, RFC 8200, IEEE 802.1Q and the list of link types of libpcap. Lengths are those of the headers as
far as the packet goes: what an Ethernet pads is cut off, what the capture cut off is missing. Nothing here raises.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

TCP, UDP = 6, 17
"""IANA protocol numbers."""
Segment = tuple[int, bytes, bytes]
"""A protocol number, both addresses one after the other, and the datagram or segment with its header."""

_ETHERNET, _NULL, _LOOP, _SLL, _SLL2 = 1, 0, 108, 113, 276
_RAW = frozenset((12, 14, 101, 228, 229))
"""Raw IP: two numbers that systems use inside, one for files, one for each version."""
_KNOWN = {105: "802.11", 127: "802.11 with radiotap", 189: "USB", 220: "USB", 249: "USB", 9: "PPP", 195: "802.15.4"}
_TAGS = frozenset((b"\x81\x00", b"\x88\xa8", b"\x91\x00", b"\x92\x00"))
"""EtherTypes of VLAN tags: 802.1Q, 802.1ad, and two older ones of stacked tags."""
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"
_MOST_TAGS = 8
_EXTENSIONS = frozenset((0, 43, 60, 135, 139, 140))
"""IPv6 extension headers that say their length in units of 8 bytes (RFC 6564)."""
_FRAGMENT, _AUTHENTICATION = 44, 51
_LONGEST = 65_535
MOST_DATAGRAMS = 64
"""Datagrams of which fragments are held at a time; the oldest goes first."""


@dataclass(slots=True)
class _Fragments:
    """What has come of one datagram."""

    pieces: dict[int, bytes] = field(default_factory=dict)
    """By offset."""
    total: int = -1
    """Bytes of the whole; -1 before its last fragment has come."""
    held: int = 0


class NetworkLayers:
    """Takes UDP and TCP out of packets, and remembers fragments and what was something else."""

    def __init__(self) -> None:
        self.other: Counter[str] = Counter()
        """Packets that carry neither, by what they are."""
        self.lost_fragments = 0
        """Bytes of fragments whose datagram never was whole."""
        self._parts: dict[tuple[bytes, bytes], _Fragments] = {}

    def segment(self, link_type: int, packet: bytes) -> Segment | None:
        """The datagram or segment in a packet; None where there is none, which is counted, or it is not whole yet."""
        if link_type == _ETHERNET and packet[12:15] == b"\x08\x00\x45" and len(packet) >= 54:
            # IPv4 without options over Ethernet, whole: the same as below, seen at a glance
            protocol, end = packet[23], 14 + (packet[16] << 8 | packet[17])
            if (protocol in (TCP, UDP)) and 54 <= end <= len(packet) and not (packet[20] & 0x3F or packet[21]):
                return protocol, packet[26:34], packet[34:end]
        at = self._network(link_type, packet)
        if at < 0:
            return None
        version = packet[at] >> 4 if at < len(packet) else 0
        if version == 4:
            return self._ipv4(packet, at)
        if version == 6:
            return self._ipv6(packet, at)
        self.other["neither IPv4 nor IPv6"] += 1
        return None

    def finish(self) -> None:
        """Count the fragments that wait as lost."""
        self.lost_fragments += sum(each.held for each in self._parts.values())
        self._parts.clear()

    def _network(self, link_type: int, packet: bytes) -> int:
        """Where the IP header begins; -1 where there is none."""
        if link_type == _ETHERNET:
            return self._behind(packet, 12)
        if link_type in _RAW:
            return 0
        if link_type in (_NULL, _LOOP):
            return 4  # an address family of the machine that captured; the version is in the IP header too
        if link_type == _SLL:
            return self._behind(packet, 14)
        if link_type == _SLL2:
            return 20 if packet[:2] in (_IPV4, _IPV6) else self._tagged(packet, packet[:2], 20)
        self.other[f"link type {_KNOWN.get(link_type, link_type)}, which is not read"] += 1
        return -1

    def _behind(self, packet: bytes, at: int) -> int:
        """Where the IP header begins behind an EtherType."""
        kind = packet[at : at + 2]
        return at + 2 if kind in (_IPV4, _IPV6) else self._tagged(packet, kind, at + 2)

    def _tagged(self, packet: bytes, kind: bytes, at: int) -> int:
        for _ in range(_MOST_TAGS):
            if kind not in _TAGS:
                break
            kind, at = packet[at + 2 : at + 4], at + 4
        if kind in (_IPV4, _IPV6):
            return at
        self.other["ARP" if kind == b"\x08\x06" else "neither IPv4 nor IPv6"] += 1
        return -1

    def _ipv4(self, packet: bytes, at: int) -> Segment | None:
        size = 4 * (packet[at] & 15)
        if size < 20 or at + size > len(packet):
            self.other["cut short or malformed"] += 1
            return None
        total = int.from_bytes(packet[at + 2 : at + 4], "big")
        end = at + total if total >= size else len(packet)  # 0: a segment that the network card was to cut
        flags = int.from_bytes(packet[at + 6 : at + 8], "big")
        addresses, protocol = packet[at + 12 : at + 20], packet[at + 9]
        body: bytes | None = packet[at + size : end]
        if flags & 0x3FFF:
            whole = len(packet) >= end
            key = (addresses, packet[at + 4 : at + 6] + packet[at + 9 : at + 10])
            body = self._fragment(
                key, 8 * (flags & 0x1FFF), bool(flags & 0x2000), packet[at + size : end] if whole else b""
            )
        return self._of_interest(protocol, addresses, body)

    def _ipv6(self, packet: bytes, at: int) -> Segment | None:
        if at + 40 > len(packet):
            self.other["cut short or malformed"] += 1
            return None
        length, protocol = int.from_bytes(packet[at + 4 : at + 6], "big"), packet[at + 6]
        end = at + 40 + length if length else len(packet)  # 0: longer than 65,535 bytes (RFC 2675), or to be cut
        addresses, at = packet[at + 8 : at + 40], at + 40
        while (protocol in _EXTENSIONS or protocol == _AUTHENTICATION) and at + 8 <= len(packet):
            size = 4 * (packet[at + 1] + 2) if protocol == _AUTHENTICATION else 8 * (packet[at + 1] + 1)
            protocol, at = packet[at], at + size
        body: bytes | None = packet[at : max(at, end)]
        if protocol == _FRAGMENT and at + 8 <= min(end, len(packet)):
            protocol, place = packet[at], int.from_bytes(packet[at + 2 : at + 4], "big")
            piece = packet[at + 8 : end]
            if place & 0xFFF9:
                key = (addresses, packet[at + 4 : at + 8])
                body = self._fragment(key, place & 0xFFF8, bool(place & 1), piece if len(packet) >= end else b"")
            else:
                body = piece  # a datagram in one fragment (RFC 6946)
        return self._of_interest(protocol, addresses, body)

    def _of_interest(self, protocol: int, addresses: bytes, body: bytes | None) -> Segment | None:
        if body is None:
            return None
        if protocol not in (TCP, UDP):
            self.other["neither UDP nor TCP"] += 1
            return None
        if len(body) < (8 if protocol == UDP else 20):
            self.other["cut short or malformed"] += 1
            return None
        return protocol, addresses, body

    def _fragment(self, key: tuple[bytes, bytes], offset: int, more: bool, body: bytes) -> bytes | None:
        """The whole datagram of which this is the last missing fragment; None before that. Empty: a cut fragment."""
        if not body or offset + len(body) > _LONGEST:
            self.lost_fragments += len(body)
            return None
        parts = self._parts.setdefault(key, _Fragments())
        if parts.pieces.get(offset, body) != body:
            self.lost_fragments += len(body)
            return None
        if offset not in parts.pieces:
            parts.pieces[offset] = body
            parts.held += len(body)
        if not more:
            parts.total = offset + len(body)
        if parts.held == parts.total:
            del self._parts[key]
            datagram = _assembled(parts)
            self.lost_fragments += parts.held if datagram is None else 0
            return datagram
        if len(self._parts) > MOST_DATAGRAMS or parts.held > _LONGEST:
            oldest = next(iter(self._parts)) if parts.held <= _LONGEST else key
            self.lost_fragments += self._parts.pop(oldest).held
        return None


def _assembled(parts: _Fragments) -> bytes | None:
    """The datagram that fragments make; None where they overlap."""
    whole = b""
    for offset, piece in sorted(parts.pieces.items()):
        if offset != len(whole):
            return None
        whole += piece
    return whole
