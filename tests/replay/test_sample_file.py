"""Files of samples read: against the wave module, real recordings, the SigMF library, and headers that lie."""

import struct
import wave
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson
import pytest
import sigmf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import NotARecording
from replay.recording import TimeBase
from replay.sample_file import SampleFile
from replay.sample_opening import open_sample_file
from replay.utc_text import parse_utc, utc_text

GUID = bytes.fromhex("000000001000800000aa00389b71")


def samples_of(file: SampleFile) -> bytes:
    """All samples, read piece by piece as everybody reads them."""
    with file.path.open("rb") as opened:
        return b"".join(file.read(opened.fileno(), piece) for piece in file.pieces())


def ns(*date: int) -> int:
    """A date in UTC, by the standard library."""
    return round(datetime(*date, tzinfo=UTC).timestamp()) * 1_000_000_000


def chunk(name: bytes, content: bytes, told: int | None = None) -> bytes:
    """A RIFF chunk, which may lie about its length."""
    return name + struct.pack("<I", len(content) if told is None else told) + content + b"\0" * (len(content) % 2)


def riff(*chunks: bytes, kind: bytes = b"RIFF", told: int | None = None) -> bytes:
    """A WAV file of chunks."""
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body) if told is None else told) + body


def form(kind: int, channels: int, rate: int, bits: int, extra: bytes = b"") -> bytes:
    """A fmt chunk."""
    align = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate, rate * align, align, bits) + extra)


def auxi(start: tuple[int, ...], frequency: int) -> bytes:
    """SpectraVue's chunk: start, stop, frequency and more (its manual, appendix on WAV files)."""
    year, month, day, hour, minute, second, milli = start
    times = struct.pack("<8H", year, month, 3, day, hour, minute, second, milli) * 2
    return chunk(b"auxi", times + struct.pack("<9I", frequency, 62_500_000, 0, 2_000_000, 0, 0, 0, 0, 0))


def test_real_recordings_give_what_the_wave_module_reads(data: Path) -> None:
    read = 0
    for path in sorted((data / "sat_wav").glob("*.wav")):
        file = open_sample_file(path)
        with wave.open(str(path)) as truth:
            assert (file.signal.samples, file.signal.rate) == ("ri16_le", truth.getframerate())
            assert file.count == truth.getnframes()
            assert samples_of(file) == truth.readframes(truth.getnframes())
        assert file.time_base is TimeBase.VEHICLE
        assert file.captures[0].start_ns == 0
        read += 1
    assert read >= 30


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_pcm_of_every_width_as_the_wave_module_wrote_it(tmp_path: Path, channels: int, width: int) -> None:
    numbers = np.random.default_rng(1).integers(0, 256, (5001 * channels, width), np.uint8)
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as written:
        written.setparams((channels, width, 48_000, 0, "NONE", ""))
        written.writeframes(numbers.tobytes())
    file = open_sample_file(path)
    assert file.signal.samples == "rc"[channels - 1] + {1: "u8", 2: "i16_le", 3: "i32_le", 4: "i32_le"}[width]
    assert file.count == 5001
    assert file.damage.notes == []
    data = samples_of(file)
    if width == 3:
        wide = np.frombuffer(data, "<i4")
        packed = [int.from_bytes(each, "little", signed=True) for each in numbers]
        assert np.array_equal(wide >> 8, packed)
        assert not (wide & 0xFF).any()
    else:
        assert data == numbers.tobytes()


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_two_channels_alike_are_audio_in_stereo(tmp_path: Path, width: int) -> None:
    one = np.random.default_rng(1).integers(0, 256, (5001, 1, width), np.uint8)
    other = one.copy()
    other[77] ^= 1
    for name, second in (("one", None), ("both", one), ("iq", other), ("still", np.zeros_like(one))):
        numbers = one if second is None else np.concatenate((one if name != "still" else second, second), axis=1)
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as written:
            written.setparams((numbers.shape[1], width, 48_000, 0, "NONE", ""))
            written.writeframes(numbers.tobytes())
    mono, stereo = (open_sample_file(tmp_path / f"{name}.wav") for name in ("one", "both"))
    assert (stereo.signal, stereo.captures[0].count, stereo.span) == (mono.signal, 5001, mono.span)
    assert samples_of(stereo) == samples_of(mono)
    assert stereo.assumed[0] == "two channels are alike: audio in stereo"
    for name in ("iq", "still"):  # silence does not tell
        assert open_sample_file(tmp_path / f"{name}.wav").signal.iq


