"""In a replay every view says so, whatever stands on it and however narrow it is."""

from collections.abc import Callable
from typing import Any

import pytest

Open = Callable[..., Any]
VIEWS = ("f", "m", "e", "l", "r")


@pytest.mark.parametrize("size", [(140, 45), (80, 24), (60, 20)])
async def test_every_view_and_dialog_of_a_replay_says_so(bus: Any, console: Open, size: tuple[int, int]) -> None:
    bus.fly()
    bus.alarm({})
    bus.replay()
    async with console(bus, size) as operator:
        for key in (*VIEWS, "question_mark", "escape", "x"):
            first = (await operator.press(key)).splitlines()[0]
            assert " REPLAY " in first, key
            assert "LIVE" not in first


async def test_a_replay_is_one_by_its_topics_too_and_stays_one_when_its_station_is_lost(
    new_bus: Callable[..., Any], console: Open
) -> None:
    bus = new_bus("groundstation/replay/hop-1")
    bus.fly()
    bus.status(mode="live", state="lost")
    async with console(bus) as operator:
        assert " REPLAY " in (await operator.look()).splitlines()[0]


async def test_a_replay_of_a_simulation_says_both(bus: Any, console: Open) -> None:
    bus.fly()
    bus.define(synthetic=True)
    bus.status(mode="replay", synthetic=True)
    async with console(bus, (60, 20)) as operator:
        assert "REPLAY·SIM" in (await operator.look()).splitlines()[0]
