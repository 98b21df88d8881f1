"""MQTT control packets as a broker reads and writes them: OASIS MQTT 3.1.1 and 5.0, clauses 2 and 3. Sans-I/O.

Every reader takes the body of a packet (what follows the fixed header) and raises MalformedPacket for what the standard
does not allow. Protocol levels (clause 3.1.2.2): 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0; 3 and 4 differ in name only.
"""

from dataclasses import dataclass
from enum import IntEnum
from time import monotonic

from groundstation.bus.mqtt_properties import (
    Fields,
    MalformedPacket,
    Property,
    Reason,
    check_text,
    message_properties,
    string,
    variable_integer,
)

UNBOUNDED_PACKET = 268_435_460
"""Bytes: the largest packet that can be written at all (clause 2.2.3: 256 MB and its header)."""


class PacketType(IntEnum):
    """The upper four bits of a packet's first byte (clause 2.2.1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class UnsupportedVersion(Exception):
    """A CONNECT of a protocol level that is none of 3, 4 and 5."""

    def __init__(self, level: int) -> None:
        super().__init__(f"protocol level {level}")
        self.level = level & 0x7F  # the upper bit marks a bridge between brokers


class Message:
    """An application message on its way from a publisher to any number of readers."""

    __slots__ = ("_live", "expires_at", "payload", "properties", "qos", "retain", "topic")

    def __init__(self, topic: bytes, payload: bytes, qos: int, retain: bool) -> None:
        self.topic, self.payload, self.qos, self.retain = topic, payload, qos, retain
        self.properties = b""
        """What an MQTT 5 publisher attached and MQTT 5 readers get, as written, without a message expiry."""
        self.expires_at: float | None = None
        """When it is no longer to be delivered, on the monotonic clock, in seconds; None for never."""
        self._live: list[bytes | None] = [None, None]

    @property
    def size(self) -> int:
        """Bytes of its topic, payload and properties."""
        return len(self.topic) + len(self.payload) + len(self.properties)

    def live_packet(self, level: int) -> bytes:
        """The PUBLISH of QoS 0, without retain flag, for readers of this protocol level; written once for all."""
        at = level == 5
        packet = self._live[at]
        if packet is None:
            packet = self._live[at] = self.packet(level)
        return packet

    def packet(self, level: int, qos: int = 0, retain: bool = False, packet_identifier: int = 0) -> bytes:
        """The PUBLISH (clause 3.3) for a reader of this protocol level."""
        parts = [string(self.topic)]
        if qos:
            parts.append(packet_identifier.to_bytes(2, "big"))
        if level == 5:
            properties = self.properties + self._expiry()
            parts += (variable_integer(len(properties)), properties)
        parts.append(self.payload)
        length = variable_integer(sum(map(len, parts)))
        return b"".join((bytes((0x30 | qos << 1 | retain,)), length, *parts))

    def _expiry(self) -> bytes:
        if self.expires_at is None:
            return b""
        left_s = max(0, round(self.expires_at - monotonic()))
        return bytes((Property.MESSAGE_EXPIRY_INTERVAL,)) + left_s.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Connect:
    """What a CONNECT asks for (clause 3.1)."""

    level: int
    client: bytes
    """The client identifier; empty when the broker is to choose one."""
    clean: bool
    keep_alive_s: int
    """0 turns the keep-alive off."""
    will: Message | None
    receive_maximum: int
    """How many QoS 1 messages may be under way to it."""
    packet_maximum: int
    """Bytes: no larger packet may be sent to it."""
    authentication: bool
    """It asks for MQTT 5 enhanced authentication."""


@dataclass(frozen=True, slots=True)
class Request:
    """One topic filter of a SUBSCRIBE and its options (clause 3.8.3)."""

    topic_filter: bytes
    qos: int
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0
    """0: send retained messages; 1: only if the subscription is new; 2: do not."""


def read_remaining_length(data: bytes, at: int) -> tuple[int, int]:
    """The remaining length that stands here (clause 2.2.3): where the packet's body starts, and its bytes.

    Both 0 if there is not yet all of it. Raises MalformedPacket if it has more than 4 bytes.
    """
    if at >= len(data):
        return 0, 0
    length = data[at]
    if length < 0x80:
        return at + 1, length
    length &= 0x7F
    for more in (1, 2, 3):
        if at + more >= len(data):
            return 0, 0
        byte = data[at + more]
        length |= (byte & 0x7F) << 7 * more
        if byte < 0x80:
            return at + more + 1, length
    raise MalformedPacket(Reason.MALFORMED_PACKET, "a remaining length of more than 4 bytes")


def read_connect(body: bytes) -> Connect:
    """Read a CONNECT. Raises MalformedPacket, and UnsupportedVersion for a level that is not spoken here."""
    fields = Fields(body)
    name, level = fields.binary(), fields.integer(1)
    if name not in (b"MQTT", b"MQIsdp"):
        raise MalformedPacket(Reason.UNSUPPORTED_PROTOCOL_VERSION, "not an MQTT CONNECT")
    if (name, level) not in ((b"MQIsdp", 3), (b"MQTT", 4), (b"MQTT", 5)):
        raise UnsupportedVersion(level)
    flags, keep_alive_s = fields.integer(1), fields.integer(2)
    password_alone = level != 5 and flags & 0xC0 == 0x40  # MQTT-3.1.2-22
    if flags & 0x01 or flags & 0x18 == 0x18 or (not flags & 0x04 and flags & 0x38) or password_alone:
        raise MalformedPacket(Reason.MALFORMED_PACKET, f"connect flags 0x{flags:02x}")
    asked = {each.identifier: each.number for each in fields.properties()} if level == 5 else {}
    client = fields.text()
    will = _read_will(fields, flags, level) if flags & 0x04 else None
    _skip_credentials(fields, flags)
    if fields.left:
        raise MalformedPacket(Reason.MALFORMED_PACKET, "bytes behind the end of a CONNECT")
    receive_maximum = asked.get(Property.RECEIVE_MAXIMUM, 65_535)
    packet_maximum = asked.get(Property.MAXIMUM_PACKET_SIZE, UNBOUNDED_PACKET)
    if not receive_maximum or not packet_maximum:
        raise MalformedPacket(Reason.PROTOCOL_ERROR, "a receive maximum or maximum packet size of 0")
    clean, authentication = bool(flags & 0x02), Property.AUTHENTICATION_METHOD in asked
    return Connect(level, client, clean, keep_alive_s, will, receive_maximum, packet_maximum, authentication)


def _skip_credentials(fields: Fields, flags: int) -> None:
    """The user name and the password, which nobody is asked for: whoever is on this machine may come in."""
    if flags & 0x80:
        fields.text()
    if flags & 0x40:
        fields.binary()


def _read_will(fields: Fields, flags: int, level: int) -> Message:
    """The will of a CONNECT. Its delay is not kept: it ends with the session, and sessions end with the connection."""
    found = fields.properties() if level == 5 else []
    will = Message(fields.text(), fields.binary(), flags >> 3 & 3, bool(flags & 0x20))
    check_topic(will.topic)
    found = [each for each in found if each.identifier != Property.WILL_DELAY_INTERVAL]
    will.properties, expiry_s = message_properties(found)
    will.expires_at = None if expiry_s is None else monotonic() + expiry_s
    return will


def read_publish(first: int, body: bytes, level: int) -> tuple[Message, int]:
    """Read a PUBLISH: the message, its packet identifier (0 for QoS 0). The topic is not checked: see check_topic."""
    qos = first >> 1 & 3
    end = 2 + (body[0] << 8 | body[1]) if len(body) > 1 else len(body) + 1
    start = end + 2 if qos else end
    if start > len(body) or qos == 3 or first & 0x0E == 0x08:
        raise MalformedPacket(Reason.MALFORMED_PACKET, "a PUBLISH cut short, of QoS 3, or of QoS 0 and sent again")
    packet_identifier = body[end] << 8 | body[end + 1] if qos else 0
    if qos and not packet_identifier:
        raise MalformedPacket(Reason.PROTOCOL_ERROR, "packet identifier 0")
    message = Message(body[2:end], body[start:], qos, bool(first & 1))
    if level == 5:
        fields = Fields(message.payload)
        message.properties, expiry_s = message_properties(fields.properties())
        message.expires_at = None if expiry_s is None else monotonic() + expiry_s
        message.payload = fields.take(fields.left)
    return message, packet_identifier


def check_topic(topic: bytes) -> None:
    """Raise MalformedPacket if this is no topic name (clause 4.7): empty, not UTF-8, or holding a wildcard."""
    check_text(topic)
    if not topic or b"+" in topic or b"#" in topic:
        raise MalformedPacket(Reason.TOPIC_NAME_INVALID, "an empty topic name or one with a wildcard")


def read_acknowledgement(body: bytes) -> int:
    """The packet identifier of a PUBACK, PUBREC, PUBREL or PUBCOMP (clauses 3.4 to 3.7)."""
    return Fields(body).integer(2)


def read_subscribe(body: bytes, level: int) -> tuple[int, list[Request]]:
    """Read a SUBSCRIBE: its packet identifier and its topic filters in their order. The filters are not checked."""
    fields = Fields(body)
    packet_identifier = fields.integer(2)
    if level == 5 and any(each.identifier == Property.SUBSCRIPTION_IDENTIFIER for each in fields.properties()):
        raise MalformedPacket(Reason.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, "a subscription identifier")
    requests = []
    while fields.left:
        topic_filter, options = fields.text(), fields.integer(1)
        if options & 3 == 3 or options & (0xC0 if level == 5 else 0xFC) or options & 0x30 == 0x30:
            raise MalformedPacket(Reason.PROTOCOL_ERROR, f"subscription options 0x{options:02x}")
        requests.append(Request(topic_filter, options & 3, bool(options & 4), bool(options & 8), options >> 4 & 3))
    if not requests or not packet_identifier:
        raise MalformedPacket(Reason.PROTOCOL_ERROR, "a SUBSCRIBE without a topic filter or packet identifier")
    return packet_identifier, requests


def read_unsubscribe(body: bytes, level: int) -> tuple[int, list[bytes]]:
    """Read an UNSUBSCRIBE: its packet identifier and its topic filters in their order."""
    fields = Fields(body)
    packet_identifier = fields.integer(2)
    if level == 5:
        fields.properties()
    topic_filters = []
    while fields.left:
        topic_filters.append(fields.text())
    if not topic_filters or not packet_identifier:
        raise MalformedPacket(Reason.PROTOCOL_ERROR, "an UNSUBSCRIBE without a topic filter or packet identifier")
    return packet_identifier, topic_filters


def write_packet(first: int, *parts: bytes) -> bytes:
    """A control packet: its first byte, its remaining length (clause 2.2.3), its body."""
    body = b"".join(parts)
    return bytes((first,)) + variable_integer(len(body)) + body


def write_acknowledgement(kind: PacketType, packet_identifier: int) -> bytes:
    """A PUBACK, PUBREC, PUBREL or PUBCOMP that says success, the same in every version (clause 3.4.2.1)."""
    return bytes((kind << 4 | (2 if kind is PacketType.PUBREL else 0), 2)) + packet_identifier.to_bytes(2, "big")


def write_refusal(level: int, reason: Reason) -> bytes:
    """A CONNACK that refuses (clause 3.2.2.3): MQTT 3.1.1 knows five return codes, MQTT 5 gets the reason itself."""
    if level >= 5:
        return write_packet(PacketType.CONNACK << 4, bytes((0, reason, 0)))
    codes = {Reason.UNSUPPORTED_PROTOCOL_VERSION: 1, Reason.CLIENT_IDENTIFIER_NOT_VALID: 2}
    return write_packet(PacketType.CONNACK << 4, bytes((0, codes.get(reason, 3))))


def write_welcome(level: int, assigned: bytes, packet_maximum: int) -> bytes:
    """A CONNACK that accepts, never with a session kept; to MQTT 5 it names what this broker does not do."""
    if level != 5:
        return write_packet(PacketType.CONNACK << 4, b"\0\0")
    properties = bytes((Property.SESSION_EXPIRY_INTERVAL, 0, 0, 0, 0, Property.MAXIMUM_PACKET_SIZE))
    properties += packet_maximum.to_bytes(4, "big")
    properties += bytes((Property.SUBSCRIPTION_IDENTIFIERS_AVAILABLE, 0, Property.SHARED_SUBSCRIPTION_AVAILABLE, 0))
    if assigned:
        properties += bytes((Property.ASSIGNED_CLIENT_IDENTIFIER,)) + string(assigned)
    return write_packet(PacketType.CONNACK << 4, b"\0\0", variable_integer(len(properties)), properties)
