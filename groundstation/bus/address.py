"""A broker's address, and how a client of it is made."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from protocols.errors import BusError

PASSWORD_VARIABLE = "GROUNDSTATION_MQTT_PASSWORD"  # noqa: S105 the variable's name, not a password


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is and how to log in."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, password_file: str = "") -> BrokerAddress:
        """From ``mqtt://[user@]host[:port]`` or ``mqtts://``; password by file or environment. Raises BusError."""
        shown = _without_login(url)
        try:
            parts = urlsplit(url if "://" in url else f"mqtt://{url}")
            port, host = parts.port, (parts.hostname or "").encode("idna").decode()
        except ValueError:
            raise BusError(shown, "no host, or no port from 1 to 65535; want mqtt://host:port") from None
        if parts.scheme not in ("mqtt", "mqtts") or not host or " " in host or not host.isprintable() or port == 0:
            raise BusError(shown, "want mqtt://host:port or mqtts://host:port, the port from 1 to 65535")
        if parts.password is not None:
            problem = f"no password in an address, where others see it; set {PASSWORD_VARIABLE} or mqtt.password_file"
            raise BusError(shown, problem)
        tls = parts.scheme == "mqtts"
        password = _password(shown, password_file) if password_file else os.environ.get(PASSWORD_VARIABLE)
        username = unquote(parts.username) if parts.username else None
        return cls(host, port or (8883 if tls else 1883), tls, username, password if username else None)

    @property
    def url(self) -> str:
        """The address with the user's name, as a client takes it; never with the password."""
        scheme, at, place = str(self).partition("://")
        return f"{scheme}{at}{quote(self.username, safe='')}@{place}" if self.username else str(self)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def client(self, **options: Any) -> Any:
        """A new aiomqtt client, not yet connected."""
        import aiomqtt  # noqa: PLC0415 imported where a bus is used; it costs 0.1 s

        return aiomqtt.Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            tls_context=ssl.create_default_context() if self.tls else None,
            **options,
        )


def _without_login(url: str) -> str:
    """An address as messages may show it: without what stands before the host, which may hold a password."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    return scheme + separator + rest.rpartition("@")[2]


def _password(broker: str, file: str) -> str:
    """The password in a file. Raises BusError."""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise BusError(broker, f"{file} cannot be read ({problem}); correct mqtt.password_file") from None
