"""Files that do not tell what they are: somebody says so. Samples of a stated format, and bytes of a stated framing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from protocols.chunk import Chunk
from protocols.errors import NotARecording
from protocols.signal import Signal
from replay.recording import RecordedLink, Recording, TimeBase
from replay.sample_opening import open_sample_file
from replay.sample_recording import SampleRecording

_PIECE = 256 * 1024
"""Bytes given at a time: what fits a core's cache with all that is made of it."""


class StatedSamples(SampleRecording):
    """Samples of which somebody has said what they are."""

    title: ClassVar[str] = "samples as stated"

    def __init__(self, path: Path, signal: Signal) -> None:
        """Raises NotARecording where the file cannot be read."""
        super().__init__(path, open_sample_file(path, signal.samples, signal.rate, signal.frequency))

    @classmethod
    def recognise(cls, head: bytes) -> bool:  # noqa: ARG003
        """Never: somebody has to say so."""
        return False


class StatedBytes(Recording):
    """A link's bytes and nothing else: when they were received is not known, and their times are all 0."""

    title: ClassVar[str] = "bytes as stated"
    time_base = TimeBase.VEHICLE

    def __init__(self, path: Path, framing: str | Mapping[str, Any], vehicle: str = "") -> None:
        """The bytes of a file in this framing. Raises NotARecording where it cannot be read."""
        super().__init__(path)
        self._links = {"bytes": RecordedLink(vehicle, framing)}
        try:
            if not path.is_file():
                raise NotARecording(path, "is no file; check the name")
            with path.open("rb"):
                pass
        except OSError as error:
            raise NotARecording(
                path, f"cannot be read ({error.strerror}); check the name and its permissions"
            ) from None

    @classmethod
    def recognise(cls, head: bytes) -> bool:  # noqa: ARG003
        """Never: somebody has to say so."""
        return False

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link."""
        return self._links

    @property
    def span(self) -> tuple[int, int]:
        """Not known."""
        return 0, 0

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:  # noqa: ARG002 there are no times to start from
        """All bytes, in pieces."""
        with self.path.open("rb", buffering=0) as file:
            while data := file.read(_PIECE):
                yield Chunk("bytes", data, 0)
