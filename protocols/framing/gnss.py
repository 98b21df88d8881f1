"""Streams of GNSS receivers: UBX, NMEA 0183 and RTCM 3 messages in any mixture (see :mod:`protocols.gnss.messages`).

Frames are messages without what frames them, behind four bytes that tell what they are, alike for all three protocols:

=========  ============================================  ========================================
message    four bytes                                    then
=========  ============================================  ========================================
UBX        ``b5 62``, class, id                          the payload
NMEA 0183  ``$`` and the formatter: ``$GGA``, ``!VDM``   the sentence from the talker to the check
           ``P`` and the manufacturer: ``PUBX``          the same, of a proprietary sentence
RTCM 3     ``d3 00``, the message number (16 bits)       the payload, from the message number on
=========  ============================================  ========================================
"""

from collections import Counter
from collections.abc import Iterable
from functools import reduce
from operator import xor
from typing import Any

from protocols.coding.crc import crc
from protocols.errors import DeclarationError
from protocols.framer import Framer
from protocols.frames import Frames
from protocols.gnss.messages import (
    CRC_24Q,
    LONGEST_SENTENCE,
    NMEA,
    RTCM3,
    RTCM3_FIRST,
    UBX,
    UBX_FIRST,
    UBX_SYNC,
    Scan,
)
from protocols.gnss.names import identity

_FLETCHER = crc("fletcher-16/modulo-256:little")
_RTCM3 = b"\xd3\x00"
_MOST_IDENTITIES = 1024
"""Kinds of messages counted by name: several times as many as there are."""


class Gnss(Framer):
    """UBX, NMEA 0183 and RTCM 3."""

    def __init__(self, maximum: int = 8192) -> None:
        """Maximum is the most bytes of a UBX payload: the lower, the less a false start can hold back.

        There is no option ``check``: each message carries its own.
        """
        super().__init__()
        if maximum < 0:
            raise DeclarationError(f"framing 'gnss', maximum {maximum}", "a length is not negative; correct it")
        self.maximum = min(maximum, 0xFFFF)
        self._held = b""
        self._received_ns = 0  # of the newest bytes
        self._doubtful = 0  # bytes of what is held, or comes, that are within a message whose check was wrong
        self._needed = 0  # bytes without which nothing can be told of what is held
        self._messages: Counter[str] = Counter()
        self._protocols: Counter[str] = Counter({UBX: 0, NMEA: 0, RTCM3: 0})

    @property
    def bound(self) -> int:
        """The longest message without its last byte."""
        return max(self.maximum + 8, LONGEST_SENTENCE, 1023 + 6) - 1

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The messages that data completes. Never raises."""
        self.ledger.bytes_in += len(data)
        self._received_ns = received_ns
        block = self._held + data
        self.ledger.pending = len(block)
        self._held = block
        if len(block) < self._needed:
            return Frames.none()
        scan = Scan(block, self.maximum, self._doubtful)
        bodies = [self._body(block, begin, end) for begin, end in scan.found]
        wire = [end - begin for begin, end in scan.found]
        self._held = block[scan.done :]
        self._needed, self._doubtful = _needed(self._held), scan.doubtful
        self.ledger.crc_failures += scan.failures
        self.ledger.discarded += scan.done - sum(wire)
        self.ledger.pending = len(self._held)
        return self._enter(bodies, wire, received_ns)

    def finish(self) -> Frames:
        """The sentence that ends with its check and not with a line, as a file's last may."""
        scan = Scan(self._held + b"\r\n", self.maximum)
        if scan.found != [(0, len(self._held) + 2)]:
            return Frames.none()
        body, wire = self._body(scan.block, *scan.found[0]), len(self._held)
        self._held, self._needed, self.ledger.pending = b"", 0, 0
        return self._enter([body], [wire], self._received_ns)

    def counts(self) -> dict[str, Any]:
        """Messages of each protocol, and of each kind by the name its standard gives it."""
        return {**self._protocols, "messages": dict(self._messages.most_common())}

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The messages one after another. Raises DeclarationError on a body that is none."""
        return b"".join(self._message(body) for body in bodies if body)

    def _body(self, block: bytes, begin: int, end: int) -> bytes:
        """The frame of a message, which is counted."""
        first = block[begin]
        if first == UBX_FIRST:
            body, protocol = block[begin : begin + 4] + block[begin + 6 : end - 2], UBX
        elif first == RTCM3_FIRST:
            body, protocol = _RTCM3 + _number(block[begin + 3 : begin + 5]) + block[begin + 3 : end - 3], RTCM3
        else:
            sentence = block[begin + 1 : block.rindex(b"*", begin, end)]
            body, protocol = _formatter(block[begin : begin + 1], sentence) + sentence, NMEA
        self._protocols[protocol] += 1
        name = identity(body)
        self._messages[name if name in self._messages or len(self._messages) < _MOST_IDENTITIES else "other"] += 1
        return body

    def _message(self, body: bytes) -> bytes:
        """The message of a frame."""
        key, content = body[:4], body[4:]
        if body.startswith(UBX_SYNC) and len(key) == 4 and len(content) <= self.maximum:
            return UBX_SYNC + _FLETCHER.append(key[2:] + len(content).to_bytes(2, "little") + content)
        if body.startswith(_RTCM3) and len(key) == 4 and len(content) <= 1023:
            if len(content) > 1:
                number = int.from_bytes(key[2:], "big") << 4 & 0xFFF0 | content[1] & 0xF
                content = number.to_bytes(2, "big") + content[2:]
            return CRC_24Q.append(bytes((RTCM3_FIRST,)) + len(content).to_bytes(2, "big") + content)
        start = b"!" if key[:1] == b"!" else b"$"
        message = b"%b%b*%02X\r\n" % (start, content, reduce(xor, content, 0))
        scan = Scan(message, 0)
        if scan.found != [(0, len(message))] or _formatter(start, content) != key:
            problem = "is no UBX, NMEA or RTCM 3 message behind its four bytes; see docs/framings.md"
            raise DeclarationError("framing 'gnss'", f"{body[:16].hex(' ')} {problem}")
        return message


def _number(content: bytes) -> bytes:
    """The message number of an RTCM 3 payload as two bytes; 0 of one too short to have any."""
    return (int.from_bytes(content, "big") >> 4).to_bytes(2, "big") if len(content) == 2 else bytes(2)


def _formatter(start: bytes, sentence: bytes) -> bytes:
    """What tells a sentence's kind: its formatter, or of a proprietary one its manufacturer."""
    address = sentence[: sentence.find(b",")] if b"," in sentence else sentence
    if start == b"$" and address[:1] == b"P":
        return address[:4].ljust(4)
    return start + address[2:5].ljust(3)


def _needed(held: bytes) -> int:
    """Bytes without which nothing can be told of a message begun."""
    if len(held) >= 6 and held[0] == UBX_FIRST:
        return (held[4] | held[5] << 8) + 8
    if len(held) >= 3 and held[0] == RTCM3_FIRST:
        return (held[1] << 8 | held[2]) + 6
    return len(held) + 1


def example_body(content: bytes) -> bytes:
    """An RTCM 3 message of these bytes: its check is the strongest of the three."""
    return _RTCM3 + _number(content[:2].ljust(2, b"\0")) + content.ljust(2, b"\0")


FRAMER = Gnss
EXAMPLE: dict[str, Any] = {"maximum": 4096}
EXAMPLE_BODY = example_body
