"""What the bus missed of a link of samples is decoded again from the file beside the recording."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundstation.bus.backfill import backfill, remember
from groundstation.campaign import Campaign
from groundstation.live import pipeline_of
from groundstation.pipeline import Pipeline
from groundstation.transmitters import radio_framing, transmitter
from protocols.chunk import Chunk
from protocols.signal import Signal
from replay.recorder import Recorder
from replay.recording import RecordedLink
from replay.sample_file import elapsed_ns
from tests.groundstation.bus.test_backfill import publishing, stream
from tests.groundstation.conftest import Mosquitto, state_packet


async def test_a_gap_of_samples_begins_and_ends_where_it_should(
    mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any, tmp_path: Path
) -> None:
    """The samples, of one byte each, are the bytes of a serial stream: so every packet missed or doubled shows."""
    pipeline = pipeline_of(Campaign.load(sparrow("udp:5000")))
    links = {"radio": RecordedLink("sparrow", pipeline.links["radio"].framing, Signal("ru8", 1e6))}
    before, missed, after = stream(0, 100), stream(100, 20_000), stream(20_000, 20_100)
    known = {"campaign": "", "definitions": {}, "links": links, "synthetic": True, "software": "test"}
    with Recorder(tmp_path / "hop.mcap", **known) as recorder:
        first = Chunk("radio", before + missed[:7], 1)
        recorder.write(first)
        pipeline.receive(first)
        gap = remember(recorder, pipeline.links)
        for at in range(7, len(missed), 50_000):
            recorder.write(Chunk("radio", missed[at : at + 50_000], 1_000_000_000 + at * 1000))
        async with subscriber(mosquitto.url) as seen, publishing(mosquitto.url) as outbox:
            filling = asyncio.create_task(backfill(gap, recorder, outbox))
            await asyncio.sleep(0)
            recorder.write(Chunk("radio", after, 10**10))
            assert await filling == 19_900
            assert await outbox.settle(60.0)
            await eventually(lambda: len(seen.values("state", "header.count", "backfill")) >= 19_900)
    assert seen.values("state", "header.count", "backfill") == list(range(100, 20_000))
    assert sum(each["sequence_gaps"] for each in seen.of("backfill/state")) == 0
    assert recorder.path.stat().st_size < (tmp_path / "hop.radio.sigmf-data").stat().st_size / 10


async def test_samples_that_waited_to_be_demodulated_are_in_the_gap(
    mosquitto: Mosquitto, subscriber: Any, sparrow: Callable[..., Path], eventually: Any, tmp_path: Path
) -> None:
    """A modulated stream: what was decoded before, and what is published again, is every packet exactly once."""
    vehicle = Campaign.load(sparrow("udp:5000")).vehicle
    signal = Signal("ci16_le", 48_000.0)
    pipeline = Pipeline(vehicle, {"radio": radio_framing(signal, [transmitter("fsk:9600", "ax100_golay")])})
    path = pipeline.links["radio"]
    bodies = [state_packet(number, 10.0) for number in range(60)]
    samples = path.framer.encode(bodies) + bytes(48_000 * signal.size)
    step = 4_000 * signal.size
    chunks = [
        Chunk(
            "radio",
            samples[at : at + step],
            10**18 + elapsed_ns(at // signal.size + len(samples[at : at + step]) // 4 - 1, 48e3),
        )
        for at in range(0, len(samples), step)
    ]
    links = {"radio": RecordedLink("sparrow", path.framing, signal)}
    known = {"campaign": "", "definitions": {}, "links": links, "synthetic": True, "software": "test"}
    decoded, waiting = len(chunks) // 3, len(chunks) // 2
    with Recorder(tmp_path / "hop.mcap", **known) as recorder:
        before = []
        for number, chunk in enumerate(chunks[:waiting]):
            recorder.write(chunk)
            if number < decoded:
                before += path.receive(chunk, recorded_to=recorder.position)
        gap = remember(recorder, pipeline.links)
        recorder.write_many(chunks[waiting:])
        live = [int(n) for batch in before for n in batch["header.count"]]
        assert 0 < len(live) < 30
        async with subscriber(mosquitto.url) as seen, publishing(mosquitto.url) as outbox:
            assert await backfill(gap, recorder, outbox) == 60 - len(live)
            assert await outbox.settle(60.0)
            await eventually(lambda: len(seen.values("state", "header.count", "backfill")) >= 60 - len(live))
    assert live + seen.values("state", "header.count", "backfill") == list(range(60))
