"""Logs of other AltOS boards, made after ``ao_log.h``; values worked out with altosui's formulas. And damaged logs."""

import json
import random
import struct
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundstation.reading import read
from protocols.altos.boards import record_bytes
from protocols.altos.curves import Ms5607Pressure, Ms5607Temperature, Prom, pressure_altitude
from protocols.altos.log import LogFormat
from protocols.errors import NotARecording
from replay.formats.eeprom import EepromLog
from replay.recording import HEAD_BYTES, open_recording

PROM = {"sens": 46372, "off": 43981, "tcs": 29059, "tco": 27842, "tref": 31553, "tempsens": 28165}
"""The example of the MS5607's data sheet: D1 6465444 and D2 8077636 are 110002 Pa and 20.00 degC."""
D1, D2 = 6465444, 8077636
G = 9.80665


def checked(record: bytes) -> bytes:
    """A record with its checksum."""
    return record[:1] + bytes((-(0x5A + sum(record)) & 0xFF,)) + record[2:]


def record(letter: str, tick: int, size: int, layout: str, *values: Any) -> bytes:
    data = struct.pack("<BBH" + layout, ord(letter), 0, tick & 0xFFFF, *values)
    return checked(data.ljust(size, b"\0"))


def write(path: Path, log_format: int, memory: bytes, **header: Any) -> Path:
    """A log as altosui writes it."""
    told = {
        "accel_cal_minus": 2147483647,
        "accel_cal_plus": 2147483647,
        "altitude_32": 1,
        "config_major": 1,
        "log_format": log_format,
        "ms5607": PROM,
        "product": "Some-v1.0",
        "serial": 42,
        "version": "1.9.6",
        **header,
    }
    lines = [memory[at : at + 32].hex(" ") for at in range(0, len(memory), 32)]
    path.write_text(json.dumps(told, indent=1) + "\n" + "\n".join(lines) + "\n")
    return path


def batches(path: Path) -> dict[str, dict[str, np.ndarray]]:
    reading = read(path)
    pipeline = reading.pipeline()
    chunks = list(reading.recording.chunks())
    result = pipeline.receive(*chunks)
    counts = pipeline.links["log"].counts()
    assert (counts["unknown_packets"], counts["malformed"]) == (0, 0)
    accounted(reading.recording, chunks)
    return {
        batch.packet: {name: np.asarray(batch[name]) for name in batch.columns} | {"ns": batch.received_ns}
        for batch in result.batches
    }


def accounted(recording: Any, chunks: list[Any]) -> None:
    delivered = sum(len(chunk.data) for chunk in chunks) - recording.added
    assert recording.path.stat().st_size == 2 * delivered + recording.overhead + recording.damage.discarded
    assert bool(recording.damage.discarded) <= bool(recording.damage.notes)
    assert (np.diff([chunk.received_ns for chunk in chunks]) >= 0).all()


def test_pressure_sensor_by_its_data_sheet() -> None:
    prom = Prom(**PROM)
    word = D1 | D2 << 32
    assert (Ms5607Pressure(prom)(word), Ms5607Temperature(prom)(word)) == (110002, 20.0)
    column = np.array([word, word], np.uint64)
    assert Ms5607Pressure(prom)(column).tolist() == [110002, 110002]
    cold = D1 | 7_000_000 << 32  # under 20 degC: second order
    dt = 7_000_000 - (PROM["tref"] << 8)
    first = 2000 + dt * PROM["tempsens"] / 2**23
    assert Ms5607Temperature(prom)(cold) == pytest.approx((first - dt * dt / 2**31) / 100, abs=0.011)


def test_standard_atmosphere() -> None:
    """US Standard Atmosphere 1976 at the borders of its layers, geopotential altitude; to 2 m, constants differ."""
    pressures = [101325.0, 22632.1, 5474.89, 868.019, 110.906, 66.9389, 3.95642]
    np.testing.assert_allclose(pressure_altitude(pressures), [0, 11000, 20000, 32000, 47000, 51000, 71000], atol=2)
    assert (np.diff(pressure_altitude(np.linspace(1.0, 110_000.0, 5000))) < 0).all()
    assert pressure_altitude(np.array([-1.0, 0.0, 0.3])).tolist() == [-1, 84852, 84852]


