"""COBS against the cobs package, KISS against frames off the air, SLIP against RFC 1055's text."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.framer import Framer, framer

cobs = pytest.importorskip("cobs.cobs", reason="the peer cobs is not installed")
runs = st.sampled_from([0, 1, 2, 253, 254, 255, 256, 508, 509]).map(lambda n: b"\x07" * n)
bodies = st.one_of(st.binary(min_size=1, max_size=40), st.lists(runs, min_size=1).map(b"\0".join)).filter(bool)


def take(made: Framer, stream: bytes) -> list[bytes]:
    frames = list(made.receive(stream, 0))
    assert made.ledger.balanced
    return frames


@given(st.lists(bodies, max_size=8))
@example([b"\x07" * 254])
@example([b"\x07" * 254 + b"\0", b"\0" + b"\x07" * 254])
def test_cobs_encodes_as_the_cobs_package_does(sent: list[bytes]) -> None:
    assert framer("cobs").encode(sent) == b"".join(cobs.encode(body) + b"\0" for body in sent)


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=30), bodies.map(cobs.encode)), max_size=8), st.sampled_from([1, 40]))
def test_cobs_decodes_what_the_cobs_package_decodes_and_nothing_else(segments: list[bytes], times: int) -> None:
    """Of any segments; repeated forty times they go the way of many frames at once."""
    whole = [segment for segment in segments if 0 not in segment] * times
    expected = []
    for segment in whole:
        try:
            expected.append(cobs.decode(segment))
        except cobs.DecodeError:
            continue
    made = framer("cobs")
    assert take(made, b"".join(segment + b"\0" for segment in whole)) == [body for body in expected if body]
    assert made.ledger.pending in (0, 1)  # the last delimiter may open a frame


def test_long_chains_of_zeros_beside_short_ones() -> None:
    """One frame of zeros among many without: its chain is followed alone once the others have ended."""
    sent = [bytes(5000) if i == 50 else b"\x05" * (1 + i % 9) for i in range(200)]
    made = framer("cobs")
    assert take(made, made.encode(sent)) == sent


@pytest.mark.parametrize("kind", ["cobs", "slip", "kiss"])
@pytest.mark.parametrize("times", [1, 100])
def test_segments_past_the_longest_are_discarded_and_the_next_is_not(kind: str, times: int) -> None:
    made = framer(kind, max_length=20)
    long, short = b"\x05" * 21, b"\x05" * 10
    assert take(made, made.encode([short, long] * times + [short])) == [short] * (times + 1)
    wire = len(made.encode([long]))
    assert made.ledger.discarded == times * wire


def test_slip_escapes_as_the_rfc_says() -> None:
    made = framer("slip")
    assert made.encode([b"\xc0\xdb"]) == b"\xc0\xdb\xdc\xdb\xdd\xc0"
    assert take(made, b"noise\xc0" + b"\xc0a\xdb\xdcb\xdb\xddc\xc0") == [b"noise", b"a\xc0b\xdbc"]


@pytest.mark.parametrize("times", [1, 100])
def test_a_wrong_escape_costs_its_frame_only(times: int) -> None:
    made = framer("slip")
    stream = b"\xc0a\xdbb\xc0" + b"\xc0ok\xc0" + b"\xc0ab\xdb\xc0" + b"\xc0\xdb\xdb\xdc\xc0"
    assert take(made, stream * times) == [b"ok"] * times
    assert made.ledger.discarded == (len(stream) - 4) * times


def test_kiss_frames_off_the_air(data: Path) -> None:
    """84 frames of BY02 by gr-satellites, and its own hex dump of the first of them."""
    stream = (data / "by02_kiss" / "frames.kiss").read_bytes()
    dumps = (data / "by02_kiss" / "hexdump.txt").read_text().split("pdu_length = ")[1:]
    expected = [
        bytes.fromhex("".join(re.findall(r"^[0-9a-f]{4}: ([0-9a-f ]+)$", dump, re.MULTILINE))) for dump in dumps
    ]
    made = framer("kiss")
    frames = take(made, stream)
    assert len(frames) == 84
    assert frames == expected
    assert made.ledger.frame_bytes == len(stream)


@pytest.mark.parametrize("times", [1, 100])
def test_kiss_settings_and_other_ports_are_discarded_and_counted(times: int) -> None:
    stream = b"\xc0\x01\x32\xc0" + b"\xc0\x20two\xc0" + b"\xc0\x00zero\xc0" + b"\xc0\xff\xc0"
    made = framer("kiss", port=2)
    assert take(made, stream * times) == [b"two"] * times
    assert made.ledger.discarded == (len(stream) - 6) * times
    assert take(framer("kiss"), stream * times) == [b"two", b"zero"] * times


def test_a_port_whose_type_byte_is_the_delimiter_is_escaped() -> None:
    made = framer("kiss", port=12)
    assert made.encode([b"hi"]) == b"\xc0\xdb\xdchi\xc0"
    assert take(made, made.encode([b"hi"])) == [b"hi"]


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(DeclarationError, match="0 to 15"):
        framer("kiss", port=16)


def test_idle_delimiters_are_discarded_but_the_one_before_a_frame() -> None:
    made = framer("slip")
    assert take(made, b"\xc0" * 5 + b"a\xc0") == [b"a"]
    assert (made.ledger.discarded, made.ledger.frame_bytes) == (4, 3)
    many = framer("slip")
    assert take(many, (b"\xc0" * 5 + b"a\xc0") * 50) == [b"a"] * 50
    assert (many.ledger.discarded, many.ledger.frame_bytes) == (200, 150)


def test_frames_of_one_length_and_of_several_give_the_same_columns() -> None:
    random = np.random.default_rng(3)
    for lengths in ([20] * 300, [10, 20, 30] * 100, list(range(1, 301))):
        sent = [random.integers(0, 256, length, np.uint8).tobytes() for length in lengths]
        made = framer("cobs", check="crc-16/ibm-3740")
        frames = made.receive(made.encode(sent), 7)
        assert list(frames) == sent
        assert frames.lengths.tolist() == lengths
        assert frames.offsets.dtype == np.int64
        assert set(frames.received_ns.tolist()) == {7}


@pytest.mark.parametrize("kind", ["slip", "kiss"])
@given(st.lists(st.tuples(st.binary(max_size=20), bodies), max_size=6))
def test_a_delimiter_on_both_sides_keeps_noise_out_of_the_next_frame(
    kind: str, sent: list[tuple[bytes, bytes]]
) -> None:
    made = framer(kind, check="crc-32/iso-hdlc")
    assert take(made, b"".join(noise + made.encode([body]) for noise, body in sent)) == [body for _, body in sent]
