"""Live = replay, proven by digests: the same bytes give the same values, alarms and events, live and at any speed.

Speeds at which a clock would be too slow are played by a clock of our own, through the same player.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundstation.reading import Reading, read
from groundstation.stated_arguments import Stated
from groundstation.stated_reading import read_as_stated
from replay.player import Player
from tests.groundstation.test_replay import groundstation, told

SHOWN_S = 0.02
"""How often a screen's clock looks what is due, at speeds above 1."""


def played(reading: Reading, speed: float, seconds: float = math.inf) -> dict[str, Any]:
    """The digests of a recording, or of its first seconds, played by a clock that costs no time."""
    first, last = reading.recording.span
    end_ns = last if math.isinf(seconds) else first + round(seconds * 1e9)
    player = Player(reading.recording.placed(), first, speed, end_ns)
    pipeline = reading.pipeline()
    digests = pipeline.prove()
    now, handed_over = 0.0, 0
    player.play(now)
    while not player.ended:
        deadline = player.next_deadline()
        assert deadline is not None
        now = max(deadline, now + (SHOWN_S if speed > 1 else 0.0))
        if chunks := player.due(now):
            handed_over += 1
            pipeline.recorded(chunks)
            pipeline.receive(*chunks)
    for name in pipeline.links:
        pipeline.finish(name)
    assert handed_over
    return digests.as_dict()


def alike(reading: Callable[[], Reading], *others: dict[str, Any]) -> dict[str, Any]:
    """What a recording's digests are at 1x, 100x and as fast as possible, and by others: all the same."""
    found = [played(reading(), speed) for speed in (1.0, 100.0, math.inf)]
    for each in (*found, *others):
        assert each == found[0]
    return found[0]


@pytest.fixture(scope="module")
def osx(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Two seconds around the liftoff of the demo's flight, over a pty; what its station said at the end."""
    folder = tmp_path_factory.mktemp("osx")
    said = told("demo", "--begin", "-0.5", "--end", "1.5", "--no-console", "--directory", folder)
    return Path(said["recording"]), said["digests"]


def test_the_demo_as_it_was_live(osx: tuple[Path, dict[str, Any]]) -> None:
    path, live = osx
    assert live["events"]["count"] == 1
    assert live["links"]["umbilical"]["packets"]["propulsion"]["count"] > 150
    proven = json.loads(groundstation("verify", path, "--json").stdout)
    assert (proven["verdict"], proven["seal"]) == ("equal", live["seal"])
    fast = told("replay", path, "--speed", "max", "--no-console", "--digests")["digests"]
    hundredfold = told("replay", path, "--speed", "100", "--no-console", "--digests")["digests"]
    alike(lambda: read(path), live, fast, hundredfold, told("decode", path, "--digests")["digests"])


def test_a_part_of_the_demo_at_the_speed_it_was_received(osx: tuple[Path, dict[str, Any]]) -> None:
    path, live = osx
    slow = told("replay", path, "--speed", "1", "--to", "0.8", "--no-console", "--digests")["digests"]
    assert slow == played(read(path), 1.0, 0.8) == played(read(path), math.inf, 0.8)
    assert 0 < slow["links"]["umbilical"]["chunks"] < live["links"]["umbilical"]["chunks"]


def test_a_replay_that_did_not_play_all_from_the_beginning_claims_nothing(osx: tuple[Path, dict[str, Any]]) -> None:
    path, _ = osx
    assert told("replay", path, "--speed", "max", "--from", "1", "--no-console", "--digests")["digests"] is None


def test_a_cats_flight(data: Path) -> None:
    path = data / "cats_euroc23" / "05_asat" / "main.cfl"
    fast = told("replay", path, "--speed", "max", "--no-console", "--digests")["digests"]
    found = alike(lambda: read(path), fast, told("decode", path, "--digests")["digests"])
    assert found["events"]["count"] >= 2
    (link,) = found["links"].values()
    assert sum(each["count"] for each in link["packets"].values()) > 10_000


def test_a_pass_of_gomx_3(data: Path, tmp_path: Path) -> None:
    path = data / "sat_wav" / "gomx_3.wav"
    source = f"iq_file:{path}"
    (tmp_path / "pass.toml").write_text(
        f'[campaign]\nname = "pass"\nvehicle = "undeclared"\n[links.uhf]\nsource = "{source}"\nsatellite = "GOMX-3"\n'
    )
    live = told("run", tmp_path / "pass.toml", "--no-console")
    proven = json.loads(groundstation("verify", live["recording"], "--json").stdout)
    assert (proven["verdict"], proven["seal"]) == ("equal", live["digests"]["seal"])
    alike(lambda: read(live["recording"]), live["digests"])
    fast = told("replay", path, "--satellite", "GOMX-3", "--speed", "max", "--no-console", "--digests")["digests"]
    found = alike(lambda: read_as_stated(path, Stated(satellite="GOMX-3")), fast)
    (link,) = found["links"].values()
    assert sum(each["count"] for each in link["packets"].values()) > 0
