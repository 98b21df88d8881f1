"""Calling a TCP server: the same for every source that does, with what to do when it does not answer."""

from __future__ import annotations

import asyncio
import errno
import os
import socket

from hardware.endpoint import Endpoint

_PROBES = 3
"""Unanswered keepalive probes after which a peer counts as gone. Our choice; Linux takes 9."""


async def connected(endpoint: Endpoint, within: float) -> socket.socket:
    """A connection to the first of the host's addresses that answers ``within`` so many s; not blocking.

    Raises OSError, that of the last address if none does.
    """
    loop = asyncio.get_running_loop()
    last: OSError = OSError(errno.EHOSTUNREACH, "no address")
    for family, kind, protocol, _, where in await loop.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM
    ):
        tried = socket.socket(family, kind, protocol)
        tried.settimeout(0)
        try:
            async with asyncio.timeout(within):
                await loop.sock_connect(tried, where)
        except OSError as error:  # TimeoutError is one
            tried.close()
            last = error
        except BaseException:
            tried.close()
            raise
        else:
            return tried
    raise last


def probe(connection: socket.socket, seconds: int) -> None:
    """Have a silent peer probed after so many seconds; a dead one is noticed in about twice that. 0: never."""
    if seconds:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // _PROBES))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)


def received(connection: socket.socket, size: int) -> bytes:
    """What the peer has sent, up to ``size`` bytes. Raises BlockingIOError when nothing has come; OSError saying what
    to do when it left.
    """
    try:
        data = connection.recv(size)
    except BlockingIOError:
        raise
    except OSError as error:
        raise OSError(error.errno, f"connection broken ({error.strerror}); check the peer and the network") from None
    if not data:
        raise OSError(errno.ECONNRESET, "the peer closed the connection; start it again")
    return data


def remedy(endpoint: Endpoint, timeout: float, error: OSError, refused: str) -> str:
    """What is wrong and what to do; ``refused`` is what to do where nothing listens."""
    if isinstance(error, socket.gaierror):
        return f"no host is called {endpoint.host!r} ({error.strerror}); check the name, or give its IP address"
    if isinstance(error, TimeoutError):
        return f"no answer in {timeout:g} s; check that it is on and reachable (ping {endpoint.host})"
    if error.errno == errno.ECONNREFUSED:
        return f"connection refused; {refused}"
    said = os.strerror(error.errno) if error.errno else str(error)  # asyncio's own text says no more than "failed"
    return f"{said}; check the address and the network"


def told(where: tuple[str, int]) -> str:
    """A socket's address as it is written in an address of ours."""
    return str(Endpoint(where[0], where[1]))


def peer(connection: socket.socket) -> str:
    """The address at the other end; empty where that has hung up already, which reading will tell."""
    try:
        return told(connection.getpeername())
    except OSError:
        return ""
