"""Any declaration, any bytes: nothing raises or warns, and the ways there are to decode give the same.

What once failed stands in ``KNOWN``, each with what it then did.
"""

import numpy as np
import orjson
import pytest
from construct import (
    Array,
    Bytes,
    BytesInteger,
    Flag,
    Float16b,
    Float32b,
    Float64l,
    If,
    Int8sb,
    Int8ub,
    Int16ul,
    Int64ub,
    PaddedString,
    PascalString,
    PrefixedArray,
    Struct,
    this,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundstation.bus import payload
from groundstation.pipeline import Pipeline, Result
from groundstation.traces import Traces
from protocols.batch import Batch
from protocols.ccsds.space_packet import SPACE_PACKET, build
from protocols.chunk import Chunk
from protocols.curve import Linear, Polynomial, Table
from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.flight import Above, Falls, Flight, Rises, Steady, Transition
from protocols.frames import Frames
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
EXTREME = bytes.fromhex("00 01 7f 80 ff 7f80 7fa0 7ff0 7ff4 ffef ff80")

KNOWN = {
    "a list of none in each of two packets: numpy refused the column": (
        Struct("x" / PrefixedArray(Int8ub, Int8ub)), [b"\0", b"\0"]),
    "lists of bytes, as many in each packet: numpy took them for a second dimension": (
        Struct("n" / Int8ub, "x" / Array(this.n, Bytes(2))), [b"\2abcd", b"\2efgh"]),
    "lists of other lengths in another batch: the bus ended": (
        Struct("x" / PrefixedArray(Int8ub, Int8ub)), [b"\1a", b"\2ab", b"\2ab"]),
    "a value that only some packets have: the plot's trace ended the link": (
        Struct("n" / Int8ub, "x" / If(this.n > 1, Int8ub)), [b"\1", b"\2c", b"\1"]),
    "a number of 128 bits: the bus ended": (Struct("x" / BytesInteger(16)), [b"\xff" * 16]),
    "a signalling NaN: a warning from numpy": (
        Struct("x" / Measurement(Float32b, "m", Linear(2.0))), [bytes.fromhex("7fa00000")]),
    "infinity times nothing: a warning from numpy": (
        Struct("x" / Measurement(Float32b, "m", Polynomial((1.0, 0.0)))), [bytes.fromhex("7f800000")]),
    "a product past the largest float: a warning from numpy": (
        Struct("x" / Measurement(Int64ub, "m", Linear(1e300))), [b"\xff" * 8]),
    "arrays of bytes: one long list, of more values than packets": (Struct("x" / Array(3, Bytes(2))), [b"abcdef"] * 2),
    "a text as the packet's time": (Struct("x" / PascalString(Int8ub, "utf8")), [b"\1a", b"\0"]),
}  # fmt: skip


def vehicle(body: Struct, **more: object) -> Vehicle:
    flight = Flight(
        "pad",
        (
            Transition("liftoff", "up", (Above("p.x", 3.0, 1e-6), Rises("p.x", 1e300))),
            Transition("apogee", "down", (Falls("p.x", 1.0),)),
            Transition("landing", "ground", (Steady("p.x", 5.0, 1e-6),)),
        ),
    )
    return Vehicle("v", "V", (Packet("p", body, **more),), display=("p.x",), plots=("p.x",), flight=flight)


def whole_path(made: Vehicle, frames: list[bytes]) -> list[Batch]:
    """Through pipeline, traces and payload, one chunk each and then all of them together; the batches one by one."""
    pipeline, traces, each = Pipeline(made, {"link": "datagram"}), Traces.of(made), []
    for number, frame in enumerate(frames):
        result: Result = pipeline.receive(Chunk("link", frame, 1000 + number))
        each += result.batches
        for batch in result.batches:
            traces.add(batch)
    orjson.loads(payload.encode(traces.as_payload("s")))
    if each:
        message = orjson.loads(payload.encode(payload.telemetry(each, "s", 0, None)))
        assert message["count"] == len(each)
        assert {path: len(column) for path, column in message["values"].items()} == dict.fromkeys(
            message["values"], len(each)
        )
    together = Pipeline(made, {"link": "datagram"}).receive(*(Chunk("link", frame, 1000) for frame in frames))
    assert sum(map(len, together.batches)) == len(each)
    for batch in together.batches:
        orjson.loads(payload.encode(payload.telemetry([batch], "s", 0, None)))
    return each


@pytest.mark.parametrize("what", KNOWN)
def test_what_once_failed(what: str) -> None:
    body, frames = KNOWN[what]
    assert len(whole_path(vehicle(body), frames)) == len(frames)


def test_a_list_of_none_is_an_empty_list() -> None:
    (batch,) = VehicleDecoder(vehicle(Struct("x" / PrefixedArray(Int8ub, Int8ub))), "").decode(
        Frames.of([b"\0", b"\0"], 0)
    )
    assert batch["x"].tolist() == [[], []]


def test_values_that_some_packets_lack_stay_with_their_packets() -> None:
    body = Struct("n" / Int8ub, "x" / If(this.n > 1, Int8ub))
    batches = whole_path(vehicle(body), [b"\1", b"\2c", b"\1", b"\3d"])
    values = orjson.loads(payload.encode(payload.telemetry(batches, "s", 0, None)))["values"]
    assert values == {"n": [1, 2, 1, 3], "x": [None, 0x63, None, 0x64]}


def test_a_whole_number_as_a_scale_wraps_no_narrow_column() -> None:
    body = Struct("a" / Measurement(Int8ub, "m", Linear(2)), "b" / Measurement(Int8sb, "m", Polynomial((1, 3))))
    (batch,) = VehicleDecoder(vehicle_of(body), "").decode(Frames.of([b"\xff\x7f"], 0))
    assert (batch["a"].tolist(), batch["b"].tolist()) == ([510.0], [382.0])


def vehicle_of(body: Struct) -> Vehicle:
    return Vehicle("v", "V", (Packet("p", body),))


def test_infinity_is_out_of_limits_whatever_the_curve() -> None:
    for curve in (None, Linear(2.0, 1.0), Polynomial((1.0, 2.0, 3.0))):
        body = Struct("x" / Measurement(Float32b, "m", curve, yellow=(-1.0, 1e6)))
        pipeline = Pipeline(vehicle_of(body), {"link": "datagram"})
        assert pipeline.receive(Chunk("link", bytes.fromhex("7f800000"), 1)).crossings


curves = st.one_of(
    st.none(),
    st.builds(Linear, st.sampled_from([1.0, -2, 1e-308, 1e308]), st.sampled_from([0.0, -1.0, 1e308])),
    st.lists(st.sampled_from([0.0, 1.0, -1e200, 1e-200]), min_size=1, max_size=4).map(tuple).map(Polynomial),
    st.just(Table((0.0, 10.0), (5.0, -1e308))),
)
bands = st.sampled_from([None, (0.0, 1.0), (-float("inf"), 3.0), (1e308, float("inf"))])
numbers = st.sampled_from([Int8ub, Int8sb, Int16ul, Int64ub, Float16b, Float32b, Float64l, BytesInteger(3), Flag])
measured = st.builds(lambda field, curve, band: Measurement(field, "m", curve, yellow=band), numbers, curves, bands)
anything = st.one_of(
    numbers,
    measured,
    measured.map(lambda field: Array(2, field)),
    st.sampled_from([Bytes(0), Bytes(3), PaddedString(3, "utf8"), Array(2, Bytes(2))]),
    st.sampled_from([PrefixedArray(Int8ub, Int16ul), If(this.n > 9, Float32b), PascalString(Int8ub, "utf16")]),
    measured.map(lambda field: PrefixedArray(Int8ub, field)),
    st.sampled_from([BytesInteger(this.n % 40 + 1), Array(this.n % 3, Struct("a" / Int8ub, "b" / Bytes(1)))]),
)
hostile = st.one_of(st.binary(max_size=40), st.lists(st.sampled_from(EXTREME), max_size=40).map(bytes))


@QUICK
@given(field=anything, timed=st.booleans(), frames=st.lists(hostile, min_size=1, max_size=6))
def test_nothing_raises_or_warns_whatever_is_declared_and_received(
    field: object, timed: bool, frames: list[bytes]
) -> None:
    try:
        made = vehicle(Struct("n" / Int8ub, "x" / field), time=("n", "x") if timed else ())
        Pipeline(made, {"link": "datagram"})
    except DeclarationError:
        return  # refused when it is declared, by a message
    whole_path(made, frames)
    whole_path(made, frames * 9)


lengths = st.sampled_from([Int8ub, Int8sb, Int16ul, BytesInteger(6)])


@QUICK
@given(
    key=st.sampled_from([Int8ub, Int8sb, BytesInteger(3), Int16ul]),
    length=st.one_of(st.none(), lengths),
    bias=st.integers(-20, 20),
    several=st.booleans(),
    frames=st.lists(st.lists(st.sampled_from(b"\0\1\2\3\xff\xfe"), max_size=24).map(bytes), min_size=9, max_size=20),
)
def test_lengths_that_lie_are_counted_the_same_one_by_one_and_together(
    key: object, length: object, bias: int, several: bool, frames: list[bytes]
) -> None:
    parts = {"key": key, **({"length": length} if length is not None else {})}
    header = Header(
        Struct(*(name / part for name, part in parts.items())),
        key="key", length="length" if length is not None else "", length_bias=bias, several=several,
    )  # fmt: skip
    packets = (Packet("one", Struct("x" / Int8ub), key=1), Packet("none", Struct("y" / Bytes(0)), key=2))
    single, together = (VehicleDecoder(Vehicle("v", "V", packets, header=header), "") for _ in range(2))
    found = [batch for frame in frames for batch in single.decode(Frames.of([frame], 0))]
    batches = together.decode(Frames.of(frames, 0))
    for made in (single, together):
        assert sum(made.packets.values()) + made.malformed + made.unknown_packets >= sum(map(bool, frames))
    assert (single.packets, single.malformed, single.unknown_packets) == (
        together.packets, together.malformed, together.unknown_packets,
    )  # fmt: skip
    assert {batch.packet: batch["header.key"].tolist() for batch in batches} == {
        name: np.concatenate([each["header.key"] for each in found if each.packet == name]).tolist()
        for name in {each.packet for each in found}
    }


def test_packets_without_a_body_in_one_frame_come_to_an_end() -> None:
    header = Header(Struct("key" / Int8ub, "length" / Int8ub), key="key", length="length", several=True)
    decoder = VehicleDecoder(Vehicle("v", "V", (Packet("p", Struct(), key=1),), header=header), "")
    decoder.decode(Frames.of([b"\1\0" * 1000], 0))
    assert (decoder.packets, decoder.malformed) == ({"p": 1000}, 0)


def test_a_data_dependent_packet_behind_a_counted_header_has_its_gaps_counted() -> None:
    body = Struct("x" / PrefixedArray(Int8ub, Int8ub))
    decoder = VehicleDecoder(Vehicle("v", "V", (Packet("p", body, key=5),), header=SPACE_PACKET), "")
    decoder.decode(Frames.of([build(5, 3, b"\1a"), build(5, 7, b"\2ab")], 0))
    assert (decoder.packets, decoder.sequence_gaps) == ({"p": 2}, 3)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: Vehicle("v", "V", ()), "no packets"),
        (lambda: Vehicle("v", "V", (Packet("a/#", Struct("x" / Int8ub)),)), "part of topics"),
        (lambda: VehicleDecoder(vehicle_timed(("y",)), ""), "to be its time"),
        (lambda: VehicleDecoder(vehicle_keyed(Int8ub, b"a"), ""), "not a whole number"),
        (lambda: VehicleDecoder(vehicle_keyed(Bytes(2), b"a"), ""), "2 bytes"),
        (lambda: VehicleDecoder(vehicle_keyed(Bytes(2), 5), ""), "its key 5"),
        (lambda: VehicleDecoder(vehicle_keyed(Float32b, 5), ""), "cannot be the key"),
        (lambda: VehicleDecoder(vehicle_keyed(Array(2, Int8ub), 5), ""), "cannot be the key"),
    ],
)
def test_what_would_fail_in_flight_is_refused_when_it_is_declared(made: object, problem: str) -> None:
    with pytest.raises(DeclarationError, match=problem):
        made()  # type: ignore[operator]


def vehicle_timed(time: tuple[str, ...]) -> Vehicle:
    return Vehicle("v", "V", (Packet("p", Struct("x" / Int8ub), time=time),))


def vehicle_keyed(field: object, key: int | bytes) -> Vehicle:
    header = Header(Struct("key" / field), key="key")
    return Vehicle("v", "V", (Packet("p", Struct("x" / Int8ub), key=key),), header=header)
