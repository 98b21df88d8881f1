"""Whether what a campaign file names is there: its sources, its framings, the measurements and phases of its limits."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Any

from groundstation.campaign_tables import LimitTable, LinkTable, Mistake, dotted
from hardware.source import source
from protocols.batch import Field
from protocols.errors import AddressError, DeclarationError
from protocols.framer import Framer, framer
from protocols.measurement import Band
from protocols.packet import Vehicle


def make_framer(framing: str | Mapping[str, Any]) -> Framer:
    """A new framer of a framing as a campaign file names it. Raises DeclarationError."""
    if isinstance(framing, str):
        return framer(framing)
    options = dict(framing)
    kind = options.pop("kind", "")
    try:
        return framer(str(kind), **options)
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        raise DeclarationError(f"framing {kind!r}", f"an option has a wrong value ({error}); correct it") from None


def link_mistakes(links: Mapping[str, LinkTable], vehicle: Vehicle | None) -> Iterator[Mistake]:
    """Sources and framings that cannot be used."""
    for name, link in links.items():
        try:
            source(link.source, name)
        except AddressError as error:
            yield dotted("links", name, "source"), f"found {error}"
        framing = link.framing or (vehicle.framing if vehicle else "")
        if framing:
            try:
                make_framer(framing)
            except DeclarationError as error:
                yield dotted("links", name, "framing"), f"found {framing!r}; {error}"


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