def test_floats_extensible_and_64_bit_sizes(tmp_path: Path) -> None:
    values = np.random.default_rng(2).standard_normal(2000).astype("<f4").tobytes()
    path = tmp_path / "a.wav"
    path.write_bytes(riff(form(3, 2, 96_000, 32), chunk(b"data", values)))
    file = open_sample_file(path)
    assert (file.signal.samples, file.count) == ("cf32_le", 1000)
    assert samples_of(file) == values
    extensible = struct.pack("<HHI", 22, 32, 3) + struct.pack("<H", 3) + GUID
    path.write_bytes(riff(form(0xFFFE, 1, 96_000, 32, extensible), chunk(b"data", values)))
    assert open_sample_file(path).signal.samples == "rf32_le"
    sizes = chunk(b"ds64", struct.pack("<QQQI", 0, len(values), 1000, 0))
    for kind in (b"RF64", b"BW64"):
        parts = sizes, form(3, 2, 96_000, 32), chunk(b"data", values, 0xFFFFFFFF), chunk(b"LIST", b"INFOxxxx")
        path.write_bytes(riff(*parts, kind=kind, told=0xFFFFFFFF))
        file = open_sample_file(path)
        assert samples_of(file) == values
        assert file.damage.notes == []


def test_sdr_programs_tell_frequency_and_start(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    samples = chunk(b"data", bytes(4000))
    path.write_bytes(riff(form(1, 2, 2_000_000, 16), auxi((2024, 5, 17, 12, 34, 56, 789), 437_500_000), samples))
    file = open_sample_file(path)
    assert file.signal.frequency == 437.5e6
    assert (file.time_base, file.captures[0].start_ns) == (TimeBase.UTC, ns(2024, 5, 17, 12, 34, 56) + 789_000_000)
    xml = '<?xml version="1.0"?><SDR-XML-Root><Definition CurrentTimeUTC="17-05-2024 12:34:56" {}/></SDR-XML-Root>'
    told = 'RadioCenterFreq="145000000" SampleRate="48000"'
    for attributes in (told, told + f' UTCSeconds="{ns(2024, 5, 17, 12, 34, 56) // 10**9}"'):
        text = chunk(b"auxi", xml.format(attributes).encode("utf-16-le") + b"\0\0")
        path.write_bytes(riff(form(1, 2, 48_000, 16), samples, text))
        file = open_sample_file(path)
        assert (file.signal.frequency, file.captures[0].start_ns) == (145e6, ns(2024, 5, 17, 12, 34, 56))


@pytest.mark.parametrize("told", [0, 0xFFFFFFFF, 0x7FFFFFFF, 5000])
def test_sizes_that_lie_cost_no_sample(tmp_path: Path, told: int) -> None:
    path, values = tmp_path / "a.wav", bytes(range(256)) * 16
    path.write_bytes(riff(form(1, 2, 48_000, 16), chunk(b"data", values, told), told=min(told, 0)))
    file = open_sample_file(path)
    assert samples_of(file) == values
    assert len(file.damage.notes) == 1


def test_an_empty_file_is_empty_and_not_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(form(1, 2, 48_000, 16), chunk(b"data", b""), chunk(b"LIST", bytes(400))))
    file = open_sample_file(path)
    assert (file.count, file.captures, file.span) == (0, (), (0, 0))


def test_a_wav_file_past_4_gib_is_read_to_its_end(tmp_path: Path) -> None:
    path, wrapped = tmp_path / "a.wav", 1 << 20
    path.write_bytes(riff(form(1, 2, 2_000_000, 16), chunk(b"data", b"", wrapped)))
    with path.open("r+b") as sparse:
        sparse.truncate(44 + (1 << 32) + wrapped)
    file = open_sample_file(path)
    assert file.count == ((1 << 32) + wrapped) // 4
    assert "read to the end" in file.damage.notes[0]


def test_what_is_no_pcm_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    wrong = {
        "not read here": form(7, 1, 8000, 8),
        "3 channels": form(1, 3, 8000, 16),
        "cannot be": form(1, 1, 0, 16),
        "too short": chunk(b"fmt ", b"1234"),
        "fmt chunk is missing": b"",
    }
    for text, header in wrong.items():
        path.write_bytes(riff(header, chunk(b"data", bytes(100))))
        with pytest.raises(NotARecording, match=f"a.wav.*{text}.*;"):
            open_sample_file(path)
    path.write_bytes(riff(form(1, 1, 8000, 16)))
    with pytest.raises(NotARecording, match="no data chunk"):
        open_sample_file(path)


