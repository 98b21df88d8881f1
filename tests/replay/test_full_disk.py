"""A small filesystem filled up for real: what is written is not harmed, and what cannot be written leaves nothing."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.chunk import Chunk
from protocols.errors import RecordingFailed
from protocols.signal import Signal
from replay.formats.mcap import McapRecording
from replay.parted_recording import PartedRecording
from replay.recorder import Recorder
from replay.recording import RecordedEvent, RecordedLink
from replay.recording_part import Rotation
from replay.recovery import recover

START = 1_790_000_000_000_000_000
SIGNAL = Signal("cu8", 48_000, 437_000_000)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a filesystem can be mounted by root only")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Take all room there is."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return filler


def recorder(path: Path, links: dict[str, RecordedLink], rotation: Rotation) -> Recorder:
    return Recorder(path, campaign="", definitions={}, links=links, synthetic=False, software="test", rotation=rotation)


@pytest.mark.parametrize("rotation", [Rotation(), Rotation(size=150_000)], ids=["whole", "parts"])
@pytest.mark.parametrize("signal", [None, SIGNAL], ids=["bytes", "samples"])
def test_what_had_room_is_whole_and_what_had_none_is_counted_however_often_it_fills(disk, rotation, signal):
    made = recorder(disk / "flight.mcap", {"a": RecordedLink("osx", "cobs", signal)}, rotation)
    kept, number, failures = [], 0, 0
    for _ in range(4):
        filler = None
        for step in range(120):
            if step == 60:
                filler = fill(disk)
            chunk = Chunk("a", number.to_bytes(4, "big") + os.urandom(1996), START + number * 20_000_000)
            number += 1
            lost = made.lost
            try:
                made.write(chunk)
                made.event(RecordedEvent("x", chunk.received_ns, {}))
                made.sync()
            except RecordingFailed as error:
                failures += "No space left" in str(error)
            kept += [chunk] * (made.lost == lost)
        assert filler is not None
        filler.unlink()
    kept.append(Chunk("a", bytes(2000), START + number * 20_000_000))
    made.write(kept[-1])  # by whose number what is missing before it is known
    made.close()
    assert failures > 100
    assert 200 < len(kept) < number
    recording = McapRecording.open(made.places[0][1])
    assert isinstance(recording, PartedRecording) is (rotation.size is not None)
    assert list(recording.chunks()) == kept
    assert recording.damage.missing == made.lost == number + 1 - len(kept)
    assert recording.damage.discarded == 0
    assert recording.finished


def test_a_part_that_could_not_be_finished_is_read_and_repaired(tmp_path):
    made = recorder(tmp_path / "flight.mcap", {"a": RecordedLink("osx", "cobs")}, Rotation(size=100_000))
    chunks = [Chunk("a", os.urandom(2000), START + number) for number in range(60)]
    for chunk in chunks:
        made.write(chunk)
    first, second = (path for _, path in made.places)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (first.stat().st_size + 10, before[1]))
    try:
        with pytest.raises(RecordingFailed, match="File too large"):
            made.sync()
        made.sync()  # the part has been given up, and all in it is there
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    made.close()
    assert not McapRecording(first).finished
    assert list(McapRecording.open(first).chunks()) == chunks
    repaired = recover(first).path
    assert repaired is not None
    first.unlink()
    assert list(McapRecording.open(repaired).chunks()) == chunks
    assert list(McapRecording(second).chunks()) == chunks[-len(list(McapRecording(second).chunks())) :]


def test_a_repair_that_finds_no_room_leaves_nothing_and_harms_nothing(disk):
    made = recorder(disk / "flight.mcap", {"a": RecordedLink("osx", "cobs")}, Rotation())
    made.write_many([Chunk("a", os.urandom(2000), START + number) for number in range(600)])
    made._file._file.close()
    before = made.path.read_bytes()
    with pytest.raises(RecordingFailed, match="No space left"):
        recover(made.path)
    assert [path.name for path in disk.iterdir()] == ["flight.mcap"]
    assert made.path.read_bytes() == before
