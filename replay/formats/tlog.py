"""MAVLink ``.tlog`` recordings, as ground stations write them: a time and a frame, one after another.

A record is ``time in us (u64, big-endian), MAVLink frame`` (see :mod:`protocols.mavlink.wire`); the time is UTC, or
counts from when the writer was started. There is no checksum over a record and no marker before it. A record counts as
whole if another follows it, or its frame's check is right. After damage, reading goes on at the next record that is
proved: the check of its frame is right, and its time near the last. The bytes in between are discarded and counted.

Chunks are records as they stand in the file, about 50 ms of them, for the framing ``tlog``, which gives each frame its
own time; the first chunk is what came at the first time.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from protocols.chunk import Chunk
from protocols.framing.tlog import LATEST_US, TIME
from replay.recording import HEAD_BYTES, Damage, RecordedLink, Recording, TimeBase
from replay.tlog_records import BLOCK_BYTES, RecordCutter, chain, proved

LINK = "telemetry"
_MILLENNIUM_US = 946_684_800_000_000
"""2000-01-01 UTC: what is earlier counts from when the writer was started."""


class TelemetryLog(Recording):
    """A ``.tlog`` recording."""

    suffixes: ClassVar[tuple[str, ...]] = (".tlog",)
    title: ClassVar[str] = "MAVLink telemetry log"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with path.open("rb") as file:
            first = next(RecordCutter(Damage(), block_bytes=HEAD_BYTES).runs(file), None)
        self._first_us = 0 if first is None else int(first.times[0])
        self.time_base = TimeBase.UTC if self._first_us >= _MILLENNIUM_US or first is None else TimeBase.VEHICLE

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether records follow each other from the first byte, until one is proved."""
        for at in chain(head, 0)[0].tolist():
            if int.from_bytes(head[at : at + TIME], "big") >= LATEST_US:
                return False
            if proved(head, at):
                return True
        return False

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is; MAVProxy merges those it has."""
        return {LINK: RecordedLink("mavlink", "tlog")}

    @property
    def span(self) -> tuple[int, int]:
        """Times of the first and the last record; reads the file's end, or all of it where that is damaged."""
        last_us = self._first_us
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            begin = max(0, size - BLOCK_BYTES)
            for start in (begin, 0) if begin else (0,):
                file.seek(start)
                cutter = RecordCutter(Damage(), lost=start > 0)
                for run in cutter.runs(file):
                    last_us = int(run.times[-1])
                if not cutter.damage.notes:
                    break
        return 1000 * self._first_us, 1000 * last_us

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The records, about 50 ms of them in a chunk, with the time of the last."""
        self.damage = Damage()
        waiting = start_ns is not None
        with self.path.open("rb") as file:
            for run in RecordCutter(self.damage).runs(file):
                for data, received_ns in run.pieces(self._first_us):
                    if not waiting or start_ns is None or received_ns >= start_ns:
                        waiting = False
                        yield Chunk(LINK, data, received_ns)


FORMAT = TelemetryLog
