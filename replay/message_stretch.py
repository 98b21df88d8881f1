"""Messages that follow each other in a file, found and looked at together: as columns, until one by one is asked for.

A recording of datagrams has millions of messages, mostly as long as the one before: where one follows the other at the
same distance, the next are found by comparing heads at that distance, all at once.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.frames import evenly, rows_at
from replay.mcap_records import MESSAGE, RECORD, Opcode

_HEAD = np.dtype(
    [
        ("opcode", "u1"),
        ("length", "<u8"),
        ("channel", "<u2"),
        ("sequence", "<u4"),
        ("time_ns", "<i8"),
        ("published_ns", "<i8"),
    ]
)
SEQUENCES = 1 << 32
"""Sequence numbers are 32 bits (MCAP: Message)."""
_LENGTH = Struct("<Q")
_PAYS = 16
"""Messages of one length in a row from which finding them together is faster than one by one (measured)."""
_MOST_WAIT = 1024
"""Messages looked at one by one before the next attempt to find several, where lengths go to and fro."""


class Message(NamedTuple):
    """A message of a channel, as it stands in the file."""

    offset: int
    channel: int
    sequence: int
    time_ns: int
    data: bytes

    @property
    def end(self) -> int:
        """The first byte after its record."""
        return self.offset + MESSAGE.size + len(self.data)


_message = partial(tuple.__new__, Message)
"""Makes one of its fields in a tuple, at half the cost."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages one after the other without anything between them: at least one."""

    window: bytes
    """Bytes of the file that they are among."""
    base: int
    """Where the window begins in the file."""
    edges: NDArray[np.int64]
    """Where each begins in the window, and where the last ends, int64 (n + 1,)."""
    heads: NDArray[Any]
    """Their heads: ``opcode``, ``length``, ``channel``, ``sequence``, ``time_ns``, ``published_ns``, (n,)."""

    @classmethod
    def beginning(cls, window: bytes, start: int, base: int) -> Stretch | None:
        """The messages that may be whole in a window from a place of it on, which stands at base in the file."""
        edges = _chain(window, start)
        if len(edges) < 2:
            return None
        heads = rows_at(np.frombuffer(window, np.uint8), edges[:-1], MESSAGE.size)
        return cls(window, base, edges, heads.view(_HEAD)[:, 0])

    def __len__(self) -> int:
        return len(self.heads)

    @property
    def offset(self) -> int:
        """Where the first begins in the file."""
        return self.base + int(self.edges[0])

    @property
    def latest(self) -> int:
        """Where the last begins in the file."""
        return self.base + int(self.edges[-2])

    @property
    def end(self) -> int:
        """The first byte of the file after the last."""
        return self.base + int(self.edges[-1])

    @property
    def channels(self) -> NDArray[np.uint16]:
        """The channel of each; where all have the same, only that."""
        channels: NDArray[np.uint16] = self.heads["channel"]
        return channels[:1] if (channels == channels[0]).all() else channels

    def by_channel(self) -> list[tuple[int, slice | NDArray[np.bool_]]]:
        """The channels in the order in which they appear, each with which messages are its own."""
        channels = self.channels
        if len(channels) == 1:
            return [(int(channels[0]), slice(None))]
        numbers, first = np.unique(channels, return_index=True)
        return [(int(number), channels == number) for number in numbers[np.argsort(first)]]

    def among(self, wanted: Container[int]) -> NDArray[np.bool_]:
        """Which are of some channels, bool (n,)."""
        chosen = np.zeros(len(self), np.bool_)
        for number, which in self.by_channel():
            chosen[which] = number in wanted
        return chosen

    def part(self, begin: int, end: int) -> Stretch:
        """Those from one number to another, of which there must be some."""
        return Stretch(self.window, self.base, self.edges[begin : end + 1], self.heads[begin:end])

    def first(self, count: int) -> Stretch | None:
        """So many from the first on; None for none."""
        return self.part(0, count) if count else None

    def raw(self) -> bytes:
        """All records as they stand."""
        return self.window[int(self.edges[0]) : int(self.edges[-1])]

    def data(self) -> list[bytes]:
        """The data of each."""
        edges, size = self.edges, MESSAGE.size
        length = int(edges[1] - edges[0]) - size
        if length and len(self) >= _PAYS and evenly(edges):
            rows = np.ascontiguousarray(rows_at(np.frombuffer(self.window, np.uint8), edges[:-1] + size, length))
            pieces: list[bytes] = rows.view(f"V{length}")[:, 0].tolist()  # the quickest way from rows to bytes objects
            return pieces
        window = self.window
        return [window[begin + size : end] for begin, end in pairwise(edges.tolist())]

    def ends(self) -> list[int]:
        """The first byte of the file after each."""
        found: list[int] = (self.base + self.edges[1:]).tolist()
        return found

    def messages(self) -> list[Message]:
        """One by one."""
        numbers = (self.heads[name].tolist() for name in ("channel", "sequence", "time_ns"))
        return list(map(_message, zip((self.base + self.edges[:-1]).tolist(), *numbers, self.data(), strict=True)))


