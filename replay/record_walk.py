"""Walks the records of a recording, whole or damaged: everything whole is given, everything else is counted.

A record is believed when its type, its length and its channel make sense and a message's two times are equal (our
recorder writes them so). Where one does not, the walk searches the next that does, and counts the bytes between.
"""

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from replay.block_mark import BLOCK_BYTES, MARK_BYTES, MARK_HEAD, Mark
from replay.mcap_parsing import attachment_fits, parse_channel, parse_metadata, schema_fits
from replay.mcap_records import MAGIC, MESSAGE, RECORD, ChannelRecord, Opcode, channel_record
from replay.message_stretch import Message, Stretch
from replay.recording import Damage

PROFILE = "launch-groundstation"
"""The profile in a recording's header, with which the names of its metadata begin: tells ours from other MCAP files."""
CHANNEL_BASE = 0x4700
"""Our channels are numbered from here: two bytes that a search for messages in damaged bytes seldom finds by chance."""
CHANNELS = 256
"""How many channels a recording can have."""
MAX_DATA = 16 * 1024 * 1024
"""The most data of one message; the recorder divides longer chunks. Bounds what a damaged length makes us read."""
MAX_RECORD = 256 * 1024 * 1024
"""The longest other record believed: an index of half a year, by far the longest attachment there is."""

_SEAL = "crc32"
_WINDOW = 1024 * 1024
_WORTH = 256 * 1024
"""What is left of a window is gone on with when it is as much as that; else it is read anew from there."""
_DATA_END = RECORD.pack(Opcode.DATA_END, 4)
_MESSAGE = rb"\x05.{3}[\x00\x01]\x00{4}.%c.{4}(.{8})\1" % (CHANNEL_BASE >> 8)
_CHANNEL = rb"\x04..\x00{6}.%c[\x00\x01]\x00..\x00\x00(?:raw|samples)/" % (CHANNEL_BASE >> 8)
_BELIEVABLE = re.compile(
    b"(?s)(?=" + b"|".join((_MESSAGE, _CHANNEL, re.escape(MARK_HEAD), re.escape(_DATA_END))) + b")"
)
_RECORDED = re.compile(b"(?s)(?=" + _MESSAGE + b"|" + re.escape(MARK_HEAD) + b")")
"""What stands in no summary."""
_LONGEST_HEAD = MARK_BYTES
"""How many bytes the search looks at from where a record begins, at most."""


class Record(NamedTuple):
    """Any other record: its type, where it begins, and how long it is with its head."""

    opcode: int
    offset: int
    length: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.offset + self.length


def has_channel(data: bytes) -> bool:
    """Whether what looks like the record of a link's channel of ours is somewhere in some bytes."""
    return re.search(b"(?s)" + _CHANNEL, data) is not None


def sealed(channel: ChannelRecord) -> ChannelRecord:
    """A channel with a checksum in its metadata, that a damaged name is not taken for a link."""
    metadata = {name: value for name, value in channel.metadata.items() if name != _SEAL}
    bare = ChannelRecord(channel.number, channel.schema, channel.topic, channel.encoding, metadata)
    return replace(bare, metadata=metadata | {_SEAL: f"{zlib.crc32(channel_record(bare)):08x}"})


def _until(messages: Stretch | None, offset: int) -> Stretch | None:
    """The messages that end at an offset or before it."""
    if messages is None or messages.end <= offset:
        return messages
    return messages.first(len(messages) - 1)


