"""``groundstation decode``: its CSV and counts against what other people's programs read from the same flights."""

import csv
import json
import math
import struct
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundstation.cli import main
from groundstation.exports import Contents
from groundstation.exports.csv import CsvExport
from protocols.batch import Batch, Field
from replay.recorder import Recorder
from replay.recording import Chunk, RecordedLink
from tests.groundstation.conftest import SPARROW, state_packet

STANDARD_GRAVITY = 9.80665
FIRST = ["received_ns", "mission_time [s]", "vehicle_time [s]", "link", "packet", "valid"]


class Table:
    """A CSV file as any reader sees it: by packet, the texts of each column."""

    def __init__(self, path: Path) -> None:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            self.header = next(rows)
            self.rows = list(rows)
        assert {len(row) for row in self.rows} <= {len(self.header)}
        assert len(set(self.header)) == len(self.header)
        self._by_packet: dict[str, list[list[str]]] = defaultdict(list)
        for row in self.rows:
            self._by_packet[row[4]].append(row)

    def counts(self) -> dict[str, int]:
        return {packet: len(rows) for packet, rows in self._by_packet.items()}

    def text(self, packet: str, name: str) -> list[str]:
        """A column of one packet type, named as in the header without its unit."""
        full = name if name.partition(" ")[0] in [each.partition(" ")[0] for each in FIRST] else f"{packet}.{name}"
        index = [each.partition(" [")[0] for each in self.header].index(full)
        return [row[index] for row in self._by_packet[packet]]

    def numbers(self, packet: str, name: str) -> list[float]:
        return [float(text) for text in self.text(packet, name)]


@pytest.fixture
def decoded(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], tuple[Any, Table]]:
    """``decoded(file)``: what decode says as JSON, and the table it writes."""

    def decode(name: str) -> tuple[Any, Table]:
        target = tmp_path / "out.csv"
        assert main(["decode", str(data / name), "--to", str(target), "--json"]) == 0
        assert [each.name for each in tmp_path.iterdir()] == ["out.csv"]
        return json.loads(capsys.readouterr().out), Table(target)

    return decode


CATS = {
    "imu": [
        *((f"A{axis}", f"acceleration_{axis}", STANDARD_GRAVITY / 1024) for axis in "xyz"),
        *((f"G{axis}", f"angular_rate_{axis}", 1 / 14.28) for axis in "xyz"),
    ],
    "baro": [("P", "pressure", 1.0), ("T", "temperature", 0.01)],
    "flight_info": [("height", "height", 1.0), ("velocity", "velocity", 1.0), ("acceleration", "acceleration", 1.0)],
    "gnss_info": [("latitude", "latitude", 1.0), ("longitude", "longitude", 1.0), ("satellites", "satellites", 1.0)],
    "voltage_info": [("voltage", "voltage", 1e-3)],
}
"""The other parser's names of raw counts, ours, and the unit of a count by the flight computer's documents."""


@pytest.mark.parametrize("name", ["07_aesir/main_1", "11_faraday/main"])
def test_the_values_of_a_cats_flight_are_those_its_own_parser_read(decoded, data, name):
    truth = json.loads((data / f"cats_euroc23/{name}.truth.json").read_text())
    told, table = decoded(f"cats_euroc23/{name}.cfl")
    counts = {packet: count for packet, count in truth["summary"]["counts"].items() if count}
    assert table.counts() == told["packets"] == counts
    assert max(table.numbers("flight_info", "height")) == truth["summary"]["max_height_m"]
    assert max(table.numbers("flight_info", "velocity")) == truth["summary"]["max_velocity"]
    compared = 0
    for packet, fields in CATS.items():
        columns = {theirs: (table.numbers(packet, ours), unit) for theirs, ours, unit in fields}
        for index, record in truth["sampled_records"].get(packet, []):
            for theirs, (values, unit) in columns.items():
                if theirs in record:
                    assert math.isclose(values[index], record[theirs] * unit, rel_tol=1e-12, abs_tol=1e-12)
                    compared += 1
    assert compared > 200
    heights, times = table.numbers("flight_info", "height"), table.numbers("flight_info", "vehicle_time")
    assert round(times[heights.index(max(heights))] * 1000) == truth["summary"]["max_height_ts"]
    liftoff = next(event for event in told["events"] if event["name"] == "liftoff")
    assert liftoff["mission_time"] == 0.0
    assert min(table.numbers("flight_info", "mission_time")) < 0 < max(table.numbers("flight_info", "mission_time"))
    assert not [column for column in table.header if column.startswith("error_info")]  # no such packet in the log


