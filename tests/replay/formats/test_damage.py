"""Whatever happens to a file: no exception, every byte accounted for, times that never go back."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replay.formats.cfl import FlightLog
from replay.formats.mission import Mission
from replay.formats.psas import PsasLog
from replay.formats.ubx import GnssStream
from replay.recording import Recording

FORMATS: dict[str, tuple[type[Recording], int]] = {
    "carleton/hybrid_flight_data.mission": (Mission, 2),
    "cats_euroc23/07_aesir/main_1.cfl": (FlightLog, 1),
    "psas_packet/simple_logfile": (PsasLog, 1),
    "gnss_ubx/pygpsdata-MIXED.log": (GnssStream, 1),
}
"""The format, and the bytes in the file for each byte delivered."""

PIECE = 20_000

changes = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, PIECE - 1), st.integers(0, 7)),
        st.tuples(st.just("cut"), st.integers(0, PIECE), st.just(0)),
        st.tuples(st.just("drop"), st.integers(0, PIECE), st.integers(1, 200)),
        st.tuples(st.just("put"), st.integers(0, PIECE), st.binary(min_size=1, max_size=60)),
        st.tuples(st.just("twice"), st.integers(0, PIECE), st.integers(1, 3000)),
    ),
    max_size=6,
)


def damaged(piece: bytes, steps) -> bytes:
    for kind, at, what in steps:
        if kind == "flip" and at < len(piece):
            piece = piece[:at] + bytes([piece[at] ^ 1 << what]) + piece[at + 1 :]
        elif kind == "cut":
            piece = piece[:at]
        elif kind == "drop":
            piece = piece[:at] + piece[at + what :]
        elif kind == "put":
            piece = piece[:at] + what + piece[at:]
        elif kind == "twice":
            piece = piece[: at + what] + piece[at:]
    return piece


def check(path: Path, made: type[Recording], factor: int, decoded) -> None:
    recording = made(path)
    chunks = list(recording.chunks())
    delivered = sum(len(chunk.data) for chunk in chunks)
    size = path.stat().st_size
    assert size == factor * delivered + recording.overhead + recording.damage.discarded
    assert all(chunk.data for chunk in chunks)
    assert (np.diff([chunk.received_ns for chunk in chunks]) >= 0).all()
    assert list(recording.chunks()) == chunks  # reading twice counts once
    assert size == factor * delivered + recording.overhead + recording.damage.discarded
    assert bool(recording.damage.discarded) <= bool(recording.damage.notes)
    decoded(recording, chunks)


@pytest.mark.parametrize("name", FORMATS)
@given(steps=changes, start=st.integers(0, 3))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_real_files_damaged(tmp_path_factory, data, decoded, name, steps, start):
    made, factor = FORMATS[name]
    whole = (data / name).read_bytes()
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(damaged(whole[start * PIECE : (start + 1) * PIECE] or whole, steps))
    check(path, made, factor, decoded)


@pytest.mark.parametrize(("made", "factor"), FORMATS.values(), ids=lambda each: getattr(each, "__name__", ""))
@given(content=st.binary(max_size=3000))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_any_bytes(tmp_path_factory, decoded, made, factor, content):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    made.recognise(content[:4096])
    check(path, made, factor, decoded)


@pytest.mark.parametrize("name", [name for name, (made, _) in FORMATS.items() if made is not Mission])
@given(steps=changes, size=st.integers(1, 5000))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_blocks_of_any_size_give_the_same(tmp_path_factory, data, name, steps, size):
    """Where the reader's blocks end changes nothing but where a chunk of records is cut."""
    made, _ = FORMATS[name]
    path = tmp_path_factory.getbasetemp() / "blocks"
    path.write_bytes(damaged((data / name).read_bytes()[:PIECE], steps))
    recording, module = made(path), sys.modules[made.__module__]
    whole, discarded = b"".join(chunk.data for chunk in recording.chunks()), recording.damage.discarded
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_BYTES", size)
        assert b"".join(chunk.data for chunk in recording.chunks()) == whole
    assert recording.damage.discarded == discarded


@pytest.mark.parametrize("name", FORMATS)
def test_cut_short(tmp_path, data, decoded, name):
    """A recording cut anywhere gives what came before the cut."""
    made, factor = FORMATS[name]
    whole = (data / name).read_bytes()
    complete = b"".join(chunk.data for chunk in made(data / name).chunks())
    path = tmp_path / "cut"
    for cut in range(0, min(len(whole), 5000), 131):
        path.write_bytes(whole[:cut])
        recording = made(path)
        got = b"".join(chunk.data for chunk in recording.chunks())
        assert complete.startswith(got)
        assert cut == factor * len(got) + recording.overhead + recording.damage.discarded
        assert recording.damage.discarded < 600  # one packet, line or record
