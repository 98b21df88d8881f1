"""Repaired recordings: all that is whole, in files that our readers and the MCAP library take; what is lost is said."""

import os
import random
import shutil
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import SeekingReader, make_reader
from mcap.stream_reader import StreamReader

from groundstation.cli import main
from protocols.chunk import Chunk
from protocols.errors import NotARecording, RecordingError, RecordingFailed, RecordingTruncated
from protocols.signal import Signal
from replay.formats.mcap import McapRecording
from replay.mcap_records import ChannelRecord, Opcode, channel_record, record
from replay.record_walk import sealed
from replay.recorder import Recorder
from replay.recording import RecordedEvent, RecordedLink
from replay.recovery import recover

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
LINKS = {"umbilical": RecordedLink("osx", "cobs"), "s-band": RecordedLink("osx", {"kind": "asm", "length": 223})}
HEAD = 31
"""Bytes of a message record before its data (MCAP: Message)."""


def recorder(path: Path, **changes: object) -> Recorder:
    known = {"campaign": "[campaign]\n", "definitions": {"a": 1}, "links": LINKS, "synthetic": True, "software": "t 1"}
    return Recorder(path, **(known | changes))


def numbered(count: int, seed: int = 1, step_ns: int = 5_000_000) -> list[Chunk]:
    """Chunks of both links, of 0 to 400 random bytes."""
    source = random.Random(seed)
    links = list(LINKS)
    return [
        Chunk(links[source.randrange(2)], source.randbytes(source.randrange(400)), START + number * step_ns)
        for number in range(count)
    ]


def killed(made: Recorder) -> None:
    """What a kill leaves: the file without its end, and nobody who holds it."""
    made._file._file.close()
    made._file._samples.close()


def written(path: Path, chunks: list[Chunk], *, finish: bool) -> list[tuple[int, int]]:
    """Record chunks and an event every tenth; where each chunk's record begins and ends."""
    made, places = recorder(path), []
    for number, chunk in enumerate(chunks):
        before = made.position
        made.write(chunk)
        places.append((before, before + HEAD + len(chunk.data)))
        if number % 10 == 0:
            made.event(RecordedEvent(f"event-{number}", chunk.received_ns, {"number": number}))
    if finish:
        made.close()
    else:
        killed(made)
    return places


def library(path: Path) -> list[tuple[str, int, int, bytes]]:
    """The messages by the MCAP library's seeking reader, after its streaming reader has found every checksum right."""
    with path.open("rb") as file:
        assert [type(each).__name__ for each in StreamReader(file, validate_crcs=True).records][-1] == "Footer"
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert isinstance(reader, SeekingReader)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        found = [
            (channel.topic, message.sequence, message.log_time, message.data)
            for _, channel, message in reader.iter_messages(log_time_order=False)
        ]
        assert summary.statistics.message_count == len(found)
        assert summary.statistics.attachment_count == len(list(reader.iter_attachments()))
        assert summary.statistics.metadata_count == len(list(reader.iter_metadata()))
    return found


def test_a_recording_not_closed_becomes_a_finished_one_with_everything_in_it(tmp_path):
    chunks = numbered(3000)
    path = tmp_path / "flight.mcap"
    written(path, chunks, finish=False)
    before, original = path.read_bytes(), McapRecording(path)
    made = recover(path)
    assert made.path == tmp_path / "flight.recovered.mcap"
    repaired = McapRecording(made.path)
    assert (original.finished, repaired.finished) == (False, True)
    assert list(repaired.chunks()) == chunks
    assert repaired.events() == original.events() != []
    assert repaired.damage.missing == repaired.damage.discarded == 0
    assert (repaired.links, repaired.campaign, repaired.definitions) == (LINKS, "[campaign]\n", {"a": 1})
    assert (repaired.synthetic, repaired.software) == (True, "t 1")
    assert repaired.recovered["from"] == "flight.mcap"
    ((begin, end),) = made.survey.unchecked  # what came after the last mark
    assert 0 < begin < end == len(before)
    told = f"nothing lost; {end - begin:,} bytes without a checksum"
    assert made.survey.lost() == repaired.recovered["lost"] == told
    assert [each[3] for each in library(made.path) if each[0] != "events"] == [chunk.data for chunk in chunks]
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["flight.mcap", "flight.recovered.mcap"]
    for number in (0, 1500, 2999):
        assert list(repaired.chunks(chunks[number].received_ns)) == chunks[number:]


