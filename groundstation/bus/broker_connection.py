"""One client of the embedded broker: its packets and its keep-alive, on asyncio's protocol interface.

No task and no stream per client: packets are taken and answered inside ``data_received``, and what they cause for any
client is written in one go at its end. That is what keeps a message at a few microseconds.
"""

import asyncio
import logging
from uuid import uuid4

from groundstation.bus.broker_exchange import Exchange, Subscription
from groundstation.bus.broker_queue import OutgoingQueue
from groundstation.bus.mqtt_packets import (
    Connect,
    Message,
    PacketType,
    UnsupportedVersion,
    read_acknowledgement,
    read_connect,
    read_publish,
    read_remaining_length,
    read_subscribe,
    read_unsubscribe,
    write_acknowledgement,
    write_packet,
    write_refusal,
    write_welcome,
)
from groundstation.bus.mqtt_properties import MalformedPacket, Reason

_log = logging.getLogger(__name__)

_UNREAD_ANSWERS = 256 * 1024
"""Bytes of answers, beside one packet, that may wait for a client that asks on without reading them."""
_LAST_WORDS_S = 1.0
"""Seconds in which a client that is sent away, or goes, may still read what is on its way to it."""


class Connection(asyncio.Protocol):
    """One client from its first byte to its last. Anything it does wrong ends it and nothing else."""

    def __init__(self, exchange: Exchange, connections: set["Connection"]) -> None:
        self.client = b""
        self.subscriptions: dict[bytes, Subscription] = {}
        self._exchange, self._connections = exchange, connections
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self.closed = self._loop.create_future()
        """Done when the connection is no more."""
        self._level = 0  # the protocol level; 0 until the CONNECT
        self._queue: OutgoingQueue  # from the CONNECT on
        self._will: Message | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.opened_at = self._heard_at = self._loop.time()
        self._silence_s = exchange.limits.connect_s
        self._partial, self._needed = bytearray(), 0  # the start of a packet, and the length at which to look again
        self._answers: list[bytes] = []
        self._unreleased: set[int] = set()  # QoS 2 from the client: published, its PUBREL to come
        self._due = self._paused = self._gone = self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio: a client has come."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)
        if sum(each.present for each in self._connections) > self._exchange.limits.connections:
            silent = [each for each in self._connections if each.silent and each is not self]
            if not silent:
                self._end(Reason.SERVER_BUSY, "too many connections")
                return
            min(silent, key=lambda each: each.opened_at).make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Asyncio: it has gone, or was sent away."""
        self._connections.discard(self)
        self.closed.set_result(None)
        self._stop_watching()
        self._leave()
        self._exchange.flush()

    def pause_writing(self) -> None:
        """Asyncio: it reads too slowly. Messages wait in the queue, where they are bounded."""
        self._paused = True

    def resume_writing(self) -> None:
        """Asyncio: it has read on."""
        self._paused = False
        self._call_for_flush()
        self._exchange.flush()

    def data_received(self, data: bytes) -> None:
        """Asyncio: take the packets that these bytes complete, and write what they cause for anyone."""
        self._heard_at = self._loop.time()
        if self._partial:
            self._partial += data
            if len(self._partial) < self._needed:
                return
            data = bytes(self._partial)
            self._partial.clear()
        try:
            self._take_packets(data)
        except MalformedPacket as fault:
            self._end(fault.reason, str(fault))
        self._exchange.flush()

    def deliver(self, message: Message, qos: int, *, retain: bool) -> None:
        """Queue a message for the client."""
        if self._gone:
            return
        if not self._queue.add(message, qos, retain=retain):
            self._end(Reason.QUOTA_EXCEEDED, "too slow for the QoS 1 messages it asked for")
        self._call_for_flush()

    def flush(self) -> None:
        """Write what is queued, as far as the client takes it."""
        self._due = False
        if self._gone or not self._level:
            return
        self._write_queued()
        if self._paused and self._transport.get_write_buffer_size() > _UNREAD_ANSWERS + self._exchange.limits.packet:
            self._end(Reason.QUOTA_EXCEEDED, "asks on without reading the answers")
        if self._closing and not self._queue:
            self._end(Reason.SERVER_SHUTTING_DOWN, "")

    @property
    def present(self) -> bool:
        """Whether it was not sent away yet."""
        return not self._gone

    @property
    def silent(self) -> bool:
        """Whether it is there and has not said CONNECT."""
        return not self._gone and not self._level

    def make_room(self) -> None:
        """Go, because others wait for the place."""
        self._end(Reason.SERVER_BUSY, "said nothing, and others wait for its place")

    def supersede(self) -> None:
        """Go, because another connection has come with the same client identifier."""
        self._end(Reason.SESSION_TAKEN_OVER, "another connection came with its client identifier")

    def close(self) -> None:
        """The broker stops: write what is queued, and go. The will is not published: nobody is left to read it."""
        self._closing, self._will = True, None
        if self._level:
            self.flush()
        else:
            self._go()

    def abort(self) -> None:
        """The broker has stopped: go now."""
        self._transport.abort()

    def _take_packets(self, data: bytes) -> None:
        at, end, allowed = 0, len(data), self._exchange.limits.packet
        while at < end and not self._gone:
            if not self._level and data[at] != PacketType.CONNECT << 4:  # at once: it may not be MQTT, and wait for us
                raise MalformedPacket(Reason.PROTOCOL_ERROR, "the first packet is no CONNECT")
            start, length = read_remaining_length(data, at + 1)
            if length > allowed:
                raise MalformedPacket(Reason.PACKET_TOO_LARGE, f"a packet of {length:,} bytes, allowed {allowed:,}")
            stop = start + length if start else end + 1
            if stop > end:
                self._partial += data[at:]
                self._needed = stop - at
                return
            self._take_packet(data[at], data[start:stop])
            at = stop

    def _take_packet(self, first: int, body: bytes) -> None:
        kind = first >> 4
        if not self._level:
            self._take_connect(body)
        elif kind == PacketType.PUBLISH:
            self._take_publish(first, body)
        elif first & 0x0F != (2 if kind in (PacketType.PUBREL, PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE) else 0):
            raise MalformedPacket(Reason.MALFORMED_PACKET, f"a packet that starts with 0x{first:02x}")
        else:
            self._take_other(kind, body)

    def _take_other(self, kind: int, body: bytes) -> None:
        if kind == PacketType.PUBACK:
            self._queue.acknowledge(read_acknowledgement(body))
            self._call_for_flush()
        elif kind == PacketType.PUBREL:
            packet_identifier = read_acknowledgement(body)
            self._unreleased.discard(packet_identifier)
            self._answer(write_acknowledgement(PacketType.PUBCOMP, packet_identifier))
        elif kind == PacketType.SUBSCRIBE:
            self._take_subscribe(body)
        elif kind == PacketType.UNSUBSCRIBE:
            packet_identifier, topic_filters = read_unsubscribe(body, self._level)
            codes = bytes(self._exchange.unsubscribe(self, each) for each in topic_filters)
            self._answer_list(PacketType.UNSUBACK, packet_identifier, codes if self._level == 5 else b"")
        elif kind == PacketType.PINGREQ:
            self._answer(write_packet(PacketType.PINGRESP << 4))
        elif kind == PacketType.DISCONNECT:
            if body[:1] != bytes((Reason.DISCONNECT_WITH_WILL,)):
                self._will = None
            self._go()
        else:
            raise MalformedPacket(Reason.PROTOCOL_ERROR, f"a packet of type {kind}, which no client sends here")

    def _take_connect(self, body: bytes) -> None:
        try:
            connect = read_connect(body)
        except UnsupportedVersion as fault:
            self._refuse(fault.level, Reason.UNSUPPORTED_PROTOCOL_VERSION, f"speaks {fault}")
            return
        if connect.authentication:
            self._refuse(connect.level, Reason.BAD_AUTHENTICATION_METHOD, "asks for enhanced authentication")
        elif not connect.client and not connect.clean and connect.level != 5:  # MQTT-3.1.3-8
            self._refuse(connect.level, Reason.CLIENT_IDENTIFIER_NOT_VALID, "keeps a session without an identifier")
        else:
            self._welcome(connect)

    def _welcome(self, connect: Connect) -> None:
        limits = self._exchange.limits
        assigned = b"" if connect.client else f"auto-{uuid4().hex}".encode()
        self.client = connect.client or assigned
        self._level, self._will = connect.level, connect.will
        self._queue = OutgoingQueue(
            limits.queue,
            self._exchange.counts,
            level=connect.level,
            receive_maximum=connect.receive_maximum,
            packet_maximum=connect.packet_maximum,
        )
        self._silence_s = 1.5 * connect.keep_alive_s  # MQTT-3.1.2-24
        self._watch()
        self._exchange.join(self)
        self._answer(write_welcome(connect.level, assigned, limits.packet))

    def _take_publish(self, first: int, body: bytes) -> None:
        message, packet_identifier = read_publish(first, body, self._level)
        if message.qos == 0:
            self._exchange.publish(message, self)
        elif message.qos == 1:
            self._exchange.publish(message, self)
            self._answer(write_acknowledgement(PacketType.PUBACK, packet_identifier))
        else:
            if packet_identifier not in self._unreleased:
                self._exchange.publish(message, self)
                self._unreleased.add(packet_identifier)
            self._answer(write_acknowledgement(PacketType.PUBREC, packet_identifier))

    def _take_subscribe(self, body: bytes) -> None:
        packet_identifier, requests = read_subscribe(body, self._level)
        codes = [self._exchange.subscribe(self, each) for each in requests]
        if self._level != 5:
            codes = [min(code, 0x80) for code in codes]  # MQTT 3.1.1 knows one way to fail (clause 3.9.3)
        self._answer_list(PacketType.SUBACK, packet_identifier, bytes(codes))

    def _write_queued(self) -> None:
        """Write the answers, and as much of the queue as the client takes."""
        if self._answers:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()
        while not self._paused and (chunk := self._queue.next_chunk()):
            self._transport.write(chunk)

    def _answer_list(self, kind: PacketType, packet_identifier: int, codes: bytes) -> None:
        properties = b"\0" if self._level == 5 else b""
        self._answer(write_packet(kind << 4, packet_identifier.to_bytes(2, "big"), properties, codes))

    def _answer(self, packet: bytes) -> None:
        self._answers.append(packet)
        self._call_for_flush()

    def _call_for_flush(self) -> None:
        if not self._due:
            self._due = True
            self._exchange.due.append(self)

    def _refuse(self, level: int, reason: Reason, found: str) -> None:
        self._transport.write(write_refusal(level, reason))
        self._end(reason, found)

    def _end(self, reason: Reason, found: str) -> None:
        """End the connection for a reason, which an MQTT 5 client is told; what was found goes to the log."""
        if self._gone:
            return
        if found:
            self._exchange.counts.cut_off += 1
            _log.info("the embedded broker ends the connection of %s: %s", self.client.decode() or "a client", found)
        self._go(write_packet(PacketType.DISCONNECT << 4, bytes((reason, 0))) if self._level == 5 else b"")

    def _go(self, last_words: bytes = b"") -> None:
        if self._level:
            self._write_queued()
        self._transport.write(last_words)
        self._leave()
        if self._paused:
            self._transport.abort()
            return
        self._transport.close()
        self._stop_watching()
        self._timer = self._loop.call_later(_LAST_WORDS_S, self._transport.abort)

    def _leave(self) -> None:
        """Leave the exchange at once, so that the will comes before anything that happens later."""
        if not self._gone:
            self._gone = True
            self._exchange.leave(self, self._will)

    def _watch(self) -> None:
        """End the connection when nothing was heard for too long (clause 3.1.2.10); 0 s is for ever."""
        self._stop_watching()
        if not self._silence_s or self._gone:
            return
        silent_s = self._loop.time() - self._heard_at
        if silent_s >= self._silence_s:
            self._end(Reason.KEEP_ALIVE_TIMEOUT, f"silent for {silent_s:.1f} s")
            self._exchange.flush()
        else:
            self._timer = self._loop.call_later(self._silence_s - silent_s, self._watch)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