CARLETON = {
    "x_axis": {"LinearAcceleration": 0.01, "AngularVelocity": 0.1, "MagneticField": 1e-3},
    "y_axis": {"LinearAcceleration": 0.01, "AngularVelocity": 0.1, "MagneticField": 1e-3},
    "z_axis": {"LinearAcceleration": 0.01, "AngularVelocity": 0.1, "MagneticField": 1e-3},
    "latitude": {"Coordinates": 1e-7},
    "longitude": {"Coordinates": 1e-7},
    "pressure": {"Pressure": 1.0},
    "temperature": {"Temperature": 1e-3},
}
"""The unit of a count by Carleton's packet format."""


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


@pytest.mark.parametrize("name", ["hybrid_flight_data", "july_12th"])
def test_the_values_of_a_carleton_flight_are_those_its_own_ground_station_read(decoded, data, name):
    truth = next(
        each for each in json.loads((data / "carleton/truth.json").read_text()) if each["file"] == f"{name}.mission"
    )
    told, table = decoded(f"carleton/{name}.mission")
    assert table.counts() == {snake(block): count for block, count in truth["block_counts"].items()}
    assert told["links"]["radio"]["frames"] == truth["packets"]
    altitudes = table.numbers("altitude_above_sea_level", "altitude")
    assert max(altitudes) == truth["max_altitude"][1]
    when = table.numbers("altitude_above_sea_level", "vehicle_time")[altitudes.index(max(altitudes))]
    assert math.isclose(when, truth["max_altitude"][0], abs_tol=0.005)  # told to a hundredth of a second
    rows: dict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    compared = 0
    for _, head, blocks in truth["samples"]:
        for block in blocks:
            values = {k: v for k, v in block.items() if block["type"] in CARLETON.get(k, {})}
            if not values:
                continue
            packet = snake(block["type"])
            if packet not in rows:
                columns = [table.text(packet, f"frame.{each}") for each in ("callsign", "timestamp", "packet_number")]
                columns += [[f"{value:.6g}" for value in table.numbers(packet, each)] for each in sorted(values)]
                columns.append([f"{value:.2f}" for value in table.numbers(packet, "vehicle_time")])
                rows[packet] = Counter(zip(*columns, strict=True))
            wanted = [head["callsign"], str(head["timestamp"] * 30.0), str(head["packet_num"])]
            wanted += [f"{values[each] * CARLETON[each][block['type']]:.6g}" for each in sorted(values)]
            wanted.append(f"{block['measurement_time']:.2f}")
            assert rows[packet][tuple(wanted)], wanted
            compared += 1
    assert compared > 100


def test_every_value_of_a_psas_log_is_what_psas_own_library_read(decoded, data):
    truth = json.loads((data / "psas_packet/simple_log.json").read_text())
    told, table = decoded("psas_packet/simple_logfile")
    assert table.counts() == told["packets"] == dict(Counter(next(iter(each)).lower() for each in truth))
    inertial = [each["ADIS"] for each in truth if "ADIS" in each]
    names = {"VCC": "vcc", "Temp": "temp"} | {
        f"{a}_{x}": f"{a}_{x}".lower() for a in ("Acc", "Gyro", "Magn") for x in "XYZ"
    }
    for theirs, ours in names.items():
        found = table.numbers("adis", ours)
        assert np.allclose(found, [each[theirs] for each in inertial], rtol=1e-9, atol=1e-15), theirs
    assert np.allclose(table.numbers("adis", "vehicle_time"), [each["timestamp"] / 1e9 for each in inertial], rtol=0)
    assert table.numbers("seqn", "sequence") == [each["SEQN"]["Sequence"] for each in truth if "SEQN" in each]
    assert set(table.text("adis", "mission_time")) == {""}  # it never flew: there is no T-0
    assert set(table.text("seqn", "header.fourcc")) == {b"SEQN".hex()}


