"""Samples recorded: judged by the SigMF library, read back, cut, killed, and on disks that fill up."""

import hashlib
import os
import random
import resource
import signal as signals
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson
import pytest
import sigmf
from hypothesis import given, settings
from hypothesis import strategies as st
from sigmf import schema, validate

from protocols.chunk import Chunk
from protocols.errors import NotARecording, RecordingFailed
from protocols.signal import Signal
from replay.formats.mcap import McapRecording
from replay.formats.sigmf import SigmfRecording
from replay.recorder import Recorder
from replay.recording import RecordedEvent, RecordedLink, open_recording
from replay.sample_file import elapsed_ns
from replay.sample_links import Dataset
from replay.sigmf_recorder import About, SigmfRecorder

START = 1_790_000_000_123_456_789
SIGNAL = Signal("ci16_le", 48_000.0, 437.5e6)
ABOUT = About("test 1", "radio", "sparrow", {"kind": "radio"}, synthetic=True)


def stream(sizes: list[int], signal: Signal = SIGNAL, gaps: dict[int, int] | None = None, link: str = "radio"):
    """Chunks of so many samples, one after another; gaps: ns missing before a chunk."""
    source = np.random.default_rng(len(sizes))
    chunks, start_ns, count = [], START, 0
    for number, size in enumerate(sizes):
        start_ns += (gaps or {}).get(number, 0)
        count += size
        data = source.bytes(size * signal.size)
        chunks.append(Chunk(link, data, start_ns + elapsed_ns(count - 1, signal.rate)))
    return chunks


