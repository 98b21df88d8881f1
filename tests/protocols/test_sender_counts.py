"""Counters that run over all packets of a sender, types compiled on demand, and many types at once."""

import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from construct import Bytes, Enum, Float32b, GreedyBytes, Int8sb, Int8ub, Int16ub, Int32ub, Int64ub, Struct
from hypothesis import given
from hypothesis import strategies as st

from protocols.batch import Batch
from protocols.curve import Linear
from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.frames import Frames
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

LAYOUT = Struct("count" / Int8ub, "system" / Int8ub, "part" / Enum(Int8sb, PILOT=1), "kind" / Int16ub)
HEADER = Header(LAYOUT, key="kind", sequence="count", sequence_of=("system", "part"))
KINDS = 30
PACKETS = tuple(
    Packet(f"p{kind}", Struct("x" / Int16ub) if kind % 7 else Struct("x" / GreedyBytes), kind) for kind in range(KINDS)
)
"""More types than are looked for one by one, some of no fixed layout."""


def decoder(**more: Any) -> VehicleDecoder:
    return VehicleDecoder(Vehicle("v", "V", PACKETS, HEADER, **more), "radio")


def packet(count: int, sender: tuple[int, int], kind: int, body: bytes = b"\1\2") -> bytes:
    return struct.pack(">BBbH", count % 256, *sender, kind) + body


def decoded(made: VehicleDecoder, sent: list[bytes], groups: list[int]) -> dict[str, tuple[list[Any], list[int], int]]:
    """Values, times and gaps by type, of frames that are given in groups of these lengths."""
    batches: list[Batch] = []
    edges = sorted({0, len(sent), *(each % (len(sent) + 1) for each in groups)})
    for begin, end in pairwise(edges):
        batches += made.decode(Frames.join([Frames.of([sent[i]], i) for i in range(begin, end)]))
    found: dict[str, tuple[list[Any], list[int], int]] = {}
    for batch in batches:
        values, times, gaps = found.get(batch.packet, ([], [], 0))
        found[batch.packet] = (
            values + batch["x"].tolist(),
            times + batch.received_ns.tolist(),
            gaps + batch.sequence_gaps,
        )
    return found


SENT = st.lists(
    st.tuples(
        st.sampled_from([(1, 1), (1, -1), (255, 1)]),
        st.integers(0, KINDS + 1),
        st.integers(0, 3),
        st.sampled_from([b"\1\2", b"\1\2\3", b"\1", b""]),
    ),
    max_size=40,
)


@given(sent=SENT, groups=st.lists(st.integers(0, 50), max_size=5))
def test_what_was_lost_is_what_is_missing_whatever_the_types_and_groups(sent: list[Any], groups: list[int]) -> None:
    """Packets that are not declared, or too short, count as well: they were not lost."""
    counts: dict[tuple[int, int], int] = {}
    stream, missing = [], 0
    for sender, kind, lost, body in sent:
        missing += lost if sender in counts else 0
        counts[sender] = counts.get(sender, 250) + 1 + lost
        stream.append(packet(counts[sender], sender, kind, body))
    together, each = decoder(), decoder()
    found = decoded(together, stream, groups)
    assert found == decoded(each, stream, list(range(len(stream))))
    assert together.sequence_gaps == each.sequence_gaps == missing
    assert (together.packets, together.malformed) == (each.packets, each.malformed)
    assert together.unknown_packets == each.unknown_packets == sum(kind >= KINDS for _, kind, _, _ in sent)
    assert sum(together.packets.values()) + together.malformed + together.unknown_packets == len(sent)
    whole = [kind for _, kind, _, body in sent if kind < KINDS and (kind % 7 == 0 or len(body) >= 2)]
    assert {name: len(times) for name, (_, times, _) in found.items()} == {
        f"p{kind}": whole.count(kind) for kind in set(whole)
    }


def test_types_come_in_the_order_declared() -> None:
    stream = [packet(i, (1, 1), kind) for i, kind in enumerate([20, 3, 29, 7, 3, 0, 14, 20, 5, 1, 2, 9])]
    found = decoder().decode(Frames.of(stream, 0))
    assert [batch.packet for batch in found] == ["p0", "p1", "p2", "p3", "p5", "p7", "p9", "p14", "p20", "p29"]


