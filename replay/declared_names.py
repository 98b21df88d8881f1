"""Names that files give to packets and fields, made such as a declaration takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TAKEN = frozenset(("body", "header", "frame"))
"""What a declaration calls its own parts (``protocols/packet.py``)."""


def field_names(given: Iterable[str], blank: str = "field") -> list[str]:
    """A name for each field: letters, digits and underscores, none twice; blank stands for what has no letter."""
    names, used = [], set(_TAKEN)
    for place, told in enumerate(given):
        name = re.sub(r"\W", "_", told, flags=re.ASCII)
        name = name if name and not name[0].isdigit() else f"{blank}_{name or place}"
        names.append(_free(name, place, used))
    return names


def packet_name(given: str, number: int, used: set[str], blank: str) -> str:
    """A name for a packet, in small letters, and none of those used, to which it is added."""
    name = re.sub(r"\W", "_", given, flags=re.ASCII).lower() or f"{number}"
    return _free(name if name[0].isalpha() else f"{blank}_{name}", number, used)


def _free(name: str, number: int, used: set[str]) -> str:
    """The name, or where it is used the name and a number; it is used from then on."""
    name = f"{name}_{number}" if name in used else name
    while name in used:
        name = f"{name}_"
    used.add(name)
    return name
