"""A file that gets its name when it is whole: until then it is ``.NAME.part`` beside it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from protocols.errors import RecordingFailed


class PartFile:
    """The place a file is written to before it has its name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """Its name to be."""
        self.part = path.with_name(f".{path.name}.part")
        """Where it is written."""

    def finish(self) -> None:
        """Give it its name. Raises RecordingFailed when the disk refuses."""
        try:
            os.replace(self.part, self.path)  # noqa: PTH105 Path.replace is the same call
        except OSError as error:
            self.remove()
            raise self.failed(error) from None

    def remove(self) -> None:
        """Leave nothing half-written behind."""
        with suppress(OSError):
            self.part.unlink()

    def failed(self, error: OSError) -> RecordingFailed:
        """What to raise for an error."""
        return RecordingFailed(self.path, f"cannot be written ({error.strerror or error}); choose another place")
