"""``groundstation verify``: what a station recorded is proven, and every change of it is found, named and placed."""

import asyncio
import json
import resource
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from groundstation.campaign import Campaign
from groundstation.cli import main
from groundstation.live import live
from groundstation.proving import EVERY_NS
from groundstation.sample_feed import SampleFeed
from groundstation.station import Station
from protocols.chunk import Chunk
from protocols.framer import framer
from replay.recorder import Recorder
from replay.recording import DIGESTS, RecordedEvent, RecordedLink, open_recording
from tests.groundstation.conftest import SPARROW, free_port, state_packet

FRAMER = framer("cobs", check="crc-16/ibm-3740")
BEGIN_NS, STEP_NS, PACKETS = 1_790_000_000_000_000_000, 50_000_000, 900
"""45 seconds at 20 packets a second: a checkpoint every 200 packets, and one at the end."""
EACH = EVERY_NS // STEP_NS
LIFTOFF = 104
"""The packet of the test vehicle's liftoff, above 20 m."""


def altitude(n: int) -> float:
    """A hop: 5 s on the pad, up to 1,050 m, and down."""
    return 10.0 + max(0, min(n - 100, 900 - n)) * 2.6


def chunks(count: int = PACKETS, link: str = "radio", late_ns: int = 0) -> list[Chunk]:
    wires = (FRAMER.encode([state_packet(n, altitude(n))]) for n in range(count))
    return [Chunk(link, wire, BEGIN_NS + n * STEP_NS + late_ns) for n, wire in enumerate(wires)]


def flown(campaign: Path, some: Iterable[Chunk], during: Callable[[int], object] = lambda _: None) -> Path:
    """A whole station that is handed chunks; during is called before each with its number. Its recording."""

    async def feed(station: Station, _: Any) -> None:
        for n, chunk in enumerate(some):
            during(n)
            station.take([chunk])
            await station.proving.tick()
        station.stopping.set()

    async def station() -> tuple[Station, str]:
        return await live(Campaign.load(campaign), "", lambda _: None, feed)

    return Path(asyncio.run(station())[1])


