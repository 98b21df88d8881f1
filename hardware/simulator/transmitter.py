"""Transmits a simulated vehicle's telemetry at its own pace, out of a pseudo-terminal or as UDP datagrams.

Pacing is by absolute deadlines: each tick hands over everything that is due by then, so that a late tick is made up for
and nothing drifts. A sink never holds the transmitter up for long: as on a real line, what nobody takes is lost, and
counted.
"""

import asyncio
import os
import socket
import time
import tty
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from hardware.endpoint import Endpoint
from protocols.errors import AddressError, SourceUnavailable

TICK: Final = 0.005
"""s between hand-overs: half the interval of OS-X's fastest packet type."""
LONGEST_WINDOW: Final = 1.0
"""s of flight handed over in one tick at most, so that a high speed leaves others their turn."""
PATIENCE: Final = 0.05
"""s that a pseudo-terminal waits for a reader to make room before it drops what is left."""
BAUD: Final = 921_600
"""The rate a receiver is told to set, which a pseudo-terminal ignores: OS-X's 8.9 kB/s need a tenth of it."""


class Telemetry(Protocol):
    """What there is to transmit, times in s since T-0."""

    start: float
    """Nothing is sent before."""
    end: float
    """Everything has been sent by then."""

    def window(self, begin: float, end: float) -> list[tuple[float, bytes]]:
        """What is sent from ``begin`` until before ``end``: time and one whole framed packet each, in order."""
        ...


