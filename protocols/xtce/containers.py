"""Containers as the entries of a packet with their places, those they inherit and include put in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import construct as cs

from protocols.xtce.bit_fields import Size, counted
from protocols.xtce.document import Element
from protocols.xtce.encodings import LARGEST, Made
from protocols.xtce.match import Holds, all_of
from protocols.xtce.parameter_types import TypeBuilder, conditions
from protocols.xtce.scope import Scope, Types
from protocols.xtce.space_system import Found, SpaceSystem, ancillary, description

_DEEPEST = 50
"""Containers in one another."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a packet, or spare bits."""

    element: Element
    """The entry in its container."""
    path: tuple[str, ...]
    """Its name; several parts where a file of ours says so; none of spare bits."""
    node: Any
    """What reads it, in bits."""
    bits: int | None
    """None: the data tell."""
    at: int | None
    """First bit in the packet; None where only the data tell."""
    moves: tuple[int, int] | None = None
    """Where the data tell what is before it: a place (bit, 0) or a step (bits, 1) by which it is found."""
    time: bool = False
    """Whether it is an absolute time in seconds."""

    @property
    def end(self) -> int | None:
        """The bit after it; None where only the data tell."""
        return self.at + self.bits if self.at is not None and self.bits is not None else None


@dataclass(slots=True)
class Entries:
    """The entries of a packet so far."""

    types: Types
    scope: Scope = field(init=False)
    found: list[Entry] = field(default_factory=list)
    _at: int | None = 0
    _names: dict[str, Element] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _numbers: Counter[str] = field(default_factory=Counter)
    _conditions: list[Holds | bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with nothing known."""
        self.scope = Scope(self.types)

    def add(self, container: Found, start: int | None = 0, depth: int = 0) -> None:
        """The entries of a container, which begins at a bit. Raises DeclarationError on one that is not read."""
        if depth > _DEEPEST:
            raise container.element.refused("includes itself; take that entry out")
        for each in container.element.one("EntryList"):
            self.scope.use(each)
            match each.tag:
                case "ParameterRefEntry" | "ArrayParameterRefEntry":
                    self._parameter(each, container.system, start)
                case "ContainerRefEntry":
                    self._container(each, container.system, start, depth)
                case _:
                    raise each.refused("is no entry that is read; use parameters, arrays and containers")

    def _parameter(self, entry: Element, system: SpaceSystem, start: int | None) -> None:
        parameter = system.find("parameter", entry.need("parameterRef"), entry)
        if parameter.members:
            raise entry.refused("stands for a member of an aggregate; put the whole of it there")
        kind, builder = self.types.of_parameter(parameter), TypeBuilder(self.scope)
        if entry.tag == "ArrayParameterRefEntry" and kind.element.tag != "ArrayParameterType":
            raise entry.refused(f"stands for {parameter.element.get('name')}, no array; use a ParameterRefEntry")
        made = builder.array(kind, entry) if kind.element.tag == "ArrayParameterType" else builder.build(kind)
        made = self._repeated(entry, made, builder, system)
        path = self._path(parameter)
        if path:
            self.scope.add(parameter.element, path)
        node = made.node * doc if (doc := description(parameter.element) or description(kind.element)) else made.node
        self._put(entry, path, Made(node, made.bits), start, system, time=_is_time(kind.element))

    def _repeated(self, entry: Element, made: Made, builder: TypeBuilder, system: SpaceSystem) -> Made:
        repeat = entry.first("RepeatEntry")
        if repeat is None:
            return made
        if repeat.first("Offset") is not None:
            raise repeat.one("Offset").refused("leaves bits between repetitions, which is not read; add spare bits")
        count: Size = builder.integer(repeat.one("Count"), system)
        bits = count * made.bits if isinstance(count, int) and made.bits is not None else None
        if isinstance(count, int) and count < 1:
            raise repeat.refused(f"is of {count}; repeat it once at least")
        return Made(cs.Array(counted(count), made.node), bits)

    def _path(self, parameter: Found) -> tuple[str, ...]:
        """The name of a value: its parameter's, with its system's if another one has that; a number if it is there."""
        element = parameter.element
        if ancillary(element, "groundstation.spare") is not None:
            return ()
        aliases = (each for group in element.all("AliasSet") for each in group)
        own = [each.get("alias") for each in aliases if each.get("nameSpace") == "groundstation"]
        if own:
            return tuple(own[0].split("."))
        name = element.need("name")
        if self._names.setdefault(name, element) is not element:
            name = f"{parameter.system.name}_{name}"
        plain = f"{name}_" if name == "body" else name
        told = plain
        while told in self._taken:
            self._numbers[plain] += 1
            told = f"{plain}_{self._numbers[plain] + 1}"
        self._taken.add(told)
        return (told,)

    def _container(self, entry: Element, system: SpaceSystem, start: int | None, depth: int) -> None:
        """A container within another: its entries, and those it inherits, from where it begins."""
        if entry.first("RepeatEntry") is not None:
            raise entry.one("RepeatEntry").refused("repeats a container, which is not read; use an array of aggregates")
        included = system.find("container", entry.need("containerRef"), entry)
        holds = conditions(entry, self.scope, system)
        if holds is False:
            return
        self._move(entry, start)
        begin = self._at
        self._conditions.append(holds)
        for each in chain(included):
            self.add(each, begin, depth + 1)
        self._conditions.pop()

    def _put(
        self, entry: Element, path: tuple[str, ...], made: Made, start: int | None, system: SpaceSystem, *, time: bool
    ) -> None:
        holds = all_of([*self._conditions, conditions(entry, self.scope, system)])
        if holds is False:
            return
        moves = self._move(entry, start)
        node, bits = made.node, made.bits
        if callable(holds):
            node, bits = cs.If(holds, node), None
        self.found.append(Entry(entry, path, node, bits, self._at, moves, time))
        self._at = self.found[-1].end
        if self._at is not None and self._at > LARGEST:
            raise entry.refused(f"ends at bit {self._at:,} of its packet; no packet is so long; correct it")

    def _move(self, entry: Element, start: int | None) -> tuple[int, int] | None:
        """Go where an entry begins; how, where the data tell what is before it."""
        location = entry.first("LocationInContainerInBits")
        if location is None:
            return None
        fixed = location.first("FixedValue")
        if fixed is None:
            raise location.refused("is told by the data, which is not read; give a FixedValue")
        match location.get("referenceLocation", "previousEntry"):
            case "previousEntry":
                step = fixed.count()
                if self._at is None:
                    return (step, 1)
                self._at += step
            case "containerStart":
                if start is None:
                    raise location.refused("is counted from a container that begins where the data tell; count from 0")
                known, self._at = self._at, start + fixed.count()
                if known is None:
                    return (self._at, 0)
            case other:
                raise location.refused(f"is counted from {other!r:.40}; count from previousEntry or containerStart")
        if self._at is not None and self._at < 0:
            raise location.refused("lies before the packet; correct it")
        return None


def _is_time(kind: Element) -> bool:
    encoding = kind.first("Encoding")
    told = encoding.get("units", "seconds") if encoding is not None else ""
    return kind.tag == "AbsoluteTimeParameterType" and told == "seconds"


def chain(container: Found) -> list[Found]:
    """A container behind those it inherits from, the outermost first. Raises DeclarationError where it has no end."""
    found = [container]
    while (base := found[0].element.first("BaseContainer")) is not None:
        found.insert(0, found[0].system.find("container", base.need("containerRef"), base))
        if len(found) > _DEEPEST:
            raise container.element.refused("inherits from itself; correct its BaseContainer")
    return found


def declaration(entries: Sequence[Entry], start: int) -> Any:
    """Entries as one construct declaration that begins at a bit, the start of a byte, of the packet.

    Of fixed layout where every entry is. Raises DeclarationError on one that begins before.
    """
    for entry in entries:
        if entry.at is not None and entry.at < start:
            raise entry.element.refused("lies within the packet's header, which it does not belong to; correct it")
    if all(entry.end is not None for entry in entries):
        return _fixed(entries, start)
    parts: list[Any] = []
    at: int | None = start
    for entry in entries:
        if entry.moves is not None:
            place, whence = entry.moves
            parts.append(cs.Seek(place, 1) if whence else cs.Seek(place - start))
        elif entry.at is not None and entry.at != at:
            parts.append(cs.Seek(entry.at - start))
        parts.append(_named(entry))
        at = entry.end
    return cs.Transformed(cs.Struct(*parts), cs.lib.bytes2bits, None, cs.lib.bits2bytes, None)


def _named(entry: Entry) -> Any:
    node: Any = entry.node
    for name in reversed(entry.path):
        node = name / node if node is entry.node else name / cs.Struct(node)
    return node


def _fixed(entries: Sequence[Entry], start: int) -> Any:
    ordered = sorted(entries, key=lambda entry: (entry.at, -(entry.bits or 0)))
    parts = list(_placed(ordered, start, 0))
    end = max(
        (entry.at + entry.bits for entry in ordered if entry.at is not None and entry.bits is not None), default=0
    )
    spare = -(max(end, start) - start) % 8
    return cs.Bitwise(cs.Struct(*parts, *([cs.Padding(spare)] if spare else [])))


def _placed(entries: Sequence[Entry], at: int, level: int) -> Iterator[Any]:
    """Nodes of entries in order of place, with spare bits between; those of one name's parts as a structure."""
    reach = at
    ends = [entry.end or 0 for entry in entries]
    index = 0
    while index < len(entries):
        entry = entries[index]
        begin = entry.at or 0
        if begin > at:
            yield cs.Padding(begin - at)
            at = begin
        last = index
        if len(entry.path) > level + 1:
            head = entry.path[: level + 1]
            while last + 1 < len(entries) and entries[last + 1].path[: level + 1] == head:
                last += 1
            yield entry.path[level] / cs.Struct(*_placed(entries[index : last + 1], at, level + 1))
            at = ends[last]
        else:
            node: Any = entry.path[level] / entry.node if entry.path else entry.node
            after = entries[index + 1].at if index + 1 < len(entries) else None
            overlapped = after is not None and after < ends[index]
            yield entry.path[level] / cs.Peek(entry.node) if overlapped else node
            at = begin if overlapped else ends[index]
        reach = max(reach, *ends[index : last + 1])
        index = last + 1
    if reach > at:
        yield cs.Padding(reach - at)


def entry_of(entries: Sequence[Entry], path: tuple[str, ...]) -> Entry | None:
    """The entry that has a value's path, or the aggregate around it."""
    return next((entry for entry in entries if entry.path and path[: len(entry.path)] == entry.path), None)
