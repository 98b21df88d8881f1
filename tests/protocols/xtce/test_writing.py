"""Vehicles written as XTCE: valid by its schema, of the same values by space_packet_parser, and the same read again."""

import logging
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Const,
    Enum,
    Flag,
    Float16b,
    Int8ub,
    Int16sl,
    Int16ub,
    Int32ul,
    Struct,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.curve import Linear, Polynomial, Table
from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.frames import Frames
from protocols.layout import Layout
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle
from protocols.vehicles import vehicle, vehicles
from protocols.xtce.reading import read_xtce
from protocols.xtce.writing import ROOT, write_xtce

JUDGED = ["osx", "gomx_1", "gomx_3", "psas"]
WRITTEN = [*JUDGED, "mavlink"]
REFUSED = {
    "carleton": "a frame has a header and then several packets",
    "cats": "bits of a little-endian word that cross a byte's border",
}
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@cache
def twice(name: str) -> tuple[VehicleDecoder, VehicleDecoder]:
    """A vehicle, and the one read from it as it is written."""
    made = vehicle(name)
    return VehicleDecoder(made, ""), VehicleDecoder(read_xtce(write_xtce(made).encode()), "")


def test_what_cannot_be_written_is_refused_with_its_reason() -> None:
    for name, reason in REFUSED.items():
        with pytest.raises(DeclarationError, match=reason):
            write_xtce(vehicle(name))
    for name in set(vehicles()) - set(WRITTEN) - set(REFUSED):
        with pytest.raises(DeclarationError, match=f"{name}[.]"):
            write_xtce(vehicle(name))


@pytest.mark.parametrize("name", WRITTEN)
def test_a_vehicle_written_and_read_again_is_the_same(name: str) -> None:
    before, after = twice(name)
    one, other = before.vehicle, after.vehicle
    assert [(p.name, p.time, p.sequence, p.rate, p.doc) for p in other.packets] == [
        (p.name, p.time, p.sequence, p.rate, p.doc) for p in one.packets
    ]
    assert one.header is not None
    assert other.header is not None
    for what in ("sequence", "sequence_of", "length", "length_bias", "several"):
        assert getattr(other.header, what) == getattr(one.header, what)
    assert (other.title, other.framing, other.synthetic, other.source) == (
        one.title, one.framing, one.synthetic, one.source,
    )  # fmt: skip
    for packet in one.packets:
        wanted, got = before.decoders[packet.name], after.decoders[packet.name]
        assert wanted.layout is not None
        assert got.layout is not None
        assert set(got.fields) == set(wanted.fields)
        for path, told in wanted.fields.items():
            again = got.fields[path]
            assert (again.unit, again.doc, again.labels, again.shape) == (told.unit, told.doc, told.labels, told.shape)
            if not told.when:
                assert (again.yellow, again.red, again.persistence) == (told.yellow, told.red, told.persistence)


@pytest.mark.parametrize("name", WRITTEN)
def test_and_decodes_any_bytes_to_the_same_values(name: str) -> None:
    before, after = twice(name)
    chance = np.random.default_rng(7)
    for packet in before.vehicle.packets:
        one, other = before.decoders[packet.name].layout, after.decoders[packet.name].layout
        assert one is not None
        assert other is not None
        rows = chance.integers(0, 256, (20, one.size), dtype=np.uint8)
        wanted, got = one.columns(rows), other.columns(rows)
        for path in one.fields:
            assert np.array_equal(wanted[path], got[path], equal_nan=wanted[path].dtype.kind == "f"), path


@pytest.mark.parametrize("name", WRITTEN)
@QUICK
@given(data=st.data())
def test_and_sorts_any_frames_into_the_same_packets(name: str, data: st.DataObject) -> None:
    before, after = (VehicleDecoder(each.vehicle, "") for each in twice(name))
    made = before.vehicle
    assert made.header is not None
    frames = []
    for packet in data.draw(st.lists(st.sampled_from(made.packets), max_size=12)):
        layout = before.decoders[packet.name].layout
        assert layout is not None
        told = made.header.layout.parse(data.draw(st.binary(min_size=40, max_size=40)))
        body = data.draw(st.binary(min_size=packet.body.sizeof(), max_size=packet.body.sizeof()))
        _set(told, made.header, packet, len(body))
        frame = made.header.layout.build(told) + body
        frames.append(frame[: data.draw(st.integers(0, len(frame)))] if data.draw(st.booleans()) else frame)
    frames = [frame for frame in frames if frame]
    found = [each.decode(Frames.of(frames, 0)) if frames else [] for each in (before, after)]
    assert [(b.packet, len(b), b.sequence_gaps) for b in found[0]] == [
        (b.packet, len(b), b.sequence_gaps) for b in found[1]
    ]
    for one, other in zip(*found, strict=True):
        assert (one.time is None) == (other.time is None)
        assert one.time is None or other.time is None or np.array_equal(one.time, other.time, equal_nan=True)
    assert (before.unknown_packets, before.malformed) == (after.unknown_packets, after.malformed)


