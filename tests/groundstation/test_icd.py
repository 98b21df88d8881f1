"""Interface pages: what they say of a declaration, and that the committed ones are of the code beside them."""

import importlib.util
import subprocess
import sys
from math import inf
from pathlib import Path

import pytest
from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Const,
    Enum,
    Flag,
    GreedyBytes,
    Int8ub,
    Int16sb,
    Int16ul,
    Int32ub,
    Padding,
    Struct,
)

from groundstation.icd import page
from protocols.curve import Linear, Polynomial, Table
from protocols.flight import Above, Equals, Flight, Steady, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

LIMITS = "yellow 0 to 5, red up to 9, after 3 samples, back inside by 0.5, in boost"
DOCS = Path(__file__).resolve().parents[2] / "docs"
ENGINE = Struct(
    Const(b"\xa5"),
    "version" / Const(3, Int8ub) * "of this packet",
    "time" / Measurement(Int32ub, "s", Linear(2**-16)) * "since power on",
    "pressure"
    / Measurement(
        Int16ul, "Pa", Linear(250.0, -1e5), yellow=(0, 5), red=(-inf, 9), persistence=3, hysteresis=0.5, when=("boost",)
    )
    * "in the chamber | absolute",
    "rates" / Measurement(Array(4, Int16sb), "deg/s", Linear(-1.0)) * "body axes",
    "state"
    / BitStruct("mode" / Enum(BitsInteger(3), IDLE=0, BURN=5) * "engine", Padding(4), "armed" / Flag * "arming"),
    "wall" / Measurement(Int16ul, "K", Table((0, 10), (200, 300.5))) * "by thermistor",
    "flow" / Measurement(Int8ub, "kg/s", Polynomial((1.0, 0.5, -2e-3))) * "of oxidiser",
)
VEHICLE = Vehicle(
    "sparrow",
    "Sparrow",
    (Packet("engine", ENGINE, 0x2A, 50.0, ("time",), doc="the engine"), Packet("log", Struct("text" / GreedyBytes), 7)),
    Header(Struct("kind" / Int8ub * "packet type", "n" / Int8ub * "count"), key="kind", sequence="n", several=True),
    framing={"kind": "cobs", "check": "crc-16/xmodem"},
    flight=Flight(
        "pad",
        (
            Transition("liftoff", "boost", (Above("engine.pressure", 4.0, 0.2), Equals("engine.state.mode", 5))),
            Transition("landing", "landed", (Steady("engine.pressure", 1.0, 9.0),)),
        ),
    ),
    synthetic=True,
    source="avionics ICD, revision C",
)


@pytest.mark.parametrize(
    "line",
    [
        "# Sparrow: telemetry",
        "**Synthetic: this telemetry is made up.**",
        "Source: avionics ICD, revision C.",
        "Framing: `cobs`, check `crc-16/xmodem`.",
        "| [engine](#engine) | 0x2A | 22 | 50 Hz | `time` | the engine |",
        "| [log](#log) | 0x7 | varies |  |  |  |",
        "| 0 | `header.kind` | u8 | packet type |",
        "| 3 | `version` | u8 |  | always `3` |  | of this packet |",
        "| 4 | `time` | u32 | s | n / 65536 |  | since power on |",
        f"| 8 | `pressure` | u16 le | Pa | 250 n - 100000 | {LIMITS} | in the chamber \\| absolute |",
        "| 10 | `rates` | i16 × 4 | deg/s | -n |  | body axes |",
        "| 18.0 | `state.mode` | u3 |  |  |  | engine: 0 IDLE, 5 BURN |",
        "| 18.7 | `state.armed` | flag |  |  |  | arming |",
        "| 19 | `wall` | u16 le | K | [table 1](#tables) |  | by thermistor |",
        "| 21 | `flow` | u8 | kg/s | 1 + 0.5 n - 0.002 n^2 |  | of oxidiser |",
        "| `text` | varies |",
        "| liftoff | boost | `engine.pressure` over 4 for 0.2 s; `engine.state.mode` is 5 |",
        "| landing | landed | `engine.pressure` within 1 for 9 s |",
        "Table 1. 0: 200, 10: 300.5",
    ],
)
def test_it_says_what_the_declaration_says(line: str) -> None:
    assert line in page(VEHICLE).splitlines()


def test_a_packet_of_no_fixed_layout_says_so() -> None:
    assert "Its layout depends on the data (packet.body.text: GreedyBytes has no fixed size)" in page(VEHICLE)


def test_tables_are_whole() -> None:
    """Every row has as many cells as its heading."""
    for block in page(VEHICLE).split("\n\n"):
        if block.startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1, block


def test_the_committed_pages_are_what_the_code_makes() -> None:
    spec = importlib.util.spec_from_file_location("docs_make", DOCS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    pages = made.pages()
    assert {"carleton.md", "cats.md", "osx.md", "psas.md"} <= {file.name for file in pages}
    assert set((DOCS / "vehicles").glob("*.md")) == set(pages), "run make docs"
    for file, text in pages.items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name} is not what the declaration says: run make docs"


def icd(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "groundstation", "icd", *arguments]
    return subprocess.run(command, cwd=at, capture_output=True, text=True, check=False)


def test_the_command_prints_the_page(tmp_path: Path) -> None:
    assert icd("osx", at=tmp_path).stdout == (DOCS / "vehicles" / "osx.md").read_text(encoding="utf-8")
    own = "from protocols import Packet, Vehicle\nfrom construct import Int8ub, Struct\n"
    (tmp_path / "own.py").write_text(own + 'VEHICLE = Vehicle("own", "Own", (Packet("a", Struct("x" / Int8ub)),))\n')
    assert icd("./own.py", at=tmp_path).stdout.startswith("# Own: telemetry\n")


@pytest.mark.parametrize(("given", "said"), [("osy", "did you mean 'osx'"), ("./no.py", "there is no file")])
def test_a_vehicle_that_there_is_not_is_said_in_a_line(given: str, said: str, tmp_path: Path) -> None:
    ended = icd(given, at=tmp_path)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
