"""Going to a place of a recording gives what decoding from its beginning gives there: everything, on any recording."""

import math
import struct
import tracemalloc
from collections import deque
from collections.abc import Iterator
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import pytest
from construct import Float32b, Int8ub, Int16ub, Struct
from hypothesis import given
from hypothesis import strategies as st

from groundstation.limit_state import Standing
from groundstation.pipeline import Pipeline
from groundstation.reading import Reading, read
from groundstation.seeking import Arrival, arrive_at_place, arrive_at_time, packet_before
from groundstation.snapshots import Snapshot, Snapshots
from groundstation.survey import Survey
from groundstation.traces import Traces
from protocols.chunk import Chunk
from protocols.flight import Above, Falls, Flight, Steady, Transition
from protocols.framer import framer
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle
from protocols.vehicles import vehicle
from replay.recording import Placed

COBS = {"kind": "cobs", "check": "crc-16/ibm-3740"}
FRAMER = framer("cobs", check="crc-16/ibm-3740")
START = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
VEHICLE = Vehicle(
    "hopper",
    "Hopper",
    (
        Packet(
            "state",
            Struct(
                "height" / Measurement(Float32b, "m", yellow=(-1, 60), red=(-1, 80), persistence=3) * "above the pad",
                "tank" / Measurement(Int16ub, "Pa", red=(0, 200), persistence_s=0.5, when=("up",)) * "pressure",
            ),
            key=1,
        ),
        Packet("heart", Struct("beat" / Int8ub * "counts"), key=2),
    ),
    Header(Struct("kind" / Int8ub, "count" / Int16ub * "sent"), key="kind", sequence="count"),
    flight=Flight(
        "pad",
        (
            Transition("liftoff", "up", (Above("state.height", 20.0, 0.2),)),
            Transition("apogee", "down", (Falls("state.height", 15.0),)),
            Transition("landing", "ground", (Steady("state.height", 5.0, 1.0),)),
        ),
    ),
    display=("state.height", "heart.beat"),
    plots=("state.tank",),
)


