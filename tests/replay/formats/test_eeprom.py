"""An AltOS flight log against what altosui itself wrote of it as CSV, column by column."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from groundstation.event import Event
from groundstation.reading import read
from protocols.altos.state import FlightState
from protocols.batch import Batch
from replay.formats.eeprom import EepromLog
from replay.recording import open_recording

NAME = "cats_euroc21/piccard-2021-10-15-serial-5877-flight-0002.eeprom"
MISSING = 2147483647


@dataclass
class Piccard:
    """The flight as we read it, and as altosui did."""

    recording: EepromLog
    batches: dict[str, list[Batch]]
    events: list[Event]
    told: dict[str, list[str]]
    """altosui's columns, as text."""

    def column(self, packet: str, path: str) -> np.ndarray:
        return np.concatenate([batch[path] for batch in self.batches[packet]])

    def ticks(self, packet: str) -> np.ndarray:
        """Ticks since boost."""
        boost = next(event.received_ns for event in self.events if event.name == "liftoff")
        times = np.concatenate([batch.received_ns for batch in self.batches[packet]])
        assert not (times % 10_000_000).any()
        return (times - boost) // 10_000_000


@pytest.fixture(scope="module")
def piccard(data: Path) -> Piccard:
    reading = read(data / NAME)
    chunks = list(reading.recording.chunks())
    pipeline = reading.pipeline()
    batches: dict[str, list[Batch]] = {}
    events = []
    for begin in range(0, len(chunks), 4096):
        result = pipeline.receive(*chunks[begin : begin + 4096])
        events += result.events
        for batch in result.batches:
            batches.setdefault(batch.packet, []).append(batch)
    assert pipeline.links["log"].framer.ledger.balanced
    assert (pipeline.links["log"].decoder.unknown_packets, pipeline.links["log"].decoder.malformed) == (0, 0)
    with gzip.open(data / f"{NAME}.truth.csv.gz", "rt") as file:
        header, *rows = csv.reader(file)
    assert header.count("altitude") == 2
    header[header.index("altitude", header.index("height"))] = "gps_altitude"
    told = {
        name: [cell.strip() for cell in column] for name, column in zip(header, zip(*rows, strict=True), strict=True)
    }
    return Piccard(reading.recording, batches, events, told)


def java(value: float, digits: int) -> str:
    """A number as Java's ``%.nf`` prints it: half away from zero, of the shortest decimal that is the number."""
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{rounded:.{digits}f}"


def test_header(piccard: Piccard) -> None:
    told, header = piccard.told, piccard.recording.header
    assert {*told["serial"]} == {str(header["serial"])} == {"5877"}
    assert {*told["flight"]} == {str(number) for number in piccard.column("flight", "flight")} == {"2"}
    assert {*told["call"]} == {header["callsign"]}
    assert piccard.recording.calibration.product == "TeleMetrum-v3.0"


def test_every_record_is_read(piccard: Piccard, data: Path) -> None:
    counts = {name: sum(map(len, each)) for name, each in piccard.batches.items()}
    assert sum(counts.values()) == 32_768  # 512 KiB of records of 16 bytes
    text = (data / NAME).read_text()
    digits = "".join(text[text.index("}\n4") + 2 :].split())
    letters = [chr(int(digits[at : at + 2], 16)) for at in range(0, len(digits), 32)]
    assert counts == {
        name: letters.count(letter)
        for name, letter in {
            "flight": "F",
            "sensor": "A",
            "voltage": "T",
            "state": "S",
            "gps": "P",
            "gps_time": "G",
            "gps_satellites": "V",
        }.items()
    }
    assert piccard.recording.damage.notes == []


