"""Recordings cut and flipped anywhere: what is whole before a cut comes back, and no byte is wrong in silence."""

import os
import random
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.chunk import Chunk
from protocols.errors import NotARecording
from replay.formats.mcap import McapRecording
from replay.recorder import Recorder
from replay.recording import RecordedLink
from replay.recovery import recover

START = 1_790_000_000_000_000_000
HEAD = 31
"""Bytes of a message record before its data (MCAP: Message)."""
EVERY_CUT = "GROUNDSTATION_EVERY_CUT" in os.environ
"""Whether each of the 65,536 cuts is made, in three minutes; else of a finished recording all of the last 4 KiB, and
each 61st of all others."""


def written(path: Path, count: int, size: int, *, finish: bool) -> tuple[list[Chunk], list[int]]:
    """A recording; its chunks, and where each one's record ends."""
    source = random.Random(3)
    chunks = [
        Chunk("a", source.randbytes(source.randrange(size)), START + number * 10_000_000) for number in range(count)
    ]
    made = Recorder(
        path, campaign="", definitions={}, links={"a": RecordedLink("osx")}, synthetic=False, software="test"
    )
    ends = []
    for chunk in chunks:
        before = made.position
        made.write(chunk)
        ends.append(before + HEAD + len(chunk.data))
    if finish:
        made.close()
    else:
        made._file._file.close()
    return chunks, ends


def torn(data: bytes, size: int) -> int:
    """Bytes of the record a cut goes through, found by walking the whole file's record lengths from its start."""
    at = 8
    while at + 9 + int.from_bytes(data[at + 1 : at + 9], "little") <= size:
        at += 9 + int.from_bytes(data[at + 1 : at + 9], "little")
    return size - at


@pytest.mark.parametrize("finish", [True, False])
def test_cut_at_any_byte_of_its_last_64_kib_everything_before_the_cut_record_comes_back(tmp_path, finish):
    path = tmp_path / "cut.mcap"
    chunks, ends = written(path, 150, 1800, finish=finish)
    data = path.read_bytes()
    cuts: Sequence[int] = range(len(data) - 1, len(data) - 65_537, -1)
    if not EVERY_CUT:
        cuts = [*cuts[:4096], *cuts[4096::61]] if finish else cuts[::61]
    assert ends[0] < cuts[-1]
    with path.open("rb+") as file:
        for cut in cuts:
            file.truncate(cut)
            recording = McapRecording(path)
            whole = bisect_right(ends, cut)
            assert list(recording.chunks()) == chunks[:whole], f"cut at {cut}"
            assert recording.span == (START, chunks[whole - 1].received_ns)
            assert recording.damage.missing == 0
            assert recording.damage.notes
            if cut < ends[-1]:
                assert recording.damage.discarded == torn(data, cut), f"cut at {cut}"


def test_a_cut_recording_is_repaired_to_the_cut(tmp_path):
    path = tmp_path / "cut.mcap"
    chunks, ends = written(path, 150, 1800, finish=True)
    data = path.read_bytes()
    end = data.rindex(b"\x0f\x04" + bytes(7)) + 13  # of the record DataEnd: after it only what finds things follows
    for cut in range(len(data) - 1, len(data) - 65_537, -701):
        path.write_bytes(data[:cut])
        made = recover(path)
        assert made.path is not None
        whole = bisect_right(ends, cut)
        assert list(McapRecording(made.path).chunks()) == chunks[:whole]
        assert made.survey.messages == {"raw/a": whole}
        assert made.survey.bytes_lost == (0 if cut >= end else torn(data, cut))
        made.path.unlink()


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, tuple[bytes, list[Chunk], list[int]]]:
    """A finished and an unfinished recording: bytes, chunks, where each ends."""
    folder = tmp_path_factory.mktemp("whole")
    made = {}
    for finish in (True, False):
        path = folder / f"{finish}.mcap"
        chunks, ends = written(path, 450, 100, finish=finish)
        made[finish] = path.read_bytes(), chunks, ends
    return made


def never_wrong_in_silence(path: Path, data: bytes, chunks: list[Chunk], ends: list[int]) -> None:
    """A changed file opens or is refused; a chunk that is not as written, or is not there, is within what is said."""
    path.write_bytes(data)
    try:
        recording = McapRecording(path)
    except NotARecording:
        return
    found = list(recording.chunks())
    said = [note for note in recording.damage.notes if not note.startswith("not closed")]
    proven = recording.contents.index.end() or 0
    if not recording.finished and not said:
        # nothing was found wrong: then all that has a checksum is right, and the rest was said to have none
        assert "without a checksum to prove them" in recording.damage.notes[0]
        whole = bisect_right(ends, proven)
        assert found[:whole] == chunks[:whole]
    elif not said:
        assert found == chunks


@pytest.mark.parametrize("finish", [True, False])
def test_a_bit_flipped_anywhere_is_never_taken_for_what_was_written(tmp_path, wholes, finish):
    data, chunks, ends = wholes[finish]
    source = random.Random(11)
    for at in range(source.randrange(31), len(data), 31):
        changed = bytearray(data)
        changed[at] ^= 1 << source.randrange(8)
        never_wrong_in_silence(tmp_path / "flipped.mcap", bytes(changed), chunks, ends)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_any_number_of_bits_flipped_neither(tmp_path, wholes, data):
    whole, chunks, ends = wholes[data.draw(st.booleans())]
    changed = bytearray(whole)
    for bit in data.draw(st.lists(st.integers(0, len(whole) * 8 - 1), min_size=1, max_size=40)):
        changed[bit // 8] ^= 1 << bit % 8
    never_wrong_in_silence(tmp_path / "flipped.mcap", bytes(changed), chunks, ends)
