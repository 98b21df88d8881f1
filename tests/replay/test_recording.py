"""Recordings written, read back, followed, judged by the MCAP library, and filled disks."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.exceptions import McapError
from mcap.reader import NonSeekingReader, SeekingReader, make_reader
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

from protocols.chunk import Chunk
from protocols.errors import NotARecording, RecordingFailed
from replay.formats.mcap import McapRecording
from replay.record_walk import MAX_DATA
from replay.recorder import Recorder
from replay.recording import RecordedEvent, RecordedLink, TimeBase, open_recording

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
LINKS = {"umbilical": RecordedLink("osx", "cobs"), "s-band": RecordedLink("osx", {"kind": "asm", "length": 223})}
CAMPAIGN = '[campaign]\nname = "static-fire"  # größer\n'
DEFINITIONS = {
    "name": "osx",
    "packets": {"guidance": {"measurements": {"altitude": {"unit": "m", "red": [None, 4e4]}}}},
}


def recorder(path: Path, **changes: object) -> Recorder:
    """A recorder of the campaign above."""
    known = {"campaign": CAMPAIGN, "definitions": DEFINITIONS, "links": LINKS, "synthetic": True, "software": "test 1"}
    return Recorder(path, **(known | changes))


def numbered(count: int, size: int = 20, step_ns: int = 1_000_000) -> list[Chunk]:
    """Chunks of both links, each with its number in it."""
    links = list(LINKS)
    return [
        Chunk(links[number % 2], number.to_bytes(4, "big") + os.urandom(size), START + number * step_ns)
        for number in range(count)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flight.mcap"


def test_a_recording_explains_itself(path):
    source = b"class Guidance: ...\n"
    with recorder(path, files={"osx.py": source}) as made:
        made.write(Chunk("umbilical", b"abc", START))
        made.event(RecordedEvent("liftoff", START + 5, {"mission_time": 0.0, "by": "flight"}))
        made.write(Chunk("s-band", b"", START + 9))
    recording = open_recording(path)
    assert isinstance(recording, McapRecording)
    assert list(recording.chunks()) == [Chunk("umbilical", b"abc", START), Chunk("s-band", b"", START + 9)]
    assert recording.events() == [RecordedEvent("liftoff", START + 5, {"mission_time": 0.0, "by": "flight"})]
    assert (recording.campaign, recording.definitions, recording.links) == (CAMPAIGN, DEFINITIONS, LINKS)
    assert recording.files["osx.py"] == source
    assert (recording.synthetic, recording.time_base, recording.software) == (True, TimeBase.UTC, "test 1")
    assert recording.span == (START, START + 9)
    assert recording.finished
    assert (recording.damage.discarded, recording.damage.missing, recording.damage.notes) == (0, 0, [])


chunk_lists = st.lists(
    st.builds(Chunk, st.sampled_from(sorted(LINKS)), st.binary(max_size=300), st.integers(-(2**62), 2**62)), max_size=50
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=100)
@given(chunk_lists, st.booleans(), st.integers(1, 7))
def test_any_chunks_come_back_as_they_were(tmp_path, chunks, finish, batch):
    made = recorder(tmp_path / "any.mcap")
    for at in range(0, len(chunks), batch):
        made.write_many(chunks[at : at + batch])
    if finish:
        made.close()
    recording = McapRecording(made.path)
    assert list(recording.chunks()) == chunks
    assert recording.span == ((chunks[0].received_ns, chunks[-1].received_ns) if chunks else (0, 0))
    assert (recording.damage.discarded, recording.damage.missing) == (0, 0)
    for start in {chunk.received_ns for chunk in chunks[:5]}:
        first = next(number for number, chunk in enumerate(chunks) if chunk.received_ns >= start)
        assert list(recording.chunks(start)) == chunks[first:]
    assert [chunk for chunk, _ in recording.tail()] == chunks
    made.close()


def test_the_mcap_library_accepts_the_file_and_reads_the_same(path):
    chunks = numbered(20_000, 40)
    with recorder(path) as made:
        for at in range(0, len(chunks), 7):
            made.write_many(chunks[at : at + 7])
        made.event(RecordedEvent("apogee", START + 3, {"altitude": 38742.0}))
    with path.open("rb") as file:
        records = list(StreamReader(file, validate_crcs=True).records)
    assert {type(record).__name__ for record in records} >= {"Header", "DataEnd", "Statistics", "Footer", "Attachment"}
    with path.open("rb") as file:
        read = [
            (channel.topic, message.data, message.log_time)
            for _, channel, message in NonSeekingReader(file, validate_crcs=True).iter_messages(log_time_order=False)
        ]
    assert [each for each in read if each[0] != "events"] == [
        ("raw/" + chunk.link, chunk.data, chunk.received_ns) for chunk in chunks
    ]
    assert [orjson.loads(data)["name"] for topic, data, _ in read if topic == "events"] == ["apogee"]


def test_the_mcap_library_finds_everything_by_the_summary(path):
    chunks = numbered(3000)
    with recorder(path) as made:
        made.write_many(chunks)
    with path.open("rb") as file:
        reader = make_reader(file)
        assert isinstance(reader, SeekingReader)
        summary = reader.get_summary()
        assert summary.statistics.message_count == 3000
        assert summary.statistics.message_start_time == START
        assert summary.statistics.message_end_time == chunks[-1].received_ns
        assert {channel.topic for channel in summary.channels.values()} == {"events", "raw/umbilical", "raw/s-band"}
        attached = {attachment.name: attachment.data for attachment in reader.iter_attachments()}
        (metadata,) = reader.iter_metadata()
    assert attached["campaign.toml"].decode() == CAMPAIGN
    assert metadata.metadata == {"synthetic": "true", "time_base": "utc", "software": "test 1"}


@pytest.mark.parametrize("finish", [True, False])
def test_a_seek_finds_its_place_by_marks_in_finished_and_unfinished_files(path, finish):
    chunks = numbered(3000, 1000)
    made = recorder(path)
    for chunk in chunks:
        made.write(chunk)
    if finish:
        made.close()
    recording = McapRecording(path)
    assert recording.finished is finish
    for number in (0, 1, 999, 1500, 2998, 2999):
        assert list(recording.chunks(chunks[number].received_ns)) == chunks[number:]
        assert list(recording.chunks(chunks[number].received_ns - 1)) == chunks[number:]
    assert list(recording.chunks(chunks[-1].received_ns + 1)) == []
    offset = recording._contents.index.offset_of(chunks[2999].received_ns)
    assert path.stat().st_size - offset < 600_000
    made.close()


def test_events_are_found_without_reading_every_block(path):
    noted = []
    made = recorder(path)
    for number, chunk in enumerate(numbered(5000, 1000)):
        made.write(chunk)
        if number % 700 == 3:
            noted.append(RecordedEvent(f"event-{number}", chunk.received_ns, {"number": number}))
            made.event(noted[-1])
    assert McapRecording(path).events() == noted
    made.close()
    recording = McapRecording(path)
    assert recording.events() == noted
    assert 0 < len(recording._contents.index.eventful()) < len(recording._contents.index._marks) - 1


def test_a_reader_follows_from_a_position_while_it_is_written(path):
    chunks = numbered(900)
    made = recorder(path)
    recording = McapRecording(path)
    position, followed = made.position, []
    for at in range(0, 900, 90):
        made.write_many(chunks[at : at + 90])
        made.event(RecordedEvent("mark", START, {}))
        for chunk, after in recording.tail(position):
            followed.append(chunk)
            position = after
        assert list(recording.tail(made.position)) == []
    made.close()
    assert followed == chunks
    assert [chunk for chunk, _ in recording.tail(position)] == []


def test_a_file_of_that_name_is_never_touched(path):
    path.write_bytes(b"precious")
    made = [recorder(path) for _ in range(3)]
    assert [each.path.name for each in made] == ["flight-2.mcap", "flight-3.mcap", "flight-4.mcap"]
    assert path.read_bytes() == b"precious"
    for each in made:
        each.close()
        each.close()


def test_the_folder_is_made_but_not_one_above_it(tmp_path):
    recorder(tmp_path / "recordings" / "a.mcap").close()
    with pytest.raises(RecordingFailed, match="check the folder"):
        recorder(tmp_path / "unmounted" / "recordings" / "a.mcap")


def test_a_chunk_longer_than_a_message_comes_back_in_parts(path):
    chunk = Chunk("umbilical", os.urandom(MAX_DATA + 5), START)
    with recorder(path) as made:
        made.write(chunk)
    parts = list(McapRecording(path).chunks())
    assert [len(part.data) for part in parts] == [MAX_DATA, 5]
    assert b"".join(part.data for part in parts) == chunk.data


def test_a_link_not_declared_and_a_closed_recorder_say_so(path):
    made = recorder(path)
    with pytest.raises(RecordingFailed, match="no link 'x-band'"):
        made.write(Chunk("x-band", b"", START))
    made.close()
    with pytest.raises(RecordingFailed, match="closed"):
        made.write(Chunk("s-band", b"", START))


@pytest.fixture
def room() -> Iterator[Callable[[int], None]]:
    """``room(size)``: let no file of this process grow beyond size; writes over it fail after a part of them."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("batch", [1, 5])
