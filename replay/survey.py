"""What a recording has lost: bytes, times, and messages by their sequence numbers; as data and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from replay.block_mark import Mark
from replay.mcap_records import Attachment
from replay.utc_text import utc_text

_YEAR_2000_NS = 946_684_800_000_000_000


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes of a file that are lost, and the times of the chunks around them."""

    begin: int
    end: int
    after_ns: int | None
    """Of the last chunk before it; None where there is none."""
    before_ns: int | None
    """Of the first chunk after it; None where there is none."""

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` has it."""
        return {"begin": self.begin, "end": self.end, "after_ns": self.after_ns, "before_ns": self.before_ns}


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of a topic that the file does not hold, by their sequence numbers."""

    topic: str
    first: int
    count: int
    after_ns: int | None
    """As of a hole."""
    before_ns: int
    """Of the message after it."""

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` has it."""
        times = {"after_ns": self.after_ns, "before_ns": self.before_ns}
        return {"topic": self.topic, "first": self.first, "count": self.count, **times}


@dataclass(slots=True)
class Survey:
    """What of a recording is there and what is not."""

    size: int
    """Bytes of the file."""
    finished: bool
    """Whether it was closed in order."""
    messages: dict[str, int] = field(default_factory=dict)
    """By topic: what is whole."""
    missing: dict[str, int] = field(default_factory=dict)
    """By topic: what is not there, by the sequence numbers of what is."""
    bytes_lost: int = 0
    places: int = 0
    """In how many places."""
    holes: list[Hole] = field(default_factory=list)
    """The places, the first thousand; so also of the gaps."""
    gaps: list[Gap] = field(default_factory=list)
    unproven: list[Mark] = field(default_factory=list)
    """The marks of blocks whose checksum is wrong: messages are told apart there, but some bytes are not as written."""
    unchecked: list[tuple[int, int]] = field(default_factory=list)
    """Bytes that no checksum proves: such blocks, those with holes, and what came after the last mark."""
    without_samples: dict[str, int] = field(default_factory=dict)
    """By topic: messages that refer to samples which are not beside the file."""
    notes: list[str] = field(default_factory=list)
    """What else is lost, a sentence each."""
    schemas: dict[int, bytes] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    """What else is whole of the file, to be carried over."""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with the file. What never came into it a repair does not bring back."""
        return self.finished and not (self.bytes_lost or self.unproven or self.notes)

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` has it."""
        return {
            "size": self.size,
            "finished": self.finished,
            "messages": self.messages,
            "missing": self.missing,
            "bytes_lost": self.bytes_lost,
            "holes": [hole.as_dict() for hole in self.holes],
            "gaps": [gap.as_dict() for gap in self.gaps],
            "unproven": [
                {"begin": mark.start, "end": mark.offset, "first_ns": mark.first_ns, "last_ns": mark.last_ns}
                for mark in self.unproven
            ],
            "unchecked": self.unchecked,
            "without_samples": self.without_samples,
            "notes": self.notes,
        }

    def lost(self) -> str:
        """What is lost, in a few words."""
        missing, without = sum(self.missing.values()), sum(self.without_samples.values())
        said = [
            f"{_counted(self.bytes_lost, 'byte')} in {_counted(self.places, 'place')}" if self.bytes_lost else "",
            f"{_counted(missing, 'message')} missing by their numbers" if missing else "",
            f"{_counted(len(self.unproven), 'block')} with a wrong checksum, given as they stand"
            if self.unproven
            else "",
            f"{_counted(without, 'message')} without samples" if without else "",
        ]
        unchecked = sum(end - begin for begin, end in self.unchecked)
        told = [*filter(None, said), *self.notes] or ["nothing lost"]
        return "; ".join([*told, f"{_counted(unchecked, 'byte')} without a checksum"] if unchecked else told)

    def lines(self) -> list[str]:
        """What is lost and where, for people."""
        said = [f"bytes {hole.begin:,} to {hole.end:,} are lost, {_between(hole)}" for hole in self.holes]
        said += [
            f"{gap.count:,} of {gap.topic} are missing from number {gap.first:,} on, {_between(gap)}"
            for gap in self.gaps
        ]
        said += [
            f"bytes {mark.start:,} to {mark.offset:,} have a wrong checksum, given as they stand, {_during(mark)}"
            for mark in self.unproven
        ]
        said += [f"{count:,} of {topic} have no samples beside them" for topic, count in self.without_samples.items()]
        return said + self.notes


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _between(place: Hole | Gap) -> str:
    """Where in time."""
    after = "from the beginning" if place.after_ns is None else f"after {_time(place.after_ns)}"
    return f"{after} {'to the end' if place.before_ns is None else f'and before {_time(place.before_ns)}'}"


def _during(mark: Mark) -> str:
    """When the chunks of a block came."""
    return f"received {_time(mark.first_ns)} to {_time(mark.last_ns)}" if mark.chunks else "which hold no chunks"


def _time(time_ns: int) -> str:
    """A time as text: UTC, or seconds where it is by a vehicle's clock, which knows no date."""
    return utc_text(time_ns) if time_ns > _YEAR_2000_NS else f"{time_ns / 1e9:.3f} s"
