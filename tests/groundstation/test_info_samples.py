"""``groundstation info`` of recordings with samples: what they are, how long, when, and what nobody knows."""

import json
from pathlib import Path
from typing import Any

import pytest

from groundstation.cli import main
from protocols.chunk import Chunk
from protocols.signal import Signal
from replay.recorder import Recorder
from replay.recording import RecordedLink
from replay.sample_file import elapsed_ns

START = 1_790_000_000_000_000_000
SIGNAL = Signal("cu8", 2.4e6, 437.5e6)


def told(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What it says of a file."""
    assert main(["info", str(path), "--json"]) == 0
    known: dict[str, Any] = json.loads(capsys.readouterr().out)
    return known


def test_a_real_wav_file(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(data / "sat_wav" / "gomx_1.wav", capsys)
    text = "audio ri16_le, 48,000 samples/s, frequency not known, 142,968 samples, 2.978 s"
    assert (found["format"], found["begins"], found["links"]) == ("WAV", "not known", {"samples": text})
    assert found["duration_s"] == pytest.approx(142_967 / 48_000, abs=1e-8)
    assert "not known" in found["assumed"][0]


def test_a_recording_of_a_radio_and_its_samples_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    links = {"radio": RecordedLink("osx", "cobs", SIGNAL), "wire": RecordedLink("osx", "cobs")}
    made = Recorder(tmp_path / "hop.mcap", campaign="", definitions={}, links=links, synthetic=True, software="test 1")
    with made:
        for number in range(10):
            made.write(Chunk("radio", bytes(96_000), START + elapsed_ns((number + 1) * 48_000 - 1, 2.4e6)))
            made.write(Chunk("wire", bytes(10), START + elapsed_ns((number + 1) * 48_000, 2.4e6)))
    samples = "IQ cu8, 2,400,000 samples/s, 437.500000 MHz, 480,000 samples, 0.200 s; osx, framing cobs"
    found = told(made.path, capsys)
    assert found["links"] == {"radio": samples, "wire": "osx, framing cobs"}
    assert (found["begins"], found["bytes"]) == ("2026-09-21T14:13:20.000+00:00", 960_100)
    found = told(tmp_path / "hop.radio.sigmf-meta", capsys)
    assert found["links"] == {"radio": samples}
    assert (found["format"], found["begins"]) == ("SigMF", "2026-09-21T14:13:20.000+00:00")
    assert found["duration_s"] == pytest.approx(0.2, abs=1e-6)


def test_a_radio_link_is_told_in_the_words_that_decode_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = {"modem": {"kind": "fsk", "baud": 9600.0, "deviation": 3000.0}, "framing": ["hdlc", {"kind": "usp"}]}
    framing = {"kind": "radio", "signal": SIGNAL.as_dict(), "transmitters": [sent], "transfer_frames": "tm"}
    links = {"radio": RecordedLink("osx", framing, SIGNAL)}
    Recorder(tmp_path / "hop.mcap", campaign="", definitions={}, links=links, synthetic=True, software="test 1").close()
    text = told(tmp_path / "hop.radio.sigmf-meta", capsys)["links"]["radio"]
    assert text.endswith("; osx, framing fsk:9600?deviation=3000 hdlc usp, transfer_frames tm")


def test_what_a_file_says_of_itself_does_not_reach_the_terminal_as_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J"
    own = {"groundstation:link": evil, "groundstation:vehicle": evil, "groundstation:framing": evil}
    meta = {"global": {"core:datatype": "cu8", "core:sample_rate": 48_000, **own}, "captures": []}
    (tmp_path / "x.sigmf-meta").write_text(json.dumps(meta))
    (tmp_path / "x.sigmf-data").write_bytes(bytes(960))
    for command, status in (("info", 0), ("decode", 1)):
        assert main([command, str(tmp_path / "x.sigmf-meta")]) == status
        said = capsys.readouterr()
        assert r"\x1b]0;owned\x07" in said.out + said.err
        assert "\x1b" not in said.out + said.err
