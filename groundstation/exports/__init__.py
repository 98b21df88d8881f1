"""What `groundstation decode --to` can write: one file a format, found by its name, which is the file name's suffix.

A file defines ``EXPORT``, a class made with the path and what is to be written, with ``write(batch)``, ``close()`` and
``abandon()``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol

import numpy as np

from groundstation.event import Event
from protocols.batch import Batch, Field


@dataclass(frozen=True)
class Contents:
    """What a file is to hold, known before the first packet is written."""

    fields: Mapping[str, Field]
    """The measurements that are to have a place, by full name, ``packet.path``."""
    types: Mapping[str, np.dtype[Any]] = field(default_factory=dict)
    """Types of their finished columns; a measurement that is left out has values that depend on the data."""
    docs: Mapping[str, str] = field(default_factory=dict)
    """What each packet is, by its name."""
    t0_ns: int | None = None
    """T-0; None where it is not known."""
    synthetic: bool = False
    """Whether the values are made up: every file says so."""
    time_base: str = "utc"
    """What ``received_ns`` counts from: ``utc``, or ``vehicle`` where the date is not known."""
    title: str = ""
    """The vehicle, as people write it."""
    recording: str = ""
    """The file that the values were decoded from."""
    events: Sequence[Event] = ()
    """What happened in the flight and to its limits, in order."""

    @property
    def packets(self) -> dict[str, dict[str, Field]]:
        """The measurements of each packet, by their path in it."""
        found: dict[str, dict[str, Field]] = {}
        for name, told in self.fields.items():
            found.setdefault(name.partition(".")[0], {})[told.path] = told
        return found


class Export(Protocol):
    """A file being written."""

    def write(self, batch: Batch) -> None:
        """Add the packets of a batch."""

    def close(self) -> None:
        """Finish the file: only then does it stand under its name."""

    def abandon(self) -> None:
        """Leave nothing half-written behind."""


def exports() -> list[str]:
    """The suffixes there are, without their dot."""
    return sorted(module.name for module in iter_modules(__path__))


class MakeExport(Protocol):
    """What makes an export: its class."""

    def __call__(self, path: Path, contents: Contents) -> Export:
        """Begin the file. Raises RecordingFailed where it cannot be written or has no place for what there is."""


def export_class(suffix: str) -> MakeExport:
    """What writes files of a suffix, one of :func:`exports`."""
    made: MakeExport = import_module(f"{__name__}.{suffix}").EXPORT
    return made
