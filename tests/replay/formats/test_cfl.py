"""CATS flight logs against what the CATS project's own parser read, and the flight computers' own events."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from replay.formats.cfl import FlightLog
from replay.recording import open_recording

FILES = ("05_asat/main.cfl", "05_asat/payload.cfl", "07_aesir/main_1.cfl", "07_aesir/main_2.cfl", "11_faraday/main.cfl")

PATHS = {
    "Ax": "acceleration_x",
    "Ay": "acceleration_y",
    "Az": "acceleration_z",
    "Gx": "angular_rate_x",
    "Gy": "angular_rate_y",
    "Gz": "angular_rate_z",
    "P": "pressure",
    "T": "temperature",
    "filtered_altitude_AGL": "altitude",
    "filtered_acceleration": "acceleration",
    "out_idx": "action",
    **{f"q{i}_estimated": f"q{i}" for i in range(4)},
}
"""The parser's names, where ours differ."""


def truth(data: Path, name: str) -> dict:
    return next(each for each in json.loads((data / "cats_euroc23/truth.json").read_text()) if each["file"] == name)


def milliseconds(times) -> list[int]:
    return np.rint(times * 1000).astype(int).tolist()


@pytest.mark.parametrize("name", FILES)
def test_counts(flight, data, name):
    told, found = truth(data, name), flight(f"cats_euroc23/{name}")
    assert found.counts() == {record: count for record, count in told["counts"].items() if count}
    assert (found.decoder.unknown_packets, found.decoder.malformed) == (0, 0)
    assert found.recording.firmware == told["parser_stdout"][0].removeprefix("Code version: ")


@pytest.mark.parametrize("name", FILES)
def test_extremes(flight, data, name):
    told, found = truth(data, name), flight(f"cats_euroc23/{name}")
    times = milliseconds(found.time("flight_info"))
    for path, most, when in (
        ("height", "max_height_m", "max_height_ts"),
        ("velocity", "max_velocity", "max_velocity_ts"),
    ):
        values = found.column("flight_info", path)
        assert values.max() == told[most]
        assert times[int(values.argmax())] == told[when]
    assert min(times[0], milliseconds(found.time("imu"))[0]) == told["first_ts_ms"]


@pytest.mark.parametrize("name", FILES)
def test_events_and_states(flight, data, name):
    told, found = truth(data, name), flight(f"cats_euroc23/{name}")
    events = found.labels("event_info", "event")
    labelled = ["EV_" + events[code] for code in found.column("event_info", "event")]
    actions = found.column("event_info", "action").tolist()
    assert [list(each) for each in zip(milliseconds(found.time("event_info")), labelled, actions, strict=True)] == told[
        "events"
    ]
    states = found.labels("flight_states", "state")
    entered = [states[code] for code in found.column("flight_states", "state")]
    assert [list(each) for each in zip(milliseconds(found.time("flight_states")), entered, strict=True)] == told[
        "states"
    ]


@pytest.mark.parametrize("name", FILES)
def test_gnss(flight, data, name):
    told, found = truth(data, name), flight(f"cats_euroc23/{name}")
    if not told["gnss_last"]:
        assert "gnss_info" not in found.batches
        return
    fixed = found.column("gnss_info", "satellites") > 0
    assert np.count_nonzero(fixed) == told["gnss_fixes"]
    last = told["gnss_last"]
    at = milliseconds(found.time("gnss_info")).index(last["ts"])
    assert [found.column("gnss_info", path)[at] for path in ("latitude", "longitude", "satellites")] == [
        last["latitude"],
        last["longitude"],
        last["satellites"],
    ]


@pytest.mark.parametrize("name", FILES)
def test_sampled_records(flight, data, name):
    """Every value of every sampled record, as raw counts."""
    found, seen = flight(f"cats_euroc23/{name}"), 0
    sampled = json.loads((data / "cats_euroc23" / name.replace(".cfl", ".truth.json")).read_text())["sampled_records"]
    for packet, samples in sampled.items():
        for index, values in samples:
            assert milliseconds(found.time(packet)[index : index + 1]) == [values.pop("ts")]
            sensor = values.pop("id", None)
            assert sensor is None or int(sensor[-1]) == found.raw(packet, "header.record.sensor")[index]
            for key, value in values.items():
                assert found.raw(packet, PATHS.get(key, key))[index] == value, (packet, index, key)
                seen += 1
    assert seen > 300


