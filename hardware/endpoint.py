"""Where a socket is: ``HOST:PORT``, ``[IPV6]:PORT`` or ``PORT`` alone, which means this machine only."""

from dataclasses import dataclass
from typing import Self

LOOPBACK = "127.0.0.1"
"""What is meant when no host is named: nobody outside this machine reaches it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> Self:
        """Read from text. Raises ValueError, saying what is wanted."""
        host, _, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if ":" in host and not bracketed:
            raise ValueError(f"{text!r} is not HOST:PORT; write an IPv6 host in brackets, as [::1]:5000")
        if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
            raise ValueError(f"{text!r} does not end with a port; want HOST:PORT or PORT, from 0 to 65535")
        return cls((host[1:-1] if bracketed else host) or LOOPBACK, int(port))

    @classmethod
    def checked(cls, text: str) -> Self:
        """The same, refusing at once a host that no name service could be asked for."""
        made = cls.of(text)
        try:
            made.host.encode("idna")
        except UnicodeError:
            raise ValueError(f"no host can be called {made.host!r}: a part of it is empty or too long") from None
        return made

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
