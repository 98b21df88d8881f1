"""Receivers' streams against pyubx2's counts of real files, and against what was sent."""

import json
from functools import reduce
from itertools import pairwise
from operator import xor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import DeclarationError
from protocols.framer import framer
from protocols.gnss.messages import Scan

FILES = ("ALL", "BADCK2", "MIXED", "NAV", "NMEA")
QUICK = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="session")
def truth(data):
    return {each["file"]: each for each in json.loads((data / "gnss_ubx/truth.json").read_text())}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("piece", [1 << 20, 977, 1])
def test_real_files_message_by_message(data, truth, name, piece):
    told, stream = truth[f"pygpsdata-{name}.log"], (data / f"gnss_ubx/pygpsdata-{name}.log").read_bytes()
    made = framer("gnss")
    frames = [frame for at in range(0, len(stream), piece) for frame in made.receive(stream[at : at + piece], at)]
    counts = made.counts()
    assert counts["messages"] == told["by_type"]
    assert len(frames) == told["messages"] == sum(counts[each] for each in ("ubx", "nmea", "rtcm3"))
    assert made.ledger.crc_failures == told["errors"]
    assert (made.ledger.discarded, made.ledger.pending) == (532 if name == "BADCK2" else 0, 0)
    for index, wire, _ in told["samples"]:
        sent = bytes.fromhex(wire.rstrip("\u2026"))[:-2]  # a long one is told in part
        taken = frames[index]
        content = sent[6:] if sent.startswith(b"\xb5b") else sent[1:-3]
        assert taken[4 : 4 + len(content)] == content or len(content) < 3
        assert taken.startswith(sent[:4] if sent.startswith(b"\xb5b") else (b"$", b"P"))


def sentence(text):
    return b"$%b*%02X\r\n" % (text, reduce(xor, text, 0))


PRINTABLE = st.lists(st.sampled_from(b"0123456789.,-ABNSWE "), max_size=70).map(bytes)
UBX = st.builds(
    lambda kind, payload: b"\xb5b" + kind + payload, st.binary(min_size=2, max_size=2), st.binary(max_size=90)
)
NMEA = st.builds(
    lambda talker, formatter, text: b"$" + formatter + talker + formatter + text,
    st.sampled_from([b"GP", b"GN", b"GA"]),
    st.sampled_from([b"GGA", b"RMC", b"TXT", b"XYZ"]),
    PRINTABLE.map(lambda text: b"," + text),
)
OWN = st.sampled_from([b"PUBXPUBX,00,1", b"PGRMPGRME,1.0,M", b"PMTKPMTK001,3", b"!VDM" + b"AIVDM,1,1,,A,x,0"])
RTCM = st.builds(
    lambda payload: b"\xd3\x00" + (int.from_bytes(payload[:2], "big") >> 4).to_bytes(2, "big") + payload,
    st.binary(min_size=2, max_size=300),
)
MESSAGES = st.lists(st.one_of(UBX, NMEA, OWN, RTCM), max_size=12)


