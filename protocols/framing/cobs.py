"""COBS: frames without zero bytes, ended by one (S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing", 1999).

A segment is a chain of codes: code n stands before n - 1 bytes of data, then a zero that was taken out, unless n is
255 or the segment ends. Decoding follows that chain from code to code. For many frames the chains of all of them are
followed together, one code of each a step, and the zeros are written back in place where the codes stood.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.delimited import DelimitedFramer
from protocols.frames import Spans

_FULL = 0xFF  # a code of 254 bytes with no zero after them
_LAST_FEW = 48
"""Chains still going for which following them one by one is faster than together (measured)."""


class Cobs(DelimitedFramer):
    """Consistent overhead byte stuffing, delimiter zero."""

    DELIMITER: ClassVar[int] = 0

    def decode_one(self, segment: bytes) -> bytes:
        """The frame in a segment; empty where the chain of codes misses its end."""
        runs, at, size = [], 0, len(segment)
        while at < size:
            code = segment[at]
            runs.append(segment[at + 1 : at + code])
            at += code
        if at > size:
            return b""
        if size < _FULL:  # too short for a full code
            return b"\0".join(runs)
        closed = (run + b"\0" if len(run) < _FULL - 1 else run for run in runs[:-1])
        return b"".join(closed) + runs[-1]

    def decode_many(self, segments: Spans) -> tuple[Spans, NDArray[np.bool_]]:
        """The frames in segments, and which are any."""
        coded, begins, ends = segments.data, segments.begins, segments.ends
        codes, good = _chains(segments)
        data = coded.copy()
        data[codes] = 0
        begins = begins + 1
        if len(begins) and int((ends - begins).max()) >= _FULL - 1:
            data, begins, ends = _without_full(coded, data, codes, begins, ends, good)
        good &= ends > begins
        return Spans(data, begins, ends), good

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The frames one after the other, each with its closing zero."""
        return self._join(map(_encoded, self._checked(bodies)), b"")


def _chains(segments: Spans) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where the codes are, and which chains end where their segment does."""
    data, at, ends = segments.data, segments.begins, segments.ends
    steps, missed = [], []
    while len(at) > _LAST_FEW:
        steps.append(at)
        at = at + data[at]
        inside = at < ends
        if not inside.all():
            missed.append(ends[at > ends])
            at, ends = at[inside], ends[inside]
    codes, late = _rest(data, at, ends)
    good = np.ones(len(segments), np.bool_)
    good[np.searchsorted(segments.ends, np.concatenate((*missed, late)))] = False
    return np.concatenate((*steps, codes)), good


def _rest(
    data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the codes of the last few chains are, and the segment's end for each chain that misses it."""
    codes, missed = [], []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        segment, at, size = data[start:end].tobytes(), 0, end - start
        while at < size:
            codes.append(start + at)
            at += segment[at]
        if at > size:
            missed.append(end)
    return np.array(codes, np.int64), np.array(missed, np.int64)


def _without_full(
    coded: NDArray[np.uint8],
    data: NDArray[np.uint8],
    codes: NDArray[np.int64],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    good: NDArray[np.bool_],
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """The same without the codes that follow a full one: no zero stood there."""
    full = codes[coded[codes] == _FULL]
    owner = np.searchsorted(ends, full)
    drop = np.sort(full[good[owner]] + _FULL)  # at a segment's end that is the delimiter, which nobody needs any more
    keep = np.ones(len(data), np.bool_)
    keep[drop] = False
    return data[keep], begins - np.searchsorted(drop, begins), ends - np.searchsorted(drop, ends)


def _encoded(body: bytes) -> bytes:
    *closed, last = body.split(b"\0")
    pieces = [piece for run in closed for piece in _coded(run, _FULL - 1)]
    return b"".join((*pieces, *_coded(last, _FULL)))  # at the end a full code needs none after it


def _coded(run: bytes, longest: int) -> Iterator[bytes]:
    """A run without zeros as codes and data: full ones while it is as long as longest, then one of the rest."""
    while len(run) >= longest:
        yield b"\xff" + run[: _FULL - 1]
        run = run[_FULL - 1 :]
    yield bytes((len(run) + 1,)) + run


FRAMER = Cobs
EXAMPLE: dict[str, Any] = {"max_length": 4096}