def test_telemega(tmp_path: Path) -> None:
    """TeleMega 1: MPU6000 with x across, y along; the magnetometer's numbers come as x, z, y."""
    flight = record("F", 1000, 32, "HhihhhhiiI", 7, 1990, 100_000, 1, 2, 3, 0, 512 * 4, 512 * 5, 512 * 6)
    sensor = record("A", 990, 32, "II10h", D1, D2, 10, 2048, -20, 100, 200, 300, 1090, 545, -218, 1880)
    volts = record("T", 1001, 32, "hhh10hH", 3062, 2000, 6, 1, 2, 3, 4, 1500, 1600, 0, 0, 0, 0, 5)
    gps = struct.pack(
        "<BBHiiH8BHh4Bh", ord("G"), 0, 1002, -450_000_000, 1_234_567_890, 0x8765, 12, 13, 14, 0x39, 21, 10, 15, 90,
        1234, -250, 12, 9, 8, 1, 1,
    )  # fmt: skip
    state = record("S", 1001, 32, "HH", 3, 0)
    path = write(
        tmp_path / "mega.eeprom", LogFormat.TELEMEGA, flight + sensor + volts + state + checked(gps),
        accel_cal_plus=2000, accel_cal_minus=1900,
    )  # fmt: skip
    found = {packet: {name: column[0] for name, column in each.items()} for packet, each in batches(path).items()}
    row = found["sensor"]
    assert (row["pressure"], row["temperature"]) == (110002, 20.0)
    assert row["height"] == pytest.approx(float(pressure_altitude(110002) - pressure_altitude(100_000)))
    assert row["acceleration"] == pytest.approx((1880 - 1990) / 50 * G)
    assert row["acceleration_across"] == pytest.approx(10 / 2048 * G)
    assert row["acceleration_along"] == pytest.approx(G)
    assert row["rate_pitch"] == pytest.approx((100 - 5) / 32767 * 2000)
    assert row["rate_roll"] == pytest.approx((200 - 4) / 32767 * 2000)
    assert row["rate_yaw"] == pytest.approx((300 - 6) / 32767 * 2000)
    assert [row[f"field_{axis}"] for axis in ("across", "through", "along")] == pytest.approx([1.0, 0.5, -0.2])
    assert row["ns"] == 9_900_000_000
    assert found["voltage"]["battery"] == pytest.approx(3.3 * 3062 / 4095 * 1.56)
    assert found["voltage"]["apogee"] == pytest.approx(3.3 * 1500 / 4095 * 127 / 27)
    place = found["gps"]
    assert (place["latitude"], place["longitude"]) == pytest.approx((-45.0, 123.456789))
    assert place["altitude"] == 0x18765
    assert (place["gps.locked"], place["gps.satellites"], place["course"]) == (True, 9, 180)
    assert (place["ground_speed"], place["climb_rate"], place["pdop"]) == pytest.approx((12.34, -2.5, 1.2))


@pytest.mark.parametrize(
    ("log_format", "along", "across", "per_g", "per_gauss"),
    [
        (LogFormat.TELEMEGA_3, 2, 1, 2048, 32767 / 48),
        (LogFormat.EASYMEGA_2, 1, -2, 2048, 32767 / 48),
        (LogFormat.TELEMEGA_4, 1, -2, 2048, 100),
        (LogFormat.TELEMEGA_5, 1, 2, 2048, 4096),
        (LogFormat.TELEMEGA_6, 1, 2, 1365, 4096),
        (LogFormat.EASYMEGA_3, 1, 2, 1365, 4096),
        (LogFormat.TELEMEGA_7, 1, 2, 1365, 4096),
    ],
)
def test_axes_of_the_inertial_sensors(
    tmp_path: Path, log_format: int, along: int, across: int, per_g: float, per_gauss: float
) -> None:
    """Numbers 1000, 2000, 3000 of each sensor: which of them point where, and their scales."""
    sensor = record("A", 5, 32, "II10h", D1, D2, *(1000, 2000, 3000) * 3, 0)
    found = batches(write(tmp_path / "axes.eeprom", log_format, sensor))["sensor"]
    assert found["acceleration_along"][0] == pytest.approx(1000 * along / per_g * G)
    assert found["acceleration_across"][0] == pytest.approx(1000 * across / per_g * G)
    assert found["rate_roll"][0] == pytest.approx(1000 * along / 32767 * 2000)
    assert found["rate_pitch"][0] == pytest.approx(1000 * across / 32767 * 2000)
    order = {  # of the magnetometer's three numbers
        LogFormat.TELEMEGA_3: (1000, 2000, 3000),
        LogFormat.EASYMEGA_2: (-3000, 2000, 1000),
        LogFormat.TELEMEGA_4: (3000, 2000, 1000),
    }.get(LogFormat(log_format), (2000, 3000, 1000))
    fields = [found[f"field_{axis}"][0] * per_gauss for axis in ("across", "through", "along")]
    assert fields == pytest.approx(order)


