"""Which broker, and when a station that nobody looks at may end."""

import asyncio

import aiomqtt
import pytest

from groundstation.bus import choice
from groundstation.bus.choice import broker


async def test_a_named_broker_is_taken_and_never_thought_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "ABANDONED_S", 0.0)
    monkeypatch.setattr(choice, "_LOOK_S", 0.001)
    async with broker("mqtts://ann@bus.example:8884") as bus:
        assert (bus.address.host, bus.address.port, bus.address.tls) == ("bus.example", 8884, True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await bus.abandoned(over=lambda: True)


async def test_the_embedded_one_is_abandoned_once_it_is_over_and_all_readers_have_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "ABANDONED_S", 0.05)
    monkeypatch.setattr(choice, "_LOOK_S", 0.001)
    over = False
    async with broker() as bus, aiomqtt.Client(bus.address.host, bus.address.port):
        async with aiomqtt.Client(bus.address.host, bus.address.port):
            waiting = asyncio.create_task(bus.abandoned(over=lambda: over))
            over = True
            await asyncio.wait([waiting], timeout=0.2)
            assert not waiting.done(), "somebody still looks"
            over = False
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done(), "it is not over"
        over = True
        await asyncio.wait_for(waiting, 60)