class Sink(ABC):
    """Where telemetry goes: opened, written to, closed."""

    def __init__(self) -> None:
        self.written = 0
        """Bytes handed over."""
        self.dropped = 0
        """Bytes that nobody took."""

    @property
    @abstractmethod
    def address(self) -> str:
        """The address a receiver uses; complete once the sink is open."""

    @abstractmethod
    async def open(self) -> None:
        """Make ready to write. Raises SourceUnavailable, saying what to do."""

    @abstractmethod
    async def write(self, packets: Sequence[bytes]) -> None:
        """Hand over packets, or drop and count what is not taken. Never waits for long, never raises OSError."""

    async def finish(self) -> None:  # noqa: B027 most have nothing to wait for
        """Wait until what was handed over has left, where that takes time."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the device. May be called at any time."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


class PtySink(Sink):
    """A pseudo-terminal, to be received from as from a serial port."""

    def __init__(self) -> None:
        super().__init__()
        self._ours = self._theirs = -1
        self._path = ""
        self._stalled = False

    @property
    def address(self) -> str:
        """``serial:/dev/pts/N?baud=921600``; without the path before it is open."""
        return f"serial:{self._path}?baud={BAUD}"

    async def open(self) -> None:
        """Make the pair of terminals. Raises SourceUnavailable when the system has none left."""
        await self.close()
        try:
            self._ours, self._theirs = os.openpty()
        except OSError as error:
            raise SourceUnavailable(
                "pty", f"no pseudo-terminal to be had ({error.strerror}); close some terminals"
            ) from error
        tty.setraw(self._theirs)  # held open, so that the setting stays when a receiver comes and goes
        os.set_blocking(self._ours, False)
        self._path, self._stalled = os.ttyname(self._theirs), False

    async def write(self, packets: Sequence[bytes]) -> None:
        """Hand over packets in one write. When no room is made within PATIENCE, the rest is dropped, and from then on
        everything, without waiting, until there is room again.
        """
        left, late = memoryview(b"".join(packets)), False
        while left:
            try:
                taken = os.write(self._ours, left)
            except BlockingIOError:
                if self._stalled or late:
                    break
                late = not await self._room()  # then tried once more: if we were kept from running, a reader was too
            except OSError:  # closed meanwhile
                break
            else:
                self.written += taken
                left = left[taken:]
                self._stalled = late = False
        if left:
            self._stalled = True
            self.dropped += len(left)

    async def close(self) -> None:
        """Close both ends: to a receiver the cable is pulled."""
        if self._ours < 0:
            return
        asyncio.get_running_loop().remove_writer(self._ours)
        os.close(self._ours)
        os.close(self._theirs)
        self._ours = self._theirs = -1

    async def _room(self) -> bool:
        """Wait until the terminal takes bytes again; whether it does in time."""
        loop, ready, ours = asyncio.get_running_loop(), asyncio.Event(), self._ours
        loop.add_writer(ours, ready.set)
        try:
            async with asyncio.timeout(PATIENCE):
                await ready.wait()
        except TimeoutError:
            return False
        finally:
            if self._ours == ours:  # else closed meanwhile, and the number may be another's
                loop.remove_writer(ours)
        return True


class UdpSink(Sink):
    """UDP datagrams, one for each packet."""

    def __init__(self, host: str, port: int) -> None:
        """Raises ValueError for a port that nothing can be sent to."""
        super().__init__()
        if not 0 < port < 1 << 16:
            raise ValueError(f"port {port} is none to send to; want 1 to 65535")
        self._to = Endpoint(host, port)
        self._socket: socket.socket | None = None

    @property
    def address(self) -> str:
        """``udp:HOST:PORT``, as a receiver on that host, or in that multicast group, listens."""
        return f"udp:{self._to}"

    async def open(self) -> None:
        """Find the host. Raises SourceUnavailable where there is none of that name."""
        await self.close()
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._to.host, self._to.port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:  # unknown; or no host can have that name
            reason = (isinstance(error, OSError) and error.strerror) or error
            problem = f"no host is called {self._to.host!r} ({reason}); check the name, or give its IP address"
            raise SourceUnavailable(self.address, problem) from error
        self._socket = socket.socket(found[0][0], socket.SOCK_DGRAM)
        self._socket.settimeout(0.0)
        self._where = found[0][4]

    async def write(self, packets: Sequence[bytes]) -> None:
        """Send packets, one a datagram; one that the system refuses is dropped."""
        for packet in packets:
            try:
                if self._socket is not None:
                    self._socket.sendto(packet, self._where)
                    self.written += len(packet)
                    continue
            except OSError:  # the buffer is full, the interface is down: a radio would not know either
                pass
            self.dropped += len(packet)

    async def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def sink(address: str) -> Sink:
    """The sink that ``pty:`` or ``udp:HOST:PORT`` names, not yet open. Raises AddressError."""
    kind, colon, target = address.partition(":")
    if not colon or kind not in ("pty", "udp"):
        raise AddressError(address, "want pty:, udp:HOST:PORT, or of a radio rtl_tcp:HOST:PORT or sigmf:PATH")
    if "?" in target:
        raise AddressError(address, f"{kind} has no options to send with; leave out what follows the question mark")
    if kind == "pty":
        if target:
            raise AddressError(address, "the system chooses the name of a pseudo-terminal; write pty: alone")
        return PtySink()
    try:
        where = Endpoint.of(target)
        return UdpSink(where.host, where.port)
    except ValueError as error:
        raise AddressError(address, str(error)) from None


async def transmit(
    telemetry: Telemetry,
    sink: Sink,
    *,
    speed: float = 1.0,
    begin: float | None = None,
    end: float | None = None,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> int:
    """Send what there is from ``begin`` until before ``end``, s since T-0 (else all of it), to an open sink.

    ``speed`` is flight time over real time, ``inf`` as fast as the sink takes it. Gives the number of packets handed
    over. May be cancelled; the sink then stays open. ``now`` is a clock in s that only goes forward,
    ``sleep`` waits by it. Raises ValueError for a speed that leads nowhere.
    """
    if not speed > 0.0:
        raise ValueError(f"speed is {speed}: give more than 0, or inf for as fast as possible")
    sent, last = telemetry.start if begin is None else begin, telemetry.end if end is None else end
    first, started, tick, packets = sent, now(), 0, 0
    while sent < last:
        elapsed = now() - started
        due = first + elapsed * speed if elapsed > 0.0 else first
        upto = min(due, sent + LONGEST_WINDOW, last)
        ready = [packet for _, packet in telemetry.window(sent, upto)]
        if ready:
            await sink.write(ready)
            packets += len(ready)
        sent, behind = upto, upto < due
        tick = max(tick, int((now() - started) / TICK)) + 1
        await sleep(0.0 if behind else max(started + tick * TICK - now(), 0.0))
    return packets