@pytest.mark.parametrize("many", [1, 30])
def test_a_fork_counts_on_by_itself(many: int) -> None:
    made = decoder()
    made.decode(Frames.of([packet(i, (1, 1), 1) for i in range(many)], 0))
    fork = made.fork()
    made.decode(Frames.of([packet(many + 2 + i, (1, 1), 2) for i in range(many)], 0))
    fork.decode(Frames.of([packet(many + i, (1, 1), 3) for i in range(many)], 0))
    assert (made.sequence_gaps, fork.sequence_gaps) == (2, 0)


@pytest.mark.parametrize(
    ("layout", "senders"),
    [
        (LAYOUT, ("nobody",)),
        (Struct("count" / Int8ub, "kind" / Int8ub, "system" / Bytes(2)), ("system",)),
        (Struct("count" / Int8ub, "kind" / Int8ub, "system" / Int64ub), ("system",)),
        (Struct("count" / Int64ub, "kind" / Int8ub, "system" / Int8ub), ("system",)),
        (Struct("count" / Float32b, "kind" / Int8ub, "system" / Int8ub), ("system",)),
        (Struct("count" / Measurement(Int8ub, "", Linear(2.0)), "kind" / Int8ub, "system" / Int8ub), ("system",)),
        (Struct("count" / Int8ub, "kind" / Int8ub, "system" / Int32ub, "part" / Int8ub), ("system", "part")),
    ],
)
def test_what_cannot_count_is_refused(layout: Any, senders: tuple[str, ...]) -> None:
    header = Header(layout, key="kind", sequence="count", sequence_of=senders)
    with pytest.raises(DeclarationError, match=r"v\.header"):
        VehicleDecoder(Vehicle("v", "V", (Packet("p", Struct("x" / Int8ub), 1),), header), "radio")


def test_on_demand_a_type_is_compiled_when_it_comes_and_for_all_links() -> None:
    vehicle = Vehicle("v", "V", PACKETS, HEADER, on_demand=True)
    one, other = VehicleDecoder(vehicle, "one"), VehicleDecoder(vehicle, "other")
    assert not vehicle.compiled
    one.decode(Frames.of([packet(1, (1, 1), 4)], 0))
    other.decode(Frames.of([packet(1, (1, 1), 4), packet(2, (1, 1), 3)], 0))
    assert list(vehicle.compiled) == ["p4", "p3"]
    assert one.decoders["p3"] is other.decoders["p3"]
    assert (one.packets["p3"], other.packets["p3"]) == (0, 1)
    assert len(dict(one.decoders)) == len(vehicle.compiled) == KINDS


def test_what_cannot_be_decoded_is_refused_at_once_or_when_asked_for_on_demand() -> None:
    wrong = (Packet("p", Struct("x" / Int8ub), 1, time=("y",)),)
    with pytest.raises(DeclarationError, match="to be its time"):
        VehicleDecoder(Vehicle("v", "V", wrong, HEADER), "radio")
    late = VehicleDecoder(Vehicle("v", "V", wrong, HEADER, on_demand=True), "radio")
    with pytest.raises(DeclarationError, match="to be its time"):
        dict(late.decoders)


def test_own_counters_of_many_types_go_on_where_they_were() -> None:
    """Types whose header counts by key: each has a counter of its own on every link, though they are compiled once."""
    header = Header(LAYOUT, key="kind", sequence="count")
    vehicle = Vehicle("v", "V", PACKETS, header)
    one, other = VehicleDecoder(vehicle, "one"), VehicleDecoder(vehicle, "other")
    one.decode(Frames.of([packet(i, (1, 1), kind) for kind in (1, 2) for i in range(20)], 0))
    other.decode(Frames.of([packet(90, (1, 1), 1)], 0))
    one.decode(Frames.of([packet(22, (1, 1), 1), packet(20, (1, 1), 2)], 0))
    assert (one.sequence_gaps, other.sequence_gaps) == (2, 0)
    assert np.array_equal(list(one.packets.values())[:4], [0, 21, 21, 0])
