"""Receivers' streams as recordings: all bytes, dated by the epochs they tell."""

from functools import reduce
from itertools import pairwise
from operator import xor

import pytest

import replay.formats.ubx
from replay.formats.ubx import GnssStream
from replay.recording import TimeBase, open_recording
from replay.utc_text import parse_utc, utc_text

SECOND = 10**9
DAY = 86_400 * SECOND


def sentence(text):
    return b"$%b*%02X\r\n" % (text, reduce(xor, text, 0))


def rmc(time, date=b"210624", status=b"A"):
    return sentence(b"GNRMC,%b,%b,4717.1,N,00833.9,E,0.0,0.0,%b,,,A" % (time, status, date))


def gga(time):
    return sentence(b"GNGGA,%b,4717.1,N,00833.9,E,1,08,1.0,499.6,M,48.0,M,," % time)


def read(tmp_path, stream):
    path = tmp_path / "stream"
    path.write_bytes(stream)
    recording = open_recording(path)
    assert isinstance(recording, GnssStream)
    chunks = list(recording.chunks())
    assert b"".join(chunk.data for chunk in chunks) == stream
    assert recording.span == (chunks[0].received_ns, chunks[-1].received_ns)
    assert all(a.received_ns <= b.received_ns for a, b in pairwise(chunks))
    return recording, chunks


@pytest.mark.parametrize(
    ("name", "first", "last", "epochs"),
    [
        ("ALL", "2021-11-12T16:52:37Z", "2021-11-12T16:53:02Z", 26),
        ("BADCK2", "2021-12-04T11:34:59Z", "2021-12-04T11:34:59Z", 1),
        ("MIXED", "2020-10-23T11:33:15Z", "2020-10-23T11:33:53Z", 39),
        ("NAV", "2021-12-04T11:34:59Z", "2021-12-04T11:34:59Z", 1),
    ],
)
def test_real_files_by_the_epochs_pyubx2_reads(data, name, first, last, epochs):
    recording = open_recording(data / f"gnss_ubx/pygpsdata-{name}.log")
    chunks = list(recording.chunks())
    assert recording.time_base is TimeBase.UTC
    times = [chunk.received_ns for chunk in chunks]
    assert times[0] == parse_utc(first)
    assert len(set(times)) == len(chunks) == epochs
    if name == "MIXED":
        assert times == [times[0] + number * SECOND for number in range(epochs)]
        assert times[-1] == parse_utc(last)


def test_every_message_is_in_the_chunk_of_its_own_epoch(data):
    """pyubx2 says which time of week each message has; all of one are together, and none of another."""
    pyubx2 = pytest.importorskip("pyubx2", reason="pyubx2 is not installed: it tells the messages' time of week")
    from io import BytesIO  # noqa: PLC0415

    recording = open_recording(data / "gnss_ubx/pygpsdata-MIXED.log")
    before = None
    for chunk in recording.chunks():
        messages = [(raw, each) for raw, each in pyubx2.UBXReader(BytesIO(chunk.data), protfilter=2)]
        (stamp,) = {int.from_bytes(raw[6:10], "little") for raw, each in messages if hasattr(each, "iTOW")}
        told = [each for _, each in messages if each.identity == "NAV-PVT"]
        assert [(each.hour, each.min, each.second) for each in told] == [
            tuple(map(int, utc_text(chunk.received_ns)[11:19].split(":")))
        ]
        assert stamp != before
        before = stamp


def test_a_file_without_a_date_has_the_receivers_time_of_day(data):
    recording = open_recording(data / "gnss_ubx/pygpsdata-NMEA.log")
    assert recording.time_base is TimeBase.VEHICLE
    assert recording.span[0] == (10 * 3600 + 36 * 60 + 7) * SECOND


def test_what_comes_before_the_date_has_its_own_time_too(tmp_path):
    stream = (
        gga(b"235958.00") + gga(b"235959.50") + rmc(b"235959.50") + gga(b"000000.00") + rmc(b"000001.00", b"220624")
    )
    _, chunks = read(tmp_path, stream)
    midnight = parse_utc("2024-06-22T00:00:00Z")
    assert [chunk.received_ns - midnight for chunk in chunks] == [-2 * SECOND, -SECOND // 2, 0, SECOND]


def test_dates_of_a_receiver_without_a_fix_are_not_believed(tmp_path):
    recording, chunks = read(tmp_path, gga(b"120000") + rmc(b"120001", b"060180", b"V") + gga(b"120002"))
    assert recording.time_base is TimeBase.VEHICLE
    assert [chunk.received_ns for chunk in chunks] == [(12 * 3600 + n) * SECOND for n in range(3)]


def test_a_wrong_stamp_moves_nothing(tmp_path):
    stream = b"".join(rmc(b"12%02d%02d" % (n // 60, n % 60)) for n in range(20))
    stream += rmc(b"120020", b"210655") + b"".join(rmc(b"1200%02d" % n) for n in range(21, 30))
    recording, _ = read(tmp_path, stream)
    begin = parse_utc("2024-06-21T12:00:00Z")
    assert recording.span == (begin, begin + 29 * SECOND)


def test_midnight_passes_without_a_date(tmp_path):
    times = [b"235958.00", b"235959.00", b"000000.00", b"000001.00"]
    _, chunks = read(tmp_path, b"".join(map(gga, times)))
    assert [chunk.received_ns - chunks[0].received_ns for chunk in chunks] == [0, SECOND, 2 * SECOND, 3 * SECOND]


def test_corrections_alone_have_no_time(tmp_path):
    from protocols.framer import framer  # noqa: PLC0415

    made = framer("gnss")
    stream = made.encode([b"\xd3\x00\x04\x35" + b"\x43\x51" + bytes(100)] * 50)
    recording, chunks = read(tmp_path, stream)
    assert (recording.time_base, chunks[0].received_ns) == (TimeBase.VEHICLE, 0)


def test_it_begins_where_asked(data):
    recording = open_recording(data / "gnss_ubx/pygpsdata-MIXED.log")
    chunks = list(recording.chunks())
    assert list(recording.chunks(chunks[20].received_ns)) == chunks[20:]


def test_text_with_some_sentences_in_it_is_no_stream():
    assert not GnssStream.recognise(b"A log of something else.\n" * 20 + gga(b"120000") * 3)
    assert not GnssStream.recognise(b"")
    assert not GnssStream.recognise(gga(b"120000")[:40])
    assert GnssStream.recognise(gga(b"120000"))
    assert GnssStream.recognise(gga(b"120000")[40:] + gga(b"120001") * 2)


def test_how_it_is_read_changes_no_time(data, monkeypatch):
    path = data / "gnss_ubx/pygpsdata-ALL.log"

    def read_in(size):
        monkeypatch.setattr(replay.formats.ubx, "_BLOCK_BYTES", size)
        found = {}
        for chunk in GnssStream(path).chunks():
            found[chunk.received_ns] = found.get(chunk.received_ns, b"") + chunk.data
        return found

    assert read_in(1 << 18) == read_in(1000) == read_in(77)
