"""Raw bytes from a file, a FIFO or standard input (``file:-``), as they are: no framing, no times inside.

A file is read as fast as it is asked for, or at a rate, by absolute deadlines so that lateness does not add up. It
ends at its last byte, a FIFO when its last writer leaves; with ``follow`` neither ends.
"""

import asyncio
import errno
import os
import select
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hardware.arrivals import Arrivals, stream
from hardware.source import Source
from protocols.chunk import Chunk
from protocols.errors import SourceLost, SourceUnavailable

_FOLLOW_S = 0.05
"""How often a followed file is looked at, s: half of what an operator's screen is drawn at."""
_CHUNK_MAX = 1 << 24
"""The largest piece that may be asked for, bytes: it is held in memory whole. Our choice."""


@dataclass(eq=False)
class File(Source):
    """Bytes somebody has stored, or pipes to us."""

    finite: ClassVar[bool] = True

    chunk: int = 65536
    """Bytes of a file given at a time."""
    rate: float = 0.0
    """Bytes per second at which a file is given; 0: as fast as it is asked for."""
    follow: bool = False
    """Wait for more at the end, as of a file another program is writing."""

    _fd: int = field(default=-1, init=False, repr=False)
    _arrivals: Arrivals | None = field(default=None, init=False, repr=False)
    _first: int = field(default=0, init=False, repr=False)
    _given: int = field(default=0, init=False, repr=False)
    _started: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for no path, and options out of range."""
        if not self.target or "\0" in self.target:
            raise ValueError("names no file; want file:PATH, or file:- for standard input")
        if not 0 < self.chunk <= _CHUNK_MAX:
            raise ValueError(f"chunk={self.chunk}: want bytes, from 1 to {_CHUNK_MAX}")
        if not 0 <= self.rate < float("inf"):
            raise ValueError(f"rate={self.rate}: want bytes per second, or 0 for as fast as possible")

    async def open(self) -> None:
        """Open at the first byte. Raises SourceUnavailable: absent, no permission, a folder."""
        await self.close()
        try:
            self._fd = self._opened()
            self._begin()
        except OSError as error:
            await self.close()
            raise SourceUnavailable(self.address, remedy(error)) from error

    async def receive(self) -> list[Chunk]:
        """The next piece, when it is due; empty at the end. SourceLost when a followed file was cut short."""
        if self._arrivals is not None:
            return await self._arrivals.receive()
        data = self._piece()
        while self.follow and not data:
            await asyncio.sleep(_FOLLOW_S)
            data = self._piece()
        await asyncio.sleep(self._due(len(data)))
        if self._fd < 0:
            raise SourceLost(self.address, "closed here; open it again to receive")
        self._given += len(data)
        return [Chunk(self.link, data, self.clock())] if data else []

    async def close(self) -> None:
        """Close the file; standard input is left open."""
        if self._arrivals is not None:
            self._arrivals.close()
        if self._fd > 0:
            os.close(self._fd)
        self._fd = -1

    @property
    def state(self) -> Mapping[str, str | int | float]:
        """How much of a file was given; nothing of a FIFO, whose length nobody knows."""
        if self._fd < 0 or self._arrivals is not None:
            return {}
        return {"position": self._given, "size": os.fstat(self._fd).st_size}

    def _opened(self) -> int:
        """Its descriptor. Opening a FIFO waits for no writer; our own end keeps a followed one from ending."""
        if self.target == "-":
            return 0
        fifo = stat.S_ISFIFO(Path(self.target).stat().st_mode)
        return os.open(self.target, (os.O_RDWR if fifo and self.follow else os.O_RDONLY) | os.O_NONBLOCK | os.O_CLOEXEC)

    def _begin(self) -> None:
        """Get ready to read by position, or on arrival."""
        self._arrivals = None
        mode = os.fstat(self._fd).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, "a folder; name a file in it")
        if stat.S_ISREG(mode):
            self._first = self._given = os.lseek(self._fd, 0, os.SEEK_CUR)
            self._started = asyncio.get_running_loop().time()
            return
        if self.rate:
            raise OSError(errno.EINVAL, "what is piped comes at its own rate; leave rate out")
        self._arrivals = Arrivals(self.address)
        self._arrivals.watch(self._fd, stream(self.link, self.clock, piped(self._fd, self.chunk)))

    def _piece(self) -> bytes:
        """The next bytes. Read by position: a cancelled receive has taken nothing."""
        if self._fd < 0:
            raise SourceLost(self.address, "not open; open it first")
        try:
            data = os.pread(self._fd, self.chunk, self._given)
        except OSError as error:
            raise SourceLost(self.address, f"{error.strerror} at byte {self._given}; check the disk") from error
        if not data and os.fstat(self._fd).st_size < self._given:
            raise SourceLost(self.address, "cut short by another program; open it again to read it from its start")
        return data

    def _due(self, size: int) -> float:
        """Seconds until the last of the next size bytes is due."""
        if not self.rate:
            return 0
        elapsed = asyncio.get_running_loop().time() - self._started
        return (self._given + size - self._first) / self.rate - elapsed


def piped(fd: int, size: int) -> Callable[[], bytes]:
    """Reads while there is something. Asks first, for standard input shares its blocking mode with the terminal."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)

    def read() -> bytes:
        if not poll.poll(0):
            raise BlockingIOError
        data = os.read(fd, size)
        if not data:
            raise EOFError
        return data

    return read


def remedy(error: OSError) -> str:
    """What is wrong and what to do."""
    remedies = {
        errno.ENOENT: "no such file; check the path, which is taken from the folder you started in",
        errno.EACCES: "no permission to read it; ask its owner, or chmod +r it",
        errno.EPERM: "neither a file nor a FIFO; name one of these",
        errno.EBADF: "there is no standard input; name a file",
    }
    return remedies.get(error.errno or 0, f"{error.strerror or error}; check the path")


SOURCE = File
