"""KISS files: frames as a TNC or a decoder of satellites hands them over (M. Chepponis, P. Karn, 1987).

``c0``, port and command, the frame with ``c0`` and ``db`` escaped, ``c0``. gr-satellites and its kin put a frame of
command 9 before each: the time of the next one, in ms since 1970, 64 bits, big-endian. Those frames date the chunks
and are not delivered; without them nothing is known of time. What the frames hold nobody says: name a vehicle.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from protocols.chunk import Chunk
from protocols.framing.slip import unescaped
from replay.recording import Damage, RecordedLink, Recording, TimeBase

LINK = "tnc"
_END = b"\xc0"
_COMMANDS = frozenset((0, 1, 2, 3, 4, 5, 6))
"""Low four bits of a frame's first byte: data, and settings of a TNC."""
_TIME = 0x09
_TIME_BYTES = 9
_LATEST_NS = 1 << 63
_BLOCK_BYTES = 1 << 18


class KissFile(Recording):
    """A file of KISS frames."""

    suffixes: ClassVar[tuple[str, ...]] = (".kiss", ".kss")
    title: ClassVar[str] = "KISS frames"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.overhead = 0
        """Bytes of the frames that tell times. Filled while the chunks are read, so that file size = bytes delivered +
        overhead."""
        self._first_ns = next((at_ns for at_ns in self._times() if at_ns), 0)
        self.time_base = TimeBase.UTC if self._first_ns else TimeBase.VEHICLE

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether it begins with a frame's END, holds a whole data frame, and all in it may be KISS."""
        if not head.startswith(_END):
            return False
        *whole, last = head.split(_END)
        frames = [each for each in whole if each]
        if not all(map(_plausible, frames)) or not any(each[0] & 0xF == 0 and len(each) > 1 for each in frames):
            return False
        return len(frames) > 1 or not last

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return {LINK: RecordedLink("undeclared", "kiss")}

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last time told; reads the file."""
        last = self._first_ns
        for at_ns in self._times():
            last = at_ns or last
        return self._first_ns, last

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The frames as they stand in the file, those of one time together."""
        self.damage, self.overhead = Damage(), 0
        now_ns, waiting, size = self._first_ns, [b""], 0
        for piece in self._pieces():
            at_ns = _time_ns(piece)
            if at_ns:
                opening = waiting.pop() if waiting[-1] == _END else b""  # the END before it is its own
                self.overhead += len(opening) + len(piece)
                size -= len(opening)
            else:
                waiting.append(piece)
                size += len(piece)
            if size and (at_ns or size >= _BLOCK_BYTES):
                if start_ns is None or now_ns >= start_ns:
                    yield Chunk(LINK, b"".join(waiting), now_ns)
                waiting, size = [b""], 0
            now_ns = max(now_ns, at_ns)
        if size and (start_ns is None or now_ns >= start_ns):
            yield Chunk(LINK, b"".join(waiting), now_ns)

    def _times(self) -> Iterator[int]:
        """What each frame tells of time: ns UTC, 0 where it tells none."""
        return map(_time_ns, self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        """The file cut behind each END; what has none for long, in pieces."""
        with self.path.open("rb", buffering=0) as file:
            held = b""
            while data := file.read(_BLOCK_BYTES):
                *whole, held = (held + data).split(_END)
                for each in whole:
                    yield each + _END
                if len(held) > _BLOCK_BYTES:
                    yield held
                    held = b""
            if held:
                yield held


def _plausible(segment: bytes) -> bool:
    """Whether what stands between two ENDs may be a KISS frame."""
    return bool(unescaped(segment)) and (segment[0] & 0xF in _COMMANDS or bool(_time_ns(segment + _END)))


def _time_ns(piece: bytes) -> int:
    """The time that a frame tells, ns UTC; 0 where it tells none."""
    if piece[:1] != bytes((_TIME,)) or not piece.endswith(_END):
        return 0
    told = unescaped(piece[:-1])
    at_ns = int.from_bytes(told[1:], "big") * 1_000_000
    return at_ns if len(told) == _TIME_BYTES and at_ns < _LATEST_NS else 0


FORMAT = KissFile
