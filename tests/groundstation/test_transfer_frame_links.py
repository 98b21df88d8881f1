"""Links of transfer frames as a campaign names them: any framing inside, packets decoded behind, everything counted."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from construct import Int8ub, Int16ub, Struct

from groundstation.campaign import make_framer
from groundstation.pipeline import LinkPath
from groundstation.transmitters import radio_framing, transmitter
from protocols.ccsds.space_packet import SPACE_PACKET, build
from protocols.ccsds.transfer_frame_link import TransferFrameLink
from protocols.chunk import Chunk
from protocols.errors import DeclarationError
from protocols.packet import Packet, Vehicle
from protocols.signal import Signal

STAGE = {"kind": "aos", "fecf": True, "scid": 56, "vcids": [2, 3]}
INSIDE: list[dict[str, Any]] = [
    {"kind": "fixed", "frame_length": 223},
    {"kind": "fixed", "frame_length": 225, "check": "crc-16/ibm-3740"},
    {"kind": "asm", "frame_length": 223},
    {"kind": "asm", "frame_length": 227, "check": "crc-32/iso-hdlc"},
]
SENT = [build(apid, number, bytes([number % 256] * (10 + 7 * apid))) for number in range(200) for apid in (1, 9, 30)]
LANDER = Vehicle(
    "lander",
    "A lander",
    (Packet("first", Struct("code" / Int8ub, "word" / Int16ub), key=1852), Packet("second", Int16ub, key=392)),
    header=SPACE_PACKET,
)


@pytest.mark.parametrize("inside", INSIDE)
def test_packets_sent_in_frames_of_any_framing_come_back(inside: dict[str, Any]) -> None:
    made, other = (make_framer({**inside, "transfer_frames": STAGE}) for _ in range(2))
    stream = made.encode(SENT[:300]) + made.encode(SENT[300:])
    got = [packet for at in range(0, len(stream), 777) for packet in made.receive(stream[at : at + 777], at)]
    assert got == SENT
    pieces = [stream[at : at + 777] for at in range(0, len(stream), 777)]
    assert list(other.receive_many(pieces, list(range(len(pieces))))) == SENT
    for link in (made, other):
        assert link.ledger.balanced
        assert link.ledger.bytes_in == len(stream)
        assert link.counts()["transfer_frames"] == link.ledger.frames
        told = link.counts()["virtual_channels"]["aos/56/2"]
        assert (told["packets"], told["gaps"], told["discarded"]) == (len(SENT), 0, 0)


def test_a_recording_off_the_air_is_decoded_and_counted(data: Path) -> None:
    stream = (data / "ccsds_frames_deepspace" / "Lunar_Flashlight_hakuto_frames_20221211_232308Z.u8").read_bytes()
    path = LinkPath("lunar", LANDER, {"kind": "fixed", "frame_length": 1113, "transfer_frames": "aos"})
    half = len(stream) // 2
    path.receive(Chunk("lunar", stream[:half], 1))
    fork = path.fork()
    for each in (path, fork):
        batches = each.receive(Chunk("lunar", stream[half:], 2))
        assert [batch.packet for batch in batches] == ["first"], "the others are in the first half"
        told = orjson.loads(orjson.dumps(each.counts()))
        assert told["packets"] == {"first": 52, "second": 3}
        assert told["frames"] == told["transfer_frames"] == 47
        assert told["virtual_channels"]["aos/56/2"]["apids"] == {"1852": 52, "2047": 36, "392": 3}
        assert told["sequence_gaps"] == 0


def test_frames_off_the_air_of_a_radio_link_give_their_packets() -> None:
    stage = {"kind": "tm", "frame_length": 223, "vcids": 1, "fecf": True}
    framing = {"kind": "ccsds_tm", "frame_length": 223, "transfer_frames": stage}
    table = radio_framing(Signal("cs16", 96_000.0, 437e6), [transmitter("fsk:9600", framing)])
    path = LinkPath("radio", LANDER, table)
    assert isinstance(path.framer, TransferFrameLink)
    sent = [build(1852, number, bytes(100)) for number in range(12)]
    silence = bytes(4 * 20_000)
    stream = silence + path.framer.encode(sent) + silence
    frames = path.framer.receive(stream, 10**15)
    assert [*frames, *path.framer.finish()] == sent
    assert frames.eb_n0 is not None, "packets are as strong as the frames that completed them"
    assert len(frames.eb_n0) == len(frames)
    assert path.counts()["virtual_channels"]["tm/0/1"]["gaps"] == 0
    assert path.framer.report()["transmitters"]


@pytest.mark.parametrize(
    ("stage", "named"),
    [
        ("tc", "tc"),
        (7, "want tm, aos or auto"),
        ({"colour": "red"}, "no option 'colour'"),
        ({"kind": "aos", "frame_length": "223"}, "frame_length '223'"),
        ({"kind": "aos", "insert_zone": 2.5}, "insert_zone 2.5"),
    ],
)
def test_wrong_options_are_refused_and_named(stage: Any, named: str) -> None:
    with pytest.raises(DeclarationError, match=named):
        make_framer({"kind": "fixed", "frame_length": 223, "transfer_frames": stage})


def test_to_send_kind_and_length_must_be_known() -> None:
    for inside, stage in (({"kind": "cobs"}, {"kind": "tm"}), (INSIDE[0], {"kind": "auto"})):
        with pytest.raises(DeclarationError, match="to send"):
            make_framer({**inside, "transfer_frames": stage}).encode(SENT[:1])
    made = make_framer({"kind": "cobs", "transfer_frames": {"kind": "tm", "frame_length": 100}})
    assert isinstance(made, TransferFrameLink)
    assert list(made.receive(made.encode(SENT[:9]), 0)) == SENT[:9]


def test_transmitters_of_one_link_cannot_differ_in_their_stage() -> None:
    plain = transmitter("fsk:9600", "ccsds_tm?frame_length=223")
    staged = transmitter("fsk:4800", {"kind": "ccsds_tm", "frame_length": 223, "transfer_frames": "tm"})
    signal = Signal("cf32_le", 96_000)
    assert radio_framing(signal, [staged, staged])["transfer_frames"] == "tm"
    with pytest.raises(DeclarationError, match="give others another link"):
        radio_framing(signal, [plain, staged])
