"""What a pipeline's digests are of, and that how chunks are handed over changes neither them nor what is judged."""

import hashlib
import struct
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundstation.campaign import Campaign
from groundstation.event import EventKind
from groundstation.pipeline import Pipeline, blocks
from groundstation.reading import read
from protocols.chunk import Chunk
from protocols.framer import framer
from tests.groundstation.conftest import SPARROW, state_packet

LINKS = ("radio", "umbilical")
POWER = """\
        Packet("power", Struct("current" / Measurement(Int16ub, "A", red=(0, 100))), key=2),
    ),
    flight="""
RECORDED = (
    "ardupilot_dataflash/test.BIN",
    "by02_kiss/frames.kiss",
    "carleton/july_12th.mission",
    "cats_euroc23/11_faraday/main.cfl",
    "gnss_ubx/pygpsdata-MIXED.log",
    "irig106_ch10/sample.c10",
    "mavlink/common.pcapng",
    "mavlink/small.tlog",
    "psas_packet/simple_logfile",
    "px4_ulog/sample_px4_events.ulg",
)
VEHICLE = SPARROW.replace("    ),\n    flight=", POWER)
FRAMER = framer("cobs", check="crc-16/ibm-3740")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """The same packets by two links."""
    folder: Path = tmp_path_factory.mktemp("sparrow")
    (folder / "sparrow.py").write_text(VEHICLE)
    links = "".join(f'[links.{name}]\nsource = "udp:{9000 + n}"\n' for n, name in enumerate(LINKS))
    (folder / "c.toml").write_text(f'[campaign]\nname = "c"\nvehicle = "./sparrow.py"\n{links}')
    return Campaign.load(folder / "c.toml")


def pipeline(campaign: Campaign) -> Pipeline:
    made = Pipeline(campaign.vehicle, dict.fromkeys(LINKS, campaign.vehicle.framing), campaign.file.limits)
    made.prove()
    return made


def hand_over(made: Pipeline, groups: list[list[Chunk]]) -> Pipeline:
    for group in groups:
        made.recorded(group)
        made.receive(*group)
    return made


def cut(chunks: list[Chunk], at: list[int]) -> list[list[Chunk]]:
    edges = sorted({0, len(chunks), *(each for each in at if each < len(chunks))})
    return [chunks[begin:end] for begin, end in pairwise(edges)]


@st.composite
def arrivals(draw: st.DrawFn) -> list[Chunk]:
    """Chunks of both links mixed, in and out of limits, torn anywhere; times may repeat."""
    wires = {}
    for name in LINKS:
        states = st.builds(
            state_packet, st.just(0), st.sampled_from([10.0, 950.0, 1200.0]), st.sampled_from([28.0, 12.0])
        )
        powers = st.builds(lambda current: struct.pack(">BIH", 2, 0, current), st.sampled_from([5, 200]))
        packets = draw(st.lists(states | powers, min_size=1, max_size=12))
        wires[name] = b"".join(FRAMER.encode([packet]) for packet in packets)
    chunks, at = [], 1_000
    while any(wires.values()):
        name = draw(st.sampled_from([name for name in LINKS if wires[name]]))
        size = draw(st.integers(1, 40))
        data, wires[name] = wires[name][:size], wires[name][size:]
        at += draw(st.integers(0, 3))
        chunks.append(Chunk(name, data, at * 1_000_000))
    return chunks


@given(arrivals(), st.lists(st.integers(1, 100), max_size=6))
def test_how_chunks_are_handed_over_changes_no_digest(campaign: Campaign, chunks: list[Chunk], at: list[int]) -> None:
    unique = {chunk.received_ns for chunk in chunks}
    if len(unique) < len(chunks):  # of two links in one instant, which was first is known only while they come singly
        chunks = [Chunk(chunk.link, chunk.data, n) for n, chunk in enumerate(chunks, 1)]
    singly = hand_over(pipeline(campaign), [[chunk] for chunk in chunks])
    grouped = hand_over(pipeline(campaign), cut(chunks, at))
    assert singly.digests is not None
    assert grouped.digests is not None
    assert grouped.digests.as_dict() == singly.digests.as_dict()
    limits = [[each for each in made.events if each.kind is EventKind.LIMIT] for made in (singly, grouped)]
    assert limits[0] == limits[1]
    for made in (singly, grouped):
        made.alarms.follow(made.limit_monitor.standing)
    assert grouped.alarms.as_payload(lambda _: None) == singly.alarms.as_payload(lambda _: None)


