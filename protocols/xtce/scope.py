"""What names mean at a place of a packet: types with what they inherit, and parameters that stand before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from protocols.curve import Curve
from protocols.xtce.calibrators import default_curve
from protocols.xtce.document import Element
from protocols.xtce.match import Instance
from protocols.xtce.space_system import Found, SpaceSystem

_GROUND: Final = ("constant", "local", "ground", "derived")
"""Sources of data that are not in packets."""
_LONGEST_LINE: Final = 32
"""Types that may inherit from each other."""
_DEEPEST: Final = 50
"""Types that may stand in one another."""
_MOST: Final = 65_536
"""Values and containers that one packet may be made of, each time one stands there: few lines can tell of billions."""
_MOST_OF_ALL: Final = 2_000_000
"""Those of all packets together."""


class Types:
    """The types of a document."""

    def __init__(self) -> None:
        self._merged: dict[int, Found] = {}
        self.used = 0
        """Values and containers of all packets so far."""

    def of_parameter(self, parameter: Found) -> Found:
        """A parameter's type. Raises DeclarationError where there is none."""
        element = parameter.element
        return self.named(element.need("parameterTypeRef"), element, parameter.system)

    def named(self, name: str, of: Element, system: SpaceSystem) -> Found:
        """The type of that name, with what it inherits (baseType). Raises DeclarationError where there is none."""
        found = system.find("type", name, of)
        known = self._merged.get(id(found.element))
        if known is None:
            known = self._merged[id(found.element)] = self._inherited(found)
        return known

    @staticmethod
    def _inherited(found: Found) -> Found:
        element, merged = found.element, found.element
        for _ in range(_LONGEST_LINE):
            if not (base := element.get("baseType")):
                return Found(merged, found.system)
            under = found.system.find("type", base, element)
            element = under.element
            own = {each.tag for each in merged}
            children = [each for each in element if each.tag not in own] + merged.children
            attributes = {**element.attributes, **merged.attributes}
            merged = Element(merged.tag, attributes, merged.line, merged.text, children)
        raise found.element.refused("inherits from itself; correct its baseType")


class Scope:
    """Which parameters a packet has so far, and under which names its values are found."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._paths: dict[int, tuple[str, ...]] = {}
        self._members: list[dict[str, Found]] = []
        self._used = self._depth = 0

    def use(self, element: Element) -> None:
        """Count what the packet is made of. Raises DeclarationError where that is more than any packet is."""
        self._used += 1
        self.types.used += 1
        if self._used > _MOST:
            raise element.refused(f"stands in a packet of more than {_MOST:,} values; make it smaller")
        if self.types.used > _MOST_OF_ALL:
            raise element.refused(f"stands behind {_MOST_OF_ALL:,} values of all packets; divide the document")

    @contextmanager
    def within(self, kind: Element) -> Iterator[None]:
        """A type's value, and what stands in it. Raises DeclarationError where that has no end."""
        self.use(kind)
        if self._depth >= _DEEPEST:
            raise kind.refused("stands in itself, or too deep in others; correct what it is made of")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def add(self, parameter: Element, path: tuple[str, ...]) -> None:
        """A parameter that the packet has, by the path of its value."""
        self._paths[id(parameter)] = path

    @contextmanager
    def members(self) -> Iterator[dict[str, Found]]:
        """The types of an aggregate's members so far, which are found before parameters are."""
        self._members.append({})
        try:
            yield self._members[-1]
        finally:
            self._members.pop()

    def instance(self, reference: Element, system: SpaceSystem) -> Instance:
        """The parameter that an element refers to. Raises DeclarationError where there is none."""
        name = reference.need("parameterRef")
        head, *rest = name.split("/")
        for members in reversed(self._members):
            if head in members:
                return self._member(members[head], (head,), tuple(rest), reference)
        found = system.find("parameter", name, reference)
        path = self._paths.get(id(found.element), ())
        made = self._member(self.types.of_parameter(found), path, found.members, reference)
        if path:
            return made
        properties = found.element.first("ParameterProperties")
        source = properties.get("dataSource", "telemetered") if properties is not None else "telemetered"
        initial = found.element.get("initialValue") or made.type.get("initialValue")
        return Instance((), made.type, None, initial if source in _GROUND else "")

    def _member(self, kind: Found, path: tuple[str, ...], rest: tuple[str, ...], of: Element) -> Instance:
        """A value within one of an aggregate type."""
        for name in rest:
            member = next((each for each in kind.element.one("MemberList") if each.get("name") == name), None)
            if member is None:
                raise of.refused(f"names member {name!r}, which {kind.element.get('name')} has not; correct it")
            kind = self.types.named(member.need("typeRef"), member, kind.system)
        return Instance((*path, *rest) if path else (), kind.element, _curve(kind.element), "")


def _curve(kind: Element) -> Curve | None:
    """What makes of a number's counts the value; None for others."""
    return default_curve(kind) if kind.tag.startswith(("Integer", "Float", "Absolute", "Relative")) else None
