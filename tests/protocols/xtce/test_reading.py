"""XTCE read: real files against their truth, features against space_packet_parser or bytes packed by hand, mistakes."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.ccsds.space_packet import build
from protocols.decoder import VehicleDecoder
from protocols.framer import framer
from protocols.frames import Frames
from protocols.packet import Vehicle
from protocols.xtce.reading import read_xtce
from tests.protocols.xtce.documents import (
    CCSDS,
    LINE,
    POLYNOMIAL,
    aggregate,
    apid,
    array,
    binary,
    both,
    calibrated,
    container,
    document,
    dynamic,
    entry,
    enumeration,
    equals,
    fixed_size,
    floating,
    if_so,
    integer,
    place,
    space,
    spline,
    text_type,
)

FILES = {"jpss": 0, "suda": 4}
"""Bytes of something else before each packet."""

# --- real files -------------------------------------------------------------------------------------------------------


def truth(data: Path, name: str) -> dict[str, Any]:
    folder = data / "ccsds_xtce_spp"
    return next(each for each in json.loads((folder / "truth.json").read_bytes()) if each["xtce"].startswith(name))


@pytest.mark.parametrize("name", FILES)
def test_real_packets_have_the_values_of_their_truth(data: Path, name: str) -> None:
    told, folder = truth(data, name), data / "ccsds_xtce_spp"
    made = read_xtce((folder / told["xtce"]).read_bytes())
    frames = framer("space_packet", skip=FILES[name]).receive((folder / told["packets_file"]).read_bytes(), 0)
    decoder = VehicleDecoder(made, "")
    assert sum(len(batch) for batch in decoder.decode(frames)) == told["packets"]
    assert (decoder.unknown_packets, decoder.malformed, decoder.sequence_gaps) == (0, 0, 0)
    each = list(frames)
    for number, wanted in told["samples"]:
        (batch,) = VehicleDecoder(made, "").decode(Frames.of([each[number]], 0))
        values = {path.removeprefix("header."): batch[path][0] for path in batch.columns}
        assert {path: values[path] for path in wanted} == wanted


def test_every_value_of_suda_is_space_packet_parsers(data: Path) -> None:
    definitions = pytest.importorskip("space_packet_parser.xtce.definitions", reason="needs space_packet_parser")
    told, folder = truth(data, "suda"), data / "ccsds_xtce_spp"
    reader = definitions.XtcePacketDefinition.from_xtce(folder / told["xtce"])
    made = read_xtce((folder / told["xtce"]).read_bytes())
    for frame in framer("space_packet", skip=4).receive((folder / told["packets_file"]).read_bytes(), 0):
        theirs = reader.parse_bytes(frame)
        (batch,) = VehicleDecoder(made, "").decode(Frames.of([frame], 0))
        ours = {path.removeprefix("header."): batch[path][0] for path in batch.columns}
        assert {path: value for path, value in ours.items() if not _missing(value)} == {
            path: value.raw_value for path, value in theirs.items()
        }


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


# --- documents of our own ---------------------------------------------------------------------------------------------


def values(made: Vehicle, *packets: bytes) -> list[dict[str, Any]]:
    """What is decoded of each packet: its type as ``packet``, and its values but those of the header."""
    found = []
    for packet in packets:
        batches = VehicleDecoder(made, "").decode(Frames.of([packet], 0))
        for batch in batches:
            told = {path: batch[path][0] for path in batch.columns if not path.startswith("header.")}
            plain = {
                path: value.tolist() if isinstance(value, (np.ndarray, np.void)) else value
                for path, value in told.items()
            }
            found.append({"packet": batch.packet, **plain})
    return found


def judged(text: bytes, directory: Path, *packets: bytes) -> list[dict[str, Any]]:
    """What space_packet_parser makes of them, as stored for labels and truths."""
    definitions = pytest.importorskip("space_packet_parser.xtce.definitions", reason="needs space_packet_parser")
    path = directory / "document.xml"
    path.write_bytes(text)
    reader = definitions.XtcePacketDefinition.from_xtce(path)
    header = {name for name, _ in CCSDS}
    parsed = [reader.parse_bytes(packet) for packet in packets]
    return [{name: stored(each) for name, each in packet.items() if name not in header} for packet in parsed]


def stored(value: Any) -> Any:
    """A number, a text or bytes as it is; of labels and truths the code."""
    if isinstance(value, (bytes, float)) or isinstance(value.raw_value, bytes):
        return value if isinstance(value, (bytes, float)) else str(value)
    return value.raw_value


TIME = """<AbsoluteTimeParameterType name="time"><Encoding scale="0.001" offset="10">
<IntegerDataEncoding sizeInBits="32"/></Encoding><ReferenceTime><Epoch>TAI</Epoch></ReferenceTime>
</AbsoluteTimeParameterType>"""
TYPES = "".join(
    (
        integer("signed", 12, encoding="twosComplement"),
        integer("little", 24, encoding="twosComplement", byteOrder="leastSignificantByteFirst"),
        integer("poly", 8, calibrated(POLYNOMIAL), tag="Float"),
        integer("line", 4, calibrated(LINE), tag="Float"),
        integer("steps", 8, calibrated(spline(0)), tag="Float"),
        integer("lines", 8, calibrated(spline(1)), tag="Float"),
        floating("f16", 'sizeInBits="16"'),
        floating("f64", 'sizeInBits="64" byteOrder="leastSignificantByteFirst"'),
        floating("mil", 'sizeInBits="32" encoding="MILSTD_1750A"'),
        enumeration("mode", 3, *(f"M{code}" for code in range(8))),
        integer("truth", 1, tag="Boolean"),
        integer("wide", 4, tag="Boolean"),
        text_type("text", fixed_size(40, "<TerminationChar>00</TerminationChar>")),
        binary("octets", "<FixedValue>16</FixedValue>"),
        TIME,
    )
)
NAMES = "time signed line little poly steps lines f16 f64 mil mode truth wide text octets"


def everything(chance: np.random.Generator) -> bytes:
    """A packet's body in which every value is one that others take, too."""
    head = chance.bytes(4 + 2 + 3 + 3)
    floats = struct.pack(">e", chance.normal()) + struct.pack("<d", chance.normal()) + chance.bytes(3) + b"\x05"
    return head + floats + chance.bytes(1) + b"ab\0cd" + chance.bytes(2)