@pytest.mark.parametrize("name", RECORDED)
def test_real_recordings_of_every_kind_are_the_same_one_chunk_at_a_time_and_all_at_once(name: str, data: Path) -> None:
    reading = read(data / name)
    chunks = list(reading.recording.chunks())
    found = []
    for groups in ([[chunk] for chunk in chunks], list(blocks(chunks)), [chunks]):
        made = reading.pipeline()
        digests = made.prove()
        hand_over(made, groups)
        for link in made.links:
            made.finish(link)
        found.append(digests.as_dict())
    assert found[0] == found[1] == found[2]
    assert any(link["packets"] for link in found[0]["links"].values())


def test_the_raw_digest_is_that_of_the_bytes_and_the_other_of_times_and_lengths(campaign: Campaign) -> None:
    chunks = [Chunk("radio", bytes([n] * n), 1_000 + n) for n in range(20)]
    made = hand_over(pipeline(campaign), cut(chunks, [3, 4, 11]))
    assert made.digests is not None
    told = made.digests.as_dict()["links"]["radio"]
    assert told["raw"] == hashlib.sha256(b"".join(chunk.data for chunk in chunks)).hexdigest()
    times = b"".join(struct.pack("<qQ", chunk.received_ns, len(chunk.data)) for chunk in chunks)
    assert told["times"] == hashlib.sha256(times).hexdigest()
    assert (told["chunks"], told["bytes"], told["decoded"]) == (20, sum(range(20)), 20)


def test_what_the_disk_refused_is_not_in_the_raw_digest_and_is_counted(campaign: Campaign) -> None:
    made = pipeline(campaign)
    chunks = [Chunk("radio", bytes([n]), n) for n in range(10)]
    made.recorded(chunks, lost=4)
    made.recorded(chunks[6:], lost=0)
    assert made.digests is not None
    told = made.digests.as_dict()["links"]["radio"]
    assert (told["chunks"], told["lost"]) == (10, 4)
    assert told["raw"] == hashlib.sha256(bytes(range(10))).hexdigest()


def test_a_copy_goes_on_by_itself(campaign: Campaign) -> None:
    chunks = [Chunk("radio", FRAMER.encode([state_packet(n, 1200.0 * (n % 2))]), n + 1) for n in range(9)]
    made = hand_over(pipeline(campaign), cut(chunks[:5], []))
    assert made.digests is not None
    before = made.digests.as_dict()
    copied = made.digests.fork()
    hand_over(made, cut(chunks[5:], []))
    assert copied.as_dict() == before != made.digests.as_dict()


def test_alarms_and_flight_events_have_digests_of_their_own(campaign: Campaign) -> None:
    def seen(altitude: float, voltage: float) -> tuple[str, str, str]:
        chunk = Chunk("radio", FRAMER.encode([state_packet(0, altitude, voltage)]), 5)
        made = hand_over(pipeline(campaign), [[chunk]])
        assert made.digests is not None
        told = made.digests.as_dict()
        return told["alarms"]["sha256"], told["events"]["sha256"], told["links"]["radio"]["packets"]["state"]["sha256"]

    quiet, alarmed, flown = seen(10.0, 28.0), seen(10.0, 12.0), seen(21.0, 28.0)
    assert (quiet[0] != alarmed[0], quiet[1] == alarmed[1]) == (True, True)
    assert (quiet[0] == flown[0], quiet[1] != flown[1]) == (True, True)
    assert len({quiet[2], alarmed[2], flown[2]}) == 3