@pytest.mark.parametrize("name", [each for each in FILES if not each.startswith("11")])
def test_stats_of_the_flight_computer(flight, data, name):
    """The summary that the flight computer wrote by itself: greatest acceleration, and gravity on its axis."""
    text = (data / "cats_euroc23" / name.replace(".cfl", "_stats.txt")).read_text()
    told = [float(line.split(":")[1]) for line in text.splitlines() if "Max. Acceleration" in line]
    found = flight(f"cats_euroc23/{name}").column("flight_info", "acceleration")
    assert found.max() == pytest.approx(told[0], rel=1e-6)
    angle, axis = (float(line.split(":")[1]) for line in text.splitlines() if "Angle" in line or "Axis" in line)
    still = flight(f"cats_euroc23/{name}").column("imu", f"acceleration_{'xyz'[int(axis)]}")[:50]
    assert still.mean() / 9.80665 == pytest.approx(angle, abs=0.03)


@pytest.mark.parametrize("name", FILES)
def test_orientation_is_of_unit_length(flight, name):
    """What fixes the scale of the quaternions, on which the project's own programs disagree."""
    found = flight(f"cats_euroc23/{name}")
    q = np.stack([found.column("orientation_info", f"q{i}") for i in range(4)])
    assert np.linalg.norm(q, axis=0) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("name", FILES)
def test_every_byte_is_explained(flight, data, name):
    """After the last record come bytes of the flash page before (256 bytes earlier), or a record cut short."""
    found = flight(f"cats_euroc23/{name}")
    whole = (data / "cats_euroc23" / name).read_bytes()
    log = found.recording
    assert b"".join(chunk.data for chunk in found.chunks) == whole[log.overhead : len(whole) - log.damage.discarded]
    rest = whole[len(whole) - log.damage.discarded :]
    assert len(rest) < 256
    again = rest == whole[-len(rest) - 256 : -256]
    assert again or "cut short" in log.damage.notes[-1]


@pytest.mark.parametrize("name", FILES)
def test_chunks_are_short_and_in_order(flight, name):
    found = flight(f"cats_euroc23/{name}")
    times = np.array([chunk.received_ns for chunk in found.chunks])
    steps = np.diff(times)
    assert steps.min() >= 0
    assert steps.max() <= 100_000_000  # events stamped up to 2 s ahead do not make the clock jump
    assert found.recording.span == (times[0], times[-1])
    again = open_recording(found.recording.path)
    assert next(iter(again.chunks(int(times[99])))) == found.chunks[99]


def records(whole: bytes) -> list[int]:
    """Where records begin, by the sizes that the truth's parser uses."""
    sizes = dict(zip((1 << i for i in range(4, 14)), (12, 8, 12, 8, 8, 4, 8, 4, 9, 2), strict=True))
    at, found = whole.index(0) + 1, []
    while at + 8 <= len(whole) and (kind := int.from_bytes(whole[at + 4 : at + 8], "little") & ~15) in sizes:
        found.append(at)
        at += 8 + sizes[kind]
    return found


def test_garbage_between_records_costs_nothing_else(tmp_path, flight, data, decoded):
    """Damage in the middle of a flight: all records come out, and exactly the garbage is discarded."""
    name = "cats_euroc23/11_faraday/main.cfl"
    whole, dice = (data / name).read_bytes(), random.Random(7)
    begins = records(whole)
    for length in (1, 3, 7, 100, 5000):
        at = begins[dice.randrange(1000, 60_000)]
        path = tmp_path / "x.cfl"
        path.write_bytes(whole[:at] + dice.randbytes(length - 1) + b"\xff" + whole[at:])
        recording = open_recording(path)
        found = decoded(recording, list(recording.chunks()))
        lost = sum(flight(name).counts().values()) - sum(found.counts().values())
        assert lost <= 1  # garbage may hide behind the time and type of one record
        assert abs(recording.damage.discarded - flight(name).recording.damage.discarded - length) <= 40


def test_a_damaged_type_costs_one_record(tmp_path, flight, data, decoded):
    name = "cats_euroc23/11_faraday/main.cfl"
    whole = bytearray((data / name).read_bytes())
    begins = records(bytes(whole))
    damaged = begins[2000:80_000:9777]
    for at in damaged:
        whole[at + 6] ^= 0x10
    (tmp_path / "x.cfl").write_bytes(whole)
    recording = open_recording(tmp_path / "x.cfl")
    found = decoded(recording, list(recording.chunks()))
    sizes = sum(begins[begins.index(at) + 1] - at for at in damaged)
    before = flight(name)
    assert sum(found.counts().values()) == sum(before.counts().values()) - len(damaged)
    assert recording.damage.discarded == before.recording.damage.discarded + sizes


def test_a_log_without_its_version_is_still_read(tmp_path, flight, data):
    name = "cats_euroc23/11_faraday/main.cfl"
    whole = (data / name).read_bytes()
    path = tmp_path / "x.cfl"
    path.write_bytes(b"\xff" + whole[1:])
    recording = FlightLog(path)
    assert recording.firmware == ""
    data_bytes = sum(len(chunk.data) for chunk in recording.chunks())
    assert data_bytes == sum(len(chunk.data) for chunk in flight(name).chunks)
    assert recording.damage.discarded == flight(name).recording.damage.discarded + 12
