"""A TCP connection, made or waited for: ``tcp:HOST:PORT``, or ``tcp:PORT?listen=true`` for a vehicle that calls us.

A listening source serves one vehicle at a time. Whoever calls while one is served is turned away at once (reset) and
counted; when the served one leaves, the source is lost, and opened again it listens again.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hardware.arrivals import READ_MAX, Arrivals, stream
from hardware.connection import connected, peer, probe, received, remedy, told
from hardware.endpoint import Endpoint
from hardware.source import Source
from protocols.chunk import Chunk
from protocols.errors import SourceLost, SourceUnavailable

_BACKLOG = 8
"""Callers waiting to be served or turned away. Our choice."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 s: closing resets the connection, so that the caller sees it was turned away (socket(7))."""


@dataclass(eq=False)
class Tcp(Source):
    """A stream from a server, or from a vehicle that connects to us."""

    listen: bool = False
    """Wait for a caller instead of calling."""
    timeout: float = 5.0
    """Seconds to wait for a server to answer."""
    keepalive: int = 5
    """Seconds of silence after which a peer is probed; a dead one is noticed in about twice that. 0: never."""

    _endpoint: Endpoint = field(init=False, repr=False)
    _listener: socket.socket | None = field(default=None, init=False, repr=False)
    _connection: socket.socket | None = field(default=None, init=False, repr=False)
    _arrivals: Arrivals | None = field(default=None, init=False, repr=False)
    _told: dict[str, str | int | float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for a target that is no endpoint, and options out of range."""
        self._endpoint = Endpoint.checked(self.target)
        if not 0 < self.timeout < float("inf"):
            raise ValueError(f"timeout={self.timeout}: want seconds above 0")
        if not 0 <= self.keepalive < 1 << 15:  # MAX_TCP_KEEPIDLE of linux/tcp.h
            raise ValueError(f"keepalive={self.keepalive}: want 0 to 32767 seconds")

    async def open(self) -> None:
        """Connect, or begin to listen. Raises SourceUnavailable: unknown host, refused, silent, port in use."""
        await self.close()
        self._told = {}
        try:
            self._arrivals = Arrivals(self.address)
            if self.listen:
                self._listen(await self._own())
            else:
                self._serve(await connected(self._endpoint, self.timeout))
        except OSError as error:
            await self.close()
            raise SourceUnavailable(self.address, self._remedy(error)) from error
        except BaseException:
            await self.close()
            raise

    async def receive(self) -> list[Chunk]:
        """What has arrived; when listening, waits for a caller first. SourceLost when the peer leaves."""
        if self._arrivals is None:
            raise SourceLost(self.address, "not open; open it first")
        return await self._arrivals.receive()

    async def close(self) -> None:
        """Hang up, and stop listening."""
        if self._arrivals is not None:
            self._arrivals.close()
        if self._listener is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._listener)
            self._listener.close()
        if self._connection is not None:
            self._connection.close()
        self._listener = self._connection = None

    @property
    def state(self) -> Mapping[str, str | int | float]:
        """Who is at the other end, where we listen, and how many callers were turned away."""
        return self._told

    async def _own(self) -> Any:
        """The address to listen on, as getaddrinfo gives it. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._endpoint.host, self._endpoint.port, type=socket.SOCK_STREAM)
        return found[0]

    def _listen(self, found: Any) -> None:
        """Open the port and take calls as they come."""
        family, kind, protocol, _, where = found
        self._listener = listener = socket.socket(family, kind, protocol)
        listener.settimeout(0)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # reopening need not wait out old connections
        listener.bind(where)
        listener.listen(_BACKLOG)
        self._told = {"listening": told(listener.getsockname()), "refused": 0}
        asyncio.get_running_loop().add_reader(listener, self._called)

    def _called(self) -> None:
        """Serve a caller, or turn it away."""
        if self._listener is None:
            return
        try:
            caller, _ = self._listener.accept()
        except OSError:  # it hung up already
            return
        caller.settimeout(0)
        if self._connection is None:
            self._serve(caller)
            return
        self._told["refused"] = int(self._told["refused"]) + 1
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        caller.close()

    def _serve(self, connection: socket.socket) -> None:
        """Receive from it."""
        self._connection = connection
        probe(connection, self.keepalive)
        self._told["peer"] = peer(connection)
        if self._arrivals is not None:
            self._arrivals.watch(connection.fileno(), stream(self.link, self.clock, self._read))

    def _read(self) -> bytes:
        """What the peer has sent; OSError when it left."""
        if self._connection is None:
            raise OSError(errno.ENOTCONN, "closed here")
        return received(self._connection, READ_MAX)

    def _remedy(self, error: OSError) -> str:
        """What is wrong and what to do."""
        remedies = {
            errno.EADDRINUSE: "the port is in use by another program; close that, or choose another port",
            errno.EADDRNOTAVAIL: "this machine has no such address; listen on 127.0.0.1, or on 0.0.0.0 for all",
            errno.EACCES: "no permission for that port; choose one from 1024 up",
        }
        refused = "start the server, or say listen=true if it is to call us"
        return remedies.get(error.errno or 0) or remedy(self._endpoint, self.timeout, error, refused)


SOURCE = Tcp
