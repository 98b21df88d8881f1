"""What holds for every framing there is, on any bytes: a new framing file is tested here before it has its own tests.

A framing file gives ``EXAMPLE``, options for which these tests make sense (with ``check`` left free). One that carries
only the messages of a protocol, with checks of their own and so without that option, gives ``EXAMPLE_BODY`` too: a
message that has a good check, made of any bytes.
"""

import inspect
import math
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.framer import Framer, framer, framings

CHECKED = "crc-32/iso-hdlc"  # a wrong frame passes it once in 4,000,000,000
CHECKS = ["", "crc-16/ibm-3740", "crc-24/ble:little", CHECKED]
HOSTILE = bytes.fromhex("00 01 02 fe ff c0 db dc dd a5 5a 1a cf fc 1d aa 7e")
STREAMS = [
    kind for kind in framings() if not framer(kind, **import_module(f"protocols.framing.{kind}").EXAMPLE).datagrams
]
QUICK = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def has_check(kind: str) -> bool:
    return "check" in inspect.signature(import_module(f"protocols.framing.{kind}").FRAMER).parameters


CASES = [(kind, check) for kind in framings() for check in (CHECKS if has_check(kind) else [""])]
EVERY_CASE = pytest.mark.parametrize(("kind", "check"), CASES)
EVERY_STREAM = pytest.mark.parametrize(("kind", "check"), [case for case in CASES if case[0] in STREAMS])


def example(kind: str, check: str) -> Framer:
    options = {"check": check} if has_check(kind) else {}
    return framer(kind, **options, **import_module(f"protocols.framing.{kind}").EXAMPLE)


def carried(made: Framer, content: bytes) -> bytes:
    """A frame that it can carry."""
    own: Callable[[bytes], bytes] = getattr(sys.modules[type(made).__module__], "EXAMPLE_BODY", bytes)
    return own(content)


def bodies(made: Framer, many: int = 12) -> st.SearchStrategy[list[bytes]]:
    """Frames it can carry: of one length where that is an option, else of any; rich in bytes that framings reserve."""
    fixed = getattr(made, "frame_length", 0)
    width = made.check.width if made.check else 0
    sizes = st.just(fixed - width) if fixed else st.one_of(st.integers(1, 40), st.integers(250, 260))
    hostile = st.sampled_from(HOSTILE)
    body = sizes.flatmap(
        lambda n: st.one_of(st.binary(min_size=n, max_size=n), st.lists(hostile, min_size=n, max_size=n))
    )
    return st.lists(body.map(lambda content: carried(made, bytes(content))), max_size=many)


noise = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(HOSTILE), max_size=60).map(bytes))


@st.composite
def streams(draw: st.DrawFn, made: Framer) -> bytes:
    """Frames, noise, and frames with a byte changed or cut off, in any order."""
    stream = b""
    for body in draw(bodies(made)):
        piece = bytearray(made.encode([body]))
        if draw(st.booleans()):
            piece[draw(st.integers(0, len(piece) - 1))] ^= draw(st.integers(0, 255))
        stream += bytes(piece[: draw(st.integers(0, len(piece)))] if draw(st.booleans()) else piece)
        stream += draw(noise) if draw(st.booleans()) else b""
    return stream * draw(st.sampled_from([1, 1, 20]))  # long ones take the way of many frames at once


def received(made: Framer, stream: bytes, cuts: list[int]) -> tuple[list[bytes], dict[str, int]]:
    """Its frames and ledger after the stream in pieces, balanced and within its bound after each."""
    frames: list[bytes] = []
    edges = sorted(cut % (len(stream) + 1) for cut in cuts)
    for when, (begin, end) in enumerate(zip([0, *edges], [*edges, len(stream)], strict=True)):
        got = made.receive(stream[begin:end], when)
        assert made.ledger.balanced
        assert 0 <= made.ledger.pending <= made.bound
        assert made.dates or got.received_ns.tolist() == [when] * len(got)
        frames += got
    assert made.ledger.bytes_in == len(stream)
    assert made.ledger.frames == len(frames)
    assert all(frames)
    return frames, made.ledger.as_dict()


@EVERY_CASE
@QUICK
@given(data=st.data())
def test_it_never_raises_and_accounts_for_every_byte(kind: str, check: str, data: st.DataObject) -> None:
    stream = data.draw(st.one_of(noise, streams(example(kind, check))))
    received(example(kind, check), stream, data.draw(st.lists(st.integers(0, len(stream)), max_size=9)))


@EVERY_STREAM
@QUICK
@given(data=st.data())
def test_cutting_the_stream_differently_changes_nothing(kind: str, check: str, data: st.DataObject) -> None:
    stream = data.draw(streams(example(kind, check)))
    whole = received(example(kind, check), stream, [])
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=30))
    assert received(example(kind, check), stream, cuts) == whole
    if len(stream) < 3000:
        assert received(example(kind, check), stream, list(range(len(stream)))) == whole


