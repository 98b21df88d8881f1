"""Every export gives the same values: held to each other by the readers of others, and to the flights' own truth."""

import csv
import json
import math
import os
import shutil
from xml.etree import ElementTree as ET

import numpy as np
import orjson
import pytest
from mcap.reader import make_reader
from mcap.writer import Writer

from groundstation.cli import main
from groundstation.exports import exports
from tests.conftest import SHARED

KML = {"k": "http://www.opengis.net/kml/2.2", "gx": "http://www.google.com/kml/ext/2.2"}
FLIGHTS = {
    "cats": SHARED / "cats_euroc23/05_asat/main.cfl",
    "carleton": SHARED / "carleton/hybrid_flight_data.mission",
    "psas": SHARED / "psas_packet/simple_logfile",
}
FIRST = 6
"""Columns of a CSV before the measurements."""


def rows_of(path):
    """The rows of a CSV by packet, each as (received_ns, mission_time, link, valid, {column: text})."""
    found = {}
    with path.open(newline="") as file:
        lines = csv.reader(file)
        header = next(lines)
        for line in lines:
            cells = {name: cell for name, cell in zip(header[FIRST:], line[FIRST:], strict=True) if cell}
            found.setdefault(line[4], []).append((int(line[0]), line[1], line[3], line[5], cells))
    return found


def bare(name):
    """A column's name without its unit."""
    return name.partition(" [")[0] if name.endswith("]") and " [" in name else name


@pytest.fixture(scope="module", params=sorted(FLIGHTS))
def flight(request, tmp_path_factory):
    """A folder with a flight as CSV and in another format, made when asked for."""
    recording = FLIGHTS[request.param]
    if not recording.exists():
        pytest.skip("no real recordings here: set GROUNDSTATION_TEST_DATA to their folder")
    folder = tmp_path_factory.mktemp(request.param)
    assert main(["decode", str(recording), "--to", str(folder / "out.csv")]) == 0
    return folder, recording, rows_of(folder / "out.csv")


