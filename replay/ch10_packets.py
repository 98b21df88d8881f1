"""The packets of a Chapter 10 file, read in pieces; what is none between them is counted and said.

A packet is believed by its header. Where no packet follows it, and one begins inside it, bytes were lost: it is given
up to there as damage, and reading goes on with the one inside. Memory is bounded by the longest packet believed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from protocols.irig106.packet import (
    HEADER_BYTES,
    LARGEST,
    SECONDARY_BYTES,
    SYNC,
    Header,
    checksum_holds,
    find_header,
    parse_header,
)
from replay.recording import Damage

_BLOCK_BYTES = 1 << 20
_SMALL_BLOCK = 1 << 12
"""Read at a time where most bodies are passed over."""
_HEAD = HEADER_BYTES + SECONDARY_BYTES


class PacketFile:
    """An open file of packets."""

    def __init__(self, descriptor: int, damage: Damage, begin: int = 0, *, sparse: bool = False) -> None:
        """From a byte on, where a packet should begin; sparse: few bodies are wanted."""
        self.size = os.fstat(descriptor).st_size
        self.at = begin
        """Where in the file the packet last given begins."""
        self.data = b""
        """What it stands in."""
        self._descriptor, self._damage = descriptor, damage
        self._base = 0
        self._block = _SMALL_BLOCK if sparse else _BLOCK_BYTES

    def packets(self, wanted: Callable[[Header], bool] | None = None) -> Iterator[tuple[Header, int]]:
        """Headers, each with where it begins in ``data``, which has the whole packet if it is wanted (None: all)."""
        while self.at < self.size:
            self._hold(_HEAD)
            header = parse_header(self.data, self.at - self._base)
            if header is None:
                self._resume("no packet begins here", self.at + 1)
                continue
            after = self.at + header.length
            if not self._followed(after) and self._broken(header):
                continue
            if after > self.size:
                self._discard("the last packet is cut short", self.size)
                return
            if wanted is None or wanted(header):
                self._hold(header.length)
            yield header, self.at - self._base
            self.at = after

    def sound(self, header: Header) -> bool:
        """Whether the data checksum of the packet just given holds, if it has one; noted if not."""
        if checksum_holds(self.data, self.at - self._base, header):
            return True
        self._damage.note(f"byte {self.at:,}: the data checksum of a packet of channel {header.channel} is wrong")
        return False

    def _followed(self, after: int) -> bool:
        """Whether a packet, or the end of the file, is at a byte."""
        if after == self.size:
            return True
        here = after - self._base
        if here + len(SYNC) <= len(self.data):
            return self.data.startswith(SYNC, here)
        return os.pread(self._descriptor, len(SYNC), after) == SYNC

    def _broken(self, header: Header) -> bool:
        """Whether another packet begins inside this one, which nothing follows; then reading goes on there."""
        self._hold(header.length + _HEAD)
        here = self.at - self._base
        inside = find_header(self.data, here + header.begin)
        if not 0 <= inside - here < header.length:
            return False
        if header.checksum_bytes and here + header.length <= len(self.data) and self._holds(header):
            return False  # what looks like a packet is data: the packet is whole, and what follows it is damaged
        self._discard(f"a packet of channel {header.channel} is broken off", self._base + inside)
        return True

    def _holds(self, header: Header) -> bool:
        return checksum_holds(self.data, self.at - self._base, header)

    def _resume(self, why: str, at: int) -> None:
        """Go on at the next header from a byte on; all before it is discarded."""
        begun = self.at
        while at < self.size:
            self.at = at
            self._hold(_BLOCK_BYTES)
            found = find_header(self.data, at - self._base)
            end = self._base + len(self.data)
            if found >= 0:
                at = self._base + found
                break
            at = max(end - _HEAD + 1, at + 1) if end < self.size else self.size
        self.at = begun
        self._discard(why, at)

    def _discard(self, why: str, until: int) -> None:
        self._damage.note(f"byte {self.at:,}: {why}", until - self.at)
        self.at = until

    def _hold(self, length: int) -> None:
        """Have so many bytes from where reading is in data, or as many as there are."""
        length = min(length, self.size - self.at, LARGEST + _HEAD)
        if self.at < self._base or self.at + length > self._base + len(self.data):
            self.data = os.pread(self._descriptor, max(length + length // 2, self._block), self.at)
            self._base = self.at
            self.size = self.size if len(self.data) >= length else self.at + len(self.data)  # it was cut meanwhile
