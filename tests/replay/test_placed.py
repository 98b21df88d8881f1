"""Places of a recording: reading on from one gives exactly what came after it, whatever the times and the damage."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.chunk import Chunk
from replay.formats.mcap import McapRecording
from replay.recorder import Recorder
from replay.recording import RecordedLink, open_recording

LINKS = {name: RecordedLink("osx", "cobs") for name in ("a", "b")}
FLIGHTS = (
    "carleton/july_12th.mission",
    "cats_euroc23/11_faraday/main.cfl",
    "psas_packet/simple_logfile",
    "sat_wav/gomx_1.wav",
)

times = st.lists(st.integers(-(10**10), 10**10), min_size=1, max_size=60)


def recorded(path: Path, gaps: list[int], size: int = 3) -> McapRecording:
    """Chunks of two links whose times repeat and step back."""
    path.unlink(missing_ok=True)
    at = 1_790_000_000_000_000_000
    with Recorder(path, campaign="", definitions={}, links=LINKS, synthetic=True, software="a test") as recorder:
        for number, gap in enumerate(gaps):
            at += gap
            recorder.write(Chunk("ab"[number % 2], number.to_bytes(2, "big") * size, at))
    return McapRecording(path)


def same_from_every_place(recording: McapRecording) -> None:
    whole = list(recording.placed())
    assert [chunk for chunk, _ in whole] == list(recording.chunks())
    places = [0, *(place for _, place in whole)]
    assert places == sorted(set(places))
    for number, place in enumerate(places):
        assert list(recording.placed(place)) == whole[number:]


@given(gaps=times)
def test_a_recording_is_read_on_from_any_place(tmp_path_factory: pytest.TempPathFactory, gaps: list[int]) -> None:
    same_from_every_place(recorded(tmp_path_factory.getbasetemp() / "placed.mcap", gaps))


@given(seed=st.randoms(use_true_random=False))
def test_a_damaged_one_too(tmp_path_factory: pytest.TempPathFactory, seed) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.mcap"
    recorded(path, [10**8] * 40, size=20)
    data = bytearray(path.read_bytes())
    begin = data.index(b"\0\0" * 20)
    for _ in range(seed.randint(1, 6)):
        data[seed.randrange(begin, len(data))] ^= 1 << seed.randrange(8)
    path.write_bytes(data[: seed.randrange(begin + 100, len(data) + 1)])
    same_from_every_place(McapRecording(path))


@pytest.mark.parametrize("name", FLIGHTS)
def test_recordings_of_other_formats_are_read_on_from_a_place(name: str, data: Path) -> None:
    recording = open_recording(data / name)
    whole = list(recording.placed())
    assert [chunk for chunk, _ in whole] == list(recording.chunks())
    for number in (1, len(whole) // 3, len(whole) - 1):
        assert list(recording.placed(whole[number - 1][1])) == whole[number:]


def test_a_twin_has_damage_of_its_own(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "cut.mcap", [10**8] * 10)
    path = recording.path
    path.write_bytes(path.read_bytes()[:-40])
    recording = McapRecording(path)
    twin = recording.twin()
    whole = list(recording.chunks())
    found = list(recording.damage.notes)
    assert found
    assert list(twin.placed(next(twin.placed())[1])) == list(recording.placed())[1:]
    assert len(whole) == 10
    assert recording.damage.notes == found == twin.damage.notes
    assert recording.damage is not twin.damage