def test_every_type_gives_the_values_of_space_packet_parser(tmp_path: Path) -> None:
    text = space(
        TYPES, " ".join(f"{name}:{name}" for name in NAMES.split()), container("P", NAMES, "CCSDSPacket", apid(7))
    )
    chance = np.random.default_rng(5)
    packets = [build(7, count, everything(chance)) for count in range(40)]
    made = read_xtce(text)
    assert VehicleDecoder(made, "").decoders["P"].layout is not None
    for ours, theirs in zip(values(made, *packets), judged(text, tmp_path, *packets), strict=True):
        for name, wanted in theirs.items():
            got = ours[name]
            exact = isinstance(wanted, (str, bytes))
            assert got == (
                bool(wanted) if name in ("truth", "wide") else wanted if exact else pytest.approx(wanted, rel=1e-13)
            ), name
    assert made.packets[0].time == ("time",)


def test_labels_units_limits_and_descriptions_are_kept() -> None:
    types = """<FloatParameterType name="V" shortDescription="of the battery"><UnitSet><Unit>V</Unit></UnitSet>
<IntegerDataEncoding sizeInBits="8"/><DefaultAlarm minViolations="3"><StaticAlarmRanges>
<WarningRange minInclusive="10" maxInclusive="20"/><CriticalRange minInclusive="5" maxExclusive="25"/>
</StaticAlarmRanges><ChangeAlarmRanges/></DefaultAlarm></FloatParameterType>
<EnumeratedParameterType name="E"><IntegerDataEncoding sizeInBits="8"/><EnumerationList>
<Enumeration value="1" label="ON"/><Enumeration value="2" maxValue="4" label="BAD"/></EnumerationList>
</EnumeratedParameterType><BooleanParameterType name="B" zeroStringValue="TM" oneStringValue="TC">
<IntegerDataEncoding sizeInBits="1"/></BooleanParameterType>"""
    made = read_xtce(document(types, "v:V e:E b:B", container("P", "v e b")))
    fields = VehicleDecoder(made, "").decoders["P"].fields
    told = fields["v"]
    assert (told.unit, told.doc, told.yellow, told.persistence) == ("V", "of the battery", (10.0, 20.0), 3)
    assert told.red == (5.0, np.nextafter(25.0, 0.0))
    assert fields["e"].labels == {1: "ON", 2: "BAD", 3: "BAD", 4: "BAD"}
    assert fields["b"].labels == {0: "TM", 1: "TC"}
    assert "line 5 ChangeAlarmRanges" in made.source