@QUICK
@given(sent=MESSAGES, cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_messages_of_all_protocols_come_back_in_order(sent, cuts):
    made = framer("gnss")
    stream = made.encode(sent)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    got = [frame for a, b in pairwise(edges) for frame in made.receive(stream[a:b], a)]
    assert got == sent
    assert (made.ledger.discarded, made.ledger.pending) == (0, 0)


@QUICK
@given(sent=MESSAGES, noise=st.lists(st.binary(max_size=40).filter(lambda each: not set(each) & set(b"\xb5$!\xd3"))))
def test_between_lines_of_something_else_none_is_lost(sent, noise):
    made = framer("gnss")
    pairs = zip(sent, [*noise, *[b""] * len(sent)], strict=False)
    stream = b"".join(between + made.encode([body]) for body, between in pairs)
    assert list(made.receive(stream, 0)) == sent


@QUICK
@given(text=PRINTABLE, at=st.integers(0, 200), bit=st.integers(0, 6))
def test_a_flipped_bit_costs_its_sentence_alone(text, at, bit):
    broken = bytearray(sentence(b"GPTXT," + text))
    at = 1 + at % (len(broken) - 3)
    broken[at] ^= 1 << bit
    made = framer("gnss")
    after = sentence(b"GPGLL,after")
    frames = list(made.receive(bytes(broken) + after, 0))
    assert frames[-1] == b"$GLLGPGLL,after"
    assert len(frames) == 1 or broken[at : at + 1].isalpha()  # a check in small letters is good too
    assert made.ledger.balanced


def test_a_sentence_at_the_end_of_a_file_needs_no_line_end():
    made = framer("gnss")
    assert list(made.receive(sentence(b"GPGLL,1") + sentence(b"GPGLL,2")[:-2], 7)) == [b"$GLLGPGLL,1"]
    last = made.finish()
    assert (list(last), last.received_ns.tolist()) == ([b"$GLLGPGLL,2"], [7])
    assert (made.ledger.pending, made.ledger.discarded, made.ledger.balanced) == (0, 0, True)
    assert len(made.finish()) == 0


def test_text_files_have_other_line_ends_and_no_check_is_no_sentence():
    made = framer("gnss")
    stream = sentence(b"GPGLL,1").replace(b"\r\n", b"\n") + b"$GPGLL,2\r\n" + sentence(b"GPGLL,3")
    assert list(made.receive(stream, 0)) == [b"$GLLGPGLL,1", b"$GLLGPGLL,3"]
    assert (made.ledger.discarded, made.ledger.crc_failures) == (10, 0)


def test_lengths_beyond_the_limit_hold_nothing_back():
    made = framer("gnss", maximum=100)
    good = made.encode([b"\xb5b\x01\x07" + bytes(100)])
    assert list(made.receive(b"\xb5b\x01\x07\x65\x00" + good, 0)) == [b"\xb5b\x01\x07" + bytes(100)]
    with pytest.raises(DeclarationError, match="not negative"):
        framer("gnss", maximum=-1)


@pytest.mark.parametrize(
    "body", [b"x", b"\xb5b\x01", b"$GGAGPRMC,1", b"$GGAGPGGA,\x80", b"\xd3\x00\x00\x01" + bytes(1024)]
)
def test_what_is_no_message_is_not_sent(body):
    with pytest.raises(DeclarationError, match="is no UBX, NMEA or RTCM 3 message"):
        framer("gnss").encode([body])


NEARLY = st.sampled_from(
    [
        b"\xd3\x00\x05",
        b"\xd3\x03\xff",
        b"\xd3\x04",
        b"$",
        b"!",
        b"*",
        b"\r\n",
        b"$A,1*00\r\n",
        b"x" * 1000,
        b"\xb5b\x01\x07\x02\x00",
    ]
)


@QUICK
@given(
    pieces=st.lists(st.one_of(NEARLY, st.binary(max_size=9), MESSAGES.map(lambda sent: framer("gnss").encode(sent))))
)
def test_messages_checked_together_are_those_checked_one_by_one(pieces):
    """The first failures of a block are found one by one, those that follow by columns."""
    block, found = b"".join(pieces), []
    for few in (0, 1 << 30):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("protocols.gnss.messages._FEW", few)
            scan = Scan(block, 8192)
            found.append((scan.found, scan.done, scan.failures))
    assert found[0] == found[1]


def test_false_starts_are_looked_through_in_one_go():
    """Checks of overlapping messages, and sentences that never end: megabytes of them would be worth minutes."""
    sent = [sentence(b"GPGLL,1"), b"\xd3\x03\xff" * 100_000, b"$" * 1_000_000, bytes(2000), sentence(b"GPGLL,2")]
    made = framer("gnss")
    frames = [*made.receive(b"".join(sent), 0)]
    assert frames == [b"$GLLGPGLL,1", b"$GLLGPGLL,2"]
    assert made.ledger.balanced


def test_kinds_of_messages_counted_by_name_are_bounded():
    made = framer("gnss")
    made.receive(
        b"".join(sentence(b"GP%c%c%c,1" % (65 + n // 676, 65 + n // 26 % 26, 65 + n % 26)) for n in range(2000)), 0
    )
    messages = made.counts()["messages"]
    assert len(messages) == 1025
    assert messages["other"] == 2000 - 1024


def test_the_same_as_pyubx2_finds_in_a_damaged_stream(data):
    """Another reader of the same protocols as judge, where it is installed."""
    pyubx2 = pytest.importorskip("pyubx2")
    from io import BytesIO  # noqa: PLC0415

    stream = (data / "gnss_ubx/pygpsdata-MIXED.log").read_bytes()
    for at in range(1000, 30_000, 3333):
        stream = stream[:at] + stream[at + 1 :]
    reader = pyubx2.UBXReader(BytesIO(stream), protfilter=7, quitonerror=0, parsing=True, validate=1)
    theirs = [raw for raw, parsed in reader if raw and parsed is not None]
    made = framer("gnss")
    ours = made.encode(made.receive(stream, 0))
    missed = [raw for raw in theirs if bytes(raw) not in ours]
    assert not missed
    assert made.ledger.frames >= len(theirs)  # it loses what follows a length that lies
