"""MCAP files of others: the format's own conformance files, files of its own library, and damage of any kind."""

import base64
import csv
import io
import json
import math
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType, Writer

from groundstation.cli import main
from groundstation.pipeline import blocks
from groundstation.reading import read
from protocols.errors import NotARecording
from replay.formats.mcap import McapRecording
from replay.formats.mcap_messages import McapMessages
from replay.mcap_foreign import MOST
from replay.mcap_records import MAGIC, Opcode, header_record, record
from replay.recording import HEAD_BYTES, open_recording

BEGIN_NS = 1_700_000_000_000_000_000
SCHEMA = {
    "type": "object",
    "properties": {
        "speed": {"type": "number", "description": "[m/s] upwards"},
        "mode": {"type": "string"},
        "tank": {"type": "object", "properties": {"pressure": {"type": "number", "description": "[Pa] ullage"}}},
    },
}
MESSAGES = [
    {
        "speed": 1.5 * i,
        "mode": "idle" if i < 3 else "flight",
        "tank": {"pressure": 1e5 + i},
        "list": [i, i + 0.5],
        "on": i % 2 == 0,
    }
    for i in range(40)
]
del MESSAGES[7]["speed"], MESSAGES[8]["tank"]


def written(path, compression=CompressionType.ZSTD, *, messages=MESSAGES, chunk=512):
    """An MCAP file by the format's own library: a JSON channel, and one of bytes."""
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=chunk, compression=compression)
        writer.start("", "test")
        schema = writer.register_schema("state", "jsonschema", json.dumps(SCHEMA).encode())
        state = writer.register_channel("/vehicle/state", "json", schema)
        raw = writer.register_channel("/imu", "cdr", 0)
        for number, each in enumerate(messages):
            at = BEGIN_NS + number * 4_000_000
            writer.add_message(state, at, json.dumps(each).encode(), at)
            writer.add_message(raw, at, struct.pack("<If", number, 0.5), at)
        writer.finish()
    return path


def decoded(path):
    """All batches of a file by packet."""
    reading = read(path)
    pipeline, found = reading.pipeline(), {}
    for group in blocks(reading.recording.chunks()):
        for batch in pipeline.receive(*group).batches:
            found.setdefault(batch.packet, []).append(batch)
    return found


def values(batches, path):
    return [value for batch in batches for value in batch[path].tolist()]


def test_the_format_s_own_files_give_their_messages(data):
    seen = 0
    for path in sorted((data / "mcap_conformance").rglob("*.mcap")):
        told = json.loads(path.with_suffix(".json").read_text())
        wanted = [
            bytes(int(byte) for byte in dict(each["fields"])["data"])
            for each in told["records"]
            if each["type"] == "Message"
        ]
        if not wanted:
            with pytest.raises(NotARecording, match="without a message"):
                open_recording(path)
            continue
        recording = open_recording(path)
        chunks = list(recording.chunks())
        assert isinstance(recording, McapMessages)
        assert [chunk.data for chunk in chunks] == wanted, path
        assert (recording.damage.discarded, recording.damage.notes) == (0, [])
        seen += 1
    assert seen > 50


@pytest.mark.parametrize("compression", list(CompressionType))
def test_json_messages_become_packets_with_units(tmp_path, compression):
    path = written(tmp_path / "log.mcap", compression)
    recording = open_recording(path)
    assert list(recording.links) == ["vehicle-state", "imu"]
    declared = recording.links["vehicle-state"].declared
    assert declared is not None
    found = decoded(path)
    (name,) = [packet.name for packet in declared.packets]
    speeds = values(found[name], "speed")
    assert [None if math.isnan(each) else each for each in speeds] == [each.get("speed") for each in MESSAGES]
    assert values(found[name], "mode") == [each["mode"] for each in MESSAGES]
    pressures = values(found[name], "tank.pressure")
    assert [None if math.isnan(each) else each for each in pressures] == [
        each.get("tank", {}).get("pressure") for each in MESSAGES
    ]
    assert values(found[name], "list") == [each["list"] for each in MESSAGES]
    assert values(found[name], "on") == [float(each["on"]) for each in MESSAGES]
    times = [at for batch in found[name] for at in batch.received_ns.tolist()]
    assert times == [BEGIN_NS + number * 4_000_000 for number in range(len(MESSAGES))]
    fields = read(path).pipeline().fields
    assert (fields[f"{name}.speed"].unit, fields[f"{name}.tank.pressure"].unit) == ("m/s", "Pa")
    assert [chunk.data for chunk in recording.chunks() if chunk.link == "imu"] == [
        struct.pack("<If", number, 0.5) for number in range(len(MESSAGES))
    ]


