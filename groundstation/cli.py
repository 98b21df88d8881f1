"""The command line: ``groundstation COMMAND``. Each command is one file in ``groundstation/commands``.

Exit status: 0 done, 1 the data or a device failed, 2 wrong usage or campaign file, 130 interrupted,
141 nobody read on.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pkgutil import iter_modules

import groundstation.commands
from groundstation.plain_text import plain
from protocols.errors import AddressError, CampaignError, DeclarationError, TelemetryError

_ORDER = (
    *("demo", "run", "console", "replay"),
    *("decode", "report", "verify", "compare", "recover"),
    *("simulate", "check", "info", "icd"),
)
_EXAMPLES = """\
first steps:
  groundstation demo                         a simulated flight, received, recorded and shown
  groundstation replay flight.cfl            a recorded flight in the same console
  groundstation decode flight.cfl --to flight.csv
  groundstation report flight.cfl            its quick-look: one page of HTML
  groundstation run campaign.toml            receive, record and publish; with a console on a terminal
  groundstation console                      one more screen on what runs here
"""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands there are."""
    made = argparse.ArgumentParser(
        prog="groundstation",
        description="A ground station for launch telemetry: receives, records, decodes, shows and publishes it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"%(prog)s {version('launch-groundstation')}")
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    names = [module.name for module in iter_modules(groundstation.commands.__path__) if not module.name.startswith("_")]
    for name in sorted(names, key=lambda each: (_ORDER.index(each) if each in _ORDER else len(_ORDER), each)):
        module = import_module(f"groundstation.commands.{name}")
        own = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(own)
        own.set_defaults(run=module.run)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    try:
        if isinstance(sys.stdout, TextIOWrapper):  # a file's name need not be text, and is said as far as it is
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        return _unread()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(f"{where}{error.strerror or error}; look to the file, the disk or the device", 1)
    except KeyboardInterrupt:
        return _failed("interrupted", 130)


_COLLECTED = (100_000, 20, 100)
"""New objects until the collector looks for cycles: chunks and columns are many and hold none. By Python's figures a
recording of small chunks takes half as long again to read (measured).
"""


def _run(arguments: Sequence[str] | None) -> int:
    gc.set_threshold(*_COLLECTED)
    asked = parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except (CampaignError, AddressError, DeclarationError) as error:
        return _failed(error, 2)
    except TelemetryError as error:
        return _failed(error, 1)


def _failed(error: object, status: int) -> int:
    sys.stderr.write(f"groundstation: {plain(str(error))}\n")
    return status


def _unread() -> int:
    """The reader of our output has gone, as `head` does. That is no fault; nothing more is said or written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain while it ends
    return 128 + signal.SIGPIPE


if __name__ == "__main__":
    raise SystemExit(main())
