"""AltOS telemetry: lines that others received and published, and packets made by hand after ``ao_telemetry.h``."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundstation.reading import read
from replay.formats.telem import TelemLog
from replay.recording import HEAD_BYTES, open_recording

TELEMEGA = "TELEM 224f01080b05765e00701f1a1bbeb8d7b60b070605140c000600000000000000003fa988"
"""An example GNSS packet in the source of a program that translates TeleMega's telemetry."""
TELEGPS = (
    "TELEM 225310143e06080414072408200927102112131b1e1e24000000c0572d23e94a5f280eb8",
    "TELEM 225310611005f7da007fe73d193ec83bce15010915321c1a0b170103004e002f007e8915",
    "TELEM 225310c510042501000117e85d0923c0074b45384e494a0000312e382e370000007e85b4",
    "TELEM 225310291106080421072108230921101512151b1e1e1200000000000000002f007e858e",
)
"""Of a program that plays a TeleGPS for a ground station: by its comments, a packet whose CRC is wrong, then a good
location, a good configuration and a good satellite packet."""


def batches(path: Path) -> dict[str, dict[str, np.ndarray]]:
    reading = read(path)
    pipeline = reading.pipeline()
    result = pipeline.receive(*reading.recording.chunks())
    counts = pipeline.links["radio"].counts()
    assert (counts["unknown_packets"], counts["malformed"]) == (0, 0)
    return {batch.packet: {path: np.asarray(batch[path]) for path in batch.columns} for batch in result.batches}


def line(packet: bytes, rssi: int = -60, status: int = 0x80 | 30) -> str:
    """A packet as a receiver writes it."""
    assert len(packet) == 32
    body = packet + struct.pack("<bB", rssi, status)
    return f"TELEM {len(body):02x}{body.hex()}{(0x5A + sum(body)) & 0xFF:02x}"


def test_what_others_received(tmp_path: Path) -> None:
    path = tmp_path / "heard.telem"
    path.write_text("\n".join((TELEMEGA, *TELEGPS)) + "\n")
    recording = open_recording(path)
    assert isinstance(recording, TelemLog)
    chunks = list(recording.chunks())
    assert [len(chunk.data) for chunk in chunks] == [34] * 4
    assert recording.damage.notes == ["line 2: the radio found the packet's checksum wrong"]
    assert path.stat().st_size == 2 * 34 * 4 + recording.overhead + recording.damage.discarded
    found = batches(path)
    assert {name: len(each["header.type"]) for name, each in found.items()} == {
        "location": 2,
        "configuration": 1,
        "satellites": 1,
    }
    told = found["configuration"]
    assert (told["callsign"][0], told["version"][0], told["device"][0]) == ("KE8NIJ", "1.8.7", 0x25)  # a TeleGPS
    place = found["location"]
    dates = [[int(place[name][row]) for name in ("year", "month", "day")] for row in (0, 1)]
    assert dates == [[2011, 7, 6], [2021, 1, 9]]
    np.testing.assert_allclose(place["latitude"], [45.4696816, 42.3487359], rtol=0, atol=1e-9)
    np.testing.assert_allclose(place["longitude"], [-122.737645, -83.4942914], rtol=0, atol=1e-9)
    assert place["altitude"].tolist() == [94, 218]
    assert place["gps.satellites"].tolist() == [6, 7]
    assert place["gps.locked"].all()
    sky = found["satellites"]
    assert sky["satellite.id"][0].tolist()[: sky["count"][0]] == [4, 7, 8, 9, 16, 18, 27, 30]


def test_telemetrum_by_hand(tmp_path: Path) -> None:
    """Offsets and scales of struct ao_telemetry_metrum_sensor; voltages by the dividers of the board."""
    sensor = struct.pack("<HHBBhihhhhhhh6x", 5877, 1234, 0x0A, 6, -41, 46609, 3942, -157, 160, 5967, 3062, 1000, 2000)
    data = struct.pack("<HHB3xihhh14x", 5877, 1235, 0x0B, 99878, -22, -22, 16)
    path = tmp_path / "flight.telem"
    path.write_text(f"{line(sensor)}\r\n\r\n{line(data)}\r\n")
    found = batches(path)
    row = {name: column[0] for name, column in found["metrum_sensor"].items()}
    assert (row["header.serial"], row["state"], row["accelerometer"]) == (5877, 6, -41)
    assert (row["pressure"], row["height"], row["temperature"]) == (46609, 5967, pytest.approx(39.42))
    assert row["altitude"] == pytest.approx(6088.86, abs=0.005)  # altosui's own, of a flight log
    assert (row["acceleration"], row["speed"]) == (-157 / 16, 10.0)
    assert row["battery"] == pytest.approx(3.3 * 3062 / 4095 * 15.6 / 10)
    assert row["apogee"] == pytest.approx(3.3 * 1000 / 4095 * 127 / 27)
    assert row["main"] == pytest.approx(3.3 * 2000 / 4095 * 127 / 27)
    assert (row["rssi"], row["link.quality"], row["link.crc_good"]) == (-104.0, 30, True)
    calibration = {name: column[0] for name, column in found["metrum_data"].items()}
    told = [calibration[name] for name in ("ground_pressure", "ground_acceleration", "plus_g", "minus_g")]
    assert told == [99878, -22, -22, 16]


