"""A packet's values in the order in which XTCE has to name them: one behind the other, spare bits between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from protocols.errors import DeclarationError
from protocols.leaf import Kind, Leaf, Place


@dataclass(frozen=True, slots=True)
class Value:
    """A value, an array of one, or spare bits."""

    path: str
    """Empty of spare bits."""
    leaf: Leaf
    """Its element, at its place."""
    shape: tuple[int, ...] = ()
    members: tuple[Value, ...] = ()
    """Of an array of structures: what one consists of, places counted from its beginning."""

    @property
    def bits(self) -> int:
        """All bits it takes."""
        one = sum(member.bits for member in self.members) if self.members else self.leaf.place.bits
        return one * prod(self.shape)


def values(found: Sequence[Leaf], begin: int, end: int, where: str) -> list[Value]:
    """Leaves from a bit to another as values that follow each other, arrays as such.

    Raises DeclarationError where two overlap, and on bits that XTCE cannot name.
    """
    placed = [_big(leaf, where) for leaf in found]
    return list(_filled(_arrays(placed, where), begin, end, where))


def elements(found: Sequence[Leaf], begin: int, end: int, where: str) -> list[Value]:
    """The same with a value for each element of an array, for readers that know none."""
    placed = []
    for leaf in (_big(each, where) for each in found):
        for index in np.ndindex(*leaf.place.shape):
            moved = leaf.place.bit + sum(i * step for i, step in zip(index, leaf.place.strides, strict=True))
            name = "_".join((leaf.path, *map(str, index)))
            placed.append(Value(name, replace(leaf, path=name, place=_element(leaf.place, moved))))
    return list(_filled(placed, begin, end, where))


def _element(place: Place, bit: int) -> Place:
    return replace(place, bit=bit, shape=(), strides=())


def _big(leaf: Leaf, where: str) -> Leaf:
    """A leaf whose bit is counted as XTCE counts: each byte's highest first."""
    place = leaf.place
    if any(step <= 0 for step in place.strides):
        raise DeclarationError(f"{where}.{leaf.path}", "an array that runs backwards cannot be written; turn it round")
    if not place.little or (place.bit % 8 == 0 and place.bits % 8 == 0):
        return leaf
    if place.bit % 8 + place.bits <= 8 and not any(step % 8 for step in place.strides):
        turned = 8 * (place.bit // 8) + 8 - place.bit % 8 - place.bits
        return replace(leaf, place=replace(place, bit=turned, little=False))
    problem = "bits of a little-endian word that cross a byte's border cannot be written: XTCE has no name for them"
    raise DeclarationError(f"{where}.{leaf.path}", problem)


def _arrays(found: Sequence[Leaf], where: str) -> Iterator[Value]:
    """Leaves in order of place; those of one array of structures together."""
    ordered = sorted(found, key=lambda leaf: leaf.place.bit)
    at = 0
    while at < len(ordered):
        leaf = ordered[at]
        if _contiguous(leaf.place):
            yield Value(leaf.path, replace(leaf, place=_element(leaf.place, leaf.place.bit)), leaf.place.shape)
            at += 1
            continue
        group = [leaf]
        for other in ordered[at + 1 :]:
            if not _together(leaf, other):
                break
            group.append(other)
        yield _structures(group, where)
        at += len(group)


def _contiguous(place: Place) -> bool:
    step = place.bits
    for count, stride in zip(reversed(place.shape), reversed(place.strides), strict=True):
        if stride != step and count > 1:
            return False
        step *= count
    return True


def _parent(leaf: Leaf) -> str:
    return leaf.path.rpartition(".")[0]


def _together(one: Leaf, other: Leaf) -> bool:
    """Whether two leaves are members of one array of structures."""
    first, second = one.place, other.place
    return (
        _parent(one) == _parent(other) != ""
        and (first.shape[:1], first.strides[:1]) == (second.shape[:1], second.strides[:1])
        and second.bit < first.bit + first.strides[0]
    )


def _structures(group: Sequence[Leaf], where: str) -> Value:
    """An array of structures."""
    first, parent = group[0].place, _parent(group[0])
    if not parent or any(_parent(leaf) != parent for leaf in group):
        problem = "elements with others between them, but not in a structure of their own, cannot be written"
        raise DeclarationError(f"{where}.{group[0].path}", problem)
    inside = []
    for leaf in group:
        place = replace(leaf.place, bit=leaf.place.bit - first.bit, shape=leaf.place.shape[1:],
                        strides=leaf.place.strides[1:])  # fmt: skip
        inside.append(replace(leaf, path=leaf.path.rpartition(".")[2], place=place))
    members = tuple(_filled(_arrays(inside, where), 0, first.strides[0], where))
    return Value(parent, replace(group[0], path=parent, place=_element(first, first.bit)), first.shape[:1], members)


def _filled(found: Iterator[Value] | Sequence[Value], begin: int, end: int, where: str) -> Iterator[Value]:
    """Values with the spare bits between them."""
    at = begin
    for value in sorted(found, key=lambda each: each.leaf.place.bit):
        bit = value.leaf.place.bit
        if bit < at:
            raise DeclarationError(f"{where}.{value.path}", "two values share bits, which cannot be written")
        if bit > at:
            yield _spare(at, bit - at)
        yield value
        at = bit + value.bits
    if end > at:
        yield _spare(at, end - at)


def _spare(bit: int, bits: int) -> Value:
    return Value("", Leaf("", Place(Kind.INTEGER, bit, bits)))
