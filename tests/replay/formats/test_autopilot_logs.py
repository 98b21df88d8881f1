"""PX4 and ArduPilot logs: all counts and values that pyulog and pymavlink found, whatever happens to the files."""

import itertools
import json
import math
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundstation.pipeline import blocks
from groundstation.reading import read
from protocols.errors import NotARecording
from replay.formats.dataflash import Dataflash
from replay.formats.ulog import Ulog
from replay.recording import HEAD_BYTES, open_recording
from replay.ulog_messages import MOST_VALUES

ULOGS = ("sample_log_small.ulg", "sample_px4_events.ulg")
FLASH = "ardupilot_dataflash/test.BIN"


def decoded(path):
    """A recording read by the whole path: its reading, pipeline, and batches by packet."""
    reading = read(path)
    pipeline, found = reading.pipeline(), {}
    for group in blocks(reading.recording.chunks()):
        for batch in pipeline.receive(*group).batches:
            found.setdefault(batch.packet, []).append(batch)
    return reading.recording, pipeline, found


def column(batches, name):
    """A field of all batches; ``name[i]`` is an element of an array."""
    path, _, index = name.partition("[")
    values = np.concatenate([batch[path] for batch in batches])
    return values[:, int(index[:-1])] if index else values


@pytest.mark.parametrize("name", ULOGS)
def test_every_topic_of_a_ulog_has_pyulog_s_counts_times_and_values(data, name):
    (truth,) = [each for each in json.loads((data / "px4_ulog/truth.json").read_text()) if each["file"] == name]
    recording, pipeline, found = decoded(data / "px4_ulog" / name)
    topics = {
        f"{each['name']}_{each['multi_id']}" if each["multi_id"] else each["name"]: each for each in truth["datasets"]
    }
    assert set(found) == set(topics)
    for packet, each in topics.items():
        stamps = np.round(column(found[packet], "timestamp") * 1e6).astype(np.int64)
        assert (len(stamps), stamps[0], stamps[-1]) == (each["n"], each["t0"], each["t1"]), packet
        values = column(found[packet], each["field"])
        for value, told in ((values[0], each["first"]), (values[-1], each["last"])):
            assert np.float32(value) == np.float32(told) or (math.isnan(value) and math.isnan(told)), packet
    counts = pipeline.links["log"].counts()
    assert (counts["malformed"], counts["unknown_packets"]) == (0, 0)
    said = [event for event in recording.events() if event.name != "dropout"]
    assert len(said) == truth["n_logged"]
    assert len(recording.events()) - len(said) == truth["dropouts"]
    assert counts["bytes_in"] + recording.overhead == truth["bytes"]


def test_what_px4_said_is_among_the_events(data):
    recording = open_recording(data / "px4_ulog" / ULOGS[0])
    lines = (data / "px4_ulog/sample_log_small_messages.txt").read_text().splitlines()
    wanted = [re.match(r"\d+:\d+:\d+ (\w+): (.*)", line).groups() for line in lines]
    said = [event for event in recording.events() if event.name != "dropout"]
    assert [event.detail["text"] for event in said] == [f"{level.lower()}: {text}" for level, text in wanted]


def test_every_value_of_a_dataflash_log_is_pymavlink_s(data):
    truth = json.loads((data / "ardupilot_dataflash/truth.json").read_text())[0]
    recording, pipeline, found = decoded(data / FLASH)
    assert {name: sum(map(len, batches)) for name, batches in found.items()} == {
        name.lower(): count for name, count in truth["by_type"].items()
    }
    columns, seen, compared = {}, {}, 0
    for line in (data / "ardupilot_dataflash/test.BIN.py3.dumped").read_text().splitlines():
        name, told = re.match(r".*?: (\w+) \{(.*)\}$", line).groups()
        at = seen[name] = seen.get(name, -1) + 1
        for path, text in re.findall(r"(\w+) : (.*?)(?=, \w+ : |$)", told):
            key = name.lower(), path
            if key not in columns:
                columns[key] = column(found[name.lower()], path)
            value = columns[key][at]
            compared += 1
            if path == "TimeUS":
                assert round(float(value) * 1e6) == int(text)
            elif value.dtype.kind == "f":
                assert math.isclose(value, float(text), rel_tol=1e-12), (name, path, at)
            else:
                assert str(value) == text, (name, path, at)
    assert compared > 11_000
    assert next(event.detail["text"] for event in recording.events()).startswith("ArduPlane V3.8.2")
    assert pipeline.links["log"].counts()["unknown_packets"] == 0


