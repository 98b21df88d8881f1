"""``groundstation decode`` of samples and of transfer frames, as a command: what stands on which stream, against truth
that other programs made, and what it says to those who ask for what cannot be.
"""

import csv
import json
import os
import pty
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundstation.cli import main
from tests.protocols.modem.recordings import truth

DECODE = [sys.executable, "-m", "groundstation", "decode"]
DEEP_SPACE = "ccsds_frames_deepspace"
HERA = "Hera_hera_low_rate_frames_2024_10_07_16_24_20.u8"
PSYCHE = "Psyche_Psyche_2023-10-13T15_51_16_128ksps_low_rate_frames.u8"
IDLE_APID = "2047"


def decode(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    """The command, in a process of its own; whatever it is told, it leaves no traceback."""
    done = subprocess.run([*DECODE, *map(str, arguments)], capture_output=True, check=False, timeout=600)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def told(*arguments: object) -> dict[str, Any]:
    """What it says as JSON."""
    done = decode(*arguments, "--json")
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def hex_lines(done: subprocess.CompletedProcess[bytes]) -> list[bytes]:
    return [bytes.fromhex(line) for line in done.stdout.decode("ascii").splitlines()]


def kiss_frames(stream: bytes) -> list[bytes]:
    """Data frames of port 0 (M. Chepponis, P. Karn, "The KISS TNC", 1987)."""
    found = []
    for piece in stream.split(b"\xc0"):
        if piece:
            assert piece[0] == 0x00
            body = piece[1:].replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
            assert not piece.replace(b"\xdb\xdc", b"").replace(b"\xdb\xdd", b"").count(b"\xdb")
            found.append(body)
    return found


def wav(data: Path, name: str) -> Path:
    return data / "sat_wav" / f"{name}.wav"


# -- frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "known_as"), [("gomx_3", "GOMX-3"), ("ao73", "39444"), ("delphini1", "delphini 1")])
def test_frames_are_lines_of_hexadecimal_on_standard_output(data: Path, name: str, known_as: str) -> None:
    done = decode(wav(data, name), "--satellite", known_as)
    assert done.returncode == 0
    found = hex_lines(done)
    assert Counter(truth(data, name)) <= Counter(found)
    assert f" in {len(found)} frames + " in done.stderr.decode()


def test_modem_and_framing_do_as_well_as_a_name_and_several_framings_are_tried(data: Path) -> None:
    framings = "--framing", "hdlc?g3ruh=true", "--framing", "ax100_golay"
    done = decode(wav(data, "ty_2"), "--modem", "fsk:9600", *framings)
    assert Counter(truth(data, "ty_2")) <= Counter(hex_lines(done))
    done = decode(wav(data, "swiatowid-ax25"), "--modem", "afsk:1200?tones=2200,1200", "--framing", "hdlc")
    assert set(truth(data, "swiatowid-ax25")) <= set(hex_lines(done))


def test_what_info_writes_of_a_satellite_can_be_said_instead_of_its_name(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", "--satellite", "TRISAT", "--json"]) == 0
    [sent] = json.loads(capsys.readouterr().out)["transmitters"]
    [framing] = sent["framings"]
    done = decode(wav(data, "trisat"), "--modem", sent["modem"], "--framing", framing)
    assert Counter(truth(data, "trisat")) <= Counter(hex_lines(done))


def test_kiss_holds_the_same_frames(data: Path) -> None:
    done = decode(wav(data, "gomx_3"), "--satellite", "GOMX-3", "--frames", "kiss")
    found = kiss_frames(done.stdout)
    assert Counter(truth(data, "gomx_3")) <= Counter(found)
    assert f" in {len(found)} frames + " in done.stderr.decode()
    assert any(b"\xc0" in frame or b"\xdb" in frame for frame in found)


def test_kiss_does_not_go_to_a_terminal(data: Path) -> None:
    leader, follower = pty.openpty()
    try:
        command = [*DECODE, str(wav(data, "gomx_1")), "--satellite", "GOMX-1", "--frames", "kiss"]
        done = subprocess.run(command, stdout=follower, stderr=subprocess.PIPE, check=False, timeout=600)
        assert done.returncode == 1
        assert "would upset the terminal; send it to a file or a program" in done.stderr.decode()
        os.set_blocking(leader, False)
        with pytest.raises(BlockingIOError):
            os.read(leader, 1)
    finally:
        os.close(leader)
        os.close(follower)


def test_only_counts_where_no_frames_are_wanted(data: Path) -> None:
    done = decode(wav(data, "gomx_1"), "--satellite", "GOMX-1", "--frames", "none")
    assert (done.returncode, done.stdout) == (0, b"")
    assert " in 1 frames + " in done.stderr.decode()


def test_noise_gives_no_frame_and_status_1(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).normal(0, 3000, 200_000).astype("<i2")
    with wave.open(str(tmp_path / "noise.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(noise.tobytes())
    done = decode(tmp_path / "noise.wav", "--satellite", "GOMX-3")
    assert (done.returncode, done.stdout) == (1, b"")
    assert " in 0 frames + 400,000 discarded + 0 pending" in done.stderr.decode()
    assert "no frames: is this its modem, symbol rate and framing?" in done.stderr.decode()


# -- JSON and values -------------------------------------------------------------------------------------------------


def test_json_holds_frames_values_and_a_ledger_that_balances(data: Path) -> None:
    file = wav(data, "gomx_3")
    found = told(file, "--satellite", "GOMX-3")
    assert set(truth(data, "gomx_3")) <= {bytes.fromhex(each["hex"]) for each in found["frames"]}
    link = found["links"]["samples"]
    assert link["bytes_in"] == file.stat().st_size - 44
    assert link["bytes_in"] == link["frame_bytes"] + link["discarded"] + link["pending"]
    assert link["frames"] == len(found["frames"])
    times = [each["received_ns"] for each in found["frames"]]
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] <= link["bytes_in"] // 2 / 48_000 * 1e9
    assert found["values"]["beacon_adcs.header.csp.source"] == {"value": 4, "unit": ""}
    assert found["radio"]["samples"]["transmitters"][0]["frames"] == link["frames"]


def test_values_of_a_satellite_with_a_vehicle_go_to_a_table(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    done = decode(wav(data, "gomx_1"), "--satellite", "GOMX-1", "--to", target, "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["packets"] == {"beacon_a": 1}
    with target.open(newline="", encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert (row["packet"], row["valid"]) == ("beacon_a", "1")
    [frame] = truth(data, "gomx_1")
    header = int.from_bytes(frame[:4], "big")  # of CSP 1
    assert int(row["beacon_a.header.csp.source"]) == header >> 25 & 31
    assert int(row["beacon_a.header.csp.destination_port"]) == header >> 14 & 63


# -- samples that do not say what they are ---------------------------------------------------------------------------


def test_raw_iq_is_what_is_said_of_it(data: Path, tmp_path: Path) -> None:
    """The audio of an FM receiver, on a carrier again 3 kHz off the middle, as an RTL-SDR gives it."""
    with wave.open(str(wav(data, "us01"))) as file:
        audio = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    rate, times = 240_000, np.arange(5 * len(audio)) / 5
    frequency = 3_000 + 6_000 * np.interp(times, np.arange(len(audio)), audio) / np.abs(audio).max()
    turned = np.exp(2j * np.pi * np.cumsum(frequency) / rate)
    parts = np.column_stack((turned.real, turned.imag))
    (tmp_path / "pass.bin").write_bytes(np.round(127.5 + 100 * parts).astype(np.uint8).tobytes())
    stated = "--samples", "cu8:240k?frequency=437.505M", "--modem", "fsk:9600?carrier=3000", "--framing"
    found = told(tmp_path / "pass.bin", *stated, "hdlc?g3ruh=true")
    assert [bytes.fromhex(each["hex"]) for each in found["frames"]] == truth(data, "us01")
    signal = {"samples": "cu8", "rate": 240e3, "frequency": 437.505e6}
    assert found["radio"]["samples"]["signal"] == signal
    assert found["links"]["samples"]["bytes_in"] == 2 * len(times)
    done = decode(tmp_path / "pass.bin", *stated[2:], "hdlc?g3ruh=true")
    assert done.returncode == 1
    assert b"say what its samples are, as --samples cu8:2.4M" in done.stderr


def test_why_a_file_of_samples_cannot_be_read_is_said_also_to_who_says_how(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meta = tmp_path / "x.sigmf-meta"
    (tmp_path / "x.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    meta.write_text('{"global": {"core:datatype": "cu8", "core:sample_rate": 0, "core:dataset": "../x"}}')
    for name, problem in (("x.wav", "it has no data chunk"), (meta.name, "the name of a file beside it")):
        assert main(["decode", str(tmp_path / name), "--satellite", "GOMX-1"]) == 1
        assert problem in capsys.readouterr().err


def test_samples_that_are_no_numbers_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = np.full(48_000, np.nan, "<f4")
    samples[::4] = 0
    (tmp_path / "nan.bin").write_bytes(samples.tobytes())
    stated = "--samples", "rf32:48k", "--modem", "fsk:9600", "--framing", "hdlc"
    assert main(["decode", str(tmp_path / "nan.bin"), *stated]) == 1
    assert "36,000 samples were no numbers and taken as 0" in capsys.readouterr().err


# -- transfer frames -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), [(HERA, "tm"), (PSYCHE, "aos")])
def test_transfer_frames_give_the_packets_of_each_application(data: Path, name: str, kind: str) -> None:
    truths = json.loads((data / DEEP_SPACE / "truth.json").read_text())
    [wanted] = [each for each in truths if each["file"] == name]
    framing = f"fixed?frame_length={wanted['frame_len']}"
    found = told(data / DEEP_SPACE / name, "--framing", framing, "--transfer-frames", kind, "--frames", "none")
    [scid] = wanted["scid"]
    [link] = found["links"].values()
    channels = {path.removeprefix(f"{kind}/{scid}/"): each for path, each in link["virtual_channels"].items()}
    assert {vcid: each["frames"] for vcid, each in channels.items()} == wanted["vcid"]
    assert {vcid: each["apids"] for vcid, each in channels.items() if each["apids"]} == wanted["space_packets_if_M_PDU"]
    for vcid, counter in wanted["vc_counter"].items():
        assert (channels[vcid]["gaps"], channels[vcid]["missing"]) == (counter["gaps"], counter["missing"])
    assert link["transfer_frames"] == wanted["frames"]


def test_packets_out_of_transfer_frames_are_the_frames_then(data: Path) -> None:
    file = data / DEEP_SPACE / PSYCHE
    done = decode(file, "--framing", "fixed?frame_length=1113", "--transfer-frames", "aos")
    packets = hex_lines(done)
    apids = Counter(str(int.from_bytes(packet[:2], "big") & 0x7FF) for packet in packets)
    assert all(len(packet) == int.from_bytes(packet[4:6], "big") + 7 for packet in packets)
    truths = json.loads((data / DEEP_SPACE / "truth.json").read_text())
    [wanted] = [each["space_packets_if_M_PDU"]["0"] for each in truths if each["file"] == PSYCHE]
    assert apids == {apid: count for apid, count in wanted.items() if apid != IDLE_APID}


def test_transfer_frames_of_another_kind_are_said_to_be_malformed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, framing = str(data / DEEP_SPACE / PSYCHE), ("--framing", "fixed?frame_length=1113")
    assert main(["decode", file, *framing, "--transfer-frames", "tm"]) == 1
    said = capsys.readouterr()
    truths = json.loads((data / DEEP_SPACE / "truth.json").read_text())
    [wanted] = [each["frames"] for each in truths if each["file"] == PSYCHE]
    assert (said.out, f"{wanted:,} malformed frames" in said.err) == ("", True)
    assert main(["decode", file, "--transfer-frames", "aos"]) == 1
    assert "say how its bytes are framed, as --framing fixed?frame_length=1115" in capsys.readouterr().err


# -- what cannot be --------------------------------------------------------------------------------------------------

REFUSED = [
    ("--modem zzz:9600 --framing hdlc", 2, "use one of fsk, gfsk,"),
    ("--modem fsk --framing hdlc", 2, "want KIND:BAUD"),
    ("--modem fsk:9600 --framing zzz", 2, "use one of aausat_4, ao40,"),
    ("--modem fsk:9600?zzz=1 --framing hdlc", 2, "its options are iq, clock_error,"),
    ("--modem fsk:9600 --framing hdlc?zzz=1", 2, "its options are g3ruh,"),
    ("--modem fsk:9600 --framing hdlc?nrzi=1&nrzi=2", 2, "stands there twice"),
    ("--modem fsk:9600?clock_error=9 --framing hdlc", 2, "at most 0.02"),
    ("--modem fsk:9600?deviation=zzz --framing hdlc", 2, "an option has a wrong value"),
    ("--modem fsk:25000 --framing hdlc", 2, "at least 2 samples a symbol"),
    ("--modem fsk:nan --framing hdlc", 2, "at least 2 samples a symbol"),
    ("--modem psk:1200?carrier=nan --framing hdlc", 2, "carrier = nan is no number to compute with"),
    ("--modem fsk:9600?deviation=-inf --framing hdlc", 2, "deviation = -inf is no number to compute with"),
    ("--modem fsk:9600", 2, "add --framing"),
    ("--framing hdlc", 1, "holds samples: say how they are modulated"),
    ("--framing hdlc --framing ao40", 2, "several are tried only on what a --modem gives"),
    ("--satellite GOMX-9", 2, "near it are GOMX-"),
    ("--satellite GOMX-1 --framing u482c", 2, "leave these out, or the satellite"),
    ("--satellite GOMX-1 --vehicle zzz", 2, "use one of altos, carleton, cats, gnss, gomx_1,"),
    ("--satellite GOMX-1 --transfer-frames zzz", 2, "use tm, aos"),
    ("--satellite GOMX-1 --samples zz8:48k", 2, "want c (IQ) or r (audio)"),
    ("--satellite GOMX-1 --samples cu8", 2, "want FORMAT:RATE"),
    ("--satellite GOMX-1 --samples cu8:48k?zzz=1", 2, "frequency=HZ"),
    ("--satellite GOMX-1 --campaign zzz.toml", 2, "--campaign: tells how to read a file itself; leave it out"),
]


@pytest.mark.parametrize(("arguments", "status", "sentence"), REFUSED, ids=[each[0] for each in REFUSED])
def test_what_cannot_be_is_refused_in_a_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: str, status: int, sentence: str
) -> None:
    assert main(["decode", str(wav(data, "gomx_1")), *arguments.split()]) == status
    done = capsys.readouterr()
    assert done.out == ""
    assert sentence in done.err
    assert done.err.count("\n") == 1


def test_the_command_ends_with_that_status(data: Path) -> None:
    for arguments, status, sentence in (REFUSED[0], REFUSED[13]):
        done = decode(wav(data, "gomx_1"), *arguments.split())
        assert (done.returncode, done.stdout) == (status, b"")
        assert sentence in done.stderr.decode()


def test_a_file_that_is_not_there_or_empty_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.wav").touch()
    for name, problem in (("none.wav", "No such file"), ("empty.wav", "the file is empty")):
        assert main(["decode", str(tmp_path / name), "--satellite", "GOMX-1"]) == 1
        assert problem in capsys.readouterr().err


def test_bytes_are_no_samples(data: Path) -> None:
    done = decode(data / "carleton" / "july_12th.mission", "--satellite", "GOMX-1")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"holds bytes, not samples; leave out --modem and --satellite" in done.stderr