COLUMNS = {
    "acceleration": ("sensor", "acceleration", 2),
    "pressure": ("sensor", "pressure", 2),
    "altitude": ("sensor", "altitude", 2),
    "height": ("sensor", "height", 2),
    "temperature": ("sensor", "temperature", 1),
    "drogue_voltage": ("voltage", "apogee", 2),
    "main_voltage": ("voltage", "main", 2),
    "battery_voltage": ("voltage", "battery", 2),
    "state": ("state", "state", 0),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_column_is_that_of_altosui(piccard: Piccard, name: str) -> None:
    """Each of altosui's 32,798 rows shows the newest value, to the last digit; before the first one, the first."""
    packet, path, digits = COLUMNS[name]
    ticks, values = piccard.ticks(packet), piccard.column(packet, path)
    rows = np.rint(np.array(piccard.told["time"], float) * 100).astype(int)
    newest = np.maximum(np.searchsorted(ticks, rows, side="right") - 1, 0)
    oldest = np.searchsorted(ticks, ticks[newest])  # several records of one tick: altosui shows one after the other
    texts = [java(value, digits) for value in values.tolist()]
    wrong = [
        (row, told)
        for row, told, first, last in zip(rows.tolist(), piccard.told[name], oldest, newest, strict=True)
        if told not in texts[first : last + 1]
    ]
    assert wrong == []
    shown = set(zip(rows.tolist(), piccard.told[name], strict=True))
    # the last record is at the very end of the memory, where altosui does not look
    assert all(each in shown for each in list(zip(ticks.tolist(), texts, strict=True))[:-1])


def test_state_names(piccard: Piccard) -> None:
    pairs = set(zip(piccard.told["state"], piccard.told["state_name"], strict=True))
    assert pairs == {(str(code), FlightState(code).name.lower()) for code in piccard.column("state", "state").tolist()}


def distinct(rows: Iterator[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows without what repeats the one before."""
    whole = list(rows)
    return [row for before, row in pairwise([None, *whole]) if row != before]


def test_gnss(piccard: Piccard) -> None:
    told = piccard.told
    theirs = zip(told["latitude"], told["longitude"], told["gps_altitude"], strict=True)
    known = [row for row in distinct(theirs) if not row[0].startswith(str(MISSING))]
    ours = [
        (java(latitude, 7), java(longitude, 7), java(altitude, 1))
        for latitude, longitude, altitude in zip(
            *(piccard.column("gps", path).tolist() for path in ("latitude", "longitude", "altitude")), strict=True
        )
    ]
    assert set(known) == set(ours)
    assert [row for row in known if known.count(row) == 1] == [row for row in ours if known.count(row) == 1]


def test_gnss_time_and_state(piccard: Piccard) -> None:
    names = ("connected", "locked", "nsat", "year", "month", "day", "hour", "minute", "second", "pdop")
    theirs = distinct(zip(*(piccard.told[name] for name in names), strict=True))
    paths = ("gps.running", "gps.locked", "gps.satellites", *names[3:])
    columns = [piccard.column("gps_time", path).tolist() for path in paths]
    ours = [(*(str(int(value)) for value in row[:-1]), java(row[-1], 1)) for row in zip(*columns, strict=True)]
    assert [row for row in theirs if str(MISSING) not in row] == distinct(iter(ours))


def test_satellites(piccard: Piccard) -> None:
    theirs = {(number, int(cell)) for number in range(1, 33) for cell in piccard.told[f"sat{number:02}"] if int(cell)}
    counts = piccard.column("gps_satellites", "count")
    there = np.arange(4) < counts[:, None]
    found = zip(
        piccard.column("gps_satellites", "satellite.id")[there].tolist(),
        piccard.column("gps_satellites", "satellite.c_n0")[there].tolist(),
        strict=True,
    )
    assert theirs == {(number, strength) for number, strength in found if 1 <= number <= 32 and strength}


def test_flight(piccard: Piccard) -> None:
    """The events of the states, at the times at which altosui's rows change; the greatest height that it shows."""
    told = piccard.told
    changes = {state: float(time) for time, state in reversed(list(zip(told["time"], told["state_name"], strict=True)))}
    events = {event.name: event.received_ns for event in piccard.events}
    since = {name: (time - events["liftoff"]) / 1e9 for name, time in events.items()}
    assert since == pytest.approx({"liftoff": 0.0, "burnout": changes["fast"], "apogee": changes["drogue"]})
    heights = piccard.column("sensor", "height")
    assert java(heights.max(), 2) == max(told["height"], key=float) == "5967.70"


def test_recognised_by_its_content_and_opened_again(data: Path) -> None:
    recording = open_recording(data / NAME)
    assert isinstance(recording, EepromLog)
    first, last = recording.span
    assert list(recording.chunks(last))[-1].received_ns == last
    middle = (first + last) // 2
    later = list(recording.chunks(middle))
    assert later == [chunk for chunk in recording.chunks() if chunk.received_ns >= middle]
