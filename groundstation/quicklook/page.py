"""What a quick-look says, before it is written in a format: headings, sentences, tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; a cell that begins with ``!`` is a fault, which a format may make stand out."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = False
    """Whether it is long, and better opened than read past."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing."""

    svg: str
    words: str
    """What it shows, for those who do not see it."""


@dataclass(slots=True)
class Section:
    """A part of the page."""

    heading: str
    parts: list[str | Table | Picture] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """A whole quick-look."""

    title: str
    lead: list[str]
    """The first lines: what was read, and whether it is made up."""
    sections: list[Section] = field(default_factory=list)
