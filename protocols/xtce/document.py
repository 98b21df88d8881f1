"""XML as elements that know their line, so that what cannot be used is named by its place.

Namespaces are not told apart, since files use several for the same XTCE, or none. Document type declarations are
refused: through their entities a small file can grow without bound, or name other files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isinf, isnan
from typing import TypeVar
from xml.parsers import expat

from protocols.errors import DeclarationError

_Number = TypeVar("_Number", int, float)
_DEEPEST = 200
_MOST = 1_000_000
"""Elements of a document, some ten times those of the largest mission's: bounds the memory a file can take."""
_XINCLUDE = "http://www.w3.org/2001/XInclude"
_TRUE = {"true": True, "1": True, "false": False, "0": False}


@dataclass(eq=False, slots=True)
class Element:
    """An element, and where it stands."""

    tag: str
    """Its name without namespace."""
    attributes: Mapping[str, str]
    """By name without namespace."""
    line: int
    """In the file, from 1."""
    text: str = ""
    """What stands directly in it."""
    children: list[Element] = field(default_factory=list)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.children)

    def refused(self, problem: str) -> DeclarationError:
        """What to raise because of this element."""
        name = f" {self.get('name'):.40}" if self.get("name") else ""
        return DeclarationError(f"line {self.line}", f"{self.tag:.40}{name} {problem}")

    def all(self, tag: str) -> list[Element]:
        """Its children of that name."""
        return [each for each in self.children if each.tag == tag]

    def first(self, *path: str) -> Element | None:
        """The element at the end of a path of names, by each's first child; None where there is none."""
        found: Element | None = self
        for tag in path:
            found = next((each for each in found.children if each.tag == tag), None) if found is not None else None
        return found

    def one(self, *path: str) -> Element:
        """The same, but it has to be there. Raises DeclarationError."""
        found = self.first(*path)
        if found is None:
            raise self.refused(f"has no {'/'.join(path)}; add it")
        return found

    def get(self, name: str, default: str = "") -> str:
        """An attribute."""
        return self.attributes.get(name, default)

    def need(self, name: str) -> str:
        """An attribute that has to be there. Raises DeclarationError."""
        if name not in self.attributes:
            raise self.refused(f"has no {name}; add it")
        return self.attributes[name]

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number of an attribute. Raises DeclarationError."""
        return _number(self, name, int, default)

    def number(self, name: str, default: float | None = None) -> float:
        """A number of an attribute, finite unless default is not. Raises DeclarationError."""
        found = _number(self, name, float, default)
        if isnan(found) or (isinf(found) and (default is None or not isinf(default))):
            raise self.refused(f"has {name}={self.get(name)!r:.40}, no number that can be used; correct it")
        return found

    def flag(self, name: str, *, default: bool) -> bool:
        """A truth of an attribute. Raises DeclarationError."""
        told = self.attributes.get(name)
        if told is None:
            return default
        if told.strip().lower() not in _TRUE:
            raise self.refused(f"has {name}={told!r:.40}; give true or false")
        return _TRUE[told.strip().lower()]

    def count(self) -> int:
        """A whole number that is its text. Raises DeclarationError."""
        try:
            return int(self.text)
        except ValueError:
            raise self.refused(f"is {self.text.strip()!r:.40}, no whole number; correct it") from None


def _number(element: Element, name: str, kind: type[_Number], default: _Number | None) -> _Number:
    if default is not None and name not in element.attributes:
        return default
    told = element.need(name)
    try:
        return kind(told)
    except (ValueError, OverflowError):
        raise element.refused(f"has {name}={told!r:.40}, no number that can be used; correct it") from None


def parse(document: bytes) -> Element:
    """The root of a document. Raises DeclarationError where it is no well-formed XML, or has a DOCTYPE."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    root = Element("", {}, 0)
    open_elements = [root]
    texts: list[list[str]] = [[]]
    count = 0

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal count
        line, count = parser.CurrentLineNumber, count + 1
        if count > _MOST:
            raise DeclarationError(f"line {line}", f"more than {_MOST:,} elements; give an XTCE file")
        if len(open_elements) > _DEEPEST:
            raise DeclarationError(f"line {line}", f"more than {_DEEPEST} elements in one another; give an XTCE file")
        if name.startswith(_XINCLUDE):
            raise DeclarationError(f"line {line}", "XInclude is not followed; put the files together first")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()}, line)
        open_elements[-1].children.append(element)
        open_elements.append(element)
        texts.append([])

    def end(_: str) -> None:
        open_elements.pop().text = "".join(texts.pop())

    def text(data: str) -> None:
        texts[-1].append(data)

    def doctype(*_: object) -> None:
        raise DeclarationError(f"line {parser.CurrentLineNumber}", "a DOCTYPE is not read; take it out")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(document, True)  # noqa: FBT003 expat's own argument
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two of an encoding nobody knows
        raise DeclarationError(f"line {parser.CurrentLineNumber}", f"no well-formed XML: {error}; correct it") from None
    return root.children[0]


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
