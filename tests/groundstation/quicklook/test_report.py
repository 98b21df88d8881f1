"""Quick-looks of real flights say what the flight computers themselves said; hostile names stay text."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from groundstation.cli import main
from protocols.chunk import Chunk
from protocols.framer import framer
from replay.recorder import Recorder
from replay.recording import RecordedLink

DECLARATION = """
from construct import Int16sb, Struct
from protocols.flight import Above, Falls, Flight, Transition
from protocols.measurement import Measurement
from protocols.packet import Packet, Vehicle
VEHICLE = Vehicle(
    "kite",
    "Kite <script>alert(1)</script>",
    (Packet("state", Struct("height" / Measurement(Int16sb, "m", yellow=(-5, 90), red=(-9, 120), when=("up",)))),),
    flight=Flight("pad", (
        Transition("liftoff", "up", (Above("state.height", 10, 0.1),)),
        Transition("apogee", "down", (Falls("state.height", 5),)),
    )),
    display=("state.height",),
)
"""
HEIGHTS = [0] * 20 + [5, 12, 30, 50, 70, 85, 95, 93, 80, 60, 40, 20, 8] + [1] * 20
STEP_NS = 100_000_000
BEGIN_NS = 1_700_000_000_000_000_000


class Sources(HTMLParser):
    """What a page would load, and the tags in it."""

    def __init__(self):
        super().__init__()
        self.loads, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]


@pytest.fixture
def kite(tmp_path):
    """A recording of a small flight and the campaign to read it by."""
    (tmp_path / "kite.py").write_text(DECLARATION)
    campaign = tmp_path / "kite.toml"
    campaign.write_text(
        '[campaign]\nname = "kite"\nvehicle = "./kite.py"\n[links.line]\nsource = "udp:9"\nframing = "cobs"\n'
    )

    def recorded(name, heights):
        with Recorder(
            tmp_path / name,
            campaign="",
            definitions={},
            links={"line": RecordedLink("kite", "cobs")},
            synthetic=True,
            software="test",
        ) as recorder:
            encode = framer("cobs").encode
            for number, height in enumerate(heights):
                data = encode([height.to_bytes(2, "big", signed=True)])
                recorder.write(Chunk("line", data, BEGIN_NS + number * STEP_NS))
        return recorder.path

    return recorded, campaign


def told(path):
    """The rows of all tables of a Markdown page."""
    rows = [line for line in path.read_text().splitlines() if line.startswith("| ")]
    return [[re.sub(r"\\\\(.)", r"\1", cell.strip()) for cell in row.strip("|").split(" | ")] for row in rows]


def test_the_quick_look_of_a_cats_flight_has_the_flight_computer_s_own_figures(tmp_path, data, capsys):
    target = tmp_path / "asat.html"
    recording = data / "cats_euroc23/05_asat/main.cfl"
    assert main(["report", str(recording), "--to", str(target), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["html"] == str(target)
    stats = (data / "cats_euroc23/05_asat/main_stats.txt").read_text()
    apogee, speed = (
        float(re.search(rf"{word}.*?([0-9.]+)", stats, re.IGNORECASE)[1]) for word in ("Height", "Velocity")
    )
    text = target.with_suffix(".md").read_text()
    rows = told(target.with_suffix(".md"))
    highest = {row[0]: float(row[3]) for row in rows if len(row) == 7 and row[0] in ("boost", "coast")}
    assert highest  # the last table with these phases is not the one of heights, so the text is searched
    assert f"{apogee:.5g}" in text
    assert f"{speed:.5g}" in text
    parsed = Sources()
    parsed.feed(target.read_text())
    assert all(each.startswith(("data:image/svg+xml;base64,", "#")) for each in parsed.loads)
    assert parsed.tags.count("img") >= 5


def test_events_phases_alarms_and_margins_are_those_of_the_data(kite, tmp_path):
    recorded, campaign = kite
    path = recorded("one.mcap", HEIGHTS)
    assert main(["report", str(path), "--campaign", str(campaign)]) == 0
    rows = told(path.with_name("one.report.md"))
    liftoff, apogee = HEIGHTS.index(12), HEIGHTS.index(95)
    lasted = (apogee - liftoff) * STEP_NS / 1e9
    assert ["T+0.00 s", "liftoff", "up", f"{lasted:.2f} s", "state.height 12 m"] in rows
    assert any(row[:3] == [f"T+{lasted:.2f} s", "apogee", "down"] for row in rows)
    alarm = next(row for row in rows if row[0] == "1" and "state.height" in row)
    assert alarm[1:3] == [f"T+{lasted:.2f} s", "yellow"]
    margins = {row[1]: row for row in rows if row[0] == "state.height" and row[1] in ("red", "yellow")}
    assert margins["yellow"][3:6] == ["95", f"T+{lasted:.2f} s", "**-5 m**"]
    assert margins["red"][3:6] == ["95", f"T+{lasted:.2f} s", "25 m"]


def test_a_reference_is_compared_from_t0_to_t0(kite):
    recorded, campaign = kite
    first, second = recorded("one.mcap", HEIGHTS), recorded("two.mcap", [0] * 7 + [each + 3 for each in HEIGHTS])
    arguments = ["report", str(second), "--reference", str(first), "--campaign", str(campaign)]
    assert main(arguments) == 0
    rows = told(second.with_name("two.report.md"))
    assert any(row[0] == "apogee" and row[3] == "+0.00 s" for row in rows)
    up = next(row for row in rows if row[0].startswith("state.height") and row[1] == "up" and len(row) == 11)
    assert [float(each) for each in up[2:5]] == [98, 95, 3]


def test_names_that_would_be_programs_are_text(kite):
    recorded, campaign = kite
    path = recorded("<b>.mcap", HEIGHTS)
    assert main(["report", str(path), "--campaign", str(campaign)]) == 0
    parsed = Sources()
    parsed.feed(path.with_name("<b>.report.html").read_text())
    assert "script" not in parsed.tags
    assert "b" not in parsed.tags


def test_synthetic_is_said(kite):
    recorded, campaign = kite
    path = recorded("one.mcap", HEIGHTS)
    assert main(["report", str(path), "--campaign", str(campaign)]) == 0
    for suffix in (".html", ".md"):
        assert "Synthetic: this telemetry is made up" in path.with_name(f"one.report{suffix}").read_text()


def test_what_cannot_be_written_is_said(tmp_path, data, capsys):
    recording = str(data / "cats_euroc23/05_asat/main.cfl")
    assert main(["report", recording, "--to", str(tmp_path / "report.pdf")]) == 2
    assert "name one, as" in capsys.readouterr().err
    assert main(["report", recording, "--to", str(tmp_path / "none/report.html")]) == 2
    assert "make it first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_states_are_drawn_by_their_names(tmp_path, data):
    from groundstation.quicklook import plots  # noqa: PLC0415
    from groundstation.quicklook.measure import add_figures, measure  # noqa: PLC0415
    from groundstation.reading import read  # noqa: PLC0415

    measured = measure(read(data / "cats_euroc23/05_asat/main.cfl"), lambda _: None)
    add_figures(measured, [], lambda _: None)
    drawn = plots.whole_flight(measured, None)
    assert drawn is not None
    assert all(name in drawn.svg for name in ("THRUSTING", "COASTING", "TOUCHDOWN"))


@pytest.mark.parametrize(("step_ns", "every"), [(1, 400), (50_000_000, 10), (83_000_000, 3), (12_000_000_000, 1)])
def test_a_slow_link_is_drawn_at_its_rate(step_ns, every):
    from groundstation.quicklook import plots  # noqa: PLC0415
    from groundstation.quicklook.figures_of import BINS  # noqa: PLC0415

    counts = np.zeros(BINS, np.int64)
    counts[::every] = 1
    together = plots.together_of(step_ns)
    drawn = plots.summed(counts, together)
    assert drawn.sum() == counts.sum()
    assert len(drawn) >= 40
    if together * step_ns >= 1_000_000_000:
        rate = 1e9 / (every * step_ns)
        assert abs(drawn / (together * step_ns / 1e9) - rate).max() <= 1.0  # a packet more or less in a second
