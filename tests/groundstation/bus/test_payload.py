"""Payloads against what construct's own parse gives of the same bytes: a stranger's script must get the same values."""

import json
import math
from typing import Any

import numpy as np
from construct import (
    Array,
    Bytes,
    Enum,
    Flag,
    Float32b,
    Float64b,
    If,
    Int8ub,
    Int16sb,
    Int16ub,
    Int64sb,
    Int64ub,
    PaddedString,
    PrefixedArray,
    Struct,
    this,
)
from hypothesis import given
from hypothesis import strategies as st

from groundstation.bus import payload
from groundstation.event import Event, EventKind
from groundstation.limits import Limits
from groundstation.pipeline import effective_limits, measurements
from protocols.batch import Batch
from protocols.curve import Linear
from protocols.decoder import VehicleDecoder
from protocols.flight import Above, Flight, Transition
from protocols.frames import Frames
from protocols.measurement import Measurement
from protocols.packet import Packet, Vehicle

FIXED = Struct(
    "temperature" / Measurement(Int16sb, "degC", Linear(0.01, -40.0), yellow=(-70, 60), red=(-math.inf, 90)) * "skin",
    "pressure" / Float32b,
    "time" / Float64b,
    "largest" / Int64ub,
    "least" / Int64sb,
    "mode" / Enum(Int8ub, idle=0, armed=1),
    "armed" / Flag,
    "key" / Bytes(3),
    "samples" / Array(2, Int16ub),
    "keys" / Array(2, Bytes(2)),
    "call" / PaddedString(4, "ascii"),
)
OPEN = Struct("kind" / Int8ub, "extra" / If(this.kind > 127, Int16ub), "list" / PrefixedArray(Int8ub, Int8ub))
VEHICLE = Vehicle(
    "sparrow",
    "Sparrow",
    (Packet("all", FIXED, doc="everything", rate=10.0),),
    flight=Flight("pad", (Transition("liftoff", "ascent", (Above("all.pressure", 1.0),)),)),
)


def batches(vehicle: Vehicle, *parts: list[bytes]) -> list[Batch]:
    """A batch of each part's frames, as one link's decoder gives them."""
    decoder, found, at = VehicleDecoder(vehicle, "radio"), [], 0
    for part in parts:
        offsets = np.cumsum([0, *map(len, part)])
        data = np.frombuffer(b"".join(part), np.uint8)
        found += decoder.decode(Frames(data, offsets, np.arange(at, at + len(part), dtype=np.int64)))
        at += len(part)
    return found


def read(content: dict[str, Any]) -> Any:
    """As somebody else's JSON reader sees it; NaN and Infinity are no JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(payload.encode(content), parse_constant=refuse)


def plain(value: Any) -> Any:
    """A value of construct's parse as docs/bus.md has it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [plain(each) for each in value]
    return int(value) if type(value).__name__ == "EnumIntegerString" else value


def as_float32(values: list[Any]) -> list[Any]:
    """Numbers rounded to 32 bits."""
    return [None if value is None else float(np.float32(value)) for value in values]


packets = st.lists(
    st.tuples(
        st.binary(min_size=2, max_size=2),
        st.floats(width=32).map(Float32b.build),
        st.floats().map(Float64b.build),
        st.binary(min_size=16, max_size=16),
        st.sampled_from([b"\0", b"\1", b"\7"]),
        st.sampled_from([b"\0", b"\1"]),
        st.binary(min_size=11, max_size=11),
        st.text(st.characters(min_codepoint=1, max_codepoint=127), min_size=4, max_size=4).map(str.encode),
    ).map(b"".join),
    min_size=1,
    max_size=12,
)


@given(st.lists(packets, min_size=1, max_size=4))
def test_the_values_are_those_of_construct_s_parse(parts: list[list[bytes]]) -> None:
    told = read(payload.telemetry(batches(VEHICLE, *parts), "s1", 7, None))
    whole = [FIXED.parse(packet) for part in parts for packet in part]
    assert (told["session"], told["seq"], told["packet"], told["link"]) == ("s1", 7, "all", "radio")
    assert told["count"] == len(whole)
    assert told["received_ns"] == list(range(len(whole)))
    assert told["valid"] == [True] * len(whole)
    for path, column in told["values"].items():
        want = [plain(each[path]) for each in whole]
        exact = as_float32 if path == "pressure" else list  # numbers of 32 bits are printed with the digits they need
        assert exact(column) == exact(want)


