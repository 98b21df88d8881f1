"""Fixtures for all tests: the folder of real recordings, and how to wait without sleeping blindly."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    deadline=None,  # a slow machine is no fault
    derandomize=True,  # the same examples in every run: what passed here passes there; `explore` looks for new ones
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")  # `pytest --hypothesis-profile explore` takes the other

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _own_list_of_stations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stations of these tests and those that run on this machine do not see each other."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    del os.environ["XDG_STATE_HOME"]
    if before is not None:
        os.environ["XDG_STATE_HOME"] = before


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """What is run in the background ignores Ctrl-C, and so would every program that these tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings with independent truth; tests skip where it is absent."""
    folder = Path(os.environ.get("GROUNDSTATION_TEST_DATA", SHARED))
    if not folder.is_dir():
        pytest.skip("no real recordings here: set GROUNDSTATION_TEST_DATA to their folder")
    return folder


async def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Return as soon as condition holds; fail the test if it does not within a generous bound."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.002)


@pytest.fixture
def eventually() -> Callable[..., object]:
    """``await eventually(lambda: ...)``: wait for a condition."""
    return until
