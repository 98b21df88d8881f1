"""What the bus missed is decoded again from the recording: exactly that, whatever broker and disk do meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from groundstation.bus.address import BrokerAddress
from groundstation.bus.backfill import backfill, remember
from groundstation.bus.outbox import Outbox
from groundstation.campaign import Campaign
from groundstation.live import live, pipeline_of, recorder_of
from groundstation.station import Station
from protocols.chunk import Chunk
from protocols.errors import RecordingError
from protocols.framer import framer
from tests.groundstation.conftest import Mosquitto, free_port, state_packet

FRAMER = framer("cobs", check="crc-16/ibm-3740")


def stream(begin: int, end: int) -> bytes:
    return FRAMER.encode([state_packet(n, 10.0) for n in range(begin, end)])


@asynccontextmanager
async def publishing(url: str, rows_waiting: int = 20_000) -> AsyncIterator[Outbox]:
    """An outbox that runs; cancelled at the end."""
    quiet: dict[str, Any] = {"on_request": lambda _: None, "on_rival": lambda _: None}
    quiet |= {"on_away": lambda: None, "on_back": lambda: None, "last_will": {}}
    outbox = Outbox(BrokerAddress.parse(url), "groundstation/live/hop-1", "one", **quiet, rows_waiting=rows_waiting)
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.5)


@pytest.mark.parametrize("cut", [0, 5, 11])
async def test_a_gap_is_what_was_recorded_since_also_a_frame_that_was_half_there(
    cut: int, mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    """The gap begins cut bytes into packet 100 and ends before packet 900; 40,000 rows fit no lane at once."""
    campaign = Campaign.load(sparrow("udp:5000"))
    pipeline = pipeline_of(campaign)
    before, missed, after = stream(0, 100), stream(100, 40_000), stream(40_000, 40_100)
    with recorder_of(campaign, pipeline) as recorder:
        first = Chunk("radio", before + missed[:cut], 1)
        recorder.write(first)
        pipeline.receive(first)
        gap = remember(recorder, pipeline.links)
        for at in range(cut, len(missed), 50_000):
            recorder.write(Chunk("radio", missed[at : at + 50_000], 2))
        async with subscriber(mosquitto.url) as seen, publishing(mosquitto.url, rows_waiting=12_000) as outbox:
            filling = asyncio.create_task(backfill(gap, recorder, outbox))
            await asyncio.sleep(0)  # from here on it is no gap any more
            recorder.write(Chunk("radio", after, 3))
            assert await filling == 39_900
            assert await outbox.settle(60.0)
            await eventually(lambda: len(seen.values("state", "header.count", "backfill")) >= 39_900)
    assert seen.values("state", "header.count", "backfill") == list(range(100, 40_000))
    assert {each["thinned"] for each in seen.of("backfill/state")} == {1}
    assert sum(each["sequence_gaps"] for each in seen.of("backfill/state")) == 0
    assert seen.of("telemetry") == []
    assert pipeline.links["radio"].counts()["packets"] == {"state": 100}  # what runs live is not touched


async def test_a_broker_that_goes_away_again_meanwhile_gets_all_of_it(
    mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    campaign = Campaign.load(sparrow("udp:5000"))
    pipeline = pipeline_of(campaign)
    with recorder_of(campaign, pipeline) as recorder:
        gap = remember(recorder, pipeline.links)
        for begin in range(0, 60_000, 2_000):
            recorder.write(Chunk("radio", stream(begin, begin + 2_000), 2))
        async with subscriber(mosquitto.url) as seen, publishing(mosquitto.url) as outbox:
            filling = asyncio.create_task(backfill(gap, recorder, outbox))
            await eventually(lambda: len(seen.values("state", "header.count", "backfill")) > 5_000)
            mosquitto.kill()
            await eventually(lambda: not outbox.connected)
            assert not filling.done()
            await mosquitto.start()
            assert await filling == 60_000
            assert await outbox.settle(60.0)
            found = seen.values
            await eventually(lambda: found("state", "header.count", "backfill")[-1:] == [59_999])
    assert {each["thinned"] for each in seen.of("backfill/state")} == {1}


async def test_a_recording_that_is_gone_is_said_by_name(mosquitto: Mosquitto, sparrow: Callable[..., Path]) -> None:
    campaign = Campaign.load(sparrow("udp:5000"))
    pipeline = pipeline_of(campaign)
    with recorder_of(campaign, pipeline) as recorder:
        gap = remember(recorder, pipeline.links)
        recorder.path.rename(recorder.path.with_suffix(".elsewhere"))
        async with publishing(mosquitto.url) as outbox:
            with pytest.raises(RecordingError, match=recorder.path.name):
                await backfill(gap, recorder, outbox)


async def test_a_station_whose_recording_was_moved_away_says_so_and_goes_on(
    mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    port = free_port()
    campaign = Campaign.load(sparrow(f"udp:{port}"))
    started: asyncio.Future[Station] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(live(campaign, mosquitto.url, started.set_result))
    station = await started
    try:
        async with subscriber(mosquitto.url) as seen:
            await eventually(lambda: station.outbox.connected)
            assert station.recorder is not None
            mosquitto.kill()
            await eventually(lambda: not station.outbox.connected)
            station.recorder.path.rename(station.recorder.path.with_suffix(".elsewhere"))
            await mosquitto.start()
            await eventually(
                lambda: any(each["name"] == "no backfill" for each in seen.newest("events").get("events", []))
            )
            station.take([Chunk("radio", stream(0, 10), station.now_ns())])
            await eventually(lambda: len(seen.values("state", "altitude")) == 10)
            assert not task.done()
    finally:
        station.stopping.set()
        await task
