"""Files of samples as recordings: found by content, chunks that lie within captures, times, what is not known."""

import shutil
import wave
from pathlib import Path

import numpy as np
import orjson
import pytest

from protocols.errors import NotARecording
from protocols.signal import Signal
from replay.formats.iq import RawSamples
from replay.formats.sigmf import SigmfRecording
from replay.formats.wav import WavRecording
from replay.player import Player
from replay.recording import RecordedLink, TimeBase, open_recording


def test_every_real_wav_file_is_found_by_content_whatever_its_name(data: Path, tmp_path: Path) -> None:
    paths = sorted((data / "sat_wav").glob("*.wav"))
    assert len(paths) >= 30
    for path in paths:
        copy = shutil.copy(path, tmp_path / "nameless")
        recording = open_recording(copy)
        assert isinstance(recording, WavRecording)
        assert recording.links == {"samples": RecordedLink("", "datagram", Signal("ri16_le", 48_000.0))}
        chunks = list(recording.chunks())
        with wave.open(str(path)) as truth:
            frames, rate = truth.getnframes(), truth.getframerate()
            assert b"".join(each.data for each in chunks) == truth.readframes(frames)
        assert recording.time_base is TimeBase.VEHICLE
        assert recording.span == (chunks[0].received_ns, chunks[-1].received_ns)
        assert recording.span[1] == round((frames - 1) * 1e9 / rate)
        assert any("not known" in each for each in recording.assumed)


def test_times_count_samples_whatever_the_chunk(tmp_path: Path) -> None:
    path = tmp_path / "g001_433.92M_250k.cu8"
    path.write_bytes(np.arange(500_000, dtype="<u4").tobytes()[:1_000_001])
    recording = open_recording(path)
    assert isinstance(recording, RawSamples)
    assert recording.links["samples"].signal == Signal("cu8", 250e3, 433.92e6)
    count = 0
    for chunk in recording.chunks():
        count += len(chunk.data) // 2
        assert chunk.received_ns == round((count - 1) * 1e9 / 250e3)
    assert count == 500_000
    assert recording.damage.discarded == 1


def sigmf_of(folder: Path) -> Path:
    """Two captures a minute apart, the second after 3,001 samples."""
    meta = folder / "pass.sigmf-meta"
    captures = [
        {"core:sample_start": 0, "core:datetime": "2024-05-17T12:00:00Z"},
        {"core:sample_start": 3001, "core:datetime": "2024-05-17T12:01:00Z"},
    ]
    told = {"core:datatype": "ci16_le", "core:sample_rate": 48_000, "core:version": "1.2.0"}
    meta.write_bytes(orjson.dumps({"global": told, "captures": captures, "annotations": []}))
    meta.with_suffix(".sigmf-data").write_bytes(bytes(4 * 10_000))
    return meta


def test_a_chunk_lies_within_one_capture_and_a_player_waits_through_the_gap(tmp_path: Path) -> None:
    recording = open_recording(sigmf_of(tmp_path))
    assert isinstance(recording, SigmfRecording)
    chunks = list(recording.chunks())
    sizes = [len(each.data) // 4 for each in chunks]
    assert sum(sizes[:4]) == 3001
    gap_ns = chunks[4].received_ns - chunks[3].received_ns
    assert gap_ns == pytest.approx(60e9 - 3000 / 48e3 * 1e9 + (sizes[4] - 1) / 48e3 * 1e9, abs=2)
    player = Player(recording.placed(), recording.span[0])
    player.play(0.0)
    assert len(player.due(30.0)) == 4
    assert player.next_deadline() == pytest.approx((chunks[4].received_ns - chunks[0].received_ns) / 1e9)


def test_a_file_that_became_shorter_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    meta = sigmf_of(tmp_path)
    recording = open_recording(meta)
    with meta.with_suffix(".sigmf-data").open("r+b") as file:
        file.truncate(4 * 5_000 + 2)
    chunks = list(recording.chunks())
    assert sum(len(each.data) for each in chunks) == 4 * 5_000
    assert "shorter" in recording.damage.notes[0]
    assert chunks[-1].received_ns == recording.file.captures[1].start_ns + round((5_000 - 3_001 - 1) * 1e9 / 48e3)


def test_names_that_tell_too_little_say_what_to_do(tmp_path: Path) -> None:
    for name, text in {"a.iq": "format=", "a.cu8": "rate=", "a.wav": "WAV", "a.sigmf": "tar -xf"}.items():
        (tmp_path / name).write_bytes(bytes(100))
        with pytest.raises(NotARecording, match=text):
            open_recording(tmp_path / name)


def test_other_files_are_not_taken_for_samples(data: Path) -> None:
    for path in sorted(each for each in data.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            head = b"" if path.suffix == ".wav" else file.read(4096)
        assert not WavRecording.recognise(head), path
        assert not SigmfRecording.recognise(head), path
