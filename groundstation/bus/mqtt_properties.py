"""Properties of MQTT 5 packets, OASIS MQTT 5.0 clause 2.2.2: read, checked and written. Sans-I/O.

Also here are the variable byte integer and the strings (clauses 1.5.2 to 1.5.6), which MQTT 3.1.1 writes the same way.
"""

from enum import IntEnum
from typing import NamedTuple


class Reason(IntEnum):
    """Reason codes of MQTT 5.0 table 2-6 that this broker sends."""

    SUCCESS = 0x00
    DISCONNECT_WITH_WILL = 0x04
    NO_SUBSCRIPTION_EXISTED = 0x11
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    SERVER_BUSY = 0x89
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    QUOTA_EXCEEDED = 0x97
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1


class Property(IntEnum):
    """Property identifiers of MQTT 5.0 table 2-4 that this broker reads or sends; it forwards the others unread."""

    MESSAGE_EXPIRY_INTERVAL = 0x02
    SUBSCRIPTION_IDENTIFIER = 0x0B
    SESSION_EXPIRY_INTERVAL = 0x11
    ASSIGNED_CLIENT_IDENTIFIER = 0x12
    AUTHENTICATION_METHOD = 0x15
    WILL_DELAY_INTERVAL = 0x18
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS = 0x23
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    SUBSCRIPTION_IDENTIFIERS_AVAILABLE = 0x29
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A


# MQTT 5.0 table 2-4: how the value of each property is written.
_INTEGER_LENGTH = dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1)
_INTEGER_LENGTH |= dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2) | dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4)
_STRINGS = dict.fromkeys((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F), 1) | {Property.USER_PROPERTY: 2}
_BINARY = (0x09, 0x16)

# MQTT 5.0 tables 3.3.2.3 and 3.1.3.2: what a message may carry from its publisher to its readers.
_OF_A_MESSAGE = frozenset((0x01, 0x02, 0x03, 0x08, 0x09, 0x26))


class MalformedPacket(ValueError):
    """A packet that the standard does not allow. Ends its connection and nothing else; never leaves the broker."""

    def __init__(self, reason: Reason, found: str) -> None:
        super().__init__(f"{found} ({reason.name.lower().replace('_', ' ')})")
        self.reason = reason


class PropertyValue(NamedTuple):
    """One property: its identifier, its value if it is a number (else 0), and the bytes it was written as."""

    identifier: int
    number: int
    written: bytes


class Fields:
    """Reads the fields of a packet one after the other; a field that is not all there raises MalformedPacket."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    @property
    def left(self) -> int:
        """How many bytes are not yet read."""
        return len(self._body) - self._at

    def take(self, length: int) -> bytes:
        """The next bytes as they stand."""
        start = self._at
        self._at += length
        if self._at > len(self._body):
            raise MalformedPacket(Reason.MALFORMED_PACKET, "a field runs past the end of its packet")
        return self._body[start : self._at]

    def integer(self, length: int) -> int:
        """A big-endian integer of so many bytes (clause 1.5.2, 1.5.3)."""
        return int.from_bytes(self.take(length), "big")

    def variable_integer(self) -> int:
        """A variable byte integer (clause 1.5.5)."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.integer(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise MalformedPacket(Reason.MALFORMED_PACKET, "a variable byte integer of more than 4 bytes")

    def binary(self) -> bytes:
        """Binary data with a two-byte length before it (clause 1.5.6)."""
        return self.take(self.integer(2))

    def text(self) -> bytes:
        """A UTF-8 string (clause 1.5.4), checked, as its bytes."""
        written = self.binary()
        check_text(written)
        return written

    def properties(self) -> list[PropertyValue]:
        """The property list that stands here (clause 2.2.2); only a user property may stand twice."""
        inside = Fields(self.take(self.variable_integer()))
        found: list[PropertyValue] = []
        while inside.left:
            found.append(inside._property())
        seen = [each.identifier for each in found if each.identifier != Property.USER_PROPERTY]
        if len(seen) != len(set(seen)):
            raise MalformedPacket(Reason.PROTOCOL_ERROR, "a property stands twice")
        return found

    def _property(self) -> PropertyValue:
        start, identifier, number = self._at, self.variable_integer(), 0
        if identifier in _INTEGER_LENGTH:
            number = self.integer(_INTEGER_LENGTH[identifier])
        elif identifier in _STRINGS:
            for _ in range(_STRINGS[identifier]):
                self.text()
        elif identifier in _BINARY:
            self.binary()
        elif identifier == Property.SUBSCRIPTION_IDENTIFIER:
            number = self.variable_integer()
        else:
            raise MalformedPacket(Reason.MALFORMED_PACKET, f"no property has the identifier 0x{identifier:02x}")
        return PropertyValue(identifier, number, self._body[start : self._at])


def check_text(written: bytes) -> None:
    """Raise MalformedPacket if these bytes are not a UTF-8 string of clause 1.5.4 (well-formed, no U+0000)."""
    try:
        written.decode()
    except UnicodeDecodeError as fault:
        raise MalformedPacket(Reason.MALFORMED_PACKET, "a string is not UTF-8") from fault
    if b"\0" in written:
        raise MalformedPacket(Reason.MALFORMED_PACKET, "a string holds U+0000")


def message_properties(found: list[PropertyValue]) -> tuple[bytes, int | None]:
    """What of a PUBLISH's (or will's) properties goes to its readers: the bytes but the expiry, and the expiry in s."""
    forwarded, expiry_s = b"", None
    for each in found:
        if each.identifier == Property.TOPIC_ALIAS:
            raise MalformedPacket(Reason.TOPIC_ALIAS_INVALID, "a topic alias, of which none was offered")
        if each.identifier not in _OF_A_MESSAGE:
            raise MalformedPacket(
                Reason.PROTOCOL_ERROR, f"property 0x{each.identifier:02x} does not belong to a message"
            )
        if each.identifier == Property.MESSAGE_EXPIRY_INTERVAL:
            expiry_s = each.number
        else:
            forwarded += each.written
    return forwarded, expiry_s


def variable_integer(value: int) -> bytes:
    """Write a variable byte integer (clause 1.5.5), value 0 to 268,435,455."""
    if value < 0x80:
        return bytes((value,))
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def string(written: bytes) -> bytes:
    """Write bytes with their two-byte length before them (clauses 1.5.4 and 1.5.6)."""
    return len(written).to_bytes(2, "big") + written
