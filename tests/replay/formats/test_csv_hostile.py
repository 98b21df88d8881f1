"""Tables that nobody wrote for telemetry, or wrote against it: they are refused for people, or read; never more."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundstation.cli import main
from groundstation.reading import read
from protocols.errors import NotARecording
from protocols.framer import framer
from replay.csv_export import MOST_LINKS, MOST_PACKETS
from replay.csv_header import named
from replay.csv_sample import MOST_COLUMNS
from replay.csv_text import Account, Row, blocks, rows
from replay.csv_time import NONE, dates
from replay.formats.csv import TextTable
from replay.recording import Damage

OWN = "received_ns,mission_time [s],vehicle_time [s],link,packet,valid"


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def opened(path: Path, content: str | bytes) -> TextTable:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return TextTable(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("time," + "x," * MOST_COLUMNS + "x\n", "16,386 columns"),
        ("time,a\n", "no row with as many cells"),
        ("time,a\n" + "x\n" * 50, "no row with as many cells"),
        ("time,a\n" + "nan,1\ninf,2\n" * 9, "no times in its column time"),
        ("time,a\n" + "1e999,1\n" * 9, "no times in its column time"),
        (f"{OWN},a.x[{'9' * 5000}]\n1,,,l,a,1,3\n", "without any measurement"),
        (f"{OWN},a.x\n" + "".join(f"{i},,,l{i},a,1,3\n" for i in range(MOST_LINKS + 1)), "4,097 links"),
        (f"{OWN}," + ",".join(f"p{i}.x" for i in range(MOST_PACKETS + 1)) + "\n", "1,025 packets"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(NotARecording, match=message):
        opened(tmp_path / "table.csv", content)


@pytest.mark.parametrize("wrong", ["--5", "9999999999999999999", "-", "1.5", "\u00b2", "1" * 5000, "1_0", ""])
def test_times_that_an_export_does_not_write_are_damage(tmp_path: Path, wrong: str) -> None:
    lines = [f"{OWN},a.x", "7,,,l,a,1,3", f"{wrong},,,l,a,1,4", "1750000000000000000,,,l,a,1,5"]
    recording = opened(tmp_path / "own.csv", "\n".join(lines))
    assert [chunk.received_ns for chunk in recording.chunks()] == [7, 1750000000000000000]
    assert recording.damage.discarded == len(lines[2].encode()) + 1
    assert len(recording.damage.notes) == 1


def test_rows_of_no_packet_make_no_link(tmp_path: Path) -> None:
    recording = opened(tmp_path / "own.csv", f"{OWN},a.x\n1,,,l,a,1,3\n2,,,,,,\n3,,,other,zz,1,4\n")
    assert list(recording.links) == ["l"]


def test_columns_of_one_name_are_told_apart() -> None:
    names = [column.name for column in named(["x"] * MOST_COLUMNS + ["x_2", "body", "body", "\u00e9"])]
    assert len(set(names)) == len(names)
    assert names[:3] == ["x", "x_2", "x_3"]
    assert names[-4:] == ["x_2_2", "body_", "body__2", f"column_{MOST_COLUMNS + 4}"]


def test_a_zone_within_no_date_is_no_date() -> None:
    good, bad = "2024-05-06T10:00:00.5Z", "2024-05-06T10:0Z:00"
    assert dates([good, bad]).tolist() == [1_714_989_600_500_000_000, NONE]


def test_times_at_the_end_of_64_bits_do_not_turn_round(tmp_path: Path) -> None:
    cells = [-(2**63), -(2**62), 2**62, 2**63 - 1, 5]
    recording = opened(tmp_path / "far.csv", "time [ns],a\n" + "".join(f"{cell},{cell}\n" for cell in cells * 9))
    times = [chunk.received_ns for chunk in recording.chunks()]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < 2**63


def test_a_quote_that_is_never_closed_is_sought_once(tmp_path: Path) -> None:
    """Each line behind it has quotes of its own, so that none of their ends is outside of quotes."""
    path = tmp_path / "quotes.csv"
    path.write_bytes(b'time,a\n"1,2\n' + b'"3","4"\n' * 300_000)
    found = [row.cells for block in blocks(path, 7, 2) for row in rows(block, ",", 2)]
    assert found[1:] == [["3", "4"]] * 300_000


def test_where_the_lines_of_a_block_begin_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"x\n" * 200_000)
    account = Account(Damage())
    for block in blocks(path, 0, 1):
        for at in range(len(block.lines)):
            account.spoil(block, Row([], at, at + 1), "is wrong")
        assert block.starts is block.starts
    assert account.damage.discarded == 400_000


@pytest.mark.parametrize("columns", [2, 1000])
def test_names_of_others_meanings_are_names(tmp_path: Path, columns: int) -> None:
    titles = ["time", "body", "frame", "header", "class", "items", "valid", "packet", "_", *["x"] * columns]
    content = "\n".join(",".join(map(str, row)) for row in (titles, *([i] * len(titles) for i in range(20))))
    path = tmp_path / "header.csv"
    recording = opened(path, content)
    result = read(path).pipeline().receive(*recording.chunks())
    (batch,) = result.batches
    own = [each for name, each in batch.columns.items() if not name.startswith("header.")]
    assert len(own) == len(titles)
    assert all(np.array_equal(each[1:], range(1, 20)) for each in own)


def test_what_tells_most_of_a_flight_is_shown_first(tmp_path: Path) -> None:
    content = "link,time [s],errors,name,battery [V],speed [m/s],baro_altitude [m],bytes,altitude_error [m]\n"
    content += "".join(f"{i % 2},{i},0,x,{9 - i * 0.01},{i},{i * i},{i},0\n" for i in range(50))
    (link,) = opened(tmp_path / "hop.csv", content).links.values()
    assert link.declared is not None
    assert [name.removeprefix("hop.") for name in link.declared.display] == [
        "baro_altitude",
        "speed",
        "battery",
        "link",
        "bytes",
        "altitude_error",
    ]


@pytest.mark.parametrize("begin", ["time,sentence\n1,x\n2,x\n", "no table at all\n"])
def test_a_framing_that_is_stated_is_of_the_files_own_bytes(tmp_path: Path, capsys: Any, begin: str) -> None:
    path, sentence = tmp_path / "log.csv", framer("gnss").encode([b"$GLLGPGLL,5327.03,N,00214.42,W"])
    path.write_bytes(begin.encode() + sentence + b"1,x\n" * 9)
    assert main(["decode", str(path), "--framing", "gnss", "--vehicle", "gnss", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["links"].values()
    assert (told["frames"], told["bytes_in"]) == (1, path.stat().st_size)
