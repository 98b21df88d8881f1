"""What holds for every bit framing there is, on any bits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from protocols.coding.crc import crc
from protocols.deframing import aausat_4, ngham
from protocols.deframing.aausat_4 import Aausat4
from protocols.deframing.deframer import BitFrame, Deframer, deframer, deframers
from protocols.deframing.ideassat import HEADER, Ideassat
from protocols.deframing.mobitex import Mobitex
from protocols.deframing.ngham import Ngham
from protocols.deframing.smog_p import DECIDED, SmogPSignalling
from protocols.deframing.usp import SIZES, Usp
from protocols.errors import DeclarationError

CASES: list[tuple[str, dict[str, Any]]] = [
    ("hdlc", {}),
    ("hdlc", {"g3ruh": True}),
    ("hdlc", {"nrzi": False, "min_length": 1, "max_length": 40}),
    ("hdlc", {"g3ruh": True, "nrzi": 2}),
    ("hdlc", {"nrzi": False, "check": "crc-32/iso-hdlc:little"}),
    ("ax100_golay", {}),
    ("ax100_golay", {"randomize": False, "marker": "c3aa6655"}),
    ("ax100_reed_solomon", {}),
    ("ax100_reed_solomon", {"g3ruh": False}),
    ("u482c", {}),
    ("u482c", {"flags": 0x700}),
    ("u482c", {"flags": 0x300, "unchecked": True}),
    ("ao40", {}),
    ("ao40", {"short": True}),
    ("smog_p_signalling", {}),
    ("smog_p_ra", {}),
    ("aausat_4", {}),
    ("ax5043", {}),
    ("ax5043", {"max_length": 40}),
    ("ideassat", {}),
    ("lilacsat_1", {}),
    ("mobitex", {}),
    ("mobitex", {"nx": False, "callsign": False}),
    ("mobitex", {"blocks": 3}),
    ("snet", {}),
    ("snet", {"code": 2, "salsat": True}),
    ("snet", {"code": 3}),
    ("snet", {"code": 0}),
    ("ngham", {}),
    ("usp", {}),
    ("usp", {"unwrap": False}),
    ("fx25", {}),
    ("fx25", {"nrzi": False, "g3ruh": True}),
    ("fx25", {"astrocast": True}),
    ("ax25_reed_solomon", {}),
    ("ax25_reed_solomon", {"g3ruh": False, "randomize": False}),
    ("packet", {"marker": "d391d391", "length": 255, "whitening": "pn9", "roots": 32}),
    ("packet", {"marker": "2dd4", "length": 64, "roots": 16, "check": "crc-16/arc:little"}),
    ("packet", {"marker": "352e352e", "whitening": "pn9", "check": "crc-16/cms"}),
    ("packet", {"marker": "aa7e", "longest": 128, "check": "crc-16/ibm-3740", "least_significant_first": True}),
    ("packet", {"marker": "55551212", "whitening": "pn9 reversed", "check": "crc-16/semtech"}),
    ("packet", {"marker": "aa7e", "check": "crc-16/ibm-3740", "keep_length": True}),
    ("packet", {"marker": "1acffc", "whitening": "ccsds", "roots": 16, "code": "dual"}),
    ("ccsds_tm", {"frame_length": 20}),
    ("ccsds_tm", {"frame_length": 30, "interleave": 2, "basis": "conventional", "differential": True}),
    ("ccsds_tm", {"frame_length": 20, "reed_solomon": False, "check": "crc-16/ibm-3740", "randomize": False}),
    ("ccsds_concatenated", {"frame_length": 20}),
    ("ccsds_concatenated", {"frame_length": 20, "convolutional": "nasa-dsn uninverted", "differential": True}),
]
FLUSH = 80  # bits behind a stream that push its last frame out of a register
QUICK = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
each_case = pytest.mark.parametrize(
    ("kind", "options"), CASES, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(CASES)]
)
hostile = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e38, -1e38, 1.0, -1.0])


def bodies(made: Deframer, options: dict[str, Any]) -> st.SearchStrategy[list[bytes]]:
    fixed = getattr(made, "frame_length", 0) or options.get("frame_length", 0) - (2 if options.get("check") else 0)
    sizes = st.just(fixed) if fixed > 0 else st.integers(16, 40)
    body = sizes.flatmap(lambda n: st.binary(min_size=n, max_size=n))
    if isinstance(made, SmogPSignalling):
        decided = st.lists(st.sampled_from([b"\x00", b"\xff"]), min_size=DECIDED, max_size=DECIDED).map(b"".join)
        body = st.tuples(body, decided).map(lambda pair: pair[0][:-DECIDED] + pair[1])
    if isinstance(made, Aausat4) or (isinstance(made, Usp) and options):
        allowed = aausat_4.SIZES if isinstance(made, Aausat4) else SIZES
        body = st.sampled_from(allowed).flatmap(lambda n: st.binary(min_size=n, max_size=n))
    if isinstance(made, Ngham):  # which sets five bits of the first byte itself
        body = body.map(lambda each: bytes((each[0] & 0xE0 | _ngham_padding(each),)) + each[1:])
    if isinstance(made, Mobitex):
        body = st.integers(1, 4).flatmap(lambda count: mobitex_frames(options, options.get("blocks", count)))
    if options.get("keep_length"):
        body = body.map(lambda each: bytes((len(each),)) + each)
    if isinstance(made, Ideassat):
        body = body.map(lambda each: each[: HEADER - 3] + bytes.fromhex("4130f0") + each[HEADER:])
    return st.lists(body, min_size=1, max_size=3)


def _ngham_padding(body: bytes) -> int:
    return min(size.most - len(body) + 1 for size in ngham.SIZES if size.most >= len(body) - 1)


def mobitex_frames(options: dict[str, Any], blocks: int) -> st.SearchStrategy[bytes]:
    """Frames of so many blocks, with a callsign where there is one, and what receivers add."""
    data = st.binary(min_size=18 * blocks, max_size=18 * blocks)
    name = crc("crc-16/xmodem").append(b"DP0TBA") if options.get("callsign", True) else b""
    return data.map(lambda each: bytes((0x20 | blocks - 1, 14)) + name + each + bytes.fromhex("aa00000000bb"))


@st.composite
def streams(draw: st.DrawFn, made: Deframer, options: dict[str, Any]) -> NDArray[np.float32]:
    """Frames among noise, some of their bits wrong, perhaps inverted; or anything a float can be."""
    if draw(st.integers(0, 4)) == 0:
        return np.array(draw(st.lists(hostile | st.floats(width=32), max_size=300)), np.float32)
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    pieces = []
    for body in draw(bodies(made, options)):
        bits = made.encode([body]) * 2.0 - 1.0
        bits[random.random(len(bits)) < draw(st.sampled_from([0.0, 0.005, 0.1]))] *= -1
        bits[random.random(len(bits)) < draw(st.sampled_from([0.0, 0.0, 0.01]))] = draw(hostile)
        pieces += [random.normal(size=draw(st.integers(0, 300))), bits]
    return (np.concatenate(pieces) * draw(st.sampled_from([1.0, -1.0]))).astype(np.float32)


def received(made: Deframer, stream: NDArray[np.float32], cuts: list[int]) -> list[BitFrame]:
    """Its frames after the stream in pieces, the ledger balanced and within its bound after each."""
    edges = sorted(cut % (len(stream) + 1) for cut in cuts)
    frames: list[BitFrame] = []
    for begin, end in zip([0, *edges], [*edges, len(stream)], strict=True):
        frames += made.receive(stream[begin:end])
        assert made.ledger.balanced
        assert 0 <= made.ledger.pending <= made.bound
    frames += made.finish()
    ledger = made.ledger
    assert ledger.balanced
    assert (ledger.pending, ledger.bits_in, ledger.frames) == (0, len(stream), len(frames))
    assert ledger.frame_bits == sum(frame.end - frame.begin for frame in frames)
    assert all(0 <= frame.begin < frame.end <= len(stream) for frame in frames)
    return frames


@each_case
@QUICK
@given(data=st.data())
def test_every_bit_is_accounted_for_and_cutting_changes_nothing(
    kind: str, options: dict[str, Any], data: st.DataObject
) -> None:
    stream = data.draw(streams(deframer(kind, **options), options))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=9))
    whole, cut = deframer(kind, **options), deframer(kind, **options)
    assert received(whole, stream, []) == received(cut, stream, cuts)
    assert whole.ledger == cut.ledger


@each_case
@QUICK
@given(data=st.data(), sign=st.sampled_from([1, -1]), lead=st.integers(20, 50))
def test_what_was_encoded_is_received_in_either_polarity(
    kind: str, options: dict[str, Any], data: st.DataObject, sign: int, lead: int
) -> None:
    made = deframer(kind, **options)
    sent = data.draw(bodies(made, options))
    if sign < 0 and options.get("nrzi") is False:
        return  # nothing in plain HDLC tells the polarity
    bits = np.concatenate((np.zeros(lead), made.encode(sent), np.zeros(FLUSH))) * 2.0 - 1.0
    frames = received(made, (sign * bits).astype(np.float32), [])
    assert [frame.body for frame in frames] == sent


def test_all_bit_framings_are_held_to_this() -> None:
    assert {kind for kind, _ in CASES} == set(deframers())


def test_an_unknown_name_or_option_says_what_there_is() -> None:
    with pytest.raises(DeclarationError, match="use one of aausat_4, ao40"):
        deframer("ax99")
    with pytest.raises(DeclarationError, match="its options are g3ruh"):
        deframer("hdlc", scrambled=True)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("packet", {"marker": "xy"}, "hexadecimal"),
        ("packet", {"whitening": "pn15"}, "no whitening 'pn15'"),
        ("packet", {"roots": 16, "code": "bch"}, "no code 'bch'"),
        ("packet", {"longest": 300}, "does not fit a length byte"),
        ("packet", {"length": 10, "roots": 16}, "leaves nothing of a frame"),
        ("ax100_golay", {"marker": "c3aa"}, "give four"),
        ("mobitex", {"blocks": 33}, "use 1 to 32"),
        ("snet", {"code": 4}, "no code 4"),
        ("smog_p_ra", {"frame_length": 64}, "use 128 or 256"),
        ("ccsds_tm", {"interleave": 0}, "interleave 0; use 1 to 8"),
        ("ccsds_concatenated", {"interleave": 0}, "interleave 0; use 1 to 8"),
        ("ccsds_tm", {"frame_length": 223.0}, "frame_length = 223.0 is of another type; give a whole number"),
        ("usp", {"marker_errors": "6"}, "give a whole number"),
        ("usp", {"marker_errors": -1}, "marker_errors -1: give how many bits may be wrong"),
        ("fx25", {"tag_errors": None}, "give a whole number"),
        ("fx25", {"nrzi": "no"}, "give true or false"),
        ("packet", {"whitening": 9}, "give a text"),
        ("usp", {"marker_errors": 32}, "give how many may be wrong, up to 31"),
        ("fx25", {"tag_errors": 10**20}, "is too large; give at most 65,536"),
        ("ccsds_tm", {"frame_length": 10**9, "reed_solomon": False}, "is too large; give at most 65,536"),
        ("hdlc", {"nrzi": 1000}, "use 0, 1 or 2"),
    ],
)
def test_options_that_cannot_be_are_refused(kind: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        deframer(kind, **options)


@pytest.mark.parametrize("kind", sorted(set(deframers()) - {"hdlc"}))
def test_frames_that_do_not_fit_are_refused_with_what_does(kind: str) -> None:
    with pytest.raises(DeclarationError, match=r"\d"):
        deframer(kind).encode([bytes(5000)])
