"""A file of samples as a recording of one link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from protocols.chunk import Chunk
from replay.recording import Damage, Placed, RecordedLink, Recording
from replay.sample_file import Piece, SampleFile
from replay.sample_opening import open_sample_file
from replay.sigmf_dataset import NAMESPACE

LINK = "samples"
"""The link's name where the file tells none."""


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What may name a link, as in a campaign file: it stands in topics, in file names and on screens."""


class SampleRecording(Recording):
    """Its chunks are samples, each piece within one capture and received when its last sample was taken."""

    def __init__(self, path: Path, file: SampleFile | None = None) -> None:
        """File is the file if it is open already. Raises NotARecording where it does not tell what its samples are."""
        super().__init__(path)
        self.file = file or open_sample_file(path)
        """What was read of its header."""
        self.time_base, self.assumed = self.file.time_base, self.file.assumed
        about = self.file.about
        self.synthetic = about.get(f"{NAMESPACE}:synthetic") is True
        name, vehicle, framing = (about.get(f"{NAMESPACE}:{key}") for key in ("link", "vehicle", "framing"))
        self._name = name if isinstance(name, str) and _NAME.fullmatch(name) else LINK
        self._link = RecordedLink(
            vehicle if isinstance(vehicle, str) else "",
            framing if isinstance(framing, str | dict) and framing else "datagram",
            self.file.signal,
        )
        self._begin_damage()

    @property
    def links(self) -> Mapping[str, RecordedLink]:
        """The one link there is."""
        return {self._name: self._link}

    @property
    def span(self) -> tuple[int, int]:
        """``received_ns`` of the first and the last chunk; (0, 0) without any."""
        return self.file.span

    def chunks(self, start_ns: int | None = None) -> Iterator[Chunk]:
        """The samples in the order of the file, from the first chunk at or after start_ns."""
        return (chunk for chunk, _ in self._read(enumerate(self.file.pieces(start_ns), 1)))

    def placed(self, place: int = 0) -> Iterator[Placed]:
        """The samples from a place on, each with the place after it: the count of pieces, which are cut unread."""
        return self._read(islice(enumerate(self.file.pieces(), 1), place, None))

    def _read(self, pieces: Iterable[tuple[int, Piece]]) -> Iterator[Placed]:
        """Pieces of the file that are numbered, with their numbers."""
        self._begin_damage()
        with self.file.path.open("rb", buffering=0) as opened:
            for number, piece in pieces:
                data = self.file.read(opened.fileno(), piece)
                count = len(data) // self.file.signal.size
                if count:
                    received = Piece(piece.capture, piece.first, count)
                    yield Chunk(self._name, data, self.file.received_ns(received)), number
                if count < piece.count:
                    self.damage.note("has become shorter since it was opened; what is left of it was read")
                    return

    def _begin_damage(self) -> None:
        """Start counting with what was found on opening."""
        found = self.file.damage
        self.damage = Damage(found.discarded, found.missing, list(found.notes))
        if f"{NAMESPACE}:link" in self.file.about and "core:sha512" not in self.file.about:
            self.damage.note("not closed: the recorder was stopped, or records still; all samples in it are given")