class RecordWalk:
    """The records of a file between two offsets, and what is damaged there."""

    def __init__(
        self, file: int, end: int, channels: dict[int, ChannelRecord], damage: Damage, *, growing: bool = False
    ) -> None:
        """Of an open file, up to end; channels met are added to channels. In a growing one its end is no cut."""
        self.channels = channels
        self._file = file
        self._end = end
        self._damage = damage
        self._growing = growing
        self._damaged_at = -1
        self._goes_on_to = 0
        self.unproven: list[Mark] = []
        """The marks of blocks whose checksum was wrong: what these hold is given as it stands."""
        self.unchecked: list[tuple[int, int]] = []
        """Bytes before ``checked_to`` that no checksum has proven: of such blocks, and of those with damage in them."""
        self.checked_to = 0
        """Where the last block ends, with its mark, whose checksum was right."""

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the file, fewer where it ends."""
        size = max(0, min(size, self._end - offset))
        return os.pread(self._file, size, offset) if size else b""

    def learn(self, channel: ChannelRecord) -> bool:
        """Know a channel from now on, unless it is damaged; false when it cannot be one of ours at all."""
        if not CHANNEL_BASE <= channel.number < CHANNEL_BASE + CHANNELS:
            return False
        if channel == sealed(channel):
            self.channels.setdefault(channel.number, channel)
        else:
            self._damage.note(f"the description of channel {channel.topic!r} is damaged; another copy of it is used")
        return True

    def records(self, offset: int) -> Iterator[list[Message] | Record]:
        """Messages by the list, and other records one by one, in order, until the end of the data section."""
        for item in self.stretches(offset):
            yield item.messages() if isinstance(item, Stretch) else item

    def stretches(self, offset: int) -> Iterator[Stretch | Record]:
        """The same with messages as columns."""
        held: Stretch | None = None
        window, base, size, fresh = b"", 0, _WINDOW, True
        while offset < self._end:
            if fresh or offset - base > len(window) - _WORTH:
                window, base = self.read(offset, size), offset
            found, size, fresh = self._stretch(window, offset - base, base), _WINDOW, False
            if found is not None:
                yield from filter(None, [held])  # what follows has proven its length
                held = found
            offset = held.end if held else offset
            if offset >= self._end:
                break
            stop = self._record(offset)
            if stop is None:
                resumed = self._search(held.latest + 1 if held else offset + 1, offset)
                yield from filter(None, [_until(held, resumed)])
                held, offset, fresh = None, resumed, True
            elif stop.opcode == Opcode.MESSAGE:
                # the last message is held back until what follows proves its length
                if held is not None:
                    yield from filter(None, [held.first(len(held) - 1)])
                    held = held.part(len(held) - 1, len(held))
                fresh, size = True, max(_WINDOW, stop.length)
            else:
                yield from filter(None, [held])
                yield stop
                if stop.opcode == Opcode.DATA_END:
                    return
                held, offset = None, offset + stop.length
        yield from filter(None, [held])

    def _stretch(self, window: bytes, start: int, base: int) -> Stretch | None:
        """The messages from a place of a window on, up to the first that is not whole in it, or not to be believed."""
        found = Stretch.beginning(window, start, base)
        if found is None:
            return None
        heads, channels = found.heads, found.channels
        good = (heads["time_ns"] == heads["published_ns"]) & np.isin(channels, list(self.channels))
        return found if good.all() else found.first(int(np.argmin(good)))

    def _record(self, offset: int) -> Record | None:
        """The record at an offset if it can be believed and is whole."""
        head = self.read(offset, MESSAGE.size)
        if len(head) < RECORD.size:
            return None
        opcode, length = RECORD.unpack_from(head)
        found = Record(opcode, offset, RECORD.size + length)
        if offset + found.length > self._end:
            return None
        if opcode == Opcode.MESSAGE:
            return found if self._believable_message(head, length) else None
        return found if length <= MAX_RECORD and self._believable(opcode, offset, length) else None

    def _believable(self, opcode: int, offset: int, length: int) -> bool:
        """Whether a record that is no message can be true: nothing else of a file is taken for one in silence."""
        head = self.read(offset, min(RECORD.size + length, _WINDOW))
        match opcode:
            case Opcode.DATA_END:
                return length == 4 and not self._goes_on(offset)
            case Opcode.MARK:
                return self._prove(offset, head)
            case Opcode.CHANNEL:
                return self._add_channel(head[RECORD.size :])
            case Opcode.ATTACHMENT:
                return attachment_fits(head[RECORD.size :], length)
            case Opcode.HEADER:
                return offset == len(MAGIC)
            case Opcode.SCHEMA:
                return schema_fits(head[RECORD.size :])
            case Opcode.METADATA:
                return self._is_ours(head[RECORD.size :])
        return False

    @staticmethod
    def _is_ours(content: bytes) -> bool:
        """Whether a metadata record is one of those that our recorder writes."""
        try:
            return parse_metadata(content)[0].startswith(PROFILE)
        except ValueError:
            return False

    def _believable_message(self, head: bytes, length: int) -> bool:
        """Whether the head of a message record can be true."""
        if length < MESSAGE.size - RECORD.size or length > MAX_DATA + MESSAGE.size - RECORD.size:
            return False
        _, _, channel, _, time_ns, published_ns = MESSAGE.unpack(head)
        return channel in self.channels and time_ns == published_ns

    def _add_channel(self, content: bytes) -> bool:
        """Learn a channel; false when its record cannot be one of ours."""
        try:
            channel = parse_channel(content)
        except ValueError:
            return False
        return self.learn(channel)

    def _prove(self, offset: int, data: bytes) -> bool:
        """Whether a mark stands at offset; when it does, whether its block has its checksum is noted too."""
        mark = Mark.parse(data, offset)
        if mark is None:
            return False
        size = offset - mark.start
        whole = self._damaged_at < mark.start and size <= BLOCK_BYTES + 2 * MAX_DATA
        if whole and zlib.crc32(self.read(mark.start, size), mark.crc_before) != mark.crc_after:
            self.unproven.append(mark)
            self._damage.note(
                f"bytes {mark.start:,} to {offset:,}: wrong checksum; what they hold is given as it stands"
            )
        elif whole:
            if mark.start > self.checked_to:
                self.unchecked.append((self.checked_to, mark.start))
            self.checked_to = mark.end
        return True

    def _goes_on(self, offset: int) -> bool:
        """Whether something recorded stands behind a data end at offset: then it is no end.

        It is bytes of a chunk that has lost its head, or the end of a file to which another one was put.
        """
        start = offset + len(_DATA_END) + 4
        while offset >= self._goes_on_to and start < self._end:
            window = self.read(start, _WINDOW + _LONGEST_HEAD)
            for match in _RECORDED.finditer(window):
                at = start + match.start()
                if window[match.start()] == Opcode.MARK:
                    is_whole = Mark.parse(self.read(at, MARK_BYTES), at) is not None
                else:
                    is_whole = self._record(at) is not None
                if is_whole:
                    self._goes_on_to = at
                    break
            start += _WINDOW
        return offset < self._goes_on_to

    def _search(self, start: int, bad: int) -> int:
        """Where the next believable record begins from start on; counts what lies between as damage.

        bad is where a record was expected. One found before it means that the message before told a wrong length.
        """
        self._damaged_at = start
        found = self._next_believable(start)
        if found is None and self._growing:
            return self._end
        if found is None:
            self._damage.note(f"cut off: byte {bad:,} begins a record that is not whole", self._end - bad)
            return self._end
        self._damaged_at = found - 1
        lost_from = min(start - 1, bad) if found < bad else bad
        self._damage.note(f"bytes {lost_from:,} to {found:,} are no records; read on after them", found - lost_from)
        return found

    def _next_believable(self, start: int) -> int | None:
        """The next offset from start where a whole, believable record begins."""
        while start < self._end:
            window = self.read(start, _WINDOW + _LONGEST_HEAD)
            for match in _BELIEVABLE.finditer(window):
                if match.start() < _WINDOW and self._record(start + match.start()) is not None:
                    return start + match.start()
            start += _WINDOW
        return None