def test_packets_are_the_deepest_container_they_fit(tmp_path: Path) -> None:
    """As ECSS packets are: by APID, then type and subtype behind it, at places that time packets do not have."""
    tree = "".join(
        (
            container("time", "rate", "CCSDSPacket", apid(0)),
            container("pus", "version type subtype", "CCSDSPacket", equals("APID", 0, comparisonOperator="!=")),
            container(
                "event",
                "id",
                "pus",
                both(equals("type", 5), equals("subtype", 2, comparisonOperator="&lt;=")),
            ),
            container("hk", "", "pus", equals("type", 3), abstract=True),
            container("hk25", "id", "hk", equals("subtype", 25)),
        )
    )
    text = space(integer("u8", 8), "rate:u8 version:u8 type:u8 subtype:u8 id:u16", tree)
    made = read_xtce(text)
    sent = {
        "time": build(0, 0, b"\7"),
        "pus": build(9, 0, bytes((1, 17, 2))),
        "event": build(9, 1, bytes((1, 5, 2, 0, 9))),
        "hk25": build(9, 2, bytes((1, 3, 25, 1, 0))),
    }
    found = values(made, *sent.values())
    assert [each.pop("packet") for each in found] == list(sent)
    assert found == judged(text, tmp_path, *sent.values())
    assert [str(packet.key) for packet in made.packets][-1] == "APID != 0"
    decoder = VehicleDecoder(made, "")
    together = decoder.decode(Frames.of([*sent.values()] * 5, 0))
    assert {batch.packet: len(batch) for batch in together} == dict.fromkeys(sent, 5)
    assert all(each.layout is not None for each in decoder.decoders.values())


def test_packets_of_one_apid_are_counted_together() -> None:
    tree = "".join(
        container(name, "kind", "CCSDSPacket", f"<ComparisonList>{apid(3)}</ComparisonList>", abstract=True)
        for name in ("K",)
    )
    tree += container("one", "", "K", equals("kind", 1)) + container("two", "", "K", equals("kind", 2))
    made = read_xtce(space(integer("u8", 8), "kind:u8", tree))
    decoder = VehicleDecoder(made, "")
    decoder.decode(Frames.of([build(3, count, bytes((1 + count % 2,))) for count in range(6)], 0))
    assert (decoder.packets, decoder.sequence_gaps) == ({"one": 3, "two": 3}, 0)
    decoder.decode(Frames.of([build(3, 9, b"\1")], 0))
    assert decoder.sequence_gaps == 3