@pytest.mark.parametrize(("name", "made"), [(f"px4_ulog/{ULOGS[0]}", Ulog), (FLASH, Dataflash)])
def test_of_all_real_files_only_its_own(data: Path, name, made):
    suffix = Path(name).suffix
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            assert made.recognise(file.read(HEAD_BYTES)) == (path.suffix == suffix), path


steps = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.floats(0, 1), st.integers(0, 7)),
        st.tuples(st.just("drop"), st.floats(0, 1), st.integers(1, 300)),
        st.tuples(st.just("put"), st.floats(0, 1), st.binary(min_size=1, max_size=40)),
        st.tuples(st.just("cut"), st.floats(0.3, 1), st.just(0)),
    ),
    max_size=5,
)


def damaged(data, changes):
    """Data with changes at parts of its length."""
    for kind, part, what in changes:
        at = int(part * (len(data) - 1))
        if kind == "flip":
            data = data[:at] + bytes((data[at] ^ 1 << what,)) + data[at + 1 :]
        elif kind == "drop":
            data = data[:at] + data[at + what :]
        elif kind == "put":
            data = data[:at] + what + data[at:]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("name", [FLASH, f"px4_ulog/{ULOGS[0]}"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes=steps)
def test_whatever_happens_to_a_log_every_byte_is_accounted_for(data, tmp_path, name, changes):
    path = tmp_path / Path(name).name
    path.write_bytes(damaged((data / name).read_bytes(), changes))
    made = Ulog if path.suffix == ".ulg" else Dataflash
    try:
        recording = made(path)
    except NotARecording:
        return
    chunks = list(recording.chunks())
    delivered = sum(len(chunk.data) for chunk in chunks)
    assert path.stat().st_size == delivered + recording.overhead + recording.damage.discarded
    assert all(b.received_ns >= a.received_ns for a, b in itertools.pairwise(chunks))
    if chunks:
        assert recording.span == (chunks[0].received_ns, chunks[-1].received_ns)
    assert list(recording.chunks()) == chunks


@pytest.mark.parametrize("name", [FLASH, f"px4_ulog/{ULOGS[0]}"])
def test_a_damaged_spot_costs_no_more_than_what_stands_there(data, tmp_path, name):
    whole, path = data / name, tmp_path / Path(name).name
    content = whole.read_bytes()
    middle = len(content) * 2 // 3
    path.write_bytes(content[:middle] + b"\x55" * 64 + content[middle + 64 :])
    before, after = (sum(len(chunk.data) for chunk in open_recording(each).chunks()) for each in (whole, path))
    recording = open_recording(path)
    list(recording.chunks())
    assert recording.damage.notes
    assert 0 < before - after <= 64 + 2 * 256  # the spot, and the messages it begins and ends in


@pytest.mark.parametrize("name", [FLASH, f"px4_ulog/{ULOGS[0]}"])
def test_a_log_of_nothing_is_refused(data, tmp_path, name):
    path = tmp_path / Path(name).name
    shutil.copy(data / name, path)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:100])
    if path.suffix == ".BIN":  # one FMT message: it declares itself, and is all there is
        assert [len(chunk.data) for chunk in open_recording(path).chunks()] == [89]
        return
    with pytest.raises(NotARecording, match="declares no logged message"):
        open_recording(path)


def ulog_of(path, formats, subscriptions, data):
    """A ULog: formats as text, subscriptions as (number, message, instance), data as (number, content)."""

    def message(kind, content):
        return struct.pack("<HB", len(content), ord(kind)) + content

    written = b"ULog\x01\x12\x35\x01" + bytes(8) + b"".join(message("F", each.encode()) for each in formats)
    written += b"".join(message("A", struct.pack("<BH", i, n) + m.encode()) for n, m, i in subscriptions)
    path.write_bytes(written + b"".join(message("D", struct.pack("<H", n) + content) for n, content in data))
    return path


def flash_of(path, types, data):
    """A DataFlash log: types as (number, name, letters, columns, bytes of fields), data as (number, fields)."""
    described = [(128, "FMT", "BBnNZ", "Type,Length,Name,Format,Columns", 86), *types]
    pack = struct.Struct("<BB4s16s64s").pack
    written = b"".join(
        b"\xa3\x95\x80" + pack(number, 3 + size, name.encode(), letters.encode(), columns.encode())
        for number, name, letters, columns, size in described
    )
    path.write_bytes(written + b"".join(b"\xa3\x95" + bytes([number]) + content for number, content in data))
    return path