def library(meta: Path) -> sigmf.SigMFFile:
    """A recording as the SigMF library reads it; what it finds wrong, even a warning, fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = sigmf.sigmffile.fromfile(str(meta))
        validate.validate(orjson.loads(meta.read_bytes()), schema.get_schema())
        read.validate()
    return read


def test_the_sigmf_library_accepts_it_and_reads_the_same(tmp_path: Path) -> None:
    chunks = stream([960] * 40, gaps={10: 5_000_000, 30: 7_000_000_000})
    made = SigmfRecorder(tmp_path / "pass.sigmf-data", SIGNAL, ABOUT)
    for each in chunks:
        made.write(each.data, each.received_ns)
    made.close()
    made.close()
    data = b"".join(each.data for each in chunks)
    read = library(made.meta)
    told = read.get_global_info()
    assert told["core:sha512"] == hashlib.sha512(data).hexdigest() == hashlib.sha512(made.path.read_bytes()).hexdigest()
    assert (told["core:datatype"], told["core:sample_rate"]) == ("ci16_le", 48_000)
    assert told["groundstation:synthetic"] is True
    assert "simulator" in told["core:description"]
    numbers = np.frombuffer(data, "<i2").astype(np.float64).view(np.complex128) / 32768
    assert np.allclose(read.read_samples(), numbers, atol=1e-6)
    captures = read.get_captures()
    assert [each["core:sample_start"] for each in captures] == [0, 9600, 28_800]
    assert captures[0]["core:datetime"] == "2026-09-21T14:13:20.123456789Z"
    assert all(each["core:frequency"] == 437.5e6 for each in captures)


@pytest.mark.parametrize("samples", ["cu8", "ci8", "ci16_le", "cf32_le", "ri16_le", "ru8", "cf64_be"])
def test_every_format_comes_back_with_its_times(tmp_path: Path, samples: str) -> None:
    kind = Signal(samples, 2.4e6, 0.0)
    chunks = stream([48_000] * 7 + [100], kind, gaps={3: 1_000_000})
    made = SigmfRecorder(tmp_path / "a.sigmf-data", kind, ABOUT)
    for each in chunks:
        made.write(each.data, each.received_ns)
    made.close()
    library(made.meta)
    for path in (made.path, made.meta):
        recording = open_recording(path)
        assert isinstance(recording, SigmfRecording)
        assert recording.links == {"radio": RecordedLink("sparrow", {"kind": "radio"}, kind)}
        assert recording.synthetic
        found = list(recording.chunks())
        assert b"".join(each.data for each in found) == b"".join(each.data for each in chunks)
        ends = {each.received_ns for each in chunks}
        assert max(ends) == recording.span[1] == found[-1].received_ns
        assert all(min(abs(end - each.received_ns) for each in found) <= 1 for end in (chunks[2].received_ns,))
        assert recording.damage.notes == []
        for number in (0, 1, len(found) // 2, len(found) - 1):
            assert list(recording.chunks(found[number].received_ns)) == found[number:]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3000), st.sampled_from([0, 0, 0, 10_000, -10_000, 10**9, -(10**9)])), max_size=20)
)
def test_a_new_capture_exactly_where_the_clock_jumps(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    """Ten microseconds are half a sample: rounding; a second is a gap, or a clock set back."""
    folder = tmp_path_factory.mktemp("steps")
    made = SigmfRecorder(folder / "a.sigmf-data", SIGNAL, ABOUT)
    data, jumps, count, at_ns = b"", [], 0, START
    for size, step in steps:
        if not jumps or abs(step) >= 10**9:
            at_ns = (at_ns + elapsed_ns(count - jumps[-1], SIGNAL.rate) + step) if jumps else at_ns
            jumps.append(count)
        rounding = step if abs(step) < 10**9 and jumps[-1] < count else 0
        end_ns = at_ns + elapsed_ns(count - jumps[-1] + size - 1, SIGNAL.rate) + rounding
        made.write(bytes(size * 4), end_ns)
        count += size
        data += bytes(size * 4)
        described = orjson.loads(made.meta.read_bytes())
        assert [each["core:sample_start"] for each in described["captures"]] == jumps
    made.close()
    assert made.path.read_bytes() == data
    recording = open_recording(made.meta)
    assert recording.file.count == count
    times = [each.received_ns for each in recording.chunks()]
    assert [each.first for each in recording.file.captures] == jumps
    assert (recording.span == (times[0], times[-1])) if times else recording.span == (0, 0)


def test_thousands_of_gaps_are_all_there_at_the_end_and_cost_little_before(tmp_path: Path) -> None:
    made = SigmfRecorder(tmp_path / "a.sigmf-data", SIGNAL, ABOUT)
    rewritten = set()
    for number in range(1500):
        made.write(bytes(40), START + number * 1_000_000_000)
        rewritten.add(made.meta.stat().st_ino)
        told = len(orjson.loads(made.meta.read_bytes())["captures"]) if number % 100 == 99 else number
        assert told >= number * 0.98
    made.close()
    assert len(orjson.loads(made.meta.read_bytes())["captures"]) == 1500


def test_names_that_are_taken_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.sigmf-meta").write_bytes(b"precious")
    (tmp_path / "a-2.sigmf-data").write_bytes(b"precious")
    made = SigmfRecorder(tmp_path / "a.sigmf-data", SIGNAL, ABOUT)
    assert (made.path.name, made.meta.name) == ("a-3.sigmf-data", "a-3.sigmf-meta")
    made.abandon()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a-2.sigmf-data", "a.sigmf-meta"]


def test_half_a_sample_is_the_sources_fault_and_named(tmp_path: Path) -> None:
    made = SigmfRecorder(tmp_path / "a.sigmf-data", SIGNAL, ABOUT)
    with pytest.raises(RecordingFailed, match="no whole samples of 4"):
        made.write(bytes(7), START)
    made.close()
    with pytest.raises(RecordingFailed, match="closed"):
        made.write(bytes(8), START)
    assert made.path.stat().st_size == 0


@pytest.fixture
def room() -> Iterator[Callable[[int], None]]:
    """``room(size)``: let no file of this process grow beyond size; writes over it fail after a part of them."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


LINKS = {"radio": RecordedLink("sparrow", {"kind": "radio"}, SIGNAL), "umbilical": RecordedLink("sparrow", "cobs")}


