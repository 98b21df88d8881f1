"""Who gets which message in the embedded broker: subscriptions, retained messages, and the routes between connections.

A message is queued for all its readers when publish returns. Nothing here waits. Sans-I/O.
"""

import logging
import re
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from groundstation.bus.broker_limits import BrokerCounts, BrokerLimits
from groundstation.bus.mqtt_packets import Message, Request, check_topic
from groundstation.bus.mqtt_properties import Reason
from groundstation.bus.mqtt_topics import RetainedStore, filter_pattern

_log = logging.getLogger(__name__)

_CACHED_ROUTES = 10_000
"""Topics whose readers are remembered; with more, all are forgotten and found again."""
_CACHED_TOPIC_LENGTH = 512
"""Bytes: the readers of longer topics are found anew each time, so that the cache stays a few MB."""


class Reader(Protocol):
    """A connection as the exchange sees it."""

    client: bytes
    subscriptions: dict[bytes, "Subscription"]

    def deliver(self, message: Message, qos: int, *, retain: bool) -> None:
        """Queue a message with this QoS (0 or 1) and retain flag."""

    def flush(self) -> None:
        """Write what is queued."""

    def supersede(self) -> None:
        """Another connection has come with the same client identifier: go, will and all."""


class Subscription(NamedTuple):
    """A topic filter that was granted."""

    request: Request
    pattern: re.Pattern[bytes]


class _Route(NamedTuple):
    reader: Reader
    qos: int
    retain_as_published: bool
    no_local: bool


@dataclass(slots=True)
class Exchange:
    """The middle of the broker: takes messages from connections and queues them for others."""

    limits: BrokerLimits
    counts: BrokerCounts = field(default_factory=BrokerCounts)
    due: list[Reader] = field(default_factory=list)
    """The connections that have something to write; flush empties it."""
    _readers: dict[bytes, Reader] = field(default_factory=dict)
    _routes: dict[bytes, tuple[_Route, ...]] = field(default_factory=dict)
    _retained: RetainedStore = field(init=False)

    def __post_init__(self) -> None:
        self._retained = RetainedStore(self.limits.retained_topics, self.limits.retained_bytes)

    def join(self, reader: Reader) -> None:
        """Let a connection in. An older one with the same client identifier goes first (clause 3.1.4)."""
        older = self._readers.get(reader.client)
        if older is not None:
            older.supersede()
        self._readers[reader.client] = reader

    def leave(self, reader: Reader, will: Message | None) -> None:
        """Forget a connection and its subscriptions, then publish its will if it has one (clause 3.1.2.5)."""
        if self._readers.get(reader.client) is reader:
            del self._readers[reader.client]
        reader.subscriptions.clear()
        self._routes.clear()
        if will is not None:
            self.publish(will, reader)

    def publish(self, message: Message, sender: Reader) -> None:
        """Queue a message for everyone who subscribed to its topic, and retain it if it says so.

        Raises MalformedPacket if its topic is no topic name.
        """
        routes = self._routes.get(message.topic)
        if routes is None:
            routes = self._find_routes(message.topic)
        self.counts.received += 1
        if message.retain:
            self._retain(message)
        for reader, qos, retain_as_published, no_local in routes:
            if not (no_local and reader is sender):
                reader.deliver(message, min(qos, message.qos), retain=message.retain and retain_as_published)

    def subscribe(self, reader: Reader, request: Request) -> int:
        """Subscribe, queue the retained messages for it, and say what the SUBACK says: the QoS granted, or a reason."""
        pattern = filter_pattern(request.topic_filter)
        if pattern is None:
            return Reason.TOPIC_FILTER_INVALID
        if request.topic_filter.startswith(b"$share/"):
            return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        known = request.topic_filter in reader.subscriptions
        if not known and len(reader.subscriptions) >= self.limits.filters:
            return Reason.QUOTA_EXCEEDED
        granted = min(request.qos, 1)
        reader.subscriptions[request.topic_filter] = Subscription(request, pattern)
        self._routes.clear()
        if request.retain_handling == 0 or (request.retain_handling == 1 and not known):
            for message in self._retained.matching(request.topic_filter):
                reader.deliver(message, min(granted, message.qos), retain=True)
        return granted

    def unsubscribe(self, reader: Reader, topic_filter: bytes) -> Reason:
        """End a subscription, and say what the UNSUBACK of MQTT 5 says."""
        self._routes.clear()
        known = reader.subscriptions.pop(topic_filter, None)
        return Reason.SUCCESS if known else Reason.NO_SUBSCRIPTION_EXISTED

    def flush(self) -> None:
        """Write what the last packets queued, connection by connection."""
        while self.due:
            due, self.due = self.due, []
            for reader in due:
                reader.flush()

    def _retain(self, message: Message) -> None:
        if self._retained.keep(message):
            return
        if not self.counts.not_retained:
            _log.warning(
                "the embedded broker retains no more than %s topics and %s bytes; %r is not retained: name a broker "
                "of your own in the campaign file ([mqtt] url)",
                f"{self.limits.retained_topics:,}",
                f"{self.limits.retained_bytes:,}",
                message.topic.decode(),
            )
        self.counts.not_retained += 1

    def _find_routes(self, topic: bytes) -> tuple[_Route, ...]:
        """Who reads this topic: one route a reader, with the best of its matching subscriptions (clause 3.3.5)."""
        check_topic(topic)
        routes = []
        for reader in self._readers.values():
            matching = [each.request for each in reader.subscriptions.values() if each.pattern.fullmatch(topic)]
            if matching:
                qos = min(1, max(each.qos for each in matching))
                as_published = any(each.retain_as_published for each in matching)
                routes.append(_Route(reader, qos, as_published, all(each.no_local for each in matching)))
        if len(self._routes) >= _CACHED_ROUTES:
            self._routes.clear()
        if len(topic) <= _CACHED_TOPIC_LENGTH:
            self._routes[topic] = tuple(routes)
        return tuple(routes)
