"""A packet: its header, where its body lies, whether its checksums hold (11.2.1).

``header 24 | secondary header 12, if flagged | body | filler | data checksum, if flagged``, all little-endian. The
header's checksum is 16 bits; together with the sync pattern and lengths that fit, a header is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

import numpy as np
from numpy.typing import NDArray

SYNC = b"\x25\xeb"
"""0xEB25, as it stands in the file (11.2.1.1 a)."""
HEADER_BYTES, SECONDARY_BYTES = 24, 12
LARGEST = 1 << 24
"""Bytes of a packet that are believed. The standard allows 524,288 (11.2.1.1 c); TMATS and video of some are longer."""

_HEADER = Struct("<HHIIBBBBIHH")
_WORDS = Struct("<11H")
_SECONDARY = Struct("<Q2xH")
_CHECKED = (0, 1, 2, 4)
"""Bytes of the data checksum by bits 1-0 of the flags."""
_CHUNK_WORDS = 1 << 16

TICK_NS = 100
"""The relative time counter runs at 10 MHz (11.2.1.1 i)."""
_RTC_MASK, _RTC_HALF = (1 << 48) - 1, 1 << 47
_BELIEVED_NS = 60_000_000_000
"""A message's stamp further from its packet than this is damaged: a packet holds 100 ms of data (11.2.1 d)."""
_BELIEVED_TICKS = _BELIEVED_NS // TICK_NS

_IEEE_1588, _ERTC = 1, 2


@dataclass(slots=True)
class Header:
    """What a packet says of itself."""

    channel: int
    length: int
    """Bytes of the whole packet."""
    data_length: int
    """Bytes of the body, channel-specific data words included, as it says."""
    sequence: int
    """Counts the packets of a channel, modulo 256."""
    flags: int
    kind: int
    """Data type (table 11-4): 0x01 TMATS, 0x09 PCM, 0x11 time, 0x19 MIL-STD-1553, ..."""
    rtc: int
    """Relative time counter of the first bit of data, 48 bits."""
    secondary: int | None = None
    """Time of the secondary header in ns of its own scale; None without one, or where its checksum is wrong."""

    @property
    def begin(self) -> int:
        """Where the body begins, from the packet's first byte."""
        return HEADER_BYTES + SECONDARY_BYTES if self.flags & 0x80 else HEADER_BYTES

    @property
    def end(self) -> int:
        """Where the body ends, from the packet's first byte: within the packet, whatever its length may say."""
        return min(self.begin + self.data_length, self.length - self.checksum_bytes)

    @property
    def checksum_bytes(self) -> int:
        """Bytes of the checksum at the packet's end."""
        return _CHECKED[self.flags & 3]


