"""Carleton InSpace ``.mission`` files: radio packets as the ground station received them, one a line, in hexadecimal.

A line is ``call sign[9], u16 time in half-minutes, block count, packet number``, then blocks (see
:mod:`protocols.vehicles.carleton`). Nothing in it says when it was received, so a packet's time is its first block's.
A line that is no hexadecimal number of whole bytes, or is shorter than a packet's header, is discarded as a whole.
"""

from binascii import Error as NotHexadecimal
from binascii import unhexlify
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar

from protocols.chunk import Chunk
from protocols.vehicles.carleton import FRAME, HEADER, VEHICLE
from replay.recording import Damage, RecordedLink, Recording, TimeBase
from replay.vehicle_clock import VehicleClock

LINK = "radio"
_LONGEST_LINE = 4096
"""Characters. A radio packet has at most 255 bytes, 510 digits; what is longer is no packet."""
_HALF_MINUTE_NS = 30_000_000_000
_MILLISECOND_NS = 1_000_000
_GAP_NS = 600_000_000_000
"""Ten minutes without reception are ordinary on a range."""
_WRAP_NS = 2**32 * 1000
"""Some sensors' stamps are 32-bit counts of microseconds."""

_HEAD = FRAME.sizeof()
_BLOCK_HEAD = HEADER.layout.sizeof()
_BLOCKS = {packet.key: _BLOCK_HEAD + packet.body.sizeof() for packet in VEHICLE.packets}


class Mission(Recording):
    """A ``.mission`` file."""

    suffixes: ClassVar[tuple[str, ...]] = (".mission",)
    title: ClassVar[str] = "Carleton InSpace mission"
    time_base = TimeBase.VEHICLE

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.overhead = 0
        """Bytes that are no digits of a packet delivered: line ends and blank lines. Filled while reading, so that
        file size = 2 x bytes delivered + overhead + damage.discarded."""

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether the first line is a packet whose blocks, as many as it says, fill it exactly."""
        lines = head.split(b"\n", 1)
        packet = _packet(lines[0]) if len(lines) > 1 or len(head) < _LONGEST_LINE else None
        return packet is not None and packet[11] > 0 and _block_count(packet) == packet[11]

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return {LINK: RecordedLink("carleton")}

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last packet; reads the file."""
        times = [0, 0]
        for count, chunk in enumerate(Mission(self.path).chunks()):
            times[1 if count else 0] = times[1] = chunk.received_ns
        return times[0], times[1]

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The radio packets, one a chunk."""
        self.damage, self.overhead = Damage(), 0
        clock = VehicleClock(_GAP_NS, _WRAP_NS)
        with self.path.open("rb") as file:
            for number, line in _lines(file):
                packet = self._accept(number, line)
                if packet:
                    received = clock.at(_time_ns(packet))
                    if start_ns is None or received >= start_ns:
                        yield Chunk(LINK, packet, received)

    def _accept(self, number: int, line: bytes | int) -> bytes:
        """The packet in a line, which is given as its length where it is too long; empty where it has none."""
        if isinstance(line, int):
            self.damage.note(f"line {number:,} has {line:,} characters, which is too long for a packet", line)
            return b""
        digits = line.strip()
        if not digits:
            self.overhead += len(line)
            return b""
        packet = _packet(digits)
        if packet is None:
            self.damage.note(f"line {number:,} is no radio packet in hexadecimal", len(line))
            return b""
        self.overhead += len(line) - len(digits)
        return packet


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | int]]:
    """Lines with their numbers from 1; of a line longer than any packet only its length."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if len(line) < _LONGEST_LINE or line.endswith(b"\n"):
            yield number, line
            continue
        length = len(line)
        while not line.endswith(b"\n") and (line := file.readline(_LONGEST_LINE)):
            length += len(line)
        yield number, length


def _packet(digits: bytes) -> bytes | None:
    """The packet that a line's digits are; None where they are none."""
    try:
        packet = unhexlify(digits.strip())
    except NotHexadecimal:
        return None
    return packet if len(packet) >= _HEAD else None


def _time_ns(packet: bytes) -> int:
    """Mission time of a packet's first block; of its header where it has no block."""
    minutes = int.from_bytes(packet[9:11], "little") * _HALF_MINUTE_NS
    offset = packet[_HEAD + _BLOCK_HEAD : _HEAD + _BLOCK_HEAD + 2]
    return minutes + int.from_bytes(offset, "little", signed=True) * _MILLISECOND_NS


def _block_count(packet: bytes) -> int:
    """Blocks that fill a packet exactly; -1 where they do not."""
    at, count = _HEAD, 0
    while at < len(packet):
        size = _BLOCKS.get(packet[at])
        if size is None:
            return -1
        at, count = at + size, count + 1
    return count if at == len(packet) else -1


FORMAT = Mission
