"""A simulated radio to receive: an rtl_tcp server whose dongle hears the vehicle, in real time.

Samples are made by absolute deadlines from the clock that only goes forward, so that a late block is made up for and
the rate is right in the long run. As with rtl_tcp, the client tunes, one client is served at a time, and to one that is
slow samples are lost without a word; time goes by also while nobody listens.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from hardware.endpoint import Endpoint
from hardware.quantity import short
from hardware.simulator.downlink import Radio
from hardware.simulator.radio_address import RadioAddress
from hardware.simulator.transmitter import Sink
from hardware.sources.rtl_tcp import COMMAND, FREQUENCY, GREETING, RATE
from protocols.errors import AddressError, DeclarationError, SourceUnavailable
from protocols.signal import Signal

BLOCK_S: Final = 0.02
"""s of samples made at once: what a packet waits for at most before it is on the air."""
LONGEST_S: Final = 0.1
"""s of samples made in one go when late, so that others get their turn of the event loop."""
HELD_MAX: Final = 32 << 20
"""Bytes that wait for a slow client; then blocks are lost. rtl_tcp holds 130 MB. Our choice: 7 s at 2.4 million/s."""
RATE_MAX: Final = 3_200_000
"""Samples a second that an RTL2832 gives at most (librtlsdr.c, ``rtlsdr_set_sample_rate``)."""
_R820T, _GAINS = 5, 29


class RtlTcpSink(Sink):
    """A server of rtl_tcp's protocol."""

    def __init__(self, where: Endpoint, radio: Radio, signal: Signal) -> None:
        """The signal is what is received until the client tunes, and its frequency the vehicle's. Raises
        DeclarationError on a radio that cannot be.
        """
        super().__init__()
        self.lost = 0
        """Samples that a slow client did not take."""
        self._where, self._downlink = where, radio.downlink(signal)
        self._offered = signal
        self._server: asyncio.Server | None = None
        self._client: asyncio.StreamWriter | None = None
        self._pumping: asyncio.Task[None] | None = None
        self._began, self._made = 0.0, 0
        self._quiet = asyncio.Event()

    @property
    def address(self) -> str:
        """``rtl_tcp:HOST:PORT?frequency=...&rate=...``."""
        offered = self._offered
        return f"rtl_tcp:{self._where}?frequency={short(offered.frequency)}&rate={short(offered.rate)}"

    @property
    def signal(self) -> Signal:
        """How the client has tuned."""
        return self._downlink.signal

    async def open(self) -> None:
        """Listen. Raises SourceUnavailable: port in use, no such address."""
        await self.close()
        try:
            self._server = await asyncio.start_server(self._serve, self._where.host, self._where.port)
        except (OSError, UnicodeError) as error:
            used = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            problem = "the port is in use; choose another" if used else f"{error}; check the host"
            raise SourceUnavailable(f"rtl_tcp:{self._where}", problem) from error
        self._where = Endpoint(self._where.host, self._server.sockets[0].getsockname()[1])
        self._begin()
        self._pumping = asyncio.create_task(self._pump())

    async def write(self, packets: Sequence[bytes]) -> None:
        """Have packets sent, or drop and count those that the link has no room for. Raises DeclarationError on one
        that the framing cannot carry.
        """
        dropped = self._downlink.send(packets)
        self._quiet.clear()
        self.dropped += dropped
        self.written += sum(map(len, packets)) - dropped

    async def finish(self) -> None:
        """Wait until what was written is on the air, and a second, for what receivers hold back."""
        await self._quiet.wait()
        await asyncio.sleep(1.0)

    async def close(self) -> None:
        """Hang up, and stop."""
        pumping, self._pumping = self._pumping, None
        if pumping is not None:
            pumping.cancel()
            with suppress(asyncio.CancelledError):
                await pumping
        if self._client is not None:
            self._client.transport.abort()
        if self._server is not None:
            self._server.close()
        self._server = self._client = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greet a client and do what it says until it leaves; turn away a second one."""
        if self._client is not None:
            writer.transport.abort()
            return
        writer.write(GREETING.pack(b"RTL0", _R820T, _GAINS))
        self._client = writer
        try:
            while True:
                number, value = COMMAND.unpack(await reader.readexactly(COMMAND.size))
                if number in (FREQUENCY, RATE):
                    self._tune(number, value)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            if self._client is writer:
                self._client = None
            writer.close()

    def _tune(self, number: int, value: int) -> None:
        """Do as told; a rate that cannot be is ignored without a word, as a dongle does."""
        signal = self._downlink.signal
        if number == RATE and value > max(RATE_MAX, self._offered.rate):
            return
        with suppress(DeclarationError):
            change = replace(signal, frequency=value) if number == FREQUENCY else replace(signal, rate=value)
            if change != signal:
                self._downlink.tune(change)
                self._begin()

    def _begin(self) -> None:
        """Count samples from now."""
        self._began, self._made = asyncio.get_running_loop().time(), 0

    async def _pump(self) -> None:
        """Make what is due, and give it to the client, if there is one with room for it."""
        loop = asyncio.get_running_loop()
        while True:
            rate = self._downlink.signal.rate
            elapsed = loop.time() - self._began
            due = int(elapsed * rate)
            count = min(due - self._made, int(LONGEST_S * rate))
            self._give(count)
            self._made += count
            if not self._downlink.waiting:
                self._quiet.set()
            ahead = (int(elapsed / BLOCK_S) + 1) * BLOCK_S - (loop.time() - self._began)
            await asyncio.sleep(0.0 if self._made < due else max(ahead, 0.0))

    def _give(self, count: int) -> None:
        """Give the client so many samples, or let their time go by."""
        client = self._client
        if client is None or client.is_closing():
            self._downlink.skip(count)
        elif client.transport.get_write_buffer_size() > HELD_MAX:
            self._downlink.skip(count)
            self.lost += count
        else:
            client.write(self._downlink.samples(count))


def rtl_tcp_sink(address: str, where: RadioAddress, radio: Radio) -> RtlTcpSink:
    """The server an address names, not yet listening. Raises AddressError, and DeclarationError."""
    try:
        return RtlTcpSink(Endpoint.checked(where.target), radio, where.signal)
    except ValueError as error:
        raise AddressError(address, str(error)) from None
