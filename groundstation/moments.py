"""Moments of a recording as a person names them: ``12.5``, ``T-5``, ``T+12.3``, ``apogee``, ``apogee-5``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

T0 = "T"
"""The base that stands for T-0."""
WANTED = "want T+12.3, T-5, an event as apogee or apogee-5, or seconds since the recording's beginning"

_SECONDS = r"\d{1,12}(?:\.\d{1,12})?"
_NUMBER = re.compile(rf"([+-]?{_SECONDS})\s*s?")
_NAMED = re.compile(rf"([^\W\d].{{0,79}}?)(?:\s*([+-])\s*({_SECONDS})\s*s?)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds after something."""

    text: str
    """As it was written."""
    base: str
    """``T`` for T-0, an event's name, or empty for the recording's beginning."""
    seconds: float

    @property
    def is_of_t0(self) -> bool:
        """Whether it is counted from T-0."""
        return self.base == T0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError where it is none."""
        text = text.strip()
        if found := _NUMBER.fullmatch(text):
            return cls(text, "", float(found[1]))
        if not (found := _NAMED.fullmatch(text)):
            raise ValueError(f"{text[:80]!r}: {WANTED}")
        base = T0 if found[1].upper() == T0 else found[1]
        return cls(text, base, float(f"{found[2]}{found[3]}") if found[2] else 0.0)

    def at(self, first_ns: int, t0_ns: int | None, events: Mapping[str, int]) -> int:
        """Its time on the recording's clock, which begins at first_ns. Raises LookupError, saying what there is."""
        base: int | None = events.get(self.text)  # the name of an event may look like one with seconds after it
        if base is not None:
            return base
        if self.is_of_t0:
            if t0_ns is None:
                raise LookupError(
                    "has no T-0 (no liftoff was found); give seconds since its beginning instead of T+..."
                )
            base = t0_ns
        else:
            base = events.get(self.base) if self.base else first_ns
        if base is None:
            raise LookupError(f"has no event {self.base!r}; {known(events)}")
        return base + round(self.seconds * 1e9)


def known(events: Mapping[str, int]) -> str:
    """Which events there are, for a message."""
    return f"it has {', '.join(events)}" if events else "no event was found in it"
