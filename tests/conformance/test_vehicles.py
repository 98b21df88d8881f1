"""What holds for every vehicle there is, on any bytes: a new vehicle file is tested here before it has its own tests.

The truth is construct's own parse of the same declaration, and a walk of each frame written with it.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import construct as cs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.batch import Batch, Field
from protocols.curve import Table
from protocols.decoder import PacketDecoder, VehicleDecoder
from protocols.flight import Equals
from protocols.framer import framer
from protocols.frames import Frames
from protocols.layout import Layout
from protocols.leaf import Kind, Leaf
from protocols.packet import Packet, Vehicle
from protocols.vehicles import vehicle, vehicles

EVERY_VEHICLE = pytest.mark.parametrize("name", vehicles())
FLYING = [name for name in vehicles() if vehicle(name).flight is not None]
"""Those that fly from a launch site; what is in orbit all the time has no phases of flight."""
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@cache
def decoders(name: str) -> Mapping[str, PacketDecoder]:
    return VehicleDecoder(vehicle(name), "any").decoders


EACH = {
    "mavlink": 20
}  # of a message set of hundreds, which one function makes, and which has a test of its own for all
PACKETS = [(name, packet.name) for name in vehicles() for packet in vehicle(name).packets[:: EACH.get(name, 1)]]
EVERY_PACKET = pytest.mark.parametrize(("name", "packet"), PACKETS, ids=[".".join(pair) for pair in PACKETS])
FIXED = [(name, packet) for name, packet in PACKETS if decoders(name)[packet].layout]
EVERY_FIXED_PACKET = pytest.mark.parametrize(("name", "packet"), FIXED, ids=[".".join(pair) for pair in FIXED])
"""Those that have the same fields whatever is in them; others are decoded by construct itself."""


def layout(name: str, packet: str) -> Layout:
    """The packet's fixed layout."""
    found = decoders(name)[packet].layout
    assert found is not None, decoders(name)[packet].reason
    return found


def leaves(name: str, packet: str) -> Mapping[str, Leaf]:
    """What is declared of a packet."""
    found = decoders(name)[packet].layout or decoders(name)[packet].objects
    assert found is not None
    return found.leaves


def fields(name: str) -> dict[str, Field]:
    return {f"{packet}.{path}": field for packet, each in decoders(name).items() for path, field in each.fields.items()}


def readable(rows: np.ndarray[Any, np.dtype[np.uint8]], known: Layout) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Rows whose texts are ASCII, which is what construct reads."""
    rows = rows.copy()
    for leaf in known.leaves.values():
        if leaf.place.kind is Kind.TEXT:
            rows[:, leaf.place.bit // 8 : (leaf.place.bit + leaf.place.bits) // 8] &= 0x7F
    return rows


def rows_of(data: st.DataObject, known: Layout, count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Any bytes of which construct can make values: its texts are ASCII and its constants right."""
    drawn = data.draw(st.binary(min_size=count * known.size, max_size=count * known.size))
    rows = readable(np.frombuffer(drawn, np.uint8).reshape(count, known.size), known)
    for leaf, _ in known.constants:
        first, width = leaf.place.bit // 8, leaf.place.bits // 8
        order = "little" if leaf.place.little else "big"
        wanted = leaf.constant if isinstance(leaf.constant, bytes) else int(leaf.constant).to_bytes(width, order)
        rows[:, first : first + width] = np.frombuffer(wanted, np.uint8)
    return rows


def value_at(parsed: Any, path: str) -> Any:
    """The value of a dotted path in what construct parsed; of an array of structures, the list of them."""
    value = parsed if path.startswith(("frame.", "header.")) else parsed["body"]
    for part in path.split("."):
        value = [each[part] for each in value] if isinstance(value, list) else value[part]
    return value


def equal(got: Any, want: Any) -> bool:
    """Whether an element of a column is construct's value: to the last bit, a code for a label, NaN for NaN."""
    if isinstance(want, list):
        return len(got) == len(want) and all(equal(a, b) for a, b in zip(got, want, strict=True))
    if isinstance(want, bytes):
        return bytes(got.item()) == want
    if isinstance(want, cs.EnumIntegerString):
        return int(got) == int(want)
    if isinstance(want, str):
        return str(got) == want
    return bool(got == want) or (math.isnan(got) and math.isnan(want))


