"""An RTL-SDR dongle behind ``rtl_tcp``, of this machine or another: ``rtl_tcp:HOST:PORT?frequency=437.5M&rate=2.4M``.

The protocol is that of osmocom's rtl_tcp (rtl-sdr, src/rtl_tcp.c): the server greets with 12 bytes, ``RTL0``, the
tuner's type and how many gains it has, big-endian, then sends samples without an end, an unsigned byte each for I and
Q. Commands are a byte and a 32-bit number, big-endian, and are not answered.

A client that is slow is told nothing: rtl_tcp keeps some 130 MB for it and then drops the oldest. So what is missing is
found by counting samples against time (:mod:`hardware.sample_clock`).
"""

import asyncio
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hardware.arrivals import TURN_MAX, Arrivals
from hardware.connection import connected, peer, probe, received, remedy
from hardware.endpoint import Endpoint
from hardware.quantity import decibels, hertz, short
from hardware.sample_clock import SampleClock
from hardware.source import Source
from protocols.chunk import Chunk
from protocols.errors import SourceLost, SourceUnavailable
from protocols.signal import Signal

GREETING = struct.Struct(">4sII")
"""``dongle_info_t``: magic, tuner type, gain count."""
COMMAND = struct.Struct(">BI")
"""``struct command``: number, parameter."""
FREQUENCY, RATE, GAIN_MODE, GAIN, CORRECTION, AGC, BIAS_TEE = 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x0E
"""Commands of rtl_tcp.c ``command_worker``: Hz; samples/s; 1 for a gain set by hand; tenths of dB; parts in a million;
the digital gain control of the RTL2832; the voltage for a preamplifier."""
TUNERS = ("unknown", "E4000", "FC0012", "FC0013", "FC2580", "R820T", "R828D")
"""``enum rtlsdr_tuner`` of rtl-sdr.h."""
SAMPLE = 2
"""Bytes: I and Q."""
_READ = 1 << 18
"""Bytes asked for in one read, and the most a chunk holds: a whole buffer of rtl_tcp's, 55 ms at 2.4 million/s."""
_PAUSE_S = 0.02
"""s from having read all there is until more is looked for, so that a server that sends small pieces wakes us 50 times
a second and not a thousand. Of 6 MB that Linux gives a connection, 2.4 million samples/s fill 0.1 MB meanwhile."""
_WORD = 1 << 32


