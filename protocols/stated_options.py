"""Options of framings as campaign files, command lines and recordings state them, held against what a class takes.

What is wrong is told before anything is made of it: some types would be noticed only when bytes come, and a length that
no frame has would be believed until the memory is full.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from protocols.errors import DeclarationError

_WANTED = {bool: "true or false", str: "a text"}


def check_options(where: str, made: Callable[..., Any], options: Mapping[str, Any], largest: int) -> None:
    """Raise DeclarationError, naming where, on an option that made does not take, of another type than its annotation,
    missing, or a whole number beyond largest.
    """
    allowed = inspect.signature(made).parameters
    for name, value in options.items():
        if name not in allowed:
            raise DeclarationError(where, f"no option {name!r}; its options are {', '.join(allowed)}")
        wanted = allowed[name].annotation
        truth = isinstance(value, bool) and isinstance(allowed[name].default, bool)  # also where 2 says more than true
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool and not truth):
            problem = f"{name} = {value!r:.40} is of another type; give {_WANTED.get(wanted, 'a whole number')}"
            raise DeclarationError(where, problem)
        if isinstance(value, int) and abs(value) > largest:
            raise DeclarationError(where, f"{name} = {value} is too large; give at most {largest:,}")
    missing = [name for name, each in allowed.items() if each.default is each.empty and name not in options]
    if missing:
        raise DeclarationError(where, f"needs {', '.join(missing)}; add it to the framing's options")