@EVERY_FIXED_PACKET
@QUICK
@given(data=st.data())
def test_both_decoders_agree_on_any_bytes(name: str, packet: str, data: st.DataObject) -> None:
    known, declared = layout(name, packet), vehicle(name)
    declaration = declared.declaration(decoders(name)[packet].packet)
    assert known.size == declaration.sizeof()
    rows = rows_of(data, known, data.draw(st.sampled_from([1, 9])))
    columns, parsed = known.columns(rows), [declaration.parse(row.tobytes()) for row in rows]
    assert known.valid(rows).all()
    for path in known.leaves:
        assert equal(columns[path], [value_at(each, path) for each in parsed]), path


@EVERY_FIXED_PACKET
@QUICK
@given(data=st.data())
def test_what_is_parsed_and_built_again_is_the_same(name: str, packet: str, data: st.DataObject) -> None:
    known, declaration = layout(name, packet), vehicle(name).declaration(decoders(name)[packet].packet)
    rows = rows_of(data, known, 1)
    built = np.frombuffer(declaration.build(declaration.parse(rows.tobytes())), np.uint8).reshape(1, -1)
    before, after = known.columns(rows), known.columns(built)
    for path, leaf in known.leaves.items():
        assert identical(before[path], after[path]), path
        if not _clamped(leaf):
            assert identical(before.raw(path), after.raw(path)), path
    again = declaration.build(declaration.parse(built.tobytes()))
    assert again == built.tobytes()  # to the bit, once the padding is zero and what a table clamps is at its end


def _clamped(leaf: Leaf) -> bool:
    return leaf.measurement is not None and isinstance(leaf.measurement.curve, Table)