def recorder(path: Path, **changes: object) -> Recorder:
    known = {"campaign": "", "definitions": {}, "links": LINKS, "synthetic": True, "software": "test 1"}
    return Recorder(path, **(known | changes))


def both(count: int, gaps: dict[int, int] | None = None) -> list[Chunk]:
    """Chunks of both links in turn."""
    samples = stream([random.Random(n).randrange(1, 2000) for n in range(count)], gaps=gaps)
    return [each for chunk in samples for each in (chunk, Chunk("umbilical", chunk.data[:9], chunk.received_ns + 7))]


@pytest.mark.parametrize("finish", [True, False])
def test_samples_beside_the_recording_come_back_in_the_order_received(tmp_path: Path, finish: bool) -> None:
    chunks = both(400, {50: 3_000_000_000, 200: -2_000_000_000})
    made = recorder(tmp_path / "flight.mcap")
    for at in range(0, len(chunks), 3):
        made.write_many(chunks[at : at + 3])
    made.event(RecordedEvent("liftoff", START, {}))
    assert made.bytes_written == sum(each.stat().st_size for each in tmp_path.iterdir() if each.suffix != ".sigmf-meta")
    if finish:
        made.close()
    recording = open_recording(made.path)
    assert isinstance(recording, McapRecording)
    assert recording.links == LINKS
    assert list(recording.chunks()) == chunks
    assert recording.span == (chunks[0].received_ns, chunks[-1].received_ns)
    assert (recording.damage.discarded, recording.damage.missing) == (0, 0)
    for number in (0, 1, 77, 400, 799):
        start = chunks[number].received_ns
        first = next(index for index, each in enumerate(chunks) if each.received_ns >= start)
        assert list(recording.chunks(start)) == chunks[first:]
    made.close()
    alone = open_recording(tmp_path / "flight.radio.sigmf-meta")
    assert b"".join(each.data for each in alone.chunks()) == b"".join(c.data for c in chunks if c.link == "radio")
    assert alone.links == {"radio": LINKS["radio"]}
    assert len(alone.file.captures) == 3
    library(tmp_path / "flight.radio.sigmf-meta")
    assert made.path.stat().st_size < 200_000


def test_a_reader_follows_samples_from_a_position(tmp_path: Path) -> None:
    chunks = both(300)
    made = recorder(tmp_path / "flight.mcap")
    recording, position, followed = McapRecording(made.path), made.position, []
    for at in range(0, 600, 60):
        made.write_many(chunks[at : at + 60])
        for chunk, after in recording.tail(position):
            followed.append(chunk)
            position = after
        assert list(recording.tail(made.position)) == []
    made.close()
    assert followed == chunks


def test_missing_samples_are_said_and_a_renamed_pair_is_found(tmp_path: Path) -> None:
    chunks = both(20)
    with recorder(tmp_path / "flight.mcap") as made:
        made.write_many(chunks)
    data = tmp_path / "flight.radio.sigmf-data"
    made.path.rename(tmp_path / "hop.mcap")
    assert list(open_recording(tmp_path / "hop.mcap").chunks()) == chunks
    data.rename(tmp_path / "hop.radio.sigmf-data")
    recording = open_recording(tmp_path / "hop.mcap")
    assert list(recording.chunks()) == chunks
    whole = (tmp_path / "hop.radio.sigmf-data").read_bytes()
    (tmp_path / "hop.radio.sigmf-data").write_bytes(whole[:-3])
    assert list(recording.chunks()) == [each for each in chunks if each is not chunks[-2]]
    assert recording.damage.missing == 1
    (tmp_path / "hop.radio.sigmf-data").unlink()
    recording = open_recording(tmp_path / "hop.mcap")
    assert list(recording.chunks()) == [each for each in chunks if each.link == "umbilical"]
    assert recording.damage.missing == 20
    assert [note for note in recording.damage.notes if "copy flight.radio.sigmf-data beside" in note]
    assert [chunk for chunk, _ in recording.tail()] == [each for each in chunks if each.link == "umbilical"]
    assert recording.span == (chunks[0].received_ns, chunks[-1].received_ns)


