"""A campaign that rotates its recording: what the station recorded is in its parts, and what the bus missed too."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from groundstation.bus.backfill import backfill, remember
from groundstation.campaign import Campaign
from groundstation.cli import main
from groundstation.live import pipeline_of, recorder_of
from groundstation.reading import read
from protocols.chunk import Chunk
from protocols.errors import CampaignError
from replay.formats.mcap import McapRecording
from tests.groundstation.bus.test_backfill import publishing, stream
from tests.groundstation.conftest import Mosquitto
from tests.groundstation.test_station import Udp, running, udp  # noqa: F401 a fixture

ROTATED = '[recording]\nrotate_size = "1MB"\n'


async def test_a_station_goes_on_in_the_next_part_and_says_so(
    udp: Udp,  # noqa: F811 the fixture
    mosquitto: Mosquitto,
    subscriber: Any,
    sparrow: Callable[..., Path],
    eventually: Any,
) -> None:
    path = sparrow(f"udp:{udp.port}", ROTATED)
    async with subscriber(mosquitto.url) as seen, running(path, mosquitto.url) as station:
        recorder = station.recorder
        assert recorder is not None
        await udp.send(200)
        await eventually(lambda: len(seen.values("state", "altitude")) == 200)
        for _ in range(12):  # what no vehicle sends fills the disk as well
            udp._socket.sendto(os.urandom(60_000) + b"\0", ("127.0.0.1", udp.port))
            before = recorder.position
            await eventually(lambda before=before: recorder.position > before + 60_000)
            udp._socket.sendto(os.urandom(60_000) + b"\0", ("127.0.0.1", udp.port))
            await eventually(lambda before=before: recorder.position > before + 120_000)
        await udp.send(200)
        await eventually(lambda: len(seen.values("state", "altitude")) == 400)
        await eventually(lambda: any(each["name"] == "next part" for each in seen.of("event")))
        await eventually(lambda: seen.newest("status")["recording"]["path"].endswith("-part002.mcap"))
        received = station.pipeline.links["radio"].framer.ledger.bytes_in
    first, second = (each for _, each in recorder.places)
    assert McapRecording(first).finished
    assert McapRecording(second).finished
    whole = read(first, path)
    assert sum(len(chunk.data) for chunk in whole.recording.chunks()) == received
    assert whole.recording.damage.missing == 0
    pipeline = whole.pipeline()
    for chunk in whole.recording.chunks():
        pipeline.receive(chunk)
    assert pipeline.links["radio"].counts()["packets"] == {"state": 400}


@pytest.mark.parametrize("begin", [100, 1_500, 95_000])
async def test_what_the_bus_missed_is_found_across_parts(
    begin: int, mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any
) -> None:
    """The gap begins in the first part or the second, in the middle of a frame, and ends before the last packets."""
    campaign = Campaign.load(sparrow("udp:5000", ROTATED))
    pipeline = pipeline_of(campaign)
    data, after = stream(0, 100_000), stream(100_000, 100_100)
    cut = len(stream(0, begin)) + 5
    with recorder_of(campaign, pipeline) as recorder:
        for at in range(0, cut, 1_000):
            first = Chunk("radio", data[at : min(at + 1_000, cut)], 1)
            recorder.write(first)
            pipeline.receive(first)
        gap = remember(recorder, pipeline.links)
        for at in range(cut, len(data), 1_000):
            recorder.write(Chunk("radio", data[at : at + 1_000], 2))
        assert len(recorder.places) == 2
        async with subscriber(mosquitto.url) as seen, publishing(mosquitto.url) as outbox:
            await eventually(lambda: outbox.connected)
            count = await backfill(gap, recorder, outbox)
            recorder.write(Chunk("radio", after, 3))
            assert count == 100_000 - begin
            assert await outbox.settle(60.0)
            await eventually(lambda: len(seen.values("state", "header.count", "backfill")) >= count)
    assert seen.values("state", "header.count", "backfill") == list(range(begin, 100_000))


def test_info_says_which_part_a_file_is_and_what_follows(
    sparrow: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = Campaign.load(sparrow("udp:5000", ROTATED))
    with recorder_of(campaign, pipeline_of(campaign)) as recorder:
        for number in range(60):
            recorder.write(Chunk("radio", os.urandom(50_000), 1_790_000_000_000_000_000 + number))
    files = [path for _, path in recorder.places]
    assert len(files) == 3
    assert main(["info", str(files[0]), "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert told["parts"] == [path.name for path in files]
    assert told["chunks"] == 60
    assert main(["info", str(files[1]), "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert told["part"] == f"2, alone; before it {files[0].name}, at which all of it opens; after it {files[2].name}"
    files[1].unlink()
    assert main(["info", str(files[0])]) == 0
    assert "part 2 of this recording is missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('rotate_size = "2 Gb"', "recording.rotate_size: found '2 Gb'; want a size in quotes of 1MB or more"),
        ("rotate_size = 2000000000", "recording.rotate_size: found 2000000000; want a size in quotes"),
        ('rotate_every = "5s"', "recording.rotate_every: found '5s'; want a duration in quotes of 10s or more"),
        ('rotate_evry = "1h"', "recording.rotate_evry: is no key here; did you mean 'rotate_every'?"),
    ],
)
def test_what_is_no_size_or_duration_is_said(sparrow: Callable[..., Path], line: str, said: str) -> None:
    with pytest.raises(CampaignError) as caught:
        Campaign.load(sparrow("udp:5000", f"[recording]\n{line}\n"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "size", "every_ns"),
    [
        ('rotate_size = "2GB"', 2 * 10**9, None),
        ('rotate_size = "1.5 GiB"\nrotate_every = "90min"', 3 << 29, 5_400 * 10**9),
        ('rotate_every = "1d"', None, 86_400 * 10**9),
        ("", None, None),
    ],
)
def test_sizes_and_durations_have_units(
    sparrow: Callable[..., Path], lines: str, size: int | None, every_ns: int | None
) -> None:
    rotation = Campaign.load(sparrow("udp:5000", f"[recording]\n{lines}\n")).file.recording.rotation
    assert (rotation.size, rotation.every_ns) == (size, every_ns)
