"""Recordings in several files: no byte lost or doubled between them, each explains itself, what is missing is said."""

import os
import resource
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from protocols.chunk import Chunk
from protocols.errors import RecordingFailed
from protocols.signal import Signal
from replay.formats.mcap import McapRecording
from replay.parted_recording import PartedRecording
from replay.recorder import Recorder
from replay.recording import RecordedEvent, RecordedLink, open_recording
from replay.recording_part import Rotation
from replay.recovery import recover

START = 1_790_000_000_000_000_000
LINKS = {"umbilical": RecordedLink("osx", "cobs"), "s-band": RecordedLink("osx", {"kind": "asm", "length": 223})}


def recorder(path: Path, rotation: Rotation, **changes: object) -> Recorder:
    known = {"campaign": "[campaign]\n", "definitions": {"a": 1}, "links": LINKS, "synthetic": True, "software": "t 1"}
    return Recorder(path, rotation=rotation, **(known | changes))


def numbered(count: int, size: int = 300, step_ns: int = 1_000_000) -> list[Chunk]:
    links = list(LINKS)
    return [Chunk(links[n % 2], n.to_bytes(4, "big") + os.urandom(size), START + n * step_ns) for n in range(count)]


def in_parts(tmp_path: Path, chunks: list[Chunk], rotation: Rotation) -> list[Path]:
    """Record chunks, in batches of seven, with an event each; the files."""
    made = recorder(tmp_path / "flight.mcap", rotation)
    for at in range(0, len(chunks), 7):
        made.write_many(chunks[at : at + 7])
        made.event(RecordedEvent(f"event-{at}", chunks[at].received_ns, {}))
        if at % 70 == 0:
            made.sync()
    made.close()
    return [path for _, path in made.places]


chunk_lists = st.lists(
    st.builds(Chunk, st.sampled_from(sorted(LINKS)), st.binary(max_size=300), st.integers(0, 2**60)), max_size=60
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=60)
@given(chunk_lists, st.integers(1, 4000), st.one_of(st.none(), st.integers(1, 2**59)), st.integers(1, 7), st.booleans())
def test_any_chunks_come_back_as_they_were_however_they_are_divided(tmp_path, chunks, size, every, batch, finish):
    made = recorder(tmp_path / "any.mcap", Rotation(size, every))
    positions = []
    for at in range(0, len(chunks), batch):
        made.write_many(chunks[at : at + batch])
        positions.append(made.position)
    made.sync()
    if finish:
        made.close()
    recording = McapRecording.open(made.places[0][1])
    assert list(recording.chunks()) == chunks
    assert (recording.damage.discarded, recording.damage.missing) == (0, 0)
    assert recording.span == ((chunks[0].received_ns, chunks[-1].received_ns) if chunks else (0, 0))
    assert recording.finished is finish
    for start in {chunk.received_ns for chunk in chunks[:5]}:
        first = next(number for number, chunk in enumerate(chunks) if chunk.received_ns >= start)
        assert list(recording.chunks(start)) == chunks[first:]
    placed = list(recording.placed())
    assert [chunk for chunk, _ in placed] == chunks
    for number, (_, place) in enumerate(placed[:5]):
        assert [chunk for chunk, _ in recording.placed(place)] == chunks[number + 1 :]
    assert positions == sorted(set(positions))
    for number, (begin, path) in enumerate(made.places):  # a follower that goes by positions
        end = made.places[number + 1][0] if number + 1 < len(made.places) else made.position
        tail = [after + begin for _, after in McapRecording(path).tail()]
        assert tail == sorted(tail)
        assert not tail or begin < tail[0] <= tail[-1] <= end
    made.close()
    for _, path in made.places:
        path.unlink()


def test_each_part_explains_itself_and_names_its_neighbours(tmp_path):
    chunks = numbered(1000)
    files = in_parts(tmp_path, chunks, Rotation(size=100_000))
    assert [path.name for path in files] == [f"flight-part{n:03d}.mcap" for n in range(1, len(files) + 1)]
    assert len(files) == 4
    assert files == sorted(tmp_path.iterdir())
    at = 0
    for number, path in enumerate(files):
        part = McapRecording(path)
        own = list(part.chunks())
        assert own == chunks[at : at + len(own)]
        at += len(own)
        assert part.damage.notes == []  # it knows that it does not begin at number 0
        assert (part.links, part.campaign, part.definitions, part.synthetic) == (LINKS, "[campaign]\n", {"a": 1}, True)
        assert part.part is not None
        assert (part.part.number, part.part.previous) == (number + 1, files[number - 1].name if number else "")
        assert part.next_part == (files[number + 1].name if number + 1 < len(files) else "")
        assert path.stat().st_size > 100_000 or path == files[-1]
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            assert len(list(reader.iter_messages(topics=["raw/umbilical", "raw/s-band"]))) == len(own)
            metadata = {each.name: each.metadata for each in reader.iter_metadata()}
        assert metadata["launch-groundstation"]["part"] == str(number + 1)
        assert metadata["launch-groundstation.end"]["next"] == part.next_part
    assert at == len(chunks)
    whole = open_recording(files[0])
    assert isinstance(whole, PartedRecording)
    assert len(whole.events()) == len(range(0, 1000, 7))
    assert list(open_recording(files[1]).chunks()) == list(McapRecording(files[1]).chunks())  # itself alone