def written(folder: Path, samples: np.ndarray, datatype: str, captures: list[dict[str, object]]) -> Path:
    """A recording that the SigMF library wrote."""
    data = folder / "pass.sigmf-data"
    samples.tofile(data)
    made = sigmf.SigMFFile(data_file=str(data), global_info={"core:datatype": datatype, "core:sample_rate": 48000})
    for each in captures:
        about = dict(each)
        made.add_capture(about.pop("core:sample_start"), metadata=about)
    made.tofile(str(folder / "pass.sigmf-meta"), overwrite=True)
    return folder / "pass.sigmf-meta"


def test_what_the_sigmf_library_writes_by_either_name(tmp_path: Path) -> None:
    values = np.random.default_rng(3).integers(-32768, 32767, 20_000, np.int16)
    captures = [
        {"core:sample_start": 0, "core:frequency": 437.5e6, "core:datetime": "2024-05-17T12:34:56.123456789Z"},
        {"core:sample_start": 4000, "core:frequency": 437.5e6, "core:datetime": "2024-05-17T12:34:58Z"},
    ]
    meta = written(tmp_path, values, "ci16_le", captures)
    for path in (meta, meta.with_suffix(".sigmf-data")):
        file = open_sample_file(path)
        assert file.signal.as_dict() == {"samples": "ci16_le", "rate": 48000.0, "frequency": 437.5e6}
        assert [(each.first, each.count) for each in file.captures] == [(0, 4000), (4000, 6000)]
        assert file.captures[0].start_ns == ns(2024, 5, 17, 12, 34, 56) + 123_456_789
        assert file.captures[1].start_ns == ns(2024, 5, 17, 12, 34, 58)
        assert samples_of(file) == values.tobytes()
        assert file.time_base is TimeBase.UTC


def test_a_capture_without_a_time_follows_by_count(tmp_path: Path) -> None:
    captures = [{"core:sample_start": 0}, {"core:sample_start": 4800, "core:datetime": "2024-05-17T12:00:01Z"}]
    meta = written(tmp_path, np.zeros(20_000, np.int16), "ci16_le", [*captures, {"core:sample_start": 9600}])
    file = open_sample_file(meta)
    start = ns(2024, 5, 17, 12, 0, 1)
    assert [each.start_ns - start for each in file.captures] == [-100_000_000, 0, 100_000_000]
    assert any("without a gap" in each for each in file.assumed)


def test_other_peoples_files_by_their_own_headers(tmp_path: Path) -> None:
    """SigMF 1.2, core:header_bytes: the example of the specification, two captures with 4 bytes before each."""
    data = tmp_path / "non-conforming.dat"
    data.write_bytes(b"HEAD" + b"\x01\x02" * 500 + b"HEAD" + b"\x03\x04" * 300 + b"TAIL!")
    told = {
        "global": {
            "core:datatype": "cu8",
            "core:version": "1.2.0",
            "core:dataset": data.name,
            "core:sample_rate": 1000,
            "core:offset": 100,
            "core:trailing_bytes": 5,
        },
        "captures": [
            {"core:sample_start": 100, "core:header_bytes": 4},
            {"core:sample_start": 600, "core:header_bytes": 4},
        ],
        "annotations": [],
    }
    meta = tmp_path / "other.sigmf-meta"
    meta.write_bytes(orjson.dumps(told))
    file = open_sample_file(meta)
    assert samples_of(file) == b"\x01\x02" * 500 + b"\x03\x04" * 300
    assert [each.start_ns for each in file.captures] == [0, 500_000_000]
    assert file.damage.notes == []
    for name in ("../secret", "/etc/passwd", "", ".", "a/b", 5, "x\0y"):
        told["global"]["core:dataset"] = name
        meta.write_bytes(orjson.dumps(told))
        with pytest.raises(NotARecording, match=r"other\.sigmf-meta.*core:dataset must be"):
            open_sample_file(meta)


