"""Streams of GNSS receivers as loggers write them: UBX, NMEA 0183 and RTCM 3 messages, nothing else.

Found by its messages, each with a good check. Nothing in such a file says when it was received, so times are those of
the navigation epochs that the messages tell (see :mod:`replay.gnss_clock`): UTC where one of the first four million
bytes tells a date, else the receiver's week or day. A chunk holds the messages of one epoch.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from protocols.chunk import Chunk
from protocols.gnss.messages import Scan
from replay.gnss_clock import GnssClock, Known
from replay.recording import Damage, RecordedLink, Recording, TimeBase

LINK = "receiver"
_LONGEST = 8192
"""Bytes of a UBX payload."""
_BLOCK_BYTES = 1 << 18
_LOOKED_AT = 1 << 22
"""Bytes of a file's beginning in which a date is looked for."""


class GnssStream(Recording):
    """A receiver's stream."""

    suffixes: ClassVar[tuple[str, ...]] = (".ubx", ".nmea", ".nma", ".rtcm3", ".rtcm")
    title: ClassVar[str] = "GNSS receiver stream (UBX, NMEA, RTCM 3)"

    overhead = 0
    """All bytes are delivered; what of them are no messages, the framing's ledger tells."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._known, self._first_ns = self._first()
        self.time_base = TimeBase.UTC if self._known else TimeBase.VEHICLE

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether most of it is messages with good checks, two at least; or it is one message and nothing else."""
        scan = Scan(head, _LONGEST)
        covered = sum(end - begin for begin, end in scan.found)
        return 0 < covered == len(head) or (len(scan.found) > 1 and 2 * covered >= scan.done)

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return {LINK: RecordedLink("gnss", "gnss")}

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last epoch; reads the file."""
        last = self._first_ns
        for last, _ in self._epochs():  # noqa: B007 the last one is wanted
            pass
        return self._first_ns, last

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The messages of each epoch, with what stands between them."""
        self.damage = Damage()
        for at_ns, data in self._epochs():
            if start_ns is None or at_ns >= start_ns:
                yield Chunk(LINK, data, at_ns)

    def _first(self) -> tuple[Known | None, int]:
        """What the first date told makes known, and the first time told."""
        clock = GnssClock()
        for message in self._messages():
            clock.at(message)
            if clock.utc:
                break
        known, clock = clock.known, GnssClock(clock.known)
        return known, next(filter(None, map(clock.at, self._messages())), 0)

    def _messages(self) -> Iterator[bytes]:
        """The messages of the file's beginning."""
        return (block[begin:end] for block, found, _ in self._blocks(_LOOKED_AT) for begin, end in found)

    def _epochs(self) -> Iterator[tuple[int, bytes]]:
        """The bytes of each epoch, in pieces of a block at most, with its time."""
        clock, now_ns = GnssClock(self._known), self._first_ns
        for block, found, done in self._blocks():
            begun = 0
            for begin, end in found:
                at_ns = clock.at(block[begin:end]) or now_ns
                if at_ns != now_ns:
                    if begin > begun:
                        yield now_ns, block[begun:begin]
                    begun, now_ns = begin, at_ns
            if done > begun:
                yield now_ns, block[begun:done]

    def _blocks(self, most: int = 0) -> Iterator[tuple[bytes, list[tuple[int, int]], int]]:
        """Blocks of the file, the messages in each, and up to where it is done with; most: bytes looked at, 0: all."""
        held, size = b"", 0
        with self.path.open("rb", buffering=0) as file:
            while (not most or size < most) and (data := file.read(_BLOCK_BYTES)):
                held, size = held + data, size + len(data)
                scan = Scan(held, _LONGEST)
                yield held, scan.found, scan.done
                held = held[scan.done :]
        if held:
            yield held, [], len(held)


FORMAT = GnssStream
