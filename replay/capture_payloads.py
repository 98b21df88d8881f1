"""The payloads of UDP datagrams and TCP streams in captured packets, by flow: one direction between two ports."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from replay.network_layers import TCP, UDP, NetworkLayers
from replay.pcap_file import Captured
from replay.recording import Damage
from replay.tcp_stream import ACK, TcpStream

Flow = tuple[int, bytes]
"""A protocol number; source address, destination address, source port, destination port, 12 bytes or 36."""
MOST_FLOWS = 4096
"""Flows told apart in one capture."""
MOST_WAITING = 64 << 20
"""Bytes of all streams together that may wait for holes to be filled."""
_ETHERNET = 1


class Payloads:
    """Takes the payloads out of packets; TCP in order, each hole counted."""

    def __init__(self, wanted: Collection[Flow] | None = None) -> None:
        """The payloads of the flows wanted, or of the first MOST_FLOWS there are."""
        self.flows: set[Flow] = set(wanted or ())
        self._open = wanted is None  # whether flows not seen before are taken
        self._layers = NetworkLayers()
        self._streams: dict[bytes, TcpStream] = {}
        self._waiting = 0  # bytes of all streams
        self.delivered = 0
        """Bytes of payloads given."""
        self.unwanted = 0
        """Bytes of payloads of other flows."""
        self.cut = 0
        """Packets of which the capture holds only the first bytes."""

    def of(self, packets: Iterator[Captured]) -> Iterator[tuple[int, Flow, bytes]]:
        """Time, flow and payload of each packet that brings one."""
        flows, segment = self.flows, self._layers.segment
        at_ns = 0
        for at_ns, link_type, packet, missing in packets:
            # nearly all telemetry is UDP over IPv4 without options over Ethernet: the same as below, seen at a glance
            if link_type == _ETHERNET and packet[12:15] == b"\x08\x00\x45" and packet[23:24] == b"\x11":
                flow, length = (UDP, packet[26:38]), packet[38] << 8 | packet[39] if len(packet) >= 42 else 0
                if (
                    flow in flows
                    and length == (packet[16] << 8 | packet[17]) - 20 > 8
                    and not (packet[20] & 0x3F or packet[21] or len(packet) < 34 + length)
                ):
                    self.cut += missing > 0
                    self.delivered += length - 8
                    yield at_ns, flow, packet[42 : 34 + length]
                    continue
            self.cut += missing > 0
            found = segment(link_type, packet)
            if found is None:
                continue
            protocol, addresses, body = found
            for flow, payload in (self._udp if protocol == UDP else self._tcp)(at_ns, addresses, body):
                self.delivered += len(payload)
                yield at_ns, flow, payload
        for ports, stream in self._streams.items():
            for payload in stream.finish():
                self.delivered += len(payload)
                yield at_ns, (TCP, ports), payload
        self._layers.finish()

    def _udp(self, _: int, addresses: bytes, body: bytes) -> Sequence[tuple[Flow, bytes]]:
        """The payload of a datagram."""
        flow, end = (UDP, addresses + body[:4]), int.from_bytes(body[4:6], "big")
        payload = body[8 : end if end >= 8 else len(body)]  # 0: longer than a length field tells (RFC 2675)
        if not self._taken(flow):
            self.unwanted += len(payload)
            return ()
        return ((flow, payload),) if payload else ()

    def _tcp(self, at_ns: int, addresses: bytes, body: bytes) -> Sequence[tuple[Flow, bytes]]:
        """What a segment brings in its own direction, and by what it acknowledges in the other."""
        ports, flags = addresses + body[:4], body[13]
        payload = body[max(20, 4 * (body[12] >> 4)) :]
        flow = (TCP, ports)
        stream = self._streams.get(ports)
        if stream is None and self._taken(flow):
            stream = self._streams[ports] = TcpStream()
        brought: list[tuple[Flow, bytes]] = []
        if stream is None:
            self.unwanted += len(payload)
        else:
            sequence, before = int.from_bytes(body[4:8], "big"), stream.waiting_bytes
            pieces = stream.segment(at_ns, sequence, flags, payload)
            brought = [(flow, piece) for piece in pieces] if pieces else []
            self._waiting += stream.waiting_bytes - before
            if self._waiting > MOST_WAITING:
                brought += self._given_up()
        if flags & ACK:
            half = len(addresses) >> 1
            back = addresses[half:] + addresses[:half] + body[2:4] + body[:2]
            if (other := self._streams.get(back)) is not None and other.waits:
                number, before = int.from_bytes(body[8:12], "big"), other.waiting_bytes
                brought += [((TCP, back), piece) for piece in other.acknowledged(number)]
                self._waiting += other.waiting_bytes - before
        return brought

    def _given_up(self) -> list[tuple[Flow, bytes]]:
        """All that waits for holes of any stream."""
        self._waiting = 0
        return [((TCP, ports), piece) for ports, stream in self._streams.items() for piece in stream.give_up()]

    def _taken(self, flow: Flow) -> bool:
        """Whether the payloads of a flow are given; from now on, where new ones are taken."""
        if flow in self.flows:
            return True
        if not self._open or len(self.flows) >= MOST_FLOWS:
            return False
        self.flows.add(flow)
        return True

    def tell(self, damage: Damage) -> None:
        """Count what could not be given, and say it."""
        layers, streams = self._layers, self._streams.values()
        if self.unwanted:
            damage.note("flows beyond the links that are read: their payloads are left out", self.unwanted)
        if layers.lost_fragments:
            damage.note("fragments of IP datagrams of which others are missing", layers.lost_fragments)
        if self.cut:
            damage.note(f"{self.cut:,} packets were captured only in part, as the capture's snapshot length asked")
        missing, holes = sum(each.missing for each in streams), sum(each.holes for each in streams)
        damage.missing += holes
        if holes:
            damage.note(f"{missing:,} bytes of TCP streams are missing in {holes:,} places: sent, and not captured")
        for what, count in layers.other.most_common():
            damage.note(f"{count:,} packets left out: {what}")
