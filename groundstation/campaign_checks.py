"""Whether what a campaign file names is there: its sources, its framings, the measurements and phases of its limits."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from groundstation.campaign_tables import LimitTable, LinkTable, Mistake, dotted
from groundstation.satellite import satellite
from groundstation.transmitters import RADIO, framing_table, radio_framing, transmitter
from hardware.source import source
from protocols.batch import Field
from protocols.ccsds.transfer_frame_link import transfer_frame_link
from protocols.errors import AddressError, DeclarationError, SourceUnavailable
from protocols.framer import Framer, framer
from protocols.measurement import Band
from protocols.packet import Vehicle
from protocols.signal import Signal


def make_framer(framing: str | Mapping[str, Any]) -> Framer:
    """A new framer of a framing as a campaign file names it. Raises DeclarationError."""
    if isinstance(framing, str):
        return framer(framing)
    options = dict(framing)
    if (stage := options.pop("transfer_frames", None)) is not None:
        return transfer_frame_link(make_framer(options), stage)
    kind = options.pop("kind", "")
    if not isinstance(kind, str):
        raise DeclarationError("framing", "its kind is no text; give a framing's name")
    try:
        if kind == RADIO:
            from protocols.modem.radio import Radio  # noqa: PLC0415 only radio links need it

            return Radio(**options)
        return framer(kind, **options)
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        raise DeclarationError(f"framing {kind!r}", f"an option has a wrong value ({error}); correct it") from None


def link_mistakes(
    links: Mapping[str, LinkTable], vehicle: Vehicle | None, *, to_receive: bool = True
) -> Iterator[Mistake]:
    """Sources, modems and framings that cannot be used; of a recorded campaign, whose sources may be away, framings."""
    for name, link in links.items():
        signal = None
        try:
            signal = source(link.source, name).signal if to_receive else None
        except (AddressError, SourceUnavailable) as error:
            yield dotted("links", name, "source"), f"found {error}"
        else:
            yield from _radio_mistakes(name, link, signal) if to_receive else ()
        if signal is None and not link.modem and not link.satellite:
            framing = framing_table(link.framing) or (vehicle.framing if vehicle else "")
            if framing:
                try:
                    make_framer(framing)
                except DeclarationError as error:
                    yield dotted("links", name, "framing"), f"found {framing!r}; {error}"


def _radio_mistakes(name: str, link: LinkTable, signal: Signal | None) -> Iterator[Mistake]:
    """What does not fit together of a source, a modem, a framing and a satellite."""
    if signal is None:
        key = "modem" if link.modem else "satellite"
        if link.modem or link.satellite:
            problem = f"found {getattr(link, key)!r}, but its source gives bytes, not samples; leave it out"
            yield dotted("links", name, key), problem
    elif link.satellite and (link.modem or link.framing):
        yield dotted("links", name, "satellite"), "tells modem and framing itself; leave these out, or the satellite"
    elif not link.satellite and not (link.modem and link.framing):
        missing = "framing" if link.modem else "modem"
        hint = 'as in modem = "fsk:9600" and framing = "ax100_golay", or satellite = NAME'
        yield dotted("links", name, missing), f"is missing: its source gives samples; add modem and framing, {hint}"
    else:
        try:
            make_framer(radio_framing(signal, link_transmitters(link)))
        except DeclarationError as error:
            key = "satellite" if link.satellite else "framing" if _received(link, signal) else "modem"
            yield dotted("links", name, key), f"found {getattr(link, key)!r}; {error}"


def _received(link: LinkTable, signal: Signal) -> bool:
    """Whether a link's modem is one for its signal, whatever its framing is."""
    try:
        make_framer(radio_framing(signal, [transmitter(link.modem, "hdlc")]))
    except DeclarationError:
        return False
    return True


def link_transmitters(link: LinkTable) -> Sequence[Mapping[str, Any]]:
    """What a radio link is searched for. Raises DeclarationError."""
    if link.satellite:
        return satellite(link.satellite).transmitters
    return [transmitter(link.modem, link.framing)]


def limit_mistakes(limits: Mapping[str, LimitTable], vehicle: Vehicle) -> Iterator[Mistake]:
    """Limits of no measurement, in no phase, or that cannot work."""
    from groundstation.pipeline import measurements  # noqa: PLC0415 compiled only where limits are given

    fields = measurements(vehicle) if limits else {}
    phases = vehicle.flight.phases if vehicle.flight else ()
    for name, limit in limits.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`groundstation check` lists them with --json"
            yield dotted("limits", name), f"{vehicle.name} has no such measurement; {hint}"
            continue
        for phase in limit.when or ():
            if phase not in phases:
                allowed = ", ".join(phases) or "none: this vehicle declares no flight"
                yield dotted("limits", name, "when"), f"found {phase!r}; its phases are {allowed}"
        yield from _band_mistakes(name, limit, fields[name])


def _band_mistakes(name: str, limit: LimitTable, field: Field) -> Iterator[Mistake]:
    """Bands out of order, by themselves or with what the declaration says; and what no alarm can come of."""
    from groundstation.limits import LimitMonitor  # noqa: PLC0415
    from groundstation.pipeline import effective_limits  # noqa: PLC0415

    bands = {"yellow": limit.yellow, "red": limit.red}
    wrong = {side: band for side, band in bands.items() if band and not band[0] < band[1]}
    for side, band in wrong.items():
        yield dotted("limits", name, side), f"found {_band(band)}; the lower comes first, and both are numbers"
    if wrong:
        return
    yellow, red = limit.yellow or field.yellow, limit.red or field.red
    if yellow and red and not _open(yellow) and not (red[0] <= yellow[0] and yellow[1] <= red[1]):
        given, other, told = ("red", "yellow", yellow) if limit.red else ("yellow", "red", red)
        whose = "" if bands[other] else " of the declaration"
        problem = f"found {_band(bands[given])}, with {other} {_band(told)}{whose}, red lies inside yellow"
        yield dotted("limits", name, given), f"{problem}; widen red or narrow yellow"
        return
    try:
        LimitMonitor({name: field}, effective_limits({name: field}, {name: limit}))
    except DeclarationError as error:
        yield dotted("limits", name), str(error).removeprefix(f"{error.where}: ")


def _band(band: Band | None) -> str:
    return "[]" if band is None else f"[{band[0]:g}, {band[1]:g}]"


def _open(band: Band) -> bool:
    """Whether a band excludes nothing, which is how a declared one is turned off."""
    return math.isinf(band[0]) and math.isinf(band[1])
