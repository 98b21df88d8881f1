"""The console's end of the bus: subscribes, keeps the newest, comes back by itself when the broker does.

aiomqtt does not reconnect, and its queue keeps the oldest; both are done here. Telemetry is asked for at QoS 0: a
screen that cannot follow wants the next message, not the one it missed.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable

import aiomqtt
import orjson

from groundstation.bus.address import BrokerAddress

INBOX = 4_000
"""Messages waiting to be taken at most; the oldest telemetry makes room: a screen keeps the newest."""
BACK_OFF_S = (0.3, 0.6, 1.0, 2.0, 4.0, 8.0)
KEEP_ALIVE_S = 10
"""A broker that is silent for one and a half times this is lost."""
GATHER_S = 0.02
"""Messages are taken together this often: a wake-up each costs more than the messages do."""
ANY_STATION = "groundstation/+/+/status"
_TOPICS = {
    "status": 1,
    "definition": 1,
    "link/+": 0,
    "radio/+": 0,
    "alarms": 1,
    "events": 1,
    "event": 1,
    "traces": 0,
    "telemetry/+": 0,
}
"""What a screen listens to, with the QoS asked for."""


class Inbox(asyncio.Queue[aiomqtt.Message]):
    """Messages waiting to be taken; a full one drops its oldest telemetry or spectrum, and only when it holds none its
    oldest message.
    """

    dropped = 0

    def _init(self, maxsize: int) -> None:  # noqa: ARG002 - asyncio's place to choose the container
        self.waiting: list[aiomqtt.Message] = []
        self._queue = self.waiting  # where asyncio.Queue looks for them

    def _get(self) -> aiomqtt.Message:
        return self.waiting.pop(0)

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Take a message, at the cost of an older one when full."""
        if len(self.waiting) >= INBOX:
            newest_wins = (at for at, each in enumerate(self.waiting) if _is_replaced(each.topic.value))
            del self.waiting[next(newest_wins, 0)]
            self.dropped += 1
        super().put_nowait(item)

    def take_all(self) -> list[aiomqtt.Message]:
        """Everything waiting, oldest first."""
        taken = self.waiting[:]
        self.waiting.clear()
        return taken


def _is_replaced(topic: str) -> bool:
    """Whether the next message of a topic says all that matters."""
    return "/telemetry/" in topic or "/radio/" in topic


Listener = Callable[[str, bytes, bool], None]
"""Called with topic, payload, and whether the broker had kept the message."""


class BusClient:
    """A subscriber that outlives its connection."""

    def __init__(self, address: BrokerAddress, listener: Listener, on_broker: Callable[[str], None]) -> None:
        self.address = address
        self._listener = listener
        self._on_broker = on_broker
        self._root: str | None = None
        self._client: aiomqtt.Client | None = None
        self._inbox: Inbox | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Messages this client was too slow for."""
        return self._dropped + (self._inbox.dropped if self._inbox else 0)

    async def listen(self, root: str | None) -> None:
        """Subscribe to a station's topics, now and after every reconnection; None for the status of every station."""
        self._root = root
        if self._client is not None:
            try:
                await self._subscribe(self._client)
            except aiomqtt.MqttError:
                return  # the connection has just gone: `run` subscribes when it is back

    async def request(self, message: dict[str, object]) -> bool:
        """Publish a request; False when the broker is away: a request is for now, so it is not kept."""
        if self._client is None or self._root is None:
            return False
        try:
            await self._client.publish(f"{self._root}/request", orjson.dumps(message), qos=1, timeout=5)
        except aiomqtt.MqttError:
            return False
        return True

    async def run(self) -> None:
        """Connect, receive, and connect again, until cancelled."""
        attempt = 0
        while True:
            try:
                async with self._connection() as client:
                    attempt = 0
                    await self._subscribe(client)
                    self._client = client
                    self._on_broker("")
                    await self._receive(client)
            except (aiomqtt.MqttError, OSError) as error:
                self._on_broker(str(error) or type(error).__name__)
            finally:
                self._client = None
            await asyncio.sleep(BACK_OFF_S[min(attempt, len(BACK_OFF_S) - 1)])
            attempt += 1

    def _connection(self) -> aiomqtt.Client:
        made: aiomqtt.Client = self.address.client(
            identifier=f"console-{secrets.token_hex(4)}",
            protocol=aiomqtt.ProtocolVersion.V311,
            queue_type=self._new_inbox,
            max_queued_incoming_messages=INBOX,
            keepalive=KEEP_ALIVE_S,
            timeout=5,
        )
        return made

    def _new_inbox(self, maxsize: int) -> Inbox:  # noqa: ARG002 - a full one drops, it never refuses
        self._dropped = self.dropped
        self._inbox = Inbox()
        return self._inbox

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        topics: Iterable[tuple[str, int]] = (
            [(ANY_STATION, 1)]
            if self._root is None
            else [(f"{self._root}/{leaf}", qos) for leaf, qos in _TOPICS.items()]
        )
        await client.subscribe(list(topics))

    async def _receive(self, client: aiomqtt.Client) -> None:
        assert self._inbox is not None, "the client made it"
        async for first in client.messages:
            for message in (first, *self._inbox.take_all()):
                payload = message.payload
                if isinstance(payload, bytes):
                    self._listener(message.topic.value, payload, message.retain)
            await asyncio.sleep(GATHER_S)
