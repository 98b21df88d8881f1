"""MAVLink frames on the wire, of versions 1 and 2, and many of them in columns (MAVLink guide, Packet Serialization).

| version | frame |
| --- | --- |
| 1 | ``fe``, length, sequence, system, component, message (u8), payload, check |
| 2 | ``fd``, length, incompatibility and compatibility flags, sequence, system, component, message (u24), payload, |
|   | check, signature |

Numbers are little-endian. The check is CRC-16/MCRF4XX of all but the first byte, and of the message's CRC_EXTRA, which
is not sent; the signature, 13 bytes, is there if the flags say so, and the check does not cover it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import compress, repeat
from typing import Any

import numpy as np
from fastcrc.crc16 import mcrf4xx
from numpy.typing import NDArray

from protocols.frames import rows_at
from protocols.mavlink.message_set import messages

V1, V2 = 0xFE, 0xFD
"""What frames begin with."""
HEADER = {V1: 6, V2: 10}
"""Bytes before the payload."""
CHECK = 2
SIGNATURE = 13
SIGNED = 0x01
"""The only incompatibility flag there is: frames with others are to be discarded."""
_AT_ONCE = 4096
"""Candidates copied out of a block together: where all bytes begin one, copies of all would be 262 times the block."""
LONGEST = HEADER[V2] + 255 + CHECK + SIGNATURE

_START = np.array([0xFFFF], np.uint16)
"""The register of the check before the first byte."""
_STEP = np.array([mcrf4xx(bytes((0xFF ^ low,))) ^ 0xFF for low in range(256)], np.uint16)
"""What a byte does to it: found by having it take single bytes."""


@cache
def known() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """CRC_EXTRA and length of the payload by message, -1 for those there are none; up to one past the largest."""
    every = messages()
    extra = np.full(max(every) + 2, -1, np.int64)
    length = np.full(max(every) + 2, -1, np.int64)
    for number, message in every.items():
        extra[number], length[number] = message.crc_extra, message.length
    return extra, length


def check_of(covered: bytes, crc_extra: int) -> bytes:
    """The check of a frame's bytes between the first and the check."""
    return int(mcrf4xx(covered + bytes((crc_extra,)))).to_bytes(CHECK, "little")


@dataclass(frozen=True, slots=True)
class Candidates:
    """Every byte of a block that may begin a frame, in order."""

    begins: NDArray[np.int64]
    """Where each begins, with what precedes it, int64 (n,)."""
    magics: NDArray[np.int64]
    """Where its first byte stands."""
    ends: NDArray[np.int64]
    """Where the frame ends if it is one: as far as the block has its header."""
    known_from: NDArray[np.int64]
    """How many bytes of the block it takes to tell whether it is a frame: its header, or all of it."""
    ids: NDArray[np.int64]
    """Its message."""
    lengths: NDArray[np.int64]
    """Bytes of its payload as sent."""
    version_2: NDArray[np.bool_]
    signed: NDArray[np.bool_]
    plausible: NDArray[np.bool_]
    """Its header is there, and of a message that is known."""
    unknown: NDArray[np.bool_]
    """Its header is there, and of a message that is not known, so that its check cannot be computed."""

    @classmethod
    def of(cls, block: bytes, lead: int = 0) -> Candidates:
        """Those of a block, in which so many bytes precede each frame."""
        size = len(block)
        array = np.frombuffer(block + bytes(lead + HEADER[V2]), np.uint8)
        begins = np.flatnonzero(array[lead:] - np.uint8(V2) < 2)  # wraps: all but the two are further off
        magics = begins + lead
        heads = rows_at(array, magics, HEADER[V2])
        version_2 = heads[:, 0] == V2
        wide = heads[:, 7].astype(np.int64) | heads[:, 8].astype(np.int64) << 8 | heads[:, 9].astype(np.int64) << 16
        ids = np.where(version_2, wide, heads[:, 5])
        flags = np.where(version_2, heads[:, 2], np.uint8(0))
        lengths = heads[:, 1].astype(np.int64)
        signed = flags == SIGNED
        head = np.where(version_2, HEADER[V2], HEADER[V1])
        ends = magics + head + lengths + CHECK + SIGNATURE * signed
        there = (magics + head <= size) & (flags & ~np.uint8(SIGNED) == 0)
        extra, _ = known()
        named = extra[np.minimum(ids, len(extra) - 1)] >= 0
        plausible = there & named
        known_from = np.where(plausible, ends, magics + head)
        return cls(begins, magics, ends, known_from, ids, lengths, version_2, signed, plausible, there & ~named)

    def where(self, chosen: NDArray[np.bool_]) -> Candidates:
        """Those for which chosen, bool (n,), holds."""
        return Candidates(*(getattr(self, name)[chosen] for name in self.__slots__))

    def verified(self, block: bytes) -> tuple[NDArray[np.bool_], list[bytes]]:
        """Whether the check of each is right, bool (n,), and of those the bytes from the sequence number to the check.

        All of them are plausible and end within the block.
        """
        array, (extra, _) = np.frombuffer(block, np.uint8), known()
        ends = self.ends - CHECK - SIGNATURE * self.signed
        heads, sent = rows_at(array, self.magics, 4), rows_at(array, ends, CHECK)
        states = _after(_START, heads[:, 1])
        states = np.where(self.version_2, _after(_after(states, heads[:, 2]), heads[:, 3]), states)
        wanted = sent[:, 0] | sent[:, 1].astype(np.uint16) << 8
        begins = self.magics + np.where(self.version_2, 4, 2)
        right, contents = np.empty(len(ends), np.bool_), list[bytes]()
        for first in range(0, len(ends), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            edges = zip(begins[some].tolist(), ends[some].tolist(), strict=True)
            pieces = [block[begin:end] for begin, end in edges]
            checks = np.fromiter(map(mcrf4xx, pieces, states[some].tolist()), np.uint16, len(pieces))
            right[some] = _after(checks, extra[self.ids[some]]) == wanted[some]
            contents += pieces if right[some].all() else compress(pieces, right[some].tolist())
        return right, contents

    def bodies(self, contents: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Sequence, system, component, message, and the payload in its full length, of each; and their offsets.

        contents are as verified gives them, and are used up.
        """
        _, full = known()
        payloads = full[self.ids]
        for place in np.flatnonzero(~self.version_2 | (self.lengths > payloads)).tolist():
            if not self.version_2[place]:
                contents[place] = contents[place][:4] + b"\0\0" + contents[place][4:]
            contents[place] = contents[place][: 6 + int(payloads[place])]
        offsets = np.zeros(len(payloads) + 1, np.int64)
        np.cumsum(payloads + 6, out=offsets[1:])
        joined = b"".join(map(bytes.ljust, contents, (payloads + 6).tolist(), repeat(b"\0")))
        return np.frombuffer(joined, np.uint8), offsets


def _after(states: NDArray[np.uint16], taken: NDArray[Any]) -> NDArray[np.uint16]:
    """The register of the check, uint16 (n,), after one more byte each."""
    after: NDArray[np.uint16] = states >> 8 ^ _STEP[(states ^ taken.astype(np.uint16)) & 0xFF]
    return after
