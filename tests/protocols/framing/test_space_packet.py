"""Space packets back to back: real files of them, and streams that lose bytes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ccsds.space_packet import build
from protocols.errors import DeclarationError
from protocols.framer import framer

COUNTED = {
    "ccsds_xtce_spp/jpss/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1": (0, 7200),
    "ccsds_xtce_spp/suda/sciData_2022_130_17_41_53.spl": (4, 13),
}


@pytest.mark.parametrize("name", COUNTED)
def test_real_files_have_the_packets_that_their_truth_counts(data: Path, name: str) -> None:
    skip, count = COUNTED[name]
    truth = json.loads((data / "ccsds_xtce_spp" / "truth.json").read_bytes())
    (told,) = (each for each in truth if name.endswith(each["packets_file"]))
    made, stream, found = framer("space_packet", skip=skip), (data / name).read_bytes(), 0
    for begin in range(0, len(stream), 4096):
        found += len(made.receive(stream[begin : begin + 4096], begin))
    assert found == told["packets"] == count
    assert (made.ledger.frame_bytes, made.ledger.discarded, made.ledger.pending) == (len(stream), 0, 0)
    assert made.sync_state == "lock"


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=3, max_size=20), st.integers(1, 200), st.data())
def test_with_a_check_lost_bytes_cost_the_packets_they_are_of_and_no_other(
    bodies: list[bytes], lost: int, data: st.DataObject
) -> None:
    made = framer("space_packet", check="crc-32/iso-hdlc", longest=60)
    packets = [build(11, count, bytes(each | 0xE0 for each in body)) for count, body in enumerate(bodies)]  # no lengths
    sent = [made.encode([packet]) for packet in packets]
    at = data.draw(st.integers(0, len(b"".join(sent)) - 1))
    end, ends = min(at + lost, len(b"".join(sent))), [len(b"".join(sent[: n + 1])) for n in range(len(sent))]
    stream = b"".join(sent)[:at] + b"".join(sent)[end:]
    whole = [
        packet for packet, begin, after in zip(packets, [0, *ends], ends, strict=False) if after <= at or begin >= end
    ]
    got = list(made.receive(stream + b"\xff" * made.bound, 0))  # what follows is no packet: nothing waits for more
    assert set(got) <= set(packets)
    behind = [packet for packet, begin in zip(packets, [0, *ends], strict=False) if begin >= end]
    safe = whole if len(behind) > 1 else whole[: len(whole) - len(behind)]  # one alone is not believed
    left = iter(got)
    assert all(packet in left for packet in safe), "in their order"
    assert len(got) <= len(whole) + 1  # what is left of two packets may be one by chance


def test_a_packet_whose_check_fails_costs_no_other() -> None:
    made = framer("space_packet", check="crc-16/ibm-3740")
    packets = [build(5, count, bytes(20)) for count in range(5)]
    stream = bytearray(made.encode(packets))
    stream[2 * 28 + 10] ^= 1
    assert list(made.receive(bytes(stream), 0)) == packets[:2] + packets[3:]
    assert (made.ledger.crc_failures, made.ledger.discarded, made.sync_state) == (1, 28, "lock")


def test_bytes_before_each_packet_are_skipped_and_accounted_for() -> None:
    made = framer("space_packet", skip=4)
    packets = [build(5, count, bytes(count + 1)) for count in range(40)]
    stream = b"".join(b"\xff\xee\xdd" + bytes((count,)) + packet for count, packet in enumerate(packets))
    assert list(made.receive(stream, 0)) == packets
    assert made.ledger.frame_bytes == len(stream)


@pytest.mark.parametrize("bad", [b"short", b"\x08\x0b\xc0\x00\x00\x05no", b"\x28\x0b\xc0\x00\x00\x01no"])
def test_what_is_no_packet_is_not_encoded(bad: bytes) -> None:
    with pytest.raises(DeclarationError, match="no space packet"):
        framer("space_packet").encode([bad])


@pytest.mark.parametrize("options", [{"skip": -1}, {"longest": 6}, {"longest": 70_000}])
def test_options_no_packet_has_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(DeclarationError, match="longest 7 to 65,542"):
        framer("space_packet", **options)
