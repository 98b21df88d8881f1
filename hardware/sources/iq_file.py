"""Samples from a file: ``iq_file:PATH?speed=1``; SigMF, WAV, or raw ones (``?format=cu8&rate=2.4M&frequency=437.5M``).

A file is given as fast as it is asked for, or at a multiple of real time by absolute deadlines. Samples keep the
distances they have in the file, gaps between captures included; the first chunk's time is that of its arrival.

Raw samples may be piped too, from a FIFO or standard input: ``rtl_sdr -f 437500000 -s 2400000 - | groundstation run``
with ``iq_file:-?format=cu8&rate=2.4M&frequency=437.5M``.
"""

import asyncio
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hardware.arrivals import READ_MAX, Arrivals, Drain, stream
from hardware.quantity import hertz, short
from hardware.sample_clock import SampleClock
from hardware.source import Source
from hardware.sources.file import piped, remedy
from protocols.chunk import Chunk
from protocols.errors import DeclarationError, RecordingError, SourceLost, SourceUnavailable
from protocols.signal import Signal
from replay.raw_samples import FORMATS
from replay.sample_file import Piece, SampleFile
from replay.sample_opening import open_sample_file


@dataclass(eq=False)
class IqFile(Source):
    """IQ or audio samples that somebody has stored, or pipes to us."""

    finite: ClassVar[bool] = True

    format: str = ""
    """Of raw samples: cu8, ci8, ci16, cf32... Left out: what the file's header or name tells."""
    rate: str = ""
    """Samples a second; left out: what the file tells."""
    frequency: str = ""
    """The middle of the band in Hz; left out: what the file tells."""
    speed: float = 0.0
    """Seconds of the file in one second; 0: as fast as it is asked for."""

    _known: Signal | None = field(default=None, init=False, repr=False)
    _file: SampleFile | None = field(default=None, init=False, repr=False)
    _fd: int = field(default=-1, init=False, repr=False)
    _arrivals: Arrivals | None = field(default=None, init=False, repr=False)
    _pieces: Iterator[Piece] = field(default_factory=lambda: iter(()), init=False, repr=False)
    _next: Piece | None = field(default=None, init=False, repr=False)
    _anchor_ns: int | None = field(default=None, init=False, repr=False)
    _given: int = field(default=0, init=False, repr=False)
    _started: float = field(default=0.0, init=False, repr=False)
    _odd: bytes = field(default=b"", init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for no path, and options out of range."""
        if not self.target or "\0" in self.target:
            raise ValueError("names no file; want iq_file:PATH, or iq_file:- for standard input")
        if not 0 <= self.speed < float("inf"):
            raise ValueError(f"speed={self.speed}: want a multiple of real time, or 0 for as fast as possible")
        self._rate = float(hertz("rate", self.rate)) if self.rate else 0.0
        self._frequency = float(hertz("frequency", self.frequency)) if self.frequency else 0.0
        self._format = FORMATS.get(self.format, self.format)
        if self._format:
            try:
                known = Signal(self._format, self._rate or 1.0, self._frequency)
            except DeclarationError as error:
                raise ValueError(f"format={self.format}: {error}") from None
            self._known = known if self._rate else None

    async def open(self) -> None:
        """Open at the first sample. Raises SourceUnavailable: absent, no permission, no samples, format not told."""
        await self.close()
        try:
            if self._is_pipe():
                self._begin_pipe()
            else:
                self._file = self._read_header()
                self._fd = os.open(self._file.path, os.O_RDONLY | os.O_CLOEXEC)
                self._pieces = self._file.pieces()
                self._next = next(self._pieces, None)
                self._anchor_ns, self._given = None, 0
                self._started = asyncio.get_running_loop().time()
        except OSError as error:
            await self.close()
            raise SourceUnavailable(self.address, remedy(error)) from error

    async def receive(self) -> list[Chunk]:
        """The next samples, when they are due; empty at the end. SourceLost when the file was cut short meanwhile."""
        if self._arrivals is not None:
            return await self._arrivals.receive()
        file, piece = self._opened()
        if piece is None:
            return []
        await asyncio.sleep(self._due(file, piece))
        file, _ = self._opened()
        try:
            data = file.read(self._fd, piece)
        except OSError as error:
            raise SourceLost(self.address, f"{error.strerror} at sample {self._given}; check the disk") from error
        if len(data) < piece.count * file.signal.size:
            raise SourceLost(self.address, "cut short by another program; open it again to read it from its start")
        if self._anchor_ns is None:
            self._anchor_ns = self.clock() - file.received_ns(piece)
        self._next = next(self._pieces, None)
        self._given += piece.count
        return [Chunk(self.link, data, self._anchor_ns + file.received_ns(piece))]

    async def close(self) -> None:
        """Close the file; standard input is left open."""
        if self._arrivals is not None:
            self._arrivals.close()
        if self._fd > 0:
            os.close(self._fd)
        self._fd = -1

    @property
    def signal(self) -> Signal:
        """By the options and the file's header. Raises SourceUnavailable."""
        if self._file is not None:
            return self._file.signal
        try:
            if self._is_pipe():
                return self._piped()
        except OSError as error:
            raise SourceUnavailable(self.address, remedy(error)) from error
        self._file = self._read_header()
        return self._file.signal

    @property
    def state(self) -> Mapping[str, str | int | float]:
        """What it is, and how much of a file was given."""
        if self._fd < 0:
            return {}
        signal = self.signal
        told = {"format": signal.datatype, "rate": short(signal.rate), "frequency": short(signal.frequency)}
        if self._arrivals is not None or self._file is None:
            return told
        return {**told, "position": self._given, "size": self._file.count}

    def _opened(self) -> tuple[SampleFile, Piece | None]:
        if self._fd < 0 or self._file is None:
            raise SourceLost(self.address, "not open; open it first")
        return self._file, self._next

    def _due(self, file: SampleFile, piece: Piece) -> float:
        """Seconds until the last sample of a piece is due."""
        if not self.speed:
            return 0
        elapsed = asyncio.get_running_loop().time() - self._started
        return (file.received_ns(piece) - file.captures[0].start_ns) / 1e9 / self.speed - elapsed

    def _read_header(self) -> SampleFile:
        """What the file tells. Raises SourceUnavailable."""
        try:
            return open_sample_file(self.target, self._format, self._rate, self._frequency)
        except RecordingError as error:
            problem = str(error).removeprefix(f"{self.target}: ")
            raise SourceUnavailable(self.address, problem) from None

    def _is_pipe(self) -> bool:
        return self.target == "-" or stat.S_ISFIFO(Path(self.target).stat().st_mode)

    def _piped(self) -> Signal:
        """What is piped, by the options. Raises SourceUnavailable: a pipe has no header."""
        if self._known is None:
            raise SourceUnavailable(self.address, "what is piped has no header; give format and rate, as cu8 and 2.4M")
        if self.speed:
            raise SourceUnavailable(self.address, "what is piped comes at its own rate; leave speed out")
        return self._known

    def _begin_pipe(self) -> None:
        signal = self._piped()
        self._odd = b""
        self._fd = 0 if self.target == "-" else os.open(self.target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._arrivals = Arrivals(self.address)
        pour = stream(self.link, self.clock, piped(self._fd, READ_MAX))
        self._arrivals.watch(self._fd, self._whole(pour, signal))

    def _whole(self, pour: Drain, signal: Signal) -> Drain:
        """A drain that gives whole samples, with times by a clock that counts them."""
        clock = SampleClock(signal.rate)

        def drain() -> Iterator[Chunk]:
            for chunk in pour():
                data = self._odd + chunk.data
                samples = len(data) // signal.size
                end = samples * signal.size
                self._odd = data[end:]
                if samples:
                    yield Chunk(chunk.link, data[:end], clock.stamp(samples, chunk.received_ns))

        return drain


SOURCE = IqFile