@EVERY_CASE
@QUICK
@given(data=st.data())
def test_pieces_handed_over_together_give_the_same_frames_at_the_same_times(
    kind: str, check: str, data: st.DataObject
) -> None:
    stream = data.draw(streams(example(kind, check)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    times = [1_000 + 7 * number for number in range(len(pieces))]
    before = data.draw(noise)
    one, all_at_once = example(kind, check), example(kind, check)
    for made in (one, all_at_once):
        made.receive(before, 1)
    each = [one.receive(piece, at) for piece, at in zip(pieces, times, strict=True)]
    wanted = [pair for frames in each for pair in zip(frames, frames.received_ns.tolist(), strict=True)]
    found = all_at_once.receive_many(pieces, times)
    assert list(zip(found, found.received_ns.tolist(), strict=True)) == wanted
    assert all_at_once.ledger == one.ledger


@EVERY_STREAM
@QUICK
@given(data=st.data())
def test_what_is_encoded_comes_back_and_nothing_is_discarded(kind: str, check: str, data: st.DataObject) -> None:
    made = example(kind, check)
    sent = data.draw(bodies(made)) * data.draw(st.sampled_from([1, 30]))
    frames, ledger = received(made, made.encode(sent), data.draw(st.lists(st.integers(0, 100), max_size=3)))
    assert frames == sent
    assert (ledger["discarded"], ledger["pending"], ledger["crc_failures"]) == (0, 0, 0)


@pytest.mark.parametrize("kind", STREAMS)
@QUICK
@given(data=st.data())
def test_noise_between_frames_costs_at_most_the_frame_behind_it(kind: str, data: st.DataObject) -> None:
    made = example(kind, CHECKED)
    sent = data.draw(bodies(made))
    noisy = [data.draw(st.one_of(st.just(b""), noise)) for _ in sent]
    stream = b"".join(before + made.encode([body]) for before, body in zip(noisy, sent, strict=True))
    frames, _ = received(made, stream + bytes(made.bound), [])  # what follows ends the wait for a false frame's end
    safe = [body for before, body in zip(noisy, sent, strict=True) if not before]
    left = iter(frames)
    assert all(body in left for body in safe), "in their order"
    assert set(frames) <= set(sent)


@pytest.mark.parametrize("kind", framings())
@QUICK
@given(data=st.data())
def test_no_damage_gives_a_wrong_frame_where_there_is_a_check(kind: str, data: st.DataObject) -> None:
    made = example(kind, CHECKED)
    sent = data.draw(bodies(made)) or [carried(made, bytes(range(1, 29)))]
    stream = bytearray(made.encode(sent if not made.datagrams else sent[:1]))
    for place in data.draw(st.lists(st.integers(0, len(stream) - 1), max_size=8)):
        stream[place] ^= data.draw(st.integers(1, 255))
    frames, _ = received(
        made, bytes(stream), data.draw(st.lists(st.integers(0, 100), max_size=3)) * (not made.datagrams)
    )
    assert set(frames) <= set(sent)


@pytest.mark.parametrize("kind", framings())
@pytest.mark.parametrize("pattern", [bytes((byte,)) for byte in HOSTILE] + [HOSTILE, b"\xa5\x5a\x0f\xff", b"\xa5\x5a"])
def test_endless_garbage_is_never_hoarded(kind: str, pattern: bytes) -> None:
    made = example(kind, "crc-16/ibm-3740")
    chunk = pattern * (3000 // len(pattern))
    for _ in range(10):
        made.receive(chunk, 0)
        assert made.ledger.balanced
        assert made.ledger.pending <= made.bound


@pytest.mark.parametrize("kind", framings())
def test_a_wrong_option_or_check_is_refused_and_named(kind: str) -> None:
    with pytest.raises(DeclarationError, match="no option 'colour'"):
        framer(kind, colour="red", **import_module(f"protocols.framing.{kind}").EXAMPLE)
    with pytest.raises(DeclarationError, match="crc-16/ibm-3740" if has_check(kind) else "no option 'check'"):
        framer(kind, check="crc-16/ibm-3741", **import_module(f"protocols.framing.{kind}").EXAMPLE)


@pytest.mark.parametrize("kind", framings())
@pytest.mark.parametrize("value", [10**9, 10**20, math.inf, math.nan, 1.5, True, "x", None, [1], {}])
def test_an_option_of_any_value_is_refused_or_used_in_bounded_memory(kind: str, value: Any) -> None:
    made = import_module(f"protocols.framing.{kind}")
    for name in inspect.signature(made.FRAMER).parameters:
        try:
            one = framer(kind, **{**made.EXAMPLE, name: value})
        except DeclarationError:
            continue
        one.receive(bytes(range(256)) * 64, 0)
        assert one.ledger.balanced
        assert one.ledger.pending <= one.bound <= 1 << 26
