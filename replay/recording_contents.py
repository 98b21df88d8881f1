"""What a recording of ours says about itself: its summary and its preamble, as far as they are whole."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from protocols.errors import NotARecording
from replay.block_mark import BlockIndex, find_marks
from replay.mcap_parsing import (
    parse_attachment,
    parse_attachment_index,
    parse_channel,
    parse_footer,
    parse_header,
    parse_metadata,
    parse_metadata_index,
)
from replay.mcap_records import MAGIC, RECORD, TAIL_BYTES, Attachment, ChannelRecord, Opcode, text
from replay.record_walk import MAX_RECORD, PROFILE, Record, RecordWalk, has_channel
from replay.recording import Damage

CAMPAIGN = "campaign.toml"
DEFINITIONS = "definitions.json"
INDEX = "index"
"""Names of the attachments: the campaign file, the definitions, and a finished recording's marks."""
RAW_TOPIC = "raw/"
"""What the topic of a link's channel begins with; the link's name follows."""
SAMPLES_TOPIC = "samples/"
"""The same for a link of samples, whose messages refer to a file beside the recording (``replay/sample_links.py``)."""
EVENTS_TOPIC = "events"
END, RECOVERED = f"{PROFILE}.end", f"{PROFILE}.recovered"
"""Names of metadata: what is known at the end only (``next``, the part that follows), and what a repair has lost."""

_DATA_END_BYTES = RECORD.size + 4


@dataclass(slots=True)
class Contents:
    """A recording's description of itself."""

    end: int
    """Length of the file when it was looked at."""
    profile: str = ""
    software: str = ""
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    """The metadata by their names, all of which begin with our profile's."""
    channels: dict[int, ChannelRecord] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """The attachments, but for the index."""
    begin: int = 0
    """Where the preamble ends and blocks begin."""
    finished: bool = False
    """Whether the recorder closed it in order, with a summary."""
    index: BlockIndex = field(default_factory=lambda: BlockIndex(b""))
    damage: Damage = field(default_factory=Damage)
    """What was damaged of all this."""

    @property
    def about(self) -> Mapping[str, str]:
        """What the metadata say that every recording has."""
        return self.metadata.get(PROFILE, {})


def recognise_header(head: bytes) -> bool:
    """Whether a file begins with MCAP's magic and our profile.

    Where its header is damaged, the metadata of that name or a channel of ours shows that it is one of ours.
    """
    try:
        length = RECORD.unpack_from(head, len(MAGIC))[1]
        content = head[len(MAGIC) + RECORD.size :][: min(length, len(head))]
        ours = parse_header(content)[0] == PROFILE
    except (ValueError, struct.error):
        ours = False
    return head.startswith(MAGIC) and (ours or text(PROFILE) in head or has_channel(head))


def read_contents(file: BinaryIO, path: object) -> Contents:
    """Everything of an open file but its blocks. Raises NotARecording, saying whose it is when it is another's."""
    contents = Contents(file.seek(0, 2))
    walk = RecordWalk(file.fileno(), contents.end, contents.channels, contents.damage)
    stored = _read_summary(walk, contents)
    _read_preamble(walk, contents)
    if PROFILE not in (contents.profile, *contents.metadata) and not contents.channels:
        raise NotARecording(str(path), _whose(contents))
    index = BlockIndex.stored(stored, contents.begin, contents.end)
    contents.index = index or BlockIndex(b"".join(mark.content() for mark in find_marks(walk.read, 0, contents.end)))
    if not contents.finished:
        unproven = contents.end - (contents.index.end() or contents.begin)
        told = "not closed: the recorder was stopped, or records still; all that is whole in it is given"
        contents.damage.note(f"{told}, the last {unproven:,} bytes without a checksum to prove them")
    return contents


