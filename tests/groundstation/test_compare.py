"""``groundstation compare``: what alarms under one set of limits and not under another, of the same recording."""

import json
import math
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundstation.cli import main
from groundstation.comparison import MOST, AlarmHistory
from groundstation.limits import Crossing, Level
from replay.recorder import Recorder
from replay.recording import RecordedLink
from tests.groundstation.conftest import SPARROW, free_port
from tests.groundstation.test_verify import LIFTOFF, PACKETS, STEP_NS, altitude, chunks, flown

Compare = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compared")
    (made / "sparrow.py").write_text(SPARROW)
    return made


def campaign(folder: Path, name: str, limits: str = "") -> Path:
    path = folder / f"{name}.toml"
    link = f'[links.radio]\nsource = "udp:{free_port()}"\n'
    path.write_text(f'[campaign]\nname = "hop"\nvehicle = "./sparrow.py"\n{link}{limits}')
    return path


@pytest.fixture(scope="module")
def hop(folder: Path) -> Path:
    return flown(campaign(folder, "own", '[limits."state.altitude"]\nyellow = [0, 800]\nred = [0, 900]\n'), chunks())


@pytest.fixture
def compare(hop: Path, capsys: pytest.CaptureFixture[str]) -> Compare:
    """The JSON of a comparison by campaigns; ``text`` is what it says in words."""

    def compared(*campaigns: Path, recording: Path = hop) -> dict[str, Any]:
        named = [part for path in campaigns for part in ("--campaign", str(path))]
        assert main(["compare", str(recording), *named]) == 0
        text = capsys.readouterr().out
        assert main(["compare", str(recording), *named, "--json"]) == 0
        return {**json.loads(capsys.readouterr().out), "text": text}

    return compared


def sent(n: int) -> float:
    """The altitude in a packet, which has half metres."""
    return round(altitude(n) * 2) / 2


def time_above(height: float) -> tuple[float, float]:
    """Seconds since T-0 at which the hop first is above, and how long until it is back."""
    above = [n for n in range(PACKETS) if sent(n) > height]
    return (above[0] - LIFTOFF) * STEP_NS / 1e9, (above[-1] + 1 - above[0]) * STEP_NS / 1e9


def test_what_alarms_under_one_only_is_told_with_when_how_long_and_how_far(folder: Path, compare: Compare) -> None:
    wide = campaign(folder, "wide", '[limits."state.altitude"]\nyellow = [0, 2000]\nred = [0, 3000]\n')
    tight = campaign(folder, "tight", '[limits."state.altitude"]\nyellow = [0, 600]\nred = [0, 1000]\n')
    told = compare(wide, tight)
    assert told["decoded_once"]
    assert (told["only_a"], told["otherwise"], told["same"]) == ([], [], 0)
    (alarm,) = told["only_b"]
    begins, lasts = time_above(600)
    reddens, red = time_above(1000)
    assert (alarm["measurement"], alarm["level"], alarm["number"]) == ("state.altitude", "red", 1)
    assert alarm["mission_time"] == pytest.approx(begins)
    assert alarm["lasts_s"] == pytest.approx(lasts)
    assert alarm["red_after_s"] == pytest.approx(reddens - begins)
    assert alarm["red_for_s"] == pytest.approx(red)
    assert alarm["worst"] == max(map(sent, range(PACKETS)))
    assert (alarm["limit"], alarm["unit"], alarm["to_the_end"]) == ("red > 1000", "m", False)
    assert list(told["limits"]) == ["state.altitude"]
    assert told["limits"]["state.altitude"]["a"]["yellow"] == [0, 2000]
    assert told["limits"]["state.altitude"]["b"]["yellow"] == [0, 600]
    other = compare(tight, wide)
    assert (other["only_a"], other["only_b"]) == (told["only_b"], [])
    assert f"T{begins:+.2f} s" in told["text"]


def test_the_same_limits_differ_in_nothing(folder: Path, compare: Compare) -> None:
    told = compare(campaign(folder, "one"), campaign(folder, "two"))
    assert (told["only_a"], told["only_b"], told["otherwise"], told["limits"]) == ([], [], [], {})
    assert told["same"] == 1
    assert told["a"]["alarms"] == told["b"]["alarms"] == 1


def test_an_alarm_under_both_that_is_not_alike_is_told_by_both(folder: Path, compare: Compare) -> None:
    slow = campaign(folder, "slow", '[limits."state.altitude"]\npersistence = 21\n')
    told = compare(campaign(folder, "declared"), slow)
    (pair,) = told["otherwise"]
    assert pair["a"]["raised_after_s"] == 0
    assert pair["b"]["raised_after_s"] == pytest.approx(20 * STEP_NS / 1e9)
    assert pair["a"]["mission_time"] == pair["b"]["mission_time"]


