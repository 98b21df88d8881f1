"""A new file that grows by whole records: each is with the kernel when ``append`` returns, or the file is as before."""

import os
import zlib
from itertools import chain
from pathlib import Path

from protocols.errors import RecordingFailed
from replay.write_lock import hold

_sync_data = getattr(os, "fdatasync", os.fsync)


class AppendedFile:
    """One thread appends and closes; ``sync`` may be called from another."""

    def __init__(self, path: Path) -> None:
        """Create it at path, or at the first free name after it. Raises RecordingFailed."""
        self.path, self._file = _create(path)
        """Where it is: ``NAME-2.mcap`` and so on where ``NAME.mcap`` is taken."""
        self.position = 0
        """Its length in bytes: whole records only."""
        self.crc = 0
        """CRC-32 of all its bytes."""
        self._write_problem = self._sync_problem = ""

    @property
    def problem(self) -> str:
        """Why the last write or the last sync failed, or that the file was deleted; empty while both are well."""
        return self._write_problem or self._sync_problem

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._file < 0

    def append(self, data: bytes) -> None:
        """Put data at the end: all of it, or none and RecordingFailed."""
        written = 0
        try:
            while written < len(data):
                rest = data[written:] if written else data
                written += os.pwrite(self._file, rest, self.position + written)
        except OSError as error:
            if not self.closed:
                self._write_problem = f"cannot be written ({error.strerror}); make room on the disk or record elsewhere"
                self._take_back()
            raise self._failure(self._write_problem) from None
        self.position += written
        self.crc = zlib.crc32(data, self.crc)
        self._write_problem = ""

    def sync(self) -> None:
        """Wait until the disk itself holds it. Raises RecordingFailed, also when somebody has deleted the file.

        What is written to a deleted file is with the system until it is closed, and can still be copied from there.
        """
        try:
            _sync_data(self._file)
            deleted = not os.fstat(self._file).st_nlink
        except (OSError, ValueError) as error:  # the latter where the other thread has closed it meanwhile
            if not self.closed:
                why = f"the disk does not confirm what is written ({getattr(error, 'strerror', error)})"
                self._sync_problem = f"{why}, which a power cut may lose; look to the disk or record elsewhere"
            raise self._failure(self._sync_problem) from None
        where = f"/proc/{os.getpid()}/fd/{self._file}"
        self._sync_problem = f"was deleted; copy {where} elsewhere before this ends, and start anew" if deleted else ""
        if deleted:
            raise RecordingFailed(self.path, self._sync_problem)

    def close(self) -> None:
        """Let go of it. Calling it again does nothing."""
        if not self.closed:
            os.close(self._file)
            self._file = -1

    def _failure(self, problem: str) -> RecordingFailed:
        """What to raise for a problem."""
        if self.closed:
            return RecordingFailed(self.path, "it is closed; record in a new one")
        return RecordingFailed(self.path, problem, self.position)

    def _take_back(self) -> None:
        """Remove what a write left half done; the next write goes over it in any case, and readers leave it out."""
        try:
            os.ftruncate(self._file, self.position)
        except OSError:
            self._write_problem += "; its last bytes may be half a record, which readers leave out"


def _create(path: Path) -> tuple[Path, int]:
    """A new file at path or at the first free name after it, and the folder with its name on the disk."""
    for name in chain((path.name,), (f"{path.stem}-{number}{path.suffix}" for number in range(2, 10_000))):
        made = path.with_name(name)
        try:
            made.parent.mkdir(exist_ok=True)
            file = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        except OSError as error:
            problem = f"cannot be made ({error.strerror}); check the folder, its permissions and the room on its disk"
            raise RecordingFailed(made, problem) from None
        hold(file)
        _sync_folder(made.parent)
        return made, file
    raise RecordingFailed(path, "thousands of recordings have this name; choose another or move them away")


def _sync_folder(folder: Path) -> None:
    """Have the disk hold the folder's entry of a new file; one that cannot be asked to does it in its time."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)
