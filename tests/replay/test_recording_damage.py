"""Recordings cut and flipped: everything whole comes back, everything else is counted, nothing raises."""

import random
from pathlib import Path

import pytest

from protocols.chunk import Chunk
from replay.recorder import Recorder
from replay.recording import RecordedLink, Recording, open_recording

START = 1_790_000_000_000_000_000
LINK = "umbilical"
HEAD = 31
"""Bytes of a message record before its data: opcode 1, length 8, channel 2, sequence 4, times 16 (MCAP: Message)."""


def record(path: Path, chunks: list[Chunk], *, finish: bool) -> tuple[bytes, list[int]]:
    """A recording's bytes, and where each chunk's record ends in them."""
    links = {LINK: RecordedLink("osx", "cobs")}
    made = Recorder(path, campaign="", definitions={}, links=links, synthetic=False, software="test")
    ends = []
    for chunk in chunks:
        before = made.position
        made.write(chunk)
        ends.append(before + HEAD + len(chunk.data))
    if finish:
        made.close()
    else:
        made._file.close()
    return path.read_bytes(), ends


def chunks_of(sizes: list[int], seed: int = 1) -> list[Chunk]:
    """Chunks of random data, 20 ms apart."""
    source = random.Random(seed)
    return [Chunk(LINK, source.randbytes(size), START + number * 20_000_000) for number, size in enumerate(sizes)]


def read(path: Path, data: bytes) -> tuple[Recording, list[Chunk]]:
    """What a file of that content gives."""
    path.write_bytes(data)
    recording = open_recording(path)
    return recording, list(recording.chunks())


def test_cut_in_its_preamble_it_opens_empty_or_is_no_recording(tmp_path):
    data, ends = record(tmp_path / "whole.mcap", chunks_of([10]), finish=False)
    for size in range(60, ends[0]):
        recording, found = read(tmp_path / "cut.mcap", data[:size])
        assert found == []
        assert recording.span == (0, 0)


def test_cut_at_random_places_of_a_longer_file(tmp_path):
    source = random.Random(3)
    chunks = chunks_of([source.choice([5, 64, 200, 3000, 70_000]) for _ in range(300)])
    data, ends = record(tmp_path / "whole.mcap", chunks, finish=True)
    for _ in range(40):
        size = source.randrange(ends[0], len(data))
        recording, found = read(tmp_path / "cut.mcap", data[:size])
        whole = sum(end <= size for end in ends)
        assert found == chunks[:whole]
        start = source.randrange(whole)
        assert list(recording.chunks(chunks[start].received_ns)) == chunks[start:whole]


@pytest.mark.parametrize("finish", [True, False])
def test_one_byte_changed_anywhere_costs_one_chunk_at_most_and_is_noted(tmp_path, finish):
    source = random.Random(4)
    chunks = chunks_of([source.randrange(0, 400) for _ in range(400)])
    data, ends = record(tmp_path / "whole.mcap", chunks, finish=finish)
    begin = ends[0] - HEAD - len(chunks[0].data)
    for _ in range(400):
        at = source.randrange(len(data))
        changed = bytearray(data)
        changed[at] ^= 1 << source.randrange(8)
        recording, found = read(tmp_path / "flipped.mcap", bytes(changed))
        hit = next((number for number, end in enumerate(ends) if end - HEAD - len(chunks[number].data) <= at < end), -1)
        others = [chunk for number, chunk in enumerate(chunks) if number != hit]
        known = set(others)
        assert [chunk for chunk in found if chunk in known] == others, f"byte {at} of {len(data)}, chunk {hit}"
        assert len(found) <= len(chunks)
        if begin <= at < ends[-1]:
            assert recording.damage.notes or found == chunks
        if len(found) < len(chunks) and hit != len(chunks) - 1:
            assert recording.damage.missing == 1


def test_a_stretch_overwritten_costs_what_it_touches(tmp_path):
    source = random.Random(5)
    chunks = chunks_of([source.randrange(0, 400) for _ in range(2000)])
    data, ends = record(tmp_path / "whole.mcap", chunks, finish=True)
    for _ in range(30):
        at, size = source.randrange(ends[0], ends[-2] - 20_000), source.randrange(1, 20_000)
        changed = data[:at] + source.choice([bytes(size), source.randbytes(size), b"\xff" * size]) + data[at + size :]
        recording, found = read(tmp_path / "torn.mcap", changed)
        touched = {
            number for number, end in enumerate(ends) if end > at and end - HEAD - len(chunks[number].data) < at + size
        }
        others = [chunk for number, chunk in enumerate(chunks) if number not in touched]
        known = set(others)
        assert [chunk for chunk in found if chunk in known] == others
        assert recording.damage.notes
        assert len(chunks) - len(touched) <= len(found) == len(chunks) - recording.damage.missing


def test_random_bytes_after_the_magic_never_raise(tmp_path):
    source = random.Random(6)
    data, _ = record(tmp_path / "whole.mcap", chunks_of([10]), finish=False)
    for _ in range(200):
        recording, found = read(tmp_path / "noise.mcap", data[:80] + source.randbytes(source.randrange(5000)))
        assert found == []
        assert recording.damage.discarded > 0 or len(recording.damage.notes) == 1


def test_hostile_lengths_take_neither_memory_nor_time(tmp_path):
    data, ends = record(tmp_path / "whole.mcap", chunks_of([10, 10, 10]), finish=False)
    second = ends[0]
    for length in (2**64 - 1, 2**63, 2**40, 16 * 2**20 + 23, 22, 21, 0):
        changed = data[: second + 1] + length.to_bytes(8, "little") + data[second + 9 :]
        recording, found = read(tmp_path / "hostile.mcap", changed)
        assert [found[0].data, found[-1].data] == [chunk.data for chunk in chunks_of([10, 10, 10])[::2]]
        assert recording.damage.discarded > 0


def test_a_recording_recorded_is_not_mistaken_for_the_one_it_is_in(tmp_path):
    inner, _ = record(tmp_path / "inner.mcap", chunks_of([300] * 3000), finish=True)
    parts = [Chunk(LINK, inner[at : at + 60_000], START + at) for at in range(0, len(inner), 60_000)]
    outer, ends = record(tmp_path / "outer.mcap", parts, finish=False)
    recording, found = read(tmp_path / "cut.mcap", outer[: ends[-1]])
    assert found == parts
    assert recording.span == (parts[0].received_ns, parts[-1].received_ns)
    assert list(recording.chunks(parts[7].received_ns)) == parts[7:]
