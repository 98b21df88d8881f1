"""XTCE at the command line: campaigns that name a file of it, recordings decoded by one, vehicles written as such."""

import csv
import json
from pathlib import Path

import pytest

from groundstation.campaign import Campaign
from groundstation.cli import main
from protocols.errors import CampaignError

JPSS = "ccsds_xtce_spp/jpss/jpss1_geolocation_xtce_v1.xml"
PACKETS = "ccsds_xtce_spp/jpss/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
CAMPAIGN = """[campaign]
name = "pass"
vehicle = "./jpss.xml"

[links.downlink]
source = "udp:127.0.0.1:0"

[limits."JPSS_ATT_EPHEM.ADGPSPOSX"]
red = [-7e6, 7e6]
"""


@pytest.fixture
def campaign(data: Path, tmp_path: Path) -> Path:
    (tmp_path / "jpss.xml").write_bytes((data / JPSS).read_bytes())
    path = tmp_path / "pass.toml"
    path.write_text(CAMPAIGN)
    return path


def test_a_campaign_names_an_xtce_file(campaign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(campaign)]) == 0
    said = capsys.readouterr().out
    assert "link downlink: udp:127.0.0.1:0, framing space_packet" in said
    assert "packet JPSS_ATT_EPHEM: 27 measurements, by columns" in said
    assert "limit JPSS_ATT_EPHEM.ADGPSPOSX: red -7e+06...7e+06 m" in said


def test_a_mistake_in_it_is_named_by_file_and_line(campaign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign.parent / "jpss.xml"
    path.write_text(path.read_text().replace('sizeInBits="11" encoding="unsigned"', 'sizeInBits="11" encoding="BCD"'))
    assert main(["check", str(campaign)]) == 2
    said = capsys.readouterr().err
    assert f"campaign.vehicle: {path}: line 2" in said
    assert "is encoded as 'BCD'" in said
    path.unlink()
    assert main(["check", str(campaign)]) == 2
    assert f"there is no file {path}" in capsys.readouterr().err


def test_packets_are_decoded_by_it(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "jpss.csv"
    assert main(["decode", str(data / PACKETS), "--vehicle", str(data / JPSS), "--to", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["packets"] == {"JPSS_ATT_EPHEM": 7200}
    truth = json.loads((data / "ccsds_xtce_spp" / "truth.json").read_bytes())[0]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = {column.partition(" ")[0].rpartition(".")[2]: column for column in rows[0] if "JPSS" in column}
    for number, values in truth["samples"]:
        assert {name: float(rows[number][names[name]]) for name in values} == values


def test_a_vehicle_is_written_as_xtce(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "osx.xml"
    assert main(["icd", "osx", "--to", str(path)]) == 0
    assert main(["icd", str(path)]) == 0
    page = capsys.readouterr().out
    assert "| [guidance](#guidance) | 0x101 |" in page
    assert "`acceleration_x` | i16 × 10 | m/s2 | 0.01 n |" in page
    assert main(["icd", "osx", "--to", str(path), "--no-arrays"]) == 0
    assert main(["icd", str(path)]) == 0
    assert "`acceleration_x_9` | i16 | m/s2 | 0.01 n |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["icd", "osx", "--to", "osx.pdf"], 2, "known are .md, .xml"),
        (["icd", "osx", "--no-arrays"], 2, "is for XTCE only"),
        (["icd", "cats", "--to", "cats.xml"], 2, "cats.header.record.type: bits of a little-endian word"),
        (["icd", "osx", "--to", "nowhere/osx.xml"], 1, "cannot be written"),
        (["icd", "none.xml"], 2, "there is no file"),
        (["decode", "x.bin", "--vehicle", "none.xml"], 2, "--vehicle none.xml: there is no file"),
    ],
)
def test_what_cannot_be_is_said(
    arguments: list[str], status: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == status
    assert reason in capsys.readouterr().err


def test_no_file_is_read_because_a_recording_names_it(campaign: Path) -> None:

    with pytest.raises(CampaignError, match="a file beside the campaign file, which is not inside the recording"):
        Campaign(campaign.read_text(), campaign, vehicle_files=False)
