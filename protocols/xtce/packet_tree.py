"""The containers that packets can be, from a root on, and by what each is told from the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import construct as cs

from protocols.errors import DeclarationError
from protocols.leaf import Leaf, NoFixedPlace, leaves
from protocols.packet import Test
from protocols.xtce.containers import Entries, Entry, chain, declaration, entry_of
from protocols.xtce.match import Comparison, comparisons
from protocols.xtce.scope import Types
from protocols.xtce.space_system import Found, SpaceSystem

DEFAULT_ROOT = "CCSDSPacket"
"""The name that roots of space packets have by habit."""


@dataclass(frozen=True, slots=True)
class Member:
    """A container that a packet can be."""

    container: Found
    entries: Entries
    """Everything in it, from the packet's first bit."""
    inherited: int
    """How many of them are the root's."""
    tests: tuple[Test, ...]
    """What has to be so for a packet to be this one."""


def root_container(system: SpaceSystem, name: str) -> Found:
    """The container all packets begin with: of that name, else the one that others inherit from, or the only one.

    Raises DeclarationError where there are several, or none.
    """
    if name:
        return system.find("container", name, system.element)
    every = [Found(each, one) for one in system.all() for each in one.declared.get("container", {}).values()
             if each.tag == "SequenceContainer"]  # fmt: skip
    bases = {id(found.element) for each in every for found in chain(each)[:-1]}
    roots = [each for each in every if each.element.first("BaseContainer") is None]
    parents = [each for each in roots if id(each.element) in bases]
    alone = [each for each in roots if id(each.element) not in _included(every)] if not parents else []
    choices = parents or alone or roots
    named = [each for each in choices if each.element.get("name") == DEFAULT_ROOT]
    choices = named or choices
    if len(choices) == 1:
        return choices[0]
    if not choices:
        raise system.element.refused("declares no container; add one to a ContainerSet")
    names = ", ".join(each.element.get("name") for each in choices[:8])
    raise choices[1].element.refused(f"is one of several that a packet can begin with: {names}; say which, FILE#NAME")


def _included(every: list[Found]) -> set[int]:
    """Containers that stand in others."""
    found = set()
    for each in every:
        for entry in each.element.one("EntryList").all("ContainerRefEntry"):
            found.add(id(each.system.find("container", entry.need("containerRef"), entry).element))
    return found


def members(system: SpaceSystem, root: Found, types: Types) -> tuple[list[Member], list[DeclarationError]]:
    """The containers that a packet from the root on can be, those that restrict others before these; and what
    cannot be read, each once.
    """
    children: dict[int, list[Found]] = {}
    problems: dict[str, DeclarationError] = {}
    for one in system.all():
        for each in one.declared.get("container", {}).values():
            base = each.first("BaseContainer")
            if base is not None and each.tag == "SequenceContainer":
                try:
                    parent = one.find("container", base.need("containerRef"), base)
                    children.setdefault(id(parent.element), []).append(Found(each, one))
                except DeclarationError as error:
                    problems.setdefault(str(error), error)
    found = []
    for container in _concrete(root, children):
        try:
            found.append(_member(container, root, types))
        except DeclarationError as error:
            problems.setdefault(str(error), error)
    return found, list(problems.values())


def _concrete(container: Found, children: Mapping[int, list[Found]], depth: int = 0) -> Iterator[Found]:
    """Containers that packets can be, depth first."""
    for each in children.get(id(container.element), ()) if depth < 50 else ():
        yield from _concrete(each, children, depth + 1)
    if not container.element.flag("abstract", default=False):
        yield container


def _member(container: Found, root: Found, types: Types) -> Member:
    entries, tests, inherited = Entries(types), list[Test](), 0
    for each in chain(container):
        base = each.element.first("BaseContainer")
        for criteria in base.all("RestrictionCriteria") if base is not None else ():
            for comparison in comparisons(criteria, entries.scope, each.system):
                always = comparison.constant
                if always is None:
                    tests.append(_test(comparison, entries.found))
                elif not always:
                    raise comparison.element.refused("never holds, so this container is no packet; correct it")
        entries.add(each)
        if each.element is root.element:
            inherited = len(entries.found)
    return Member(container, entries, inherited, tuple(dict.fromkeys(tests)))


def _test(comparison: Comparison, entries: list[Entry]) -> Test:
    """A comparison as a test of bits at a place. Raises DeclarationError where only the data tell the place."""
    element, path = comparison.element, comparison.instance.path
    entry = entry_of(entries, path)
    leaf = _leaf(entry, path) if entry is not None and entry.at is not None and entry.bits is not None else None
    if leaf is None:
        name = ".".join(path)
        raise element.refused(f"tells packets apart by {name}, whose place depends on the data; use one before that")
    return comparison.test(leaf)


def _leaf(entry: Entry, path: tuple[str, ...]) -> Leaf | None:
    """A value of an entry, with its place in the packet."""
    try:
        found, _ = leaves(cs.Struct("body" / declaration([entry], 0)))
    except NoFixedPlace:
        return None
    return next((leaf for leaf in found if leaf.path == ".".join(path)), None)


def refused(problems: list[DeclarationError]) -> DeclarationError:
    """All problems as one, the first ten of them named."""
    rest = len(problems) - 10
    lines = [str(each) for each in sorted(problems, key=_line)[:10]] + ([f"and {rest} more"] if rest > 0 else [])
    where, _, first = lines[0].partition(": ")
    return DeclarationError(where, "\n  ".join([first, *lines[1:]]))


def _line(error: DeclarationError) -> int:
    digits = "".join(filter(str.isdigit, error.where))
    return int(digits or 0)