def out_of_step(stretch: Stretch, wanted: Container[int], expected: dict[int, int]) -> list[tuple[Message, int]]:
    """The messages of wanted channels whose sequence number is not the one expected, and that; expected is brought on.

    Of a channel of which nothing is expected the first message tells it.
    """
    if in_step(stretch, wanted, expected):
        return []
    found = []
    for message in stretch.messages():
        channel, sequence = message.channel, message.sequence
        if channel in wanted:
            if expected.get(channel, sequence) != sequence:
                found.append((message, expected[channel]))
            expected[channel] = (sequence + 1) % SEQUENCES
    return found


def in_step(stretch: Stretch, wanted: Container[int], expected: dict[int, int]) -> bool:
    """Whether all messages of wanted channels have the numbers expected, by the rule above; only then brought on."""
    after = {}
    for channel, which in stretch.by_channel():
        if channel in wanted:
            own = stretch.heads["sequence"][which]
            first = int(own[0])
            if expected.get(channel, first) != first or (own[1:] - own[:-1] != 1).any():  # which wraps as they do
                return False
            after[channel] = (int(own[-1]) + 1) % SEQUENCES
    expected.update(after)
    return True


def _chain(window: bytes, at: int) -> NDArray[np.int64]:
    """Where records that may be whole messages begin, one after the other, and where the last ends."""
    size, last, unpack, opcode = len(window), len(window) - MESSAGE.size, _LENGTH.unpack_from, int(Opcode.MESSAGE)
    runs: list[NDArray[np.int64]] = []
    singles: list[int] = []
    before, wait, rest = 0, 1, 0
    while at <= last and window[at] == opcode:
        length = RECORD.size + unpack(window, at + 1)[0]
        if at + length > size or length < MESSAGE.size:
            break
        if length == before and not rest:
            count = _alike(window, at, length)
            if count >= _PAYS:
                runs += np.array(singles, np.int64), np.arange(at, at + count * length, length)
                singles, at, wait = [], at + count * length, 1
                continue
            wait = rest = min(2 * wait, _MOST_WAIT)
        singles.append(at)
        at, before, rest = at + length, length, max(rest - 1, 0)
    return np.concatenate((*runs, np.array([*singles, at], np.int64)))


def _alike(window: bytes, at: int, length: int) -> int:
    """How many whole messages of a length follow each other from a place on."""
    count = (len(window) - at) // length
    starts = np.ndarray((count,), "<u8", window, at, (length,))  # opcode, and the length but for its highest byte
    highest = np.ndarray((count,), np.uint8, window, at + 8, (length,))
    same = (starts == starts[0]) & (highest == 0)
    return count if same.all() else int(np.argmin(same))
