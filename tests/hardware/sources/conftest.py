"""How to be refused by the file system, also as root."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


@contextmanager
def _forbidden(path: Path) -> Iterator[None]:
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # nobody: root may open anything
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def forbidden() -> Callable[[Path], AbstractContextManager[None]]:
    """``with forbidden(path): ...``: a file we may not open."""
    return _forbidden