def test_mistakes_in_metadata_are_named(tmp_path: Path) -> None:
    meta = written(tmp_path, np.zeros(100, np.int16), "ci16_le", [{"core:sample_start": 0}])
    good = orjson.loads(meta.read_bytes())
    wrong: list[tuple[str, str, object, str]] = [
        ("global", "core:datatype", "ci12", "no such format"),
        ("global", "core:sample_rate", 0, "does not tell its rate"),
        ("global", "core:sample_rate", -5, "cannot be"),
        ("global", "core:sample_rate", 1e-300, "cannot be"),
        ("global", "core:sample_rate", "48k", "must be a number"),
        ("global", "core:num_channels", 2, "several channels"),
        ("global", "core:trailing_bytes", -1, "core:trailing_bytes must be"),
        ("global", "core:metadata_only", True, "without samples"),
        ("captures", "core:sample_start", None, "core:sample_start"),
        ("captures", "core:sample_start", -1, "core:sample_start"),
        ("captures", "core:frequency", -1.0, "give the band's middle"),
    ]
    for part, key, value, text in wrong:
        told = orjson.loads(orjson.dumps(good))
        (told["global"] if part == "global" else told["captures"][0])[key] = value
        meta.write_bytes(orjson.dumps(told))
        with pytest.raises(NotARecording, match=f"pass.*{text}"):
            open_sample_file(meta)
    meta.write_bytes(orjson.dumps(good))
    meta.with_suffix(".sigmf-data").unlink()
    with pytest.raises(NotARecording, match=r"copy pass\.sigmf-data beside it"):
        open_sample_file(meta)
    (tmp_path / "a.sigmf").write_bytes(b"x")
    with pytest.raises(NotARecording, match="unpack"):
        open_sample_file(tmp_path / "a.sigmf")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gqrx_20240517_123456_437500000_2400000_fc.raw", ("cf32_le", 2.4e6, 437.5e6, ns(2024, 5, 17, 12, 34, 56))),
        ("g001_433.92M_250k.cu8", ("cu8", 250e3, 433.92e6, None)),
        ("g001_433.92M_1000ksps_cs16.raw", ("ci16_le", 1e6, 433.92e6, None)),
        ("SDRSharp_20240517_123456Z_437500kHz_2.4Msps.cf32", ("cf32_le", 2.4e6, 437.5e6, ns(2024, 5, 17, 12, 34, 56))),
        ("99999999_999999_48k.fc32", ("cf32_le", 48e3, 0.0, None)),
    ],
)
def test_names_that_tell(tmp_path: Path, name: str, told: tuple[str, float, float, int | None]) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(1600))
    file = open_sample_file(path)
    samples, rate, frequency, start_ns = told
    assert file.signal.as_dict() == {"samples": samples, "rate": rate, "frequency": frequency}
    assert file.captures[0].start_ns == (start_ns or 0)
    assert file.time_base is (TimeBase.VEHICLE if start_ns is None else TimeBase.UTC)
    assert len(file.assumed) >= 2


def test_raw_files_need_what_their_name_does_not_tell(tmp_path: Path) -> None:
    path = tmp_path / "pass.iq"
    path.write_bytes(bytes(1001))
    with pytest.raises(NotARecording, match="format=ci16_le"):
        open_sample_file(path)
    with pytest.raises(NotARecording, match="rate="):
        open_sample_file(path, "cs16")
    with pytest.raises(NotARecording, match="no such format"):
        open_sample_file(path, "cs17", 48e3)
    file = open_sample_file(path, "cs16", 48e3, 145e6)
    assert (file.signal.samples, file.count, file.damage.discarded) == ("ci16_le", 250, 1)
    for wrong in (tmp_path, tmp_path / "nothing.cu8", "/dev/zero", "a\0b"):
        with pytest.raises(NotARecording):
            open_sample_file(wrong, "cu8", 1e6)


def test_pieces_lie_within_captures_and_a_start_keeps_their_borders(tmp_path: Path) -> None:
    captures = [
        {"core:sample_start": 0, "core:datetime": "2024-05-17T12:00:00Z"},
        {"core:sample_start": 5001, "core:datetime": "2024-05-17T12:00:05Z"},
        {"core:sample_start": 5002, "core:datetime": "2024-05-17T12:00:06Z"},
    ]
    file = open_sample_file(written(tmp_path, np.zeros(24_000, np.int16), "ci16_le", captures))
    pieces = list(file.pieces())
    times = [file.received_ns(each) for each in pieces]
    assert sum(each.count for each in pieces) == 12_000
    assert all(each.first + each.count <= each.capture.count for each in pieces)
    assert all(a < b for a, b in pairwise(times))
    assert (times[0], times[-1]) == file.span
    assert file.span[1] == ns(2024, 5, 17, 12, 0, 6) + round((12_000 - 5002 - 1) * 1e9 / 48000)
    for number, at in enumerate(times):
        assert list(file.pieces(at)) == pieces[number:]
        assert list(file.pieces(at - 1)) == pieces[number:]
    assert list(file.pieces(times[-1] + 1)) == []


def whole_wav() -> bytes:
    return riff(
        form(1, 2, 48_000, 24), auxi((2024, 5, 17, 12, 0, 0, 0), 437_500_000), chunk(b"data", bytes(range(240)))
    )


