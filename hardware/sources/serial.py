"""A serial port: pyserial for naming and set-up, the event loop for reading.

The port is looked up anew at every opening, so a device named by its USB identity, or by a link of
``/dev/serial/by-id``, is found again after an unplug also under another ``/dev`` name.
"""

import errno
import fcntl
import os
import select
import struct
import termios
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import serial
from serial.tools.list_ports import comports
from serial.tools.list_ports_common import ListPortInfo

from hardware.arrivals import READ_MAX, Arrivals, stream
from hardware.devices import choice, found, identity
from hardware.source import Source
from protocols.chunk import Chunk
from protocols.errors import SourceLost, SourceUnavailable

_ICOUNTER = struct.Struct("20i")
"""serial_icounter_struct of linux/serial.h: cts dsr rng dcd rx tx frame overrun parity brk buf_overrun, 9 spare."""


@dataclass(eq=False)
class Serial(Source):
    """A serial port of this machine. What arrived before it was opened is thrown away."""

    baud: int = 115200
    """Symbols per second; any rate the device can do."""
    bytesize: int = 8
    """Data bits of a character, 5 to 8."""
    parity: str = "N"
    """N none, E even, O odd, M mark, S space."""
    stopbits: float = 1.0
    """1, 1.5 or 2."""
    rtscts: bool = False
    """Hardware flow control."""
    xonxoff: bool = False
    """Software flow control: takes two of the 256 byte values, so not for binary telemetry."""
    exclusive: bool = True
    """Refuse, and be refused, when another program has the port."""
    low_latency: bool = True
    """Ask the driver to hand over bytes at once (FTDI: after 1 ms instead of 16), where it can."""
    listing: Callable[[], Iterable[ListPortInfo]] = field(default=comports, kw_only=True, repr=False)
    """What ports there are, with their USB identities."""

    _port: Any = field(default=None, init=False, repr=False)
    _arrivals: Arrivals | None = field(default=None, init=False, repr=False)
    _device: str = field(default="", init=False, repr=False)
    _latency: str = field(default="as it was", init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for a target or an option no port can have."""
        if not self.target.startswith("/"):
            identity(self.target)
        self.parity = self.parity.upper()
        for name, value, allowed in (
            ("bytesize", self.bytesize, serial.Serial.BYTESIZES),
            ("parity", self.parity, serial.Serial.PARITIES),
            ("stopbits", self.stopbits, serial.Serial.STOPBITS),
        ):
            if value not in allowed:
                raise ValueError(f"{name}={value}: want one of {', '.join(map(str, allowed))}")
        if not 0 < self.baud < 1 << 31:
            raise ValueError(f"baud={self.baud}: want a rate above 0, as 115200")

    async def open(self) -> None:
        """Find the device, take it for ourselves, set it up and begin to listen. Raises SourceUnavailable."""
        await self.close()
        path = self._path()
        try:
            self._port = self._opened(path)
            self._check_kept(self._port.fd)
            self._arrivals = Arrivals(self.address)
            self._arrivals.watch(self._port.fd, stream(self.link, self.clock, _reader(self._port.fd)))
        except (OSError, ValueError, termios.error) as error:
            await self.close()
            raise SourceUnavailable(self.address, self._remedy(path, error)) from error

    async def receive(self) -> list[Chunk]:
        """What has arrived since the last call; SourceLost at once when the device is unplugged."""
        if self._arrivals is None:
            raise SourceLost(self.address, "not open; open it first")
        return await self._arrivals.receive()

    async def close(self) -> None:
        """Give the port back."""
        if self._arrivals is not None:
            self._arrivals.close()
        if self._port is not None:
            with suppress(OSError):
                fcntl.ioctl(self._port.fd, termios.TIOCNXCL)
            with suppress(OSError, termios.error):
                self._port.close()
        self._port = None

    @property
    def state(self) -> Mapping[str, str | int | float]:
        """The device behind the name, its rate, and what its driver has counted since it was plugged in."""
        if self._port is None:
            return {}
        return {
            "device": self._device,
            "baud": self.baud,
            "low_latency": self._latency,
            **_line_errors(self._port.fd),
        }

    def _path(self) -> str:
        """Where the device is now. Raises SourceUnavailable unless exactly one fits."""
        if self.target.startswith("/"):
            return self.target
        try:
            return found(self.target, self.listing())
        except LookupError as error:
            raise SourceUnavailable(self.address, str(error)) from None

    def _opened(self, path: str) -> Any:
        """The port, set up. With inter_byte_timeout=0 pyserial sets VMIN=1, VTIME=0: an empty read is a hang-up."""
        port = serial.Serial(
            path,
            self.baud,
            bytesize=self.bytesize,
            parity=self.parity,
            stopbits=self.stopbits,
            rtscts=self.rtscts,
            xonxoff=self.xonxoff,
            exclusive=self.exclusive or None,
            timeout=0,
            inter_byte_timeout=0,
        )
        self._device = os.path.realpath(path)
        if self.exclusive:
            with suppress(OSError):  # the lock pyserial took holds among programs that look for it; this, among all
                fcntl.ioctl(port.fd, termios.TIOCEXCL)
        if self.low_latency:
            try:
                port.set_low_latency_mode(True)
                self._latency = "on"
            except (AttributeError, ValueError):  # not on this system; not by this driver
                self._latency = "not offered by the driver"
        return port

    def _check_kept(self, fd: int) -> None:
        """Raises ValueError if the driver took the character settings without keeping them, as POSIX lets it."""
        asked = getattr(termios, f"CS{self.bytesize}") | (0 if self.parity == "N" else termios.PARENB)
        if termios.tcgetattr(fd)[2] & (termios.CSIZE | termios.PARENB) != asked:
            raise ValueError(self._setting)

    def _remedy(self, path: str, error: Exception) -> str:
        """What is wrong and what to do. pyserial gives the number of a termios error only as its context."""
        cause = error if isinstance(error, OSError) and error.errno else error.__context__ or error
        code = cause.args[0] if cause.args and isinstance(cause.args[0], int) else 0
        other = choice(self.listing())
        remedies = {
            errno.ENOENT: f"no such device; {other}",
            errno.EACCES: f"no permission for {path}; join its group (sudo usermod -aG dialout $USER) and log in again",
            errno.EAGAIN: f"{path} is in use by another program; close that (fuser {path} names it)",
            errno.ENOTTY: f"{path} is not a serial port; {other}",
            errno.EINVAL: f"{path} does not do {self._setting}; choose what both ends can do",
            errno.EIO: f"nothing answers behind {path}; plug the device in, or name another",
        }
        same = {errno.EPERM: errno.EACCES, errno.EBUSY: errno.EAGAIN, errno.ENXIO: errno.EIO, errno.ENODEV: errno.EIO}
        code = errno.EINVAL if isinstance(error, ValueError) else same.get(code, code)
        return remedies.get(code, f"{error}; check the device and its driver")

    @property
    def _setting(self) -> str:
        """Rate and character as they are commonly written: 115200 8N1."""
        return f"{self.baud} {self.bytesize}{self.parity}{self.stopbits:g}"


def _reader(fd: int) -> Callable[[], bytes]:
    """Reads until nothing is left; OSError when the device is gone, of which a kernel has three ways to tell."""
    poll = select.poll()
    poll.register(fd, 0)  # hang-up and error are told without being asked for

    def read() -> bytes:
        try:
            data = os.read(fd, READ_MAX)
        except BlockingIOError:
            if not poll.poll(0):
                raise
            data = b""
        except OSError as error:
            raise OSError(error.errno, f"unplugged ({error.strerror}); plug it in again") from None
        if not data:
            raise OSError(errno.EIO, "unplugged (hang-up); plug it in again")
        return data

    return read


def _line_errors(fd: int) -> dict[str, int]:
    """The driver's own counts; empty where it keeps none (a pty)."""
    try:
        counts = _ICOUNTER.unpack(fcntl.ioctl(fd, termios.TIOCGICOUNT, bytes(_ICOUNTER.size)))
    except (OSError, AttributeError):  # not this driver; not this system
        return {}
    frame, overrun, parity, breaks, buffer_overrun = counts[6:11]
    return {
        "framing_errors": frame,
        "parity_errors": parity,
        "breaks": breaks,
        "overruns": overrun + buffer_overrun,
    }


SOURCE = Serial
