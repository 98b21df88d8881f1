"""Satellites known by name: how each transmits, as its operators published it. One file each in ``satellites/``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from groundstation.transmitters import transmitter
from protocols.errors import DeclarationError

_NEAR = 5
"""Names that are suggested at most."""


@dataclass(frozen=True, slots=True)
class Satellite:
    """One satellite."""

    name: str
    """As people write it."""
    aliases: tuple[str, ...]
    """Other names it goes by."""
    norad: int
    """Its number in the catalogue of space objects; 0 where it has none."""
    vehicle: str
    """The vehicle in ``protocols/vehicles`` that decodes its packets; empty where there is none."""
    transmitters: tuple[Mapping[str, Any], ...]
    """Tables of :class:`protocols.modem.transmitter_table.Transmitter`."""
    source: str
    """Where its modes were published."""


@cache
def satellites() -> dict[str, Satellite]:
    """All satellites there are, by the names of their files."""
    found = {}
    for file in sorted(files("groundstation").joinpath("satellites").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            found[file.name.removesuffix(".toml")] = _read(tomllib.loads(file.read_text(encoding="utf-8")))
    return found


def satellite(name: str) -> Satellite:
    """A satellite by any of its names or its catalogue number; of these, letters and digits alone matter.

    Raises DeclarationError, naming what comes near.
    """
    wanted, known = _plain(name), _known()
    if wanted in known:
        return satellites()[known[wanted]]
    longer = [each for each in known if wanted and each.startswith(wanted)]
    alike = [each for each in known if wanted[:3] and each.startswith(wanted[:3])]
    near = dict.fromkeys(known[each] for each in (*longer, *get_close_matches(wanted, known, _NEAR), *alike))
    names = [satellites()[each].name for each in near][:_NEAR]
    hint = (
        f"near it are {', '.join(names)}" if names else f"`groundstation info` lists the {len(satellites())} that are"
    )
    raise DeclarationError(f"satellite {name!r}", f"is not known here; {hint}; or give its modem and framing instead")


@cache
def _known() -> dict[str, str]:
    """By each name and number, as :func:`_plain` writes it: the name of the file."""
    found: dict[str, str] = {}
    for file, each in satellites().items():
        number = [str(each.norad)] if each.norad else []
        found |= dict.fromkeys(map(_plain, (each.name, *each.aliases, *number)), file)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read(table: Mapping[str, Any]) -> Satellite:
    sent = tuple(transmitter(each["modem"], each["framing"]) for each in table["transmitters"])
    aliases, norad = tuple(table.get("aliases", ())), int(table.get("norad", 0))
    return Satellite(table["name"], aliases, norad, table.get("vehicle", ""), sent, table["source"])
