"""A station killed while recording: the next one says so, repairs what it left, once, and leaves others alone."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from groundstation.campaign import Campaign
from groundstation.live import pipeline_of, recorder_of
from groundstation.unfinished import unfinished
from protocols.chunk import Chunk
from replay.formats.mcap import McapRecording
from replay.recorder import Recorder
from tests.groundstation.conftest import Mosquitto
from tests.groundstation.test_station import Udp, running, udp  # noqa: F401 a fixture

START = 1_790_000_000_000_000_000


def left(campaign: Campaign, stamp: str, chunks: int = 20) -> Path:
    """A recording of a campaign as a kill leaves it."""
    campaign.directory.mkdir(exist_ok=True)
    path = campaign.directory / f"{campaign.name}-{stamp}.mcap"
    made = Recorder(
        path,
        campaign=campaign.text,
        definitions={},
        links={"radio": recorder_link(campaign)},
        synthetic=False,
        software="test",
    )
    for number in range(chunks):
        made.write(Chunk("radio", bytes([number]) * 30, START + number))
    made._file._file.close()
    return path


def recorder_link(campaign: Campaign) -> Any:
    """The campaign's link as its own recorder describes it."""
    with recorder_of(campaign, pipeline_of(campaign)) as made:
        links = McapRecording(made.path).links
    made.path.unlink()
    return links["radio"]


@pytest.fixture
def killed(udp: Udp, sparrow: Callable[..., Path], mosquitto: Mosquitto) -> Iterator[subprocess.Popen[bytes]]:  # noqa: F811
    """A real station, in a process of its own."""
    command = [sys.executable, "-m", "groundstation", "run", str(sparrow(f"udp:{udp.port}")), "--no-console"]
    process = subprocess.Popen([*command, "--broker", mosquitto.url], stderr=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


async def test_a_killed_stations_recording_is_repaired_by_the_next_with_every_packet_that_was_shown(
    killed: subprocess.Popen[bytes],
    udp: Udp,  # noqa: F811
    mosquitto: Mosquitto,
    subscriber: Any,
    sparrow: Callable[..., Path],
    eventually: Any,
) -> None:
    path = sparrow(f"udp:{udp.port}")
    folder = path.parent / "recordings"
    async with subscriber(mosquitto.url) as seen:
        await eventually(lambda: seen.newest("link/radio").get("state") == "receiving")
        while len(seen.values("state", "header.count")) < 1000:
            await udp.send(20)
            await asyncio.sleep(0)
        killed.send_signal(signal.SIGKILL)
        await asyncio.to_thread(killed.wait)
        shown = set(seen.values("state", "header.count"))
        (first,) = folder.glob("*.mcap")
        assert not McapRecording(first).finished
        content = first.read_bytes()
        async with running(path, mosquitto.url) as station:
            await eventually(lambda: [each for each in station.pipeline.events if each.name == "recovered"])
            said = [each.text for each in station.pipeline.events if "was not closed" in each.text]
            assert said[0] == f"{first.name} was not closed; it is being repaired beside it"
            assert said[1].startswith(f"{first.name} was not closed and is repaired as {first.stem}.recovered.mcap: ")
            assert "nothing lost" in said[1]
            assert "missing" not in said[1]
            own = station.recorder.path if station.recorder else None
        repaired = McapRecording(first.with_name(f"{first.stem}.recovered.mcap"))
        assert repaired.finished
        packets = b"".join(chunk.data for chunk in repaired.chunks()).count(b"\0")
        assert packets >= len(shown)  # each frame ends with a zero
        assert first.read_bytes() == content
        before = sorted(folder.iterdir())
        async with running(path, mosquitto.url) as station:
            await eventually(lambda: station.outbox.connected)
            await eventually(lambda: seen.newest("status").get("state") == "running")
        assert not [each for each in station.pipeline.events if each.name in ("unfinished", "recovered")]
        assert set(folder.iterdir()) - set(before) == {station.recorder.path if station.recorder else None}
        assert own is not None


def test_what_is_looked_for_is_of_this_campaign_not_closed_not_repaired_and_written_by_nobody(
    sparrow: Callable[..., Path],
) -> None:
    campaign = Campaign.load(sparrow("udp:5000"))
    folder = campaign.directory
    wanted = [left(campaign, "20260102T030405Z"), left(campaign, "20260102T030406Z-part002")]
    repaired = left(campaign, "20260102T030407Z")
    repaired.with_name(f"{repaired.stem}.recovered.mcap").write_bytes(b"is there")
    left(campaign, "20260102T030405Z-copy")
    (folder / "hop-1-20260102T030408Z.mcap").write_bytes(b"")  # just made by somebody
    other = folder / "hop-10-20260102T030405Z.mcap"
    wanted[0].rename(other)
    wanted[0] = left(campaign, "20260102T030405Z")
    with recorder_of(campaign, pipeline_of(campaign)) as running_one:
        running_one.write(Chunk("radio", b"now", START))
        assert unfinished(folder, "hop-1") == wanted
        assert unfinished(folder, "hop-10") == [other]
    assert unfinished(folder, "hop-1") == wanted  # it was closed in order
    assert unfinished(folder / "nowhere", "hop-1") == []


async def test_one_in_which_nothing_was_recorded_is_said_and_hinders_nothing(
    mosquitto: Mosquitto, sparrow: Callable[..., Path], eventually: Any
) -> None:
    path = sparrow("udp:0")
    campaign = Campaign.load(path)
    empty, torn = left(campaign, "20260102T030405Z", chunks=0), left(campaign, "20260102T030406Z")
    junk = campaign.directory / "hop-1-20260102T030407Z.mcap"
    junk.write_bytes(os.urandom(5000))
    async with running(path, mosquitto.url) as station:
        events = station.pipeline.events
        await eventually(lambda: len([each for each in events if each.name in ("recovered", "not recovered")]) == 3)
        told = {each.detail["path"]: each.text for each in events if each.name in ("recovered", "not recovered")}
    assert "nothing was recorded in it" in told[str(empty)]
    assert "is repaired as" in told[str(torn)]
    assert "cannot be repaired" in told[str(junk)]
    assert sorted(each.name for each in campaign.directory.glob("*recovered*")) == [f"{torn.stem}.recovered.mcap"]


async def test_a_station_that_ends_does_not_wait_for_a_long_repair(
    mosquitto: Mosquitto, sparrow: Callable[..., Path], eventually: Any
) -> None:
    path = sparrow("udp:0")
    campaign = Campaign.load(path)
    long = left(campaign, "20260102T030405Z", chunks=0)
    McapRecording(long)
    link = recorder_link(campaign)
    long.unlink()
    made = Recorder(long, campaign="", definitions={}, links={"radio": link}, synthetic=False, software="test")
    made.write_many([Chunk("radio", bytes(10), START + number) for number in range(200_000)])
    made._file._file.close()
    async with running(path, mosquitto.url) as station:
        await eventually(lambda: [each for each in station.pipeline.events if each.name == "unfinished"])
    assert station.recorder is not None
    assert McapRecording(station.recorder.path).finished
    names = sorted(each.name for each in campaign.directory.iterdir())
    assert [name for name in names if "recovered" in name] in ([], [f"{long.stem}.recovered.mcap"])  # whole, or none