def test_telemega_by_hand(tmp_path: Path) -> None:
    sensor = struct.pack("<HHBBhih9h", 3095, 7, 0x08, 3, 2049, 100500, 2512, 10, 2048, -20, 164, -328, 16, 1, 2, 683)
    data = struct.pack("<HHBBhh6Bihhhhhh", 3095, 8, 0x09, 3, 3062, 2000, *range(100, 106), 99000, 1, 2, 3, 16, -32, 9)
    dated = (24, 1, 1, 1, 1, 1, 8, 9, 10)
    low, wide = (
        struct.pack("<HHBBHii10BHhBb", 3095, 9, 5, 0x39, 0x1234, 0, 0, *dated, mode, 0, 0, 0, 2)
        for mode in (0, 1)  # AO_GPS_MODE_ALTITUDE_24
    )
    path = tmp_path / "mega.telem"
    path.write_text("\n".join(map(line, (sensor, data, low, wide))))
    found = batches(path)
    row = {name: column[0] for name, column in found["mega_sensor"].items()}
    assert row["tilt"] == 3
    assert (row["pressure"], row["temperature"]) == (100500, pytest.approx(25.12))
    assert row["acceleration_across"] == pytest.approx(10 / 2048 * 9.80665)
    assert row["acceleration_along"] == pytest.approx(9.80665)
    assert row["acceleration_through"] == pytest.approx(-20 / 2048 * 9.80665)
    assert row["rate_pitch"] == pytest.approx(164 * 2000 / 32767)
    assert row["rate_roll"] == pytest.approx(-328 * 2000 / 32767)
    assert row["field_along"] == pytest.approx(683 * 48 / 32767)  # the magnetometer's numbers come as x, z, y
    volts = {name: column[0] for name, column in found["mega_data"].items()}
    assert volts["igniter_a"] == pytest.approx(3.3 * (100 << 4 | 100 >> 4) / 4095 * 127 / 27)
    assert volts["main"] == pytest.approx(3.3 * (105 << 4 | 105 >> 4) / 4095 * 127 / 27)
    assert (volts["acceleration"], volts["speed"], volts["height"]) == (1.0, -2.0, 9)
    assert found["location"]["altitude"].tolist() == [0x1234, 0x21234]


def test_flight_by_the_states_that_were_heard(tmp_path: Path) -> None:
    """Coast was not heard; apogee and landing are known all the same."""
    path = tmp_path / "flight.telem"
    states = [2, 2, 3, 6, 7, 8]
    packets = [struct.pack("<HHBB26x", 1, 100 * tick, 0x0A, state) for tick, state in enumerate(states)]
    path.write_text("\n".join(map(line, packets)))
    reading = read(path)
    pipeline = reading.pipeline()
    events = [event for chunk in reading.recording.chunks() for event in pipeline.receive(chunk).events]
    assert [(event.name, event.received_ns) for event in events] == [
        ("liftoff", 2 * 10**9),
        ("burnout", 3 * 10**9),
        ("apogee", 4 * 10**9),
        ("landing", 5 * 10**9),
    ]


def test_ticks_begin_again(tmp_path: Path) -> None:
    path = tmp_path / "long.telem"
    ticks = [65_000, 65_500, 300, 600, 66_000 % 65_536]
    path.write_text("\n".join(line(struct.pack("<HHBB26x", 1, tick, 0x0A, 2)) for tick in ticks))
    times = [chunk.received_ns // 10_000_000 for chunk in TelemLog(path).chunks()]
    assert times == [65_000, 65_500, 65_836, 66_136, 66_136]


def test_of_all_real_files_none_is_claimed(data: Path) -> None:
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            assert not TelemLog.recognise(file.read(HEAD_BYTES)), path


@given(
    pieces=st.lists(
        st.one_of(
            st.sampled_from([TELEMEGA, *TELEGPS]).map(str.encode),
            st.binary(max_size=100),
            st.just(b"\n"),
            st.just(b"CRC INVALID RSSI -70\nVERSION 4 c KD7SQG n 236 f 18\n"),
        )
    )
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_are_accounted_for(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.telem"
    path.write_bytes(b"\n".join(pieces))
    recording = TelemLog(path)
    chunks = list(recording.chunks())
    delivered = sum(len(chunk.data) for chunk in chunks)
    assert path.stat().st_size == 2 * delivered + recording.overhead + recording.damage.discarded
    assert bool(recording.damage.discarded) == bool(recording.damage.notes)
    assert (np.diff([chunk.received_ns for chunk in chunks]) >= 0).all()
    assert list(recording.chunks()) == chunks
