"""A PSAS log against every value that psas_packet decoded from it."""

import json
import re

import numpy as np
import pytest

from protocols.vehicles.psas import VEHICLE
from replay.recording import open_recording

NAME = "psas_packet/simple_logfile"

HEMISPHERE = {1: 52, 2: 16, 80: 40, 93: 56, 94: 96, 95: 128, 96: 300, 98: 68, 99: 304}
"""Data bytes of the GPS receiver's binary messages: Hemisphere GNSS technical reference, ``Bin`` messages."""


def path_of(key: str) -> str:
    """psas_packet's name of a value as ours: CellVoltage1 is cell_voltage1, TS1Temperature is ts1_temperature."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()


def test_counts(flight, data):
    told, found = json.loads((data / "psas_packet/truth.json").read_text()), flight(NAME)
    assert found.counts() == {name.lower(): count for name, count in told["psas_packet_counts"].items()}
    assert sum(found.counts().values()) == told["tlv_total"]
    assert found.decoder.sequence_gaps == told["seqn_gap_total"] == 0
    assert (found.decoder.unknown_packets, found.decoder.malformed) == (0, 0)
    assert len(found.chunks) == told["seqn"]
    assert found.column("seqn", "sequence")[[0, 1, -1]].tolist() == [*told["seqn_first"], *told["seqn_last"]]


def test_every_value(flight, data):
    found, seen, at = flight(NAME), 0, dict.fromkeys(flight(NAME).batches, 0)
    for message in json.loads((data / "psas_packet/simple_log.json").read_text()):
        ((fourcc, values),) = message.items()
        packet = fourcc.lower()
        row, at[packet] = at[packet], at[packet] + 1
        assert found.raw(packet, "header.time")[row] == values.pop("timestamp")
        for key, value in values.items():
            assert found.column(packet, path_of(key))[row] == pytest.approx(value, rel=1e-12, abs=1e-15), (packet, key)
            seen += 1
    assert at == found.counts()
    assert seen == 6 + 162 * 12 + 2 * 8 + 13


def test_times(flight, data):
    told, found = json.loads((data / "psas_packet/truth.json").read_text()), flight(NAME)
    times = np.array([chunk.received_ns for chunk in found.chunks])
    assert (np.diff(times) >= 0).all()
    assert told["tmin_ns"] <= times[0]
    assert times[-1] == told["tmax_ns"]
    assert found.recording.span == (times[0], times[-1])


def test_the_file_is_its_datagrams(flight, data):
    found = flight(NAME)
    assert b"".join(chunk.data for chunk in found.chunks) == (data / NAME).read_bytes()
    assert all(chunk.data.startswith(b"SEQN") for chunk in found.chunks)


def test_a_lost_datagram_is_seen(tmp_path, flight, decoded):
    chunks = flight(NAME).chunks
    (tmp_path / "log").write_bytes(b"".join(chunk.data for chunk in [*chunks[:2], *chunks[4:]]))
    recording = open_recording(tmp_path / "log")
    assert decoded(recording, list(recording.chunks())).decoder.sequence_gaps == 2


def test_a_damaged_type_or_length_costs_its_message(tmp_path, flight, data, decoded):
    whole = bytearray((data / NAME).read_bytes())
    messages = [match.start() for match in re.finditer(b"ADIS", whole)]
    whole[messages[30]] ^= 0x80  # its type
    whole[messages[60] + 11] ^= 0x80  # its length
    (tmp_path / "log").write_bytes(whole)
    recording = open_recording(tmp_path / "log")
    found = decoded(recording, list(recording.chunks()))
    assert found.counts() == {**flight(NAME).counts(), "adis": 160}
    assert recording.damage.discarded == 2 * 36
    assert len(recording.damage.notes) == 2


def test_an_unknown_message_is_passed_over(tmp_path, flight, data, decoded):
    whole = (data / NAME).read_bytes()
    older = b"MPU9" + bytes(6) + b"\0\x0e" + bytes(14)
    (tmp_path / "log").write_bytes(whole[:52] + older + whole[52:])
    recording = open_recording(tmp_path / "log")
    found = decoded(recording, list(recording.chunks()))
    assert found.counts() == flight(NAME).counts()
    assert (found.decoder.unknown_packets, recording.damage.discarded) == (1, 0)


@pytest.mark.parametrize(("number", "size"), HEMISPHERE.items())
def test_gps_messages_have_the_receivers_sizes(number, size):
    packet = next(each for each in VEHICLE.packets if each.name == f"gps{number}")
    assert packet.body.sizeof() == size
    assert packet.key == b"GPS" + bytes([number])