PARROT = """\
from construct import Array, Bytes, Enum, Flag, Float32b, Float64b, Int8ub, Int16ub, PaddedString, PascalString, Struct
from protocols.curve import Linear
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

VEHICLE = Vehicle(
    name="parrot", title="Parrot", header=Header(Struct("kind" / Int8ub), key="kind"), synthetic=True,
    packets=(
        Packet("word", Struct("text" / PaddedString(24, "utf8"), "raw" / Bytes(2), "armed" / Flag), key=1),
        Packet("real", Struct("pair" / Array(2, Measurement(Float64b, "m, or so")), "single" / Float32b), key=2),
        Packet("free", Struct("text" / PascalString(Int8ub, "utf8"), "mode" / Enum(Int8ub, safe=1, hot=2)), key=3),
        Packet("never", Struct("anything" / Int16ub), key=4),
    ),
)
"""
"""Texts, raw bytes, floats of any kind, arrays, and a packet whose layout depends on the data."""


def parrot_recording(folder: Path, packets: list[bytes]) -> tuple[Path, Path]:
    (folder / "parrot.py").write_text(PARROT)
    campaign = folder / "parrot.toml"
    campaign.write_text('[campaign]\nname = "parrot"\nvehicle = "./parrot.py"\n[links.line]\nsource = "udp:5000"\n')
    links = {"line": RecordedLink("parrot", "datagram")}
    recorder = Recorder(
        folder / "parrot.mcap", campaign=campaign.read_text(), definitions={}, links=links, synthetic=True, software="t"
    )
    recorder.write_many([Chunk("line", each, 1_000 + index) for index, each in enumerate(packets)])
    recorder.close()
    return recorder.path, campaign


def test_hostile_texts_and_numbers_come_through_a_csv_reader_as_they_are(tmp_path):
    texts = ['a,b;"c"', "line\nbreak\r\n", "=1+1", "'\"", "é ∞ 東", "", "nan"]
    reals = [(math.nan, math.inf, 1.5), (-math.inf, 0.1, -0.0), (5e-324, 1.7976931348623157e308, math.nan)]
    packets = [b"\x01" + text.encode().ljust(24, b"\0") + b"\x00\xff\x01" for text in texts]
    packets += [struct.pack(">Bddf", 2, *each) for each in reals]
    packets += [bytes((3, len(text.encode()))) + text.encode() + b"\x02" for text in texts]
    packets += [b"\x03\x00\x07"]
    recording, campaign = parrot_recording(tmp_path, packets)
    target = tmp_path / "out.csv"
    assert main(["decode", str(recording), "--campaign", str(campaign), "--to", str(target)]) == 0
    table = Table(target)
    assert table.counts() == {"word": 7, "real": 3, "free": 8}
    assert table.text("word", "text") == texts
    assert table.text("free", "text") == [*texts, ""]
    assert table.text("free", "mode") == ["hot"] * 7 + ["7"]
    assert set(table.text("word", "raw")) == {"00ff"}
    assert set(table.text("word", "armed")) == {"1"}
    found = zip(table.numbers("real", "pair[0]"), table.numbers("real", "pair[1]"), strict=True)
    for pair, told in zip(found, reals, strict=True):
        assert struct.pack(">dd", *pair) == struct.pack(">dd", *told[:2])
    assert table.text("real", "single") == ["1.5", "-0.0", "nan"]
    assert "real.pair[0] [m, or so]" in table.header
    assert table.header[-1] == "synthetic"
    assert {row[-1] for row in table.rows} == {"1"}
    assert [int(row[0]) for row in table.rows] == list(range(1_000, 1_000 + len(packets)))
    assert not any(name.startswith("never.") for name in table.header)


