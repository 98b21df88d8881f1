"""XTCE read as a vehicle: each container that a packet can be is a packet type, and the root's entries are its header.

Theory of operation. A packet is the deepest container whose restrictions it meets. Where all containers restrict the
same fields of the header to one value each, these are the key; else each has a pattern. Entries become one construct
declaration of bits, of fixed layout if the data decide no place or size; then it decodes by columns. A header that has
the fields of a space packet's at their places (CCSDS 133.0-B-2 4.1.3) is taken for one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from protocols.errors import DeclarationError
from protocols.packet import Header, Key, Packet, Vehicle
from protocols.xtce.alarms import left_out
from protocols.xtce.containers import Entry, declaration
from protocols.xtce.document import Element, parse
from protocols.xtce.header import header_of
from protocols.xtce.packet_tree import Member, members, refused, root_container
from protocols.xtce.scope import Types
from protocols.xtce.space_system import SpaceSystem, ancillary, description, space_systems

_NAMED: Final = 20
"""Things left out that are named one by one."""


def read_xtce(document: bytes, root: str = "") -> Vehicle:
    """The vehicle that an XTCE document declares; root names the container all packets begin with, if it must be said.

    Raises DeclarationError on what is not read, by line; all of it at once.
    """
    system = space_systems(parse(document))
    found, problems = members(system, root_container(system, root), Types())
    if not found and not problems:
        raise system.element.refused("has only abstract containers, so nothing is a packet; make one concrete")
    if problems:
        raise refused(problems)
    header, keys = header_of(found, told(system.element, "header"))
    start = 8 * int(header.layout.sizeof()) if header else 0
    packets, known = [], dict[Key, Element]()
    for each, name, key in zip(found, _names(found), keys, strict=True):
        element = each.container.element
        if key is not None and (other := known.setdefault(key, element)) is not element:
            same = f"has the restrictions of {other.get('name')}, line {other.line}; tell them apart, or take one out"
            problems.append(element.refused(same))
        try:
            packets.append(_packet(each, name, key, start))
        except DeclarationError as error:
            problems.append(error)
    if problems:
        raise refused(problems)
    return _vehicle(system, tuple(packets), header)


def told(element: Element, name: str) -> dict[str, Any]:
    """What a file of ours says beyond XTCE, as ancillary data ``groundstation.NAME`` in JSON; empty where nothing."""
    try:
        found = json.loads(ancillary(element, f"groundstation.{name}") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _vehicle(system: SpaceSystem, packets: tuple[Packet, ...], header: Header | None) -> Vehicle:
    own = told(system.element, "vehicle")
    types = [kind for one in system.all() for kind in one.declared.get("type", {}).values()]
    missing = [each for kind in types for each in left_out(kind)]
    rest = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    source = str(own.get("source", f"XTCE of SpaceSystem {system.name}"))
    source += f"; not read: {', '.join(missing[:_NAMED])}{rest}" if missing else ""
    space = header is not None and header.length != "" and header.length_bias == 1
    framing = own.get("framing")
    return Vehicle(
        _identifier(system.name).lower(),
        str(own.get("title", system.name)),
        packets,
        header,
        framing=framing if isinstance(framing, (str, dict)) else "space_packet" if space else "datagram",
        synthetic=own.get("synthetic") is True,
        source=source,
    )


def _packet(member: Member, name: str, key: Key | None, start: int) -> Packet:
    """A container as a packet type whose body begins at a bit."""
    element, entries = member.container.element, member.entries.found
    body = [each for at, each in enumerate(entries) if at >= member.inherited or not _within(each, start)]
    own, rate = told(element, "packet"), element.first("DefaultRateInStream")
    times = [_path(each, start) for each in entries if each.time and each.path and each.end is not None]
    return Packet(
        name,
        declaration(body, start),
        key,
        rate=rate.number("minimumValue", 0.0) if rate is not None else 0.0,
        time=tuple(map(str, own.get("time", times[-1:]))),
        sequence=str(own.get("sequence", "")),
        doc=description(element),
    )


def _within(entry: Entry, bits: int) -> bool:
    """Whether an entry is part of a header of so many bits."""
    return entry.end is not None and entry.end <= bits


def _path(entry: Entry, start: int) -> str:
    return ".".join((*(("header",) if _within(entry, start) else ()), *entry.path))


def _names(found: Sequence[Member]) -> list[str]:
    """A name for each packet type: its container's; of several of one name with that of their SpaceSystem."""
    names = [_identifier(each.container.element.need("name")) for each in found]
    often = Counter(names)
    told_apart = [
        name if often[name] == 1 else f"{_identifier(each.container.system.name)}_{name}"
        for name, each in zip(names, found, strict=True)
    ]
    return [name if told_apart.index(name) == at else f"{name}_{at}" for at, name in enumerate(told_apart)]


def _identifier(text: str) -> str:
    name = "".join(each if each.isalnum() else "_" for each in text)
    return name if name.isidentifier() else f"_{name}"
