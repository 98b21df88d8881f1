"""A recording in several files, read as one: opened at its first part, it goes on through those beside it.

Any other part, opened, is itself alone. A part that is missing is noted, with the chunks that were in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from glob import escape
from itertools import accumulate
from typing import Self, TypeVar

from protocols.chunk import Chunk
from protocols.errors import RecordingError
from replay.formats.mcap import McapRecording
from replay.recording import Damage, Placed, RecordedEvent, RecordedLink, Recording
from replay.recording_part import base_name

_T = TypeVar("_T")


def joined(first: McapRecording) -> Recording:
    """A recording with the parts that follow beside it, when it is a first part; else as it is."""
    if first.part is None or first.part.number != 1:
        return first
    found, unread = _following(first)
    alone = not found and not unread and not first.next_part
    return first if alone else PartedRecording([first, *found], unread)


class PartedRecording(Recording):
    """The parts that are there, in order."""

    suffixes = McapRecording.suffixes
    title = McapRecording.title

    def __init__(self, parts: list[McapRecording], unread: list[str]) -> None:
        """Of one part or more, and sentences on files that are no part but should be one."""
        first = parts[0]
        super().__init__(first.path)
        self.parts = parts
        """In order; some in between may be missing."""
        self._unread, self._found = unread, [*unread, *_absent(parts)]
        self._between = Damage()
        spans = [part.span for part in parts if any(True for _ in part.tail())] or [(0, 0)]
        self._span = spans[0][0], spans[-1][1]
        self.synthetic, self.time_base = first.synthetic, first.time_base
        self.campaign, self.definitions = first.campaign, first.definitions
        self._sum()

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """As any of its parts."""
        return McapRecording.recognise(head)

    @property
    def finished(self) -> bool:
        """Whether every part was closed in order, and none is missing."""
        return not self._found and all(part.finished for part in self.parts)

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files inside that explain it, by name."""
        return self.parts[0].files

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The links by name."""
        return {name: link for part in self.parts[::-1] for name, link in part.links.items()}

    @property
    def span(self) -> tuple[int, int]:
        """``received_ns`` of the first and the last chunk; (0, 0) without any."""
        return self._span

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The chunks in the order received, from the first at or after start_ns; damage is counted anew."""
        since = start_ns

        def read(part: McapRecording) -> Iterator[Chunk]:
            nonlocal since
            for chunk in part.chunks(since):
                since = None
                yield chunk

        return self._through(self.parts, read)

    def placed(self, place: int = 0) -> Iterator[Placed]:
        """The chunks from a place on, each with the place after it: the offset in its part, after all parts before."""
        begins = dict(zip(self.parts, accumulate((part.size for part in self.parts), initial=0), strict=False))

        def read(part: McapRecording) -> Iterator[Placed]:
            for chunk, end in part.placed(max(place - begins[part], 0)):
                yield chunk, begins[part] + end

        return self._through([part for part in self.parts if begins[part] + part.size > place], read)

    def twin(self) -> Self:
        """The same recording once more, to be read beside this one: with damage of its own."""
        return type(self)([part.twin() for part in self.parts], self._unread)

    def _through(self, parts: Sequence[McapRecording], read: Callable[[McapRecording], Iterator[_T]]) -> Iterator[_T]:
        """What reading one part after the other gives; what is missing between them is counted."""
        self._between = Damage()
        try:
            for before, part in zip([None, *parts], parts, strict=False):
                if before is not None:
                    self._compare(before, part)
                yield from read(part)
        finally:
            self._sum()

    def events(self) -> list[RecordedEvent]:
        """What was noted while recording, in order."""
        return [event for part in self.parts for event in part.events()]

    def digests(self) -> list[RecordedEvent]:
        """What its writer had proven at several moments, in order."""
        return [event for part in self.parts for event in part.digests()]

    def _compare(self, before: McapRecording, part: McapRecording) -> None:
        """Count the chunks that are missing between two parts."""
        begins = part.begins
        for link, expected in before.expected.items():
            missing = begins.get(link, expected) - expected
            if missing > 0:
                self._between.missing += missing
                text = f"{missing} chunks of link {link!r} are missing between {before.path.name} and {part.path.name}"
                self._between.note(text)

    def _sum(self) -> None:
        """The damage of all parts and of what is missing between them."""
        total = Damage()
        for text in self._found:
            total.note(text)
        for part in self.parts:
            for text in part.damage.notes:
                total.note(f"{part.path.name}: {text}")
        for text in self._between.notes:
            total.note(text)
        self.damage.discarded = sum(part.damage.discarded for part in self.parts)
        self.damage.missing = sum(part.damage.missing for part in self.parts) + self._between.missing
        self.damage.notes[:] = total.notes


def _following(first: McapRecording) -> tuple[list[McapRecording], list[str]]:
    """The other parts of a recording beside its first, in order, and what is to be said of files that cannot be read.

    Of a part and its repaired copy, the part itself is taken.
    """
    assert first.part is not None
    base, unread = base_name(first.path), []
    found: dict[int, McapRecording] = {}
    for path in sorted(first.path.parent.glob(f"{escape(base)}-part*.mcap")) if base else []:
        if path == first.path or base_name(path) != base or not path.stat().st_size:
            continue  # an empty one was just made when its writer was killed
        try:
            other = McapRecording(path)
        except RecordingError as error:
            unread.append(str(error))
            continue
        part = other.part
        if part is None or part.recording != first.part.recording or part.number == 1:
            continue
        if part.number not in found or found[part.number].recovered:
            found[part.number] = other
    return [found[number] for number in sorted(found)], unread


def _absent(parts: list[McapRecording]) -> list[str]:
    """What is to be said of parts that are missing."""
    numbers = [part.part.number for part in parts if part.part]
    gone = sorted(set(range(1, numbers[-1])) - set(numbers))
    said = [f"part {number} of this recording is missing: copy it beside {parts[0].path.name}" for number in gone[:20]]
    if parts[-1].next_part:
        said.append(f"this recording goes on in {parts[-1].next_part}: copy it beside {parts[0].path.name}")
    return said
