"""A radio link in a whole station: samples recorded, demodulated, published and replayed, as bytes of a cable are."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundstation.campaign import Campaign
from groundstation.cli import main
from groundstation.event import EventKind
from groundstation.live import live
from groundstation.reading import read
from groundstation.sample_feed import WAITING_S, SampleFeed
from groundstation.station import Station
from protocols.chunk import Chunk
from protocols.errors import CampaignError
from protocols.modem.radio import Radio
from protocols.signal import Signal
from replay.sigmf_recorder import About, SigmfRecorder
from tests.groundstation.conftest import Mosquitto, state_packet
from tests.groundstation.test_replay import groundstation, told

RATE, PACKETS = 96_000, 60
SIGNAL = {"samples": "cu8", "rate": RATE, "frequency": 437.5e6}
TRANSMITTER = {"modem": {"kind": "fsk", "baud": 9600}, "framing": "ax100_golay"}
MODEM = 'modem = "fsk:9600"\nframing = "ax100_golay"\n'


def on_the_air(folder: Path) -> Path:
    """A pass of the test vehicle: noise, its packets, noise; as a raw file of 8-bit IQ."""
    random = np.random.default_rng(3)
    silence = (random.normal(127.5, 8, 2 * RATE // 2).clip(0, 255).astype(np.uint8)).tobytes()
    sent = np.frombuffer(Radio(SIGNAL, [TRANSMITTER]).encode(packets()), np.uint8)
    heard = (sent + random.normal(0, 8, len(sent))).clip(0, 255).astype(np.uint8).tobytes()
    path = folder / "pass.cu8"
    path.write_bytes(silence + heard + silence)
    return path


def packets() -> list[bytes]:
    return [state_packet(n, 10.0 + 4 * n) for n in range(PACKETS)]


@pytest.fixture
def campaign(tmp_path: Path, sparrow: Callable[..., Path]) -> Path:
    return sparrow(f"iq_file:{on_the_air(tmp_path)}?rate=96k&frequency=437.5M&format=cu8", MODEM)


async def whole(path: Path, url: str) -> tuple[Station, str]:
    """A campaign run until its file has ended."""
    async with asyncio.timeout(120):
        return await live(Campaign.load(path), url, lambda _: None)


async def test_samples_are_recorded_demodulated_and_published(
    campaign: Path, mosquitto: Mosquitto, subscriber: Any, eventually: Any
) -> None:
    async with subscriber(mosquitto.url) as seen:
        station, recording = await whole(campaign, mosquitto.url)
        await eventually(lambda: seen.newest("status").get("state") == "stopped")
    assert seen.values("state", "header.count") == list(range(PACKETS))
    assert seen.values("state", "altitude") == [10.0 + 4 * n for n in range(PACKETS)]
    link, radio = seen.newest("link/radio"), seen.newest("radio/radio")
    raw = (campaign.parent / "pass.cu8").read_bytes()
    assert link["bytes_in"] == link["frame_bytes"] + link["discarded"] + link["pending"] == len(raw)
    assert link["frames"] == PACKETS
    assert radio["session"] == station.session
    assert radio["signal"] == SIGNAL
    assert len(radio["spectrum"]["db"]) == 256
    (heard,) = radio["transmitters"]
    assert (heard["frames"], heard["modem"], heard["framing"]) == (PACKETS, TRANSMITTER["modem"], "ax100_golay")
    assert all(each["eb_n0"] > 8 for each in radio["recent"])
    beside = Path(recording).with_suffix(".radio.sigmf-data")
    assert beside.read_bytes() == raw


async def test_a_replay_of_samples_tells_what_was_received_live(campaign: Path, mosquitto: Mosquitto) -> None:
    station, recording = await whole(campaign, mosquitto.url)
    again = told("decode", recording, "--campaign", campaign)
    played = told("replay", recording, "--campaign", campaign, "--speed", "max", "--no-console")
    lived = station.pipeline.links["radio"].counts()
    assert again["links"]["radio"] == played["links"]["radio"] == json.loads(json.dumps(lived))
    flight = [(each.name, each.received_ns) for each in station.pipeline.events if each.kind is EventKind.FLIGHT]
    for each in (again, played):
        found = [(event["name"], event["received_ns"]) for event in each["events"] if event["kind"] == "flight"]
        assert found == flight != []


def test_the_file_itself_is_read_by_the_same_campaign_or_by_what_is_said_of_it(campaign: Path) -> None:
    raw = campaign.parent / "pass.cu8"
    said = ("--samples", "cu8:96k?frequency=437.5M", "--modem", "fsk:9600", "--framing", "ax100_golay")
    lines = groundstation("decode", raw, *said).stdout.split()
    assert lines == [each.hex() for each in packets()]


async def test_where_the_processor_does_not_keep_up_samples_are_recorded_and_the_newest_are_received(
    campaign: Path, sparrow: Callable[..., Path], mosquitto: Mosquitto
) -> None:
    """The demodulating thread is not begun before all samples have come: the slowest processor there can be."""
    raw = (campaign.parent / "pass.cu8").read_bytes()
    (campaign.parent / "silence.cu8").write_bytes(b"")
    size, begin_ns = RATE // 10 * 2, 1_790_000_000_000_000_000
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    chunks = [Chunk("radio", piece, begin_ns + n * 100_000_000) for n, piece in enumerate(pieces)]

    received: list[int] = []

    async def slow(station: Station, _: Any) -> None:
        feed = SampleFeed(station, "radio")
        for chunk in chunks:
            feed.take([chunk])
            feed.skip()
        assert feed.skipped == len(raw) - len(b"".join(pieces[-1 - round(WAITING_S * 10) :])) > 0
        feed.close()
        await feed.run()
        received.append(station.pipeline.links["radio"].framer.ledger.bytes_in)

    made = Campaign.load(sparrow(f"iq_file:{campaign.parent / 'silence.cu8'}?rate=96k&frequency=437.5M", MODEM))
    _, recording = await live(made, mosquitto.url, lambda _: None, slow)
    assert received == [len(b"".join(pieces[-1 - round(WAITING_S * 10) :]))]
    recorded = [chunk for chunk in read(recording, campaign).recording.chunks() if chunk.received_ns < 2 * begin_ns]
    assert b"".join(chunk.data for chunk in recorded)[: len(raw)] == raw


async def test_captures_far_apart_in_a_file_are_all_demodulated(
    tmp_path: Path, sparrow: Callable[..., Path], mosquitto: Mosquitto
) -> None:
    """A leap of the file's own times, an hour at once, is no backlog of the processor's."""
    samples = on_the_air(tmp_path).read_bytes()
    signal, about = Signal("cu8", RATE, 437.5e6), About("the test")
    recorder, piece = SigmfRecorder(tmp_path / "passes.sigmf-data", signal, about), RATE // 10 * signal.size
    for begin_ns in (1_700_000_000_000_000_000, 1_700_003_600_000_000_000):
        for at in range(0, len(samples), piece):
            part = samples[at : at + piece]
            recorder.write(part, begin_ns + ((at + len(part)) // signal.size - 1) * 1_000_000_000 // RATE)
    recorder.close()
    station, _ = await whole(sparrow(f"iq_file:{tmp_path / 'passes.sigmf-meta'}", MODEM), mosquitto.url)
    ledger = station.pipeline.links["radio"].framer.ledger
    assert (ledger.frames, ledger.bytes_in) == (2 * PACKETS, 2 * len(samples))
    assert not [event for event in station.pipeline.events if event.name == "overload"]


@pytest.mark.parametrize(
    ("source", "more", "said"),
    [
        ("rtl_tcp:127.0.0.1:1234?frequency=437.5M", "", "links.radio.modem: is missing: its source gives samples"),
        ("rtl_tcp:127.0.0.1:1234?frequency=437.5M", 'modem = "fsk:9600"\n', "links.radio.framing: is missing"),
        (
            "rtl_tcp:127.0.0.1:1234?frequency=437.5M",
            'satellite = "gomx 3"\nmodem = "fsk:9600"\n',
            "links.radio.satellite: ",
        ),
        (
            "rtl_tcp:127.0.0.1:1234?frequency=437.5M",
            'satellite = "Sputnik 1"\n',
            "links.radio.satellite: found 'Sputnik 1'",
        ),
        ("rtl_tcp:127.0.0.1:1234?frequency=437.5M", 'modem = "morse:20"\nframing = "hdlc"\n', "use one of "),
        ("rtl_tcp:127.0.0.1:1234?frequency=437.5M", 'modem = "fsk"\nframing = "hdlc"\n', "want KIND:BAUD"),
        ("rtl_tcp:127.0.0.1:1234?frequency=437.5M", 'modem = "fsk:9600"\nframing = "cobs"\n', "links.radio.framing: "),
        ("rtl_tcp:127.0.0.1:1234?frequency=437.5M", 'modem = "fsk:9600000"\nframing = "hdlc"\n', "samples a symbol"),
        (
            "rtl_tcp:127.0.0.1:1234?frequency=437.5M",
            'modem = "fsk:9600"\nframing = { kind = "packet", marker = "xy" }\n',
            "links.radio.framing: found {'kind': 'packet', 'marker': 'xy'}; marker 'xy'",
        ),
        (
            "rtl_tcp:127.0.0.1:1234?frequency=437.5M",
            'modem = "fsk:9600?clock_error=1"\nframing = "hdlc"\n',
            "links.radio.modem: found 'fsk:9600?clock_error=1'",
        ),
        ("udp:5000", MODEM, "links.radio.modem: found 'fsk:9600', but its source gives bytes"),
        ("iq_file:/nowhere.wav", MODEM, "links.radio.source: "),
    ],
)
def test_what_does_not_fit_together_is_said_by_its_key(
    source: str, more: str, said: str, sparrow: Callable[..., Path]
) -> None:
    with pytest.raises(CampaignError) as wrong:
        Campaign.load(sparrow(source, more))
    assert said in str(wrong.value)


def test_what_is_wrong_is_not_said_to_be_missing_too(sparrow: Callable[..., Path]) -> None:
    with pytest.raises(CampaignError) as wrong:
        Campaign.load(sparrow("rtl_tcp:127.0.0.1:1234?frequency=437.5M", 'modem = "fsk:9600"\nframing = [1]\n'))
    assert "links.radio.framing: found [1]" in str(wrong.value)
    assert "missing" not in str(wrong.value)


def test_check_tells_a_radio_link_as_it_was_written(
    sparrow: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    address = "rtl_tcp:127.0.0.1:1234?frequency=437.5M"
    assert main(["check", str(sparrow(address, 'modem = "fsk:9600?deviation=3000"\nframing = "hdlc"\n'))]) == 0
    assert f"link radio: {address}, framing fsk:9600?deviation=3000 hdlc\n" in capsys.readouterr().out
