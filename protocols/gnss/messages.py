"""Finds the messages of a receiver's stream: UBX, NMEA 0183 and RTCM 3, one after another in any order.

* UBX (u-blox receiver description, "UBX frame structure"): ``b5 62``, class, id, length (16 bits, little-endian),
  payload, and Fletcher's two sums modulo 256 of all but the first two bytes.
* NMEA 0183 sentences: ``$`` or ``!``, text, ``*``, the exclusive or of the text as two hexadecimal digits, CR LF; LF
  alone is taken too, since text files have it. A sentence without its check is none.
* RTCM 3 (RTCM 10403.3 4): ``d3``, six zero bits, length (10 bits), payload, CRC-24Q of all before it.

A check that fails means a false start: the search goes on one byte after it.
"""

from __future__ import annotations

import re

import numpy as np

from protocols.coding.crc import crc

UBX, NMEA, RTCM3 = "ubx", "nmea", "rtcm3"
UBX_FIRST, UBX_SYNC, RTCM3_FIRST = 0xB5, b"\xb5b", 0xD3
UBX_OVERHEAD, RTCM3_OVERHEAD = 8, 6
LONGEST_SENTENCE = 1024
"""Characters. NMEA 0183 allows 82; proprietary sentences of all satellites have some 600."""
CRC_24Q = crc("crc-24/lte-a")
"""Its polynomial from a register of zeros."""

_FEW = 8
"""Checks that may fail in a block before those of RTCM 3 are computed together."""
_START = re.compile(rb"[\xb5$!\xd3]")
_NO_TEXT = re.compile(rb"[^\x20-\x29\x2b-\x7e]")
"""Ends the text of a sentence, if it does not end with its check."""
_LONGEST_TEXT = LONGEST_SENTENCE - 7
_SENTENCE_CHECK = re.compile(rb"\*([0-9A-Fa-f]{2})\r?\n")
_BEGUN = re.compile(rb"[$!][\x20-\x7e]{0,1021}+\r?\Z")
"""A sentence of which the end is still to come."""


class Scan:
    """The messages in a block of a stream."""

    def __init__(self, block: bytes, longest: int, doubtful: int = 0) -> None:
        """Find them; longest is that of the payloads of UBX messages.

        doubtful: how many of the first bytes are within a message whose check was wrong, found in an earlier block.
        """
        self.block = block
        self.found: list[tuple[int, int]] = []
        """Where each message begins and ends."""
        self.failures = 0
        """Messages whose check is wrong, but for those that seem to begin within one of them."""
        self._longest = longest
        self._sums: tuple[bytes, bytes] | None = None
        self._ors: bytes | None = None
        self._crc_failures = 0  # of RTCM 3, those within others too
        self._whole_rtcm3: frozenset[int] | None = None
        self._text_end = 0  # of the sentences that begin before it
        self._doubtful = doubtful
        self.done = self._search()
        """Up to here all bytes are messages or cannot be of any; the rest may yet begin one."""

    @property
    def doubtful(self) -> int:
        """The same for the block that follows, which begins at ``done``."""
        return max(0, self._doubtful - self.done)

    def _search(self) -> int:
        block, at = self.block, 0
        while (start := _START.search(block, at)) is not None:
            at = start.start()
            first = block[at]
            size = self._ubx(at) if first == UBX_FIRST else self._rtcm3(at) if first == RTCM3_FIRST else self._nmea(at)
            if size < 0:
                return at
            if size:
                self.found.append((at, at + size))
            at += size or 1
        return len(block)

    def _ubx(self, at: int) -> int:
        """Bytes of the UBX message that begins here; 0 where none does, -1 where more bytes have to tell."""
        head = self.block[at : at + 6]
        if not head.startswith(UBX_SYNC[: len(head)]):
            return 0
        if len(head) < 6:
            return -1
        size = (head[4] | head[5] << 8) + UBX_OVERHEAD
        if size > self._longest + UBX_OVERHEAD:
            return 0
        if at + size > len(self.block):
            return -1
        first, second = self._running_sums
        begin, end = at + 2, at + size - 2
        one = (first[end] - first[begin]) & 0xFF
        two = (second[end] - second[begin] - (end - begin) * first[begin]) & 0xFF
        return self._checked(at, size, good=self.block[end] == one and self.block[end + 1] == two)

    def _rtcm3(self, at: int) -> int:
        """The same of an RTCM 3 message."""
        head = self.block[at : at + 3]
        if len(head) > 1 and head[1] & 0xFC:
            return 0
        if len(head) < 3:
            return -1
        size = (head[1] << 8 | head[2]) + RTCM3_OVERHEAD
        if at + size > len(self.block):
            return -1
        # a check costs what its message is long, and false starts may begin anywhere within it
        few = self._crc_failures < _FEW
        good = CRC_24Q.good(self.block[at : at + size]) if few else at in self._rtcm3_begins
        self._crc_failures += not good
        return self._checked(at, size, good=good)

    def _nmea(self, at: int) -> int:
        """The same of a sentence."""
        begin, size = at + 1, len(self.block)
        if self._text_end < begin:
            found = _NO_TEXT.search(self.block, begin)
            self._text_end = found.start() if found else size
        end = self._text_end
        check = _SENTENCE_CHECK.match(self.block, end) if 0 < end - begin <= _LONGEST_TEXT else None
        if check is None:
            return -1 if size - at <= LONGEST_SENTENCE and _BEGUN.match(self.block, at) else 0
        running = self._running_ors
        return self._checked(at, check.end() - at, good=running[begin] ^ running[end] == int(check[1], 16))

    def _checked(self, at: int, size: int, *, good: bool) -> int:
        if good:
            return size
        if at >= self._doubtful:
            self.failures += 1
            self._doubtful = at + size
        return 0

    @property
    def _running_sums(self) -> tuple[bytes, bytes]:
        """The sums of the first n bytes and the sums of these, modulo 256: what Fletcher's sums of any stretch are
        differences of, so that false starts, however many, cost no more than a look.
        """
        if self._sums is None:
            first = np.zeros(len(self.block) + 1, np.uint8)
            np.cumsum(np.frombuffer(self.block, np.uint8), dtype=np.uint8, out=first[1:])
            self._sums = first.tobytes(), np.cumsum(first, dtype=np.uint8).tobytes()
        return self._sums

    @property
    def _rtcm3_begins(self) -> frozenset[int]:
        """Where all there may be of whole RTCM 3 messages with good checks begin, found in one go."""
        if self._whole_rtcm3 is None:
            array = np.frombuffer(self.block, np.uint8)
            begins = np.flatnonzero((array[:-2] == RTCM3_FIRST) & (array[1:-1] & 0xFC == 0))
            ends = begins + (array[begins + 1].astype(np.int64) << 8 | array[begins + 2]) + RTCM3_OVERHEAD
            begins, ends = begins[ends <= len(array)], ends[ends <= len(array)]
            self._whole_rtcm3 = frozenset(begins[CRC_24Q.verify_spans(array, begins, ends)].tolist())
        return self._whole_rtcm3

    @property
    def _running_ors(self) -> bytes:
        """The exclusive or of the first n bytes."""
        if self._ors is None:
            array = np.frombuffer(self.block, np.uint8)
            self._ors = b"\0" + np.asarray(np.bitwise_xor.accumulate(array), np.uint8).tobytes()
        return self._ors
