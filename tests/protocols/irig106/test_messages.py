"""Messages cut out of packet bodies that are put together here, word by word."""

from struct import pack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.decoder import VehicleDecoder
from protocols.framer import framer
from protocols.irig106.bus_records import RECORDS
from protocols.irig106.channels import channel_of, kind_of
from protocols.irig106.packet import Header, Packet
from protocols.irig106.tmats import Tmats, parse_tmats

TIME_NS = 1_000_000_000_000


def of(kind: int, body: bytes, channel: int = 4, rtc: int = 1000) -> Packet:
    """A packet around a body, at 1,000 s; something stands before and after it."""
    header = Header(channel, 24 + len(body), len(body), 0, 0, kind, rtc)
    return Packet(header, b"before" + body + b"after the end", 6, 6 + len(body), TIME_NS)


def decoded(packet: Packet, tmats: Tmats | None = None):
    """The one batch that a packet's channel makes of it."""
    channel = channel_of(packet, tmats or Tmats())
    made = VehicleDecoder(channel.vehicle, "link")
    options = {"kind": channel.framing} if isinstance(channel.framing, str) else dict(channel.framing)
    receiver = framer(**options)
    brought = channel.deliver(packet)
    assert brought.consumed <= packet.header.data_length
    frames = receiver.receive_many([data for _, data, _ in brought.pieces], [at for _, _, at in brought.pieces])
    (batch,) = made.decode(frames)
    return batch


def stamp(after_us: int) -> bytes:
    return pack("<Q", 1000 + 10 * after_us)


def command(rt: int, transmit: int, subaddress: int, words: int) -> int:
    return rt << 11 | transmit << 10 | subaddress << 5 | words & 31


def message(words: list[int], block: int = 0, after_us: int = 0) -> bytes:
    return stamp(after_us) + pack("<HBBH", block, 51, 0, 2 * len(words)) + pack(f"<{len(words)}H", *words)


def test_1553_words_by_who_transmits():
    data = list(range(0x100, 0x120))
    messages = [
        message([command(5, 0, 3, 32), *data, 5 << 11]),  # to a terminal, which answers last
        message([command(6, 1, 3, 2), 6 << 11 | 1 << 10, 7, 8], 1 << 13, 20),  # from a terminal, on bus B
        message([command(9, 0, 1, 2), command(8, 1, 2, 2), 8 << 11, 1, 2, 9 << 11], 1 << 11),  # from one to another
        message([command(7, 0, 1, 4), 1, 2, 3, 4], 1 << 9),  # no answer in time
        message([command(7, 1, 31, 2), 7 << 11, 0xABCD]),  # a mode code without data: a word too many is none
        message([command(7, 1, 0, 16), 7 << 11, 0xABCD]),  # a mode code with a data word
    ]
    batch = decoded(of(0x19, pack("<I", len(messages)) + b"".join(messages)))
    assert batch["command.rt"].tolist() == [5, 6, 9, 7, 7, 7]
    assert batch["status.rt"].tolist() == [5, 6, 8, 0, 7, 7]
    assert batch["answered"].tolist() == [True, True, True, False, True, True]
    assert batch["transmit_command.rt"].tolist() == [0, 0, 8, 0, 0, 0]
    assert batch["count"].tolist() == [32, 2, 2, 4, 0, 1]
    assert batch["data"][0].tolist() == data
    assert batch["data"][1:, :4].tolist() == [[7, 8, 0, 0], [1, 2, 0, 0], [1, 2, 3, 4], [0] * 4, [0xABCD, 0, 0, 0]]
    assert batch["block.bus"].tolist() == [0, 1, 0, 0, 0, 0]
    assert batch["block.timeout"].tolist() == [False, False, False, True, False, False]
    assert batch["status.message_error"].tolist() == [False, True, False, False, False, False]
    assert (batch.received_ns - TIME_NS).tolist() == [0, 20_000, 0, 0, 0, 0]
    assert batch["gap1"] == pytest.approx(5.1)


