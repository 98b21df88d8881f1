"""What `groundstation decode --to` can write: one file a format, found by its name, which is the file name's suffix.

A file defines ``EXPORT``, a class made with the path, the measurements that are to have a place, T-0 (None where it is
not known) and whether they are synthetic, with ``write(batch)``, ``close()`` and ``abandon()``.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol

from protocols.batch import Batch, Field


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

    def __call__(self, path: Path, fields: Mapping[str, Field], t0_ns: int | None, *, synthetic: bool) -> Export:
        """Begin the file. Raises RecordingFailed where it cannot be written."""


def export_class(suffix: str) -> MakeExport:
    """What writes files of a suffix, one of :func:`exports`."""
    made: MakeExport = import_module(f"{__name__}.{suffix}").EXPORT
    return made
