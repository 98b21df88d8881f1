"""Carleton missions against what CarletonURocketry's own parser read from the same files."""

import json
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from protocols.decoder import VehicleDecoder
from protocols.errors import NotARecording
from protocols.frames import Frames
from protocols.vehicles.carleton import VEHICLE
from replay.formats.mission import Mission
from replay.recording import open_recording

FILES = ("hybrid_flight_data.mission", "july_12th.mission", "spec.mission")


def truth(data: Path, name: str) -> dict:
    return next(each for each in json.loads((data / "carleton/truth.json").read_text()) if each["file"] == name)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("name", FILES)
def test_counts(flight, data, name):
    told, found = truth(data, name), flight(f"carleton/{name}")
    assert len(found.chunks) == told["packets"]
    assert found.counts() == {snake(block): count for block, count in told["block_counts"].items()}
    assert (found.decoder.unknown_packets, found.decoder.malformed, found.recording.damage.discarded) == (0, 0, 0)
    callsigns, blocks = found.column("linear_acceleration", "frame.callsign"), 0
    assert set(callsigns) == set(told["callsigns"])
    blocks = sum(chunk.data[11] for chunk in found.chunks)
    assert blocks == sum(told["block_counts"].values())


@pytest.mark.parametrize("name", FILES)
def test_extremes(flight, data, name):
    told, found = truth(data, name), flight(f"carleton/{name}")
    for packet, path, extreme, pick, scale in (
        ("altitude_above_sea_level", "altitude", "max_altitude", np.argmax, 1.0),
        ("pressure", "pressure", "min_pressure", np.argmin, 1.0),
        ("pressure", "pressure", "max_pressure", np.argmax, 1.0),
    ):
        if not told[extreme]:
            assert packet not in found.batches
            continue
        values, times = found.column(packet, path), found.time(packet)
        best = int(pick(values))
        assert values[best] * scale == pytest.approx(told[extreme][1], abs=1e-9)
        assert times[best] == pytest.approx(told[extreme][0], abs=0.006)  # the truth is rounded to 10 ms


def test_coordinates(flight, data):
    told, found = truth(data, FILES[0]), flight(f"carleton/{FILES[0]}")
    places = np.stack([found.raw("coordinates", path) for path in ("latitude", "longitude")], axis=1)
    assert places[0].tolist() == told["first_coord"][0][1:]
    assert places[-1].tolist() == told["last_coord"][0][1:]
    assert found.column("coordinates", "latitude")[0] == pytest.approx(47.9653984, abs=1e-9)  # near Timmins, Ontario
    assert found.column("coordinates", "longitude")[0] == pytest.approx(-81.8741120, abs=1e-9)


@pytest.mark.parametrize("name", FILES)
def test_sampled_packets(flight, data, name):
    """Every value of every sampled packet, as raw counts."""
    told, found, seen = truth(data, name), flight(f"carleton/{name}"), 0
    for index, header, blocks in told["samples"]:
        decoder = VehicleDecoder(VEHICLE, "radio")
        batches = {each.packet: each for each in decoder.decode(Frames.of([found.chunks[index].data], 0))}
        at = dict.fromkeys(batches, 0)
        for block in blocks:
            packet = snake(block.pop("type"))
            batch, row = batches[packet], at[packet]
            at[packet] += 1
            assert batch.time[row] == pytest.approx(block.pop("measurement_time"), abs=0.006)
            assert batch["frame.callsign"][row] == header["callsign"]
            assert batch.columns.raw("frame.timestamp")[row] == header["timestamp"]
            assert batch["frame.blocks"][row] == header["num_blocks"] == len(blocks)
            assert batch["frame.packet_number"][row] == header["packet_num"]
            for key, value in block.items():
                path = "status_code" if key == "flight_status" else key
                assert batch.columns.raw(path)[row] == value, (index, packet, key)
                seen += 1
    assert seen > 50


def test_times_run_on_where_the_barometers_counter_wrapped(flight):
    """Two clocks 4,294.967 s apart in one file, and both wrap: one hour of reception comes out as one hour."""
    found = flight(f"carleton/{FILES[0]}")
    times = np.array([chunk.received_ns for chunk in found.chunks])
    assert (np.diff(times) >= 0).all()
    assert 3600e9 < times[-1] - times[0] < 3620e9  # 181 to 301 half-minutes
    assert found.recording.span == (times[0], times[-1])
    pressure = [batch.received_ns[0] for batch in found.batches["pressure"]]
    assert pressure[-1] - pressure[0] > 3000e9


def test_start(flight):
    found = flight(f"carleton/{FILES[1]}")
    middle = found.chunks[300].received_ns
    assert list(open_recording(found.recording.path).chunks(middle)) == [
        each for each in found.chunks if each.received_ns >= middle
    ]


def test_lines_that_are_no_packets(tmp_path, flight):
    good = [chunk.data.hex().upper().encode() for chunk in flight(f"carleton/{FILES[0]}").chunks[:4]]
    bad = [b"not hexadecimal", b"ABC", b"AB" * 12, good[0][:-1], b"A" * 5000]
    text = good[0] + b"\r\n\n" + b"\n".join([bad[0], good[1], *bad[1:], good[2], b"  " + good[3] + b" "])
    (tmp_path / "x.mission").write_bytes(text)
    recording = open_recording(tmp_path / "x.mission")
    chunks = list(recording.chunks())
    assert [chunk.data.hex().upper().encode() for chunk in chunks] == good
    assert recording.damage.discarded == sum(map(len, bad)) + len(bad)
    assert len(recording.damage.notes) == len(bad)
    assert "line 3 " in recording.damage.notes[0]
    assert len(text) == sum(2 * len(chunk.data) for chunk in chunks) + recording.overhead + recording.damage.discarded


def test_a_line_without_end_takes_no_memory(tmp_path):
    path = tmp_path / "x.mission"
    with path.open("wb") as file:
        for _ in range(16):
            file.write(b"5" * (1 << 20))
    recording = Mission(path)
    tracemalloc.start()
    assert list(recording.chunks()) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert recording.damage.discarded == 16 << 20
    assert peak < 1 << 20


def test_the_later_packet_format_is_not_taken_for_this_one(data):
    """josh-recording-1 counts elements after each block type: read as this format it would give wrong values."""
    head = (data / "carleton/josh-recording-1/raw").read_bytes()[:4096]
    assert not Mission.recognise(head)
    with pytest.raises(NotARecording, match="Carleton InSpace mission"):
        open_recording(data / "carleton/josh-recording-1/raw")
