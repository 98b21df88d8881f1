"""The list of stations: there while they live, gone with them however they end."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundstation.registry import registered, running

HOLD = """\
import sys
from groundstation.registry import registered
with registered("mqtt://127.0.0.1:1900", "groundstation/live/held"):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """A process with a station."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    yield process
    process.kill()
    process.communicate()


def test_a_station_is_listed_while_it_runs() -> None:
    assert running() == []
    with registered("mqtt://127.0.0.1:1883", "groundstation/live/hop-1"):
        (own,) = running()
        assert (own.url, own.root) == ("mqtt://127.0.0.1:1883", "groundstation/live/hop-1")
    assert running() == []


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_was_killed_is_not_and_leaves_nothing(
    other: subprocess.Popen[str], end: signal.Signals, tmp_path: Path
) -> None:
    assert [each.root for each in running()] == ["groundstation/live/held"]
    assert [each.pid for each in running()] == [other.pid]
    other.send_signal(end)
    other.wait()
    assert running() == []
    assert list(tmp_path.rglob("station-*")) == []


def test_a_folder_that_cannot_be_written_hinders_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    with registered("mqtt://127.0.0.1:1883", "groundstation/live/hop-1"):
        assert running() == []