def test_arinc429():
    word = 1 << 31 | 0b11 << 29 | 0x5A5A5 << 10 | 0b10 << 8 | int(f"{0o203:08b}"[::-1], 2)
    first, second = 500 | 1 << 21 | 7 << 24, 36 | 1 << 22 | 1 << 23 | 8 << 24
    batch = decoded(of(0x38, pack("<IIIII", 2, first, word, second, 0)))
    assert batch["word.label"].tolist() == [0o203, 0]
    assert [batch[f"word.{name}"][0] for name in ("parity", "ssm", "data", "sdi")] == [1, 3, 0x5A5A5, 2]
    assert batch["bus"].tolist() == [7, 8]
    assert batch["high_speed"].tolist() == [True, False]
    assert batch["parity_error"].tolist() == batch["format_error"].tolist() == [False, True]
    assert (batch.received_ns - TIME_NS).tolist() == [0, 3600]


def test_discretes_in_low_and_in_high_bits():
    low = decoded(of(0x29, pack("<I", 8 << 3) + stamp(1) + pack("<I", 0xA5)))
    high = decoded(of(0x29, pack("<I", 8 << 3 | 2) + stamp(1) + pack("<I", 0xA5 << 24)))
    for batch in (low, high):
        assert batch["state"].tolist() == [0xA5]
        assert [batch[f"bits.bit{bit}"][0] for bit in range(8)] == [1, 0, 1, 0, 0, 1, 0, 1]
        assert batch.received_ns.tolist() == [TIME_NS + 1000]


@pytest.mark.parametrize("absolute", [False, True])
def test_events(absolute):
    one = stamp(3) + (bytes(8) if absolute else b"") + pack("<I", 5 | 2 << 12 | 1 << 28)
    batch = decoded(of(0x02, pack("<I", 2 | absolute << 31) + one + one))
    assert batch["number"].tolist() == [5, 5]
    assert batch["count"].tolist() == [2, 2]
    assert batch["recording"].all()


def test_can():
    short = stamp(1) + pack("<II", 4 | 2 << 16, 1 << 30 | 0x123)
    long = stamp(2) + pack("<II", 9 | 3 << 16 | 1 << 31, 1 << 31 | 0x1ABCDEF0) + bytes(range(1, 6)) + b"\0"
    batch = decoded(of(0x78, pack("<I", 2) + short + long))
    assert batch["identifier"].tolist() == [0x123, 0x1ABCDEF0]
    assert batch["subchannel"].tolist() == [2, 3]
    assert batch["extended"].tolist() == batch["data_error"].tolist() == [False, True]
    assert batch["remote"].tolist() == [True, False]
    assert batch["count"].tolist() == [0, 5]
    assert bytes(batch["data"][1]) == b"\1\2\3\4\5\0\0\0"


@pytest.mark.parametrize("stamped", [False, True])
def test_uart(stamped):
    head = stamp(9) if stamped else b""
    body = pack("<I", stamped << 31) + head + pack("<HH", 3, 0) + b"abc\0" + head + pack("<HH", 2, 7) + b"de"
    packet = of(0x50, body)
    at = TIME_NS + 9000 * stamped
    assert channel_of(packet, Tmats()).deliver(packet).pieces == [(0, b"abc", at), (7, b"de", at)]


def test_ethernet_and_messages():
    frame = bytes(range(12)) + b"\x08\0payload"
    packet = of(0x68, pack("<I", 1) + stamp(4) + pack("<HH", len(frame) | 1 << 15, 0x0103) + frame + b"\0")
    batch = decoded(packet)
    assert batch["destination"][0] == bytes(range(6))
    assert batch["type"].tolist() == [0x0800]
    assert batch["data"][0] == b"payload"
    packet = of(0x30, pack("<I", 2) + 2 * (stamp(4) + pack("<HH", 2, 3) + b"hi"))
    assert [data for _, data, _ in channel_of(packet, Tmats()).deliver(packet).pieces] == [b"hi", b"hi"]


def test_transport_packets_turned_round_and_stamped():
    packets = [b"\x47\x01\x23" + bytes((0x10 | count,)) + bytes(range(184)) for count in range(3)]
    turned = [np.frombuffer(each, "<u2").byteswap().tobytes() for each in packets]
    stamped = b"".join(stamp(number) + each for number, each in enumerate(turned))
    for body in (pack("<I", 0) + b"".join(packets), pack("<I", 0) + b"".join(turned), pack("<I", 1 << 30) + stamped):
        batch = decoded(of(0x40, body))
        assert batch["header.pid"].tolist() == [0x123] * 3
        assert batch["header.continuity"].tolist() == [0, 1, 2]
        assert batch.valid.all()


