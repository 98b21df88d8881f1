"""Which stations run on this machine: a file each, locked for as long as its station lives.

It lets ``groundstation console`` find the bus whatever port it got, and ``run`` say that a campaign already runs. The
lock goes with the process, also with one that was killed; a file that is not locked is a leftover and is removed.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Running:
    """A station that runs here."""

    pid: int
    url: str
    """Its broker."""
    root: str
    """Its topics: ``groundstation/MODE/NAME``."""


def state_directory() -> Path:
    """Where stations' logs and this list are kept (XDG Base Directory: XDG_STATE_HOME)."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "groundstation"


@contextmanager
def registered(url: str, root: str) -> Iterator[None]:
    """Be in the list. A folder that cannot be written keeps a station out of the list, not from running."""
    path = state_directory() / f"station-{os.getpid()}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    except OSError:
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps({"pid": os.getpid(), "url": url, "root": root}))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def running() -> list[Running]:
    """The stations that run here, in the order of their processes."""
    found = []
    for path in state_directory().glob("station-*.json"):
        with suppress(OSError, ValueError, TypeError, KeyError), path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                told = json.load(file)
                found.append(Running(int(told["pid"]), str(told["url"]), str(told["root"])))
            else:
                path.unlink(missing_ok=True)
    return sorted(found, key=lambda each: each.pid)
