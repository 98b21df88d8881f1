"""Framings that end each frame with one reserved byte: COBS, SLIP and KISS differ only in how they free a frame of it.

Between two delimiters stands a segment. A segment that cannot be decoded, or is longer than ``max_length``, is
discarded up to its delimiter; empty segments are idle fill. A delimiter directly before a frame (RFC 1055 and KISS
send one to flush line noise) is counted to the frame, so that a perfect link has nothing discarded.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.framer import Framer
from protocols.frames import Frames, Spans, Times

_MANY = 64
"""Delimiters in a chunk from which decoding them together in arrays is faster than one by one (measured)."""
LONGEST = 65_536
"""Bytes between delimiters allowed where nothing else is said; the longest CCSDS packet (133.0-B-2 4.1.3.5.3) fits."""


@dataclass(frozen=True, slots=True)
class _Arrivals:
    """When the pieces of a block arrived."""

    ends: NDArray[np.int64]
    """Where each piece ends in the block, int64 (pieces,)."""
    received_ns: NDArray[np.int64]
    """Its arrival, int64 (pieces,)."""

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Arrival of the bytes at positions of the block, int64 (n,)."""
        return self.received_ns[np.searchsorted(self.ends, positions, side="right")]


class DelimitedFramer(Framer):
    """Cuts a stream at its delimiter."""

    DELIMITER: ClassVar[int]
    """The reserved byte."""

    def __init__(self, max_length: int = LONGEST, check: str = "") -> None:
        """max_length is the most bytes between two delimiters, as sent; longer segments are discarded."""
        super().__init__(check)
        if max_length < 1:
            raise DeclarationError(f"max_length {max_length}", "a frame needs at least one byte; give a larger one")
        self.max_length = max_length
        self._segment = bytearray()  # since the last delimiter
        self._opened = False  # whether the last delimiter stood directly after another
        self._overlong = False  # whether the segment was discarded for its length, and its rest is to follow

    @property
    def bound(self) -> int:
        """A segment without its closing delimiter, and the delimiter before it."""
        return self.max_length + 1

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The frames whose closing delimiter is in data. Never raises."""
        return self._receive(data, received_ns, None)

    def receive_many(self, pieces: Sequence[bytes], received_ns: Sequence[int]) -> Frames:
        """The frames whose closing delimiters are in pieces, each with the time of that piece."""
        if self._overlong or len(pieces) < 2 or (data := b"".join(pieces)).count(self.DELIMITER) < _MANY:
            return super().receive_many(pieces, received_ns)
        ends = len(self._segment) + np.cumsum(list(map(len, pieces)))
        return self._receive(data, received_ns[-1], _Arrivals(ends, np.array(received_ns, np.int64)))

    def _receive(self, data: bytes, received_ns: int, arrivals: "_Arrivals | None") -> Frames:
        self.ledger.bytes_in += len(data)
        if self._overlong:
            data = self._skip(data)
        after = data.rfind(self.DELIMITER) + 1
        block = bytes(self._segment) + data[:after] if after else b""
        frames = self._cut(block, received_ns, arrivals) if after else Frames.none()
        if after:
            self._segment.clear()
        self._segment += data[after:]
        if len(self._segment) > self.max_length:
            self.ledger.discarded += len(self._segment) + self._opened
            self._segment.clear()
            self._opened, self._overlong = False, True
        self.ledger.pending = len(self._segment) + self._opened
        return frames

    @abstractmethod
    def decode_one(self, segment: bytes) -> bytes:
        """The frame in a segment without delimiters; empty where it is none. Never raises."""

    @abstractmethod
    def decode_many(self, segments: Spans) -> tuple[Spans, NDArray[np.bool_]]:
        """The frames in segments that end each at a delimiter of their buffer, and which are any, bool (n,)."""

    def _skip(self, data: bytes) -> bytes:
        after = data.find(self.DELIMITER) + 1
        self._overlong = not after
        self.ledger.discarded += after or len(data)
        return data[after:] if after else b""

    def _cut(self, block: bytes, received_ns: int, arrivals: "_Arrivals | None") -> Frames:
        """The frames in whole segments, the last delimiter included."""
        if arrivals is None and block.count(self.DELIMITER) < _MANY:
            return self._cut_few(block, received_ns)
        return self._cut_many(block, received_ns, arrivals)

    def _cut_few(self, block: bytes, received_ns: int) -> Frames:
        bodies, wire, opened, discarded = [], [], self._opened, 0
        for segment in block[:-1].split(bytes((self.DELIMITER,))):
            if not segment:
                discarded += opened
                opened = True
                continue
            taken = len(segment) + 1 + opened
            body = self.decode_one(segment) if len(segment) <= self.max_length else b""
            if body:
                bodies.append(body)
                wire.append(taken)
            else:
                discarded += taken
            opened = False
        self._opened = opened
        self.ledger.discarded += discarded
        return self._deliver(bodies, wire, received_ns)

    def _cut_many(self, block: bytes, received_ns: int, arrivals: "_Arrivals | None") -> Frames:
        array = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(array == self.DELIMITER)
        begins = np.concatenate(((0,), ends[:-1] + 1))
        wire, filled = ends - begins + 1, ends > begins
        if self._opened or not filled.all():
            begins, ends, wire = self._without_idle(begins, ends, wire, filled)
        times: Times = received_ns if arrivals is None else arrivals.at(ends)
        spans, good = self.decode_many(Spans(array, begins, ends))
        good &= ends - begins <= self.max_length
        if not good.all():
            self.ledger.discarded += int(wire[~good].sum())
            spans, wire = spans.where(good), wire[good]
            times = times if isinstance(times, int) else times[good]
        return self._deliver_spans(spans, wire, times)

    def _without_idle(
        self, begins: NDArray[np.int64], ends: NDArray[np.int64], wire: NDArray[np.int64], filled: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The segments that hold something, each with the delimiter directly before it; other empty ones are idle."""
        opened = np.concatenate(((self._opened,), ~filled[:-1]))
        self.ledger.discarded += int(np.count_nonzero(opened & ~filled))
        self._opened = not filled[-1]
        return begins[filled], ends[filled], (wire + opened)[filled]

    def _join(self, segments: Iterable[bytes], opening: bytes) -> bytes:
        closing = bytes((self.DELIMITER,))
        return b"".join(opening + segment + closing for segment in segments)
