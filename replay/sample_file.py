"""A file of samples: what they are, where they stand in it, and when each was taken.

What headers tell of this is read by ``sigmf_dataset``, ``wav_file`` and ``raw_samples``; ``sample_opening`` finds the
right one. Samples are read piece by piece, so that memory does not grow with the file.

A piece is received when its last sample was: sample k of a capture (from 0) at ``start_ns + k / rate``.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from protocols.errors import DeclarationError, NotARecording
from protocols.signal import Signal
from replay.recording import Damage, TimeBase

RATES = (1.0, 1e11)
"""Samples a second that are believed: below there is no signal, above no converter. Our choice."""
_PIECE_S = 0.02
"""Time in a piece: 50 a second replay smoothly."""
_PIECE_BYTES = 256 * 1024
"""The most bytes of one piece: what fits a core's cache with all that is made of it."""
_FARTHEST_NS = 1 << 62
"""Times past this, 146 years from 1970, come from a wrong rate; all arithmetic on times is in 64 bits."""
_PACKED_24 = 3


@dataclass(frozen=True, slots=True)
class Capture:
    """Samples one after another without a gap."""

    first: int
    """Number of its first sample among all of the file."""
    count: int
    """How many they are."""
    offset: int
    """The byte of the file where they begin."""
    start_ns: int
    """When the first was taken, by the file's time base."""
    frequency: float = 0.0
    """What the band's middle was then, in Hz; 0 where nobody knows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some samples of one capture."""

    capture: Capture
    first: int
    """Number of its first sample in the capture."""
    count: int


@dataclass(slots=True)
class SampleFile:
    """A file of samples whose headers were read."""

    path: Path
    """The file that holds the samples."""
    title: str
    """The format as people call it."""
    signal: Signal
    """The samples as ``read`` gives them."""
    captures: tuple[Capture, ...]
    time_base: TimeBase
    """UTC; or VEHICLE, where no date is known: then times count from the first sample."""
    packed: bool = False
    """Whether numbers take 3 bytes in the file; they are read as 32 bits, the last 8 of them 0."""
    doubled: bool = False
    """Whether each sample stands there twice, as audio in stereo has it; it is read once."""
    assumed: list[str] = field(default_factory=list)
    """What the file does not say, and what was taken instead, a sentence each."""
    damage: Damage = field(default_factory=Damage)
    """What is wrong with the file, as found on opening."""
    about: dict[str, Any] = field(default_factory=dict)
    """What else its header tells about all of it."""

    def __post_init__(self) -> None:
        """Raises NotARecording where its samples would last longer than times can be told."""
        for each in self.captures:
            if max(abs(each.start_ns), abs(self.time_ns(each, each.count))) > _FARTHEST_NS:
                rate = f"{self.signal.rate:,.10g}"
                text = f"{each.count:,} samples at {rate} a second end centuries from now; correct its rate or its date"
                raise NotARecording(self.path, text)

    @property
    def count(self) -> int:
        """Samples of all captures."""
        return sum(each.count for each in self.captures)

    @property
    def duration_s(self) -> float:
        """How long the samples last, gaps between captures not counted."""
        return self.count / self.signal.rate

    @property
    def stored(self) -> int:
        """Bytes of a sample in the file."""
        once = self.signal.size * _PACKED_24 // 4 if self.packed else self.signal.size
        return 2 * once if self.doubled else once

    @property
    def span(self) -> tuple[int, int]:
        """When the first and the last piece were received; (0, 0) without any sample."""
        if not self.captures:
            return 0, 0
        first, last = self.captures[0], self.captures[-1]
        return self.received_ns(Piece(first, 0, min(first.count, self._step))), self.time_ns(last, last.count - 1)

    def time_ns(self, capture: Capture, number: int) -> int:
        """When a sample of a capture was taken."""
        return capture.start_ns + elapsed_ns(number, self.signal.rate)

    def received_ns(self, piece: Piece) -> int:
        """When a piece was received: the time of its last sample."""
        return self.time_ns(piece.capture, piece.first + piece.count - 1)

    def pieces(self, start_ns: int | None = None) -> Iterator[Piece]:
        """All samples in pieces of a size good to handle, from the first received at or after start_ns."""
        step = self._step
        for capture in self.captures:
            begins = range(0, capture.count, step)
            skipped = 0
            if start_ns is not None:
                skipped = bisect_left(begins, start_ns, key=lambda at, of=capture: self._end_ns(of, at))  # type: ignore[misc]
            for at in begins[skipped:]:
                start_ns = None
                yield Piece(capture, at, min(step, capture.count - at))

    def read(self, file: int, piece: Piece) -> bytes:
        """The samples of a piece from the open file; fewer, but whole ones, where it has become shorter."""
        data = os.pread(file, piece.count * self.stored, piece.capture.offset + piece.first * self.stored)
        whole = len(data) - len(data) % self.stored
        data = data if whole == len(data) else data[:whole]
        data = _widened(data) if self.packed else data
        return _first_of_two(data, self.signal.size) if self.doubled else data

    @property
    def _step(self) -> int:
        """Samples of a whole piece."""
        return max(1, min(round(self.signal.rate * _PIECE_S), _PIECE_BYTES // self.signal.size))

    def _end_ns(self, capture: Capture, at: int) -> int:
        return self.received_ns(Piece(capture, at, min(self._step, capture.count - at)))


def elapsed_ns(samples: int, rate: float) -> int:
    """How long so many samples take, in ns; to the nearest ns for the first 100 days."""
    return round(samples * 1e9 / rate)


def signal_of(path: Path, samples: str, rate: float, frequency: float) -> Signal:
    """What a header or a person says a file's samples are. Raises NotARecording, saying what to do."""
    low, high = RATES
    if not low <= rate <= high:
        raise NotARecording(path, f"{rate:.10g} samples a second cannot be; give its rate, from {low:g} to {high:g}")
    try:
        signal = Signal(samples, float(rate), float(frequency))
    except DeclarationError as error:
        raise NotARecording(path, f"its samples cannot be read here: {error}") from None
    return replace(signal, samples=signal.datatype)


def whole(count: int, size: int, damage: Damage) -> int:
    """How many samples of size so many bytes are; part of one at the end is damage."""
    if count % size:
        damage.note(f"{count % size} bytes at the end are no whole sample", count % size)
    return count // size


def _first_of_two(data: bytes, size: int) -> bytes:
    """Of samples of so many bytes that stand there twice, the first of each two."""
    return np.frombuffer(data, np.uint8).reshape(-1, 2, size)[:, 0].tobytes()


def _widened(data: bytes) -> bytes:
    """Numbers of 24 bits, little-endian, as 32 bits of the same place in full scale."""
    packed = np.frombuffer(data, np.uint8).reshape(-1, _PACKED_24)
    wide = np.zeros((len(packed), 4), np.uint8)
    wide[:, 1:] = packed
    return wide.tobytes()
