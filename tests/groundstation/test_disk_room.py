"""A disk that fills, refuses or only does not confirm: said in time, said once, and live goes on."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundstation.disk_room import AGAIN_S, LEVELS_MIN, DiskRoom
from groundstation.reading import read
from tests.groundstation.conftest import Mosquitto
from tests.groundstation.test_station import Udp, running, udp  # noqa: F401 a fixture

MB = 1_000_000


def warnings(room: DiskRoom, looks: list[tuple[float, int, int]]) -> list[tuple[float, float]]:
    """When it was due, and how many minutes were left then."""
    said = []
    for look in looks:
        room.look(*look)
        if room.due():
            assert room.minutes_left is not None
            said.append((look[0], room.minutes_left))
    return said


def test_a_disk_that_fills_steadily_is_said_at_each_level_once() -> None:
    """1 MB a second into 2,400 MB, looked at twice a second: full after 40 minutes."""
    looks = [(second / 2, (4800 - second) * MB // 2, second * MB // 2) for second in range(4800)]
    said = warnings(DiskRoom(), looks)
    assert [round(left) for _, left in said] == [30, 10, 3]
    assert [round(at / 60) for at, _ in said] == [10, 30, 37]


def test_a_disk_that_others_fill_is_said_too() -> None:
    looks = [(float(second), 1200 * MB - second * MB, 0) for second in range(1200)]
    assert [round(left) for _, left in warnings(DiskRoom(), looks)] == [20, 10, 3]


def test_better_and_worse_again_is_said_again() -> None:
    looks, free, written = [], 900 * MB, 0
    for second in range(3000):
        if second == 800:
            free += 5_000 * MB  # somebody makes room
        if second == 1500:
            free -= 4_300 * MB  # and takes it
        free -= MB
        written += MB
        looks.append((float(second), max(free, 0), written))
        if free <= MB:
            break
    said = warnings(DiskRoom(), looks)
    assert [round(left) for at, left in said if at < 800] == [15, 10, 3]
    assert [at for at, _ in said if at >= 800] == [1500.0]


@given(
    st.lists(st.tuples(st.floats(0.1, 30), st.integers(-3000 * MB, 3000 * MB), st.integers(0, 50 * MB)), max_size=300)
)
def test_no_level_is_said_twice_within_minutes_whatever_the_disk_does(steps: list[tuple[float, int, int]]) -> None:
    room, now, free, written = DiskRoom(), 0.0, 2000 * MB, 0
    said: list[tuple[float, float]] = []
    for seconds, change, more in steps:
        now, free, written = now + seconds, max(0, free + change), written + more
        room.look(now, free, written)
        if room.due():
            assert room.minutes_left is not None
            assert room.minutes_left <= LEVELS_MIN[0]
            said.append((now, next(level for level in LEVELS_MIN[::-1] if room.minutes_left <= level)))
    for level in LEVELS_MIN:
        times = [at for at, each in said if each == level]
        assert all(after - before >= AGAIN_S for before, after in pairwise(times))


def test_nothing_is_said_of_a_disk_nobody_writes_to_or_of_the_first_seconds() -> None:
    assert warnings(DiskRoom(), [(float(second), MB, 0) for second in range(1000)]) == []
    assert warnings(DiskRoom(), [(second / 2, 10 * MB - second * MB, second * MB) for second in range(9)]) == []


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of eight megabytes where the campaign records."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a filesystem can be mounted by root only")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


async def test_a_disk_that_fills_is_said_before_and_when_it_is_full_and_recording_resumes_by_itself(
    disk: Path,
    udp: Udp,  # noqa: F811
    mosquitto: Mosquitto,
    subscriber: Any,
    sparrow: Callable[..., Path],
    eventually: Any,
) -> None:
    path = sparrow(f"udp:{udp.port}")
    async with subscriber(mosquitto.url) as seen, running(path, mosquitto.url) as station:
        recorder = station.recorder
        assert recorder is not None

        def named(name: str) -> list[dict[str, Any]]:
            return [each for each in seen.of("event") if each["name"] == name]

        await eventually(lambda: seen.newest("status").get("state") == "running")
        filler = (disk / "filler").open("ab", buffering=0)
        filler.write(bytes(6 * MB))
        while not named("disk filling"):
            await udp.send(20)
            await eventually(lambda: len(seen.values("state", "header.count")) >= udp.count)
        assert "at this rate" in named("disk filling")[0]["text"]
        assert seen.newest("status")["recording"]["minutes_left"] < 30
        assert seen.newest("status")["recording"]["free_bytes"] < 2.5 * MB
        with suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        assert shutil.disk_usage(disk).free == 0
        await udp.send(400)  # which are seen, though they cannot be recorded
        await eventually(lambda: len(seen.values("state", "header.count")) == udp.count)
        await eventually(lambda: seen.newest("status")["recording"]["state"] == "failed")
        assert len(named("not recording")) == 1
        filler.truncate(0)
        filler.close()
        await udp.send(20)
        await eventually(lambda: seen.newest("status")["recording"]["state"] == "recording")
        await udp.send(20)
        await eventually(lambda: len(seen.values("state", "header.count")) == udp.count)
        assert len(named("not recording")) == len(named("recording")) == 1
    recording = read(recorder.path, path).recording
    chunks = list(recording.chunks())
    assert recording.damage.missing == recorder.lost > 0
    assert recording.damage.discarded == 0
    assert chunks


async def test_a_disk_that_only_does_not_confirm_is_said_once_and_once_that_it_does_again(
    udp: Udp,  # noqa: F811
    mosquitto: Mosquitto,
    subscriber: Any,
    sparrow: Callable[..., Path],
    eventually: Any,
) -> None:
    """The null device takes what is written and refuses fdatasync (EINVAL), as a disk with a fault in it may."""
    async with subscriber(mosquitto.url) as seen, running(sparrow(f"udp:{udp.port}"), mosquitto.url) as station:
        assert station.recorder is not None
        file = station.recorder._file._file._file._file
        kept, null = os.dup(file), os.open(os.devnull, os.O_RDWR)

        def said() -> list[str]:
            return [each["name"] for each in seen.of("event") if each["kind"] == "recording"]

        await eventually(lambda: seen.newest("status").get("state") == "running")
        try:
            os.dup2(null, file)
            await udp.send(1)
            await eventually(lambda: seen.newest("status")["recording"]["state"] == "failed")
            assert "does not confirm" in seen.newest("status")["recording"]["problem"]
            told = len(seen.of("status"))
            while len(seen.of("status")) < told + 3:  # meanwhile it is tried a dozen times, and writing works
                written = station.recorder.position
                await udp.send(1)
                await eventually(lambda written=written: station.recorder.position > written)
            assert said() == ["not recording"]
        finally:
            os.dup2(kept, file)
            os.close(kept)
            os.close(null)
        while said() != ["not recording", "recording"]:
            assert len(said()) < 2
            await udp.send(1)
            await eventually(lambda: len(seen.values("state", "header.count")) >= udp.count)
        await eventually(lambda: seen.newest("status")["recording"]["state"] == "recording")
