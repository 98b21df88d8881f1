"""Clients of the embedded broker that hold on, drip, flood or ask for too much: the honest are served all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from groundstation.bus.broker import EmbeddedBroker
from groundstation.bus.broker_limits import BrokerLimits


def port_of(broker: EmbeddedBroker) -> int:
    return int(broker.url.rsplit(":", 1)[1])


@asynccontextmanager
async def callers(broker: EmbeddedBroker, count: int, first: bytes) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """So many connections that say first, and then nothing."""
    writers = []
    for _ in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(broker))
        writer.write(first)
        writers.append(writer)
    try:
        yield writers
    finally:
        for writer in writers:
            writer.close()


async def served(broker: EmbeddedBroker) -> bool:
    """Whether an honest client gets the message that another one sends."""
    async with (
        aiomqtt.Client("127.0.0.1", port_of(broker)) as one,
        aiomqtt.Client("127.0.0.1", port_of(broker)) as two,
    ):
        await one.subscribe("a/+", qos=1)
        await two.publish("a/b", b"hello", qos=1)
        async for message in one.messages:
            return message.payload == b"hello"
    return False


async def test_callers_that_say_nothing_or_half_a_word_keep_nobody_out() -> None:
    """As many as there is room for held every place for as long as a connection may say nothing: here, an hour."""
    for first in (b"", b"\x10", b"\x10\xff\xff\x7f", b"\x10\x1a\x00\x04MQ"):
        crowded = EmbeddedBroker(port=0, limits=BrokerLimits(connections=20, connect_s=3600.0))
        async with asyncio.timeout(120), crowded as broker, callers(broker, 300, first):
            assert await served(broker)


async def test_those_who_are_connected_are_not_sent_away_for_more() -> None:
    small = EmbeddedBroker(port=0, limits=BrokerLimits(connections=3))
    async with asyncio.timeout(120), small as broker, aiomqtt.Client("127.0.0.1", port_of(broker)) as one:
        await one.subscribe("a/+", qos=1)
        async with callers(broker, 100, b""):
            await one.publish("a/b", b"still here", qos=1)
            async for message in one.messages:
                assert message.payload == b"still here"
                break


async def test_a_storm_of_subscriptions_and_hostile_filters_leaves_others_served() -> None:
    usual = EmbeddedBroker(port=0)
    async with asyncio.timeout(120), usual as broker, aiomqtt.Client("127.0.0.1", port_of(broker)) as storm:
        for number in range(600):
            (granted,) = await storm.subscribe(f"{'+/' * (number % 50)}x{number}/#")
            assert granted.is_failure == (number >= 500), "as many as are allowed"
        assert await served(broker)
