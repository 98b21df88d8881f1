"""A recording, and the vehicle, framings and limits by which it is to be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundstation.campaign import Campaign, LimitTable, make_framer
from groundstation.pipeline import Pipeline
from protocols import undeclared
from protocols.errors import CampaignError, DeclarationError, RecordingError
from protocols.packet import Vehicle
from protocols.vehicles import vehicle, vehicles
from replay.chosen_links import chosen_links
from replay.recording import RecordedLink, Recording, open_recording


@dataclass(frozen=True, slots=True)
class Reading:
    """A recording with all that is needed to decode it."""

    recording: Recording
    vehicle: Vehicle
    framings: Mapping[str, str | Mapping[str, Any]]
    overrides: Mapping[str, LimitTable]
    declared: Mapping[str, Vehicle] = field(default_factory=dict)
    """The packets of links that the file itself declares."""

    def pipeline(self) -> Pipeline:
        """A fresh pipeline for it."""
        return Pipeline(self.vehicle, self.framings, self.overrides, self.declared)

    @property
    def synthetic(self) -> bool:
        """Whether what it holds is made up."""
        return self.recording.synthetic or self.vehicle.synthetic


def read(path: Path | str, campaign: Path | str | None = None, links: Sequence[str] = ()) -> Reading:
    """A recording, by the campaign given, else by the one inside it, else by what its format says; links: only these.

    A vehicle file is never run because a recording names it: it would be code chosen by a data file.

    Raises RecordingError, CampaignError.
    """
    recording = chosen_links(open_recording(path), links)
    return read_by(recording, Campaign.load(campaign) if campaign else _inside(recording))


def read_by(recording: Recording, chosen: Campaign | None) -> Reading:
    """An open recording by a campaign, or by what its format says. Raises RecordingError."""
    links = recording.links
    framings = {name: _framing(recording, name, link, chosen) for name, link in links.items()}
    declared = {name: link.declared for name, link in links.items() if link.declared is not None}
    if chosen is not None:
        declared = {name: each for name, each in declared.items() if name not in chosen.file.links}
        declared |= _left_out(links, chosen)
        return Reading(recording, chosen.vehicle, framings, chosen.file.limits, declared)
    names = sorted({link.vehicle for name, link in links.items() if name not in declared})
    if not links:
        raise RecordingError(recording.path, "holds nothing that was received; info says what else is in it")
    if not set(names) <= {*vehicles(), undeclared.NAME} or not (names or declared):
        problem = f"its vehicle ({', '.join(names) or 'none'}) is not known here; name a campaign file with --campaign"
        raise RecordingError(recording.path, problem)
    known = {name: undeclared.VEHICLE if name == undeclared.NAME else vehicle(name) for name in names}
    declared |= {name: known[link.vehicle] for name, link in links.items() if name not in declared}
    return Reading(recording, _first(declared.values()), framings, {}, declared)


def _left_out(links: Mapping[str, RecordedLink], chosen: Campaign) -> dict[str, Vehicle]:
    """Links of nobody's declaration beside those that the campaign names: a capture has all that went by."""
    if not set(links) & set(chosen.file.links):
        return {}
    others = {name: link for name, link in links.items() if name not in chosen.file.links}
    return {name: undeclared.VEHICLE for name, link in others.items() if link.vehicle == undeclared.NAME}


def _first(found: Iterable[Vehicle]) -> Vehicle:
    """The vehicle that gives a recording its name: the first of which anything is known."""
    several = list(found)
    return next((each for each in several if each is not undeclared.VEHICLE), several[0])


def _framing(recording: Recording, name: str, link: RecordedLink, chosen: Campaign | None) -> str | Mapping[str, Any]:
    """The framing of a recorded link: what the campaign says of it, else what the recording does.

    A file of samples knows no links, so the campaign's only radio link is meant whatever it is called.
    """
    own = chosen.file.links if chosen else {}
    if chosen and name in own:
        return chosen.framing(name, link.signal)
    radios = [each for each, table in own.items() if table.modem or table.satellite]
    if chosen and link.signal is not None and len(recording.links) == len(radios) == 1:
        return chosen.framing(radios[0], link.signal)
    if link.signal is not None and link.framing == "datagram":
        problem = (
            "holds samples and does not say of whom: add --satellite NAME, or --modem KIND:BAUD and --framing KIND"
        )
        raise RecordingError(recording.path, f"{problem}; or a campaign file with --campaign")
    return _readable(recording, name, link)


def _readable(recording: Recording, name: str, link: RecordedLink) -> str | Mapping[str, Any]:
    """The framing that a recording says its link has. Raises RecordingError where there is none of that kind."""
    try:
        make_framer(link.framing)
    except DeclarationError as error:
        problem = f"its link {name} cannot be read here ({error}); name a campaign file with --campaign"
        raise RecordingError(recording.path, problem) from None
    return link.framing


def _inside(recording: Recording) -> Campaign | None:
    """The campaign under which it was recorded, if it is inside and its vehicle is here."""
    if not recording.campaign:
        return None
    try:
        return Campaign(recording.campaign, recording.path, vehicle_files=False)
    except CampaignError as error:
        problem = f"the campaign inside it cannot be used here ({error}); name a campaign file with --campaign"
        raise RecordingError(recording.path, problem) from None
