"""Tells whether a file is still being written: who writes a recording holds an advisory lock (flock(2)) on it.

The lock ends with the process, however it ends. Readers take none and never wait, and never disturb the writer.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path


def hold(file: int) -> None:
    """Lock an open, new and still empty file until it is closed; where the filesystem knows no locks, do without."""
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def being_written(path: Path) -> bool | None:
    """Whether somebody has it locked; None where the filesystem cannot tell. Raises OSError where it cannot be opened.

    An empty file counts as being written, and is not asked for its lock: its writer may be about to take it.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        if not os.fstat(file).st_size:
            return True
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(file)
    return False