def test_what_is_not_a_number_is_null_and_wide_numbers_keep_every_digit() -> None:
    rows = [
        FIXED.build(
            {
                "temperature": 20.0,
                "pressure": value,
                "time": value,
                "largest": 2**64 - 1,
                "least": -(2**63),
                "mode": 9,
                "armed": True,
                "key": b"\0\1\xff",
                "samples": [0, 65535],
                "keys": [b"ab", b"\0\0"],
                "call": "W1AW",
            }
        )
        for value in (math.nan, math.inf, -math.inf, 1.5)
    ]
    values = read(payload.telemetry(batches(VEHICLE, rows), "s", 0, None))["values"]
    assert values["pressure"] == values["time"] == [None, None, None, 1.5]
    assert values["largest"] == [2**64 - 1] * 4
    assert values["least"] == [-(2**63)] * 4
    assert values["key"] == ["0001ff"] * 4
    assert values["keys"] == [["6162", "0000"]] * 4
    assert values["samples"] == [[0, 65535]] * 4
    assert (values["mode"], values["armed"], values["call"]) == ([9] * 4, [True] * 4, ["W1AW"] * 4)


@given(st.lists(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=3)), min_size=1, max_size=3), min_size=1))
def test_data_dependent_packets_have_a_value_or_null_for_each(parts: list[list[tuple[int, bytes]]]) -> None:
    vehicle = Vehicle("loose", "Loose", (Packet("open", OPEN),))
    raw = [
        [bytes([kind]) + (b"\1\2" if kind > 127 else b"") + bytes([len(data)]) + data for kind, data in part]
        for part in parts
    ]
    told = read(payload.telemetry(batches(vehicle, *raw), "s", 0, None))
    rows = [row for part in parts for row in part]
    assert told["values"]["kind"] == [kind for kind, _ in rows]
    assert told["values"]["list"] == [list(data) for _, data in rows]
    extra = told["values"].get("extra", [None] * len(rows))
    assert extra == [0x0102 if kind > 127 else None for kind, _ in rows]


def test_mission_time_thinning_and_gaps_are_told() -> None:
    (batch,) = batches(VEHICLE, [bytes(FIXED.sizeof())] * 2)
    batch.received_ns[:] = (5_000_000_000, 7_500_000_000)
    told = read(payload.telemetry([batch], "s", 0, 6_000_000_000, thinned=4, missing=3))
    assert told["mission_time"] == [-1.0, 1.5]
    assert (told["thinned"], told["sequence_gaps"], told["time"]) == (4, 3, None)
    assert read(payload.telemetry([batch], "s", 0, None))["mission_time"] is None


def test_a_definition_tells_a_stranger_unit_place_limits_and_labels() -> None:
    fields = measurements(VEHICLE)
    told = read(
        payload.definition(
            [VEHICLE], fields, effective_limits(fields, {}), {"radio": {"source": "udp:1", "framing": "x"}}
        )
    )
    assert (told["name"], told["title"], told["phases"]) == ("sparrow", "Sparrow", ["pad", "ascent"])
    assert told["links"] == {"radio": {"source": "udp:1", "framing": "x"}}
    packet = told["packets"]["all"]
    assert (packet["doc"], packet["rate"]) == ("everything", 10.0)
    assert list(packet["measurements"]) == [member.name for member in FIXED.subcons]
    skin = packet["measurements"]["temperature"]
    assert (skin["unit"], skin["doc"], skin["type"], skin["bit"], skin["bits"]) == ("degC", "skin", "i16", 0, 16)
    assert (skin["yellow"], skin["red"], skin["resolution"]) == ([-70.0, 60.0], [None, 90.0], 0.01)
    assert packet["measurements"]["mode"]["labels"] == {"0": "idle", "1": "armed"}
    assert packet["measurements"]["samples"]["shape"] == [2]
    assert packet["measurements"]["pressure"]["red"] is None


def test_limits_in_force_stand_in_the_definition_not_those_declared() -> None:
    fields = measurements(VEHICLE)
    held = {"all.temperature": Limits(None, (-1.0, 1.0), 3, 0.5, 0.1, ("ascent",))}
    skin = read(payload.definition([VEHICLE], fields, held, {}))["packets"]["all"]["measurements"]["temperature"]
    assert (skin["yellow"], skin["red"], skin["when"]) == (None, [-1.0, 1.0], ["ascent"])
    assert (skin["persistence"], skin["persistence_s"], skin["hysteresis"]) == (3, 0.5, 0.1)


def test_an_event_is_told_with_its_mission_time_once_it_is_known() -> None:
    event = Event(EventKind.LIMIT, "red", 2_500_000_000, "too hot", {"value": math.nan})
    told = {"name": "red", "kind": "limit", "received_ns": 2_500_000_000, "text": "too hot", "detail": {"value": None}}
    assert read(payload.event(event, None)) == told | {"mission_time": None}
    assert read(payload.event(event, 1_000_000_000)) == told | {"mission_time": 1.5}
