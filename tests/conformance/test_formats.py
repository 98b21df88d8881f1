"""What holds for every recording format there is, on every real file it claims; a new one is tested here first."""

import itertools
import random
from pathlib import Path

import pytest

from protocols.errors import TelemetryError
from replay.recording import HEAD_BYTES, formats, open_recording

CHUNKS = 400
"""As many are looked at of each file."""
DAMAGES = 6


def claimed(data: Path) -> dict[str, list[Path]]:
    """The real files that each format knows by their content."""
    found: dict[str, list[Path]] = {name: [] for name in formats()}
    for path in sorted(each for each in data.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        own = [name for name, made in formats().items() if made.recognise(head)]
        assert len(own) < 2, f"{path} is claimed by {own}"
        for name in own:
            found[name].append(path)
    return found


@pytest.fixture(scope="module")
def files(data: Path) -> dict[str, list[Path]]:
    """Those, once for all tests."""
    return claimed(data)


def some(paths: list[Path], most: int = 5) -> list[Path]:
    """A few of many files, the small ones first."""
    return sorted(paths, key=lambda path: path.stat().st_size)[:: max(1, len(paths) // most)][:most]


def test_no_real_file_is_claimed_by_two_formats(files):
    assert sum(map(len, files.values())) > 100


@pytest.mark.parametrize("name", formats())
def test_it_says_what_it_is(name):
    made = formats()[name]
    assert made.title
    assert made.__doc__
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in made.suffixes)


@pytest.mark.parametrize("name", formats())
def test_it_knows_nothing_in_noise(name):
    made, source = formats()[name], random.Random(7)
    for size in (1, 2, 3, 4, 16, 100, 1000, HEAD_BYTES):
        assert not made.recognise(bytes(size)), size
        assert not made.recognise(b"\xff" * size), size
        for _ in range(30):
            assert not made.recognise(source.randbytes(size)), size
            assert not made.recognise(bytes(source.choices(b"abcdefghij \n0123456789", k=size))), size


@pytest.mark.parametrize("name", formats())
def test_reading_it_twice_and_from_a_place_gives_the_same(name, files):
    for path in some(files[name]):
        try:
            recording = open_recording(path)
        except TelemetryError:
            continue
        placed = list(itertools.islice(recording.placed(), CHUNKS))
        chunks = [chunk for chunk, _ in placed]
        assert list(itertools.islice(recording.chunks(), CHUNKS)) == chunks, path
        assert all(chunk.link in recording.links and chunk.data for chunk in chunks)
        assert all(before < after for (_, before), (_, after) in itertools.pairwise(placed))
        if len(placed) > 2:
            middle = len(placed) // 2
            again = itertools.islice(recording.placed(placed[middle][1]), len(placed) - middle - 1)
            assert list(again) == placed[middle + 1 :], path
        first, last = recording.span
        assert not chunks or first <= chunks[0].received_ns <= last or recording.links[chunks[0].link].signal


@pytest.mark.parametrize("name", formats())
def test_from_a_time_on_it_gives_what_came_from_then_on(name, files):
    for path in some(files[name], 2):
        try:
            recording = open_recording(path)
        except TelemetryError:
            continue
        chunks = list(itertools.islice(recording.chunks(), CHUNKS))
        if len(chunks) < 3 or recording.links[chunks[0].link].signal is not None:
            continue
        start = chunks[len(chunks) // 2].received_ns
        found = next(recording.chunks(start))
        assert found == next(chunk for chunk in chunks if chunk.received_ns >= start)


@pytest.mark.parametrize("name", formats())
def test_no_damage_raises_anything_but_what_is_meant_for_people(name, files, tmp_path):
    source = random.Random(11)
    for path in [each for each in some(files[name], 3) if each.stat().st_size < 2_000_000]:
        whole = path.read_bytes()
        for number in range(DAMAGES):
            data = bytearray(whole)
            for _ in range(1 + number * 3):
                at = source.randrange(len(data))
                data[at] ^= 1 << source.randrange(8)
            cut = bytes(data[: source.randrange(1, len(data) + 1)] if number % 2 else data)
            damaged = tmp_path / path.name
            damaged.write_bytes(cut)
            try:
                recording = open_recording(damaged)
                read = list(itertools.islice(recording.chunks(), CHUNKS))
                assert all(chunk.data for chunk in read)
                recording.events()
            except TelemetryError:
                continue
