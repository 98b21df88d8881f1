"""Captures of Wireshark and dumpcap: payloads of UDP and TCP, see :mod:`replay.capture`."""

from typing import BinaryIO, ClassVar

from replay.capture import Capture, CaptureFile
from replay.pcapng_file import MAGICS, SECTION, PcapngFile
from replay.recording import Damage


class PcapngCapture(Capture):
    """A ``.pcapng`` file."""

    suffixes: ClassVar[tuple[str, ...]] = (".pcapng", ".ntar")
    title: ClassVar[str] = "network capture, pcapng"

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether it begins with a section header block."""
        return head[:4] == SECTION and head[8:12] in MAGICS

    def _reader(self, file: BinaryIO, damage: Damage) -> CaptureFile:
        return PcapngFile(file, damage)


FORMAT = PcapngCapture