@dataclass(eq=False)
class RtlTcp(Source):
    """IQ samples, two unsigned bytes each, stamped by a clock that counts them."""

    frequency: str = ""
    """Hz to tune to: the middle of the band."""
    rate: str = "2.4M"
    """Samples a second."""
    gain: str = "auto"
    """The tuner's, in dB; the nearest that it has is taken."""
    ppm: int = 0
    """The crystal's error to correct, in parts in a million."""
    agc: bool = False
    """The digital gain control of the RTL2832, behind the tuner."""
    bias_tee: bool = False
    """Feed a preamplifier through the antenna's cable."""
    timeout: float = 5.0
    """Seconds to wait for the server to answer and to greet."""
    keepalive: int = 5
    """Seconds of silence after which the server is probed; 0: never."""

    _endpoint: Endpoint = field(init=False, repr=False)
    _signal: Signal = field(init=False, repr=False)
    _clock: SampleClock = field(init=False, repr=False)
    _commands: bytes = field(init=False, repr=False)
    _connection: socket.socket | None = field(default=None, init=False, repr=False)
    _arrivals: Arrivals | None = field(default=None, init=False, repr=False)
    _odd: bytes = field(default=b"", init=False, repr=False)
    _told: dict[str, str | int | float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for a target that is no endpoint, and options out of range."""
        self._endpoint = Endpoint.checked(self.target)
        if not self.frequency:
            raise ValueError("says no frequency to tune to; add ?frequency=437.5M")
        rate, frequency = hertz("rate", self.rate), hertz("frequency", self.frequency)
        gain = decibels("gain", self.gain)
        for name, value in (("rate", rate), ("frequency", frequency)):
            if value >= _WORD:
                raise ValueError(f"{name}={getattr(self, name)}: rtl_tcp can be told of 4294967295 at most")
        if not -1000 <= self.ppm <= 1000:
            raise ValueError(f"ppm={self.ppm}: want parts in a million, -1000 to 1000")
        if not 0 < self.timeout < float("inf"):
            raise ValueError(f"timeout={self.timeout}: want seconds above 0")
        if not 0 <= self.keepalive < 1 << 15:  # MAX_TCP_KEEPIDLE of linux/tcp.h
            raise ValueError(f"keepalive={self.keepalive}: want 0 to 32767 seconds")
        self._signal = Signal("cu8", rate, frequency)
        self._clock = SampleClock(rate)
        orders = [(RATE, rate), (FREQUENCY, frequency), (CORRECTION, self.ppm), (AGC, self.agc)]
        orders += [(GAIN_MODE, gain is not None), *([] if gain is None else [(GAIN, round(gain * 10))])]
        orders += [(BIAS_TEE, self.bias_tee)]
        self._commands = b"".join(COMMAND.pack(number, value % _WORD) for number, value in orders)

    async def open(self) -> None:
        """Connect and tune. Raises SourceUnavailable: unknown host, refused, silent, not rtl_tcp.

        The first samples may be from before the tuning: rtl_tcp sends as soon as it has a client.
        """
        await self.close()
        try:
            self._connection = await connected(self._endpoint, self.timeout)
            probe(self._connection, self.keepalive)
            tuner, gains = self._understood(await self._greeting(self._connection))
            await asyncio.get_running_loop().sock_sendall(self._connection, self._commands)
        except OSError as error:
            await self.close()
            refused = f"start it there: rtl_tcp -a {self._endpoint.host} -p {self._endpoint.port}"
            raise SourceUnavailable(self.address, remedy(self._endpoint, self.timeout, error, refused)) from error
        except BaseException:
            await self.close()
            raise
        self._told = {"peer": peer(self._connection), "tuner": tuner, "gains": gains}
        self._odd = b""
        self._clock.anchor_again()
        self._arrivals = Arrivals(self.address, pause_s=_PAUSE_S)
        self._arrivals.watch(self._connection.fileno(), self._drain)

    async def receive(self) -> list[Chunk]:
        """Whole samples, in chunks of up to 256 KiB. SourceLost when the server leaves."""
        if self._arrivals is None:
            raise SourceLost(self.address, "not open; open it first")
        return await self._arrivals.receive()

    async def close(self) -> None:
        """Hang up."""
        if self._arrivals is not None:
            self._arrivals.close()
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    @property
    def signal(self) -> Signal:
        """``cu8`` at the rate and frequency asked for."""
        return self._signal

    @property
    def state(self) -> Mapping[str, str | int | float]:
        """The server, its tuner, how it is set, and what was missing by the clock that counts samples."""
        return {
            **self._told,
            "frequency": short(self._signal.frequency),
            "rate": short(self._signal.rate),
            "gain": self.gain if self.gain == "auto" else f"{self.gain} dB",
            "overruns": self._clock.gaps,
            "lost_samples": self._clock.lost,
            "anchored": self._clock.anchored,
        }

    async def _greeting(self, connection: socket.socket) -> bytes:
        """The server's first bytes, as many as rtl_tcp greets with, or those that came in time."""
        loop, data = asyncio.get_running_loop(), b""
        try:
            async with asyncio.timeout(self.timeout):
                while len(data) < GREETING.size:
                    more = await loop.sock_recv(connection, GREETING.size - len(data))
                    if not more:
                        break
                    data += more
        except TimeoutError:
            pass
        return data

    def _understood(self, greeting: bytes) -> tuple[str, int]:
        """The tuner's name and how many gains it has. Raises SourceUnavailable where this is not rtl_tcp."""
        if len(greeting) < GREETING.size or not greeting.startswith(b"RTL0"):
            if not greeting:
                problem = (
                    "the server sent nothing, where rtl_tcp sends RTL0; check the host and the port, and that no other"
                )
                raise SourceUnavailable(
                    self.address, f"{problem} program uses that rtl_tcp, which serves one at a time"
                )
            if greeting.startswith(b"RTL0"):
                raise SourceUnavailable(self.address, "the server greeted in part and no further; start it again")
            problem = f"the server is not rtl_tcp: it began with {greeting!r} and not with RTL0"
            raise SourceUnavailable(self.address, f"{problem}; check the host and the port")
        _, tuner, gains = GREETING.unpack(greeting)
        return TUNERS[tuner] if tuner < len(TUNERS) else f"type {tuner}", gains

    def _drain(self) -> Iterator[Chunk]:
        """What has come by now, as whole samples; of several reads only the one that emptied the socket tells time."""
        read: list[tuple[bytes, int]] = []
        size, emptied = 0, False
        end: OSError | None = None
        while size < TURN_MAX and not emptied and self._connection is not None:
            try:
                data = received(self._connection, _READ)
            except BlockingIOError:
                emptied = True
            except OSError as error:
                emptied, end = True, error
            else:
                read.append((data, self.clock()))
                size += len(data)
                emptied = len(data) < _READ
        for number, (data, arrived) in enumerate(read, 1):
            whole = self._whole(data)
            behind = number < len(read) or not emptied
            if whole:
                yield Chunk(self.link, whole, self._clock.stamp(len(whole) // SAMPLE, arrived, behind=behind))
        if end is not None:
            raise end

    def _whole(self, data: bytes) -> bytes:
        """The whole samples in what was left over and data; half a sample is left over again."""
        if self._odd:
            data = self._odd + data
        odd = len(data) % SAMPLE
        self._odd = data[len(data) - odd :]
        return data[:-odd] if odd else data


SOURCE = RtlTcp
