"""The message set and its packets: against pymavlink, which is made from the same XML by other people's code."""

import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from construct import EnumIntegerString

from protocols.decoder import VehicleDecoder
from protocols.leaf import Kind
from protocols.mavlink.message_set import enum, messages
from protocols.vehicles import vehicle

ROOT = Path(__file__).parents[3]
LEFT_OUT = {"TEST_TYPES", *(f"ARRAY_TEST_{number}" for number in range(9))}
"""There for tests of code generators."""
EXACT = ("int64_t", "uint64_t")
"""What no float holds, and so is left as it is."""
PREFIX = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "da": 10.0, "h": 100.0}
BASE = ("s", "m", "m/s", "deg", "deg/s", "rad/s", "degC", "V", "A", "%", "gauss", "G", "J")
"""Units that the standard puts a prefix to, and that people read without."""
SPELLED = {"m/s/s": ("m/s2", 1.0), "mbar": ("hPa", 1.0), "bytes": ("B", 1.0), "bytes/s": ("B/s", 1.0)}


@pytest.fixture(scope="module")
def peer() -> Any:
    return pytest.importorskip("pymavlink.dialects.v20.all", reason="the peer pymavlink is in the bench extra")


@cache
def decoders() -> Any:
    return VehicleDecoder(vehicle("mavlink"), "any").decoders


def scaled(unit: str) -> tuple[str, float]:
    """What a unit of the standard is in a unit without prefix, by its spelling alone."""
    if unit in SPELLED:
        return SPELLED[unit]
    if power := re.fullmatch(r"(\w+)E(\d)", unit):
        return power[1], 10.0 ** -int(power[2])
    if times := re.fullmatch(r"(.+)([*/])(\d)", unit):
        return times[1], 1 / int(times[3]) if times[2] == "*" else float(times[3])
    for prefix, factor in PREFIX.items():
        if unit.startswith(prefix) and unit.removeprefix(prefix) in BASE and unit not in BASE:
            return unit.removeprefix(prefix), factor
    return unit, 1.0


def test_it_is_the_one_that_pymavlink_has(peer: Any) -> None:
    theirs = {number: each for number, each in peer.mavlink_map.items() if each.msgname not in LEFT_OUT}
    assert messages().keys() == theirs.keys()
    assert len(theirs) > 340
    for number, each in theirs.items():
        mine = messages()[number]
        assert (mine.name, mine.crc_extra, mine.length) == (each.msgname.lower(), each.crc_extra, each.unpacker.size)
        assert [field.name for field in mine.fields] == [name.lower() for name in each.ordered_fieldnames]
        kinds = {field.name: field.kind for field in mine.fields}
        assert kinds == dict(zip(map(str.lower, each.fieldnames), each.fieldtypes, strict=True))


def test_the_committed_table_is_what_the_definitions_say(peer: Any) -> None:
    folder = Path(peer.__file__).parent
    if not (folder / "all.xml").is_file():
        pytest.skip("this pymavlink brings no XML definitions")
    spec = importlib.util.spec_from_file_location("docs_mavlink", ROOT / "docs/mavlink_messages.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    text = made.text_of(made.message_set(folder))
    committed = made.TABLE.read_text(encoding="utf-8")
    if [each["id"] for each in json.loads(text)["messages"]] != [
        each["id"] for each in json.loads(committed)["messages"]
    ]:
        pytest.skip("this pymavlink has another version of the definitions")
    assert text == committed


def test_units_are_what_the_standards_names_of_them_say(peer: Any) -> None:
    seen = 0
    for number, message in messages().items():
        units = {name.lower(): unit for name, unit in peer.mavlink_map[number].fieldunits_by_name.items()}
        layout = decoders()[message.name].layout
        for field in (each for each in message.fields if not each.enum and each.kind not in ("char", *EXACT)):
            unit, factor = scaled(units.get(field.name, ""))
            factor *= {"1E-2": 1e-2, "360/255": 360 / 255}.get(field.multiplier, 1.0)
            assert layout.fields[field.name].unit == unit, (message.name, field.name)
            curve = layout.leaves[field.name].measurement.curve
            assert (1.0 if curve is None else curve(1000.0) / 1000.0) == pytest.approx(factor), (
                message.name,
                field.name,
            )
            seen += factor != 1.0
        for field in (each for each in message.fields if each.kind in EXACT):
            assert layout.fields[field.name].unit == units.get(field.name, "")
            assert layout.curves[field.name] is None
    assert seen > 300


def test_labels_are_the_standards(peer: Any) -> None:
    seen = set()
    for message in messages().values():
        for field in message.fields:
            labels = decoders()[message.name].fields[field.name].labels
            if field.enum:
                seen.add(field.enum)
                theirs = {value: entry.name for value, entry in peer.enums[field.enum].items()}
                assert all(theirs[value].endswith(label) and label for value, label in labels.items()), field.enum
                assert set(theirs) - set(labels) <= {max(theirs)}, "all but the end marker that pymavlink adds"
            assert bool(labels) == bool(field.enum)
    assert len(seen) > 80
    assert enum("GPS_FIX_TYPE")[3] == "3D_FIX"


def test_a_field_of_bits_has_no_labels() -> None:
    assert decoders()["heartbeat"].fields["base_mode"].labels == {}
    assert decoders()["heartbeat"].fields["type"].labels[2] == "QUADROTOR"
    assert decoders()["heartbeat"].fields["header.compid"].labels[1] == "AUTOPILOT1"


def test_every_packet_decodes_as_construct_parses_it() -> None:
    """All of them: the conformance test takes some, as it takes many examples of each."""
    random, made = np.random.default_rng(4), vehicle("mavlink")
    for packet in made.packets:
        layout = decoders()[packet.name].layout
        rows = random.integers(0, 256, (2, layout.size), np.uint8)
        for leaf in layout.leaves.values():
            if leaf.place.kind is Kind.TEXT:
                rows[:, leaf.place.bit // 8 : (leaf.place.bit + leaf.place.bits) // 8] &= 0x7F
        columns, parsed = layout.columns(rows), [made.declaration(packet).parse(row.tobytes()) for row in rows]
        for path in (each for each in layout.leaves if not each.startswith("header.")):
            want = [_plain(each["body"][path]) for each in parsed]
            np.testing.assert_array_equal(columns[path], np.array(want), err_msg=f"{packet.name}.{path}")


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, EnumIntegerString) else value


def test_packets_carry_no_limits() -> None:
    """They are looked for before any packet has come, and so not among those compiled on demand."""
    assert all(told.yellow is told.red is None for each in decoders().values() for told in each.fields.values())
