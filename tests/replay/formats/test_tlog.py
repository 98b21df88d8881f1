"""MAVLink telemetry logs against what pymavlink found in them, and damaged ones against what they were made of."""

import json
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crccheck.crc import Crc16Mcrf4XX
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.framer import framer
from protocols.mavlink.message_set import messages
from protocols.sequence import LATE
from replay.recording import HEAD_BYTES, TimeBase, formats, open_recording

NAME = "mavlink/small.tlog"
SHORT = "mavlink/capture.mav2.battery_status.tlog"


@dataclass
class Record:
    """A record of a log, read with struct."""

    at: int
    us: int
    message: int
    sender: tuple[int, int]
    sequence: int
    frame: bytes
    good: bool


def records(log: bytes) -> Iterator[Record]:
    """Every record of an undamaged log of MAVLink 2."""
    at = 0
    while at < len(log):
        us, magic, length, flags, _, sequence, system, component, low, high = struct.unpack_from("<QBBBBBBBHB", log, at)
        assert magic == 0xFD
        us, message = int.from_bytes(log[at : at + 8], "big"), low | high << 16
        frame = log[at + 8 : at + 20 + length + 13 * (flags & 1)]
        extra = bytes((messages()[message].crc_extra,)) if message in messages() else b""
        good = Crc16Mcrf4XX.calc(frame[1 : 10 + length] + extra) == int.from_bytes(frame[10 + length :][:2], "little")
        yield Record(at, us, message, (system, component), sequence, frame, good)
        at += 8 + len(frame)


@pytest.fixture(scope="module")
def told(data: Path) -> dict[str, Any]:
    return {each["file"]: each for each in json.loads((data / "mavlink/truth.json").read_text())}


@pytest.fixture(scope="module")
def log(data: Path) -> bytes:
    return (data / NAME).read_bytes()


def known(told: dict[str, Any]) -> dict[str, int]:
    return {name.lower(): count for name, count in told["by_type"].items()}


def test_counts(flight, told):
    found, truth = flight(NAME), told["small.tlog"]
    assert found.counts() == known(truth)
    assert (sum(found.counts().values()), len(found.counts())) == (truth["messages"], 46)
    assert (found.decoder.unknown_packets, found.decoder.malformed) == (0, 0)
    sources = Counter[str]()
    for packet in found.batches:
        each = zip(found.raw(packet, "header.sysid").tolist(), found.raw(packet, "header.compid").tolist(), strict=True)
        sources.update(map(str, each))
    assert sources == truth["by_source"]


def test_what_is_bad_is_counted(data, told):
    recording, link = open_recording(data / NAME), framer("tlog")
    for chunk in recording.chunks():
        link.receive(chunk.data, chunk.received_ns)
    assert (link.ledger.frames, link.ledger.crc_failures) == (35_912, told["small.tlog"]["bad_data"])
    assert link.ledger.balanced
    assert link.counts() == {"mavlink_1": 0, "mavlink_2": 35_912, "signed": 0, "unknown_messages": 0}


@pytest.mark.parametrize("name", [NAME, SHORT])
def test_sampled_values(name, flight, data, told):
    found, truth = flight(name), told[Path(name).name]
    log = (data / name).read_bytes()
    good = [record for record in records(log if name == NAME else log[:56]) if record.good]
    rows, at = [], Counter[int]()
    for record in good:
        rows.append(at[record.message])
        at[record.message] += 1
    assert len(truth["samples"]) == 1 + (truth["messages"] - 1) // 997
    for index, seconds, values in truth["samples"]:
        packet = values.pop("mavpackettype").lower()
        assert good[index].us == round(seconds * 1e6)
        assert messages()[good[index].message].name == packet
        received = np.concatenate([batch.received_ns for batch in found.batches[packet]])
        assert received[rows[index]] == good[index].us * 1000
        for field, value in values.items():
            raw = found.raw(packet, field.lower())[rows[index]]
            assert (raw.tolist() if isinstance(value, (list, str)) else raw) == value, (packet, field)


def test_sequence_gaps_are_those_of_each_component(flight, log, told):
    """pymavlink counts leaps of any kind; here those are counted that are missing, and what comes late is no leap."""
    last: dict[tuple[int, int], int] = {}
    newest: dict[tuple[int, int], int] = {}
    leaps, missing = 0, 0
    for record in (each for each in records(log) if each.good):
        sender, sequence = record.sender, record.sequence
        leaps += sequence != (last.get(sender, sequence - 1) + 1) % 256
        last[sender] = sequence
        step = (sequence - newest.setdefault(sender, sequence)) % 256
        if 0 < step <= 128:
            missing += step - 1
        if 0 < step < 256 - LATE:
            newest[sender] = sequence
    assert leaps == told["small.tlog"]["seq_discontinuities"]
    assert flight(NAME).decoder.sequence_gaps == missing > 0
    batches = [batch for each in flight(NAME).batches.values() for batch in each]
    assert sum(batch.sequence_gaps for batch in batches) == missing


def test_times(flight, told, log):
    found, truth = flight(NAME), told["small.tlog"]
    times = [chunk.received_ns for chunk in found.chunks]
    assert found.recording.span == (times[0], times[-1])
    assert max(b - a for a, b in pairwise(times)) > 50_000_000 > np.median(np.diff(times))
    assert [round(each / 1000) for each in found.recording.span] == [
        round(truth[key] * 1e6) for key in ("first_ts", "last_ts")
    ]
    assert found.recording.time_base is TimeBase.UTC
    sent = {name: [] for name in found.batches}
    for record in (each for each in records(log) if each.good):
        sent[messages()[record.message].name].append(record.us * 1000)
    for name, batches in found.batches.items():
        assert np.concatenate([batch.received_ns for batch in batches]).tolist() == sent[name]


