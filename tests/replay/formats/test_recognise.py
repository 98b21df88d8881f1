"""A format knows its own files by their content, and no other's."""

from pathlib import Path

import pytest

from replay.formats.cfl import FlightLog
from replay.formats.kiss import KissFile
from replay.formats.mission import Mission
from replay.formats.pcap import PcapCapture
from replay.formats.pcapng import PcapngCapture
from replay.formats.psas import PsasLog
from replay.formats.ubx import GnssStream
from replay.recording import HEAD_BYTES

OWN = {
    Mission: ".mission",
    FlightLog: ".cfl",
    PsasLog: "simple_logfile",
    KissFile: (".kiss", ".kss"),
    PcapCapture: ".pcap",
    PcapngCapture: ".pcapng",
    GnssStream: tuple(f"pygpsdata-{each}.log" for each in ("ALL", "BADCK2", "MIXED", "NAV", "NMEA")),
}
COUNTS = {Mission: 3, FlightLog: 5, PsasLog: 1, KissFile: 40, PcapCapture: 0, PcapngCapture: 3, GnssStream: 5}


@pytest.mark.parametrize("made", OWN, ids=lambda made: made.__name__)
def test_of_all_real_files_only_its_own(data: Path, made):
    own = others = 0
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if path.name.endswith(OWN[made]):
            assert made.recognise(head), path
            own += 1
        else:
            assert not made.recognise(head), path
            others += 1
    assert own == COUNTS[made]
    assert others > 50
