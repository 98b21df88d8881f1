"""A replay that is asked for the impossible, or whose file goes away: ignored, or said; never a traceback."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from groundstation.playback import Playback
from groundstation.reading import Reading, read
from groundstation.replaying import Wanted, replaying
from groundstation.station import Station
from protocols.chunk import Chunk
from protocols.errors import RecordingError, TelemetryError
from replay.player import Player
from replay.recorder import Recorder
from replay.recording import RecordedLink

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


@pytest.mark.parametrize("t0_ns", [None, 3_000_000_000])
def test_any_number_may_be_asked_for(reading: Reading, t0_ns: int | None) -> None:
    player = Player(reading.recording)
    playback = Playback(reading.recording, player, reading.pipeline, [], t0_ns)
    first, last = reading.recording.span
    for value in ODD:
        for do, key in (("seek", "received_ns"), ("seek", "mission_time"), ("speed", "speed"), ("loop", "loop")):
            playback.requests()[do]({key: value})
            assert all(first <= target <= last for target in playback._targets)
            assert player.speed == INF or 0.1 <= player.speed <= 1000
            assert playback.status()["first_ns"] == first


async def test_a_file_that_goes_away_while_it_is_replayed_ends_the_replay_with_a_message(
    reading: Reading, eventually: Any
) -> None:
    running: list[Station] = []
    task = asyncio.create_task(
        replaying(reading, Wanted(1.0, begin=None, end=None, loop=False, stay=True, broker=""), running.append)
    )
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
