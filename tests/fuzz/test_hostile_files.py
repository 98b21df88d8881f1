"""Files that are no recordings, or lie in every number: a clear message or what is whole, at once."""

import os
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.chunk import Chunk
from protocols.errors import NotARecording, RecordingError, RecordingFailed
from replay.formats.mcap import McapRecording
from replay.mcap_records import FOOTER, MAGIC
from replay.recorder import Recorder
from replay.recording import RecordedEvent, RecordedLink, open_recording

QUICK = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
LARGEST = (1 << 64) - 1


def recorded(path: Path, chunks: int = 40) -> bytes:
    with Recorder(
        path,
        campaign="",
        definitions={},
        links={"radio": RecordedLink("osx", "cobs")},
        synthetic=False,
        software="test",
    ) as recorder:
        for number in range(chunks):
            recorder.write(Chunk("radio", bytes((number,)) * 50, 1_000_000_000 * number))
            recorder.event(RecordedEvent("mark", number, {"n": number}))
    return path.read_bytes()


def everything(path: Path) -> int:
    """Ask a recording all there is to ask; how many chunks it gave."""
    found = open_recording(path)
    assert isinstance(found.span, tuple)
    found.events()
    count = sum(1 for _ in found.chunks())
    for start in (-1, 0, 5_000_000_000, 1 << 62):
        sum(1 for _ in found.chunks(start))
    if isinstance(found, McapRecording):
        sum(1 for _ in found.tail(0))
    return count


def with_a_right_summary(data: bytearray) -> bytes:
    """A recording's bytes, its summary's checksum made right again after somebody changed something in it."""
    foot = len(data) - len(MAGIC) - FOOTER.size
    start = int.from_bytes(data[foot + 9 : foot + 17], "little")
    at = foot + FOOTER.size - 4
    if start < at:
        data[at : at + 4] = zlib.crc32(data[start:at]).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("value", [0, 1, 9, 1 << 31, 1 << 40, (1 << 63) - 1, 1 << 63, LARGEST - 8, LARGEST])
def test_a_summary_whose_offsets_and_lengths_lie_is_done_without(tmp_path: Path, value: int) -> None:
    """Offsets past 63 bits were an OverflowError of the system call."""
    path = tmp_path / "lies.mcap"
    whole = recorded(tmp_path / "good.mcap")
    start = int.from_bytes(whole[-len(MAGIC) - FOOTER.size + 9 :][:8], "little")
    places = [
        at for at in range(start, len(whole) - 40) if whole[at] == 0x0A and whole[at + 1 : at + 9].endswith(b"\0" * 6)
    ]
    assert places
    for place in places:
        for at in (place + 1, place + 9, place + 17):
            data = bytearray(whole)
            data[at : at + 8] = struct.pack("<Q", value)
            path.write_bytes(with_a_right_summary(data))
            assert everything(path) == 40


@QUICK
@given(
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.sampled_from([0, 1, 0x7F, 0x80, 0xFF])), max_size=6),
    data=st.data(),
)
def test_any_bytes_of_a_recording_may_be_anything(
    tmp_path: Path, changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    good = tmp_path / "good.mcap"
    whole = good.read_bytes() if good.exists() else recorded(good)
    path, made = tmp_path / "changed.mcap", bytearray(whole)
    for place, value in changes:
        width = data.draw(st.sampled_from([1, 4, 8]))
        at = place % (len(made) - width)
        made[at : at + width] = bytes((value,)) * width
    path.write_bytes(with_a_right_summary(made))
    try:
        assert everything(path) <= 40
    except NotARecording as refused:
        assert str(path) in str(refused)  # noqa: PT017 it may as well be read


@pytest.mark.parametrize("suffix", [".mcap", ".cfl", ".mission", ".bin", ""])
@QUICK
@given(content=st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda tail: MAGIC + tail)))
def test_garbage_of_any_name_is_refused_or_counted(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(content)
    try:
        everything(path)
    except RecordingError as refused:
        assert str(path) in str(refused)  # noqa: PT017 it may as well be read


def test_a_pipe_a_device_a_folder_and_nothing_are_refused_at_once(tmp_path: Path) -> None:
    """A FIFO without a writer was waited for without end."""
    os.mkfifo(tmp_path / "fifo.mcap")
    for path, problem in (
        (tmp_path / "fifo.mcap", "a device or a pipe"),
        (Path("/dev/zero"), "a device or a pipe"),
        (tmp_path, "directory"),
        (tmp_path / "absent", "No such file"),
    ):
        with pytest.raises(NotARecording, match=problem):
            open_recording(path)


def test_a_recording_still_being_written_is_read_up_to_now(tmp_path: Path) -> None:
    path = tmp_path / "growing.mcap"
    with Recorder(
        path, campaign="", definitions={}, links={"radio": RecordedLink("osx")}, synthetic=False, software="test"
    ) as recorder:
        for number in range(5):
            assert everything(path) == number
            recorder.write(Chunk("radio", b"x", number))


def test_names_and_numbers_that_are_no_json_are_recorded_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")  # Latin-1, as on an old disk
    folder.mkdir()
    with Recorder(
        folder / "a.mcap", campaign="", definitions={}, links={"r": RecordedLink("osx")}, synthetic=False, software="t"
    ) as recorder:
        recorder.event(RecordedEvent("mark", 1, {"path": str(recorder.path), "wide": 1 << 100, "nan": float("nan")}))
    (event,) = open_recording(recorder.path).events()
    assert event.detail["wide"] == str(1 << 100)
    assert event.detail["path"].endswith("caf\\udce9/a.mcap")


def test_a_recording_that_was_deleted_is_said_and_stays_said(tmp_path: Path) -> None:
    recorder = Recorder(
        tmp_path / "a.mcap",
        campaign="",
        definitions={},
        links={"r": RecordedLink("osx")},
        synthetic=False,
        software="t",
    )
    recorder.write(Chunk("r", b"before", 1))
    recorder.sync()
    assert not recorder.problem
    recorder.path.unlink()
    with pytest.raises(RecordingFailed, match="was deleted; copy /proc/"):
        recorder.sync()
    recorder.write(Chunk("r", b"after", 2))
    assert recorder.problem
    copied = tmp_path / "copied.mcap"
    copied.write_bytes(Path(recorder.problem.split("copy ")[1].split(" ")[0]).read_bytes())
    with pytest.raises(RecordingFailed, match="was deleted"):
        recorder.close()
    assert [chunk.data for chunk in open_recording(copied).chunks()] == [b"before", b"after"]
