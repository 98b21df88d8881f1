"""The records of any MCAP file (https://mcap.dev/spec, version 0), chunks unpacked, with lengths that lie refused."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator, Iterator
from typing import BinaryIO, NamedTuple

import lz4.frame
import zstandard

from replay.mcap_records import MAGIC, RECORD, Opcode
from replay.recording import Damage

MOST = 64 * 1024 * 1024
"""Bytes of a record that are held at once; longer ones are refused as damage."""
LATEST_NS = 1 << 62
"""The year 2116: later times are taken for it, so that times stay within 64 bits."""
_CHUNK = struct.Struct("<QQQI")
_MESSAGE = struct.Struct("<HIQQ")


class Record(NamedTuple):
    """A record's type and content."""

    opcode: int
    content: bytes


class ForeignMessage(NamedTuple):
    """A message of a channel."""

    channel: int
    sequence: int
    log_ns: int
    data: bytes


def message(content: bytes) -> ForeignMessage | None:
    """A message record; None where it is too short to be one."""
    if len(content) < _MESSAGE.size:
        return None
    channel, sequence, log_ns, _ = _MESSAGE.unpack_from(content)
    return ForeignMessage(channel, sequence, min(log_ns, LATEST_NS), content[_MESSAGE.size :])


def records(file: BinaryIO, size: int, damage: Damage) -> Iterator[Record]:
    """The records up to the end of data, those within chunks too; what cannot be read is counted."""
    offset = len(MAGIC)
    file.seek(offset)
    while head := file.read(RECORD.size):
        opcode, length = RECORD.unpack(head) if len(head) == RECORD.size else (0, 0)
        end = offset + RECORD.size + length
        if len(head) < RECORD.size or end > size or opcode == 0:
            damage.note(f"cut off: byte {offset:,} begins a record that is not whole", size - offset)
            return
        if opcode in (Opcode.DATA_END, Opcode.FOOTER):
            return
        if length > MOST or opcode in (Opcode.ATTACHMENT, Opcode.MESSAGE_INDEX):
            if length > MOST:
                damage.note(f"byte {offset:,}: a record of {length:,} bytes is too long to be read", end - offset)
            file.seek(end)
        elif opcode == Opcode.CHUNK:
            problem = yield from _chunk(file.read(length))
            if problem:
                damage.note(f"byte {offset:,}: {problem}", end - offset)
        else:
            yield Record(opcode, file.read(length))
        offset = end


def _chunk(content: bytes) -> Generator[Record, None, str]:
    """The records of a chunk; returns what was wrong with it, empty where nothing was."""
    if len(content) < _CHUNK.size + 4:
        return "a chunk is too short"
    _, _, size, crc = _CHUNK.unpack_from(content)
    name_end = _CHUNK.size + 4 + int.from_bytes(content[_CHUNK.size : _CHUNK.size + 4], "little")
    name = content[_CHUNK.size + 4 : name_end].decode(errors="replace")
    packed = content[name_end + 8 :]
    if size > MOST:
        return f"a chunk of {size:,} bytes is too long to be read"
    data = _unpacked(name, packed, size)
    if data is None:
        return f"a chunk packed by {name!r} cannot be unpacked"
    if crc and zlib.crc32(data) != crc:
        return "a chunk has a wrong checksum"
    at = 0
    while at + RECORD.size <= len(data):
        opcode, length = RECORD.unpack_from(data, at)
        end = at + RECORD.size + length
        if end > len(data):
            return "a record in a chunk is cut short"
        yield Record(opcode, data[at + RECORD.size : end])
        at = end
    return ""


def _unpacked(name: str, packed: bytes, size: int) -> bytes | None:
    """What a chunk packs; None where that is not so many bytes. No more than these are ever made of it."""
    try:
        if name == "zstd":
            with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
                data = reader.read(size + 1) if size else b""
        elif name == "lz4":
            data = lz4.frame.LZ4FrameDecompressor().decompress(packed, max_length=size + 1)
        else:
            data = packed if not name else b""
    except (zstandard.ZstdError, RuntimeError, EOFError):
        return None
    return data if len(data) == size else None
