"""XTCE that tells of far more than it is long, that goes round in circles, and numbers at the ends of their ranges."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.frames import Frames
from protocols.xtce.curves import OnesComplement, SignMagnitude
from protocols.xtce.reading import read_xtce
from tests.protocols.xtce.documents import (
    aggregate,
    array,
    binary,
    calibrated,
    container,
    document,
    dynamic,
    entry,
    equals,
    integer,
    place,
    polynomial,
    text_type,
)

U8, U16 = integer("u8", 8), integer("u16", 16)
TWICE = "".join(container(f"C{n}", 2 * entry(f"C{n + 1}", kind="Container")) for n in range(40))
DOUBLED = "".join(aggregate(f"g{n}", x=f"g{n + 1}", y=f"g{n + 1}") for n in range(40))
MANY = 'name="S">' + "<a/>" * 1_000_001 + "</SpaceSystem>"
POINTS = """<SplineCalibrator><SplinePoint raw="nan" calibrated="0"/><SplinePoint raw="1" calibrated="1"/>
</SplineCalibrator>"""
VIOLATIONS = """<DefaultAlarm minViolations="0"><StaticAlarmRanges><WarningRange minInclusive="1"/>
</StaticAlarmRanges></DefaultAlarm>"""
REPEATED = "<RepeatEntry><Count><FixedValue>4000000000</FixedValue></Count></RepeatEntry>"
NO_PARAMETER = "<IncludeCondition><BooleanExpression><Condition/></BooleanExpression></IncludeCondition>"
TAGGED = '<Variable><DynamicValue><ParameterInstanceRef parameterRef="_yamcs_ignore"/></DynamicValue>{}</Variable>'
HOSTILE = {
    "containers twice in each other": (
        document(U8, "a:u8", TWICE + container("C40", "a")),
        "more than 65,536 values",
    ),
    "members twice in each other": (
        document(U8 + DOUBLED + aggregate("g40", x="u8"), "a:g0", container("P", "a")),
        "more than 65,536 values",
    ),
    "an aggregate in itself": (document(aggregate("g", x="g"), "a:g", container("P", "a")), "g stands in itself"),
    "an array of itself": (
        document(array("A", "A", "<FixedValue>3</FixedValue>"), "a:A", container("P", "a")),
        "A stands in itself",
    ),
    "an aggregate of nothing": (document(aggregate("g"), "a:g", container("P", "a")), "g has no members"),
    "a million elements": (f"<SpaceSystem {MANY}".encode(), "more than 1,000,000 elements"),
    "a place past all packets": (
        document(U8, "a:u8", container("P", entry("a", place(10**11)))),
        "ends at bit 100,000,000,008",
    ),
    "a value repeated for ever": (
        document(U8, "a:u8", container("P", entry("a", REPEATED))),
        "ends at bit 32,000,000,000",
    ),
    "a condition on nothing": (
        document(U8, "a:u8", container("P", entry("a", NO_PARAMETER))),
        "Condition has no ParameterInstanceRef",
    ),
    "two alike": (
        document(U8, "a:u8", container("R", "a", abstract=True)
                 + "".join(f"\n{container(name, 'a', 'R', equals('a', 7))}" for name in "PQ")),
        "line 6: SequenceContainer Q has the restrictions of P, line 5",
    ),
    "points that are no numbers": (
        document(integer("f", 8, calibrated(POINTS), tag="Float"), "a:f", container("P", "a")),
        "SplinePoint has raw='nan'",
    ),
    "a coefficient that is infinite": (
        document(integer("f", 8, calibrated(polynomial((0, float("inf")))), tag="Float"), "a:f", container("P", "a")),
        "Term has coefficient='inf'",
    ),
    "alarms after no violation": (
        document(integer("s", 8).replace("</IntegerParameterType>", f"{VIOLATIONS}</IntegerParameterType>"),
                 "a:s", container("P", "a")),
        "DefaultAlarm has minViolations=0",
    ),
    "a text of no text's encoding": (
        document(text_type("t", "<SizeInBits><Fixed><FixedValue>32</FixedValue></Fixed></SizeInBits>", "zlib"),
                 "a:t", container("P", "a")),
        "has encoding 'zlib'",
    ),
    "a length of no length": (
        document(text_type("t", TAGGED.format('<LeadingSize sizeInBitsOfSizeTag="-3"/>')), "a:t", container("P", "a")),
        "LeadingSize has a size of -3 bits",
    ),
    "a sign of more than a word": (
        document(integer("s", 65, encoding="signMagnitude"), "a:s", container("P", "a")),
        "is signMagnitude of 65 bits",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_has_no_end_is_refused_by_its_line(what: str) -> None:
    text, reason = HOSTILE[what]
    with pytest.raises(DeclarationError, match=reason) as refused:
        read_xtce(text)
    assert refused.value.where.startswith("line ")


def test_a_long_text_costs_what_it_is_long() -> None:
    """Of 20 million lines; what is added to it line by line would copy it as often."""
    text = b"<LongDescription>" + b"a\n" * 20_000_000 + b"</LongDescription>"
    document_of_it = document(U8, "a:u8", container("P", "a")).replace(b"<TelemetryM", text + b"<TelemetryM", 1)
    made = read_xtce(document_of_it)
    assert [packet.name for packet in made.packets] == ["P"]


def test_a_parameter_thousands_of_times_is_numbered() -> None:
    vehicle = read_xtce(document(U8, "a:u8", container("P", 10_000 * entry("a"))))
    fields = VehicleDecoder(vehicle, "").decoders["P"].fields
    assert list(fields) == ["a", *(f"a_{number}" for number in range(2, 10_001))]


def test_arrays_in_arrays_of_nothing_end() -> None:
    """A packet of four bytes may tell of 65,535 times 65,535 empty values."""
    empty = binary("empty", dynamic("z"))
    last = '<DynamicValue><ParameterInstanceRef parameterRef="n"/></DynamicValue>'
    types = U8 + U16 + empty + array("inner", "empty", last) + array("outer", "inner", last)
    vehicle = read_xtce(document(types, "n:u16 z:u8 v:outer", container("P", "n z v")))
    made = VehicleDecoder(vehicle, "").decode(Frames.of([b"\xff\xfe\0", b"\0\2\0"], 0))
    assert [len(batch) for batch in made] == [1]


@given(st.integers(2, 64).flatmap(lambda bits: st.tuples(st.just(bits), st.integers(0, (1 << bits) - 1))))
def test_counts_of_up_to_64_bits_have_their_sign(case: tuple[int, int]) -> None:
    bits, count = case
    half = 1 << (bits - 1)
    assert int(SignMagnitude(bits)(count)) == (half - count if count >= half else count)
    assert int(OnesComplement(bits)(count)) == (count - (half * 2 - 1) if count >= half else count)


@pytest.mark.parametrize("how", ["signMagnitude", "onesComplement"])
def test_words_of_64_bits_have_their_sign_in_columns(how: str) -> None:
    vehicle = read_xtce(document(integer("s", 64, encoding=how), "a:s", container("P", "a")))
    words = [0, 1, (1 << 63) - 1, (1 << 63) + 5, (1 << 64) - 1]
    (batch,) = VehicleDecoder(vehicle, "").decode(Frames.of([struct.pack(">Q", word) for word in words], 0))
    far = (1 << 63) - 1
    wanted = {"signMagnitude": [0, 1, far, -5, -far], "onesComplement": [0, 1, far, 5 - far, 0]}
    assert batch.columns["a"].tolist() == wanted[how]
