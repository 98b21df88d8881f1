"""The tree of SpaceSystems, and how names are found in it: as paths, from where they stand and then further out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from protocols.xtce.document import Element

Kind = Literal["type", "parameter", "container"]

_SETS: Final[tuple[tuple[str, Kind], ...]] = (
    ("ParameterTypeSet", "type"),
    ("ParameterSet", "parameter"),
    ("ContainerSet", "container"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means."""

    element: Element
    system: SpaceSystem
    """Where it is declared, and so where the names in it are looked for."""
    members: tuple[str, ...] = ()
    """What is left of the name: members of an aggregate parameter."""


@dataclass(eq=False, slots=True)
class SpaceSystem:
    """A SpaceSystem element and what it declares."""

    element: Element
    parent: SpaceSystem | None = None
    systems: dict[str, SpaceSystem] = field(default_factory=dict)
    declared: dict[Kind, dict[str, Element]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its own name."""
        return self.element.need("name")

    def all(self) -> Iterator[SpaceSystem]:
        """This one and all within it, in the order of the file."""
        yield self
        for each in self.systems.values():
            yield from each.all()

    def find(self, kind: Kind, name: str, of: Element) -> Found:
        """What a name in this system means. Raises DeclarationError, by the element it is written in."""
        parts = [part for part in name.strip().split("/") if part not in ("", ".")]
        if name.strip().startswith("/"):
            root: SpaceSystem = self
            while root.parent is not None:
                root = root.parent
            found = root._walk(kind, parts[1:] if parts[:1] == [root.name] else parts)  # noqa: SLF001 of this class
            places: list[SpaceSystem] = []
        else:
            found, places = None, [self]
            while (outer := places[-1].parent) is not None:
                places.append(outer)
        for place in places:
            found = found or place._walk(kind, parts)  # noqa: SLF001
        if found is None:
            raise of.refused(f"names a {kind} {name!r} that there is not; declare it or correct the name")
        return found

    def _walk(self, kind: Kind, parts: list[str]) -> Found | None:
        """What a path that begins here leads to."""
        system: SpaceSystem = self
        for at, part in enumerate(parts):
            last = at == len(parts) - 1
            here = system.declared.get(kind, {}).get(part)
            if here is not None and (last or kind == "parameter"):
                return Found(here, system, tuple(parts[at + 1 :]))
            after = system.parent if part == ".." else system.systems.get(part)
            if after is None:
                return None
            system = after
        return None


def space_systems(element: Element, parent: SpaceSystem | None = None) -> SpaceSystem:
    """The tree that an element begins. Raises DeclarationError on a name declared twice, and where it is no XTCE."""
    if element.tag != "SpaceSystem":
        raise element.refused("is no SpaceSystem, so this is no XTCE; give an XTCE file")
    system = SpaceSystem(element, parent)
    for half in (*element.all("TelemetryMetaData"), *element.all("CommandMetaData")):
        for tag, kind in _SETS:
            for each in (one for group in half.all(tag) for one in group if one.tag != "ParameterRef"):
                known = system.declared.setdefault(kind, {})
                if known.setdefault(each.need("name"), each) is not each:
                    raise each.refused("is declared twice; rename one")
    for inner in element.all("SpaceSystem"):
        if inner.need("name") in system.systems:
            raise inner.refused("is there twice; rename one")
        system.systems[inner.need("name")] = space_systems(inner, system)
    return system


def description(element: Element) -> str:
    """What an element says of itself, in a line: its short description, else its long one; empty where none."""
    long = element.first("LongDescription")
    told = element.get("shortDescription").strip() or (long.text if long is not None else "")
    return " ".join(told.split()).rstrip(".")


def ancillary(element: Element, name: str) -> str | None:
    """The ancillary data of that name; None where there are none."""
    for each in element.all("AncillaryDataSet"):
        for data in each.all("AncillaryData"):
            if data.get("name") == name:
                return data.text
    return None
