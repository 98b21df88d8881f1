"""What has arrived on a file descriptor: drained on the event loop as it comes, kept in order until asked for.

No thread: ``loop.add_reader`` and non-blocking reads. Draining does not wait for the reader of the link, so that a
driver's small buffer (4 kB for a serial port) does not run over while the station is busy with something else.
"""

import asyncio
from collections.abc import Callable, Iterator

from protocols.chunk import Chunk
from protocols.errors import SourceLost

HELD_MAX = 8 << 20
"""Bytes kept for a reader that does not come. Then nothing more is taken and the rest waits in the kernel, which slows
a TCP sender and counts what a serial port or UDP socket loses. Our choice: over a minute of 1 Mbit/s."""
CHUNK_COST = 256
"""Bytes a chunk counts for beside its data, so that many small ones are bounded too: about what CPython needs."""
TURN_MAX = 1 << 20
"""Bytes taken from one descriptor in one turn of the loop, so that the other links get theirs. Our choice."""
READ_MAX = 1 << 16
"""Bytes asked for in one read: the most a Linux pipe holds, 16 times what a terminal gives at once."""
SHORT_READ = 1 << 11
"""A read that brings less has most likely emptied the descriptor: asking again would cost more than the loop's telling
us. Half of what a terminal gives at once; measured on a pty, 1 byte to 4 kB made no difference, asking always did."""

Drain = Callable[[], Iterator[Chunk]]
"""Gives what has arrived by now; raises OSError when the source is lost, EOFError when it has ended."""


class Arrivals:
    """The chunks of one opened source, from the first to the loss or the end."""

    def __init__(self, address: str, *, pause_s: float = 0.0) -> None:
        """With a pause, a drained descriptor is looked at again only so many s later: fewer and larger chunks."""
        self._address = address
        self._pause_s = pause_s
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._held: list[Chunk] = []
        self._size = 0
        self._loss: str | None = None
        self._ended = False
        self._fd = -1
        self._watching = False
        self._resting: asyncio.TimerHandle | None = None
        self._drain: Drain = lambda: iter(())

    def watch(self, fd: int, drain: Drain) -> None:
        """Drain this non-blocking descriptor whenever it has something. Raises OSError where it cannot be waited on."""
        self._fd, self._drain = fd, drain
        self._loop.add_reader(fd, self._arrived)
        self._watching = True

    def lose(self, problem: str) -> None:
        """End with SourceLost, after all that is held was given."""
        if self._loss is None:
            self._loss = problem
        self._pause()
        self._news.set()

    async def receive(self) -> list[Chunk]:
        """All that has arrived, at least one chunk; empty at the end. Raises SourceLost."""
        while not (self._held or self._ended or self._loss is not None):
            self._news.clear()
            await self._news.wait()
        given, self._held, self._size = self._held, [], 0
        if not given and self._loss is not None:
            raise SourceLost(self._address, self._loss)
        if not (self._ended or self._watching or self._resting or self._loss is not None) and self._fd >= 0:
            self.watch(self._fd, self._drain)
        return given

    def close(self) -> None:
        """Stop watching; whoever waits gets SourceLost. Call it before closing the descriptor."""
        self.lose("closed here; open it again to receive")
        self._fd = -1

    def _arrived(self) -> None:
        """Take what there is, and notice the end."""
        try:
            for chunk in self._drain():
                self._held.append(chunk)
                self._size += len(chunk.data) + CHUNK_COST
        except EOFError:
            self._ended = True
            self._pause()
        except OSError as error:
            self.lose(error.strerror or str(error))
        if self._size >= HELD_MAX:
            self._pause()
        elif self._pause_s and self._watching:
            self._pause()
            self._resting = self._loop.call_later(self._pause_s, self._resume)
        self._news.set()

    def _resume(self) -> None:
        """Look again after a pause."""
        self._resting = None
        if not (self._ended or self._watching or self._loss is not None):
            self.watch(self._fd, self._drain)

    def _pause(self) -> None:
        """Take no more for now."""
        if self._resting:
            self._resting.cancel()
            self._resting = None
        if self._watching and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
        self._watching = False


def stream(link: str, clock: Callable[[], int], read: Callable[[], bytes]) -> Drain:
    """A drain for bytes without borders: all that one turn brings is one chunk, stamped after the last read.

    ``read`` raises BlockingIOError when there is nothing more, and OSError or EOFError at the end.
    """

    def drain() -> Iterator[Chunk]:
        parts: list[bytes] = []
        size = 0
        end: OSError | EOFError | None = None
        try:
            while size < TURN_MAX:
                parts.append(read())
                size += len(parts[-1])
                if len(parts[-1]) < SHORT_READ:
                    break
        except BlockingIOError:
            pass
        except (OSError, EOFError) as error:
            end = error
        if parts:
            yield Chunk(link, b"".join(parts) if len(parts) > 1 else parts[0], clock())
        if end is not None:
            raise end

    return drain
