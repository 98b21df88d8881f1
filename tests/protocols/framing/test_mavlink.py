"""MAVLink frames: what pymavlink packs and reads, damage, unknown messages; the ways of few and of many agree."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crccheck.crc import Crc16Mcrf4XX
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.framer import Framer, framer
from protocols.framing import mavlink
from protocols.mavlink.message_set import messages

HEARTBEAT, SYS_STATUS, ATTITUDE, BATTERY_STATUS = 0, 1, 30, 147
NOBODYS = 12_999
"""A number that no message has."""


def frame(number: int, payload: bytes, *, version: int = 2, signed: bool = False, extra: int | None = None) -> bytes:
    """A frame, by the guide: with any payload, and as another sender's message set would check it."""
    if version == 1:
        covered = struct.pack("<BBBBB", len(payload), 7, 1, 2, number) + payload
    else:
        covered = struct.pack("<BBBBBBHB", len(payload), signed, 0, 7, 1, 2, number & 0xFFFF, number >> 16) + payload
    seed = messages()[number].crc_extra if extra is None else extra
    check = Crc16Mcrf4XX.calc(covered + bytes((seed,)))
    signature = b"\x01\xfe\xfd\x03\x04\x05\x06\xa1\xa2\xa3\xa4\xa5\xa6" if signed else b""
    return bytes((0xFE if version == 1 else 0xFD,)) + covered + struct.pack("<H", check) + signature


def body(number: int, payload: bytes) -> bytes:
    return bytes((7, 1, 2)) + number.to_bytes(3, "little") + payload.ljust(messages()[number].length, b"\0")


def received(stream: bytes, made: Framer | None = None) -> tuple[list[bytes], Framer]:
    made = made or framer("mavlink")
    frames = list(made.receive(stream, 5))
    assert made.ledger.balanced
    return frames, made


@pytest.mark.parametrize("many", [1, 60])
def test_all_versions_of_a_message_have_one_layout(many: int) -> None:
    """Zeros not sent are added, and extensions that a sender of version 1 cannot have."""
    payload = bytes(range(1, 37))  # of BATTERY_STATUS without its extensions, which make it 54
    assert messages()[BATTERY_STATUS].length == 54
    sent = [
        frame(BATTERY_STATUS, payload),
        frame(BATTERY_STATUS, payload, version=1),
        frame(BATTERY_STATUS, payload, signed=True),
        frame(BATTERY_STATUS, payload[:1]),
        frame(BATTERY_STATUS, payload * 3),  # more than is known here
        frame(BATTERY_STATUS, b""),
    ]
    frames, made = received(b"".join(sent) * many)
    each = [body(BATTERY_STATUS, part) for part in (payload, payload, payload, payload[:1], (payload * 3)[:54], b"")]
    assert frames == each * many
    assert made.counts() == {"mavlink_1": many, "mavlink_2": 5 * many, "signed": many, "unknown_messages": 0}
    assert (made.ledger.discarded, made.ledger.pending, made.ledger.crc_failures) == (0, 0, 0)


@pytest.mark.parametrize("noise", [b"", bytes(3000)])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_messages_that_are_not_known_are_discarded_and_counted_where_a_frame_follows(step: int, noise: bytes) -> None:
    good, other = frame(HEARTBEAT, b"\x03" * 9), frame(NOBODYS, bytes(range(40)), extra=99)
    stream = other + other + good + other + b"gap" + good + noise + other + good + other
    made, frames = framer("mavlink"), []
    for at in range(0, len(stream), step):
        frames += made.receive(stream[at : at + step], at)
    assert frames == [body(HEARTBEAT, b"\x03" * 9)] * 3
    assert made.counts()["unknown_messages"] == 3
    assert made.ledger.discarded == 5 * len(other) + 3 + len(noise)


@pytest.mark.parametrize("many", [1, 100])
def test_a_frame_that_another_message_set_checks_is_a_failure(many: int) -> None:
    good = frame(HEARTBEAT, b"\x03" * 9)
    frames, made = received((frame(ATTITUDE, b"\x05" * 28, extra=40) + good) * many)
    assert len(frames) == made.ledger.crc_failures == many


@pytest.mark.parametrize("many", [1, 100])
def test_flags_that_are_not_known_make_it_no_frame(many: int) -> None:
    one = bytearray(frame(HEARTBEAT, b"\x03" * 9))
    one[2] = 0x02
    frames, made = received((bytes(one) + frame(HEARTBEAT, b"\x04" * 9)) * many)
    assert frames == [body(HEARTBEAT, b"\x04" * 9)] * many
    assert made.ledger.discarded == len(one) * many