def verified(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    """Exit status, JSON and text of a verification."""
    status = main(["verify", *map(str, arguments)])
    text = capsys.readouterr().out
    again = main(["verify", *map(str, arguments), "--json"])
    assert again == status
    return status, json.loads(capsys.readouterr().out), text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flown")


@pytest.fixture(scope="module")
def campaign(folder: Path) -> Path:
    (folder / "sparrow.py").write_text(SPARROW)
    path = folder / "hop.toml"
    path.write_text(
        f'[campaign]\nname = "hop"\nvehicle = "./sparrow.py"\n[links.radio]\nsource = "udp:{free_port()}"\n'
    )
    return path


@pytest.fixture(scope="module")
def hop(campaign: Path) -> Path:
    """The recording of a hop."""
    return flown(campaign, chunks())


def changed(hop: Path, folder: Path, before: bytes, after: bytes) -> Path:
    """A copy of a recording with some of its bytes changed, and no other."""
    data = hop.read_bytes()
    assert data.count(before) == 1
    path = folder / f"changed-{hop.name}"
    path.write_bytes(data.replace(before, after))
    return path


def test_what_a_station_recorded_is_proven_to_its_end(
    hop: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told, text = verified(capsys, hop, "--campaign", campaign)
    assert (status, told["verdict"], told["closed"]) == (0, "equal", True)
    assert told["checkpoints"] == PACKETS // EACH + 1
    link = told["links"]["radio"]
    assert (link["chunks"], link["chunks_after_last_checkpoint"]) == (PACKETS, 0)
    assert {each["verdict"] for each in (link["raw"], link["values"], told["alarms"], told["events"])} == {"equal"}
    assert told["seal"] == told["digests"]["seal"]
    assert told["digests"]["links"]["radio"]["packets"]["state"]["count"] == PACKETS
    assert told["digests"]["alarms"]["count"] > 2
    assert told["digests"]["events"]["count"] == 2
    assert "EQUAL" in text
    assert told["seal"] in text


def test_digests_are_no_events_of_the_flight(hop: Path) -> None:
    recording = open_recording(hop)
    assert DIGESTS not in {event.name for event in recording.events()}
    assert [each.detail["final"] for each in recording.digests()] == [False] * (PACKETS // EACH) + [True]
    assert "liftoff" in {event.name for event in recording.events()}


@pytest.mark.parametrize("at", [0, 1, EACH - 1, EACH, EACH + 1, 555, PACKETS - 1])
def test_a_byte_that_was_changed_is_found_in_its_ten_seconds(
    at: int, hop: Path, folder: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wire = chunks()[at].data
    path = changed(hop, folder, wire, wire[:3] + bytes((wire[3] ^ 1,)) + wire[4:])
    status, told, text = verified(capsys, path, "--campaign", campaign)
    assert (status, told["verdict"]) == (1, "differs")
    found = told["links"]["radio"]["raw"]["differs"]
    assert found["what"] == ["bytes"]
    after, before = found["after"]["received_ns"], found["before"]["received_ns"]
    at_ns = BEGIN_NS + at * STEP_NS
    assert before - after <= EVERY_NS
    assert after <= at_ns <= before
    assert at_ns > after or at == 0
    assert found["before"]["mission_time"] == pytest.approx((before - BEGIN_NS) / 1e9 - LIFTOFF * STEP_NS / 1e9)
    assert "damaged or was changed" in text
    values = told["links"]["radio"]["values"]["differs"]
    assert values["what"] == ["state"]
    assert values["before"] == found["before"]


def test_a_time_that_was_changed_is_found_though_all_bytes_are_the_same(
    hop: Path, folder: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_ns = (BEGIN_NS + 555 * STEP_NS).to_bytes(8, "little")
    other = (BEGIN_NS + 555 * STEP_NS + 1).to_bytes(8, "little")
    wire = chunks()[555].data
    path = changed(hop, folder, at_ns + at_ns + wire, other + other + wire)
    status, told, _ = verified(capsys, path, "--campaign", campaign)
    assert status == 1
    found = told["links"]["radio"]["raw"]["differs"]
    assert found["what"] == ["times or lengths of chunks"]
    assert found["after"]["received_ns"] == BEGIN_NS + 2 * EVERY_NS
    assert told["links"]["radio"]["values"]["differs"]["what"] == ["state"]


def test_a_chunk_put_in_behind_the_end_is_a_difference(
    hop: Path, tmp_path: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The digests before it are those that the station wrote, and a recording that was closed goes on after them."""
    whole = open_recording(hop)
    with Recorder(
        tmp_path / "a.mcap", campaign="", definitions={}, links=whole.links, synthetic=True, software="test"
    ) as recorder:
        recorder.write_many([*whole.chunks()])
        for each in whole.digests():
            recorder.event(each)
        recorder.write_many(chunks(1, late_ns=PACKETS * STEP_NS))
    status, told, text = verified(capsys, recorder.path, "--campaign", campaign)
    assert (status, told["verdict"], told["closed"]) == (1, "differs", True)
    assert told["links"]["radio"]["raw"]["differs"]["what"] == ["1 chunks more than there were at its end"]
    assert "1 chunks more than there were" in text


@pytest.mark.parametrize("key", [b'"seal":"', b'"raw":"', b'"times":"', b'"count":'])
def test_digests_that_were_changed_are_no_digests_any_more(
    key: bytes, hop: Path, folder: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a flipped bit makes of a digest is not taken for what the station wrote: the recording is not to blame."""
    data = bytearray(hop.read_bytes())
    at = data.rindex(key) + len(key)
    data[at] = ord("1") if data[at] != ord("1") else ord("2")
    path = folder / "digest.mcap"
    path.write_bytes(data)
    status, told, _ = verified(capsys, path, "--campaign", campaign)
    assert (status, told["verdict"], told["unreadable_checkpoints"]) == (1, "unproven", 1)
    assert told["links"]["radio"]["raw"]["differs"] is None


def test_damage_that_changes_nothing_is_said_all_the_same(
    hop: Path, folder: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    definitions = open_recording(hop).files["definitions.json"]
    path = changed(hop, folder, definitions, definitions.replace(b"state", b"stare"))
    status, told, text = verified(capsys, path, "--campaign", campaign)
    assert (status, told["verdict"]) == (0, "equal")
    assert "damage: " in text


def test_a_recording_that_was_cut_is_proven_to_its_last_checkpoint(
    hop: Path, folder: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, wire = hop.read_bytes(), chunks()[750].data
    path = folder / "cut.mcap"
    path.write_bytes(data[: data.index(wire)])
    status, told, text = verified(capsys, path, "--campaign", campaign)
    assert (status, told["verdict"], told["closed"]) == (1, "unproven", False)
    assert told["proven_to"]["received_ns"] == BEGIN_NS + 3 * EVERY_NS
    link = told["links"]["radio"]
    assert (link["chunks"], link["chunks_after_last_checkpoint"]) == (750, 749 - 3 * EACH)
    assert link["raw"]["verdict"] == link["values"]["verdict"] == "unproven"
    assert link["raw"]["differs"] is None
    assert "was not closed in order" in text


def test_other_limits_make_other_alarms_of_the_same_values(
    hop: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = campaign.with_name("tighter.toml")
    other.write_text(campaign.read_text() + '[limits."state.altitude"]\nyellow = [0, 500]\nred = [0, 600]\n')
    status, told, text = verified(capsys, hop, "--campaign", other)
    assert (status, told["verdict"]) == (1, "differs")
    link = told["links"]["radio"]
    assert link["raw"]["verdict"] == link["values"]["verdict"] == told["events"]["verdict"] == "equal"
    above = next(n for n in range(PACKETS) if altitude(n) > 500)
    differs = told["alarms"]["differs"]
    assert differs["after"]["received_ns"] <= BEGIN_NS + above * STEP_NS <= differs["before"]["received_ns"]
    assert told["limits_otherwise"] == ["state.altitude"]
    assert told["declared_otherwise"] == []
    assert "limited otherwise now: state.altitude" in text


def test_another_scale_of_a_value_is_found_and_named(
    hop: Path, campaign: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "eagle.py").write_text(SPARROW.replace("Linear(0.001)", "Linear(0.0011)"))
    other = campaign.with_name("eagle.toml")
    other.write_text(campaign.read_text().replace("sparrow.py", "eagle.py"))
    status, told, text = verified(capsys, hop, "--campaign", other)
    assert (status, told["verdict"]) == (1, "differs")
    assert told["links"]["radio"]["raw"]["verdict"] == "equal"
    assert told["links"]["radio"]["values"]["differs"]["what"] == ["state"]
    assert told["declared_otherwise"] == ["state.voltage"]
    assert "declared otherwise now: state.voltage" in text


def test_other_peoples_files_have_no_digests_and_that_is_said(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = data / "carleton" / "july_12th.mission"
    status, told, text = verified(capsys, path)
    assert (status, told["verdict"], told["checkpoints"]) == (1, "unproven", 0)
    assert "there are no digests in it" in text
    assert main(["decode", str(path), "--json", "--digests"]) == 0
    assert json.loads(capsys.readouterr().out)["digests"] == told["digests"]


def test_what_the_disk_refused_is_not_in_the_file_and_cannot_be_proven_from_there_on(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    places: list[Path] = []

    def during(n: int) -> None:
        if n == 500:
            (newest,) = {*campaign.parent.glob("recordings/*.mcap")} - before
            places.append(newest)
            resource.setrlimit(resource.RLIMIT_FSIZE, (newest.stat().st_size + 10, hard))
        elif n == 520:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    before = {*campaign.parent.glob("recordings/*.mcap")}
    try:
        path = flown(campaign, chunks(), during)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path] == places
    status, told, text = verified(capsys, path, "--campaign", campaign)
    assert (status, told["verdict"]) == (1, "unproven")
    link = told["links"]["radio"]
    assert (link["chunks"], link["raw"]["verdict"]) == (PACKETS - 20, "equal")
    assert (link["values"]["verdict"], link["values"]["differs"]) == ("unproven", None)
    assert link["values"]["proven_to"]["received_ns"] == BEGIN_NS + 2 * EVERY_NS
    assert "the disk refused" in text


def test_a_recording_in_parts_is_proven_from_its_first(campaign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = campaign.with_name("parts.toml")
    other.write_text(
        campaign.read_text().replace('"hop"', '"parts"') + '[recording]\ndirectory = "parts"\nrotate_every = "10s"\n'
    )
    flown(other, chunks())
    parts = sorted((campaign.parent / "parts").glob("*.mcap"))
    assert len(parts) == -(-PACKETS // EACH)
    status, told, _ = verified(capsys, parts[0], "--campaign", other)
    assert (status, told["verdict"], told["links"]["radio"]["chunks"]) == (0, "equal", PACKETS)
    assert main(["verify", str(parts[1]), "--campaign", str(other)]) == 1
    assert "is a later part of a recording" in capsys.readouterr().err
    parts[2].unlink()
    status, told, _ = verified(capsys, parts[0], "--campaign", other)
    assert (status, told["verdict"]) == (1, "differs")
    assert told["links"]["radio"]["raw"]["differs"]["after"]["received_ns"] <= BEGIN_NS + 2 * EVERY_NS


def test_two_links_with_the_same_packets_are_proven_each_and_together(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = campaign.with_name("two.toml")
    second = f'[links.cable]\nsource = "udp:{free_port()}"\n'
    other.write_text(campaign.read_text().replace('"hop"', '"two"') + second)
    both = sorted(chunks(400) + chunks(400, "cable", 7), key=lambda chunk: chunk.received_ns)
    path = flown(other, both)
    status, told, _ = verified(capsys, path, "--campaign", other)
    assert (status, told["verdict"]) == (0, "equal")
    assert set(told["links"]) == {"radio", "cable"}


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"final": True, "finished": [], "software": {}, "links": {"radio": {}}, "alarms": {}, "events": {}, "seal": 1},
        {"final": 7, "finished": 3, "software": [], "links": [], "alarms": None, "events": "x", "seal": None},
    ],
)
def test_digests_that_make_no_sense_are_counted_and_prove_nothing(
    detail: dict[str, Any], tmp_path: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    links = {"radio": RecordedLink("sparrow", {"kind": "cobs", "check": "crc-16/ibm-3740"})}
    with Recorder(
        tmp_path / "a.mcap", campaign="", definitions={}, links=links, synthetic=True, software="test"
    ) as recorder:
        recorder.write_many(chunks(5))
        recorder.event(RecordedEvent(DIGESTS, BEGIN_NS, detail))
    status, told, _ = verified(capsys, recorder.path, "--campaign", campaign)
    assert (status, told["verdict"], told["unreadable_checkpoints"]) == (1, "unproven", 1)


def test_checkpoints_that_tell_of_more_than_the_file_has_are_a_difference(
    hop: Path, tmp_path: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = open_recording(hop)
    with Recorder(
        tmp_path / "a.mcap", campaign="", definitions={}, links=whole.links, synthetic=True, software="test"
    ) as recorder:
        recorder.write_many([*whole.chunks()][: EACH + 50])
        for each in whole.digests():
            recorder.event(each)
    status, told, _ = verified(capsys, recorder.path, "--campaign", campaign)
    assert (status, told["verdict"]) == (1, "differs")
    raw = told["links"]["radio"]["raw"]
    assert raw["proven_to"]["received_ns"] == BEGIN_NS + EVERY_NS
    assert raw["differs"]["what"] == [f"{EACH + 1 - 50:,} chunks are missing"]


def test_samples_that_were_not_demodulated_are_said(
    campaign: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "silence.cu8").write_bytes(b"\x7f" * 200_000)
    other = campaign.with_name("samples.toml")
    other.write_text(
        '[campaign]\nname = "samples"\nvehicle = "./sparrow.py"\n[links.radio]\nmodem = "fsk:9600"\n'
        f'framing = "ax100_golay"\nsource = "iq_file:{tmp_path}/silence.cu8?rate=96k&frequency=437.5M&format=cu8"\n'
    )

    def recorded(*, slow: bool) -> Path:
        async def feed(station: Station, _: Any) -> None:
            samples = SampleFeed(station, "radio")
            for n in range(60):
                samples.take([Chunk("radio", bytes(19_200), BEGIN_NS + n * 100_000_000)])
                if slow:
                    samples.skip()
            samples.close()
            await samples.run()
            station.stopping.set()

        async def station() -> tuple[Station, str]:
            campaign = Campaign.load(other)
            return await live(campaign, "", lambda _: None, feed)

        return Path(asyncio.run(station())[1])

    status, told, _ = verified(capsys, recorded(slow=False), "--campaign", other)
    assert (status, told["verdict"]) == (0, "equal")
    status, told, _ = verified(capsys, recorded(slow=True), "--campaign", other)
    assert (status, told["verdict"]) == (1, "unproven")
    assert told["links"]["radio"]["raw"]["verdict"] == "equal"
    assert "no time to decode" in told["links"]["radio"]["values"]["why"]
    other.write_text(other.read_text() + f'[links.cable]\nsource = "udp:{free_port()}"\n')
    status, told, _ = verified(capsys, recorded(slow=False), "--campaign", other)
    assert (status, told["verdict"]) == (0, "equal")
    assert told["alarms"]["verdict"] == told["events"]["verdict"] == "unproven"
    assert "decoded later than the others" in told["alarms"]["why"]
