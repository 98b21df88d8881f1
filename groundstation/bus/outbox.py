"""The outbox: what waits to be published, and what happens while the broker is slow or away.

aiomqtt does not reconnect, and it calls a QoS 0 publish done once the bytes are with the kernel, also when the broker
is frozen. So what must arrive goes out with QoS 1 and leaves the outbox when the broker has acknowledged it; a broker
that does not acknowledge in time counts as away. What may wait is bounded, each by its policy:

* telemetry: a :class:`groundstation.bus.lane.Lane` for each packet type and link, *thins* and says so;
* retained states (status, links, alarms, definition): *keeps the newest* of each topic;
* single events: *drops the oldest* past EVENTS_WAITING and counts it; all are in ``events`` and in the recording.

While the broker is away, telemetry waits within its bounds, and the caller is told when the broker went and came back
so that it can decode the gap again from the recording (:mod:`groundstation.bus.backfill`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from groundstation.bus import payload
from groundstation.bus.address import BrokerAddress
from groundstation.bus.lane import LARGEST, Lane
from protocols.batch import Batch

log = logging.getLogger("groundstation")

EVENTS_WAITING = 1_000
INTERVAL_S = 0.008
"""At least this long between two rounds: batches form, and no packet waits much longer than this."""
ACKNOWLEDGE_S = 5.0
"""A broker that has not acknowledged a message by then is away."""
IN_FLIGHT = 20
"""Messages sent before the first of them is acknowledged."""
REQUEST_BYTES, REQUESTS_WAITING = 64 * 1024, 100
"""A longer request is none of a console's; more at once are dropped, the newest first."""
BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits between attempts to connect; the last one goes on."""

_OWN_SESSIONS = 1_000
"""A seek begins a session; messages of the last few of ours are still on their way back to us."""

Message = tuple[str, bytes, bool]
"""Topic, payload, retained."""
Request = Callable[[Mapping[str, Any]], None]


class Outbox:
    """Publishes one station's topics on one broker."""

    def __init__(
        self,
        broker: BrokerAddress,
        root: str,
        session: str,
        *,
        last_will: Mapping[str, Any],
        on_request: Request,
        on_away: Callable[[], None],
        on_back: Callable[[], None],
        on_rival: Callable[[str], None],
        rows_waiting: int = 20_000,
    ) -> None:
        """on_request is called with what consoles ask for; on_away and on_back when the broker goes and returns.

        on_rival is called with the session of another station that publishes on the same topics, whenever it does.
        """
        self.broker, self.root, self.session = broker, root, session
        self._will, self._on_request, self._on_away, self._on_back = last_will, on_request, on_away, on_back
        self._on_rival, self._sessions = on_rival, deque((session,), maxlen=_OWN_SESSIONS)
        self._rows_waiting = rows_waiting
        self._lanes: dict[tuple[str, str, str], Lane] = {}
        self._states: dict[str, bytes] = {}
        self._unsent: dict[str, None] = {}
        self._events: deque[bytes] = deque(maxlen=EVENTS_WAITING)
        self._sending: deque[Message] = deque()
        self._seq: dict[str, int] = {}
        self._refused: set[str] = set()
        self._told_away = False
        self._there = asyncio.Event()
        self._wake = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._attempt = 0
        self._decided = asyncio.Event()
        self.t0_ns: int | None = None
        """T-0, once known, for the mission time in messages."""
        self.connected = False
        """Whether the broker is there."""
        self.problem = ""
        """Why it is not; empty while it is."""
        self.events_dropped = 0
        """Single event messages dropped while the broker was away."""

    @property
    def waiting(self) -> int:
        """Packets and messages not yet acknowledged by the broker."""
        return sum(lane.rows for lane in self._lanes.values()) + len(self._sending) + len(self._events)

    def start_over(self, session: str) -> None:
        """Begin a new session: forget telemetry that waits, number messages from 0 again."""
        self.session = session
        self._sessions.append(session)
        self._lanes.clear()
        self._seq.clear()

    def telemetry(self, batch: Batch, topic: str = "telemetry") -> None:
        """Publish a batch on ``telemetry/PACKET``, or on ``backfill/PACKET``."""
        key = (topic, batch.packet, batch.link)
        if key not in self._lanes:
            self._lanes[key] = Lane(self._rows_waiting)
        self._lanes[key].add(batch)
        self._wake.set()

    def state(self, topic: str, content: Mapping[str, Any]) -> None:
        """Publish a retained state; the newest of a topic is the one that counts.

        States go out in the order of their newest content: who sees a status sees the alarms published before it too.
        """
        self._states[topic] = payload.encode(content)
        self._unsent.pop(topic, None)
        self._unsent[topic] = None
        self._wake.set()

    def event(self, content: Mapping[str, Any]) -> None:
        """Publish a single event."""
        self.events_dropped += len(self._events) == EVENTS_WAITING
        self._events.append(payload.encode(content))
        self._wake.set()

    async def run(self) -> None:
        """Connect, publish, reconnect; until cancelled. A first connection that fails is retried like any other."""
        import aiomqtt  # noqa: PLC0415 imported where a bus is used; it costs 0.1 s

        while True:
            self._decided.clear()
            try:
                await self._connection()
            except* (aiomqtt.MqttError, OSError, TimeoutError) as lost:
                first = lost.exceptions[0]
                self.problem = str(first) or type(first).__name__
            except* Exception as fault:  # whatever went wrong: without a bus all consoles would be blind for good
                log.exception("the bus")
                self.problem = repr(fault.exceptions[0])
            self._decided.set()
            self._lost()
            await asyncio.sleep(BACK_OFF_S[min(self._attempt, len(BACK_OFF_S) - 1)])
            self._attempt += 1

    def _lost(self) -> None:
        """Be without a broker from now on, and say so once."""
        self.connected = False
        self._there.clear()
        self._acknowledged.set()
        if not self._told_away:
            self._told_away = True
            self._on_away()

    async def _connection(self) -> None:
        """One connection, from connect to loss."""
        import aiomqtt  # noqa: PLC0415

        will = aiomqtt.Will(f"{self.root}/status", payload.encode(self._will), qos=1, retain=True)
        options = {"keepalive": 10, "timeout": ACKNOWLEDGE_S, "max_queued_incoming_messages": REQUESTS_WAITING}
        async with self.broker.client(will=will, **options) as client:
            client.pending_calls_threshold = 2 * IN_FLIGHT  # past it aiomqtt warns; so many are meant
            await client.subscribe([(f"{self.root}/request", 1), (f"{self.root}/status", 0)])
            self._unsent.update(dict.fromkeys(self._states))  # a broker that was restarted has forgotten them
            self._wake.set()
            self.connected, self.problem, self._attempt, self._told_away = True, "", 0, False
            self._there.set()
            self._decided.set()
            self._on_back()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(client))
                    tasks.create_task(self._publish(client))
            except* aiomqtt.MqttError as lost:
                self.problem = str(lost.exceptions[0])
                self._lost()  # at once: a goodbye to a frozen broker takes seconds, and the gap begins now
                raise

    async def _publish(self, client: Any) -> None:
        """Round after round, with a pause in which batches form."""
        while True:
            if not self._sending:
                await self._wake.wait()
            await self._round(client)
            await asyncio.sleep(INTERVAL_S)

    async def _listen(self, client: Any) -> None:
        """Hand on what consoles ask for; what is no JSON object is not for us."""
        async for message in client.messages:
            if len(message.payload) > REQUEST_BYTES:
                continue
            try:
                content = orjson.loads(message.payload)
            except orjson.JSONDecodeError:
                continue
            if not isinstance(content, dict):
                continue
            if str(message.topic).endswith("/status"):
                self._look_for_rival(content, retained=message.retain)
                continue
            if message.retain:  # a request is for now; one that the broker kept would stop every station that comes
                continue
            try:
                self._on_request(content)
            except Exception:  # whoever is on the bus may ask anything, and must not end it
                log.exception("a console's request of %d bytes", len(message.payload))

    def _look_for_rival(self, status: Mapping[str, Any], *, retained: bool) -> None:
        """Notice a status of our topic that is not ours; one retained, or of a station that ends, is only left over."""
        session = status.get("session")
        alive = not retained and status.get("state") in ("starting", "running")
        if alive and isinstance(session, str) and session not in self._sessions:
            self._on_rival(session)

    async def _round(self, client: Any) -> None:
        """Publish all that waits; what is not acknowledged stays first in the queue. Raises when the broker is away."""
        if not self._sending:
            self._wake.clear()
            self._sending.extend(self._messages())
        while self._sending:
            some = [self._sending[i] for i in range(min(IN_FLIGHT, len(self._sending)))]
            sent = [client.publish(topic, body, qos=1, retain=retain) for topic, body, retain in some]
            outcomes = await asyncio.gather(*sent, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, ValueError):  # of the client's own: it would refuse it for ever
                    self._refuse(self._sending[0][0], outcome)
                elif isinstance(outcome, BaseException):
                    raise outcome
                self._sending.popleft()
            self._acknowledged.set()

    def _messages(self) -> list[Message]:
        """What waits, as messages: states and events first, they are few and matter most; then one of each lane."""
        messages = [(f"{self.root}/{topic}", self._states[topic], True) for topic in self._unsent]
        self._unsent.clear()
        while self._events:
            messages.append((f"{self.root}/event", self._events.popleft(), False))
        for (kind, packet, _), lane in self._lanes.items():
            if lane.rows:
                topic = f"{kind}/{packet}"
                try:
                    messages += self._telemetry_messages(topic, lane)
                except Exception as fault:  # noqa: BLE001 packets of one type must not hold up all others
                    self._refuse(topic, fault)
                if lane.rows:
                    self._wake.set()  # the rest comes in the next rounds, between which the links have their turn
        return messages

    def _telemetry_messages(self, topic: str, lane: Lane) -> list[Message]:
        """The first that waits in a lane, as a message; as several where it is too large for one."""
        messages = []
        first, thinned, missing = lane.take()
        left = deque([first])
        while left:
            group, seq = left.popleft(), self._seq.get(topic, -1) + 1
            content = payload.telemetry(group, self.session, seq, self.t0_ns, thinned, missing)
            body = payload.encode(content)
            if len(body) > LARGEST and content["count"] > 1:
                left.extendleft(reversed(lane.divide(group, len(body))))
                continue
            self._seq[topic], missing = seq, 0
            messages.append((f"{self.root}/{topic}", body, topic.startswith("telemetry/")))
        return messages

    def _refuse(self, topic: str, fault: Exception) -> None:
        """Say once for each topic that its messages cannot be published."""
        if topic not in self._refused:
            self._refused.add(topic)
            log.error("what belongs on %s cannot be published: %r", topic, fault)

    async def room(self, most: int) -> None:
        """Wait while the broker is there and more than most still waits to be acknowledged."""
        while self.connected and self.waiting > most:
            self._acknowledged.clear()
            await self._acknowledged.wait()

    async def there(self) -> None:
        """Wait until the broker is there."""
        await self._there.wait()

    async def decided(self, seconds: float) -> None:
        """Wait, at most so long, until a connection that is being made is there or has failed.

        aiomqtt does not take being cancelled in the middle of it.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._decided.wait()

    async def settle(self, seconds: float) -> bool:
        """Wait until everything is published, at most so long; whether it is."""
        deadline = time.monotonic() + seconds
        while self.waiting or self._unsent:
            if time.monotonic() > deadline or not self.connected:
                return False
            await asyncio.sleep(INTERVAL_S)
        return True