def identical(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@EVERY_PACKET
def test_every_field_says_what_it_is(name: str, packet: str) -> None:
    fields = decoders(name)[packet].fields
    assert fields
    for path, leaf in leaves(name, packet).items():
        told = fields[path]
        assert all(NAME.fullmatch(part) for part in path.split(".")), f"{path}: lower case with underscores"
        assert told.doc, f"{path}: no doc; add one with * '...'"
        assert told.doc == told.doc.strip().rstrip("."), f"{path}: its doc ends with a full stop or a space"
        assert told.unit == told.unit.strip(), path
        assert told.unit.isascii(), f"{path}: a unit is typed by people; write it in ASCII"
        number = leaf.place.kind in (Kind.INTEGER, Kind.FLOAT)
        assert leaf.measurement or leaf.labels or not number, f"{path}: no unit; make it a Measurement, or an Enum"


@EVERY_PACKET
def test_limits_are_in_order_and_of_numbers(name: str, packet: str) -> None:
    known, flight = leaves(name, packet), vehicle(name).flight
    for path, told in decoders(name)[packet].fields.items():
        limited = told.yellow is not None or told.red is not None
        assert limited or not told.when, f"{path}: phases, but no limits"
        for band in (told.yellow, told.red):
            assert band is None or band[0] < band[1], path
        if told.yellow and told.red:
            assert told.red[0] <= told.yellow[0] < told.yellow[1] <= told.red[1], path
        assert not limited or known[path].place.kind in (Kind.INTEGER, Kind.FLOAT), path
        assert set(told.when) <= set(flight.phases if flight else ()), path


@EVERY_VEHICLE
def test_it_says_what_it_is_and_packets_have_names_keys_and_docs(name: str) -> None:
    made = vehicle(name)
    assert made.name == name, "the file's name"
    assert made.title
    assert made.source
    assert len({packet.key for packet in made.packets}) == len(made.packets)
    for packet in made.packets:
        assert NAME.fullmatch(packet.name), packet.name
        assert packet.doc, f"{packet.name}: no doc"
        assert packet.doc == packet.doc.strip().rstrip("."), packet.name
        assert packet.rate >= 0
        assert all(layout(name, packet.name).fields[path].unit == "s" for path in packet.time), packet.name


@EVERY_VEHICLE
def test_what_is_shown_and_watched_are_numbers_there_are(name: str) -> None:
    made, known = vehicle(name), fields(name)
    conditions = [what for each in (made.flight.transitions if made.flight else ()) for what in each.when]
    assert 4 <= len(made.display) <= 6
    assert made.plots
    for path in (*made.display, *made.plots, *(what.measurement for what in conditions)):
        assert path in known, path
        assert known[path].raw_type[0] in "uif", path
        assert known[path].shape == (), path
    for path in made.plots:
        assert not known[path].labels, f"{path}: codes are no curve"
    for what in conditions:
        if isinstance(what, Equals):
            labels = known[what.measurement].labels
            assert not labels or what.value in labels, what


@pytest.mark.parametrize("name", FLYING)
def test_its_flight_has_a_beginning_and_phases_of_one_name_each(name: str) -> None:
    flight = vehicle(name).flight
    assert flight is not None
    assert len(set(flight.phases)) == len(flight.phases)
    events = [each.event for each in flight.transitions]
    assert len(set(events)) == len(events)
    assert flight.t0 in events
    assert all(each.when for each in flight.transitions)


# --- whole frames -----------------------------------------------------------------------------------------------------


def header_of(made: Vehicle, packet: Packet, data: st.DataObject, length: int) -> bytes:
    """Any header that carries the packet's key and its body's length."""
    header = made.header
    if header is None:
        return b""
    size = header.layout.sizeof()
    told = header.layout.parse(data.draw(st.binary(min_size=size, max_size=size)))
    keys = packet.key if isinstance(packet.key, tuple) else (packet.key,)
    for path, value in (*zip(header.keys, keys, strict=True), (header.length, length - header.length_bias)):
        if path:
            *outer, last = path.split(".")
            inner = told
            for part in outer:
                inner = inner[part]
            inner[last] = value
    return header.layout.build(told)


@st.composite
def frames_of(draw: st.DrawFn, name: str) -> list[bytes]:
    """Frames of good packets of all types, several in one where that may be; cut, damaged, repeated, reordered."""
    made, data = vehicle(name), draw(st.data())
    head = made.frame.sizeof() if made.frame is not None else 0
    found: list[bytes] = []
    for _ in range(draw(st.integers(0, 14))):
        frame = draw(st.binary(min_size=head, max_size=head))
        for _ in range(draw(st.integers(1, 3)) if made.header and made.header.several else 1):
            packet = draw(st.sampled_from(made.packets))
            fixed = decoders(name)[packet.name].layout is not None
            size = packet.body.sizeof() if fixed else draw(st.integers(0, 80))
            body = draw(st.binary(min_size=size, max_size=size))
            frame += header_of(made, packet, data, size) + body
        if draw(st.booleans()):
            frame = frame[: draw(st.integers(0, len(frame)))]
        if frame and draw(st.booleans()):
            at = draw(st.integers(0, len(frame) - 1))
            frame = frame[:at] + bytes((draw(st.integers(0, 255)),)) + frame[at + 1 :]
        found += [frame] * draw(st.sampled_from([1, 1, 2, 12]))
    found += draw(st.lists(st.binary(max_size=60), max_size=4))
    return draw(st.permutations(found)) if draw(st.booleans()) else found


def taken(declaration: Any, data: bytes) -> tuple[int, bool]:
    """The bytes that a packet has, and whether data begins with one."""
    try:
        return declaration.sizeof(), len(data) >= declaration.sizeof()
    except cs.SizeofError:
        try:
            declaration.parse(data)
            return len(data), True
        except (cs.ConstructError, UnicodeDecodeError):
            return 0, False


def counted(made: Vehicle, frame: bytes) -> Counter[str]:
    """What is in a frame, by walking it with construct: packets by type, and those unknown and malformed."""
    head = made.frame.sizeof() if made.frame is not None else 0
    declared = {packet.key: (packet.name, made.declaration(packet)) for packet in made.packets}
    found: Counter[str] = Counter()
    at, end = head, len(frame)
    while at < end or not found:
        key, body, limit = None, at, end
        if made.header is not None:
            body = at + made.header.layout.sizeof()
            if body > end:
                return found + Counter(malformed=1)
            told = {"header": made.header.layout.parse(frame[at:body])}
            keys = [value_at(told, f"header.{path}") for path in made.header.keys]
            keys = [int(each) if isinstance(each, cs.EnumIntegerString) else each for each in keys]
            key = keys[0] if isinstance(made.header.key, str) else tuple(keys)
            if made.header.length:
                limit = body + value_at(told, f"header.{made.header.length}") + made.header.length_bias
        if body > end or not body <= limit <= end:
            return found + Counter(malformed=1)
        packet, declaration = declared.get(key, ("unknown", cs.Pass))
        size, enough = taken(declaration, frame[:head] + frame[at:limit])
        found[packet if enough else "malformed"] += 1
        known_end = bool(made.header and made.header.length) or (size and enough)
        if not known_end or not (made.header and made.header.several):
            break
        at = limit if made.header.length else at + size - head
    return found


def counts(decoder: VehicleDecoder) -> Counter[str]:
    found = Counter(decoder.packets)
    found["unknown"], found["malformed"] = decoder.unknown_packets, decoder.malformed
    return +found


def plain(column: Any) -> np.ndarray[Any, Any]:
    """A column of a packet without a fixed layout, value by value: its type may differ from batch to batch."""
    return np.array([repr(alike(value)) for value in np.asarray(column).tolist()])


def alike(value: Any) -> Any:
    """A value as it is the same in an array of numbers and in one of anything."""
    if isinstance(value, list):
        return [alike(each) for each in value]
    return float(value) if isinstance(value, (int, float)) else math.nan if value is None else value


def joined(name: str, batches: list[Batch]) -> dict[str, Any]:
    """Everything in batches by packet type: columns, times and gaps, one behind the other."""
    found: dict[str, list[Any]] = {}
    for batch in batches:
        assert len(batch) > 0
        fixed = decoders(name)[batch.packet].layout is not None
        columns = {path: np.asarray(each) if fixed else plain(each) for path, each in batch.columns.items()}
        columns |= {"received_ns ": batch.received_ns, "valid ": batch.valid}
        columns |= {} if batch.time is None else {"time ": batch.time}
        assert {len(column) for column in columns.values()} == {len(batch)}
        found.setdefault(batch.packet, []).append((columns, batch.sequence_gaps))
    return {
        packet: (
            {path: np.concatenate([columns[path] for columns, _ in parts]) for path in parts[0][0]},
            sum(gaps for _, gaps in parts),
        )
        for packet, parts in found.items()
    }


def decoded(name: str, sent: list[bytes], groups: list[int]) -> tuple[Counter[str], int, dict[str, Any]]:
    """The counts and everything decoded of frames given in groups; frame i arrives at i ns."""
    decoder, batches = VehicleDecoder(vehicle(name), "any"), []
    edges = sorted({0, len(sent), *(group % (len(sent) + 1) for group in groups)})
    for begin, end in pairwise(edges):
        each = Frames.join([Frames.of([frame], begin + i) for i, frame in enumerate(sent[begin:end])])
        got = decoder.decode(each)
        order = [packet.name for packet in vehicle(name).packets]
        assert [batch.packet for batch in got] == sorted((batch.packet for batch in got), key=order.index)
        batches += got
    return counts(decoder), decoder.sequence_gaps, joined(name, batches)


@EVERY_VEHICLE
@QUICK
@given(data=st.data())
def test_every_frame_is_explained_and_none_raises(name: str, data: st.DataObject) -> None:
    sent = data.draw(frames_of(name))
    expected = sum((counted(vehicle(name), frame) for frame in sent), Counter())
    got, gaps, found = decoded(name, sent, [])
    assert got == expected
    assert gaps >= 0
    assert {packet: len(columns["valid "]) for packet, (columns, _) in found.items()} == {
        packet: count for packet, count in expected.items() if packet not in ("unknown", "malformed")
    }


@EVERY_VEHICLE
@QUICK
@given(data=st.data())
def test_how_frames_are_grouped_changes_nothing(name: str, data: st.DataObject) -> None:
    """Frames one by one are walked, many at once are sorted by columns where the vehicle allows it."""
    sent = data.draw(frames_of(name))
    whole = decoded(name, sent, [])
    for groups in (list(range(len(sent))), data.draw(st.lists(st.integers(0, 40), max_size=6))):
        got = decoded(name, sent, groups)
        assert got[:2] == whole[:2]
        assert got[2].keys() == whole[2].keys()
        for packet, (columns, gaps) in whole[2].items():
            others, other_gaps = got[2][packet]
            assert other_gaps == gaps
            assert all(identical(column, others[path]) for path, column in columns.items()), packet


@EVERY_FIXED_PACKET
@QUICK
@given(data=st.data())
def test_a_packet_built_by_its_declaration_comes_back_through_its_framing(
    name: str, packet: str, data: st.DataObject
) -> None:
    made = vehicle(name)
    sent, known = decoders(name)[packet].packet, layout(name, packet)
    body = sent.body.sizeof()
    head = known.size - body - (made.header.layout.sizeof() if made.header else 0)
    frame = b"\x20" * head + header_of(made, sent, data, body) + data.draw(st.binary(min_size=body, max_size=body))
    frame = readable(np.frombuffer(frame, np.uint8).reshape(1, -1), known).tobytes()
    options = {"kind": made.framing} if isinstance(made.framing, str) else dict(made.framing)
    link = framer(options.pop("kind"), **options)
    decoder = VehicleDecoder(made, "any")
    batches = decoder.decode(link.receive(link.encode([frame]), 5))
    assert [(batch.packet, batch.link, batch.received_ns.tolist()) for batch in batches] == [(packet, "any", [5])]
    parsed = made.declaration(sent).parse(frame)
    for path in known.leaves:
        assert equal(batches[0][path], [value_at(parsed, path)]), path
