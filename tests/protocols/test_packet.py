"""Packet and Vehicle: what cannot be is refused where it is declared, with its name."""

from typing import Any

import pytest
from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Bytes,
    Flag,
    Float32b,
    GreedyBytes,
    Int8sb,
    Int8ub,
    Int16ub,
    Int64ub,
    Struct,
)

from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.packet import Header, Packet, Vehicle
from protocols.vehicles import vehicle, vehicles

HEADER = Header(Struct("kind" / Int8ub), key="kind")
NIBBLES = BitStruct("source" / BitsInteger(4), "destination" / BitsInteger(4))
STATE = Packet("state", Struct("mode" / Int8ub), key=1)


@pytest.mark.parametrize(
    ("packets", "header", "said"),
    [
        ((), HEADER, "no packets"),
        ((STATE, Packet("state", Struct("x" / Int8ub), key=2)), HEADER, "two packets have one name"),
        ((STATE, Packet("other", Struct("x" / Int8ub), key=1)), HEADER, "two packets have one key"),
        ((Packet("state", Struct("x" / Int8ub)),), HEADER, "has no key"),
        ((STATE, Packet("other", Struct("x" / Int8ub), key=2)), None, "need a header"),
        ((Packet("a/b", Struct("x" / Int8ub), key=1),), HEADER, "'a/b' is no name"),
        ((Packet("state", Struct("body" / Int8ub), key=1),), HEADER, "no field can be called body"),
    ],
)
def test_packets_that_cannot_be_told_apart_are_refused(packets: Any, header: Header | None, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Vehicle("v", "V", packets, header)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (Header(Struct("kind" / Int8ub), key="type"), "no field 'type'; it has kind"),
        (Header(Struct("kind" / Int8ub), key="kind", length="size"), "no field 'size'"),
        (Header(Struct("kind" / Int8ub), key="kind", sequence="count"), "no counter 'header.count'"),
        (Header(Struct("kind" / Int8ub, "rest" / GreedyBytes), key="kind"), "fixed layout"),
        (Header(Struct("kind" / Float32b), key="kind"), "cannot be the key"),
        (Header(Struct("kind" / Flag), key="kind"), "cannot be the key"),
        (Header(Struct("kind" / Array(2, Int8ub)), key="kind"), "cannot be the key"),
        (Header(Struct("kind" / Int8ub, "size" / Bytes(2)), key="kind", length="size"), "cannot be the length"),
        (Header(Struct("kind" / Int8ub, "size" / Int64ub), key="kind", length="size"), "at most 48 bits"),
        (Header(Struct("kind" / Bytes(2)), key="kind"), "1 is not 2 bytes"),
    ],
)
def test_headers_that_cannot_be_read_are_refused(header: Header, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        VehicleDecoder(Vehicle("v", "V", (STATE,), header), "link")


@pytest.mark.parametrize(
    ("kind", "key"), [(Int8ub, b"A"), (Bytes(2), b"ABC"), (Int8ub, 256), (Int8sb, 128), (Int8ub, -1)]
)
def test_keys_that_no_header_holds_are_refused(kind: Any, key: Any) -> None:
    packet = Packet("state", Struct("mode" / Int8ub), key=key)
    with pytest.raises(DeclarationError, match="state"):
        VehicleDecoder(Vehicle("v", "V", (packet,), Header(Struct("kind" / kind), key="kind")), "link")


@pytest.mark.parametrize(
    ("body", "time", "sequence", "said"),
    [
        (Struct("t" / Int8ub), ("time",), "", "'time' to be its time; it has header.kind, t"),
        (Struct("t" / Bytes(2)), ("t",), "", "'t' to be its time"),
        (Struct("t" / Array(2, Int8ub)), ("t",), "", "'t' to be its time"),
        (Struct("t" / Int8ub, "rest" / GreedyBytes), ("time",), "", "'time' to be its time"),
        (Struct("t" / Int8ub), (), "count", "no counter 'count'"),
        (Struct("t" / Int8ub, "t" / Int16ub), (), "", "two fields have this name"),
    ],
)
def test_bodies_that_do_not_hold_what_is_said_of_them_are_refused(
    body: Any, time: tuple[str, ...], sequence: str, said: str
) -> None:
    packet = Packet("state", body, key=1, time=time, sequence=sequence)
    with pytest.raises(DeclarationError, match=said):
        VehicleDecoder(Vehicle("v", "V", (packet,), HEADER), "link")


def test_a_declaration_is_the_frames_header_the_packets_header_and_the_body() -> None:
    made = Vehicle("v", "V", (STATE,), HEADER, Struct("call" / Bytes(2)))
    declared = made.declaration(STATE)
    assert declared.sizeof() == 4
    parsed = declared.parse(b"AB\x01\x07")
    assert (parsed.frame.call, parsed.header.kind, parsed.body.mode) == (b"AB", 1, 7)
    assert Vehicle("v", "V", (STATE,)).declaration(STATE).parse(b"\x07").body.mode == 7


def test_vehicles_are_found_by_name() -> None:
    assert {"carleton", "cats", "osx", "psas"} <= set(vehicles())
    assert vehicle("osx").synthetic
    with pytest.raises(DeclarationError, match="use one of altos, carleton, cats"):
        vehicle("saturn")
    with pytest.raises(DeclarationError, match="none of that name"):
        vehicle("../osx")


@pytest.mark.parametrize("key", [1, (1,), (1, 2, 3), (16, 2), (b"a", 2), (1, -1), None])
def test_keys_of_several_fields_that_no_header_holds_are_refused(key: Any) -> None:
    header = Header(Struct("address" / NIBBLES, "kind" / Int8ub), key=("address.source", "kind"))
    with pytest.raises(DeclarationError, match=r"its key|has no key"):
        VehicleDecoder(Vehicle("v", "V", (Packet("state", Struct("x" / Int8ub), key=key),), header), "any")


def test_a_key_of_several_fields_needs_whole_numbers_of_some_bits() -> None:
    for field in (Bytes(2), Float32b, Int64ub, Array(2, Int8ub)):
        header = Header(Struct("address" / field, "kind" / Int8ub), key=("address", "kind"))
        with pytest.raises(DeclarationError, match="'address' can"):
            VehicleDecoder(Vehicle("v", "V", (Packet("state", Struct("x" / Int8ub), key=(1, 2)),), header), "any")
