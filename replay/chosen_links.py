"""Some links of a recording as a recording: of a capture of a whole network, the one with the telemetry."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Self

from protocols.chunk import Chunk
from protocols.errors import RecordingError
from replay.recording import Damage, Placed, RecordedEvent, RecordedLink, Recording


def chosen_links(recording: Recording, names: Collection[str]) -> Recording:
    """The recording without its other links; as it is where no names are given.

    Raises RecordingError, naming the links there are, where it has none of a name.
    """
    if not names:
        return recording
    links = recording.links
    if absent := [name for name in names if name not in links]:
        shown = ", ".join(list(links)[:20]) + (", ..." if len(links) > 20 else "")
        raise RecordingError(recording.path, f"has no link {absent[0]!r}; it has {shown or 'none'}")
    return ChosenLinks(recording, frozenset(names))


class ChosenLinks(Recording):
    """A recording of which only some links are read."""

    def __init__(self, whole: Recording, names: frozenset[str]) -> None:
        """The links that names names."""
        self._whole, self._names = whole, names
        super().__init__(whole.path)
        self.time_base, self.synthetic, self.assumed = whole.time_base, whole.synthetic, whole.assumed
        self.campaign, self.definitions = whole.campaign, whole.definitions

    @classmethod
    def recognise(cls, head: bytes) -> bool:  # noqa: ARG003
        """Never: somebody has to choose."""
        return False

    @property
    def damage(self) -> Damage:
        """Of the whole recording."""
        return self._whole.damage

    @damage.setter
    def damage(self, damage: Damage) -> None:
        self._whole.damage = damage

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """Those chosen."""
        return {name: link for name, link in self._whole.links.items() if name in self._names}

    @property
    def span(self) -> tuple[int, int]:
        """That of the whole recording."""
        return self._whole.span

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The chunks of those links."""
        return (chunk for chunk in self._whole.chunks(start_ns) if chunk.link in self._names)

    def placed(self, place: int = 0) -> Iterator[Placed]:
        """The chunks of those links from a place of the whole recording on."""
        return (each for each in self._whole.placed(place) if each[0].link in self._names)

    def twin(self) -> Self:
        """The same once more, with damage of its own."""
        return type(self)(self._whole.twin(), self._names)

    def events(self) -> list[RecordedEvent]:
        """What was noted of the whole recording."""
        return self._whole.events()