def test_npz_holds_what_the_csv_holds(flight):
    folder, recording, rows = flight
    assert main(["decode", str(recording), "--to", str(folder / "out.npz")]) == 0
    with np.load(folder / "out.npz", allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        assert about["left_out"] == []
        for packet, told in rows.items():
            assert arrays[f"{packet}.received_ns"].tolist() == [row[0] for row in told]
            assert set(arrays[f"{packet}.link"].tolist()) == {row[2] for row in told}
            names = {bare(name): name for row in told for name in row[4]}
            for name, column in names.items():
                array, labels = arrays[name], about["measurements"][name]["labels"]
                assert len(array) == len(told)
                for at in range(0, len(told), max(1, len(told) // 50)):
                    cell, value = told[at][4][column], array[at]
                    assert same(cell, labels.get(str(value), value)), (name, at)


def same(cell, value):
    """Whether a CSV's cell says a value."""
    if isinstance(value, np.void):
        return cell == bytes(value).hex()
    if isinstance(value, (float, np.floating)):
        return float(cell) == value or (math.isnan(value) and cell == "nan")
    return cell == str(value) or (isinstance(value, (np.bool_, bool)) and cell == str(int(value)))


def test_parquet_holds_what_the_csv_holds(flight):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (extra parquet)")
    folder, recording, rows = flight
    assert main(["decode", str(recording), "--to", str(folder / "out.parquet")]) == 0
    table = parquet.read_table(folder / "out.parquet")
    assert table.schema.metadata[b"recording"].decode() == recording.name
    packets = np.array(table.column("packet").to_pylist())
    for packet, told in rows.items():
        own = table.filter(packets == packet)
        assert own.column("received_ns").to_pylist() == [row[0] for row in told]
        filled = {name for name in own.column_names[7:] if own.column(name).null_count < own.num_rows}
        assert filled == {bare(name) for row in told for name in row[4]}
        units = {bare(name): name[len(bare(name)) + 2 : -1] for row in told for name in row[4]}
        for name in filled:
            assert own.schema.field(name).metadata[b"unit"].decode() == units[name]
            values = own.column(name).to_pylist()
            column = next(full for full in told[0][4] if bare(full) == name)
            for at in range(0, len(told), max(1, len(told) // 50)):
                value = values[at].hex() if isinstance(values[at], bytes) else values[at]
                assert same(told[at][4][column], value), (name, at)


def test_mcap_opens_in_its_own_reader_with_a_message_for_each_packet(flight):
    folder, recording, rows = flight
    assert main(["decode", str(recording), "--to", str(folder / "out.mcap")]) == 0
    with (folder / "out.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        numbers = summary.statistics.channel_message_counts
        counts = {each.topic: numbers.get(n, 0) for n, each in summary.channels.items()}
        assert counts == {
            **{f"/{link}/{packet}": len(told) for packet, told in rows.items() for link in {row[2] for row in told}},
            "/events": counts["/events"],
        }
        seen = dict.fromkeys(rows, 0)
        for schema, channel, message in reader.iter_messages(log_time_order=False):
            if channel.topic == "/events":
                continue
            packet = channel.topic.rpartition("/")[2]
            said, row = json.loads(message.data), rows[packet][seen[packet]]
            seen[packet] += 1
            assert message.log_time == row[0]
            if seen[packet] % 40 == 1:
                described = json.loads(schema.data)["properties"]
                assert set(described) == set(said)
                assert flat(said) == {bare(name).removeprefix(f"{packet}.") for name in row[4]} | {
                    "_valid",
                    "_synthetic",
                } | times(row, said)
        assert seen == {packet: len(told) for packet, told in rows.items()}


def times(row, said):
    """The times that a message has: those of the CSV's row."""
    assert (row[1] == "") == (said["_mission_time"] is None)
    return {"_mission_time", "_vehicle_time"}


def flat(said, path=""):
    """The names of a message's values, with ``[i]`` for the elements of arrays, without a packet's name."""
    found = set()
    for name, value in said.items():
        if isinstance(value, dict):
            found |= flat(value, f"{path}{name}.")
        elif isinstance(value, list):
            found |= {f"{path}{name}[{i}]" for i in range(len(value))}
        else:
            found.add(f"{path}{name}")
    return found


def test_kml_draws_the_gps_track_with_the_barometer_s_altitude(tmp_path, data):
    recording, target, table = data / "carleton/hybrid_flight_data.mission", tmp_path / "out.kml", tmp_path / "out.csv"
    for path in (target, table):
        assert main(["decode", str(recording), "--to", str(path)]) == 0
    (truth,) = [
        each for each in json.loads((data / "carleton/truth.json").read_text()) if each["file"] == recording.name
    ]
    root = ET.parse(target).getroot()
    (track,) = root.findall(".//k:LineString/k:coordinates", KML)
    points = [tuple(map(float, point.split(","))) for point in track.text.split()]
    assert len(points) == truth["block_counts"]["Coordinates"]
    rows = rows_of(table)["coordinates"]
    said = [(float(row[4]["coordinates.longitude [deg]"]), float(row[4]["coordinates.latitude [deg]"])) for row in rows]
    assert np.allclose([point[:2] for point in points], said, rtol=0, atol=1e-8)
    assert max(point[2] for point in points) == pytest.approx(
        truth["max_altitude"][1], abs=5
    )  # a GPS fix is not at apogee
    assert "absolute" in {each.text for each in root.findall(".//k:altitudeMode", KML)}


def test_telemetry_without_a_position_makes_no_kml(tmp_path, data, capsys):
    target = tmp_path / "out.kml"
    assert main(["decode", str(data / "cats_euroc23/05_asat/main.cfl"), "--to", str(target)]) == 1
    assert "no latitude and longitude" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", exports())
def test_what_is_broken_off_leaves_nothing_behind(tmp_path, data, suffix, monkeypatch):
    from groundstation import pipeline  # noqa: PLC0415

    real, calls = pipeline.blocks, iter(range(100))

    def broken(chunks):
        second = next(calls) == 1  # the first pass counts, the second writes
        for number, group in enumerate(real(chunks)):
            if second and number:
                raise KeyboardInterrupt
            yield group[:20]

    monkeypatch.setattr(pipeline, "blocks", broken)
    recording = "carleton/hybrid_flight_data.mission" if suffix == "kml" else "cats_euroc23/05_asat/main.cfl"
    assert main(["decode", str(data / recording), "--to", str(tmp_path / f"out.{suffix}")]) in (130, 0)
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


@pytest.mark.parametrize("suffix", exports())
def test_an_export_that_cannot_begin_leaves_nothing_behind(tmp_path, data, suffix, capsys):
    target = tmp_path / f"out.{suffix}"
    (tmp_path / f".out.{suffix}.part").mkdir()
    assert main(["decode", str(data / "carleton/hybrid_flight_data.mission"), "--to", str(target)]) == 1
    assert "choose another place" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize("suffix", sorted(set(exports()) - {"kml"}))
def test_many_types_keep_their_values_apart(tmp_path, suffix):
    path, count = tmp_path / "x.mcap", 150
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("", "test")
        for number in range(count):
            channel = writer.register_channel(f"/type{number:03}", "json", 0)
            for row in range(3):
                said = {f"v{column}": number + row + column / 4 for column in range(40)}
                writer.add_message(channel, 10**18 + row, orjson.dumps(said), 10**18)
        writer.finish()
    target = tmp_path / f"out.{suffix}"
    assert main(["decode", str(path), "--to", str(target)]) == 0
    last = [151.75, 152.75, 153.75]
    match suffix:
        case "csv":
            with target.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if row["packet"] == "type149"]
            found = [float(row["type149.v11"]) for row in rows]
        case "npz":
            with np.load(target) as arrays:
                found = arrays["type149.v11"].tolist()
        case "parquet":
            parquet = pytest.importorskip("pyarrow.parquet")
            found = parquet.read_table(target, columns=["type149.v11"])["type149.v11"].drop_null().to_pylist()
        case _:
            with target.open("rb") as file:
                found = [json.loads(m.data)["v11"] for *_, m in make_reader(file).iter_messages("/type149/type149")]
    assert found == last


def test_a_recording_of_any_name_makes_a_kml_that_parses(tmp_path, data):
    recording = tmp_path / os.fsdecode(b"a<\x01\xff&.mission")
    shutil.copy(data / "carleton/hybrid_flight_data.mission", recording)
    assert main(["decode", str(recording), "--to", str(tmp_path / "out.kml")]) == 0
    name = ET.parse(tmp_path / "out.kml").getroot().findtext("k:Document/k:name", namespaces=KML)
    assert name is not None
    assert "a<\\x01\\udcff&.mission" in name
