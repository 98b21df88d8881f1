"""Classic captures (``tcpdump -w``): payloads of UDP and TCP, see :mod:`replay.capture`."""

from typing import BinaryIO, ClassVar

from replay.capture import Capture, CaptureFile
from replay.pcap_file import FILE_HEADER, MAGICS, PcapFile
from replay.recording import Damage


class PcapCapture(Capture):
    """A ``.pcap`` file."""

    suffixes: ClassVar[tuple[str, ...]] = (".pcap", ".cap", ".dmp")
    title: ClassVar[str] = "network capture, pcap"

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether it begins with one of the magic numbers, and version 2.4, which all have had since 1998."""
        magic = MAGICS.get(head[:4])
        if magic is None or len(head) < FILE_HEADER:
            return False
        return head[4:8] == (b"\x00\x02\x00\x04" if magic[0] == ">" else b"\x02\x00\x04\x00")

    def _reader(self, file: BinaryIO, damage: Damage) -> CaptureFile:
        return PcapFile(file, damage)


FORMAT = PcapCapture
