"""Makes ``protocols/mavlink/messages.json``, from a folder of MAVLink's message definitions that is named as argument.

It holds the XML files of ``message_definitions/v1.0``, as mavlink/mavlink and pymavlink bring them (MIT licence).
The table has every message of ``all.xml`` and what it includes, but for those that are there to test code generators:
for each message its CRC_EXTRA and its fields as they lie in the payload, and the enumerations that fields refer to.
"""

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from os.path import commonprefix
from pathlib import Path
from typing import Any

from protocols.coding.crc import crc
from protocols.mavlink.message_set import SIZES

TABLE = Path(__file__).parents[1] / "protocols" / "mavlink" / "messages.json"
LEFT_OUT = ("test.xml", "python_array_test.xml")
NOT_TOLD = "not described in the message set"


def message_set(folder: Path) -> dict[str, Any]:
    """Messages by id and enumerations by name, ready for JSON."""
    roots = [_root(folder / name) for name in _with_includes(folder, "all.xml")]
    messages = [_message(each) for root in roots for each in root.iter("message")]
    enums: dict[str, dict[int, str]] = {}
    masks = set()
    for each in (each for root in roots for each in root.iter("enum")):
        name = str(each.get("name"))
        enums.setdefault(name, {}).update(_entries(each))
        if each.get("bitmask") == "true":
            masks.add(name)
    for message in messages:
        for field in message["fields"]:
            field[4] = "" if field[4] in masks else field[4]
    used = {field[4] for message in messages for field in message["fields"]} - {""} | {"MAV_COMPONENT"}
    return {
        "messages": sorted(messages, key=lambda each: each["id"]),
        "enums": {name: {str(value): label for value, label in sorted(enums[name].items())} for name in sorted(used)},
    }


def text_of(table: dict[str, Any]) -> str:
    """The table as JSON, a message or an enumeration a line."""
    messages = ",\n".join(_json(each) for each in table["messages"])
    enums = ",\n".join(f"{_json(name)}:{_json(entries)}" for name, entries in table["enums"].items())
    return f'{{"messages":[\n{messages}\n],\n"enums":{{\n{enums}\n}}}}\n'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _root(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314 the standard's own files, named by who makes the table


def _with_includes(folder: Path, name: str) -> list[str]:
    """A file and those it includes, each once, the innermost first."""
    found: dict[str, None] = {}
    for each in _root(folder / name).iter("include"):
        inner = str(each.text).strip()
        if inner not in LEFT_OUT:
            found |= dict.fromkeys(_with_includes(folder, inner))
    return [*found, name]


def _message(node: ET.Element) -> dict[str, Any]:
    own: list[ET.Element] = []
    extensions: list[ET.Element] = []
    for each in node:
        if each.tag == "extensions":
            own, extensions = extensions, own  # what follows goes into the other list
        elif each.tag == "field":
            own.append(each)
    if node.find("extensions") is not None:
        own, extensions = extensions, own
    own.sort(key=lambda each: -SIZES[_type(each)[0]])  # serialization: the largest first, else as declared
    name = str(node.get("name"))
    return {
        "id": int(str(node.get("id"))),
        "name": name.lower(),
        "crc_extra": _crc_extra(name, own),
        "doc": _doc(node.findtext("description") or ""),
        "fields": [_field(each) for each in (*own, *extensions)],
    }


def _type(node: ET.Element) -> tuple[str, int]:
    """C type and number of elements, 0 for a field that is no array."""
    kind, _, count = str(node.get("type")).partition("[")
    return kind.removesuffix("_mavlink_version"), int(count.rstrip("]") or 0)


def _field(node: ET.Element) -> list[Any]:
    """Name, type, elements, unit, enumeration, multiplier, description."""
    kind, count = _type(node)
    enum = "" if node.get("display") == "bitmask" else node.get("enum", "")
    doc = _doc("".join(node.itertext()))
    return [str(node.get("name")).lower(), kind, count, node.get("units", ""), enum, node.get("multiplier", ""), doc]


def _doc(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip(". ") or NOT_TOLD


def _crc_extra(name: str, own: list[ET.Element]) -> int:
    """The seed of a message's checksum: a checksum of its name and fields, extensions left out (MAVLink guide)."""
    told = f"{name} ".encode()
    for each in own:
        kind, count = _type(each)
        told += f"{kind} {each.get('name')} ".encode() + (bytes((count,)) if count else b"")
    checksum = crc("crc-16/mcrf4xx").compute(told)
    return checksum & 0xFF ^ checksum >> 8


def _entries(node: ET.Element) -> Iterator[tuple[int, str]]:
    """Values and labels of an enumeration, without its name before them, or without what they share instead."""
    prefix = f"{node.get('name')}_"
    names = [str(each.get("name")) for each in node.findall("entry")]
    if not names[0].startswith(prefix) and len(names) > 1:
        prefix = commonprefix(names)  # noqa: RUF071 of texts, not of paths
        prefix = prefix[: prefix.rfind("_") + 1]
    value = -1
    for each in node.findall("entry"):
        value = _value(each.get("value"), value + 1)
        yield value, str(each.get("name")).removeprefix(prefix)


def _value(text: str | None, following: int) -> int:
    """A value as XML writes it: decimal, hexadecimal, binary, a power of two, or the one after the last."""
    if text is None:
        return following
    base, _, power = text.partition("**")
    return int(base, 0) ** int(power, 0) if power else int(text, 0)


def main() -> None:
    """Write the table from the folder given."""
    TABLE.write_text(text_of(message_set(Path(sys.argv[1]))), encoding="utf-8")


if __name__ == "__main__":
    main()
