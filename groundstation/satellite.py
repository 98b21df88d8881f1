"""Satellites known by name: how each transmits, as its operators published it. One file each in ``satellites/``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from groundstation.transmitters import transmitter
from protocols.errors import DeclarationError


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
    """A satellite by any of its names or its catalogue number; capitals, spaces and dashes do not matter.

    Raises DeclarationError, naming what comes near.
    """
    wanted = _plain(name)
    for each in satellites().values():
        if wanted in {_plain(known) for known in (each.name, *each.aliases, str(each.norad or ""))} - {""}:
            return each
    near = [each.name for each in satellites().values() if wanted[:3] and _plain(each.name).startswith(wanted[:3])]
    known = ", ".join(near) or f"{len(satellites())} are, see `groundstation info`"
    raise DeclarationError(f"satellite {name!r}", f"not known here ({known}); give its modem and framing instead")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read(table: Mapping[str, Any]) -> Satellite:
    sent = tuple(transmitter(each["modem"], each["framing"]) for each in table["transmitters"])
    aliases, norad = tuple(table.get("aliases", ())), int(table.get("norad", 0))
    return Satellite(table["name"], aliases, norad, table.get("vehicle", ""), sent, table["source"])