def _whose(contents: Contents) -> str:
    if not contents.software and not contents.profile:
        return "not a recording: its MCAP header cannot be read; look for the file it was copied from"
    made = contents.software or contents.profile
    return (
        f"an MCAP file made by {made!r}, not a recording of raw bytes; convert it to a format known here, such as CSV"
    )


def _read_summary(walk: RecordWalk, contents: Contents) -> bytes:
    """Learn the channels of a finished file from its summary; the stored index, empty where there is none."""
    tail_at = contents.end - TAIL_BYTES
    start = parse_footer(walk.read(tail_at, TAIL_BYTES)) if tail_at > 0 else None
    if start is None or not _DATA_END_BYTES < start < tail_at or tail_at - start > MAX_RECORD:
        return b""
    data = walk.read(start, contents.end - start)
    if zlib.crc32(data[:-12]) != int.from_bytes(data[-12:-8], "little"):
        contents.damage.note(f"the summary at byte {start:,} has a wrong checksum; done without")
        return b""
    contents.finished = True
    return _summary_records(walk, contents, data[:-TAIL_BYTES])


def _summary_records(walk: RecordWalk, contents: Contents, data: bytes) -> bytes:
    """The channels and the index of a summary whose checksum is right."""
    at, stored = 0, b""
    try:
        while at < len(data):
            opcode, length = RECORD.unpack_from(data, at)
            content = data[at + RECORD.size : at + RECORD.size + length]
            if opcode == Opcode.CHANNEL:
                walk.learn(parse_channel(content))
            elif opcode == Opcode.ATTACHMENT_INDEX:
                offset, size, name = parse_attachment_index(content)
                stored = _attachment(walk, offset, size).data if name == INDEX else stored
            elif opcode == Opcode.METADATA_INDEX:
                _add_metadata(walk, contents, content)
            at += RECORD.size + length
    except (ValueError, struct.error) as error:
        contents.damage.note(f"the summary is not to be used: {error}")
    return stored


def _add_metadata(walk: RecordWalk, contents: Contents, index: bytes) -> None:
    """Take over the metadata of ours that an index record tells of. Raises ValueError."""
    offset, length, name = parse_metadata_index(index)
    if name.startswith(PROFILE):
        found, values = parse_metadata(walk.read(offset + RECORD.size, min(length, MAX_RECORD) - RECORD.size))
        if found == name:  # else something else stands there now
            contents.metadata[found] = values


def _attachment(walk: RecordWalk, offset: int, length: int) -> Attachment:
    """The attachment whose record stands at offset. Raises ValueError."""
    return parse_attachment(walk.read(offset + RECORD.size, min(length, MAX_RECORD) - RECORD.size))


def _read_preamble(walk: RecordWalk, contents: Contents) -> None:
    """Everything up to the first mark or message."""
    if walk.read(0, len(MAGIC)) != MAGIC:
        contents.damage.note("the file does not begin as MCAP files do", min(len(MAGIC), contents.end))
    contents.begin = contents.end
    for item in walk.records(len(MAGIC)):
        if isinstance(item, list):
            contents.begin = item[0].offset
            return
        if item.opcode in (Opcode.MARK, Opcode.DATA_END):
            contents.begin = item.offset + (item.length if item.opcode == Opcode.MARK else 0)
            return
        try:
            _keep(walk, contents, item)
        except ValueError as error:
            contents.damage.note(f"the record at byte {item.offset:,} cannot be used: {error}")


def _keep(walk: RecordWalk, contents: Contents, item: Record) -> None:
    """Take over what a record of the preamble tells. Raises ValueError."""
    content = walk.read(item.offset + RECORD.size, item.length - RECORD.size)
    match item.opcode:
        case Opcode.HEADER:
            contents.profile, contents.software = parse_header(content)
        case Opcode.METADATA:
            name, values = parse_metadata(content)
            contents.metadata[name] = values
        case Opcode.ATTACHMENT:
            attachment = parse_attachment(content)
            contents.files[attachment.name] = attachment.data
