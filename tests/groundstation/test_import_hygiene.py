"""What is imported when: the help stays light, and decoding a file needs no network, screen or broker.

Each is asked of a fresh interpreter, since this one has long imported everything.
"""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "numpy",
    "construct",
    "textual",
    "aiomqtt",
    "paho",
    "pydantic",
    "mcap",
    "serial",
    "orjson",
    "fastcrc",
}
COMMANDS = ("demo", "run", "console", "replay", "decode", "simulate", "check", "info", "recover")

RUN = """
import json, resource, sys
from groundstation.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as ended:
    status = ended.code
used = resource.getrusage(resource.RUSAGE_SELF)
told = {"status": status, "cpu_s": used.ru_utime + used.ru_stime, "modules": sorted(sys.modules)}
sys.stderr.write(json.dumps(told))
"""


def imported(*arguments: str) -> set[str]:
    """The top-level modules there are after a command."""
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=True)
    told = json.loads(done.stderr)
    assert told["status"] == 0
    print(f"groundstation {' '.join(arguments)}: {told['cpu_s']:.3f} s of CPU")
    return {name.partition(".")[0] for name in told["modules"]}


def test_the_whole_help_imports_nothing_heavy():
    assert imported("--help") & HEAVY == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_help_imports_nothing_heavy(command):
    assert imported(command, "--help") & HEAVY == set()


def test_decoding_a_file_needs_no_port_no_screen_and_no_broker(data):
    modules = imported("decode", str(data / "psas_packet/simple_logfile"))
    assert modules & {"serial", "textual", "aiomqtt", "paho"} == set()