class Kept:
    """A recording in memory, its places the count of chunks times seven."""

    def __init__(self, chunks: list[Chunk]) -> None:
        self.kept = chunks
        self.path = Path("kept")
        self.span = (chunks[0].received_ns, chunks[-1].received_ns) if chunks else (0, 0)

    def twin(self) -> "Kept":
        return self

    def placed(self, place: int = 0) -> Iterator[Placed]:
        for number in range(place // 7, len(self.kept)):
            yield self.kept[number], 7 * number + 7


def surveyed(recording: Any, vehicle: Vehicle, framings: Any) -> Survey:
    """A survey with a snapshot after each block."""
    survey = Survey(Reading(recording, vehicle, framings, {}), spent=iter(range(1 << 40)).__next__)
    survey.run()
    assert survey.error is None
    assert survey.finished
    return survey


def told(pipeline: Pipeline, traces: Traces) -> dict[str, Any]:
    """Everything there is to tell of a state of decoding."""
    standing: list[Standing] = pipeline.limit_monitor.standing
    return {
        "counts": {name: path.counts() for name, path in pipeline.links.items()},
        "times": {name: (path.first_ns, path.last_ns) for name, path in pipeline.links.items()},
        "now": pipeline.now_ns,
        "flight": (pipeline.flight.phase, pipeline.flight.event_times, pipeline.flight.t0_ns),
        "alarms": pipeline.alarms.as_payload(pipeline.mission_time),
        "standing": repr(standing),
        # flight events stand before limit events of the same chunks, however many these are
        "events": sorted(pipeline.events, key=lambda each: (each.received_ns, each.text)),
        "traces": traces.as_payload(""),
    }


def decoded(vehicle: Vehicle, framings: Any, chunks: list[Chunk]) -> tuple[Pipeline, Traces]:
    """Chunks decoded one by one, as a station does that is there from the beginning."""
    pipeline, traces = Pipeline(vehicle, framings), Traces.of(vehicle)
    for chunk in chunks:
        for batch in pipeline.receive(chunk).ordered:
            traces.add(batch)
    return pipeline, traces


def same_from_here(arrival: Arrival | None, vehicle: Vehicle, framings: Any, chunks: list[Chunk], at: int) -> None:
    """A place, by the number of chunks before it, is as it is for who watched from the beginning; and goes on so."""
    assert arrival is not None
    watched, traces = decoded(vehicle, framings, chunks[:at])
    assert told(arrival.pipeline, arrival.traces) == told(watched, traces)
    rest = [chunk for chunk, _ in arrival.coming]
    assert rest == chunks[at:]
    for pipeline in (watched, arrival.pipeline):
        pipeline.digests = None
        pipeline.prove()
        for chunk in rest:
            pipeline.recorded([chunk])
            pipeline.receive(chunk)
        for name in pipeline.links:
            pipeline.finish(name)
    assert watched.digests is not None
    assert arrival.pipeline.digests is not None
    assert arrival.pipeline.digests.as_dict() == watched.digests.as_dict()


packets = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 2, 9]),
        st.one_of(st.sampled_from([0.0, 30.0, 70.0, 90.0, math.nan]), st.floats(-50, 150, width=32)),
        st.integers(0, 400),
    ),
    max_size=60,
)
gaps = st.sampled_from([0, 0, 1, SECOND // 10, SECOND // 2, 3 * SECOND, 7 - SECOND // 2, 3 - 5 * SECOND])


@st.composite
def flights(draw: Any) -> list[Chunk]:
    """Packets of two links, damaged here and there, in chunks of any size whose times repeat and step back."""
    streams = {}
    for link in ("left", "right"):
        bodies = [
            struct.pack(">BH", kind, number) + (struct.pack(">fH", height, tank) if kind == 1 else b"\x07")
            for number, (kind, height, tank) in enumerate(draw(packets))
        ]
        data = bytearray(FRAMER.encode(bodies))
        for at in draw(st.lists(st.integers(0, 500), max_size=3)) if data else ():
            data[at % len(data)] = 5
        streams[link] = bytes(data)
    at, chunks = START, list[Chunk]()
    while any(streams.values()):
        link = draw(st.sampled_from([name for name, data in streams.items() if data]))
        size = draw(st.sampled_from([1, 5, 12, 13, 40, 200]))
        gap = draw(gaps)
        if gap or not chunks or chunks[-1].link != link:  # two links at once: nobody knows which was first
            at += gap + 1000
        chunks.append(Chunk(link, streams[link][:size], at))
        streams[link] = streams[link][size:]
    return chunks


FRAMINGS = {"left": COBS, "right": COBS}


@given(chunks=flights(), data=st.data())
def test_every_place_is_as_it_was_for_who_watched(chunks: list[Chunk], data: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("groundstation.survey.BLOCK_CHUNKS", data.draw(st.integers(1, 20), label="snapshot every"))
        patch.setattr("groundstation.seeking.BLOCK_CHUNKS", data.draw(st.integers(1, 20), label="decoded together"))
        recording: Any = Kept(chunks)
        survey = surveyed(recording, VEHICLE, FRAMINGS)
        at = data.draw(st.integers(0, len(chunks)), label="chunks before the place")
        arrival = arrive_at_place(recording, survey.snapshots, 7 * at, lambda: False)
        same_from_here(arrival, VEHICLE, FRAMINGS, chunks, at)
        time = data.draw(st.sampled_from(chunks).map(lambda each: each.received_ns) if chunks else st.just(START))
        time += data.draw(st.integers(-1, 1))
        before = len(list(takewhile(lambda chunk: chunk.received_ns < time, chunks)))
        arrival = arrive_at_time(recording, survey.snapshots, time, lambda: False)
        same_from_here(arrival, VEHICLE, FRAMINGS, chunks, before)


@given(chunks=flights(), data=st.data())
def test_a_step_back_finds_the_packets_in_the_order_they_came(chunks: list[Chunk], data: Any) -> None:
    pipeline, completing = Pipeline(VEHICLE, FRAMINGS), []
    for number, chunk in enumerate(chunks):
        if any(len(batch) for batch in pipeline.receive(chunk).batches):
            completing.append(7 * number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("groundstation.survey.BLOCK_CHUNKS", data.draw(st.integers(1, 20), label="snapshot every"))
        patch.setattr("groundstation.seeking.BLOCKS_KEPT", data.draw(st.integers(1, 3), label="blocks kept"))
        recording: Any = Kept(chunks)
        survey = surveyed(recording, VEHICLE, FRAMINGS)
        place = 7 * data.draw(st.integers(0, len(chunks)), label="chunks before")
        count = data.draw(st.integers(1, 5), label="steps")
        behind = [each for each in completing if each < place]
        expected = behind[-count] if len(behind) >= count else None
        assert packet_before(recording, survey.snapshots, place, count, lambda: False) == expected


@pytest.mark.parametrize("name", ["cats_euroc23/11_faraday/main.cfl", "carleton/july_12th.mission"])
def test_a_real_flight_is_the_same_at_its_beginning_middle_and_end(name: str, data: Path) -> None:
    reading = read(data / name)
    chunks = list(reading.recording.chunks())
    survey = Survey(reading, spent=iter(range(1 << 40)).__next__)
    survey.run()
    assert len(list(survey.snapshots)) > 1
    for part in (1, 4, 9):
        time = chunks[len(chunks) * part // 10].received_ns
        at = len(list(takewhile(lambda chunk, until=time: chunk.received_ns < until, chunks)))
        arrival = arrive_at_time(reading.recording, survey.snapshots, time, lambda: False)
        same_from_here(arrival, reading.vehicle, reading.framings, chunks, at)
    assert survey.events == [each for each in decoded_whole(reading).events if each.kind == "flight"]
    assert survey.t0_ns == decoded_whole(reading).flight.t0_ns


def decoded_whole(reading: Reading) -> Pipeline:
    pipeline = reading.pipeline()
    pipeline.receive(*reading.recording.chunks())
    return pipeline


def test_a_radio_link_goes_on_in_the_middle_of_a_frame(data: Path) -> None:
    from groundstation.stated_arguments import Stated  # noqa: PLC0415
    from groundstation.stated_reading import read_as_stated  # noqa: PLC0415

    reading = read_as_stated(data / "sat_wav/gomx_1.wav", Stated(satellite="GOMX-1"))
    chunks = list(reading.recording.chunks())
    survey = Survey(reading, spent=iter(range(1 << 40)).__next__)
    survey.run()
    whole = decoded(reading.vehicle, reading.framings, chunks)[0]
    for at in (1, len(chunks) // 3, len(chunks) // 2, len(chunks) - 1):
        arrival = arrive_at_place(reading.recording, survey.snapshots, at, lambda: False)
        assert arrival is not None
        assert arrival.place == at
        arrival.pipeline.receive(*(chunk for chunk, _ in arrival.coming))
        (mine,), (theirs,) = arrival.pipeline.links.values(), whole.links.values()
        assert mine.counts() == theirs.counts()
        assert mine.counts()["frames"] > 0


def test_who_wants_another_place_does_not_wait_for_this_one() -> None:
    chunks = [Chunk("left", b"\x01\0" * 200_000, START + n) for n in range(4)]
    recording: Any = Kept(chunks)
    survey = surveyed(recording, VEHICLE, FRAMINGS)
    first = Snapshots(survey.snapshots.first)
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) > 1

    assert arrive_at_time(recording, first, START + 3, stopped) is None
    assert len(asked) == 2
    assert packet_before(recording, first, 28, 1, lambda: True) is None


def weighing(*weights: int) -> Iterator[Snapshot]:
    pipeline = Pipeline(VEHICLE, FRAMINGS)
    for number, weight in enumerate(weights):
        yield Snapshot(number, 10 * number, pipeline, Traces.of(VEHICLE), weight)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=200), st.integers(1, 40), st.integers(1, 1000))
def test_snapshots_stay_within_their_number_and_their_memory(weights: list[int], most: int, budget: int) -> None:
    made = deque(weighing(*weights))
    kept = Snapshots(made.popleft(), most, budget)
    spacing = kept.spacing_s
    for each in made:
        kept.add(each)
        left = list(kept)
        assert left[0] is kept.first
        assert kept.first.place == 0
        assert len(left) <= most
        assert len(left) == 1 or sum(one.weight for one in left) <= budget
        assert all(one.place < other.place for one, other in pairwise(left))
    dropped = len(list(kept)) < len(weights)
    assert (kept.spacing_s > spacing) == dropped
    for time in range(-5, 10 * len(weights) + 5, 3):
        found = kept.before(time)
        assert found is kept.first or found.latest_ns < time
        assert not [one for one in kept if found.latest_ns < one.latest_ns < time]
        found = kept.ahead_of(time)
        assert found is kept.first or found.place < time
        assert not [one for one in kept if found.place < one.place < time]


RADIO = {
    "kind": "radio",
    "signal": {"samples": "cu8", "rate": 2_400_000.0},
    "transmitters": [{"modem": {"kind": "fsk", "baud": 9600}, "framing": "ax100_golay"}],
}


@pytest.mark.parametrize(
    ("vehicle", "framing", "packets"),
    [(VEHICLE, COBS, 0), (VEHICLE, COBS, 20_000), (vehicle("osx"), COBS, 0), (VEHICLE, RADIO, 0)],
)
def test_what_a_snapshot_weighs_is_about_what_memory_it_takes(vehicle: Vehicle, framing: Any, packets: int) -> None:
    bodies = [struct.pack(">BHfH", 1, number % 65536, 100.0 * (number % 2), 0) for number in range(packets)]
    stream = FRAMER.encode(bodies) if framing is COBS else bytes(1 << 20)
    sent = [Chunk("left", stream[at : at + 64], START + at * SECOND) for at in range(0, len(stream), 64)]
    pipeline, traces = decoded(vehicle, {"left": framing}, sent if framing is COBS else [Chunk("left", stream, START)])
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        snapshots = [Snapshot.of(pipeline, traces) for _ in range(10)]
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    weight = sum(each.weight for each in snapshots)
    assert weight / 2 < taken < 2 * weight


def test_a_recording_that_cannot_be_read_on_ends_the_survey_with_why(tmp_path: Path) -> None:
    class Gone(Kept):
        def placed(self, place: int = 0) -> Iterator[Placed]:
            yield from list(super().placed(place))[:3]
            raise OSError(5, "Input/output error")

    gone: Any = Gone([Chunk("left", b"\x01\0", START + n) for n in range(9)])
    survey = Survey(Reading(gone, VEHICLE, FRAMINGS, {}))
    survey.run()
    assert survey.finished
    assert "cannot be read on (Input/output error)" in str(survey.error)


def test_a_survey_stops_when_nobody_needs_it_any_more() -> None:
    recording: Any = Kept([Chunk("left", b"\x01\0" * 200_000, START + n) for n in range(50)])
    news: list[float] = []
    survey = Survey(Reading(recording, VEHICLE, FRAMINGS, {}), lambda: (news.append(survey.read), survey.stop()))
    survey.run()
    assert survey.finished
    assert survey.read < 1
    assert survey.t0_ns is None
