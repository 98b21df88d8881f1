"""What all packets of an XTCE document begin with, as a header, and by which key each packet type is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import construct as cs

from protocols.ccsds.space_packet import HEADER_SIZE
from protocols.leaf import Kind, Leaf, NoFixedPlace, Place, leaves
from protocols.packet import Header, Key, Pattern
from protocols.xtce.containers import Entry, declaration
from protocols.xtce.packet_tree import Member

_APID: Final = (5, 11)
_COUNT: Final = (18, 14)
_LENGTH: Final = (32, 16)
"""First bit and bits of the fields by which a space packet's header is known (CCSDS 133.0-B-2 4.1.3)."""
_WIDEST: Final = 48
"""Bits of a field that is one of several keys."""
_TOLD: Final = {"sequence": str, "sequence_of": list, "length": str, "length_bias": int, "several": bool}


def header_of(found: Sequence[Member], told: Mapping[str, Any]) -> tuple[Header | None, list[Key | None]]:
    """The header, and the key of each packet type; none where there is one type that is told by nothing.

    Told is what a file of ours says of its header.
    """
    common = _common(found[0])
    fields = _fields(common)
    places = {(leaf.place.bit, leaf.place.bits): path for path, leaf in fields.items() if _counts(leaf)}
    space = _APID in places and _COUNT in places and (_LENGTH in places or _free(found, _LENGTH))
    if len(found) == 1 and not found[0].tests and not space and not told:
        return None, [None]
    size = 8 * HEADER_SIZE if space else _whole_bytes(common)
    inside = [entry for entry in common if entry.end is not None and entry.end <= size]
    paths, keys = _keys(found, fields, size)
    layout = _layout(inside, size, places if space else None)
    options: dict[str, Any] = _space_packet(places, keys, paths) if space else {}
    options |= {name: each for name, each in told.items() if isinstance(each, _TOLD.get(name, ()))}
    if "sequence_of" in options:
        options["sequence_of"] = tuple(options["sequence_of"])
    return Header(layout, paths, **options), keys


def _space_packet(
    places: Mapping[tuple[int, int], str], keys: Sequence[Key | None], paths: str | tuple[str, ...]
) -> dict[str, Any]:
    """What a header of space packets has beyond its layout and key."""
    apart = _apids_apart(keys, paths, places[_APID])
    return {
        "sequence": places[_COUNT],
        "sequence_of": [] if apart else [places[_APID]],
        "length": places.get(_LENGTH, "data_length"),
        "length_bias": 1,
        "several": True,
    }


def _common(member: Member) -> list[Entry]:
    """The root's entries, as far as they have fixed places one behind the other."""
    found: list[Entry] = []
    for entry in member.entries.found[: member.inherited]:
        before = found[-1].end if found else 0
        if entry.at is None or entry.end is None or before is None or entry.at < before:
            break
        found.append(entry)
    return found


def _fields(entries: Sequence[Entry]) -> dict[str, Leaf]:
    """Their values, with their places."""
    found: dict[str, Leaf] = {}
    for entry in entries:
        try:
            inside, _ = leaves(cs.Struct("body" / declaration([entry], 0)))
        except NoFixedPlace:
            continue
        found |= {leaf.path: leaf for leaf in inside if leaf.path}
    return found


def _counts(leaf: Leaf) -> bool:
    """Whether a value is one unsigned number as it is stored."""
    curve = leaf.measurement.curve if leaf.measurement else None
    return leaf.place == _bare(leaf.place) and curve is None and not leaf.place.signed


def _bare(place: Place) -> Place:
    """The same bits as one big-endian number."""
    return replace(place, kind=Kind.INTEGER, little=False, shape=(), strides=())


def _free(found: Sequence[Member], field: tuple[int, int]) -> bool:
    """Whether no packet type says what stands at a place."""
    begin, end = field[0], field[0] + field[1]
    every = {id(entry): entry for member in found for entry in member.entries.found}
    return all(
        (entry.at is None or entry.at >= end) or (entry.end is not None and entry.end <= begin)
        for entry in every.values()
    )


def _whole_bytes(entries: Sequence[Entry]) -> int:
    """Bits of those entries that end with a byte."""
    return max((entry.end for entry in entries if entry.end is not None and not entry.end % 8), default=0)


def _layout(entries: Sequence[Entry], size: int, places: Mapping[tuple[int, int], str] | None) -> Any:
    """The header's declaration; of a space packet with its length, also where the document does not name it."""
    if places is not None and _LENGTH not in places:
        node = cs.BitsInteger(_LENGTH[1]) * "octets after this header, less one"
        entries = [*entries, replace(entries[-1], path=("data_length",), node=node, at=_LENGTH[0], bits=_LENGTH[1])]
    layout = declaration(entries, 0)
    assert layout.sizeof() == size // 8
    return layout


def _keys(
    found: Sequence[Member], fields: Mapping[str, Leaf], size: int
) -> tuple[str | tuple[str, ...], list[Key | None]]:
    """By which fields of the header all types are told apart, and the values of each; else no fields, and patterns."""
    paths = tuple(test.name for test in found[0].tests)
    wanted = Counter(paths)
    plain = bool(paths) and len(wanted) == len(paths) and all(
        Counter(test.name for test in each.tests) == wanted
        and all(test.operator == "==" and test.curve is None and isinstance(test.value, int) for test in each.tests)
        for each in found
    )  # fmt: skip
    if plain and all(_is_key(fields.get(path), size, alone=len(paths) == 1) for path in paths):
        values = [{test.name: test.value for test in each.tests} for each in found]
        keys = [tuple(int(each[path]) for path in paths) for each in values]
        if len(set(keys)) == len(keys):
            return (
                (paths[0], [_single(key[0], fields[paths[0]]) for key in keys]) if len(paths) == 1 else (paths, [*keys])
            )
    return (), [Pattern(each.tests) for each in found]


def _is_key(leaf: Leaf | None, size: int, *, alone: bool) -> bool:
    if leaf is None or leaf.place.bit + leaf.place.bits > size or leaf.place.bits > _WIDEST:
        return False
    if leaf.place.kind is Kind.BYTES:
        return alone
    return leaf.place.kind is Kind.INTEGER and leaf.place == _bare(leaf.place)


def _single(value: int, leaf: Leaf) -> Key:
    return value.to_bytes(leaf.place.bits // 8) if leaf.place.kind is Kind.BYTES else value


def _apids_apart(keys: Sequence[Key | None], paths: str | tuple[str, ...], apid: str) -> bool:
    """Whether no two packet types have one APID, so that each has a count of its own."""
    if isinstance(paths, str):
        return paths == apid
    if apid not in paths:
        return False
    place = paths.index(apid)
    return len({key[place] for key in keys if isinstance(key, tuple)}) == len(keys)
