"""Reads the contents of MCAP records. What is damaged raises ValueError, or is told by False or None; nothing else."""

import struct
import zlib

from replay.mcap_records import FOOTER, MAGIC, RECORD, Attachment, ChannelRecord, Opcode


class Content:
    """Reads a record's content from its start, field by field. Raises ValueError where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, size: int) -> int:
        """An unsigned integer of size bytes."""
        return int.from_bytes(self.raw(size), "little")

    def raw(self, size: int) -> bytes:
        """The next size bytes."""
        end = self._at + size
        if end > len(self._data):
            raise ValueError("a field reaches over the end of its record")
        data = self._data[self._at : end]
        self._at = end
        return data

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._data) - self._at

    def text(self) -> str:
        """A string with its length before it."""
        return self.raw(self.number(4)).decode(errors="replace")

    def text_map(self) -> dict[str, str]:
        """Names and values with their total length before them."""
        inner = Content(self.raw(self.number(4)))
        values = {}
        while inner.left:
            name = inner.text()
            values[name] = inner.text()
        return values


def parse_header(content: bytes) -> tuple[str, str]:
    """Profile and library of a header record. Raises ValueError."""
    fields = Content(content)
    return fields.text(), fields.text()


def parse_channel(content: bytes) -> ChannelRecord:
    """A channel record. Raises ValueError."""
    fields = Content(content)
    return ChannelRecord(fields.number(2), fields.number(2), fields.text(), fields.text(), fields.text_map())


def parse_metadata(content: bytes) -> tuple[str, dict[str, str]]:
    """Name and values of a metadata record. Raises ValueError."""
    fields = Content(content)
    return fields.text(), fields.text_map()


def parse_attachment(content: bytes) -> Attachment:
    """An attachment record. Raises ValueError, also when its checksum is wrong (zero: there is none)."""
    fields = Content(content)
    fields.raw(16)
    attachment = Attachment(fields.text(), fields.text(), fields.raw(fields.number(8)))
    crc = fields.number(4)
    if crc not in (0, zlib.crc32(content[:-4])):
        raise ValueError(f"the attachment {attachment.name} has a wrong checksum")
    return attachment


def parse_attachment_index(content: bytes) -> tuple[int, int, str]:
    """Where an attachment's record stands, its length, and the attachment's name. Raises ValueError."""
    fields = Content(content)
    offset, length = fields.number(8), fields.number(8)
    fields.raw(24)
    return offset, length, fields.text()


def parse_metadata_index(content: bytes) -> tuple[int, int, str]:
    """Where a metadata record stands, its length, and its name. Raises ValueError."""
    fields = Content(content)
    return fields.number(8), fields.number(8), fields.text()


def attachment_fits(beginning: bytes, length: int) -> bool:
    """Whether an attachment record's content of that length agrees with the sizes its beginning tells."""
    fields = Content(beginning)
    try:
        fields.raw(16)
        names = fields.raw(fields.number(4)), fields.raw(fields.number(4))
        return length == 16 + 4 + len(names[0]) + 4 + len(names[1]) + 8 + fields.number(8) + 4
    except ValueError:
        return False


def schema_fits(content: bytes) -> bool:
    """Whether a schema record's content is what its sizes tell."""
    fields = Content(content)
    try:
        fields.raw(2)
        for _ in ("name", "encoding", "data"):
            fields.raw(fields.number(4))
    except ValueError:
        return False
    return not fields.left


def parse_footer(tail: bytes) -> int | None:
    """Where the summary starts, from the last TAIL_BYTES of a file; None when it does not end as a file should."""
    try:
        opcode, length, start, _, _ = FOOTER.unpack_from(tail)
    except struct.error:
        return None
    whole = opcode == Opcode.FOOTER and length == FOOTER.size - RECORD.size and tail[FOOTER.size :] == MAGIC
    return int(start) if whole else None
