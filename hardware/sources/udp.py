"""UDP datagrams sent to a port of this machine or to a multicast group. Each chunk is one datagram.

Chunks carry the kernel's time of arrival where it gives one (Linux SO_TIMESTAMPNS), so a burst keeps its times when
the station was busy. What the kernel threw away because its buffer was full is in ``state`` as ``dropped``.
"""

import asyncio
import errno
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, ClassVar

from hardware.arrivals import Arrivals
from hardware.endpoint import Endpoint
from hardware.source import Source
from protocols.chunk import Chunk
from protocols.errors import SourceLost, SourceUnavailable

_DATAGRAM_MAX = 1 << 16
"""A buffer no datagram outgrows: the length field of UDP has 16 bits (RFC 768)."""
_TURN_MAX = 256
"""Datagrams taken in one turn of the loop, so that the other links get theirs. Our choice."""
_LINUX = sys.platform == "linux"
_SO_TIMESTAMPNS, _SO_MEMINFO, _IP_MULTICAST_ALL, _SO_RCVBUFFORCE = 35, 55, 49, 33
"""Linux options Python does not name: asm-generic/socket.h; linux/in.h."""
_TIMESPEC = struct.Struct("@ll")
_MEMINFO = struct.Struct("9I")
"""SK_MEMINFO_* of linux/sock_diag.h; the last is the datagrams dropped."""