def test_one_campaign_is_compared_with_the_limits_of_the_day(folder: Path, compare: Compare) -> None:
    """Whose vehicle is a program beside the campaign, which is not in the recording."""
    told = compare(campaign(folder, "now", '[limits."state.altitude"]\nyellow = [0, 800]\nred = [0, 5000]\n'))
    assert told["a"]["name"] == "as recorded"
    assert told["limits"]["state.altitude"]["a"]["red"] == [0, 900]
    assert told["limits"]["state.altitude"]["b"]["red"] == [0, 5000]
    (pair,) = told["otherwise"]
    assert (pair["a"]["level"], pair["b"]["level"]) == ("red", "yellow")
    assert "state.voltage" not in told["limits"]


def test_another_vehicle_is_decoded_by_itself(folder: Path, compare: Compare) -> None:
    (folder / "eagle.py").write_text(SPARROW.replace("Linear(0.5)", "Linear(0.25)"))
    eagle = folder / "eagle.toml"
    eagle.write_text(campaign(folder, "other").read_text().replace("sparrow.py", "eagle.py"))
    told = compare(campaign(folder, "plain"), eagle)
    assert not told["decoded_once"]
    assert (len(told["only_a"]), len(told["only_b"]), told["limits"]) == (1, 0, {})
    assert told["packets"] == {"a": PACKETS, "b": PACKETS}


def test_a_flight_of_another_team_is_compared_with_its_declaration(folder: Path, data: Path, compare: Compare) -> None:
    """The altitude of its flight computer's own statistics: 2297.65 m."""
    path = folder / "cats.toml"
    limits = '[limits."filtered_data_info.altitude"]\nred = [-1000, {}]\nhysteresis = 50\n'
    path.write_text('[campaign]\nname = "c"\nvehicle = "cats"\n[links.log]\nsource = "udp:9"\n' + limits.format(2200))
    told = compare(path, recording=data / "cats_euroc23" / "05_asat" / "main.cfl")
    (alarm,) = told["only_b"]
    assert told["a"]["name"] == "as declared"
    assert alarm["worst"] == pytest.approx(2297.65, abs=1)
    path.write_text(path.read_text().replace("2200", "2310"))
    assert compare(path, recording=data / "cats_euroc23" / "05_asat" / "main.cfl")["only_b"] == []


def test_what_is_of_no_use_is_refused(
    folder: Path, hop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = str(campaign(folder, "fine"))
    assert main(["compare", str(hop), *(["--campaign", own] * 3)]) == 2
    assert "one or two" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["compare", str(hop)])
    capsys.readouterr()
    definitions = {"packets": {"state": {"measurements": {"altitude": {"yellow": ["low", 3]}}}}}
    links = {"radio": RecordedLink("sparrow", {"kind": "cobs", "check": "crc-16/ibm-3740"})}
    with Recorder(
        tmp_path / "a.mcap", campaign="", definitions=definitions, links=links, synthetic=True, software="test"
    ) as recorder:
        recorder.write_many(chunks(5))
    assert main(["compare", str(recorder.path), "--campaign", own]) == 1
    assert "limits of state.altitude that cannot be" in capsys.readouterr().err


def crossing(level: Level, at: int, since: int | None = None, worst: float = 1.0) -> Crossing:
    return Crossing("a.b", level, Level.NOMINAL, at, at if since is None else since, 1.0, worst, 1.0, "x", "m")


@given(st.lists(st.sampled_from(Level), max_size=30).map(lambda levels: [level for level, _ in groupby(levels)]))
def test_an_alarm_is_one_from_the_first_level_to_the_return(levels: list[Level]) -> None:
    history = AlarmHistory()
    history.add(crossing(level, at) for at, level in enumerate(levels))
    text = "".join("NYR"[level] for level in levels)
    runs = [run for run in text.split("N") if run]
    assert [each.level.name[0] for each in history.episodes] == [max(run, key="YR".index) for run in runs]
    assert history.count == len(runs)
    assert sum(each.red_for(len(levels)) for each in history.episodes) == sum(level is Level.RED for level in levels)


def test_alarms_kept_are_bounded_and_the_others_counted() -> None:
    history = AlarmHistory()
    for n in range(MOST + 10):
        history.add((crossing(Level.RED, 2 * n, worst=math.inf), crossing(Level.NOMINAL, 2 * n + 1)))
    assert (len(history.episodes), history.count) == (MOST, MOST + 10)