def test_a_full_disk_harms_nothing_written_and_recording_goes_on_with_room(path, room, batch):
    chunks = numbered(400, 500)
    made = recorder(path)
    kept, failures = [], 0
    for at in range(0, 400, batch):
        room(100_000 if at < 250 else resource.RLIM_INFINITY)
        before = made.lost
        try:
            made.write_many(chunks[at : at + batch])
        except RecordingFailed:
            failures += 1
            assert "make room" in made.problem
            assert path.stat().st_size == made.position <= 100_000
        kept += chunks[at : at + batch - (made.lost - before)]
    assert failures > 10
    assert made.problem == ""
    assert made.lost == 400 - len(kept) > 0
    made.close()
    recording = McapRecording(path)
    assert list(recording.chunks()) == kept
    assert recording.damage.missing == made.lost
    assert recording.damage.discarded == 0


def test_a_disk_full_to_the_end_leaves_an_unfinished_file_that_reads(path, room):
    made = recorder(path)
    chunks = numbered(10)
    made.write_many(chunks)
    room(made.position + 10)
    with pytest.raises(RecordingFailed):
        made.close()
    room(resource.RLIM_INFINITY)
    assert made.closed
    assert list(McapRecording(path).chunks()) == chunks


def test_a_small_filesystem_filled_up(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a filesystem can be mounted by root only")
    try:
        made = recorder(disk / "a.mcap")
        chunks = numbered(3000, 900)
        kept = []
        for chunk in chunks:
            lost = made.lost
            try:
                made.write(chunk)
            except RecordingFailed:
                assert "No space left" in made.problem
            kept += [chunk] * (made.lost == lost)
        assert 500 < len(kept) < 1300
        with pytest.raises(RecordingFailed):
            made.close()
        recording = McapRecording(made.path)
        assert list(recording.chunks()) == kept
        assert recording.damage.discarded == 0
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_full_disk_at_the_start_says_so_and_leaves_no_empty_file(path, room):
    room(100)
    try:
        with pytest.raises(RecordingFailed, match="make room"):
            recorder(path)
    finally:
        room(resource.RLIM_INFINITY)  # before pytest itself writes, perhaps into a file
    assert not path.exists()


def test_other_peoples_mcap_files_are_named_as_such(path, data):
    for file in sorted((data / "mcap_conformance").rglob("*.mcap")):
        with pytest.raises(NotARecording, match="not a recording"):
            McapRecording(file)
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE)
        writer.start("ros2", "rosbag 3")
        writer.finish()
    with pytest.raises(NotARecording, match="made by 'rosbag 3', not a recording"):
        McapRecording(path)


def test_importing_the_recorder_needs_no_network_or_loop():
    code = "import sys, replay.recorder, replay.player, replay.formats.mcap; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "replay.recorder" in loaded
    assert not {"asyncio", "socket", "mcap"} & set(loaded)


def test_the_library_reads_up_to_the_cut_too(path):
    made = recorder(path)
    made.write_many(numbered(10))
    with path.open("rb") as file, pytest.raises((McapError, EOFError)):
        list(StreamReader(file).records)
    made.close()
    with path.open("rb") as file:
        assert len(list(NonSeekingReader(file).iter_messages())) == 10
