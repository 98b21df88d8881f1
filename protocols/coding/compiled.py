"""Loops that cannot be vectorised, compiled where numba is there (the extra ``radio``) and absent where it is not.

Numba is imported when the first such loop is about to run, never before: a station without a radio does not pay for it.
Machine code is kept on disk beside the source, or in the user's cache where that folder cannot be written.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_R = TypeVar("_R")


@cache
def compiled(loop: Callable[_P, _R]) -> Callable[_P, _R] | None:
    """Loop as machine code, releasing the interpreter lock while it runs; None where there is no numba."""
    try:
        numba = import_module("numba")
    except ImportError:
        return None
    try:
        made = numba.njit(cache=True, nogil=True)(loop)
    except RuntimeError:  # no folder can be written: compiled anew in every run, same results
        made = numba.njit(nogil=True)(loop)
    return cast("Callable[_P, _R]", made)
