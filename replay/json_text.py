"""What JSON, as orjson writes it, has no way to say: put so that it can be written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def writable(value: Any) -> Any:
    """What orjson refuses in a form it takes: wide numbers in digits, bytes of a file's name that are no text escaped.

    The rare way: a packet with such a number, or a path of such a name, must not end the bus for all others.
    """
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case int() if not -(1 << 63) <= value < 1 << 64:
            return str(value)
        case Mapping():
            return {writable(str(key)): writable(each) for key, each in value.items()}
        case list() | tuple():
            return [writable(each) for each in value]
        case np.ndarray() if value.dtype.kind not in "biuf":
            return writable(value.tolist())
    return value
