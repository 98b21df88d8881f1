"""Chapter 10 recordings: real files against what other tools say of them, files written here, and damage to both."""

import json
import re
import tracemalloc
from collections import Counter
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import pack, unpack_from

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundstation.pipeline import Pipeline
from groundstation.reading import read
from protocols.batch import Batch
from protocols.chunk import Chunk
from protocols.errors import NotARecording
from protocols.framer import framer
from protocols.irig106.packet import Header
from replay.ch10_contents import MOST_LINKS
from replay.ch10_packets import PacketFile
from replay.formats.ch10 import Chapter10
from replay.recording import Damage, TimeBase, open_recording

FOLDER = "irig106_ch10"
NAMES = ["sample.c10", "event.c10", "discrete.c10", "hist_analog.ch10"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def ns(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def balanced(recording: Chapter10) -> bool:
    size = recording.path.stat().st_size
    return size == recording.carried + recording.overhead + recording.damage.discarded


def batches_of(path: Path, campaign: Path | None = None) -> tuple[Pipeline, dict[str, list[Batch]]]:
    """A recording by the whole path; its batches by link."""
    reading = read(path, campaign)
    pipeline, found = reading.pipeline(), {}
    for chunk in reading.recording.chunks():
        for batch in pipeline.receive(chunk).batches:
            found.setdefault(batch.link, []).append(batch)
    assert all(path.framer.ledger.balanced for path in pipeline.links.values())
    assert sum(path.decoder.malformed for path in pipeline.links.values()) == 0
    return pipeline, found


def headers(path: Path) -> list[tuple[int, Header]]:
    """The packets of a file: where each begins, and its header."""
    with path.open("rb") as file:
        packets = PacketFile(file.fileno(), Damage())
        return [(packets.at, header) for header, _ in packets.packets()]


def column(batches: list[Batch], path: str):
    return np.concatenate([batch[path] for batch in batches])


# --- real files -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=NAMES)
def told(request, data: Path) -> dict:
    """What pychapter10 says of a file."""
    every = json.loads((data / FOLDER / "truth.json").read_text())
    return next(each for each in every if each["file"] == request.param)


def test_packets_by_type_and_channel(data, told):
    recording = open_recording(data / FOLDER / told["file"])
    assert isinstance(recording, Chapter10)
    by_type, by_channel = Counter(), Counter()
    for (channel, kind), count in recording.contents.packets.items():
        by_type[f"0x{kind:02x}"] += count
        by_channel[str(channel)] += count
    assert (by_type, by_channel) == (told["by_type"], told["by_channel"])
    assert by_type.total() == told["packets"]
    list(recording.chunks())
    assert recording.damage.missing == told["seq_breaks"] == 0
    assert balanced(recording)


def test_headers(data, told):
    packets = [header for _, header in headers(data / FOLDER / told["file"])]
    assert (packets[0].rtc, packets[-1].rtc) == (told["first_rtc"], told["last_rtc"])
    for each, (_, channel, kind, length, data_length, sequence, rtc, _) in zip(
        packets, told["first_packets"], strict=False
    ):
        found = each.channel, each.length, each.data_length, each.sequence, each.kind, each.rtc
        assert found == (channel, length, data_length, sequence, int(kind, 16), rtc)


def test_messages(data, told):
    pipeline, _ = batches_of(data / FOLDER / told["file"])
    found = Counter()
    for path in pipeline.links.values():
        found.update(path.decoder.packets)
    wanted = dict(told["messages"])
    wanted.pop("0x03", None)  # the index is about the file, and no link
    analog = told["by_type"].get("0x21", 0)
    names = {"0x02": "event", "0x19": "1553", "0x29": "discrete", "0x30": "message", "0x38": "arinc429"}
    names |= {"0x40": "video", "0x21": "analog_2"}
    messages = {names[kind]: count for kind, count in wanted.items() if count}
    if analog:
        messages["analog_2"] -= analog  # pychapter10 counts an empty sample at the end of each packet
    once = {"0x11": "time", "0x00": "computer"}  # packets that pychapter10 finds no messages in
    messages |= {once[kind]: count for kind, count in told["by_type"].items() if kind in once}
    assert {name.removeprefix("irig106_"): count for name, count in found.items() if count} == messages


@pytest.mark.parametrize("name", NAMES[:3])
def test_begin_and_duration(data, name):
    text = (data / FOLDER / f"{name}.c10stat.txt").read_text()
    day, hour, minute, second = map(int, re.search(r"Start time: +(\d+) (\d+):(\d+):(\d+)", text).groups())
    recording = Chapter10(data / FOLDER / name)
    year = {"sample.c10": 1970, "event.c10": 2009, "discrete.c10": 2018}[name]  # of TMATS, R-1\RI5 and R-1\RI4
    begins = datetime(year, 1, 1, hour, minute, second, tzinfo=UTC) + timedelta(days=day - 1)
    assert recording.span[0] == ns(begins)
    assert recording.time_base is TimeBase.UTC
    assert "year" in recording.assumed[0]
    hours, minutes, seconds = map(float, re.search(r"Duration: +(\d+):(\d+):([\d.]+)", text).groups())
    clock, whole, last = copy(recording.contents.clock), recording.path.read_bytes(), 0
    for at, header in headers(recording.path):
        if header.kind == 0x11:
            clock.follow(header, whole[at + 24 : at + 24 + header.data_length])
        last = clock.at(header.rtc)  # c10stat ends with the file's last packet, which need not be the newest
    duration = hours * 3600 + minutes * 60 + seconds
    assert (last - recording.span[0]) / 1e9 == pytest.approx(duration, abs=1e-6)
    assert recording.span[1] >= last


def test_terminals_answer_by_their_own_address(data):
    _, found = batches_of(data / FOLDER / "sample.c10")
    for link in ("1553-2", "1553-3", "1553-4", "1553-5"):
        own = found[link]
        plain = column(own, "answered") & ~column(own, "block.rt_to_rt") & ~column(own, "block.message_error")
        assert plain.sum() > 20
        assert (column(own, "status.rt") == column(own, "command.rt"))[plain].all()
        asked = column(own, "command.words")
        whole = plain & ~np.isin(column(own, "command.subaddress"), (0, 31))
        assert (column(own, "count")[whole] == np.where(asked == 0, 32, asked)[whole]).all()


def test_words_of_arinc_429_have_odd_parity(data):
    _, found = batches_of(data / FOLDER / "sample.c10")
    seen = 0
    for link in (f"arinc429-{channel}" for channel in range(6, 12)):
        own = found[link]
        ones = sum(
            np.bitwise_count(column(own, f"word.{part}").astype(np.uint32))
            for part in ("parity", "ssm", "data", "sdi", "label")
        )
        assert (ones % 2 == 1)[~column(own, "parity_error")].all()
        assert (np.diff(np.concatenate([batch.received_ns for batch in own])) >= 0).all()
        assert set(column(own, "bus").tolist()) <= set(range(9))
        seen += len(ones)
    assert seen == 4861
    labels = Counter(
        column([batch for link in found if link.startswith("arinc") for batch in found[link]], "word.label")
    )
    assert labels[0o203] > 30  # altitude, as everywhere
    assert labels[0o314] > 30  # true heading


def test_messages_are_ethernet_frames_with_sound_ip_headers(data):
    _, found = batches_of(data / FOLDER / "sample.c10")
    sound = 0
    for frame in column(found["message-12"], "data").tolist():
        if frame[12:14] == b"\x08\x00":
            total = sum(unpack_from(">10H", frame, 14))
            assert (total & 0xFFFF) + (total >> 16) == 0xFFFF  # RFC 791
            sound += 1
    assert sound > 400


def test_transport_packets_count_on(data):
    _, found = batches_of(data / FOLDER / "hist_analog.ch10")
    own = found["video-16"]
    assert all(batch.valid.all() for batch in own)
    pids, counts, payload = (column(own, f"header.{name}") for name in ("pid", "continuity", "adaptation"))
    seen = 0
    for pid in np.unique(pids).tolist():
        steps = np.diff(counts[(pids == pid) & (payload & 1 == 1)].astype(int)) % 16
        if pid != 0x1FFF and len(steps) > 50:  # not filler, which counts nothing
            assert (steps == 1).mean() > 0.98, hex(pid)
            seen += len(steps)
    assert seen > 1000


def test_samples(data):
    path = data / FOLDER / "event.c10"
    _, found = batches_of(path)
    samples, whole = column(found["analog-2"], "sample"), path.read_bytes()
    places = [at for at, header in headers(path) if header.kind == 0x21]
    wanted = np.concatenate([np.frombuffer(whole, "<i2", 1000, place + 28) for place in places])
    assert np.array_equal(samples, wanted)
    times = np.concatenate([batch.received_ns for batch in found["analog-2"]])
    steps = np.diff(times)
    assert np.median(steps) == pytest.approx(1e9 / 48_000, abs=1)  # R-1\ASR-2
    assert steps.min() > 0
    assert steps.max() < 3e9 / 48_000  # from one packet to the next, by the recorder's counter


def test_events_by_the_words_of_tmats(data):
    events = Chapter10(data / FOLDER / "event.c10").events()
    assert [each.detail["text"] for each in events] == ["program Video Voice", "Serial Record Stop"]


def test_cut_files_say_so(data):
    cut = Chapter10(data / FOLDER / "sample.c10")
    list(cut.chunks())
    assert cut.damage.discarded == 1_048_576 - 1_042_864
    assert cut.damage.notes == ["byte 1,042,864: the last packet is cut short"]


def test_of_all_real_files_only_its_own(data):
    own = others = 0
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            claimed = Chapter10.recognise(file.read(4096))
        assert claimed == (path.suffix in (".c10", ".ch10")), path
        own, others = own + claimed, others + (not claimed)
    assert own == len(NAMES)
    assert others > 50


def test_reading_from_a_time_is_reading_all_from_the_first_chunk_there(data):
    recording = Chapter10(data / FOLDER / "hist_analog.ch10")
    every = list(recording.chunks())
    for part in (0.0, 0.5, 0.9, 1.1):
        start = int(recording.span[0] + part * (recording.span[1] - recording.span[0]))
        first = next((index for index, chunk in enumerate(every) if chunk.received_ns >= start), len(every))
        assert list(recording.chunks(start)) == every[first:]
    assert recording.contents.mark_before(recording.span[1]) is not None


# --- files written here -----------------------------------------------------------------------------------------------


def packet(channel: int, kind: int, body: bytes, rtc: int = 0, sequence: int = 0, checked: int = 0) -> bytes:
    """A packet by figure 11-1; checked: bytes of its data checksum."""
    filled = body + bytes(-(len(body) + checked) % 4)
    flags = {0: 0, 1: 1, 2: 2, 4: 3}[checked]
    words = unpack_from(f"<{len(filled) // checked}{'xBHxI'[checked]}", filled) if checked else ()
    trailer = (sum(words) % (1 << 8 * checked)).to_bytes(checked, "little") if checked else b""
    length = 24 + len(filled) + checked
    head = pack("<HHIIBBBBIH", 0xEB25, channel, length, len(body), 6, sequence, flags, kind, rtc, rtc >> 32)
    return head + pack("<H", sum(unpack_from("<11H", head)) & 0xFFFF) + filled + trailer


def setup(text: str) -> bytes:
    return packet(0, 0x01, pack("<I", 7) + text.encode())


def time_packet(rtc: int, at: datetime, sequence: int = 0) -> bytes:
    """Day, month and year by figure 11-14."""
    digits = f"{at.second:02}00{at.hour:02}{at.minute:02}{at.month:02}{at.day:02}{at.year:04}"
    words = pack("<4H", *(int(digits[place : place + 4], 16) for place in range(0, 16, 4)))
    return packet(1, 0x11, b"\x41\x02\0\0" + words, rtc, sequence, checked=2)


START = datetime(2026, 11, 21, 4, 41, 51, tzinfo=UTC)
SECOND = 10_000_000


def uart_packet(channel: int, messages: list[tuple[int, int, bytes]], rtc: int, sequence: int) -> bytes:
    """Messages as (subchannel, count of the counter, bytes)."""
    body = pack("<I", 1 << 31)
    for sub, at, text in messages:
        body += pack("<QHH", at, len(text), sub) + text + bytes(len(text) % 2)
    return packet(channel, 0x50, body, rtc, sequence, checked=4)


def test_a_campaign_decodes_a_recorded_uart_as_it_would_live(tmp_path):
    """The stream of a serial link, cut into messages of the recorder's liking, gives the values of the live link."""
    (tmp_path / "probe.py").write_text(VEHICLE)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    cobs = framer("cobs", check="crc-16/ibm-3740")
    stream = cobs.encode([pack(">BHi", 1, number, 1000 - 7 * number) for number in range(200)])
    pieces, rng = [], np.random.default_rng(4)
    while stream:
        size = int(rng.integers(1, 60))
        pieces.append(stream[:size])
        stream = stream[size:]
    written = [setup("R-1\\TK1-1:5;R-1\\DSI-1:Radio;R-1\\CDT-1:UARTIN;"), time_packet(SECOND, START)]
    for number in range(0, len(pieces), 4):
        own = [(0, SECOND + 1000 * at, piece) for at, piece in enumerate(pieces[number : number + 4], number)]
        written.append(uart_packet(5, own, own[0][1], number // 4 % 256))
    (tmp_path / "flight.ch10").write_bytes(b"".join(written))

    pipeline, found = batches_of(tmp_path / "flight.ch10", tmp_path / "campaign.toml")
    recorded = found["uart-5"]
    live = read(tmp_path / "flight.ch10", tmp_path / "campaign.toml").pipeline()
    wanted = [
        batch
        for number, piece in enumerate(pieces)
        for batch in live.receive(Chunk("uart-5", piece, ns(START) + 100_000 * number)).batches
    ]
    assert column(recorded, "altitude").tolist() == [1000 - 7 * number for number in range(200)]
    for path in ("header.count", "altitude"):
        assert column(recorded, path).tolist() == column(wanted, path).tolist()
    times = [np.concatenate([batch.received_ns for batch in each]).tolist() for each in (recorded, wanted)]
    assert times[0] == times[1]
    assert pipeline.links["uart-5"].framer.ledger == live.links["uart-5"].framer.ledger


CAMPAIGN = """
[campaign]
name = "probe"
vehicle = "./probe.py"
[links.uart-5]
source = "udp:5000"
framing = { kind = "cobs", check = "crc-16/ibm-3740" }
"""
VEHICLE = '''
"""A probe."""
from construct import Int8ub, Int16ub, Int32sb, Struct
from protocols.packet import Header, Packet, Vehicle

VEHICLE = Vehicle(
    "probe",
    "Probe",
    (Packet("state", Struct("altitude" / Int32sb), key=1, doc="all"),),
    header=Header(Struct("kind" / Int8ub, "count" / Int16ub), key="kind", sequence="count"),
)
'''


def test_a_campaign_decodes_recorded_minor_frames(tmp_path):
    (tmp_path / "probe.py").write_text(VEHICLE)
    (tmp_path / "campaign.toml").write_text(
        CAMPAIGN.replace("uart-5", "pcm-2").replace(
            '{ kind = "cobs", check = "crc-16/ibm-3740" }', '{ kind = "fixed", frame_length = 8 }'
        )
    )
    frames = [pack(">BHix", 1, number, -number) for number in range(50)]
    body = pack("<I", 1 << 30 | 1 << 19)
    for number, frame in enumerate(frames):
        body += pack("<QH", SECOND + 100 * number, 0xF000) + np.frombuffer(frame, "<u2").byteswap().tobytes()
    written = setup("G\\PN:x;") + time_packet(SECOND, START) + packet(2, 0x09, body, SECOND)
    (tmp_path / "flight.ch10").write_bytes(written)
    _, found = batches_of(tmp_path / "flight.ch10", tmp_path / "campaign.toml")
    assert column(found["pcm-2"], "altitude").tolist() == [-number for number in range(50)]
    times = np.concatenate([batch.received_ns for batch in found["pcm-2"]])
    assert (times - ns(START)).tolist() == [10_000 * number for number in range(50)]


def test_subchannels_of_a_uart_are_links_of_their_own(tmp_path):
    path = tmp_path / "two.c10"
    messages = [(1, SECOND, b"one"), (2, SECOND + 10, b"two"), (1, SECOND + 20, b"more")]
    path.write_bytes(time_packet(SECOND, START) + uart_packet(5, messages, SECOND, 0))
    recording = Chapter10(path)
    assert set(recording.links) == {"time-1", "uart-5-1", "uart-5-2"}
    found = [(chunk.link, chunk.data, chunk.received_ns - ns(START)) for chunk in recording.chunks()][1:]
    assert found == [("uart-5-1", b"one", 0), ("uart-5-2", b"two", 1000), ("uart-5-1", b"more", 2000)]


def test_time_before_the_first_time_packet_and_by_the_latest(tmp_path):
    path = tmp_path / "times.ch10"
    later = START + timedelta(seconds=10)
    path.write_bytes(
        setup("G\\PN:x;")
        + packet(7, 0x30, pack("<IQHH", 1, SECOND, 1, 0) + b"a", SECOND)
        + time_packet(3 * SECOND, START)
        + packet(7, 0x30, pack("<IQHH", 1, 4 * SECOND, 1, 0) + b"b", 4 * SECOND, 1)
        + time_packet(13 * SECOND + 50, later, 1)  # the counter runs 5 us fast
        + packet(7, 0x30, pack("<IQHH", 1, 14 * SECOND, 1, 0) + b"c", 14 * SECOND, 2)
    )
    recording = Chapter10(path)
    times = {chunk.data: chunk.received_ns - ns(START) for chunk in recording.chunks() if chunk.link == "message-7"}
    assert times == {b"a": -2_000_000_000, b"b": 1_000_000_000, b"c": 10_999_995_000}
    assert recording.assumed == ()
    assert recording.span[0] == ns(START) - 2_000_000_000


def test_without_time_packets_times_are_the_counters(tmp_path):
    path = tmp_path / "untimed.ch10"
    path.write_bytes(packet(7, 0x30, pack("<IQHH", 1, 250, 1, 0) + b"a", 200))
    recording = Chapter10(path)
    assert recording.time_base is TimeBase.VEHICLE
    assert [chunk.received_ns for chunk in recording.chunks()] == [25_000]
    assert "no good time packet" in recording.assumed[0]


def test_missing_packets_are_counted_by_channel(tmp_path):
    path = tmp_path / "gaps.ch10"
    sequences = [254, 255, 0, 3, 2, 3]  # two are missing; then it steps back
    path.write_bytes(b"".join(packet(9, 0x00, b"\0\0\0\0text", 0, number) for number in sequences))
    recording = Chapter10(path)
    assert len(list(recording.chunks())) == 6
    assert recording.damage.missing == 2
    assert len(recording.damage.notes) == 2


def test_a_wrong_data_checksum_is_said_and_the_data_are_given(tmp_path):
    path = tmp_path / "flipped.ch10"
    whole = bytearray(uart_packet(5, [(0, 0, b"abcd")], 0, 0))
    whole[40] ^= 1
    path.write_bytes(whole)
    recording = Chapter10(path)
    assert [chunk.data for chunk in recording.chunks()] == [b"`bcd"]
    assert recording.damage.notes == ["byte 0: the data checksum of a packet of channel 5 is wrong"]
    assert balanced(recording)


def test_a_body_longer_than_its_packet_is_taken_to_the_packets_end(tmp_path):
    path = tmp_path / "lies.ch10"
    head = pack("<HHIIBBBBIH", 0xEB25, 9, 36, 1000, 6, 0, 0, 0x00, 0, 0)
    path.write_bytes(head + pack("<H", sum(unpack_from("<11H", head)) & 0xFFFF) + b"\0\0\0\0textmore")
    recording = Chapter10(path)
    assert [chunk.data for chunk in recording.chunks()] == [b"textmore"]
    assert recording.damage.notes == ["byte 0: a packet of channel 9 says it has 988 bytes more of data than it can"]
    assert balanced(recording)


def test_what_is_no_recording_is_refused(tmp_path):
    path = tmp_path / "noise.ch10"
    path.write_bytes(b"\x25\xeb" * 5000)
    with pytest.raises(NotARecording, match="no Chapter 10 packet"):
        open_recording(path)
    with pytest.raises(NotARecording):
        Chapter10(tmp_path)


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "long.ch10"
    body = pack("<I", 0) + bytes(400_000)
    with path.open("wb") as file:
        file.write(time_packet(0, START))
        for number in range(100):
            file.write(packet(9, 0x00, body, number * SECOND, number))
    tracemalloc.start()
    recording = Chapter10(path)
    opened = tracemalloc.get_traced_memory()[1]
    total = sum(len(chunk.data) for chunk in recording.chunks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 40_000_000
    assert opened < 2_000_000
    assert peak < 6_000_000


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def piece(data: Path) -> tuple[bytes, list[tuple[int, int, int]]]:
    """The first packets of a real file, and each one's place, length and channel."""
    whole = (data / FOLDER / "discrete.c10").read_bytes()
    places = headers(data / FOLDER / "discrete.c10")
    return whole, [(at, header.length, header.channel) for at, header in places]


@settings(max_examples=80, suppress_health_check=SLOW)
@given(which=st.integers(2, 82), bit=st.integers(0, 191))
def test_any_bit_of_a_header_costs_its_packet_and_no_other(tmp_path_factory, piece, which, bit):
    whole, places = piece
    at, length, channel = places[which]
    path = tmp_path_factory.getbasetemp() / "header.c10"
    path.write_bytes(whole)
    before = Counter((chunk.link, chunk.data) for chunk in Chapter10(path).chunks())
    damaged = bytearray(whole)
    damaged[at + bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    recording = Chapter10(path)
    after = Counter((chunk.link, chunk.data) for chunk in recording.chunks())
    assert recording.damage.discarded == length
    assert balanced(recording)
    lost = before - after
    assert lost.total() <= 1
    assert not after - before or lost.total() == 1
    same = [each for each in places if each[2] == channel]
    inner = same.index(places[which]) not in (0, len(same) - 1)
    assert recording.damage.missing == (1 if inner else 0)


@settings(max_examples=60, suppress_health_check=SLOW)
@given(cut=st.integers(28_200, 51_096))
def test_cut_anywhere_all_before_the_cut_packet_comes_back(tmp_path_factory, piece, cut):
    whole, places = piece
    path = tmp_path_factory.getbasetemp() / "cut.c10"
    path.write_bytes(whole)
    every = list(Chapter10(path).chunks())
    path.write_bytes(whole[:cut])
    recording = Chapter10(path)
    found = list(recording.chunks())
    assert found == every[: len(found)]
    end = max(at + length for at, length, _ in places if at + length <= cut)
    assert recording.damage.discarded == cut - end
    assert balanced(recording)
    assert len(found) >= sum(at + length <= cut for at, length, channel in places if channel)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 51_095), st.integers(0, 7)),
        st.tuples(st.just("drop"), st.integers(0, 51_095), st.integers(1, 3000)),
        st.tuples(st.just("put"), st.integers(0, 51_095), st.binary(min_size=1, max_size=60)),
        st.tuples(st.just("twice"), st.integers(0, 51_095), st.integers(1, 3000)),
    ),
    max_size=6,
)


@settings(max_examples=100, suppress_health_check=SLOW)
@given(steps=steps)
def test_whatever_happens_every_byte_is_accounted_for(tmp_path_factory, piece, steps):
    whole = piece[0]
    for kind, at, what in steps:
        if kind == "flip" and at < len(whole):
            whole = whole[:at] + bytes([whole[at] ^ 1 << what]) + whole[at + 1 :]
        elif kind == "drop":
            whole = whole[:at] + whole[at + what :]
        elif kind == "put":
            whole = whole[:at] + what + whole[at:]
        elif kind == "twice":
            whole = whole[: at + what] + whole[at:]
    path = tmp_path_factory.getbasetemp() / "any.c10"
    path.write_bytes(whole)
    recording = Chapter10(path)
    first = list(recording.chunks())
    assert balanced(recording)
    assert list(recording.chunks()) == first  # reading twice counts once
    assert balanced(recording)
    assert bool(recording.damage.discarded) <= bool(recording.damage.notes)
    plain = [chunk for chunk in first if recording.links[chunk.link].framing == "datagram"]
    assert sum(len(chunk.data) for chunk in plain) <= recording.carried
    batches_of(path)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(at=st.integers(3, 80), gone=st.integers(1, 200))
def test_bytes_lost_within_packets_cost_those_packets(tmp_path_factory, piece, at, gone):
    whole, places = piece
    begin = places[at][0] + 25
    path = tmp_path_factory.getbasetemp() / "lost.c10"
    path.write_bytes(whole[:begin] + whole[begin + gone :])
    recording = Chapter10(path)
    list(recording.chunks())
    touched = [each for each in places if each[0] < begin + gone and each[0] + each[1] > begin]
    assert sum(recording.contents.packets.values()) >= len(places) - len(touched)
    assert balanced(recording)


@settings(max_examples=60, suppress_health_check=SLOW)
@given(content=st.binary(max_size=3000))
def test_any_bytes_are_a_recording_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.ch10"
    path.write_bytes(packet(3, 0x21, b"\0\0\0\0") + content)
    recording = Chapter10(path)
    list(recording.chunks())
    assert balanced(recording)


def test_a_file_of_every_type_of_packet_opens(tmp_path):
    path = tmp_path / "all.c10"
    path.write_bytes(b"".join(packet(1, kind, bytes(range(length))) for kind in range(256) for length in (4, 20, 60)))
    pipeline, _ = batches_of(path)
    received = {name for link in pipeline.links.values() for name, count in link.counts()["packets"].items() if count}
    assert {"irig106_1553_data", "irig106_discrete", "irig106_discrete_data"} <= received
    recording = open_recording(path)
    list(recording.chunks())
    assert balanced(recording)


def test_more_channels_than_there_can_be_are_damage(tmp_path):
    path = tmp_path / "many.c10"
    path.write_bytes(b"".join(packet(channel, 0x7F, bytes(8)) for channel in range(MOST_LINKS + 10)))
    recording = open_recording(path)
    assert (len(recording.links), len(list(recording.chunks()))) == (MOST_LINKS, MOST_LINKS)
    assert recording.damage.discarded == 10 * 32
    assert balanced(recording)


def test_subchannels_past_the_bound_go_with_the_first(tmp_path):
    path = tmp_path / "many.c10"
    blocks = [[(0, number, b"ab") for number in range(begin, begin + 100)] for begin in range(0, MOST_LINKS + 100, 100)]
    path.write_bytes(b"".join(uart_packet(1, each, 0, number % 256) for number, each in enumerate(blocks)))
    recording = open_recording(path)
    assert len(recording.links) <= MOST_LINKS
    assert sum(len(chunk.data) for chunk in recording.chunks()) == 2 * sum(map(len, blocks))