def test_parts_are_as_old_as_was_asked(tmp_path):
    files = in_parts(tmp_path, numbered(1001, 10), Rotation(every_ns=250_000_000))
    assert len(files) == 4
    spans = [McapRecording(path).span for path in files]
    assert all(last - first < 257_000_000 for first, last in spans)
    assert all(after[0] - before[0] >= 250_000_000 for before, after in pairwise(spans))


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_a_missing_part_is_said_with_what_was_in_it(tmp_path, gone):
    chunks = numbered(1000)
    files = in_parts(tmp_path, chunks, Rotation(size=100_000))
    own = list(McapRecording(files[gone]).chunks())
    files[gone].unlink()
    recording = open_recording(files[0])
    assert list(recording.chunks()) == [chunk for chunk in chunks if chunk not in own]
    notes = " ".join(recording.damage.notes)
    if gone < 3:
        assert f"part {gone + 1} of this recording is missing" in notes
        assert recording.damage.missing == len(own)
    else:
        assert f"goes on in {files[3].name}: copy it beside {files[0].name}" in notes


def test_chunks_lost_at_the_end_of_a_part_are_counted(tmp_path):
    chunks = numbered(1000)
    files = in_parts(tmp_path, chunks, Rotation(size=100_000))
    part = McapRecording(files[1])
    *_, (_, before), (_, _), (_, _) = part.tail()
    with files[1].open("rb+") as file:
        file.truncate(before)
    recording = open_recording(files[0])
    left = list(recording.chunks())
    assert len(left) == len(chunks) - 2
    assert recording.damage.missing == 2
    repaired = recover(files[1]).path
    assert repaired is not None
    files[1].unlink()
    again = open_recording(files[0])  # which takes the repaired one where the part itself is gone
    assert list(again.chunks()) == left
    assert again.damage.missing == 2
    assert not [note for note in again.damage.notes if "is missing: copy" in note]


def test_another_recording_of_that_name_is_no_part_of_it(tmp_path):
    chunks = numbered(1000)
    first = in_parts(tmp_path, chunks[:500], Rotation(size=100_000))
    second = in_parts(tmp_path, chunks[500:], Rotation(size=100_000))
    assert [path.name for path in second] == ["flight-part001-2.mcap", "flight-part002-2.mcap"]
    assert list(open_recording(first[0]).chunks()) == chunks[:500]
    assert list(open_recording(second[0]).chunks()) == chunks[500:]


def test_samples_go_on_beside_each_part(tmp_path):
    signal = Signal("cu8", 48_000, 437_000_000)
    links = {"radio": RecordedLink("osx", "cobs", signal), "aux": RecordedLink("osx", "cobs")}
    made = recorder(tmp_path / "pass.mcap", Rotation(size=50_000), links=links)
    chunks = []
    for number in range(200):
        chunks.append(Chunk("radio", os.urandom(960), START + (number + 1) * 10_000_000))
        made.write(chunks[-1])
    made.close()
    assert len(made.places) > 3
    assert list(open_recording(made.places[0][1]).chunks()) == chunks
    datasets = sorted(tmp_path.glob("pass-part*.radio.sigmf-data"))
    assert len(datasets) == len(made.places)
    assert b"".join(path.read_bytes() for path in datasets) == b"".join(chunk.data for chunk in chunks)
    assert all(b"core:sha512" in path.with_suffix(".sigmf-meta").read_bytes() for path in datasets)
    part = open_recording(datasets[1])  # each is a recording of its own too
    assert b"".join(chunk.data for chunk in part.chunks()) == datasets[1].read_bytes()


def test_a_thread_may_sync_while_parts_follow_each_other(tmp_path):
    made = recorder(tmp_path / "flight.mcap", Rotation(size=1))
    chunks, ended, failed = numbered(400), threading.Event(), []

    def sync() -> None:
        while not ended.is_set():
            try:
                made.sync()
            except Exception as error:  # noqa: BLE001 of whatever kind, a station would say NOT RECORDING or end
                failed.append(error)

    thread = threading.Thread(target=sync)
    thread.start()
    try:
        for chunk in chunks:
            made.write(chunk)
    finally:
        ended.set()
        thread.join()
    made.close()
    assert failed == []
    assert len(made.places) == len(chunks)
    whole = open_recording(made.places[0][1])
    assert list(whole.chunks()) == chunks
    assert whole.finished


def test_where_a_part_cannot_be_finished_nothing_that_comes_then_is_lost(tmp_path):
    chunks = numbered(1200)
    made = recorder(tmp_path / "flight.mcap", Rotation(size=50_000))
    coming = iter(chunks)
    while len(made.places) < 3 or made.path.stat().st_size < 50_000:
        made.write(next(coming))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))  # no summary finds room behind what there is
    try:
        with pytest.raises(RecordingFailed, match="part001"):
            made.write(next(coming))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    made.write_many(list(coming))
    made.close()
    assert (made.lost, len(made.places)) == (0, 4)
    assert list(open_recording(made.places[0][1]).chunks()) == chunks


def test_where_no_next_part_can_be_made_recording_goes_on_in_the_last(tmp_path):
    chunks = numbered(1000)
    made = recorder(tmp_path / "flight.mcap", Rotation(size=50_000))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for number, chunk in enumerate(chunks):
            if number == 100:
                resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))  # nothing more can be opened
            if number == 700:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            made.write(chunk)
            if number == 699:
                assert len(made.places) == 1
                assert "Too many open files" in made.rotation_problem
                assert made.problem == ""
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    later = [Chunk("umbilical", os.urandom(300), START + 20_000_000_000 + n) for n in range(500)]
    for chunk in later:
        made.write(chunk)
    made.close()
    assert len(made.places) > 1
    assert made.rotation_problem == ""
    assert list(open_recording(made.places[0][1]).chunks()) == chunks + later