def test_our_own_export_comes_back_with_its_values(tmp_path, data):
    flight = data / "cats_euroc23/05_asat/main.cfl"
    for name in ("out.mcap", "out.csv"):
        assert main(["decode", str(flight), "--to", str(tmp_path / name)]) == 0
    heights = []
    with (tmp_path / "out.csv").open(newline="") as file:
        heights = [
            float(row["flight_info.height [m]"]) for row in csv.DictReader(file) if row["packet"] == "flight_info"
        ]
    found = decoded(tmp_path / "out.mcap")
    assert values(found["log_flight_info"], "height") == heights


def test_ours_are_told_from_theirs(data, tmp_path):
    path = written(tmp_path / "log.mcap")
    head = path.read_bytes()[:HEAD_BYTES]
    assert McapMessages.recognise(head)
    assert not McapRecording.recognise(head)
    for other in sorted(each for each in data.rglob("*") if each.is_file()):
        with other.open("rb") as file:
            assert McapMessages.recognise(file.read(HEAD_BYTES)) == (other.suffix == ".mcap")


def test_a_cut_file_gives_what_is_whole(tmp_path):
    whole = written(tmp_path / "log.mcap", CompressionType.NONE).read_bytes()
    path = tmp_path / "cut.mcap"
    for size in range(len(whole) // 3, len(whole) // 2, 97):
        path.write_bytes(whole[:size])
        recording = open_recording(path)
        records = [chunk for chunk in recording.chunks() if chunk.link == "imu"]
        assert [chunk.data for chunk in records] == [struct.pack("<If", n, 0.5) for n in range(len(records))]
        assert recording.damage.discarded < 512 + 1_024
        assert any("cut off" in note for note in recording.damage.notes)


def test_lengths_that_lie_are_refused_without_being_believed(tmp_path):
    start = MAGIC + header_record("", "test")
    crafted = io.BytesIO()
    writer = Writer(crafted)
    writer.start()
    channel = writer.register_channel("/x", "json", 0)
    writer.add_message(channel, BEGIN_NS, b'{"a": 1}', BEGIN_NS)
    writer.finish()
    bomb = (
        struct.pack("<QQQI", 0, 0, MOST * 1_000, 0)
        + struct.pack("<I", 4)
        + b"zstd"
        + struct.pack("<Q", 4)
        + b"\x28\xb5\x2f\xfd"
    )
    path = tmp_path / "bomb.mcap"
    body = crafted.getvalue()[len(MAGIC) :]
    path.write_bytes(start + record(Opcode.CHUNK, bomb) + body[: -len(MAGIC)])
    recording = open_recording(path)
    assert [len(chunk.data) for chunk in recording.chunks()] == [16]
    assert any("too long to be read" in note for note in recording.damage.notes)


changes = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=changes, compression=st.sampled_from(list(CompressionType)))
def test_no_damage_raises(tmp_path, changes, compression):
    path = tmp_path / "log.mcap"
    data = bytearray(written(path, compression).read_bytes())
    for part, flips, cut in changes:
        at = int(part * (len(data) - 1))
        data[at] ^= flips
        if cut and at > 40:
            del data[at : at + flips]
    data[: len(MAGIC)] = MAGIC
    path.write_bytes(data)
    try:
        recording = McapMessages(path)
    except NotARecording:
        return
    for chunk in recording.chunks():
        assert chunk.data
    if McapMessages.recognise(bytes(data[:HEAD_BYTES])):
        decoded(path)