def _set(told: Any, header: Header, packet: Packet, size: int) -> None:
    """A header's key and length."""
    keys = packet.key if isinstance(packet.key, tuple) else (packet.key,)
    for path, value in [*zip(header.keys, keys, strict=True), (header.length, size - header.length_bias)]:
        if path:
            *outer, last = path.split(".")
            inner = told
            for part in outer:
                inner = inner[part]
            inner[last] = value


# --- the judge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("arrays", [True, False])
def test_what_is_written_is_valid_by_the_schema_of_xtce(name: str, arrays: bool, tmp_path: Path) -> None:
    validation = pytest.importorskip("space_packet_parser.xtce.validation", reason="needs a newer space_packet_parser")
    path = tmp_path / "written.xml"
    path.write_text(write_xtce(vehicle(name), arrays=arrays), encoding="utf-8")
    result = validation.validate_xtce(path, level="schema", raise_on_error=False, allow_schema_download=False)
    assert result.valid, [str(each) for each in result.errors[:5]]


def judge(made: Vehicle, directory: Path) -> Any:
    """Space_packet_parser's reading of a vehicle's document."""
    definitions = pytest.importorskip("space_packet_parser.xtce.definitions", reason="needs space_packet_parser")
    path = directory / f"{made.name}.xml"
    path.write_text(write_xtce(made, arrays=False), encoding="utf-8")
    return definitions.XtcePacketDefinition.from_xtce(
        path, root_container_name=ROOT if made.header else made.packets[0].name
    )