def test_from_a_time_on(data):
    recording = open_recording(data / NAME)
    whole = list(recording.chunks())
    for start in (whole[0].received_ns, whole[3000].received_ns, whole[3000].received_ns - 1, whole[-1].received_ns):
        assert list(recording.chunks(start)) == [chunk for chunk in whole if chunk.received_ns >= start]
    assert list(recording.chunks(whole[-1].received_ns + 1)) == []


def test_the_file_is_its_chunks(flight, log):
    found = flight(NAME)
    assert b"".join(chunk.data for chunk in found.chunks) == log
    assert found.recording.damage.discarded == 0


def test_a_log_that_ends_early_and_counts_from_when_it_was_begun(data, flight, told):
    found = flight(SHORT)
    assert found.counts() == known(told["capture.mav2.battery_status.tlog"])
    assert found.recording.time_base is TimeBase.VEHICLE
    assert found.recording.span == (47_333_000_000, 47_333_000_000)
    assert found.recording.damage.discarded == 70 - 56
    assert [chunk.received_ns for chunk in found.chunks] == [47_333_000_000]


def test_it_is_known_by_its_content_and_nothing_else_is(data, told):
    known_format = formats()["tlog"]
    for file in (path for path in sorted(data.rglob("*")) if path.is_file()):
        with file.open("rb") as opened:
            assert known_format.recognise(opened.read(HEAD_BYTES)) == (file.suffix == ".tlog"), file


def part(log: bytes, count: int = 400) -> list[Record]:
    return list(islice(records(log), count))


def read(path: Path, log: bytes) -> tuple[list[bytes], Any]:
    """The frames that come of a log, and its recording, every byte accounted for."""
    path.write_bytes(log)
    recording, link, frames = formats()["tlog"](path), framer("tlog"), []
    delivered = 0
    for chunk in recording.chunks():
        delivered += len(chunk.data)
        frames += link.receive(chunk.data, chunk.received_ns)
    assert delivered + recording.damage.discarded == len(log)
    assert bool(recording.damage.notes) == bool(recording.damage.discarded)
    first, last = recording.span
    assert first >= 0 <= last
    return frames, recording


@settings(max_examples=60)
@given(data_=st.data())
def test_damage_costs_what_it_touches(data_, log, tmp_path_factory):
    """Bytes changed, cut out and put in: all records that are whole and not beside the damage come back."""
    path = tmp_path_factory.mktemp("log") / "damaged.tlog"
    every = [record for record in part(log) if record.good]
    link = framer("mavlink")
    wanted = {record.at: next(iter(link.receive(record.frame, 0))) for record in every}
    damaged, touched = bytearray(b"".join(log[r.at : r.at + 8 + len(r.frame)] for r in every)), set()
    places, at = [], 0
    for record in every:
        places.append(at)
        at += 8 + len(record.frame)
    for _ in range(data_.draw(st.integers(1, 3))):
        index = data_.draw(st.integers(1, len(every) - 2))
        touched |= {index - 1, index, index + 1}
        begin, size = places[index], 8 + len(every[index].frame)
        for at in data_.draw(st.lists(st.integers(begin, begin + size - 1), max_size=4)):
            damaged[at] ^= data_.draw(st.integers(1, 255))
    if data_.draw(st.booleans()):
        index = data_.draw(st.integers(1, len(every) - 2))
        touched |= {index - 1, index}
        damaged[places[index] : places[index]] = data_.draw(st.binary(max_size=400))
    frames, _ = read(path, bytes(damaged))
    left = iter(frames)
    assert all(wanted[r.at] in left for i, r in enumerate(every) if i not in touched), "in their order"
    assert set(frames) <= set(wanted.values())


@settings(max_examples=40)
@given(noise=st.binary(max_size=3000), again=st.integers(0, 3), at=st.integers(0, 20_000))
def test_any_bytes_are_accounted_for(noise, again, at, log, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "any.tlog"
    read(path, noise * again + log[at : at + 5000] + noise)


def test_blocks_join_without_a_seam(log, tmp_path, monkeypatch):
    """What is read in small blocks is what is read in one."""
    log = log[: part(log)[-1].at + 5]
    whole, recording = read(tmp_path / "whole.tlog", log)
    assert recording.damage.discarded == 5
    for size in (1, 7, 300, 1000):
        monkeypatch.setattr("replay.tlog_records.BLOCK_BYTES", size)
        assert read(tmp_path / "blocks.tlog", log)[0] == whole


def test_a_clock_that_is_set_costs_nothing_and_a_time_that_is_none_its_record(log, tmp_path):
    every = [record for record in part(log) if record.good]
    later = b"".join(struct.pack(">Q", record.us + 10**13 * (i > 50)) + record.frame for i, record in enumerate(every))
    frames, recording = read(tmp_path / "later.tlog", later)
    assert len(frames) == len(every)
    assert recording.damage.discarded == 0
    none = b"".join(
        struct.pack(">Q", 1 << 60 if i == 50 else record.us) + record.frame for i, record in enumerate(every)
    )
    frames, recording = read(tmp_path / "none.tlog", none)
    assert len(frames) == len(every) - 1
    assert recording.damage.discarded == 8 + len(every[50].frame)
