"""Writes samples as a SigMF recording (SigMF 1.2): a file of nothing but samples, and metadata that explains it.

When ``write`` returns, the samples are with the kernel. The metadata are right from the first moment: they are written
anew, under another name that then takes their place, before the first sample of each new capture and at the end. A
capture ends where the clock that counts samples does not go on as it should: samples are missing there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from protocols.errors import RecordingFailed
from protocols.signal import Signal
from replay.appended_file import AppendedFile
from replay.recording import TimeBase
from replay.sample_file import elapsed_ns
from replay.sigmf_dataset import DATA, META, NAMESPACE
from replay.utc_text import utc_text

VERSION = "1.2.0"
"""Of the SigMF specification."""
TOLERANCE_SAMPLES, TOLERANCE_NS = 4, 1_000
"""A chunk whose first sample is no further than this from where the count says goes on in the same capture: times in
ns are rounded. Our choice; no radio drops as few samples as that."""
_CAPTURES = 1_000
"""So many captures are written at once each; after that, whenever a hundredth more are there, and at the end."""


@dataclass(frozen=True, slots=True)
class About:
    """What the metadata tell of a recording beside its samples."""

    software: str
    link: str = ""
    vehicle: str = ""
    framing: str | Mapping[str, Any] = ""
    synthetic: bool = False
    time_base: TimeBase = TimeBase.UTC


@dataclass(slots=True)
class _Capture:
    first: int
    start_ns: int


class SigmfRecorder:
    """A SigMF recording being written. One thread writes; ``sync`` may be called from another."""

    def __init__(self, path: Path, signal: Signal, about: About) -> None:
        """Create ``NAME.sigmf-data`` at path and its metadata, or ``NAME-2`` and so on; ``path`` tells.

        Raises RecordingFailed.
        """
        self.signal = signal
        self.count = 0
        """Samples written."""
        self._about = about
        self._captures: list[_Capture] = []
        self._told = 0
        self._hash = hashlib.sha512()
        self._write_problem = self._sync_problem = ""
        self._unsynced = True
        self._file, self.meta = _pair(path)
        try:
            self._write_meta()
            self.sync()
        except RecordingFailed:
            self.abandon()
            raise

    @property
    def path(self) -> Path:
        """The file of samples: the path asked for, or the first free one after it."""
        return self._file.path

    @property
    def problem(self) -> str:
        """Why the last write or sync failed; empty when it did not."""
        return self._file.problem or self._write_problem or self._sync_problem

    @property
    def bytes_written(self) -> int:
        """The length of the file of samples: whole samples only."""
        return self._file.position

    def write(self, data: bytes, received_ns: int) -> int:
        """Record whole samples, the last of which was taken at received_ns; the number of the first in the file.

        Raises RecordingFailed, and nothing of them is recorded then.
        """
        samples, rest = divmod(len(data), self.signal.size)
        if rest:
            text = f"{len(data)} bytes are no whole samples of {self.signal.size}; correct the source"
            raise RecordingFailed(self.path, text)
        if not samples:
            return self.count
        start_ns = received_ns - elapsed_ns(samples - 1, self.signal.rate)
        if not self._goes_on(start_ns):
            self._begin(start_ns)
        first = self.count
        self._file.append(data)
        self._hash.update(data)
        self.count += samples
        return first

    def sync(self) -> None:
        """Have the disk itself hold what is written. Raises RecordingFailed."""
        self._file.sync()
        if self._unsynced:
            self._unsynced = False
            try:
                _sync(self.meta)
                _sync(self.meta.parent)
            except OSError as error:
                self._unsynced = True
                self._sync_problem = _problem(error)
                raise RecordingFailed(self.meta, self._sync_problem) from None
            self._sync_problem = ""

    def close(self) -> None:
        """Write the checksum into the metadata and let go. Calling it again does nothing. Raises RecordingFailed."""
        if self._file.closed:
            return
        try:
            self._write_meta(finished=True)
            self.sync()
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Let go and remove both files: nothing was recorded in them."""
        self._file.close()
        for path in (self.path, self.meta):
            path.unlink(missing_ok=True)

    def _goes_on(self, start_ns: int) -> bool:
        """Whether samples from start_ns on follow those that are there."""
        if not self._captures:
            return False
        last = self._captures[-1]
        due_ns = last.start_ns + elapsed_ns(self.count - last.first, self.signal.rate)
        return abs(start_ns - due_ns) <= elapsed_ns(TOLERANCE_SAMPLES, self.signal.rate) + TOLERANCE_NS

    def _begin(self, start_ns: int) -> None:
        """Begin a capture: said before its samples are there, so that they are never taken for others'."""
        if self._captures and self._captures[-1].first == self.count:
            self._captures.pop()  # begun for samples that then could not be written
        self._captures.append(_Capture(self.count, start_ns))
        due = len(self._captures) <= _CAPTURES or len(self._captures) >= self._told * 1.01
        try:
            if due:
                self._write_meta()
        except RecordingFailed:
            self._captures.pop()
            raise

    def _write_meta(self, *, finished: bool = False) -> None:
        """Put the metadata as they are now in the place of those before. Raises RecordingFailed."""
        text = orjson.dumps(self._described(finished=finished), default=dict, option=orjson.OPT_INDENT_2)
        part = self.meta.with_name(self.meta.name + ".part")
        try:
            part.write_bytes(text)
            part.replace(self.meta)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            self._write_problem = _problem(error)
            raise RecordingFailed(self.meta, self._write_problem) from None
        self._told, self._unsynced, self._write_problem = len(self._captures), True, ""

    def _described(self, *, finished: bool) -> dict[str, Any]:
        """The metadata."""
        about = self._about
        made_up = "Made up by a simulator: " if about.synthetic else ""
        described: dict[str, Any] = {
            "core:datatype": self.signal.datatype,
            "core:sample_rate": self.signal.rate,
            "core:version": VERSION,
            "core:recorder": about.software,
            "core:description": f"{made_up}samples of link {about.link or 'samples'} as received",
            "core:extensions": [{"name": NAMESPACE, "version": "1.0.0", "optional": True}],
            f"{NAMESPACE}:synthetic": about.synthetic,
            f"{NAMESPACE}:link": about.link,
            f"{NAMESPACE}:vehicle": about.vehicle,
            f"{NAMESPACE}:framing": about.framing,
        }
        if finished:
            described["core:sha512"] = self._hash.hexdigest()
        return {"global": described, "captures": [self._capture(each) for each in self._captures], "annotations": []}

    def _capture(self, capture: _Capture) -> dict[str, Any]:
        told: dict[str, Any] = {"core:sample_start": capture.first}
        if self.signal.frequency:
            told["core:frequency"] = self.signal.frequency
        if self._about.time_base is TimeBase.UTC:
            told["core:datetime"] = utc_text(capture.start_ns)
        return told


def _problem(error: OSError) -> str:
    """What to say of an error."""
    return f"cannot be written ({error.strerror}); make room on the disk or record elsewhere"


def _pair(path: Path) -> tuple[AppendedFile, Path]:
    """New files of samples and metadata: the first names of which both are free. Raises RecordingFailed."""
    stem = path.name.removesuffix(DATA)
    for number in count(1):
        data = path.with_name(f"{stem}-{number}{DATA}" if number > 1 else f"{stem}{DATA}")
        if data.with_suffix(META).exists() or data.exists():
            continue
        file = AppendedFile(data)
        return file, file.path.with_suffix(META)
    raise AssertionError


def _sync(path: Path) -> None:
    """Have the disk hold a file or the entries of a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
