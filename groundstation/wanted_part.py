"""How somebody wants a recording replayed, and which part of it that is, once what it is named by is found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from groundstation.moments import Moment
from groundstation.survey import Survey
from protocols.errors import RecordingError


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a recording is to be replayed."""

    speed: float
    begin: Moment | None
    end: Moment | None
    loop: bool
    stay: bool
    """Whether to wait at the end for a seek, until stopped."""
    broker: str
    proven: bool = False
    """Whether to keep digests of what is played, from its beginning to the first seek."""


def is_found(survey: Survey, wanted: Wanted) -> bool:
    """Whether enough of a recording is read to begin: T-0 is known, and the events that are named."""
    moments = [each for each in (wanted.begin, wanted.end) if each is not None]
    names = {each.base for each in moments if each.base and not each.is_of_t0}
    return survey.finished or (survey.settled and names <= {each.name for each in survey.events})


def wanted_part(path: Path, survey: Survey, wanted: Wanted) -> tuple[int, int]:
    """``received_ns`` between which a recording is played, both included. Raises RecordingError where nothing is."""
    first, last = survey.span or (0, 0)
    begin, end = _at(path, survey, wanted.begin, first), _at(path, survey, wanted.end, last)
    if begin > min(last, end) or end < first:
        problem = f"nothing lies between --from and --to; it lasts {(last - first) / 1e9:.1f} s"
        raise RecordingError(path, problem)
    return max(begin, first), end


def _at(path: Path, survey: Survey, moment: Moment | None, otherwise: int) -> int:
    """A moment on the recording's clock. Raises RecordingError where there is none of that name."""
    if moment is None:
        return otherwise
    first, _ = survey.span or (0, 0)
    try:
        return moment.at(first, survey.t0_ns, {each.name: each.received_ns for each in survey.events})
    except LookupError as error:
        raise RecordingError(path, str(error.args[0])) from None
