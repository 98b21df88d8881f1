"""KISS files against the frames that others took out of them."""

import re
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundstation.cli import main
from protocols.framer import framer
from replay.formats.kiss import KissFile
from replay.recording import TimeBase, open_recording

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
BEGIN = 1_700_000_000_123
KISS = framer("kiss", port=0)


def stamped(at_ms, frame):
    """A frame as gr-satellites writes it, behind its time."""
    time = struct.pack(">Q", at_ms).replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0\x09" + time + b"\xc0" + KISS.encode([frame])


def read(path):
    """The recording, the frames in it with their times, and the ledger; every byte of the file accounted for."""
    recording = KissFile(path)
    made, frames, delivered = framer("kiss"), [], 0
    for chunk in recording.chunks():
        assert chunk.data
        delivered += len(chunk.data)
        frames += [(chunk.received_ns, frame) for frame in made.receive(chunk.data, chunk.received_ns)]
    assert path.stat().st_size == delivered + recording.overhead + recording.damage.discarded
    return recording, frames, made.ledger


def test_by02s_frames_are_those_of_its_hex_dump(data):
    told = (data / "by02_kiss/hexdump.txt").read_text()
    dumps = told.split("* MESSAGE DEBUG PRINT PDU VERBOSE *")[1:]
    wanted = [
        bytes.fromhex("".join(re.findall(r"^[0-9a-f]{4}:((?: [0-9a-f]{2})+)", dump, re.MULTILINE))) for dump in dumps
    ]
    assert len(wanted) == 84
    recording, frames, ledger = read(data / "by02_kiss/frames.kiss")
    assert [frame for _, frame in frames] == wanted
    assert (ledger.discarded, ledger.pending, recording.time_base) == (0, 0, TimeBase.VEHICLE)


def test_frames_of_gr_satellites(data):
    """The same frames as it wrote in hexadecimal."""
    paths = sorted((data / "sat_wav/truth").glob("*.kss"))
    assert len(paths) > 30
    for path in paths:
        assert isinstance(open_recording(path), KissFile)
        wanted = (path.parent / f"{path.stem}.frames.hex").read_text().split()
        assert [frame.hex() for _, frame in read(path)[1]] == wanted, path.name


@QUICK
@given(
    sent=st.lists(st.tuples(st.integers(0, 10**7), st.binary(min_size=1, max_size=300)), min_size=1, max_size=20),
    size=st.sampled_from([40, 100, 1 << 18]),
)
def test_times_before_frames_date_them_and_are_no_frames(tmp_path, sent, size):
    path, at = tmp_path / "stamped.kss", BEGIN
    stream, wanted = b"", []
    for step, frame in sent:
        at += step
        stream += stamped(at, frame)
        wanted.append((at * 1_000_000, frame))
    path.write_bytes(stream)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("replay.formats.kiss._BLOCK_BYTES", size)
        recording, frames, ledger = read(path)
    assert frames == wanted
    assert (ledger.discarded, ledger.pending) == (0, 0)
    assert recording.span == (wanted[0][0], wanted[-1][0])
    assert recording.time_base is TimeBase.UTC
    assert KissFile.recognise(stream[:4096]) or len(stream) > 4096


@QUICK
@given(content=st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(b"\xc0\xdb\xdc\xdd\x00\x09x"), max_size=90)))
def test_any_bytes(tmp_path, content):
    path = tmp_path / "any.kiss"
    path.write_bytes(bytes(content))
    KissFile.recognise(bytes(content))
    read(path)


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"\xc0",
        b"\xc0\xc0\xc0",
        b"\xc0\x00",
        b"\xc0\x00only settings and nothing closed",
        b"\x00data\xc0",
        b"\xc0\x01\x20\xc0",  # a setting
        b"\xc0\x00wrong\xdbescape\xc0",
        b"\xc0\x00data\xc0\x7funknown\xc0",
    ],
)
def test_what_is_not_kiss_beyond_doubt(other):
    assert not KissFile.recognise(other)


def test_ends_without_end_do_not_wait_for_a_frame(tmp_path):
    path = tmp_path / "ends.kiss"
    path.write_bytes(b"\xc0\x00data\xc0" + b"\xc0" * 1_000_000)
    recording = KissFile(path)
    sizes = [len(chunk.data) for chunk in recording.chunks()]
    assert sum(sizes) == path.stat().st_size
    assert max(sizes) <= 1 << 18


def test_decode_gives_a_table_and_hexadecimal(data, tmp_path, capsysbinary):
    path = data / "by02_kiss/frames.kiss"
    assert main(["decode", str(path), "--to", str(tmp_path / "frames.csv")]) == 0
    rows = (tmp_path / "frames.csv").read_text().splitlines()
    capsysbinary.readouterr()
    assert main(["decode", str(path), "--vehicle", "undeclared"]) == 0
    lines = capsysbinary.readouterr().out.decode().split()
    assert len(lines) == 84
    assert [row.rsplit(",", 1)[1] for row in rows[1:]] == lines


def test_bytes_that_tell_nothing_are_read_as_stated(data, tmp_path, capsysbinary):
    """Raw binary with a stated framing and vehicle, to a table: the way that is left for everything else."""
    path = tmp_path / "raw.bin"
    path.write_bytes(b"\x13\x37" * 50 + (data / "gnss_ubx/pygpsdata-NAV.log").read_bytes() + b"\x13\x37" * 5000)
    table = tmp_path / "raw.csv"
    assert main(["decode", str(path), "--framing", "gnss", "--vehicle", "gnss", "--to", str(table)]) == 0
    out = capsysbinary.readouterr().out.decode()
    assert "28 frames + 10,100 discarded" in out
    assert len(table.read_text().splitlines()) == 29
