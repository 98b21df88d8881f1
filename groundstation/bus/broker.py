"""The embedded MQTT broker: what carries the bus when the campaign file names no broker.

MQTT 3.1.1 and 5.0 on loopback, in the event loop of the station; docs/broker.md says why it is our own and what it
leaves out (sessions that outlive a connection, QoS 2 towards readers, shared subscriptions, passwords, TLS).
"""

import asyncio
import errno
import ipaddress
from typing import Self

from groundstation.bus.broker_connection import Connection
from groundstation.bus.broker_exchange import Exchange
from groundstation.bus.broker_limits import BrokerCounts, BrokerLimits
from protocols.errors import BusError

DEFAULT_PORT = 1883
"""The port that IANA gives to MQTT, where every client looks first."""
_NEXT_PORTS = range(DEFAULT_PORT + 1, DEFAULT_PORT + 10)
_GOODBYE_S = 1.0
"""Seconds that readers get, when the broker stops, to take what is still queued for them."""


class EmbeddedBroker:
    """An MQTT broker on loopback for when no broker is named. Async context manager."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = DEFAULT_PORT, *, limits: BrokerLimits | None = None
    ) -> None:
        self._host, self._port = "127.0.0.1" if host == "localhost" else host, port
        self._exchange = Exchange(limits or BrokerLimits())
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where clients find it: ``mqtt://127.0.0.1:1883``, with the real port once it listens."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"mqtt://{host}:{self._port}"

    @property
    def clients(self) -> int:
        """How many are connected now."""
        return len(self._connections)

    @property
    def counts(self) -> BrokerCounts:
        """What it has done since it started."""
        return self._exchange.counts

    async def __aenter__(self) -> Self:
        """Listen. If the default port is in use, the next free one is taken; any other port must be free.

        Raises BusError if it cannot listen, or was told to on an address that others can reach.
        """
        if not _is_loopback(self._host):
            raise BusError(
                self.url, "the embedded broker listens on loopback only: use 127.0.0.1 or name a real broker"
            )
        candidates = [self._port] if self._port != DEFAULT_PORT else [DEFAULT_PORT, *_NEXT_PORTS, 0]
        for port in candidates:
            try:
                self._server = await self._listen(port)
            except OSError as fault:
                if fault.errno != errno.EADDRINUSE or port == candidates[-1]:
                    raise BusError(self.url, _advice(fault)) from fault
            else:
                self._port = self._server.sockets[0].getsockname()[1]
                break
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop listening, let readers take what is queued for them for up to a second, and end all connections."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        if self._connections:
            await asyncio.wait([each.closed for each in self._connections], timeout=_GOODBYE_S)
        for connection in tuple(self._connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None

    async def _listen(self, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Connection(self._exchange, self._connections), self._host, port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _advice(fault: OSError) -> str:
    match fault.errno:
        case errno.EADDRINUSE:
            return "the port is in use: stop the program that holds it, choose another port, or name its broker instead"
        case errno.EACCES | errno.EPERM:
            return "not allowed to listen on this port: choose one above 1023"
        case _:
            return f"cannot listen ({fault.strerror}): choose another host or port"