def test_values_whose_size_the_data_tell_are_those_of_space_packet_parser(tmp_path: Path) -> None:
    looked = "".join(f'<DiscreteLookup value="{8 * n}">{equals("n", n)}</DiscreteLookup>' for n in range(1, 4))
    types = "".join(
        (
            integer("u8", 8),
            integer("u4", 4),
            binary("raw", dynamic("m")),
            binary("looked", f"<DiscreteLookupList>{looked}</DiscreteLookupList>"),
            text_type(
                "ended",
                f'<Variable maxSizeInBits="80">{dynamic("n", 16)}<TerminationChar>2C</TerminationChar></Variable>',
            ),
            text_type(
                "led",
                fixed_size(56, '<LeadingSize sizeInBitsOfSizeTag="8"/>'),
                "UTF-16BE",
            ),
        )
    )
    names = "n looked ended led m raw half rest end"
    parameters = "n:u8 looked:looked ended:ended led:led m:u8 raw:raw half:u4 rest:u4 end:u8"
    document_ = space(types, parameters, container("P", names, "CCSDSPacket", apid(1)))
    sent = [
        build(
            1,
            n,
            bytes((n,))
            + b"x" * n
            + b"a,".ljust(n + 2, b"z")
            + b"\x10\0\xe9"
            + bytes(4)
            + bytes((m,))
            + b"r" * m
            + b"\x5a\xff",
        )
        for n, m in ((1, 0), (2, 5), (3, 200))
    ]
    found = values(read_xtce(document_), *sent)
    assert [each.pop("packet") for each in found] == ["P"] * 3
    assert found == judged(document_, tmp_path, *sent)
    assert (found[1]["led"], found[1]["ended"], found[2]["raw"]) == ("é", "a", b"r" * 200)


def test_what_the_data_tell_wrong_is_malformed() -> None:
    """Sizes that are negative, past the packet, or of an element count nobody can believe."""
    last = '<DynamicValue><ParameterInstanceRef parameterRef="n"/></DynamicValue>'
    types = integer("i32", 32, encoding="twosComplement") + binary("raw", dynamic("n"))
    types += binary("nothing", dynamic("zero")) + array("A", "nothing", last)
    made = read_xtce(document(types, "n:i32 zero:i32 raw:raw a:A", container("P", "n raw")))
    for count in (-1, 5, 2**31 - 1):
        assert values(made, struct.pack(">i", count) + b"abcd") == []
    assert values(made, struct.pack(">i", 4) + b"abcd") == [{"packet": "P", "n": 4, "raw": b"abcd"}]
    made = read_xtce(document(types, "n:i32 zero:i32 raw:raw a:A", container("P", "n zero a")))
    assert values(made, struct.pack(">ii", 2**31 - 1, 0)) == []
    assert values(made, struct.pack(">ii", 1, 1) + b"ab")[0]["a"] == [b"a", b"b"]


def test_conditions_arrays_aggregates_and_places() -> None:
    """What space_packet_parser does not read, against bytes packed by hand."""
    less = '<DynamicValue><ParameterInstanceRef parameterRef="n"/><LinearAdjustment intercept="-1"/></DynamicValue>'
    types = (
        integer("u8", 8) + integer("u16", 16) + enumeration("onoff", 8, "OFF", "ON") + aggregate("xy", x="u8", y="u16")
    )
    types += aggregate("pair", n="u8", list="byN") + array("byN", "u8", less)
    types += array("grid", "xy", "<FixedValue>1</FixedValue>")
    entries = "".join(
        (
            entry("state"),
            entry("a", if_so(equals("state", "ON"))),
            entry("inner", if_so(equals("state", 0, useCalibratedValue="false")), "Container"),
            entry("b", if_so(equals("fitted", "ON"))),
            entry("p"),
            entry("a2", "<RepeatEntry><Count><FixedValue>2</FixedValue></Count></RepeatEntry>"),
            entry("c", place(88, "containerStart")),
        )
    )
    fixed = entry("g", kind="ArrayParameter") + entry("c", place(-12)) + entry("a", place(52, "containerStart"))
    text = document(
        types,
        "state:onoff a:u8 a2:u8 b:u16 c:u8 p:pair g:grid",
        container("P", entries) + container("F", fixed) + container("inner", "b"),
    ).replace(
        b"</ParameterSet>",
        b'<Parameter name="fitted" parameterTypeRef="onoff" initialValue="OFF">'
        b'<ParameterProperties dataSource="constant"/></Parameter></ParameterSet>',
    )
    made = read_xtce(text, "P")
    on = bytes((1, 7, 2, 8, 9, 11, 12)) + bytes(4) + b"\x63"
    off = bytes((0, 1, 2, 0, 11, 12)) + bytes(5) + b"\x64"
    first, second = values(made, on, off)
    assert first == {
        "packet": "P",
        "state": 1,
        "a": 7,
        "b": first["b"],
        "p.n": 2,
        "p.list": [8, 9],
        "a2": [11, 12],
        "c": 0x63,
    }
    assert np.isnan(first["b"])
    assert (second["b"], second["p.list"], second["a2"], second["c"]) == (0x0102, [], [11, 12], 0x64)
    made = read_xtce(text, "F")
    body = bytes.fromhex("01 0203 04 0506 77 88")
    (told,) = values(made, body)
    assert told == {"packet": "F", "g.x": [1, 4], "g.y": [0x0203, 0x0506], "c": 0x50, "a": 0x78}
    assert VehicleDecoder(made, "").decoders["F"].layout is not None