@pytest.mark.parametrize(
    ("log_format", "serial", "battery"),
    [
        (LogFormat.EASYMINI1, 900, 10_000 / 32767 * 3.0 * 127 / 27 + 0.15),
        (LogFormat.EASYMINI1, 1700, 10_000 / 32767 * 3.3 * 127 / 27),
        (LogFormat.TELEMINI2, 1, 10_000 / 32767 * 3.3 * 127 / 27),
        (LogFormat.TELEMINI3, 1, 10_000 / 4095 * 3.3 * 15.6 / 10),
        (LogFormat.EASYMINI2, 1, 10_000 / 4095 * 3.3 * 127 / 27),
    ],
)
def test_mini(tmp_path: Path, log_format: int, serial: int, battery: float) -> None:
    """Readings of three bytes each."""
    flight = record("F", 10, 16, "HHi", 3, 0, 100_000)
    readings = D1.to_bytes(3, "little") + D2.to_bytes(3, "little")
    sensor = record("A", 11, 16, "6s3h", readings, 5, 6, 10_000)
    row = batches(write(tmp_path / "mini.eeprom", log_format, flight + sensor, serial=serial))["sensor"]
    assert (row["pressure"][0], row["temperature"][0]) == (110002, 20.0)
    assert row["battery"][0] == pytest.approx(battery)