def test_what_cannot_be_sent_is_refused() -> None:
    made = framer("mavlink")
    for wrong in (b"abc", body(HEARTBEAT, b"")[:-1], bytes(3) + NOBODYS.to_bytes(3, "little") + bytes(9)):
        with pytest.raises(DeclarationError, match="the whole payload"):
            made.encode([wrong])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Frames of all kinds, whole, damaged and cut, with noise and unknown messages between them."""
    numbers = st.sampled_from([*messages()])
    stream = b""
    for _ in range(draw(st.integers(0, 12))):
        number, version = draw(numbers), draw(st.sampled_from([1, 2]))
        payload = draw(st.binary(max_size=255) | st.lists(st.sampled_from(b"\xfd\xfe\0\1"), max_size=80).map(bytes))
        known = draw(st.integers(0, 5)) > 0
        number = number if number < 256 or version == 2 else HEARTBEAT
        piece = bytearray(
            frame(number, payload, version=version, signed=version == 2 and draw(st.booleans()))
            if known
            else frame(NOBODYS, payload, extra=1)
        )
        if draw(st.integers(0, 3)) == 0:
            piece[draw(st.integers(0, len(piece) - 1))] ^= draw(st.integers(1, 255))
        stream += bytes(piece[: draw(st.integers(0, len(piece)))] if draw(st.integers(0, 4)) == 0 else piece)
        stream += draw(st.sampled_from([b"", b"", b"\xfd", b"\xfe\x09", b"noise\xfd\x00\x00"]))
    return stream


@settings(max_examples=120)
@given(stream=streams(), data=st.data())
def test_the_ways_of_few_and_of_many_agree_however_the_stream_is_cut(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    told = []
    with pytest.MonkeyPatch.context() as patch:
        for many, together in ((0, False), (1 << 30, False), (0, True), (300, True)):
            patch.setattr(mavlink, "_MANY", many)
            made = framer("mavlink")
            times = [10 * index for index in range(len(pieces))]
            if together:
                found = made.receive_many(pieces, times)
                frames = list(zip(found, found.received_ns.tolist(), strict=True))
            else:
                each = [made.receive(piece, at) for piece, at in zip(pieces, times, strict=True)]
                frames = [pair for got in each for pair in zip(got, got.received_ns.tolist(), strict=True)]
            assert made.ledger.balanced
            assert made.ledger.pending <= made.bound
            told.append((frames, made.ledger, made.counts()))
    assert all(each == told[0] for each in told)


# --- against pymavlink ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def peer() -> Any:
    return pytest.importorskip("pymavlink.dialects.v20.all", reason="the peer pymavlink is in the bench extra")


def stream_of(data: Path) -> bytes:
    """The frames of a log without their times."""
    log, stream, at = (data / "mavlink/small.tlog").read_bytes()[:200_000], b"", 0
    while at + 20 < len(log):
        end = at + 20 + log[at + 9]
        stream, at = stream + log[at + 8 : end], end
    return stream


def of_peer(peer: Any, stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Message and sequence number, and the payload sent, of all messages that pymavlink finds and knows."""
    link = peer.MAVLink(None)
    link.robust_parsing = True
    for message in link.parse_buffer(stream) or ():
        if not message.get_type().startswith(("BAD_DATA", "UNKNOWN")):
            sent = bytes(message.get_msgbuf())
            yield message.get_msgId(), sent[4:7] + sent[10 : 10 + sent[1]]


@settings(max_examples=25)
@given(data_=st.data())
def test_of_a_damaged_stream_nothing_is_lost_that_pymavlink_finds(data_: st.DataObject, data: Path, peer: Any) -> None:
    begin = data_.draw(st.integers(0, 100_000))
    stream = bytearray(stream_of(data)[begin : begin + 8000])
    for place in data_.draw(st.lists(st.integers(0, len(stream) - 1), max_size=30)):
        stream[place] = data_.draw(st.sampled_from([0xFD, 0xFE, 0, 1, 0x55]))
    frames, _ = received(bytes(stream) + bytes(300))
    found = [(int.from_bytes(each[3:6], "little"), each[:3] + each[6:]) for each in frames]
    left = iter(found)
    for number, sent in of_peer(peer, bytes(stream)):
        wanted = (number, sent.ljust(3 + messages()[number].length, b"\0"))
        assert wanted in left, "in their order"


@pytest.mark.parametrize("version", [1, 2])
def test_what_pymavlink_packs_comes_back(version: int, peer: Any) -> None:
    link = peer.MAVLink(None, srcSystem=42, srcComponent=191)
    sent = []
    for index in range(300):
        message = peer.MAVLink_attitude_message(index, 0.5, -0.25, index / 8, 0.0, 0.0, 0.0)
        sent.append(message.pack(link, force_mavlink1=version == 1))
        link.seq = (link.seq + 1) % 256
    frames, made = received(b"".join(bytes(each) for each in sent))
    assert [each[:6] for each in frames] == [bytes((i % 256, 42, 191, ATTITUDE, 0, 0)) for i in range(300)]
    assert [struct.unpack("<I6f", each[6:]) for each in frames] == [(i, 0.5, -0.25, i / 8, 0, 0, 0) for i in range(300)]
    assert made.counts()[f"mavlink_{version}"] == 300


def test_signed_frames_of_pymavlink_come_back(peer: Any) -> None:
    link = peer.MAVLink(None, srcSystem=1, srcComponent=1)
    link.signing.secret_key, link.signing.sign_outgoing = b"k" * 32, True
    sent = [bytes(peer.MAVLink_heartbeat_message(2, 3, 81, 5, 4, 3).pack(link)) for _ in range(80)]
    frames, made = received(b"".join(sent))
    assert frames == [bytes((0, 1, 1, 0, 0, 0, 5, 0, 0, 0, 2, 3, 81, 4, 3))] * 80
    assert made.counts()["signed"] == 80


@settings(max_examples=60)
@given(number=st.sampled_from([*messages()]), content=st.binary(min_size=262, max_size=262))
def test_pymavlink_reads_what_is_encoded(number: int, content: bytes, peer: Any) -> None:
    sent = content[:3] + number.to_bytes(3, "little") + content[3 : 3 + messages()[number].length]
    stream = framer("mavlink").encode([sent])
    (message,) = peer.MAVLink(None).parse_buffer(bytearray(stream))
    assert (message.get_msgId(), message.get_seq()) == (number, content[0])
    assert (message.get_srcSystem(), message.get_srcComponent()) == (content[1], content[2])
    payload = bytes(message.get_msgbuf())[10:-2]
    assert payload.ljust(messages()[number].length, b"\0") == sent[6:]
