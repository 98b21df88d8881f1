"""A replay that is asked for the impossible, or whose file goes away: ignored, or said; never a traceback."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from groundstation.playback import Playback
from groundstation.playback_requests import PlaybackRequests
from groundstation.reading import Reading, read
from groundstation.replaying import replaying
from groundstation.station import Station
from groundstation.survey import Survey
from groundstation.wanted_part import Wanted
from protocols.chunk import Chunk
from protocols.errors import RecordingError, TelemetryError
from replay.recorder import Recorder
from replay.recording import RecordedLink

WANTED = Wanted(1.0, begin=None, end=None, loop=False, stay=True, broker="")
INF, NAN = float("inf"), float("nan")
ODD: list[Any] = [
    None,
    True,
    "",
    "NaN",
    "1e9",
    [],
    {},
    NAN,
    INF,
    -INF,
    1e308,
    -1e308,
    1 << 63,
    -(1 << 70),
    0,
    -0.0,
    1e-320,
]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    path = tmp_path / "flight.mcap"
    with Recorder(
        path, campaign="", definitions={}, links={"radio": RecordedLink("osx", "cobs")}, synthetic=True, software="test"
    ) as recorder:
        for number in range(100):
            recorder.write(Chunk("radio", bytes((number,)) * 9 + b"\0", 1_000_000_000 + number * 100_000_000))
    return read(path)


KEYS = (
    *(("seek", key) for key in ("received_ns", "mission_time", "by", "event")),
    *(("loop", key) for key in ("loop", "from_ns", "to_ns", "from_mission_time", "to_mission_time")),
    ("speed", "speed"),
    ("step", "n"),
    ("step", "id"),
    ("next", "id"),
    ("previous", "by"),
    ("toggle", "id"),
)


@pytest.mark.parametrize("t0_ns", [None, 3_000_000_000])
async def test_any_number_may_be_asked_for(reading: Reading, t0_ns: int | None) -> None:
    survey = Survey(reading)
    survey.run()
    survey.t0_ns = t0_ns
    playback = Playback(reading, survey, WANTED)
    asked = PlaybackRequests(playback).by_name()
    first, last = reading.recording.span
    for is_known in (False, True):
        if is_known:
            await playback.prepare()
        for value in ODD:
            for do, key in KEYS:
                asked[do]({key: value})
                asked[do]({"received_ns": 1_500_000_000, "loop": True, key: value})
                assert not is_known or first <= playback.where_ns <= last
                assert playback.player.speed == INF or 0.1 <= playback.player.speed <= 1000
                told = playback.status()
                assert (told["first_ns"], told["loop_from_ns"] is None) == (first, told["loop_to_ns"] is None)
                assert isinstance(told["paused"], bool)
                assert isinstance(told["loop"], bool)
                orjson.dumps(told)


async def test_a_file_that_goes_away_while_it_is_replayed_ends_the_replay_with_a_message(
    reading: Reading, eventually: Any
) -> None:
    running: list[Station] = []
    task = asyncio.create_task(replaying(reading, WANTED, running.append))
    await eventually(lambda: running and running[0].outbox.connected)
    reading.recording.path.unlink()
    running[0].setup.requests["seek"]({"received_ns": 5_000_000_000})
    await asyncio.wait({task}, timeout=120)
    assert task.done()
    with pytest.raises(ExceptionGroup) as raised:
        task.result()
    (error,) = raised.value.exceptions
    assert isinstance(error, RecordingError)
    assert isinstance(error, TelemetryError), "which the command says in a line"
    assert "flight.mcap: cannot be read on (No such file or directory)" in str(error)
