"""The MCAP records a recording of ours is made of: their layouts, as they are written.

MCAP specification, version 0 (https://mcap.dev/spec): a record is an opcode, a u64 length and its content,
little-endian.
Times are written as two's complement, so that a vehicle clock may be negative; for UTC this is the standard's u64.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

MAGIC = b"\x89MCAP0\r\n"
"""What a file begins and ends with (spec: Magic)."""

RECORD = Struct("<BQ")
"""What every record begins with: opcode, length of the content."""

MESSAGE = Struct("<BQHIqq")
"""A message record up to its data: opcode, length, channel, sequence, log time, publish time."""

MESSAGE_FIELDS = MESSAGE.size - RECORD.size
"""Bytes of a message's content that are not data."""

FOOTER = Struct("<BQQQI")
"""The whole footer record: opcode, length, summary start, summary offset start, CRC-32 of summary and footer."""

TAIL_BYTES = FOOTER.size + len(MAGIC)
"""Length of what a finished file ends with: footer and magic."""


class Opcode(IntEnum):
    """Record types (spec: Records). From 0x80 on they are for applications; other readers skip those."""

    HEADER = 0x01
    FOOTER = 0x02
    SCHEMA = 0x03
    CHANNEL = 0x04
    MESSAGE = 0x05
    CHUNK = 0x06
    MESSAGE_INDEX = 0x07
    CHUNK_INDEX = 0x08
    ATTACHMENT = 0x09
    ATTACHMENT_INDEX = 0x0A
    STATISTICS = 0x0B
    METADATA = 0x0C
    METADATA_INDEX = 0x0D
    SUMMARY_OFFSET = 0x0E
    DATA_END = 0x0F
    MARK = 0x80
    """Ours: see ``replay/block_mark.py``."""


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel: the topic and the meaning of the messages that carry its number."""

    number: int
    schema: int
    topic: str
    encoding: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file within the file."""

    name: str
    media_type: str
    data: bytes


def record(opcode: int, *content: bytes) -> bytes:
    """A record of any type."""
    return b"".join((RECORD.pack(opcode, sum(map(len, content))), *content))


def text(value: str) -> bytes:
    """A string with its length before it."""
    data = value.encode()
    return len(data).to_bytes(4, "little") + data


def text_map(values: Mapping[str, str]) -> bytes:
    """Names and values with their total length before them."""
    data = b"".join(text(name) + text(value) for name, value in values.items())
    return len(data).to_bytes(4, "little") + data


def header_record(profile: str, library: str) -> bytes:
    """The first record of a file."""
    return record(Opcode.HEADER, text(profile), text(library))


def schema_record(number: int, name: str, encoding: str, data: bytes) -> bytes:
    """The description of a channel's messages."""
    head = number.to_bytes(2, "little")
    return record(Opcode.SCHEMA, head, text(name), text(encoding), len(data).to_bytes(4, "little"), data)


def channel_record(channel: ChannelRecord) -> bytes:
    """The declaration of a channel."""
    numbers = Struct("<HH").pack(channel.number, channel.schema)
    return record(Opcode.CHANNEL, numbers, text(channel.topic), text(channel.encoding), text_map(channel.metadata))


def metadata_record(name: str, values: Mapping[str, str]) -> bytes:
    """Names and values that hold for the whole file."""
    return record(Opcode.METADATA, text(name), text_map(values))


def attachment_record(attachment: Attachment) -> bytes:
    """A file within the file; its times are zero, 'not available'."""
    content = b"".join(
        (
            bytes(16),
            text(attachment.name),
            text(attachment.media_type),
            len(attachment.data).to_bytes(8, "little"),
            attachment.data,
        )
    )
    return record(Opcode.ATTACHMENT, content, zlib.crc32(content).to_bytes(4, "little"))


def attachment_index_record(offset: int, length: int, attachment: Attachment) -> bytes:
    """Where an attachment record of that length stands."""
    places = Struct("<QQQQQ").pack(offset, length, 0, 0, len(attachment.data))
    return record(Opcode.ATTACHMENT_INDEX, places, text(attachment.name), text(attachment.media_type))


def metadata_index_record(offset: int, length: int, name: str) -> bytes:
    """Where a metadata record of that length stands."""
    return record(Opcode.METADATA_INDEX, Struct("<QQ").pack(offset, length), text(name))


def statistics_record(
    counts: Mapping[int, int], schemas: int, attachments: int, metadata: int, span: tuple[int, int]
) -> bytes:
    """How many messages each channel has, how many records of other types, the least and greatest of the times."""
    head = Struct("<QHIIIIqq").pack(sum(counts.values()), schemas, len(counts), attachments, metadata, 0, *span)
    data = b"".join(Struct("<HQ").pack(channel, count) for channel, count in counts.items())
    return record(Opcode.STATISTICS, head, len(data).to_bytes(4, "little"), data)


def data_end_record(crc: int) -> bytes:
    """The end of the data section, with the CRC-32 of every byte of the file before this record."""
    return record(Opcode.DATA_END, crc.to_bytes(4, "little"))


def summary(groups: Iterable[tuple[Opcode, bytes]], start: int) -> bytes:
    """The summary section and all that follows it to the end of the file, for a summary that begins at start."""
    data, offsets = b"", b""
    for opcode, group in groups:
        if group:
            offsets += record(Opcode.SUMMARY_OFFSET, Struct("<BQQ").pack(opcode, start + len(data), len(group)))
            data += group
    footer = FOOTER.pack(Opcode.FOOTER, FOOTER.size - RECORD.size, start, start + len(data), 0)[:-4]
    crc = zlib.crc32(data + offsets + footer)
    return b"".join((data, offsets, footer, crc.to_bytes(4, "little"), MAGIC))
