"""Tables of text: our own exports come back as the packets they were, others' as the numbers that stand in them."""

import csv
import gzip
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundstation.cli import main
from groundstation.reading import read
from protocols.errors import NotARecording
from replay.formats.csv import TextTable
from replay.recording import HEAD_BYTES, TimeBase, open_recording

FIRST = 6
"""Columns of an export before the measurements."""
OURS = (".header.row", ".header.mission_time [s]", ".header.vehicle_time [s]")
"""Measurements that reading an export adds."""


def exported(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of an export by packet in the order of their arrival: time, own time, link, validity, cells."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    names = [(place, name) for place, name in enumerate(header) if place >= FIRST and not name.endswith(OURS)]
    for row in rows:
        own = {name: row[place] for place, name in names if name.startswith(f"{row[4]}.")}
        found.setdefault(row[4], []).append((int(row[0]), row[1], row[2], row[3], row[5], own))
    return {packet: sorted(each, key=lambda row: row[0]) for packet, each in found.items()}


def there_and_back(flight: Path, folder: Path) -> tuple[Path, Path]:
    """A flight as a table, and that table as a table."""
    first, second = folder / "first.csv", folder / "second.csv"
    assert main(["decode", str(flight), "--to", str(first)]) == 0
    recording = open_recording(first)
    assert isinstance(recording, TextTable)
    chunks = list(recording.chunks())
    assert recording.damage.notes == []
    assert first.stat().st_size == recording.text + recording.overhead
    assert (np.diff([chunk.received_ns for chunk in chunks]) >= 0).all()
    assert main(["decode", str(first), "--to", str(second)]) == 0
    return first, second


def without_mission_time(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Mission time needs the events of a flight, which a table does not declare; it is a measurement there."""
    return [(row[0], *row[2:]) for row in rows]


@pytest.mark.parametrize("name", ["cats_euroc23/05_asat/main.cfl", "psas_packet/simple_logfile"])
def test_a_flight_comes_back_to_the_last_digit(data: Path, tmp_path: Path, name: str, capsys: Any) -> None:
    flight = tmp_path / "flight"
    flight.write_bytes((data / name).read_bytes()[:600_000])  # to some seconds after liftoff
    first, second = there_and_back(flight, tmp_path)
    before, after = exported(first), exported(second)
    assert before.keys() == after.keys()
    for packet in before:
        assert without_mission_time(before[packet]) == without_mission_time(after[packet]), packet


def test_a_simulated_flight_comes_back_and_stays_synthetic(tmp_path: Path, capsys: Any) -> None:
    """OS-X: labels, flags, arrays, a link of its own, times of day."""
    arguments = ["demo", "--begin", "-1", "--end", "1.5", "--no-console", "--directory", str(tmp_path), "--json"]
    assert main(arguments) == 0
    flight = Path(json.loads(capsys.readouterr().out)["recording"])
    first, second = there_and_back(flight, tmp_path)
    before, after = exported(first), exported(second)
    assert before.keys() == after.keys()
    assert {row[3] for rows in before.values() for row in rows} == {"umbilical"}
    assert any("[9]" in cell for rows in before.values() for cell in rows[0][5])
    for packet in before:
        assert without_mission_time(before[packet]) == without_mission_time(after[packet]), packet
    recording = open_recording(first)
    assert recording.synthetic
    assert recording.time_base is TimeBase.UTC
    declared = recording.links["umbilical"].declared
    assert declared is not None
    assert declared.synthetic
    with second.open() as file:
        assert file.readline().rstrip().endswith(",synthetic")


def test_invalid_packets_and_empty_cells_come_back(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "received_ns,mission_time [s],vehicle_time [s],link,packet,valid,a.x [m],a.name,b.y[0] [V],b.y[1] [V]\r\n"
        '1700000000000000005,-1.5,,radio,a,1,1.25,"one, two",,\r\n'
        "1700000000000000004,,7.5,cable,b,0,,,3,4\r\n"
        '1700000000000000006,,,radio,a,1,,"say ""x""\r\nagain",,\r\n'
    )
    reading = read(path)
    pipeline = reading.pipeline()
    chunks = list(reading.recording.chunks())
    assert [(chunk.link, chunk.received_ns % 10) for chunk in chunks] == [("cable", 4), ("radio", 5), ("radio", 6)]
    batches = {batch.packet: batch for batch in pipeline.receive(*chunks).batches}
    a, b = batches["a"], batches["b"]
    assert a["x"].tolist()[0] == 1.25
    assert np.isnan(a["x"][1])
    assert a["name"].tolist() == ["one, two", 'say "x"\r\nagain']
    assert (a.valid.tolist(), b.valid.tolist()) == ([True, True], [False])
    assert b["y"].tolist() == [[3, 4]]
    assert b["header.vehicle_time"].tolist() == [7.5]
    assert a["header.mission_time"][0] == -1.5


GROUND = sorted(
    f"cats_euroc23/{name}"
    for name in (
        "03_air_esiea/gs_log_main_1.csv",
        "03_air_esiea/gs_log_main_2.csv",
        "05_asat/gs_log_main_1.csv",
        "05_asat/gs_log_payload.csv",
        "07_aesir/gs_log_main_1.csv",
        "07_aesir/gs_log_main_2.csv",
        "11_faraday/gs_log_main_1.csv",
        "16_ns/gs_log_main_1.csv",
        "17_polito/gs_log_main_1.csv",
        "17_polito/gs_log_main_1_1.csv",
    )
)


def table(path: Path) -> tuple[TextTable, dict[str, np.ndarray]]:
    """A foreign table by the whole path."""
    reading = read(path)
    recording, pipeline = reading.recording, reading.pipeline()
    assert isinstance(recording, TextTable)
    chunks = list(recording.chunks())
    assert path.stat().st_size == recording.text + recording.overhead + recording.damage.discarded
    assert (np.diff([chunk.received_ns for chunk in chunks]) >= 0).all()
    (batch,) = pipeline.receive(*chunks).batches
    assert pipeline.links["rows"].decoder.malformed == 0
    return recording, {path: np.asarray(batch[path]) for path in batch.columns} | {"ns": batch.received_ns}


@pytest.mark.parametrize("name", GROUND)
def test_logs_of_ground_receivers(data: Path, name: str) -> None:
    """Every cell, by Python's own reader; times in tenths of seconds, two receivers in turn, rows twice."""
    recording, found = table(data / name)
    with (data / name).open(newline="") as file:
        header, *rows = csv.reader(file)
    told = dict(zip((title.partition("[")[0] for title in header), zip(*rows, strict=True), strict=True))
    scales = {"ts": 0.1, "lat": 1e-4, "lon": 1e-4, "battery": 0.1}
    for column, cells in told.items():
        assert found[column].tolist() == [int(cell) * scales.get(column, 1) for cell in cells], column
    assert recording.damage.notes == []
    units = recording.links["rows"].declared
    assert units is not None
    assert recording.time_base is TimeBase.VEHICLE


@pytest.mark.parametrize("name", ["altitude_above_launch_level", "angular_velocity", "linear_acceleration"])
def test_tables_of_a_parser(data: Path, name: str) -> None:
    path = data / f"carleton/josh-recording-1/parsed/{name}.csv"
    _, found = table(path)
    told = np.genfromtxt(path, delimiter=",", names=True)
    for column in told.dtype.names:
        np.testing.assert_array_equal(found[column], told[column])
    np.testing.assert_allclose(found["ns"] / 1e9, np.maximum.accumulate(told["measurement_time"]), atol=1e-9)


def test_what_altosui_exports(data: Path, tmp_path: Path) -> None:
    """A header behind a number sign, two columns of one name, cells padded with blanks, time before 0."""
    path = tmp_path / "piccard.csv"
    truth = data / "cats_euroc21/piccard-2021-10-15-serial-5877-flight-0002.eeprom.truth.csv.gz"
    path.write_bytes(gzip.decompress(truth.read_bytes()))
    recording, found = table(path)
    assert recording.damage.notes == []
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = list(zip(*rows, strict=True))
    np.testing.assert_array_equal(found["height"], np.array(columns[header.index("height")], float))
    np.testing.assert_array_equal(found["altitude"], np.array(columns[header.index("altitude")], float))
    assert found["altitude_2"].tolist()[-1] == float(columns[header.index("altitude", header.index("height"))][-1])
    assert found["state_name"].tolist() == [cell.strip() for cell in columns[header.index("state_name")]]
    np.testing.assert_allclose(found["ns"] / 1e9, np.array(columns[header.index("time")], float) + 0.3, atol=1e-9)


@pytest.mark.parametrize(
    ("header", "cells", "seconds", "base"),
    [
        ("time [s],x", ("0.5", "1.5"), (0.5, 1.5), TimeBase.VEHICLE),
        ("Time (ms),x", ("500", "1500"), (0.5, 1.5), TimeBase.VEHICLE),
        ("time_us,x", ("500000", "1500000"), (0.5, 1.5), TimeBase.VEHICLE),
        ("x,t", ("0.5", "1.5"), (0.5, 1.5), TimeBase.VEHICLE),
        ("timestamp,x", ("100", "150"), (0.1, 0.15), TimeBase.VEHICLE),  # a row every 50 ms, not every 50 s
        ("unix_time,x", ("1700000000.5", "1700000001.5"), (1700000000.5, 1700000001.5), TimeBase.UTC),
        ("timestamp,x", ("1700000000500", "1700000001500"), (1700000000.5, 1700000001.5), TimeBase.UTC),
        ("received_ns,x", ("1700000000500000000", "1700000001500000000"), (1700000000.5, 1700000001.5), TimeBase.UTC),
        ("utc,x", ("2023-11-14T22:13:20.500Z", "2023-11-14 22:13:21.5"), (1700000000.5, 1700000001.5), TimeBase.UTC),
        ("datetime,x", ("2023-11-14T23:13:20.5+01:00",) * 2, (1700000000.5, 1700000000.5), TimeBase.UTC),
    ],
)
def test_columns_of_time(tmp_path: Path, header: str, cells: Any, seconds: Any, base: TimeBase) -> None:
    path = tmp_path / "time.csv"
    rows = [f"3.25,{cell}" if header.startswith("x,") else f"{cell},3.25" for cell in cells]
    path.write_text("\n".join((header, *rows)))
    recording, found = table(path)
    assert (found["ns"].tolist(), recording.time_base) == ([round(each * 1e9) for each in seconds], base)
    assert found["x"].tolist() == [3.25, 3.25]
    unsaid = header.startswith(("timestamp", "x,t"))
    assert bool(recording.assumed) == unsaid


def test_a_european_table(tmp_path: Path) -> None:
    """Semicolons, decimal commas, a byte order mark, CRLF, quotes, a comment, a blank line."""
    path = tmp_path / "europe.csv"
    path.write_bytes(
        '\ufeff# logged by a multimeter\r\nTime [s];Höhe [m];"name, first"\r\n0,5;12,25;"a;b"\r\n\r\n'
        "1,0;-3,5;b\r\n# a mark\r\n1,5;;c\r\n".encode()
    )
    recording, found = table(path)
    assert found["time"].tolist() == [0.5, 1.0, 1.5]
    assert found["h_he"].tolist()[:2] == [12.25, -3.5]
    assert np.isnan(found["h_he"][2])
    assert found["name_first"].tolist() == ["a;b", "b", "c"]
    assert recording.damage.notes == []
    assert recording.assumed == ["numbers have decimal commas"]


def test_rows_that_do_not_fit_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "damaged.tsv"
    rows = [f"{number / 10}\t{number}\tname" for number in range(100)]
    rows[10], rows[20], rows[30] = "1.0\t7", "2.0\tx\tname", "3.0\t30\tname\tagain"
    path.write_text("\n".join(("time\tcount\tlabel", *rows)) + "\n")
    recording, found = table(path)
    assert found["count"].tolist() == [number for number in range(100) if number not in (10, 20, 30)]
    assert sorted(recording.damage.notes) == [
        "line 12 has 2 cells, not 3",
        "line 22 column count: 'x' is no number, as the others are",
        "line 32 has 4 cells, not 3",
    ]
    assert recording.damage.discarded == sum(len(rows[at]) + 1 for at in (10, 20, 30))


def test_a_stray_quote_costs_its_line(tmp_path: Path) -> None:
    path = tmp_path / "quote.csv"
    rows = [f"{number},{number * 2}" for number in range(50)]
    rows[7] = '7,"14'
    path.write_text("\n".join(("time [s],x", *rows)) + "\n")
    recording, found = table(path)
    assert found["x"].tolist() == [number * 2 for number in range(50) if number != 7]
    assert len(recording.damage.notes) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "has no column of time; call one time"),
        (b"\xff\xfet\x00i\x00", "is a table in UTF-16; save it as UTF-8"),
        (b"nothing\nhere\n", "does not begin with the names of its columns"),
        (b"received_ns,mission_time [s],vehicle_time [s],link,packet,valid\r\n", "without any measurement"),
    ],
)
def test_what_is_no_table_says_what_to_do(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "no.csv"
    path.write_bytes(content)
    with pytest.raises(NotARecording, match=message):
        open_recording(path)


def test_of_all_real_files_only_tables_with_a_time(data: Path) -> None:
    own = 0
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            claimed = TextTable.recognise(file.read(HEAD_BYTES))
        assert claimed == (path.name.startswith("gs_log") or path.parent.name == "parsed"), path
        own += claimed
    assert own == 13


def test_large_tables_are_read_in_pieces_that_change_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    """Blocks end within rows, within quotes; whole numbers are floats where not all of the file was looked at."""
    chance = random.Random(2)
    rows = [f'{number / 100:.2f},{chance.gauss(0, 50):.3f},{number},"a\n{number}"' for number in range(4000)]
    path = tmp_path / "large.csv"
    path.write_text("\n".join(("time [s],x [V],n,label", *rows)) + "\n")
    whole = list(TextTable(path).chunks())
    assert len(whole) == 4000
    for size in (1000, 4097, 50_000):
        monkeypatch.setattr("replay.csv_text.BLOCK_BYTES", size)
        assert list(TextTable(path).chunks()) == whole
    monkeypatch.setattr("replay.csv_sample._WHOLE", 1)
    monkeypatch.setattr("replay.csv_sample._LOOKED", 2000)
    monkeypatch.setattr("replay.csv_sample._SLICE_BYTES", 500)
    _, found = table(path)
    assert (found["n"].dtype, found["n"].tolist()) == (np.float64, list(range(4000)))


OWN_ROWS = [
    b"received_ns,mission_time [s],vehicle_time [s],link,packet,valid,a.x [m],b.y,synthetic",
    b"5,,,l,a,1,1.5,,1",
    b"6,,,l,b,1,,7,1",
    b"7,,,m,b,1,,8,1",
    b"x,,,l,a,1,1.5,,1",
    b"8,,,l,c,1,1.5,,1",
]
FOREIGN_ROWS = [b"time [s],x [m],label", b"1,2,a", b"2,3.5,b", b"3,,c", b"# mark", b"x,2,a", b'4,5,"d']


@pytest.mark.parametrize("lines", [OWN_ROWS, FOREIGN_ROWS], ids=["own", "foreign"])
@given(data=st.data())
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_accounted_for(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], data: Any) -> None:
    pieces = st.lists(st.one_of(st.sampled_from(lines[1:]), st.binary(max_size=40), st.just(b"")), max_size=30)
    ends = data.draw(st.sampled_from([b"\n", b"\r\n"]))
    content = ends.join([lines[0], *lines[1:4], *data.draw(pieces)])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    TextTable.recognise(content[:HEAD_BYTES])
    try:
        recording = TextTable(path)
    except NotARecording:
        return  # most of the rows have no time
    chunks = list(recording.chunks())
    assert len(content) == recording.text + recording.overhead + recording.damage.discarded
    assert (np.diff([chunk.received_ns for chunk in chunks]) >= 0).all()
    assert bool(recording.damage.discarded) == bool(recording.damage.notes)
    assert list(recording.chunks()) == chunks
    assert {chunk.link for chunk in chunks} <= recording.links.keys()
    pipeline = read(path).pipeline()
    if chunks:
        pipeline.receive(*chunks)
    assert sum(each.decoder.malformed + each.decoder.unknown_packets for each in pipeline.links.values()) == 0