@dataclass(eq=False)
class Udp(Source):
    """Datagrams. There is nobody to lose: silence is for the link's staleness to tell."""

    datagrams: ClassVar[bool] = True

    interface: str = ""
    """For a multicast group: the address or name of the network interface to join it on; else the system chooses."""
    buffer: int = 4 << 20
    """Bytes of kernel buffer to ask for; ``state`` says what was given (net.core.rmem_max limits it)."""

    _endpoint: Endpoint = field(init=False, repr=False)
    _socket: socket.socket | None = field(default=None, init=False, repr=False)
    _arrivals: Arrivals | None = field(default=None, init=False, repr=False)
    _told: dict[str, str | int | float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for a target that is no endpoint, and options out of range."""
        self._endpoint = Endpoint.checked(self.target)
        if not self.interface.isprintable() or not self.interface.isascii():
            raise ValueError(f"interface={self.interface!r}: want the address or the name of one, as eth0")
        if not 0 < self.buffer < 1 << 30:
            raise ValueError(f"buffer={self.buffer}: want bytes, from 1 to 1073741823")

    async def open(self) -> None:
        """Bind the port and join the group. Raises SourceUnavailable: port in use, no such address or interface."""
        await self.close()
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._endpoint.host, self._endpoint.port, type=socket.SOCK_DGRAM)
            self._socket = self._bound(found[0][0], found[0][4])
            self._told = {"listening": _text(self._socket.getsockname()), "empty": 0}
            self._arrivals = Arrivals(self.address)
            self._arrivals.watch(self._socket.fileno(), self._drain)
        except OSError as error:
            await self.close()
            raise SourceUnavailable(self.address, self._remedy(error)) from error

    async def receive(self) -> list[Chunk]:
        """The datagrams that have arrived, one a chunk; one without any bytes is counted as ``empty`` and not given."""
        if self._arrivals is None:
            raise SourceLost(self.address, "not open; open it first")
        return await self._arrivals.receive()

    async def close(self) -> None:
        """Close the socket, which leaves the group."""
        if self._arrivals is not None:
            self._arrivals.close()
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    @property
    def state(self) -> Mapping[str, str | int | float]:
        """Where we listen, who sent last, the kernel buffer's size and what it had to drop."""
        if self._socket is None:
            return self._told
        kept = {"buffer": self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)}
        if _LINUX:
            with suppress(OSError, struct.error):  # before Linux 4.12
                kept["dropped"] = _MEMINFO.unpack(
                    self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
                )[-1]
        return {**self._told, **kept}

    def _bound(self, family: int, where: Any) -> socket.socket:
        """A socket that receives what is sent there."""
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.settimeout(0)
            self._enlarge(made)
            if _LINUX:
                made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            if ip_address(where[0]).is_multicast:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # several programs may hear one group
                self._join(made, family, where)
            elif self.interface:
                raise OSError(errno.EINVAL, "interface= is for multicast groups; leave it out, or name a group")
            else:
                made.bind(where)
        except BaseException:
            made.close()
            raise
        return made

    def _enlarge(self, made: socket.socket) -> None:
        """As large a kernel buffer as we may have; the privileged way goes past the system's limit."""
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer)
        if _LINUX:
            with suppress(PermissionError):
                made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, self.buffer)

    def _join(self, made: socket.socket, family: int, where: Any) -> None:
        """Bind to the group, join it on the wanted interface, and hear none that only others here have joined."""
        group, port = where[:2]
        address, index = self._interface(family)
        if family == socket.AF_INET6:
            index = index or where[3]
            made.bind((group, port, 0, index))  # without the interface, a link-local group cannot be bound (ipv6(7))
            packed = socket.inet_pton(family, group.partition("%")[0])
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, packed + struct.pack("@I", index))
            return
        made.bind((group, port))
        if _LINUX:
            made.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        # struct ip_mreqn of ip(7): group, our address, interface index
        joined = socket.inet_aton(group) + address + struct.pack("@i", index)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)

    def _interface(self, family: int) -> tuple[bytes, int]:
        """The interface as an IPv4 address and an index, of which one is 0; both for any."""
        if family == socket.AF_INET:
            with suppress(OSError):
                return socket.inet_aton(self.interface), 0
        if not self.interface:
            return bytes(4), 0
        try:
            return bytes(4), socket.if_nametoindex(self.interface)
        except OSError:
            raise OSError(errno.ENODEV, f"no network interface {self.interface!r}; {_interfaces()}") from None

    def _drain(self) -> Iterator[Chunk]:
        """The datagrams that wait, each with its time."""
        kernel_time = self.clock is time.time_ns  # the kernel stamps by the same clock
        view = memoryview(_BUFFER)
        for _ in range(_TURN_MAX):
            if self._socket is None:
                return
            try:
                size, extra, _flags, peer = self._socket.recvmsg_into([_BUFFER], 64)
            except BlockingIOError:
                return
            self._told["peer"] = _text(peer)
            if size:
                yield Chunk(self.link, bytes(view[:size]), _stamp(extra) if kernel_time and extra else self.clock())
            else:
                self._told["empty"] = int(self._told["empty"]) + 1

    def _remedy(self, error: OSError) -> str:
        """What is wrong and what to do."""
        if isinstance(error, socket.gaierror):
            return (
                f"no host is called {self._endpoint.host!r} ({error.strerror}); check the name, or give its IP address"
            )
        remedies = {
            errno.EADDRINUSE: "the port is in use by another program; close that, or choose another port",
            errno.EADDRNOTAVAIL: "this machine has no such address; give one of its own, or 0.0.0.0 for all",
            errno.EACCES: "no permission for that port; choose one from 1024 up",
        }
        problem = error.strerror or str(error)
        return remedies.get(error.errno or 0, problem if "; " in problem else f"{problem}; {_interfaces()}")


_BUFFER = bytearray(_DATAGRAM_MAX)
"""Where datagrams land before they are copied out; one for all, for the loop reads one at a time."""


def _stamp(extra: list[tuple[int, int, bytes]]) -> int:
    """The kernel's time of arrival, ns UTC: SCM_TIMESTAMPNS is the only ancillary data asked for (socket(7))."""
    seconds, nanoseconds = _TIMESPEC.unpack(extra[0][2])
    return int(seconds * 1_000_000_000 + nanoseconds)


def _interfaces() -> str:
    """What can be named."""
    return f"choose one with interface= (here: {', '.join(name for _, name in socket.if_nameindex())})"


def _text(where: Any) -> str:
    """A socket's address as it is written in an address of ours."""
    return str(Endpoint(where[0], where[1]))


SOURCE = Udp