def rows_of(layout: Layout, count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Packets of which another reader makes values: every code has a label."""
    rows = np.random.default_rng(11).integers(0, 256, (count, layout.size), dtype=np.uint8)
    for leaf in layout.leaves.values():
        if leaf.labels:
            codes = list(leaf.labels)
            for number, row in enumerate(rows):
                for index in np.ndindex(*leaf.place.shape):
                    step = sum(i * stride for i, stride in zip(index, leaf.place.strides, strict=True))
                    put(row, leaf.place.bit + step, leaf.place.bits, codes[number % len(codes)])
    return rows


def put(row: np.ndarray[Any, np.dtype[np.uint8]], bit: int, bits: int, value: int) -> None:
    """Set big-endian bits of a row."""
    total, shift = len(row) * 8, len(row) * 8 - bit - bits
    whole = int.from_bytes(row.tobytes()) & ~(((1 << bits) - 1) << shift) | (value % (1 << bits)) << shift
    row[:] = np.frombuffer(whole.to_bytes(total // 8), np.uint8)


def same(ours: Any, theirs: Any, raw: Any) -> bool:
    if isinstance(ours, np.void):
        return bytes(ours.item()) in (
            bytes(theirs) if isinstance(theirs, bytes) else b"",
            _bytes(raw, len(ours.item())),
        )
    if isinstance(ours, str):
        return ours == str(theirs).rstrip("\0")
    if isinstance(theirs, str):  # a label, of a code
        return int(ours) == int(raw)
    return math.isclose(float(ours), float(theirs), rel_tol=1e-12, abs_tol=1e-300) or (
        math.isnan(ours) and math.isnan(theirs)
    )


def _bytes(raw: Any, length: int) -> bytes:
    return raw.to_bytes(length) if isinstance(raw, int) else bytes(raw)


def agree(made: Vehicle, directory: Path) -> int:
    """Compare every value of every packet type with the judge's; how many there were."""
    reader, decoders, compared = judge(made, directory), VehicleDecoder(made, "").decoders, 0
    logging.disable(logging.INFO)
    for packet in made.packets:
        layout = decoders[packet.name].layout
        assert layout is not None
        rows = rows_of(layout, 12)
        if made.header is not None:
            keys = packet.key if isinstance(packet.key, tuple) else (packet.key,)
            for path, key in zip(made.header.keys, keys, strict=True):
                place = layout.leaves[f"header.{path}"].place
                number = int.from_bytes(key) if isinstance(key, bytes) else int(key)  # type: ignore[arg-type]
                for row in rows:
                    put(row, place.bit, place.bits, number)
        columns = layout.columns(rows)
        for number, row in enumerate(rows):
            theirs = reader.parse_bytes(row.tobytes())
            for path in layout.fields:
                head = path.startswith("header.")
                name = "_".join([*([] if head else [packet.name]), *path.removeprefix("header.").split(".")])
                column = columns[path][number]
                for index in np.ndindex(*column.shape) if column.dtype.kind != "V" or column.shape else [()]:
                    got = theirs["_".join((name, *map(str, index)))] if name not in theirs else theirs[name]
                    assert same(column[index] if index else column, got, got.raw_value), (path, index)
                    compared += 1
    logging.disable(logging.NOTSET)
    return compared


@pytest.mark.parametrize("name", JUDGED)
def test_space_packet_parser_reads_the_same_values(name: str, tmp_path: Path) -> None:
    assert agree(vehicle(name), tmp_path) > 500


EVERYTHING = Vehicle(
    "everything",
    "Everything",
    (
        Packet(
            "a",
            Struct(
                "count" / Int8ub,
                "signed" / Measurement(Int16sl, "m", Linear(0.5, -3.0), yellow=(-100.0, math.inf), persistence=3),
                "curve" / Measurement(Int8ub, "degC", Polynomial((1.0, 0.25, -0.001, 1e-6))) * 'of a <diode> & "so"',
                "table" / Measurement(Int8ub, "K", Table((10, 20, 200), (5.0, 7.5, -3.0))),
                "half" / Measurement(Float16b, "", Linear(2.0)),
                "little" / Int32ul,
                "bits"
                / BitStruct("on" / Flag, "mode" / Enum(BitsInteger(3), OFF=0, IDLE=1, RUN=5), "rest" / BitsInteger(4)),
                "few" / Measurement(Array(3, Int16ub), "V", Linear(1e-3)),
                "pairs" / Array(2, Struct("x" / Int8ub, "y" / Measurement(Int16ub, "m"))),
            ),
            (1, 2),
        ),
        Packet("b", Struct("only" / Int8ub), (1, 3)),
    ),
    Header(Struct("kind" / Int8ub, "sub" / Int8ub), key=("kind", "sub")),
)


def test_every_kind_of_value_is_judged(tmp_path: Path) -> None:
    assert agree(EVERYTHING, tmp_path) > 200


def test_every_kind_of_value_comes_back() -> None:
    before, after = VehicleDecoder(EVERYTHING, ""), VehicleDecoder(read_xtce(write_xtce(EVERYTHING).encode()), "")
    one, other = before.decoders["a"], after.decoders["a"]
    assert one.layout is not None
    assert other.layout is not None
    assert other.fields["curve"].doc == 'of a <diode> & "so"'
    assert other.fields["pairs.y"].shape == (2,)
    rows = np.random.default_rng(3).integers(0, 256, (256, one.layout.size), dtype=np.uint8)
    rows[:, 6] = np.arange(256)
    for path in one.fields:
        assert np.array_equal(one.layout.columns(rows)[path], other.layout.columns(rows)[path], equal_nan=True), path
        assert one.layout.leaves[path].place.kind is other.layout.leaves[path].place.kind or path == "on"


def test_constants_stay_constants() -> None:
    made = Vehicle("c", "C", (Packet("p", Struct("mark" / Const(7, Int16ub), "x" / Int8ub, Const(b"AB"))),))
    again = VehicleDecoder(read_xtce(write_xtce(made).encode()), "")
    (batch,) = again.decode(Frames.of([b"\0\7\1AB", b"\0\6\1AB", b"\0\7\1AC"], 0))
    assert batch.valid.tolist() == [True, False, False]
    assert list(batch.columns) == ["mark", "x"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (Struct("x" / Measurement(Int8ub, "", type("Odd", (), {"__call__": abs, "inverse": abs})())), "its curve, Odd"),
        (Struct("a_b" / Int8ub, "a" / Struct("b" / Int8ub)), "another value would be called p_a_b too"),
    ],
)
def test_what_has_no_form_is_named(body: Any, reason: str) -> None:
    with pytest.raises(DeclarationError, match=reason):
        write_xtce(Vehicle("v", "V", (Packet("p", body),)))