def test_fields_and_packets_of_any_names_are_told_apart(tmp_path):
    content = struct.pack("<Q", 10_000) + bytes(range(1, 7))
    formats = [
        f"{name}:uint64_t timestamp;bool timestamp;int8_t a;int8_t a;int8_t body;int8_t 1x;int8_t é"
        for name in ("k/v", "k_v")
    ]
    _, _, found = decoded(
        ulog_of(tmp_path / "x.ulg", formats, [(0, "k/v", 0), (1, "k_v", 0)], [(0, content), (1, content)])
    )
    assert sorted(found) == ["k_v", "k_v_1"]
    for batches in found.values():
        values = {path: batches[0][path][0] for path in list(batches[0].columns)[3:]}
        assert list(values.values()) == [0.01, True, 2, 3, 4, 5, 6]
    types = [(number, name, "QBBBB", "TimeUS,a,a,body,1", 12) for number, name in ((1, "AB_3"), (2, "AB"), (3, "AB"))]
    _, _, found = decoded(flash_of(tmp_path / "x.BIN", types, [(1 + i % 3, content[:12]) for i in range(9)]))
    del found["fmt"]
    assert sorted(found) == ["ab", "ab_3", "ab_3_"]
    for batches in found.values():
        assert [batches[0][path][0] for path in list(batches[0].columns)[2:]] == [0.01, 1, 2, 3, 4]


@pytest.mark.parametrize("stamp", [2**64 - 1, 2**63, 2**63 // 1000 + 1])
def test_stamps_that_no_clock_can_have_are_not_believed(tmp_path, stamp):
    stamps = [5_000_000, 5_020_000, *[stamp - 4 + i for i in range(4)], 5_040_000]
    data = [(1, struct.pack("<QB", each, 7)) for each in stamps]
    ulog = ulog_of(tmp_path / "x.ulg", ["m:uint64_t timestamp;uint8_t a"], [(1, "m", 0)], data)
    for path in (ulog, flash_of(tmp_path / "x.BIN", [(1, "M", "QB", "TimeUS,a", 9)], data)):
        recording, pipeline, found = decoded(path)
        assert sum(len(batch) for batch in found["m"]) == len(stamps)
        assert recording.span == (5_000_000_000, 5_040_000_000)
        assert pipeline.links["log"].last_ns == 5_040_000_000


def test_declarations_that_multiply_are_read_up_to_a_bound(tmp_path):
    formats = [
        "f0:uint8_t a;uint8_t b",
        *(f"f{i}:" + ";".join(f"f{i - 1} x{j}" for j in range(4)) for i in range(1, 7)),
    ]
    subscriptions = [(number, "f6" if number % 2 else "f0", 0) for number in range(20_000)]
    path = ulog_of(
        tmp_path / "x.ulg", formats, subscriptions, [(0, b"ab"), (1, bytes(2 * 4**6)), (19_999, bytes(2 * 4**6))]
    )
    recording, pipeline, found = decoded(path)
    assert [len(found[name][0]) for name in ("f0", "f6")] == [1, 1]
    assert pipeline.links["log"].counts()["unknown_packets"] == 1
    declared = recording.links["log"].declared.packets
    assert len(declared) == (MOST_VALUES - 2 * 2 * 4**6) // 2 + 2
    assert recording.assumed == (
        f"of its messages, {20_000 - len(declared):,} have more values than are read, 20,000 in all",
    )


def test_rubbish_within_a_log_costs_no_message_behind_it(tmp_path, data):
    log = (data / "px4_ulog/sample_log_small.ulg").read_bytes()
    cut = len(log) // 2
    path = tmp_path / "x.ulg"
    path.write_bytes(log[:cut] + bytes(20_000_000) + log[cut:])
    recording, _, found = decoded(path)
    _, _, whole = decoded(data / "px4_ulog/sample_log_small.ulg")
    assert 20_000_000 <= recording.damage.discarded < 20_000_400
    lost = sum(len(b) for each in whole.values() for b in each) - sum(len(b) for each in found.values() for b in each)
    assert 0 <= lost <= 8
