"""``groundstation simulate`` as a radio: what it makes is what it says, and wrong options are named."""

import json
import re
from pathlib import Path

import pytest

from groundstation.cli import main
from groundstation.transmitters import radio_framing, transmitter
from hardware.simulator.telemetry import OsxTelemetry
from protocols.modem.transmitter_table import Transmitter
from replay.sample_opening import open_sample_file
from replay.sigmf_dataset import NAMESPACE


def test_a_recording_is_received_by_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "flight"
    options = ["--begin", "-0.5", "--end", "0.5", "--modem", "msk:150000", "--framing", "u482c", "--eb-n0", "15"]
    assert main(["simulate", "osx", "--on", f"sigmf:{path}?rate=600k&format=cu8", *options, "--offset", "5000"]) == 0
    told = capsys.readouterr().err
    said = re.search(r'synthetic; (.*) with modem = "(.*)", framing = "(.*)"\n(.*) packets sent\n', told)
    assert said, told
    recording = open_sample_file(said[1])
    assert (recording.signal.samples, recording.signal.rate, recording.signal.frequency) == ("cu8", 6e5, 2245.5e6)
    described = json.loads(Path(said[1]).with_suffix(".sigmf-meta").read_text())["global"]
    assert described[f"{NAMESPACE}:synthetic"] is True
    assert described[f"{NAMESPACE}:framing"] == radio_framing(recording.signal, [transmitter(said[2], said[3])])
    receiver = Transmitter.of(transmitter(said[2], said[3])).receiver(recording.signal)
    with Path(said[1]).open("rb") as file:
        samples = b"".join(recording.read(file.fileno(), piece) for piece in recording.pieces())
    found = [frame.body for frame in receiver.receive(recording.signal.array(samples)) + receiver.finish()]
    expected = [packet for _, packet in OsxTelemetry(framed=False).window(-0.5, 0.5)]
    assert found == expected
    assert int(said[4]) == len(expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--on", "pty:", "--modem", "fsk:9600"],
            "'pty:': carries bytes; leave out --modem, or send on rtl_tcp: or sigmf:",
        ),
        (["--on", "udp:5000", "--eb-n0", "none"], "carries bytes; leave out --eb-n0"),
        (["--on", "hackrf:0"], "want pty:, udp:HOST:PORT, or of a radio rtl_tcp:HOST:PORT or sigmf:PATH"),
        (["--on", "rtl_tcp:1234?gain=3"], "no option 'gain'; want one of frequency, rate"),
        (["--on", "rtl_tcp:nowhere"], "want HOST:PORT or PORT"),
        (["--on", "rtl_tcp:1234", "--modem", "fsk"], "want KIND:BAUD"),
        (["--on", "rtl_tcp:1234", "--modem", "smoke:9600"], "none sends it; use one of fsk"),
        (["--on", "rtl_tcp:1234", "--modem", "fsk:2000000"], "at least 2 samples a symbol are needed"),
        (["--on", "rtl_tcp:1234", "--framing", "bottle"], "there is none of that name"),
        (["--on", "rtl_tcp:1234", "--clock-error", "1e9"], "is in parts per million"),
    ],
)
def test_what_cannot_be_sent_is_named(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "osx", *options]) == 2
    assert said in capsys.readouterr().err


def test_a_framing_that_cannot_carry_the_packets_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"sigmf:{tmp_path / 'flight'}?rate=100k"
    options = ["--begin", "0", "--end", "1", "--modem", "fsk:9600", "--framing", "ao40"]
    assert main(["simulate", "osx", "--on", address, *options]) == 2
    assert "framing 'ao40': a frame of " in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value"),
    [("--eb-n0", "loud"), ("--eb-n0", "nan"), ("--fading", "3"), ("--fading", "-1,3"), ("--fading", "1,x")],
)
def test_options_that_are_no_numbers(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "osx", "--on", "rtl_tcp:1234", f"{option}={value}"])
    assert ended.value.code == 2
    assert f"argument {option}: '{value}': want " in capsys.readouterr().err


def test_its_help_teaches_the_radio(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    told = capsys.readouterr().out
    for word in ("rtl_tcp:127.0.0.1:1234", "sigmf:flight", "--eb-n0", "--fading", "KIND:BAUD", "ax100_golay"):
        assert word in told


@pytest.mark.parametrize(
    "options", ["--offset inf", "--drift nan", "--begin nan", "--end inf", "--clock-error=-1e300", "--seed=-1"]
)
def test_numbers_nobody_can_compute_with_are_refused(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "osx", "--on", "rtl_tcp:1234", *options.split()])
    assert ended.value.code == 2
    assert f"argument {options.partition('=')[0].split()[0]}: " in capsys.readouterr().err