TMATS = """G\\PN:PCM test;
R-1\\ID:REC;R-1\\TK1-1:4;R-1\\DSI-1:TM;R-1\\CDT-1:PCMIN;R-1\\PDLN-1:LINK;
P-3\\DLN:LINK;P-3\\F1:12;P-3\\MF\\N:4;P-3\\MF1:6;P-3\\MF2:84;P-3\\MF4:24;P-3\\MF5:111110101111001100100000;
P-3\\IDC1-1:2;P-3\\IDC2-1:12;P-3\\IDC3-1:9;P-3\\IDC4-1:4;"""
SYNC = 0xFAF320
WORDS = [0x123, 0xAB5, 0xFFF, 0x000, 0x801]


def recorded(bits: str, container: int) -> bytes:
    """Bits as a recorder stores them: in little-endian words of 16 or 32 bits, filled up."""
    bits += "0" * (-len(bits) % container)
    letter = {16: "H", 32: "I"}[container]
    return b"".join(pack(f"<{letter}", int(bits[at : at + container], 2)) for at in range(0, len(bits), container))


def minor_frame(container: int, *, unpacked: bool) -> bytes:
    lengths = [(24, SYNC), *((12, word) for word in WORDS)]
    if unpacked:
        lengths = [(-(-bits // container) * container, value) for bits, value in lengths]
    return recorded("".join(f"{value:0{bits}b}" for bits, value in lengths), container)


@pytest.mark.parametrize("unpacked", [False, True])
@pytest.mark.parametrize("container", [16, 32])
def test_minor_frames_by_tmats(container, unpacked):
    word = 1 << 30 | (1 << 18 if unpacked else 1 << 19) | (container == 32) << 21
    head = bytes(2 if container == 16 else 4)
    frames = b"".join(stamp(100 * number) + head + minor_frame(container, unpacked=unpacked) for number in range(3))
    batch = decoded(of(0x09, pack("<I", word) + frames), parse_tmats(TMATS))
    assert batch.packet == "irig106_pcm_4"
    assert batch["sync"].tolist() == [SYNC] * 3
    assert [batch[f"word_{number}"][0] for number in (1, 3, 4, 5)] == [0x123, 0xFFF, 0, 0x801]
    assert (batch["word_2_above"].tolist(), batch["subframe"].tolist()) == ([0xAB] * 3, [5] * 3)  # bits 9 to 12 of it
    assert (batch.received_ns - TIME_NS).tolist() == [0, 100_000, 200_000]


def test_minor_frames_without_tmats_are_found_by_their_stamps():
    frames = b"".join(stamp(100 * number) + bytes(2) + minor_frame(16, unpacked=False) for number in range(5))
    batch = decoded(of(0x09, pack("<I", 1 << 30 | 1 << 19) + frames))
    assert len(batch) == 5
    assert batch["words"].shape == (5, 6)
    assert batch["words"][0, :2].tolist() == [0xFAF3, 0x2012]


def test_throughput_is_the_stream_in_its_order():
    packet = of(0x09, pack("<I", 1 << 20) + b"\x01\x00\x03\x02\x05")
    assert channel_of(packet, parse_tmats(TMATS)).deliver(packet).pieces == [(0, b"\x00\x01\x02\x03\x05", TIME_NS)]


ANALOG = "R-1\\TK1-1:4;R-1\\CDT-1:ANAIN;R-1\\ASR-1:1000;R-1\\AMN-1-1:left;R-1\\AF-1-1:{};"


@pytest.mark.parametrize(("form", "wanted"), [("2", [-1, 2, -32768, 4]), ("U", [65535, 2, 32768, 4])])
def test_analog_rows_at_the_rate_of_tmats(form, wanted):
    word = 16 << 2 | 2 << 16 | 1 << 28
    batch = decoded(of(0x21, pack("<I4H", word, 0xFFFF, 2, 0x8000, 4)), parse_tmats(ANALOG.format(form)))
    assert batch["samples"].reshape(-1).tolist() == wanted
    assert (batch.received_ns - TIME_NS).tolist() == [0, 1_000_000]


@pytest.mark.parametrize(("mode", "shift"), [(1, 4), (3, 0)])
def test_analog_unpacked_twelve_bits(mode, shift):
    samples = [1, -1, 2047, -2048]
    body = pack("<I", mode | 12 << 2 | 1 << 16 | 1 << 28) + pack("<4H", *((each & 0xFFF) << shift for each in samples))
    assert decoded(of(0x21, body))["sample"].tolist() == samples


def test_analog_packed_twelve_bits():
    samples = [1, -1, 2047, -2048]
    bits = "".join(f"{each & 0xFFF:012b}" for each in samples)
    assert decoded(of(0x21, pack("<I", 12 << 2 | 1 << 16 | 1 << 28) + recorded(bits, 16)))["sample"].tolist() == samples


def test_tmats_of_a_channel():
    told = parse_tmats(TMATS)
    assert told.program == "PCM test"
    assert (told.channels[4].name, told.channels[4].kind) == ("TM", "PCMIN")
    frame = told.pcm(4)
    assert frame is not None
    assert (frame.bits, frame.minor_frames, len(frame.word_bits)) == (84, 4, 5)
    assert told.pcm(5) is None
    assert parse_tmats(TMATS.replace("MF2:84", "MF2:85")).pcm(4) is None  # says two things
    assert parse_tmats("R-1\\RI4:01-22-2018-21-14-10;").year == 2018
    assert parse_tmats("P-1\\DLN:x").year == 0


@given(st.text(alphabet="RPG-\\TK1DSI:;0123456789\n ", max_size=200))
def test_any_text_is_a_setup_record(text):
    told = parse_tmats(text)
    for channel in range(10):
        told.pcm(channel)


@given(
    st.sampled_from(sorted({*RECORDS, 0x00, 0x09, 0x21, 0x30, 0x40, 0x41, 0x50, 0x68, 0x69, 0x7A, 0xFF})),
    st.binary(max_size=300),
    st.integers(0, 0xFFFFFFFF),
)
def test_any_body_gives_pieces_no_longer_than_itself_and_accounts_for_it(kind, rest, word):
    for body in (rest, pack("<I", word) + rest):
        packet = of(kind, body)
        channel = channel_of(packet, parse_tmats(TMATS))
        brought = channel.deliver(packet)
        assert 0 <= brought.carried <= brought.consumed <= len(body)
        if channel.framing == "datagram":
            assert brought.carried == sum(len(data) for _, data, _ in brought.pieces)
        made = VehicleDecoder(channel.vehicle, "link")
        receiver = framer("datagram") if channel.framing == "datagram" else framer(**channel.framing)
        for _, data, at in brought.pieces:
            made.decode(receiver.receive(data, at))
        assert not made.malformed or kind == 0x68  # an Ethernet frame may be short
        assert receiver.ledger.pending == receiver.ledger.discarded == 0


def test_kinds_have_names():
    assert [kind_of(each) for each in (0x00, 0x02, 0x09, 0x19, 0x1A, 0x50, 0x68, 0x69, 0x78, 0x7A, 0xC3)] == [
        "computer",
        "event",
        "pcm",
        "1553",
        "16pp194",
        "uart",
        "ethernet",
        "arinc664",
        "can",
        "fibre",
        "typec3",
    ]


@pytest.mark.parametrize("text", ["a" * 4_000_000, " " * 4_000_000, "a:" + "\nR-1\\" * 800_000, ":" * 4_000_000])
def test_a_setup_record_of_rubbish_is_passed_over_in_one_pass(text):
    assert parse_tmats(text).channels == {}


def test_a_count_of_words_that_lies_is_not_counted_to():
    told = r"R-1\TK1-1:1;R-1\PDLN-1:x;P-1\DLN:x;P-1\MF5:1010;P-1\F1:16;P-1\MF1:5;"
    told += r"P-1\MFW\N:99999999;P-1\MFW1-1:2;P-1\MFW2-1:8;"
    frame = parse_tmats(told).pcm(1)
    assert frame is not None
    assert frame.word_bits == (16, 8, 16, 16)


def test_events_are_named_by_their_description_first():
    told = parse_tmats(r"R-1\EV\ID-1:short;R-1\EV\D-1:first;R-2\EV\D-1:second;R-1\EV\ID-2:only;R-1\EV\D-x:none;")
    assert told.events == {1: "first", 2: "only"}
