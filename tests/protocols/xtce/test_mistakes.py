"""XTCE that is not read: named by its line, all at once, and never anything but refused."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.frames import Frames
from protocols.xtce.reading import read_xtce
from tests.protocols.xtce.documents import (
    POLYNOMIAL,
    array,
    binary,
    calibrated,
    container,
    document,
    dynamic,
    enumeration,
    equals,
    integer,
)

U8 = integer("u8", 8)
NEST = '<SpaceSystem name="x">' * 300 + "</SpaceSystem>" * 300
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><SpaceSystem name="S">&b;</SpaceSystem>'
INSIDE_OUT = """<DefaultAlarm><StaticAlarmRanges><WarningRange minInclusive="1"/><CriticalRange minInclusive="2"/>
</StaticAlarmRanges></DefaultAlarm>"""
MISTAKES = {
    "no XML": (b"PK\3\4", "line 1: no well-formed XML"),
    "nothing": (b"", "no well-formed XML"),
    "another XML": (b"<svg/>", "line 1: svg is no SpaceSystem"),
    "a bomb": (BOMB, "line 1: a DOCTYPE is not read"),
    "a deep tree": (NEST.encode(), "more than 200 elements in one another"),
    "XInclude": (
        b'<SpaceSystem name="S" xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="x.xml"/></SpaceSystem>',
        "XInclude is not followed",
    ),
    "no containers": (document("", "", ""), "declares no container"),
    "only abstract ones": (document(U8, "a:u8", container("P", "a", abstract=True)), "only abstract containers"),
    "several roots": (
        document(U8, "a:u8", container("P", "a") + container("Q", "a")),
        "one of several .*: P, Q; say which",
    ),
    "an unknown parameter": (
        document(U8, "a:u8", container("P", "z")),
        "line 4: ParameterRefEntry names a parameter 'z'",
    ),
    "an unknown type": (document("", "a:u9", container("P", "a")), "line 3: Parameter a names a type 'u9'"),
    "BCD": (
        document(integer("u8", 8, encoding="BCD"), "a:u8", container("P", "a")),
        "line 2: IntegerDataEncoding is encoded as 'BCD'",
    ),
    "an odd float": (
        document(
            '<FloatParameterType name="f"><FloatDataEncoding sizeInBits="80"/></FloatParameterType>',
            "a:f",
            container("P", "a"),
        ),
        "line 2: FloatDataEncoding is IEEE754 of 80 bits",
    ),
    "a calibrator in RPN": (
        document(integer("u8", 8, calibrated("<MathOperationCalibrator/>")), "a:u8", container("P", "a")),
        "line 2: MathOperationCalibrator is not read",
    ),
    "an algorithm": (
        document(
            '<BinaryParameterType name="b"><BinaryDataEncoding><SizeInBits><FixedValue>8</FixedValue></SizeInBits>'
            "<FromBinaryTransformAlgorithm/></BinaryDataEncoding></BinaryParameterType>",
            "a:b",
            container("P", "a"),
        ),
        "FromBinaryTransformAlgorithm is an algorithm, which is not run",
    ),
    "a segment": (
        document(U8, "a:u8", container("P", '<ParameterSegmentRefEntry parameterRef="a" sizeInBits="4"/>')),
        "is no entry that is read",
    ),
    "a container in itself": (
        document(U8, "a:u8", container("P", '<ContainerRefEntry containerRef="P"/>')),
        "includes itself",
    ),
    "a base in a circle": (
        document(U8, "a:u8", container("P", "a", "Q") + container("Q", "a", "P")),
        "inherits from itself",
    ),
    "a type in a circle": (
        document('<IntegerParameterType name="t" baseType="t"/>', "a:t", container("P", "a")),
        "line 2: .* inherits from itself",
    ),
    "an ORed restriction": (
        document(
            U8,
            "a:u8",
            container("P", "a") + container("Q", "a", "P", "<BooleanExpression><ORedConditions/></BooleanExpression>"),
        ),
        "ORedConditions is no criterion that is read here",
    ),
    "a label there is not": (
        document(
            enumeration("e", 8, "OFF"),
            "a:e",
            container("P", "a") + container("Q", "a", "P", equals("a", "ON")),
        ),
        "compares with 'ON', no label of e; it has OFF",
    ),
    "a restriction on what comes later": (
        document(U8, "a:u8 b:u8", container("P", "a") + container("Q", "b", "P", equals("b", 1))),
        "looks at b, which stands nowhere before it",
    ),
    "a restriction behind a variable part": (
        document(
            U8 + binary("raw", dynamic("a")),
            "a:u8 r:raw b:u8",
            container("P", "a r b") + container("Q", "a", "P", equals("b", 1)),
        ),
        "tells packets apart by b, whose place depends on the data",
    ),
    "a negative exponent": (
        document(
            integer("u8", 8, calibrated(POLYNOMIAL.replace('"2"', '"-2"')), tag="Float"), "a:u8", container("P", "a")
        ),
        "has exponent -2",
    ),
    "limits inside out": (
        document(
            f'<FloatParameterType name="f"><IntegerDataEncoding sizeInBits="8"/>{INSIDE_OUT}</FloatParameterType>',
            "a:f",
            container("P", "a"),
        ),
        "outside of what is critical",
    ),
    "too long an array": (
        document(
            U8 + array("A", "u8", "<FixedValue>99999999999</FixedValue>"),
            "a:A",
            container("P", "a"),
        ),
        "no packet is so long",
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_what_is_not_read_is_named_with_its_line(what: str) -> None:
    text, reason = MISTAKES[what]
    with pytest.raises(DeclarationError, match=reason):
        read_xtce(text)


def test_all_that_is_wrong_is_named_at_once() -> None:
    types = integer("b1", 8, encoding="BCD") + "\n" + integer("b2", 8, encoding="packedBCD") + U8
    tree = container("R", "k", abstract=True) + "".join(
        container(f"P{n}", f"v{n}", "R", equals("k", n)) for n in (1, 2)
    )
    with pytest.raises(DeclarationError, match=r"(?s)line 2: .*'BCD'.*line 3: .*'packedBCD'"):
        read_xtce(document(types, "k:u8 v1:b1 v2:b2", tree))


TAGS = st.sampled_from(
    [
        "SpaceSystem",
        "TelemetryMetaData",
        "ParameterTypeSet",
        "IntegerParameterType",
        "IntegerDataEncoding",
        "ParameterSet",
        "Parameter",
        "ContainerSet",
        "SequenceContainer",
        "EntryList",
        "ParameterRefEntry",
        "BaseContainer",
        "RestrictionCriteria",
        "Comparison",
        "SizeInBits",
        "FixedValue",
    ]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["name", "parameterTypeRef", "parameterRef", "containerRef", "sizeInBits", "value", "abstract", "encoding"]
    ),
    st.sampled_from(["a", "b", "8", "-1", "1e9", "nan", "true", "", "/a/b", "..", "0x", "99999999999999999999"]),
    max_size=3,
)


@given(
    st.recursive(
        st.just(""),
        lambda inside: st.builds(
            lambda tag, told, parts: (
                f"<{tag}{''.join(f' {k}={chr(34)}{v}{chr(34)}' for k, v in told.items())}>{''.join(parts)}</{tag}>"
            ),
            TAGS,
            ATTRIBUTES,
            st.lists(inside, max_size=4),
        ),
        max_leaves=40,
    )
)
def test_any_document_is_read_or_refused(inside: str) -> None:
    for text in (inside, document(U8, "a:u8", container("a", "a") + inside).decode()):
        with suppress(DeclarationError):
            VehicleDecoder(read_xtce(text.encode()), "").decode(Frames.of([bytes(40)] * 10, 0))


@settings(max_examples=40, deadline=None)
@given(hostile=st.data())
def test_a_real_document_with_bytes_changed_is_read_or_refused(data: Path, hostile: st.DataObject) -> None:
    text = bytearray((data / "ccsds_xtce_spp/jpss/jpss1_geolocation_xtce_v1.xml").read_bytes())
    for _ in range(hostile.draw(st.integers(1, 6))):
        at = hostile.draw(st.integers(0, len(text) - 1))
        text[at] = hostile.draw(st.sampled_from(b'0189"<>/ a-'))
    with suppress(DeclarationError):
        VehicleDecoder(read_xtce(bytes(text)), "").decode(Frames.of([bytes(80)] * 10, 0))