def taken(path: Path) -> SampleFile | None:
    """A file that opens and reads, or one that is refused by name; anything else is a fault."""
    refusal = ""
    try:
        file = open_sample_file(path)
    except NotARecording as error:
        refusal = str(error)
    if refusal:
        assert path.stem in refusal
        return None
    data = samples_of(file)
    assert len(data) == file.count * file.signal.size
    assert file.span[0] <= file.span[1] or len(file.captures) > 1
    return file


def test_a_wav_file_cut_at_any_byte(tmp_path: Path) -> None:
    whole, path = whole_wav(), tmp_path / "cut.wav"
    begin = whole.index(b"data") + 8
    for size in range(1, len(whole)):
        path.write_bytes(whole[:size])
        file = taken(path)
        assert (file is not None) == (size >= begin)
        if file is not None:
            assert file.count == (size - begin) // 6
            assert file.damage.notes
            assert file.damage.discarded == (size - begin) % 6


def test_sigmf_files_cut_at_any_byte(tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.int16)
    start = {"core:sample_start": 0}
    meta = written(tmp_path, values, "ci16_le", [start, {"core:sample_start": 20}])
    data, text = meta.with_suffix(".sigmf-data"), meta.read_bytes()
    for size in range(len(values.tobytes()) + 1):
        data.write_bytes(values.tobytes()[:size])
        file = taken(meta)
        assert file is not None
        assert (file.count, file.damage.discarded) == (size // 4, size % 4)
        assert bool(file.damage.notes) == bool(size % 4 or size < 80)
    for size in range(1, len(text.rstrip())):
        meta.write_bytes(text[:size])
        assert taken(meta) is None


settled = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
patches = st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6)


@settled
@given(patches)
def test_wav_headers_overwritten_anyhow_give_samples_or_a_refusal(tmp_path: Path, changes: list) -> None:
    whole = bytearray(whole_wav())
    for at, bytes_ in changes:
        whole[at % len(whole) : at % len(whole) + len(bytes_)] = bytes_
    (tmp_path / "any.wav").write_bytes(whole)
    taken(tmp_path / "any.wav")


@settled
@given(st.binary(max_size=300), st.sampled_from([".wav", ".sigmf-meta", ".cu8", ".raw", ".sigmf-data", ""]))
def test_any_bytes_give_samples_or_a_refusal(tmp_path: Path, content: bytes, suffix: str) -> None:
    for before in (b"", b"RIFF\0\0\0\0WAVE", b"RF64\xff\xff\xff\xffWAVEfmt ", b'{"global": '):
        path = tmp_path / f"any_48k{suffix}"
        path.write_bytes(before + content)
        taken(path)


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(max_size=40),
    st.just([]),
    st.just({}),
)
keys = ["sample_start", "frequency", "datetime", "header_bytes", "sample_rate", "datatype", "dataset", "offset"]
keys += ["num_channels", "trailing_bytes"]
objects = st.dictionaries(st.sampled_from([f"core:{key}" for key in keys]), values, max_size=4)


@settled
@given(objects, st.lists(objects, max_size=4))
def test_any_metadata_gives_samples_or_a_refusal(tmp_path: Path, told: dict, captures: list) -> None:
    meta = tmp_path / "any.sigmf-meta"
    meta.with_suffix(".sigmf-data").write_bytes(bytes(1000))
    known = {"core:datatype": "ci16_le", "core:sample_rate": 48000}
    captures = [{"core:sample_start": 0} | each for each in captures]
    meta.write_bytes(
        orjson.dumps({"global": known | told, "captures": captures}, option=orjson.OPT_PASSTHROUGH_DATETIME)
    )
    taken(meta)


@given(st.integers(-(2**62), 2**62))
def test_times_as_text_and_back(at_ns: int) -> None:
    text = utc_text(at_ns)
    assert parse_utc(text) == at_ns
    assert datetime.fromisoformat(text[:19] + "+00:00").timestamp() == at_ns // 1_000_000_000


def test_times_of_other_writers() -> None:
    start = ns(2024, 2, 29, 23, 59, 59)
    assert parse_utc("2024-02-29T23:59:59Z") == parse_utc("2024-03-01T01:59:59+02:00") == start
    assert parse_utc("2024-02-29T23:59:60.5Z") == start + 1_500_000_000
    assert parse_utc("2024-02-29T23:59:59.1234567899999Z") == start + 123_456_789
    for wrong in ("2023-02-29T00:00:00Z", "2024-02-29", "now", "2024-02-29T25:00:00Z", "2024-02-29T23:59:61Z", ""):
        assert parse_utc(wrong) is None
