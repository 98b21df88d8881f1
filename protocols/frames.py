"""Frames as columns, and the ledger that accounts for every byte a link received."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = int | NDArray[np.int64]
"""``received_ns`` of frames: one for all, or int64 (n,)."""


def _each(received_ns: Times, count: int) -> NDArray[np.int64]:
    return np.full(count, received_ns, np.int64) if isinstance(received_ns, int) else received_ns


@dataclass(frozen=True, slots=True)
class Frames:
    """n frames in one buffer: frame i is ``data[offsets[i]:offsets[i + 1]]``."""

    data: NDArray[np.uint8]
    """All frames one after the other, uint8 (total,)."""
    offsets: NDArray[np.int64]
    """Where each begins, and the end of the last, int64 (n + 1,)."""
    received_ns: NDArray[np.int64]
    """Arrival of the chunk that completed each frame, in ns, int64 (n,); of frames off the air, of their last bit."""
    eb_n0: NDArray[np.float32] | None = None
    """Eb/N0 of each in dB, float32 (n,), NaN where unknown; None for frames that did not come by radio."""
    corrected: NDArray[np.int32] | None = None
    """Bits or symbols that a code put right in each, int32 (n,); None where there is no code."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[bytes]:
        whole, edges = self.data.tobytes(), self.offsets.tolist()
        return (whole[begin:end] for begin, end in pairwise(edges))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes in each frame, int64 (n,)."""
        return np.diff(self.offsets)

    @classmethod
    def of(cls, pieces: Sequence[bytes], received_ns: int) -> "Frames":
        """The frames in pieces, all received at the same time."""
        data = np.frombuffer(b"".join(pieces), np.uint8)
        if len(pieces) == 1:
            return cls(data, np.array((0, len(data))), np.array((received_ns,)))
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
        return cls(data, offsets, np.full(len(pieces), received_ns, np.int64))

    @classmethod
    def equal(cls, rows: NDArray[np.uint8], received_ns: Times) -> "Frames":
        """Frames of one length from rows, uint8 (n, length)."""
        count, length = rows.shape
        offsets = np.arange(count + 1, dtype=np.int64) * length
        return cls(rows.reshape(-1), offsets, _each(received_ns, count))

    @classmethod
    def cut(
        cls, data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64], received_ns: Times
    ) -> "Frames":
        """The frames ``data[begins[i]:ends[i]]``, received at the same time or at one each."""
        if len(begins) and evenly(begins) and evenly(ends) and ends[-1] - begins[-1] == ends[0] - begins[0]:
            return cls.equal(np.ascontiguousarray(rows_at(data, begins, int(ends[0] - begins[0]))), received_ns)
        offsets = np.zeros(len(begins) + 1, np.int64)
        np.cumsum(ends - begins, out=offsets[1:])
        return cls(_gathered(data, begins, ends, offsets), offsets, _each(received_ns, len(begins)))

    @classmethod
    def join(cls, several: Sequence["Frames"]) -> "Frames":
        """Frames one after the other, each with its own time."""
        if len(several) == 1:
            return several[0]
        lengths = np.concatenate([frames.lengths for frames in several])
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        data = np.concatenate([frames.data[frames.offsets[0] : frames.offsets[-1]] for frames in several])
        times = np.concatenate([frames.received_ns for frames in several])
        if all(frames.eb_n0 is None for frames in several):
            return cls(data, offsets, times)
        return cls(data, offsets, times, _all_eb_n0(several), _all_corrected(several))

    @classmethod
    def none(cls) -> "Frames":
        """No frames."""
        return _NONE


def _all_eb_n0(several: Sequence[Frames]) -> NDArray[np.float32]:
    """Eb/N0 of all frames, NaN where it is not known."""
    known = (np.full(len(each), np.nan, np.float32) if each.eb_n0 is None else each.eb_n0 for each in several)
    return np.concatenate(list(known))


def _all_corrected(several: Sequence[Frames]) -> NDArray[np.int32]:
    """What was put right in all frames, 0 where there is no code."""
    return np.concatenate(
        [np.zeros(len(each), np.int32) if each.corrected is None else each.corrected for each in several]
    )


_FEW = 32
"""Frames each distinct length must have on average for treating them by length to pay (measured)."""
_NONE = Frames(np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty(0, np.int64))


@dataclass(slots=True)
class Ledger:
    """Where a link's bytes went. Always: ``bytes_in == frame_bytes + discarded + pending``."""

    bytes_in: int = 0
    """Bytes received."""
    frame_bytes: int = 0
    """Bytes that made up delivered frames, with their markers, escapes, checks and delimiters."""
    discarded: int = 0
    """Bytes outside every delivered frame: noise, frames cut short, frames whose check failed."""
    pending: int = 0
    """Bytes held that may yet begin a frame."""
    frames: int = 0
    """Frames delivered (a count, not bytes)."""
    crc_failures: int = 0
    """Candidate frames whose check failed; their bytes are among the discarded."""
    corrected: int = 0
    """Bits or symbols put right by a code or a tolerant marker search, in delivered frames."""

    @property
    def balanced(self) -> bool:
        """Whether every byte is accounted for."""
        return self.bytes_in == self.frame_bytes + self.discarded + self.pending

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, slots=True)
class Spans:
    """n stretches of one buffer: stretch i is ``data[begins[i]:ends[i]]``."""

    data: NDArray[np.uint8]
    """The buffer, uint8."""
    begins: NDArray[np.int64]
    """Where each begins, int64 (n,)."""
    ends: NDArray[np.int64]
    """Where each ends, int64 (n,)."""

    def __len__(self) -> int:
        return len(self.begins)

    def where(self, chosen: NDArray[np.bool_]) -> "Spans":
        """Those for which chosen, bool (n,), holds."""
        return self if chosen.all() else Spans(self.data, self.begins[chosen], self.ends[chosen])


def lengths_grouped(lengths: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Each distinct length with the places of those that have it, int64; empty where frames are too few for each.

    Telemetry has a handful of packet types, hence of lengths: those of one length can be treated as rows.
    """
    distinct = np.unique(lengths)
    if len(distinct) * _FEW > len(lengths):
        return []
    return [(int(length), np.flatnonzero(lengths == length)) for length in distinct]


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The values there are, rising, of whole numbers (n,): ten times as fast as ``np.unique``, which hashes them."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _gathered(
    data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64], offsets: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The stretches of data laid one after the other, so that each begins at its offset."""
    groups = lengths_grouped(ends - begins)
    if not groups:
        whole = data.tobytes()
        pieces = [whole[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        return np.frombuffer(b"".join(pieces), np.uint8)
    joined = np.empty(int(offsets[-1]), np.uint8)
    for length, which in groups:
        if length:
            rows = np.lib.stride_tricks.sliding_window_view(joined, length, writeable=True)
            rows[offsets[which]] = rows_at(data, begins[which], length)
    return joined


def evenly(places: NDArray[np.int64]) -> bool:
    """Whether places are in rising order and the same distance apart."""
    if len(places) < 2:
        return True
    step = places[1] - places[0]
    return bool(step > 0 and (places[1:] - places[:-1] == step).all())


def rows_at(data: NDArray[np.uint8], begins: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
    """The bytes ``data[begin:begin + length]`` of each begin, uint8 (n, length); a view where they are evenly apart."""
    if not length or not len(begins):
        return np.empty((len(begins), length), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(data, length)
    if not evenly(begins):
        return windows[begins]
    step = int(begins[1] - begins[0]) if len(begins) > 1 else 1
    return windows[int(begins[0]) : int(begins[-1]) + 1 : step]
