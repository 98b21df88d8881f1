"""What a recording is, whatever its format: chunks with their times, and what is known about them.

A format file in ``replay/formats`` defines ``FORMAT``, a subclass of :class:`Recording`; it is found by content
first, then by suffix. Reading streams: memory does not grow with the file.
"""

import copy
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, ClassVar, Self

import replay.formats
from protocols.chunk import Chunk
from protocols.errors import NotARecording, UnknownFormat
from protocols.packet import Vehicle
from protocols.signal import Signal

DIGESTS = "digests"
"""The name of the events that hold a recording's digests: they are not among its events, but by themselves."""
HEAD_BYTES = 4096
"""How much of a file's beginning a format may look at to recognise it."""

Placed = tuple[Chunk, int]
"""A chunk and the place after it (see :meth:`Recording.placed`)."""


class TimeBase(StrEnum):
    """What a recording's ``received_ns`` counts from."""

    UTC = "utc"
    """Nanoseconds since 1970-01-01 UTC, by the receiving station's clock."""
    VEHICLE = "vehicle"
    """Nanoseconds of the vehicle's own clock; the date is not known."""


@dataclass(frozen=True, slots=True)
class RecordedLink:
    """One link of a recording, and how to read it."""

    vehicle: str
    """The vehicle whose packets it carries: a name in ``protocols/vehicles``; empty when the recording does not say."""
    framing: str | Mapping[str, Any] = "datagram"
    """The framing of its bytes, as in a campaign file."""
    signal: Signal | None = None
    """What its samples are, for a link of samples; None for one of bytes."""
    declared: Vehicle | None = None
    """Its packets as the file itself declares them, where its format does (TMATS, a log's own formats, a header)."""
    title: str = ""
    """What the file says of it, for people: the name of its source, how much there is of it."""


@dataclass(slots=True)
class Damage:
    """What of a file could not be read: counts, not exceptions. Filled while the chunks are read."""

    discarded: int = 0
    """Bytes of the file that belong to no chunk and explain none: what could not be read."""
    missing: int = 0
    """Chunks known to have been received that are not in the file, where the format numbers its chunks."""
    notes: list[str] = field(default_factory=list)
    """What was wrong and where, a sentence each, the first hundred."""

    def note(self, text: str, discarded: int = 0) -> None:
        """Count bytes as discarded, and say why."""
        self.discarded += discarded
        if len(self.notes) < 100:
            self.notes.append(text)


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """Something that happened while the recording was made."""

    name: str
    received_ns: int
    detail: Mapping[str, Any]


class Recording(ABC):
    """A file of recorded telemetry."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File name endings it usually has, with their dot, in lower case."""
    tabular: ClassVar[bool] = False
    """Whether it is a table of text, of whose cells the chunks are made."""
    title: ClassVar[str] = ""
    """The format as people call it, for messages and ``groundstation info``."""
    time_base: TimeBase = TimeBase.UTC
    synthetic: bool = False
    """Whether what is recorded was made up by a simulator."""
    assumed: Sequence[str] = ()
    """What the file does not say, and what was taken instead, a sentence each."""
    campaign: str = ""
    """The text of the campaign file it was made under; empty where there is none inside."""
    definitions: Mapping[str, Any] = MappingProxyType({})
    """What its packets and measurements are, as published on the bus then; empty where it is not inside."""

    def __init__(self, path: Path) -> None:
        """Read what is needed to answer questions about path. Raises NotARecording or RecordingTruncated."""
        self.path = path
        self.damage = Damage()

    @classmethod
    def open(cls, path: Path) -> "Recording":
        """The recording in a file, with what continues it in files beside it. Raises as making one does."""
        return cls(path)

    @classmethod
    @abstractmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether a file that begins with head (at most HEAD_BYTES) is of this format beyond reasonable doubt."""

    @property
    @abstractmethod
    def links(self) -> Mapping[str, RecordedLink]:
        """The links by name."""

    @abstractmethod
    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The chunks in the order received, from the first at or after start_ns; damage is counted, not raised."""

    def placed(self, place: int = 0) -> Iterator[Placed]:
        """The chunks from a place on, each with the place after it; 0 is the beginning.

        Reading on from a place gives exactly the chunks that came after it, also where times repeat or step back.
        Places grow along the file and mean nothing else. Here they count chunks, and going to one reads the file from
        its beginning; formats that can go to a byte override this.
        """
        for number, chunk in enumerate(self.chunks(), 1):
            if number > place:
                yield chunk, number

    def twin(self) -> Self:
        """The same recording once more, to be read beside this one: with damage of its own."""
        other = copy.copy(self)
        other.damage = Damage()
        return other

    @property
    @abstractmethod
    def span(self) -> tuple[int, int]:
        """``received_ns`` of the first and the last chunk; (0, 0) for a recording without any."""

    def events(self) -> list[RecordedEvent]:
        """What was noted while recording, in order; empty for formats that know none."""
        return []

    def digests(self) -> list[RecordedEvent]:
        """What was to be proven of it at several moments, in order (``groundstation/digests.py``); empty likewise."""
        return []


def formats() -> dict[str, type[Recording]]:
    """All formats there are, by file name."""
    names = sorted(module.name for module in iter_modules(replay.formats.__path__))
    return {name: import_module(f"replay.formats.{name}").FORMAT for name in names}


def open_recording(path: Path | str) -> Recording:
    """The recording in a file, of whatever format it is. Raises NotARecording, naming the formats known here."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a FIFO would be waited for, a device never ends
            raise NotARecording(path, "is a device or a pipe; copy what it gives to a file first")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise NotARecording(path, f"cannot be read ({error.strerror}); check the name and its permissions") from None
    if not head:
        raise NotARecording(path, "the file is empty; nothing was recorded in it")
    known = formats()
    for made in known.values():
        if made.recognise(head):
            return made.open(path)
    for made in known.values():
        if path.suffix.lower() in made.suffixes:
            return made.open(path)
    titles = ", ".join(f"{made.title} ({' '.join(made.suffixes) or 'by content'})" for made in known.values())
    raise UnknownFormat(path, f"of no format known here; give a file of one of these: {titles}")