def test_the_older_notation(tmp_path: Path) -> None:
    """TeleMetrum 1: a text header, a record a line, of bytes and of the words of the first versions."""
    header = (
        "Config version: 1.3\nMain deploy: 250 meters\nApogee delay: 0 seconds\nRadio channel: 0\n"
        'Callsign: "KD7SQG"\nAccel cal +1g: 15775 -1g: 16281\nRadio cal: 1186611\nMax flight log: 1024 kB\n'
        "manufacturer     altusmetrum.org\nproduct          TeleMetrum-v1.1\nserial-number    236\n"
        "log-format       1\nsoftware-version 0.9\n"
    )
    lines = ["F 0201 9c 3d 12 00", "A 01f8 8c 3d 5c 67", "A 0202 3b00 6700", "S 0202 03 00 00 00", "T 0203 50 52 a4 68"]
    path = tmp_path / "old.eeprom"
    path.write_text(header + "\n".join(lines) + "\n")
    assert EepromLog.recognise(path.read_bytes()[:HEAD_BYTES])
    recording = open_recording(path)
    assert isinstance(recording, EepromLog)
    assert (recording.calibration.product, recording.calibration.serial) == ("TeleMetrum-v1.1", 236)
    found = batches(path)
    pressure = ((0x675C / 16) / 2047 + 0.095) / 0.009 * 1000
    assert found["sensor"]["pressure"][0] == pytest.approx(pressure)
    assert found["sensor"]["acceleration"][0] == pytest.approx((0x3D8C - 0x3D9C) / ((15775 - 16281) / 2) * G)
    assert found["sensor"]["acceleration"][1] == pytest.approx((0x3B00 - 0x3D9C) / ((15775 - 16281) / 2) * G)
    assert found["sensor"]["height"][0] == 0  # no pressure of the pad is logged: the first one is it
    assert found["voltage"]["temperature"][0] == pytest.approx((0x5250 - 19791.268) / 32728 * 1.25 / 0.00247)
    assert found["voltage"]["battery"][0] == pytest.approx(0x68A4 / 32767 * 5)
    assert (found["sensor"]["ns"] // 10_000_000).tolist() == [0x1F8, 0x202]
    assert found["flight"]["flight"].tolist() == [0x12]


def test_telemini_1(tmp_path: Path) -> None:
    """Two bytes a record: ten pressures a second, one a second from apogee on."""
    words = [5, 0x6000, 0x6001, 0x8003, 0x6002, 0x8006, 0x6003, 0x6004, 0xFFFF, 0xFFFF]
    path = write(tmp_path / "tiny.eeprom", LogFormat.TINY, struct.pack(f"<{len(words)}H", *words))
    found = batches(path)
    assert found["flight"]["flight"].tolist() == [5]
    assert (found["sensor"]["ns"] // 10_000_000).tolist() == [0, 10, 20, 30, 130]
    assert found["state"]["state"].tolist() == [3, 6]
    assert (found["state"]["ns"] // 10_000_000).tolist() == [20, 30]
    assert found["sensor"]["pressure"][0] == pytest.approx(((0x6000 / 16) / 2047 + 0.095) / 0.009 * 1000)


def test_micropeak(tmp_path: Path) -> None:
    """The lower halves of pressures, from that on the pad."""
    pressures = [101_000, 100_500, 98_400, 98_200, 99_000]
    head = struct.pack("<iiH", 101_000, 98_200, 2 << 12 | len(pressures))
    memory = head + struct.pack("<5H", *(pressure & 0xFFFF for pressure in pressures)) + b"\xff" * 12
    found = batches(write(tmp_path / "peak.eeprom", LogFormat.MICROPEAK2, memory))
    assert found["sensor"]["pressure"].tolist() == pressures
    assert (found["sensor"]["ns"] // 10_000_000).tolist() == [0, 10, 20, 30, 40]
    assert found["sensor"]["height"].max() == pytest.approx(
        float(pressure_altitude(98_200) - pressure_altitude(101_000))
    )


def test_easymotor(tmp_path: Path) -> None:
    volt = 3.3 / 4095 * 1.56
    flight = record("F", 1, 16, "H5h", 1, 0, 0, 0, 0, round(0.7 / volt))
    sensor = record("A", 2, 16, "HH4h", round(2.5 / volt), 2000, 41, 0, 205, 0)
    row = batches(write(tmp_path / "motor.eeprom", LogFormat.EASYMOTOR, flight + sensor))["sensor"]
    assert row["motor_pressure"][0] == pytest.approx((2.5 - 0.7) / 4 * 1600 * 6894.76, rel=1e-3)
    assert row["acceleration_along"][0] == pytest.approx(-10 * G)


def test_ticks_begin_again_and_records_out_of_order(tmp_path: Path) -> None:
    """What was before boost stands behind the flight's record; the counter goes over twice."""
    ticks = [1000, 970, 980, 990, 1001, 1010, 1005, *range(1100, 140_000, 100)]
    letters = ["F"] + ["A"] * (len(ticks) - 1)
    memory = b"".join(record(letter, tick, 16, "II", D1, D2) for letter, tick in zip(letters, ticks, strict=True))
    recording = EepromLog(write(tmp_path / "long.eeprom", LogFormat.TELEMETRUM, memory))
    assert [chunk.received_ns // 10_000_000 for chunk in recording.chunks()] == sorted(ticks)


def test_a_format_nobody_knows_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotARecording, match="log format 99 is not known here; convert it with altosui"):
        EepromLog(write(tmp_path / "new.eeprom", 99, bytes(32)))


def test_every_log_format_has_its_records(tmp_path: Path) -> None:
    for log_format in LogFormat:
        memory = b"".join(record(letter, 5, max(8, record_bytes(log_format)), "") for letter in "FAST")
        recording = EepromLog(write(tmp_path / "any.eeprom", log_format, memory))
        assert recording.links["log"].declared is not None
        accounted(recording, list(recording.chunks()))


def test_of_all_real_files_only_its_own(data: Path) -> None:
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            assert EepromLog.recognise(file.read(HEAD_BYTES)) == (path.suffix == ".eeprom"), path


@pytest.mark.parametrize("kind", ["flip", "digit", "drop", "line"])
def test_damage_costs_what_it_touches(tmp_path: Path, kind: str) -> None:
    """One record, or the line of two records; the others come as before."""
    chance = random.Random(4)
    memory = b"".join(record("A", tick, 16, "IIh", D1 + tick, D2, tick) for tick in range(2000))
    path = write(tmp_path / "damaged.eeprom", LogFormat.TELEMETRUM, memory)
    whole = [chunk.data for chunk in EepromLog(path).chunks()]
    text = path.read_text()
    begin = text.index("\n41 ") + 1
    for _ in range(40):
        at = begin + 96 * chance.randrange(1, 900) + 3 * chance.randrange(32)
        wrong = {
            "flip": text[:at] + f"{int(text[at : at + 2], 16) ^ 16:02x}" + text[at + 2 :],
            "digit": text[:at] + "?" + text[at + 1 :],
            "drop": text[:at] + text[at + 3 :],
            "line": text[: at - (at - begin) % 96] + text[at - (at - begin) % 96 + 96 :],
        }[kind]
        path.write_text(wrong)
        recording = EepromLog(path)
        chunks = list(recording.chunks())
        accounted(recording, chunks)
        left = [chunk.data for chunk in chunks]
        assert set(left) < set(whole)
        assert len(left) >= len(whole) - (1 if kind == "flip" else 2)
        assert len(recording.damage.notes) == (kind != "line")


@given(
    steps=st.lists(st.tuples(st.sampled_from(["put", "cut", "drop"]), st.integers(0, 6000), st.binary(max_size=90))),
    old=st.booleans(),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_accounted_for(tmp_path_factory: pytest.TempPathFactory, steps: list[Any], old: bool) -> None:
    path, ticks = tmp_path_factory.getbasetemp() / "any.eeprom", count(60_000, 7)
    records = [record(letter, next(ticks), 16, "IIh", D1, D2, 5) for letter in "FAATSAAAPGV" * 9]
    write(path, LogFormat.TELEMETRUM, b"".join(records))
    if old:
        lines = [f"{each[:1].decode()} {each[3]:02x}{each[2]:02x} {each[4:].hex(' ')}" for each in records]
        path.write_text("Config version: 1.3\nlog-format 7\n" + "\n".join(lines))
    content = path.read_bytes()
    for kind, at, what in steps:
        content = {
            "put": content[:at] + what + content[at:],
            "cut": content[: max(at, 700)],
            "drop": content[:at] + content[at + len(what) :],
        }[kind]
    path.write_bytes(content)
    EepromLog.recognise(content[:HEAD_BYTES])
    try:
        recording = EepromLog(path)
    except NotARecording:
        return  # the header does not tell the log format any more
    chunks = list(recording.chunks())
    accounted(recording, chunks)
    assert list(recording.chunks()) == chunks
    accounted(recording, chunks)


@pytest.mark.parametrize(
    "header",
    [
        {"version": "1.\u00b2.x", "serial": 10**400, "product": "[red]x[/] [bold"},
        {"version": {"a": []}, "serial": "x", "product": ["x"], "altitude_32": [], "ms5607": [1]},
        {"accel_cal_plus": 1e308, "accel_cal_minus": -1e308, "serial": -5},
        {"accel_cal_plus": 7, "accel_cal_minus": 7, "ms5607": dict.fromkeys(PROM, 0)},
        {"ms5607": dict.fromkeys(PROM, 2**31 - 2)},
        {"ms5607": dict.fromkeys(PROM, -(2**31))},
    ],
)
def test_absurd_headers_are_read(tmp_path: Path, header: dict[str, Any]) -> None:
    memory = record("F", 0, 16, "HhiI", 1, 2, 3, 4) + record("A", 1, 16, "IIh", 2**32 - 1, 2**32 - 1, -32768)
    path = write(tmp_path / "absurd.eeprom", LogFormat.TELEMETRUM, memory, **header)
    assert {name: len(each["header.tick"]) for name, each in batches(path).items()} == {"flight": 1, "sensor": 1}


@pytest.mark.parametrize("rest", ["[" * 100_000, "9" * 10_000 + "}", "1", '"x'])
def test_a_header_that_is_no_json_is_said(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "cut.eeprom"
    path.write_text('{"config_major": 1, "log_format": 7, "x": ' + rest)
    with pytest.raises(NotARecording, match="no whole JSON"):
        open_recording(path)