def test_long_texts_are_cut_and_counted(tmp_path):
    path = written(tmp_path / "log.mcap", messages=[{"data": base64.b64encode(bytes(300)).decode(), "n": 1}])
    recording = open_recording(path)
    list(recording.chunks())
    assert "1 texts were cut to 128 bytes" in recording.damage.notes


def of(path, messages, schema=b"", encoding="json", **options):
    """An MCAP file of messages (topic, time, content), all topics by one schema."""
    with path.open("wb") as file:
        writer, channels = Writer(file, **options), {}
        writer.start("", "test")
        number = writer.register_schema("s", "jsonschema", schema) if schema else 0
        for topic, at, content in messages:
            if topic not in channels:
                channels[topic] = writer.register_channel(topic, encoding, number)
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            writer.add_message(channels[topic], at, data, at)
        writer.finish()
    return path


names = st.text(st.sampled_from("ab_1é."), max_size=3)
anything = st.recursive(
    st.floats(-9, 9, width=16) | st.integers(-9, 9),
    lambda inner: st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(names, anything, max_size=4), min_size=1, max_size=5))
def test_values_keep_to_their_names_whatever_is_nested_where(tmp_path, messages):
    flat = [dict(numbers(each)) for each in messages]
    if not any(flat):
        return
    path = of(tmp_path / "x.mcap", [("/t", BEGIN_NS, each) for each in messages])
    (batches,) = decoded(path).values()
    rows = [row for batch in batches for row in zip(*(batch[path].tolist() for path in batch.columns), strict=True)]
    assert [sorted(each for each in row if not math.isnan(each)) for row in rows] == [
        sorted(each.values()) for each in flat
    ]
    columns = [{row[place] for row in rows} for place in range(len(rows[0]))]
    for key in {key for each in flat for key in each}:
        wanted = {each[key] for each in flat if key in each}
        assert any(wanted == {each for each in column if not math.isnan(each)} for column in columns)


def numbers(message, above=()):
    for name, value in message.items():
        if isinstance(value, dict):
            yield from numbers(value, (*above, name))
        else:
            yield (*above, name), value


def test_topics_of_any_names_are_links_and_packets_of_their_own(tmp_path):
    topics = ["/a.b", "/a-b", "/a_b", "/A.b", "a.b", "a.b-5", "", "//", "frame", "header"]
    path = of(tmp_path / "x.mcap", [(each, BEGIN_NS, {"x": place}) for place, each in enumerate(topics)])
    found = decoded(path)
    assert len(open_recording(path).links) == len(found) == len(topics)
    assert sorted(values(each, "x")[0] for each in found.values()) == list(range(len(topics)))


@pytest.mark.parametrize("encoding", ["json", "cdr"])
def test_times_past_64_bits_are_no_error(tmp_path, encoding):
    stamps = [BEGIN_NS, 2**63, 2**64 - 1, 0]
    path = of(tmp_path / "x.mcap", [("/t", at, {"x": 1}) for at in stamps], encoding=encoding)
    assert main(["decode", str(path), "--to", str(tmp_path / "x.csv")]) == 0
    assert (tmp_path / "x.csv").read_text().count("\n") == 5


def test_what_would_fill_memory_is_not_read(tmp_path):
    deep, long = b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b'{"a":[' + b"1," * 3_000_000 + b"1]}"
    path = of(tmp_path / "x.mcap", [("/t", BEGIN_NS, each) for each in (b'{"a":1}', deep, b"[" * 100_000, long)])
    assert [values(each, "a") for each in decoded(path).values()] == [[1.0]]
    wide = [(f"/{topic}", BEGIN_NS, {f"v{i}": 0 for i in range(1_100)}) for topic in range(30)]
    path = of(tmp_path / "x.mcap", wide)
    links = open_recording(path).links.values()
    declared = [len(each.declared.packets[0].body.subcons) for each in links if each.declared]
    assert (max(declared), sum(declared)) == (1_000, 20_000)
    path = of(tmp_path / "x.mcap", [(f"/{number}", BEGIN_NS, b"x") for number in range(5_000)], encoding="cdr")
    recording = open_recording(path)
    assert (len(list(recording.chunks())), recording.damage.discarded) == (4_096, 5_000 - 4_096)
