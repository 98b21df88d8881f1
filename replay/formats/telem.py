"""AltOS ``.telem`` files: what a TeleDongle or TeleBT received, as altosui writes it, a packet a line.

``TELEM`` and hexadecimal digits: length, packet of 32 bytes, signal strength, status, checksum (0x5a and the sum of all
after the length). What is delivered is packet, strength and status (:mod:`protocols.vehicles.altos`). A packet whose
own checksum the radio found wrong is discarded, as altosui does; so are the lines of the telemetry before AltOS 1.0.

Nothing says when a line was received, so its time is the tick of its flight computer, or of the first one heard where
a receiver heard several.
"""

from __future__ import annotations

from binascii import Error as NotHexadecimal
from binascii import unhexlify
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from protocols.chunk import Chunk
from replay.recording import Damage, RecordedLink, Recording, TimeBase
from replay.vehicle_clock import VehicleClock

LINK = "radio"
_WORD = b"TELEM "
_LENGTHS = (34, 96, 97)
"""What a packet's first byte may be: 32 bytes and two more; of before AltOS 1.0, 94 and 95 bytes and two more."""
_LENGTH = 34
_LONGEST_LINE = 4096
_TICK_NS = 10_000_000
_WRAP_NS = (1 << 16) * _TICK_NS
_GAP_NS = 300_000_000_000
"""Five minutes without reception are ordinary; longer than half a turn of the ticks nobody could tell."""
_CRC_GOOD = 0x80
_PROOF = 2
"""Lines with right checksums that prove the format: by chance once in 65,536, and each begins with its word."""


class TelemLog(Recording):
    """A ``.telem`` file."""

    suffixes: ClassVar[tuple[str, ...]] = (".telem",)
    title: ClassVar[str] = "AltOS telemetry"
    time_base = TimeBase.VEHICLE

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.overhead = 0
        """Characters that are no digits of a packet delivered. Filled while reading, so that
        file size = 2 x bytes delivered + overhead + damage.discarded."""

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether it has lines of packets with right checksums, and nothing but such lines at its beginning."""
        lines = [line for line in head.split(b"\n") if line.strip()]
        whole = lines if head.endswith(b"\n") or len(lines) == 1 else lines[:-1]
        good = sum(_packet(line) is not None for line in whole[: 2 * _PROOF])
        return bool(whole) and good >= min(_PROOF, len(whole)) and lines[0].startswith(_WORD)

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return {LINK: RecordedLink("altos")}

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last packet; reads the file."""
        first = last = None
        for chunk in TelemLog(self.path).chunks():
            first, last = chunk.received_ns if first is None else first, chunk.received_ns
        return first or 0, last or 0

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The packets, one a chunk, with signal strength and status."""
        self.damage, self.overhead = Damage(), 0
        clock, serial = VehicleClock(_GAP_NS, _WRAP_NS), b""
        with self.path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += line.endswith(b"\n")
                packet = self._accept(line, number)
                if not packet:
                    continue
                serial = serial or packet[:2]
                if packet[:2] == serial:
                    clock.at(int.from_bytes(packet[2:4], "little") * _TICK_NS)
                if start_ns is None or clock.now_ns >= start_ns:
                    yield Chunk(LINK, packet, clock.now_ns)

    def _accept(self, line: bytes, number: int) -> bytes:
        """The packet in a line; empty where it has none that is good."""
        told = _packet(line)
        if told is not None and len(told) == _LENGTH and told[-1] & _CRC_GOOD:
            self.overhead += len(line) - 2 * _LENGTH
            return told
        if not line.strip():
            self.overhead += len(line)
        elif told is None:
            what = "is of the telemetry before AltOS 1.0" if line.startswith((b"VERSION", b"CALL")) else "is no packet"
            self.damage.note(f"line {number:,} {what}", len(line))
        elif len(told) != _LENGTH:
            self.damage.note(f"line {number:,} is of the telemetry before AltOS 1.0", len(line))
        else:
            self.damage.note(f"line {number:,}: the radio found the packet's checksum wrong", len(line))
        return b""


def _packet(line: bytes) -> bytes | None:
    """Packet, strength and status of a line whose length and checksum are right; None of others."""
    if not line.startswith(_WORD):
        return None
    try:
        data = unhexlify(line[len(_WORD) :].strip())
    except NotHexadecimal:
        return None
    if len(data) < 3 or data[0] not in _LENGTHS or len(data) != data[0] + 2:
        return None
    return data[1:-1] if (0x5A + sum(data[1:-1])) & 0xFF == data[-1] else None


FORMAT = TelemLog