def test_what_is_lost_is_said_by_bytes_times_and_numbers_and_gaps_stay_gaps(tmp_path):
    chunks = numbered(4000)
    path = tmp_path / "flight.mcap"
    places = written(path, chunks, finish=True)
    data = bytearray(path.read_bytes())
    hole = (places[1000][0] + 3, places[1012][1] - 2)
    data[hole[0] : hole[1]] = bytes(hole[1] - hole[0])
    altered = next(number for number in range(3000, 4000) if chunks[number].data)
    data[places[altered][1] - 1] ^= 4
    cut = places[3900][0] + 20
    path.write_bytes(data[:cut])
    made = recover(path)
    told = made.survey
    lost = {"umbilical": 0, "s-band": 0}
    for chunk in chunks[1000:1013]:
        lost[chunk.link] += 1
    assert {name: told.missing.get(f"raw/{name}", 0) for name in lost} == lost
    middle, end = told.holes
    assert (middle.begin, middle.end) == (places[1000][0], places[1013][0])
    assert (middle.after_ns, middle.before_ns) == (chunks[999].received_ns, chunks[1013].received_ns)
    assert (end.begin, end.end) == (places[3900][0], cut)
    assert (end.after_ns, end.before_ns) == (chunks[3899].received_ns, None)
    assert told.bytes_lost == (middle.end - middle.begin) + 20
    (block,) = told.unproven
    assert block.start <= places[altered][0] < places[altered][1] <= block.offset
    assert any(begin <= block.start < block.offset <= end for begin, end in told.unchecked)
    assert any(begin <= middle.begin < middle.end <= end for begin, end in told.unchecked)
    assert block.first_ns <= chunks[altered].received_ns <= block.last_ns
    repaired = McapRecording(made.path)
    found = list(repaired.chunks())
    expected = chunks[:1000] + chunks[1013:3900]
    assert [each.received_ns for each in found] == [each.received_ns for each in expected]
    assert [a for a, b in zip(found, expected, strict=True) if a != b] == [found[expected.index(chunks[altered])]]
    assert repaired.damage.missing == 13
    assert "1 block with a wrong checksum" in " ".join(repaired.damage.notes)  # the new checksums do not hide it
    assert orjson.loads(repaired.recovered["report"]) == orjson.loads(orjson.dumps(told.as_dict()))
    library(made.path)


def test_an_end_of_data_within_a_chunk_ends_nothing(tmp_path):
    """A link may carry any bytes, so also those: when its head is gone, what stands behind them is still there."""
    end = b"\x0f\x04\0\0\0\0\0\0\0abcd"
    chunks = [Chunk("s-band", b"%02d" % number + end * 9 + b"after", START + number) for number in range(50)]
    path = tmp_path / "flight.mcap"
    with recorder(path) as made:
        made.write_many(chunks)
    data = bytearray(path.read_bytes())
    at = data.index(chunks[20].data)
    data[at - 31 : at] = bytes(31)
    path.write_bytes(data)
    found = McapRecording(path)
    assert list(found.chunks()) == chunks[:20] + chunks[21:]
    assert found.damage.missing == 1
    assert found.damage.discarded == 31 + len(chunks[20].data)
    told = recover(path)
    assert told.path is not None
    assert told.survey.bytes_lost == found.damage.discarded
    assert list(McapRecording(told.path).chunks()) == chunks[:20] + chunks[21:]


def test_of_two_recordings_in_one_file_nothing_is_left_out_in_silence(tmp_path):
    first, second = numbered(40, 1), numbered(40, 2)
    for name, chunks in (("a.mcap", first), ("b.mcap", second)):
        with recorder(tmp_path / name) as made:
            made.write_many(chunks)
    path = tmp_path / "both.mcap"
    path.write_bytes((tmp_path / "a.mcap").read_bytes() + (tmp_path / "b.mcap").read_bytes())
    assert list(McapRecording(path).chunks()) == first + second
    told = recover(path)
    assert told.path is not None
    assert told.survey.bytes_lost > 0
    assert list(McapRecording(told.path).chunks()) == first + second