def test_a_calibrator_of_the_context_is_the_one_whose_conditions_hold(tmp_path: Path) -> None:
    contexts = "".join(
        f"<ContextCalibrator><ContextMatch>{match}</ContextMatch><Calibrator>{kind}</Calibrator></ContextCalibrator>"
        for match, kind in ((equals("m", 1), LINE), (equals("m", 2, comparisonOperator="&gt;="), POLYNOMIAL))
    )
    listed = calibrated(LINE.replace("0.25", "7")) + f"<ContextCalibratorList>{contexts}</ContextCalibratorList>"
    text = space(
        integer("u8", 8) + integer("x", 8, listed, tag="Float"),
        "m:u8 x:x",
        container("P", "m x", "CCSDSPacket", apid(2)),
    )
    sent = [build(2, m, bytes((m, 100 + m))) for m in range(4)]
    found = [{name: each[name] for name in ("m", "x")} for each in values(read_xtce(text), *sent)]
    assert found == judged(text, tmp_path, *sent)
    assert len({each["x"] for each in found}) == 4


def test_names_are_found_from_where_they_stand(tmp_path: Path) -> None:
    inner = document("", "v:u8 w:../u8", container("Q", "v ../x /S/B/w", "/S/R", equals("k", 2))).decode()
    inner = inner.replace('name="S" xmlns="http://www.omg.org/spec/XTCE/20180204"', 'name="B"')
    text = document(
        integer("u8", 8),
        "k:u8 x:u8",
        container("R", "k", abstract=True) + container("O", "B/v", "R", equals("k", 1)),
        more=inner,
    )
    made = read_xtce(text)
    assert values(made, b"\2abc", b"\1z") == [
        {"packet": "Q", "v": 97, "x": 98, "w": 99},
        {"packet": "O", "v": 122},
    ]


def test_types_inherit_from_each_other() -> None:
    types = (
        integer("u8", 8, calibrated(LINE), tag="Float")
        + '<FloatParameterType name="v" baseType="u8"><UnitSet><Unit>V</Unit></UnitSet></FloatParameterType>'
    )
    made = read_xtce(document(types, "a:v", container("P", "a")))
    assert values(made, b"\x08") == [{"packet": "P", "a": 1.0}]
    assert VehicleDecoder(made, "").decoders["P"].fields["a"].unit == "V"


def test_what_a_packet_has_twice_has_a_number() -> None:
    inner = document("", "x:../u8", container("I", "x")).decode()
    inner = inner.replace('name="S" xmlns="http://www.omg.org/spec/XTCE/20180204"', 'name="B"')
    made = read_xtce(document(integer("u8", 8), "x:u8 body:u8", container("P", "x body x B/x x"), more=inner), "P")
    assert values(made, b"abcde") == [{"packet": "P", "x": 97, "body_": 98, "x_2": 99, "B_x": 100, "x_3": 101}]


def test_a_document_of_ten_thousand_parameters_is_read() -> None:
    names = [[f"p{packet}_{number}" for number in range(250)] for packet in range(40)]
    tree = "".join(container(f"P{at}", " ".join(each), "CCSDSPacket", apid(at)) for at, each in enumerate(names))
    made = read_xtce(space(integer("u8", 8), " ".join(f"{name}:u8" for each in names for name in each), tree))
    assert (len(made.packets), made.packets[39].key) == (40, 39)
    assert values(made, build(39, 0, bytes(range(250))))[0]["p39_249"] == 249
