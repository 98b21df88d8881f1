"""Which part of a recording a file is, where recordings are divided by size or time.

Each part explains itself: it has the preamble of the first. Its chunks' sequence numbers go on where those of the part
before ended, so what is missing between two parts is noticed too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import orjson

_NUMBERED = re.compile(r"(.*)-part(\d{3,})(?:-\d+)?(?:\.recovered)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a recording goes on in a further file: at whichever of the two comes first."""

    size: int | None = None
    """Bytes of a part with the samples beside it."""
    every_ns: int | None = None
    """From the first chunk of a part, by the chunks' times."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file's place among the parts of a recording."""

    recording: str
    """Alike in all parts of a recording, and in nothing else."""
    number: int = 1
    previous: str = ""
    """The name of the part before."""
    sequences: Mapping[str, int] = field(default_factory=dict)
    """The sequence number of the first message of each topic in this part; 0 where none is told."""

    def described(self) -> dict[str, str]:
        """As a file's metadata say it."""
        sequences = orjson.dumps(dict(self.sequences)).decode()
        return {
            "recording": self.recording,
            "part": str(self.number),
            "previous": self.previous,
            "sequences": sequences,
        }

    @classmethod
    def of(cls, about: Mapping[str, str]) -> Self | None:
        """The place that metadata tell; None for a recording in one file."""
        number, recording = about.get("part", ""), about.get("recording", "")
        if not recording or not re.fullmatch(r"[1-9]\d{0,8}", number, re.ASCII):
            return None
        try:
            told = orjson.loads(about.get("sequences", ""))
        except orjson.JSONDecodeError:
            told = {}
        pairs = told.items() if isinstance(told, dict) else ()
        sequences = {name: value for name, value in pairs if type(value) is int and value >= 0}
        return cls(recording, int(number), about.get("previous", ""), sequences)


def part_path(path: Path, number: int) -> Path:
    """Where the part of a number of the recording ``NAME.mcap`` is: ``NAME-part001.mcap`` and so on, which sort."""
    return path.with_name(f"{path.stem}-part{number:03d}{path.suffix}")


def base_name(path: Path) -> str:
    """``NAME`` of a part, also of a repaired one; empty when a file is not named like a part."""
    found = _NUMBERED.fullmatch(path.stem)
    return found[1] if found else ""