def test_a_table_is_the_same_however_many_rows_wait_for_one_another(tmp_path, monkeypatch):
    packets = [
        struct.pack(">Bddf", 2, n, -n, n / 3) if n % 3 else b"\x01" + bytes((65 + n % 26,)) * 27 for n in range(500)
    ]
    recording, campaign = parrot_recording(tmp_path, packets)
    tables = []
    for rows in (1, 7, 10_000):
        monkeypatch.setattr("groundstation.exports.csv._ROWS", rows)
        assert main(["decode", str(recording), "--campaign", str(campaign), "--to", str(tmp_path / "out.csv")]) == 0
        tables.append((tmp_path / "out.csv").read_bytes())
    assert tables[0] == tables[1] == tables[2]
    assert tables[0].count(b"\r\n") == 501


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=8),
    st.text(max_size=5),
)
def test_any_text_comes_back_from_a_csv_reader(tmp_path_factory, texts, link):
    target = tmp_path_factory.mktemp("csv") / "out.csv"
    column = np.empty(len(texts), object)
    column[:] = texts
    export = CsvExport(target, Contents({"p.t": Field("t", "", "", "text", -1, -1)}))
    received, valid = np.arange(len(texts)), np.ones(len(texts), np.bool_)
    export.write(Batch("p", link.encode(errors="replace").decode(), {"t": column}, received, valid))
    export.close()
    with target.open(newline="", encoding="utf-8") as file:
        assert [row[-1] for row in csv.reader(file)][1:] == texts


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path, capsys, data):
    target = tmp_path / "out.csv"
    target.write_text("older")
    (tmp_path / ".out.csv.part").mkdir()
    assert main(["decode", str(data / "psas_packet/simple_logfile"), "--to", str(target)]) == 1
    assert "out.csv: cannot be written (Is a directory)" in capsys.readouterr().err
    assert target.read_text() == "older"


def test_the_recording_is_never_the_target(tmp_path, capsys, data):
    recording = tmp_path / "log.csv"
    recording.write_bytes((data / "psas_packet/simple_logfile").read_bytes())
    before = recording.read_bytes()
    assert main(["decode", str(recording), "--to", str(tmp_path / "." / "log.csv")]) == 2
    assert "is the recording itself" in capsys.readouterr().err
    assert recording.read_bytes() == before


def test_a_recording_runs_no_program_that_it_names(tmp_path, capsys):
    marker = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    campaign = '[campaign]\nname = "x"\nvehicle = "./evil.py"\n[links.line]\nsource = "udp:5000"\n'
    links = {"line": RecordedLink("evil", "datagram")}
    recorder = Recorder(
        tmp_path / "x.mcap", campaign=campaign, definitions={}, links=links, synthetic=False, software="t"
    )
    recorder.close()
    assert main(["decode", str(recorder.path)]) == 1
    told = capsys.readouterr().err
    assert "a program, which is not run because a recording names it" in told
    assert "--campaign" in told
    assert not marker.exists()


@pytest.mark.parametrize("framing", ["nosuch", {"kind": "cobs", "check": 5}, {"check": "crc-16"}])
def test_a_recording_with_a_framing_nobody_knows_is_read_by_a_campaign(tmp_path, capsys, framing):
    (tmp_path / "sparrow.py").write_text(SPARROW)
    links = {"radio": RecordedLink("sparrow", framing)}
    recorder = Recorder(tmp_path / "x.mcap", campaign="", definitions={}, links=links, synthetic=False, software="t")
    recorder.write_many([Chunk("radio", state_packet(0, 5.0), 1)])
    recorder.close()
    assert main(["decode", str(recorder.path)]) == 1
    assert "its link radio cannot be read here" in capsys.readouterr().err
    campaign = tmp_path / "c.toml"
    campaign.write_text(
        '[campaign]\nname = "x"\nvehicle = "./sparrow.py"\n[links.radio]\nsource = "udp:1"\nframing = "datagram"\n'
    )
    assert main(["decode", str(recorder.path), "--campaign", str(campaign), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["packets"] == {"state": 1}
