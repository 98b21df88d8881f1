"""The campaign file: what is received, how it is framed, which limits hold, where it is recorded and published.

TOML in, validated settings out. Every mistake is named by its dotted key, with what was found and what is allowed,
and all mistakes of a file are named at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from groundstation.campaign_checks import limit_mistakes, link_mistakes, link_transmitters, make_framer
from groundstation.campaign_tables import CampaignFile, LimitTable, LinkTable, Mistake, mistakes
from groundstation.transmitters import framing_table, radio_framing
from groundstation.vehicle_file import NoVehicle, load_vehicle
from hardware.source import source
from protocols.errors import CampaignError
from protocols.packet import Vehicle
from protocols.signal import Signal

__all__ = ["Campaign", "CampaignFile", "LimitTable", "LinkTable", "make_framer"]

LARGEST = 1_000_000
"""Characters of a campaign file; what is longer is something else."""
_Table = TypeVar("_Table", bound=BaseModel)


class Campaign:
    """A campaign file, checked against the vehicle, the framings and the sources that there are."""

    def __init__(self, text: str, path: Path, *, vehicle_files: bool = True) -> None:
        """Path is the file's own, or the recording's that holds it: then no vehicle file is run, since it is code.

        Raises CampaignError that names every mistake.
        """
        self.path, self.text = path, text
        self._signals: dict[str, Signal | None] = {}
        self.file, self.vehicle = _checked(_tables(text, path), path, vehicle_files=vehicle_files)

    @classmethod
    def load(cls, path: Path | str) -> Campaign:
        """The campaign in a file. Raises CampaignError."""
        path = Path(path)
        try:
            with path.open(encoding="utf-8-sig") as file:  # some editors begin a text with a byte order mark
                text = file.read(LARGEST + 1)
        except OSError as error:
            raise CampaignError(path, "", f"cannot be read ({error.strerror}); check the name") from None
        except UnicodeDecodeError:
            raise CampaignError(path, "", "is not a text file in UTF-8; give a campaign file (TOML)") from None
        if len(text) > LARGEST:
            raise CampaignError(path, "", f"has more than {LARGEST:,} characters; give a campaign file (TOML)")
        return cls(text, path)

    @property
    def name(self) -> str:
        """The campaign's name."""
        return self.file.campaign.name

    @property
    def vehicle_named(self) -> str:
        """The vehicle it names: a name, or the whole path of a file."""
        name = self.file.campaign.vehicle
        return str((self.path.parent / name).resolve()) if name.endswith(".py") else name

    def signal(self, link: str) -> Signal | None:
        """What the samples of a link are; None for one of bytes. Raises SourceUnavailable where a file is away now."""
        if link not in self._signals:
            self._signals[link] = source(self.file.links[link].source, link).signal
        return self._signals[link]

    def framing(self, link: str, signal: Signal | None = None) -> str | Mapping[str, Any]:
        """A link's framing, its own or the vehicle's usual one; of a radio link, all from its samples to frames.

        A signal is given where a recording tells it, else the source does. Raises SourceUnavailable.
        """
        table = self.file.links[link]
        signal = signal or self.signal(link)
        if signal is not None:
            return radio_framing(signal, link_transmitters(table))
        return framing_table(table.framing) or self.vehicle.framing

    @property
    def directory(self) -> Path:
        """Where its recordings go."""
        return self.path.parent / self.file.recording.directory


def _tables(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and a number of more digits than Python takes
        raise CampaignError(path, "", f"is not valid TOML: {error}; correct it there") from None
    except RecursionError:
        raise CampaignError(path, "", "is not valid TOML: nested too deeply; correct it") from None


def _checked(raw: Mapping[str, Any], path: Path, *, vehicle_files: bool) -> tuple[CampaignFile, Vehicle]:
    """The file's settings and its vehicle. What can be understood is checked even where the rest cannot."""
    found: list[Mistake] = []
    file = vehicle = None
    try:
        file = CampaignFile.model_validate(raw)
    except ValidationError as error:
        found += mistakes(error)
    try:
        name = _table(raw, "campaign").get("vehicle")
        vehicle = load_vehicle(name, path, files=vehicle_files) if isinstance(name, str) else None
    except NoVehicle as error:
        found.append(("campaign.vehicle", str(error)))
    named = {key for key, _ in found}  # what is wrong is left out of what is readable, but not missing
    links = link_mistakes(_readable(LinkTable, _table(raw, "links")), vehicle, to_receive=vehicle_files)
    found += [(key, problem) for key, problem in links if key not in named]
    if vehicle is not None:
        found += limit_mistakes(_readable(LimitTable, _table(raw, "limits")), vehicle)
    if found or file is None or vehicle is None:
        (key, first), *others = found
        raise CampaignError(path, key, "\n  ".join([first, *(f"{key}: {problem}" for key, problem in others)]))
    return file, vehicle


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = raw.get(name)
    return table if isinstance(table, dict) else {}


def _readable(kind: type[_Table], tables: Mapping[str, Any]) -> dict[str, _Table]:
    """Some tables without what is wrong in them, which is already among the mistakes of the file."""
    good = {}
    for name, table in tables.items():
        with suppress(ValidationError):
            try:
                good[name] = kind.model_validate(table)
            except ValidationError as error:
                wrong = {each["loc"][0] for each in error.errors() if each["loc"]}
                left = {key: value for key, value in table.items() if key not in wrong} if wrong else table
                good[name] = kind.model_validate(left)
    return good