def test_metadata_overwritten_by_zeros_are_lost_and_the_copy_is_whole(tmp_path):
    """The summary tells where they stand, and zeros read as metadata without a name."""
    path = tmp_path / "flight.mcap"
    with recorder(path) as made:
        made.write_many(numbered(40))
    data = path.read_bytes()
    end = data.index(b"[campaign]")
    path.write_bytes(data[:50] + bytes(end - 50) + data[end:])
    told = recover(path)
    assert told.path is not None
    assert "what says whether it is synthetic, and whose clock it goes by, is lost" in told.survey.notes
    repaired = McapRecording(told.path)
    assert repaired.damage.discarded == 0
    assert repaired.damage.notes == [f"a repaired copy of flight.mcap: {told.survey.lost()}"]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_any_damage_ends_in_a_good_file_or_in_a_refusal(tmp_path, data):
    chunks = numbered(200, 7)
    path = tmp_path / "any.mcap"
    path.unlink(missing_ok=True)
    written(path, chunks, finish=data.draw(st.booleans()))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        stretch = data.draw(st.sampled_from([1, 1, 8, 600]))
        junk = data.draw(st.binary(min_size=stretch, max_size=stretch))
        content[at : at + stretch] = junk[: len(content) - at]
    content = content[: data.draw(st.integers(len(content) // 2, len(content)))]
    path.write_bytes(content)
    target = tmp_path / "any.recovered.mcap"
    target.unlink(missing_ok=True)
    try:
        made = recover(path)
    except (NotARecording, RecordingTruncated):
        assert not target.exists()
    else:
        direct = McapRecording(path)
        read = list(direct.chunks())
        assert (made.path is None) == made.survey.whole
        if made.path is not None:
            repaired = McapRecording(made.path)
            assert repaired.finished
            assert list(repaired.chunks()) == read  # what our reader reads of the original, no more and no less
            assert [(each.name, each.received_ns) for each in repaired.events()] == [
                (each.name, each.received_ns) for each in direct.events()
            ]
            library(made.path)
            assert recover(made.path).path is None
    assert path.read_bytes() == content
    assert not list(tmp_path.glob("*.part"))


def test_a_channel_of_another_version_of_ours_is_kept_as_it_is(tmp_path):
    path = tmp_path / "later.mcap"
    written(path, numbered(50), finish=False)
    channel = sealed(ChannelRecord(0x4740, 7, "raw-digests", "json", {"kind": "sha-256"}))
    schema = record(
        Opcode.SCHEMA, b"\x07\x00" + b"\x01\x00\x00\x00d" + b"\x0a\x00\x00\x00jsonschema" + b"\x02\x00\x00\x00{}"
    )
    stamp = START.to_bytes(8, "little")
    message = record(Opcode.MESSAGE, (0x4740).to_bytes(2, "little"), bytes(4), stamp, stamp, b'{"link": "umbilical"}')
    with path.open("ab") as file:
        file.write(schema + channel_record(channel) + message)
    made = recover(path)
    assert made.survey.bytes_lost == 0
    assert ("raw-digests", 0, START, b'{"link": "umbilical"}') in library(made.path)
    with made.path.open("rb") as file:
        schemas = make_reader(file).get_summary().schemas
    assert schemas[7].name == "d"


def test_samples_stay_beside_and_those_missing_are_counted(tmp_path):
    signal = Signal("cu8", 48_000, 437_000_000)
    path = tmp_path / "pass.mcap"
    made = recorder(path, links={"radio": RecordedLink("osx", "cobs", signal), "aux": RecordedLink("osx", "cobs")})
    chunks = [Chunk("radio", os.urandom(960), START + (n + 1) * 10_000_000) for n in range(100)]
    for chunk in chunks:
        made.write(chunk)
        made.write(Chunk("aux", b"x", chunk.received_ns))
    killed(made)
    done = recover(path)
    assert [each for each in McapRecording(done.path).chunks() if each.link == "radio"] == chunks
    done.path.unlink()
    samples = tmp_path / "pass.radio.sigmf-data"
    with samples.open("rb+") as file:
        file.truncate(90 * 960 + 100)
    told = recover(path).survey
    assert told.without_samples == {"samples/radio": 10}
    assert told.messages == {"samples/radio": 100, "raw/aux": 100}


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89MCAP0\r\n", b"GIF89a" + bytes(3000), b"\x89MCAP0\r\n" + bytes(5000)],
    ids=["empty", "magic", "picture", "zeros"],
)
def test_a_file_that_cannot_be_read_is_never_a_success(tmp_path, capsys, content):
    path = tmp_path / "no.mcap"
    path.write_bytes(content)
    assert main(["recover", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "no.mcap" in said.err
    assert [each.name for each in tmp_path.iterdir()] == ["no.mcap"]


def test_of_a_recording_in_which_nothing_is_left_nothing_is_made(tmp_path, capsys):
    path = tmp_path / "no.mcap"
    places = written(path, numbered(1), finish=False)
    path.write_bytes(path.read_bytes()[: places[0][0] + 30])
    assert main(["recover", str(path)]) == 1
    assert "nothing is left" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["no.mcap"]


def test_other_formats_are_named_and_left_alone(tmp_path, capsys, data):
    for name in ("cats_euroc23", "mcap_conformance"):
        given_file = next(path for path in sorted((data / name).rglob("*")) if path.suffix in (".cfl", ".mcap"))
        path = tmp_path / given_file.name
        shutil.copy(given_file, path)
        assert main(["recover", str(path)]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert path.name in said.err
        assert [each.name for each in tmp_path.iterdir()] == [path.name]
        path.unlink()


def test_the_command_says_what_it_did(tmp_path, capsys):
    path = tmp_path / "flight.mcap"
    chunks = numbered(300)
    places = written(path, chunks, finish=True)
    assert main(["recover", str(path), "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert (told["recovered"], told["lost"], told["finished"]) == (None, "nothing lost", True)
    path.write_bytes(path.read_bytes()[: places[200][0] + 5])
    assert main(["recover", str(path)]) == 0
    said = capsys.readouterr().out
    assert "5 bytes in 1 place" in said
    assert f"bytes {places[200][0]:,} to {places[200][0] + 5:,} are lost, after " in said
    assert f"written to {tmp_path / 'flight.recovered.mcap'}" in said
    assert main(["recover", str(path)]) == 2  # it is there already
    assert main(["recover", str(path), "--to", str(tmp_path / "nowhere" / "a.mcap")]) == 2
    assert main(["recover", str(path), "--to", str(path)]) == 2
    capsys.readouterr()
    assert main(["recover", str(path), "--to", str(tmp_path / "b.mcap"), "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert told["holes"] == [
        {"begin": places[200][0], "end": places[200][0] + 5, "after_ns": chunks[199].received_ns, "before_ns": None}
    ]
    assert (tmp_path / "b.mcap").read_bytes() == (tmp_path / "flight.recovered.mcap").read_bytes()


def test_a_recording_that_is_still_being_written_is_left_alone(tmp_path):
    path = tmp_path / "flight.mcap"
    with recorder(path) as made:
        made.write(numbered(1)[0])
        with pytest.raises(RecordingError, match="still being written"):
            recover(path)
        assert len(list(McapRecording(path).chunks())) == 1  # while readers are not kept out
    assert [each.name for each in tmp_path.iterdir()] == ["flight.mcap"]


@pytest.mark.parametrize("at", [0.0, 0.3, 0.7, 0.99])
def test_interrupted_it_leaves_nothing_behind(tmp_path, at):
    path = tmp_path / "flight.mcap"
    written(path, numbered(3000), finish=False)

    def stop(part: float) -> None:
        if part >= at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recover(path, done=stop)
    assert [each.name for each in tmp_path.iterdir()] == ["flight.mcap"]


def test_what_a_killed_repair_left_is_cleared_away_and_a_running_one_is_not(tmp_path):
    path = tmp_path / "flight.mcap"
    written(path, numbered(100), finish=False)
    part = tmp_path / "flight.recovered.mcap.part"
    part.write_bytes(b"half of it")
    assert recover(path).path is not None
    assert not part.exists()
    (tmp_path / "flight.recovered.mcap").unlink()
    with recorder(part) as other, pytest.raises(RecordingFailed, match="another repair"):
        recover(path)
    assert other.path == part
    assert part.exists()