@dataclass(slots=True)
class Packet:
    """A whole packet with its time."""

    header: Header
    data: bytes
    """What it stands in."""
    begin: int
    """Where its body begins in data."""
    end: int
    """Where its body ends, filler and checksum not included."""
    time_ns: int
    """Of its relative time counter, in the recording's time."""

    def word(self, at: int = 0) -> int:
        """A 32-bit word of the body, such as the channel-specific data word at its beginning; 0 past its end."""
        at += self.begin
        return int.from_bytes(self.data[at : min(at + 4, self.end)], "little")

    def stamp(self, at: int) -> int:
        """The time of the intra-packet time stamp at a place in data, in ns."""
        if not self.header.flags & 0x40:  # nearly all of them, and the counter seldom wraps
            ticks = int.from_bytes(self.data[at : at + 6], "little") - self.header.rtc
            if -_BELIEVED_TICKS <= ticks <= _BELIEVED_TICKS:
                return self.time_ns + ticks * TICK_NS
        apart = _apart_ns(int.from_bytes(self.data[at : at + 8], "little"), self.header)
        return self.time_ns + apart if -_BELIEVED_NS <= apart <= _BELIEVED_NS else self.time_ns

    def stamps(self, raw: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The times of intra-packet time stamps as they are stored, in ns, int64 (n,)."""
        header = self.header
        if _absolute(header):
            apart = np.array([_apart_ns(each, header) for each in raw.tolist()], np.int64)
        else:
            mask, half = np.uint64(_RTC_MASK), np.uint64(_RTC_HALF)
            ticks = ((raw - np.uint64(header.rtc) + half) & mask).astype(np.int64) - _RTC_HALF
            apart = ticks * TICK_NS
        return self.time_ns + np.where(np.abs(apart) <= _BELIEVED_NS, apart, 0)


def parse_header(data: bytes, at: int) -> Header | None:
    """The header at an offset, or None where none can be believed. Needs 36 bytes of data for a secondary header."""
    if len(data) - at < HEADER_BYTES or not data.startswith(SYNC, at):
        return None
    _, channel, length, data_length, _, sequence, flags, kind, low, high, checksum = _HEADER.unpack_from(data, at)
    if sum(_WORDS.unpack_from(data, at)) & 0xFFFF != checksum:
        return None
    begin = HEADER_BYTES + SECONDARY_BYTES if flags & 0x80 else HEADER_BYTES
    if not begin + _CHECKED[flags & 3] <= length <= LARGEST:
        return None
    secondary = _secondary(data, at + HEADER_BYTES, flags >> 2 & 3) if flags & 0x80 else None
    return Header(channel, length, data_length, sequence, flags, kind, high << 32 | low, secondary)


def find_header(data: bytes, at: int) -> int:
    """Where the next believable header begins at or after an offset; -1 where none does."""
    at = data.find(SYNC, at)
    while at >= 0 and parse_header(data, at) is None:
        at = data.find(SYNC, at + 1)
    return at


def apart_ticks(rtc: int, other: int) -> int:
    """Ticks from one count of the relative time counter to another, over its wrap after 325 days."""
    return ((other - rtc + _RTC_HALF) & _RTC_MASK) - _RTC_HALF


def checksum_holds(data: bytes, at: int, header: Header) -> bool:
    """Whether the data checksum of the packet at an offset is right (11.2.1.4); True where it has none."""
    width = header.checksum_bytes
    if not width:
        return True
    end = at + header.length - width
    words = np.frombuffer(data, f"<u{width}", (end - at - header.begin) // width, at + header.begin)
    total = int(words.sum(dtype=np.uint64))
    return total & (1 << 8 * width) - 1 == int.from_bytes(data[end : end + width], "little")


def _secondary(data: bytes, at: int, form: int) -> int | None:
    """The time of a secondary header in ns. Its checksum sums bytes (11.2.1.2 c); recorders sum words, too."""
    if len(data) - at < SECONDARY_BYTES:
        return None
    stamp, checksum = _SECONDARY.unpack_from(data, at)
    of_bytes = sum(data[at : at + 10]) & 0xFFFF
    of_words = sum(data[at : at + 10 : 2]) + (sum(data[at + 1 : at + 10 : 2]) << 8) & 0xFFFF
    return _scale_ns(stamp, form) if checksum in (of_bytes, of_words) else None


def _scale_ns(stamp: int, form: int) -> int:
    """A 64-bit time as ns of its own scale: Chapter 4 binary, IEEE 1588, or extended relative time counter."""
    if form == _IEEE_1588:
        return (stamp >> 32) * 1_000_000_000 + (stamp & 0xFFFFFFFF)
    if form == _ERTC:
        return stamp
    return (stamp >> 32) * 10_000_000 + (stamp >> 16 & 0xFFFF) * 1000


def _absolute(header: Header) -> bool:
    """Whether stamps within the packet are in the secondary header's format instead of the counter's (flag bit 6)."""
    return bool(header.flags & 0x40) and header.secondary is not None


def _apart_ns(stamp: int, header: Header) -> int:
    """From the packet's own time to a stamp within it, in ns."""
    if header.flags & 0x40 and header.secondary is not None:
        return _scale_ns(stamp, header.flags >> 2 & 3) - header.secondary
    return apart_ticks(header.rtc, stamp) * TICK_NS
