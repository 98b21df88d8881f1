"""Which broker the bus runs on: the one that is named, or the embedded one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from groundstation.bus.address import BrokerAddress

ABANDONED_S = 600.0
"""A demo or replay that is over, and that nobody has looked at for so long, ends by itself."""
_LOOK_S = 2.0


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker that a station publishes on."""

    address: BrokerAddress
    clients: Callable[[], int] | None
    """How many are connected, the station among them; None of a broker that is not ours."""

    async def abandoned(self, over: Callable[[], bool]) -> None:
        """Wait until it is over and nobody but the station has been connected for ABANDONED_S.

        For ever on a broker that is not ours: it does not tell who is there.
        """
        since = time.monotonic()
        while self.clients is None or time.monotonic() - since < ABANDONED_S:
            await asyncio.sleep(_LOOK_S)
            if self.clients is None or self.clients() > 1 or not over():
                since = time.monotonic()


@asynccontextmanager
async def broker(url: str = "", password_file: str = "") -> AsyncIterator[Broker]:
    """A broker, for as long as it is needed. Raises BusError where the embedded one cannot listen."""
    if url:
        yield Broker(BrokerAddress.parse(url, password_file), None)
        return
    from groundstation.bus.broker import EmbeddedBroker  # noqa: PLC0415 used only where none is named

    async with EmbeddedBroker() as own:
        yield Broker(BrokerAddress.parse(own.url), lambda: own.clients)