def test_the_recordings_take_the_next_free_name_together(tmp_path: Path) -> None:
    made = [recorder(tmp_path / "flight.mcap") for _ in range(2)]
    for each in made:
        each.write_many(both(3))
        each.close()
        assert list(open_recording(each.path).chunks()) == both(3)
    assert (tmp_path / "flight-2.radio.sigmf-meta").is_file()


def test_a_chunk_longer_than_a_message_comes_back_in_parts_with_their_times(tmp_path: Path) -> None:
    chunk = stream([5_000_001])[0]
    with recorder(tmp_path / "flight.mcap") as made:
        made.write(chunk)
    found = list(open_recording(made.path).chunks())
    assert b"".join(each.data for each in found) == chunk.data
    assert [len(each.data) // 4 for each in found] == [1 << 22, 5_000_001 - (1 << 22)]
    assert [each.received_ns for each in found] == [START + elapsed_ns((1 << 22) - 1, 48e3), chunk.received_ns]


def test_a_full_disk_costs_whole_chunks_and_is_counted(tmp_path: Path, room: Callable[[int], None]) -> None:
    chunks = both(300)
    made, kept, failures = recorder(tmp_path / "flight.mcap"), [], 0
    for number, chunk in enumerate(chunks):
        room(500_000 if number < 400 else resource.RLIM_INFINITY)
        lost = made.lost
        try:
            made.write(chunk)
        except RecordingFailed:
            failures += 1
            assert "make room" in made.problem
        kept += [chunk] * (made.lost == lost)
    room(resource.RLIM_INFINITY)
    assert failures == made.lost == len(chunks) - len(kept) > 20
    assert made.problem == ""
    made.close()
    recording = open_recording(made.path)
    assert list(recording.chunks()) == kept
    assert recording.damage.missing == made.lost
    meta = tmp_path / "flight.radio.sigmf-meta"
    library(meta)
    radio = [number for number, each in enumerate(c for c in chunks if c.link == "radio") if each in kept]
    gaps = sum(b - a > 1 for a, b in pairwise(radio))
    assert len(orjson.loads(meta.read_bytes())["captures"]) == 1 + gaps > 1
    alone = open_recording(meta)
    assert b"".join(each.data for each in alone.chunks()) == b"".join(c.data for c in kept if c.link == "radio")


def test_no_room_at_the_start_leaves_nothing_behind(tmp_path: Path, room: Callable[[int], None]) -> None:
    room(100)
    try:
        with pytest.raises(RecordingFailed, match="make room"):
            recorder(tmp_path / "flight.mcap")
    finally:
        room(resource.RLIM_INFINITY)
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_cannot_be_written_lose_the_chunk_and_not_the_recording(tmp_path: Path) -> None:
    made = SigmfRecorder(tmp_path / "a.sigmf-data", SIGNAL, ABOUT)
    made.write(bytes(400), START)
    (tmp_path / "a.sigmf-meta.part").mkdir()
    with pytest.raises(RecordingFailed, match=r"a\.sigmf-meta.*make room"):
        made.write(bytes(400), START + 10**10)
    assert made.problem
    assert made.path.stat().st_size == 400
    (tmp_path / "a.sigmf-meta.part").rmdir()
    made.write(bytes(800), START + 2 * 10**10)
    assert made.problem == ""
    made.close()
    assert [each["core:sample_start"] for each in orjson.loads(made.meta.read_bytes())["captures"]] == [0, 100]


WRITER = """
import os, sys
from pathlib import Path
from protocols.chunk import Chunk
from protocols.signal import Signal
from replay.recorder import Recorder
from replay.recording import RecordedLink
links = {"radio": RecordedLink("osx", "cobs", Signal("cu8", 1e6, 0.0))}
made = Recorder(Path(sys.argv[1]), campaign="", definitions={}, links=links, synthetic=True, software="t")
number = count = 0
while True:
    size = 1 + number % 3000
    count += size
    gap = number // 100 * 10**9
    made.write(Chunk("radio", number.to_bytes(2, "big") * size, 10**18 + gap + count * 1000))
    number += 1
    if number % 16 == 0:
        os.write(1, number.to_bytes(8, "big"))
"""


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment_nothing_recorded_is_lost_and_the_rest_is_said(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "killed.mcap"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    told, wanted = 0, 16 * random.Random(seed).randrange(1, 200)
    while told < wanted:
        number = writer.stdout.read(8)
        assert number, "the writer ended by itself"
        told = int.from_bytes(number, "big")
    writer.send_signal(signals.SIGKILL)
    rest = writer.stdout.read()
    told = max([told, *(int.from_bytes(rest[at : at + 8], "big") for at in range(0, len(rest) - 7, 8))])
    writer.wait()
    writer.stdout.close()
    recording = open_recording(path)
    found = list(recording.chunks())
    assert len(found) >= told
    assert all(each.data == n.to_bytes(2, "big") * (1 + n % 3000) for n, each in enumerate(found))
    assert recording.damage.missing == 0
    meta = tmp_path / "killed.radio.sigmf-meta"
    library(meta)
    alone = open_recording(meta)
    data = b"".join(each.data for each in alone.chunks())
    assert data.startswith(b"".join(each.data for each in found))
    assert any("not closed" in note for note in alone.damage.notes)
    assert len(alone.file.captures) in (len(found) // 100 + 1, (len(found) + 99) // 100)


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=80)
    | st.sampled_from([b'{"sample_start": -1, "sample_count": 3}', b"[]", b"{}", b'"a"'])
    | st.builds(
        lambda first, count: orjson.dumps({"sample_start": first, "sample_count": count}),
        st.integers(-(2**63), 2**64 - 1),
        st.integers(-(2**63), 2**64 - 1) | st.just(1e300),
    )
)
def test_hostile_references_read_nothing(tmp_path_factory: pytest.TempPathFactory, message: bytes) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    made = recorder(folder / "flight.mcap")
    made.write_many(both(2))
    whole = made.path.read_bytes()
    made.close()
    reference = orjson.dumps({"sample_start": 0, "sample_count": len(both(2)[0].data) // 4})
    at = whole.index(reference)
    message = message.ljust(len(reference))[: len(reference)]
    (folder / "flight.mcap").write_bytes(whole[:at] + message + whole[at + len(reference) :])
    recording = open_recording(folder / "flight.mcap")
    found = list(recording.chunks())
    assert len(found) + recording.damage.missing == 4
    assert found[-3:] == both(2)[1:]


def test_a_dataset_elsewhere_is_not_read(tmp_path: Path) -> None:
    """The name of a file of samples in a recording has no folder in it; another's recording opens no other file."""
    with recorder(tmp_path / "flight.mcap") as made:
        made.write_many(both(1))
    (tmp_path / "other").mkdir()
    os.link(tmp_path / "flight.radio.sigmf-data", tmp_path / "other" / "x.sigmf-data")
    for name in ("other/x.sigmf-data", "../x.sigmf-data", "/etc/passwd", "flight.mcap", ""):
        assert Dataset.beside(made.path, "radio", name, SIGNAL).path == tmp_path / "flight.radio.sigmf-data"
    with pytest.raises(NotARecording):
        open_recording(tmp_path / "nothing.sigmf-meta")


def test_one_byte_changed_anywhere_in_the_recording_costs_one_chunk_at_most(tmp_path: Path) -> None:
    source, chunks = random.Random(9), both(60)
    with recorder(tmp_path / "flight.mcap") as made:
        made.write_many(chunks)
    whole = made.path.read_bytes()
    for _ in range(150):
        at, bit = source.randrange(len(whole)), 1 << source.randrange(8)
        made.path.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
        recording = open_recording(made.path)
        found = list(recording.chunks())
        right = [each for each in found if each in chunks]
        assert len(right) >= len(chunks) - 1, f"byte {at}"
        assert right == [each for each in chunks if each in right]
        assert recording.damage.notes or found == chunks, f"byte {at}"
