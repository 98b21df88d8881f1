"""A station and its console on one terminal, as two processes: leaving the console stops nothing by itself.

With a console, the command starts itself again as a station without one, in a session of its own, so that neither a
closed terminal nor Ctrl-C in the console reaches it; the console is then a client of its bus like any other.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from groundstation.bus.address import PASSWORD_VARIABLE
from groundstation.registry import registered
from protocols.errors import TelemetryError

if TYPE_CHECKING:
    from groundstation.station import Station

log = logging.getLogger("groundstation")

LINES_SAID = 12
"""Of the log of a station that did not begin."""
STOP_S = 15.0
"""A station that was asked to stop gets this long to close its recording and say goodbye."""


def add_station_arguments(parser: ArgumentParser) -> None:
    """The options of every command that runs a station."""
    parser.add_argument("--broker", default="", metavar="URL", help="publish there; default: the embedded broker")
    parser.add_argument("--no-console", action="store_true", help="no screen here; stop with Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output at the end")
    parser.add_argument("--announce", type=int, default=-1, help=SUPPRESS)  # the pipe to say where the bus is


def with_console(arguments: Namespace) -> bool:
    """Whether the command is to open a console: unless told not to, and only on a terminal."""
    if arguments.no_console or arguments.json or arguments.announce >= 0:
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()


def console_and_station(command: Sequence[str], log_file: Path) -> int:
    """Start ``groundstation COMMAND --no-console`` in a session of its own and look at it; its exit status."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    with log_file.open("ab") as errors:
        before = errors.tell()
        child = subprocess.Popen(  # noqa: S603 this same program, with the arguments it was given
            [sys.executable, "-m", "groundstation", *command, "--no-console", "--announce", str(write_end)],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=(write_end,),
            start_new_session=True,
        )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        try:
            told = _first_words(pipe)
        except KeyboardInterrupt:
            child.terminate()  # nobody has seen it yet, so nobody would ever stop it
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_S)
            raise
    if not told:
        return _failed(child, log_file, before)
    return _look(child, told, log_file, before)


def _first_words(pipe: TextIO) -> dict[str, str]:
    """Where a station that was started says its bus is; empty where it ended before. How far it is by then is shown."""
    from groundstation.progress import Progress  # noqa: PLC0415 it loads what recordings need

    progress = Progress("reading")
    try:
        for line in pipe:
            told = json.loads(line)
            if "url" in told:
                return dict(told)
            progress.done(told["read"])
    finally:
        progress.end()
    return {}


def tell_progress(arguments: Namespace) -> Callable[[float], None]:
    """What a station is to tell how much it has read, 0 to 1, before it can begin: it is shown where a person is."""
    if arguments.announce >= 0:
        pipe = os.dup(arguments.announce)  # our own: the other is closed, and its number used again, once it runs

        def told(part: float) -> None:
            with suppress(OSError):  # whoever started it listens no more
                os.write(pipe, json.dumps({"read": part}).encode() + b"\n")

        return told
    from groundstation.progress import Progress  # noqa: PLC0415

    progress = Progress("reading")

    def shown(part: float) -> None:
        if part < 1.0:
            progress.done(part)
        else:
            progress.end()

    return shown


def _failed(child: subprocess.Popen[bytes], log_file: Path, before: int) -> int:
    """Say what a station that did not begin wrote to its log, past what stood there before; its exit status."""
    status = child.wait()
    text = log_file.read_bytes()[before:].decode(errors="replace").strip().splitlines()
    sys.stderr.write("\n".join([*text[-LINES_SAID:], ""]))
    return status if status > 0 else 128 - status if status else 1


def _look(child: subprocess.Popen[bytes], where: dict[str, str], log_file: Path, before: int) -> int:
    """The console on a station of our own, and what becomes of the station after it."""
    from groundstation.console.app import run_console  # noqa: PLC0415 heavy, and only wanted here

    if "password" in where:
        os.environ[PASSWORD_VARIABLE] = where["password"]  # where the console looks for it
    outcome = "left"
    try:
        outcome = run_console(where["url"], where["root"], owner=True)
    finally:
        if outcome == "stop":
            child.send_signal(signal.SIGTERM)
    if outcome == "stop" or child.poll() is not None:
        try:
            status = child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"groundstation: the station (process {child.pid}) has not stopped; see {log_file}\n")
            return 1
        sys.stdout.write(_last_words(log_file, before))
        return status
    sys.stdout.write(
        f"The station goes on as process {child.pid}; nothing was stopped.\n"
        f"  look again:  groundstation console {where['url']}\n"
        f"  stop it:     kill -INT {child.pid}\n"
        f"  its log:     {log_file}\n"
    )
    return 0


def _last_words(log_file: Path, before: int) -> str:
    """What a station said at its end, past what stood in its log before: counts, and where it is recorded."""
    lines = log_file.read_bytes()[before:].decode(errors="replace").splitlines()
    return "\n".join([*(line for line in lines if not re.match(r"\d{4}-\d\d-\d\d ", line)), ""])


def host(arguments: Namespace, station: Callable[[Callable[[Station], None]], Coroutine[None, None, None]]) -> None:
    """Run a station in this process until it ends. station is called with what it must tell itself to once it runs.

    Raises TelemetryError of whatever kind ended it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # aiomqtt's own client log repeats what the outbox says

    def running(started: Station) -> None:
        listed.enter_context(registered(started.outbox.broker.url, started.root))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, started.stopping.set)
        log.info("the bus is %s, topics %s/#", started.outbox.broker, started.root)
        if arguments.announce >= 0 and not _announce(arguments.announce, started):
            log.warning("the console has gone before it knew of this station; it ends")
            started.stopping.set()

    try:
        with ExitStack() as listed:
            asyncio.run(station(running))
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, TelemetryError):
            raise first from None
        raise


def _announce(pipe: int, started: Station) -> bool:
    """Tell the process that started this one where the bus is, and how to log in there; whether it still listens."""
    broker = started.outbox.broker
    where = {"url": broker.url, "root": started.root}
    if broker.password is not None:
        where["password"] = broker.password
    try:
        with os.fdopen(pipe, "w") as told:
            told.write(json.dumps(where) + "\n")
    except BrokenPipeError:
        return False
    return True
