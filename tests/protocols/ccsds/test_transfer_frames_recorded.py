"""Transfer frames of 18 recordings off the air against what others counted in them, and a second, naive way to count.

The published counts take packets of any version for space packets, frames that were sent again for new ones, and frames
with a wrong error control field for good; where that matters (five recordings) the naive way shows that nothing else
differs: told to count so, it finds what was published; told the rules of the standards, it finds what we do.
"""

import io
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import ccsdspy.utils
import numpy as np
import pytest

from protocols.ccsds.frame_stage import TransferFrames
from protocols.ccsds.multiplexer import Multiplexer
from protocols.ccsds.space_packet import space_packets
from protocols.coding.crc import crc
from protocols.frames import Frames

FOLDER = "ccsds_frames_deepspace"
NAMES = [
    "Aditya-L1_aditya",
    "ArtemisI_hmap",
    "CE5_ATA_2021-08-29",
    "CE5_ATA_2021-09-18",
    "DART_dart_8421657814Hz_09-24-50",
    "DART_dart_8421657814Hz_09-34-42",
    "EMM_emm",
    "ESCAPADE_escapade_blue",
    "Euclid_Euclid",
    "Hera_hera_low_rate",
    "IM-1_im1",
    "INTEGRAL_integral",
    "KPLO_camras",
    "Lunar_Flashlight_hakuto_frames_20221211_224843Z",
    "Lunar_Flashlight_hakuto_frames_20221211_232308Z",
    "Lunar_Flashlight_lunar_flashlight",
    "Mars2020_safemode",
    "Psyche_Psyche",
]
OTHER_VERSIONS = {"EMM_emm", "ESCAPADE_escapade_blue", "IM-1_im1", "INTEGRAL_integral", "KPLO_camras"}
"""Recordings with data that are no packets of version 0 or 7, such as encrypted data and telemetry segments."""


def recording(data: Path, name: str) -> tuple[dict[str, Any], Frames]:
    """A recording's published counts, and its frames without their error control fields."""
    truth = next(t for t in json.loads((data / FOLDER / "truth.json").read_text()) if t["file"].startswith(name))
    rows = np.fromfile(data / FOLDER / truth["file"], np.uint8).reshape(-1, truth["frame_len"])
    return truth, Frames.equal(np.ascontiguousarray(rows[:, :-2]) if truth["fecf_present"] else rows, 0)


def naively(frames: list[bytes], *, strict: bool) -> dict[str, Counter[int]]:
    """Packets by virtual channel and APID, one byte string after the other; strict: by the standards' rules."""
    found: dict[str, Counter[int]] = {}
    open_packets: dict[int, bytes | None] = {}
    counts: dict[int, int] = {}
    before: dict[int, bytes] = {}
    for frame in frames:
        aos = frame[0] >> 6 == 1
        channel = frame[1] & 63 if aos else frame[1] >> 1 & 7
        count, modulo = (int.from_bytes(frame[2:5], "big"), 1 << 24) if aos else (frame[3], 256)
        counted = found.setdefault(str(channel), Counter())
        if strict and before.get(channel) == frame:
            continue
        if channel in counts and (count - counts[channel]) % modulo != 1:
            open_packets[channel] = None
        counts[channel], before[channel] = count, frame
        at = 6 if aos else 4
        first = int.from_bytes(frame[at : at + 2], "big") & 0x7FF
        begin = 8 if aos else 7 + (frame[6] & 63) if frame[4] >> 7 else 6
        zone = frame[begin : len(frame) - (0 if aos else 4 * (frame[1] & 1))]
        if first == 0x7FE or (aos and channel == 63):
            continue
        rest = open_packets.get(channel)
        if first == 0x7FF:
            open_packets[channel] = None if rest is None else taken(rest + zone, counted, strict=strict)
        elif first >= len(zone):
            open_packets[channel] = None
        else:
            if rest is not None:
                trial: Counter[int] = Counter()
                if not taken(rest + zone[:first], trial, strict=strict) and (not strict or trial.total() <= 1):
                    counted.update(trial)
            open_packets[channel] = taken(zone[first:], counted, strict=strict)
    return found


def taken(data: bytes, counted: Counter[int], *, strict: bool) -> bytes | None:
    """Count the packets that begin data; the rest. None where a packet of an unknown version follows."""
    while data:
        if strict and data[0] >> 5 == 7:
            size = (1, 2, 4, 8)[data[0] & 3]
            if len(data) < size:
                return data
            length = int.from_bytes(data[size // 2 : size], "big") if size > 1 else 1
            if not size <= length <= 65542:
                return None
        elif strict and data[0] >> 5:
            return None
        elif len(data) < 6:
            return data
        else:
            length = int.from_bytes(data[4:6], "big") + 7
        if len(data) < length:
            return data
        if not (strict and data[0] >> 5):
            counted[int.from_bytes(data[:2], "big") & 0x7FF] += 1
        data = data[length:]
    return data


def agrees(counted: Counter[int], published: dict[str, int]) -> bool:
    """Whether the published counts, of at most twelve APIDs, are those of the most frequent ones."""
    least = min(published.values(), default=0)
    known = {int(apid): count for apid, count in published.items()}
    others = [count for apid, count in counted.items() if apid not in known]
    return all(counted[apid] == count for apid, count in known.items()) and (
        not others or (len(known) == 12 and max(others) <= least)
    )


def apids(stage: TransferFrames) -> dict[str, Counter[int]]:
    """Packets by virtual channel and APID."""
    channels = stage.counts()["virtual_channels"].items()
    return {
        name.split("/")[2]: Counter({int(apid): count for apid, count in each["apids"].items()})
        for name, each in channels
    }


def test_every_recording_is_named_here(data: Path) -> None:
    files = [each["file"] for each in json.loads((data / FOLDER / "truth.json").read_text())]
    assert [sum(file.startswith(name) for file in files) for name in NAMES] == [1] * len(files)


@pytest.mark.parametrize("name", NAMES)
def test_frames_channels_and_gaps_are_those_published(data: Path, name: str) -> None:
    truth, frames = recording(data, name)
    stage = TransferFrames()
    stage.receive(frames)
    assert stage.frames == truth["frames"]
    assert (stage.malformed_frames, stage.fecf_failures) == (0, 0)
    assert stage.zones.balanced
    found = stage.counts()["virtual_channels"]
    kind = "aos" if "1" in truth["version"] else "tm"
    (scid,) = truth["scid"]
    assert set(found) == {f"{kind}/{scid}/{vcid}" for vcid in truth["vcid"]}
    for vcid, count in truth["vcid"].items():
        each, published = found[f"{kind}/{scid}/{vcid}"], truth["vc_counter"][vcid]
        assert each["frames"] + each["duplicates"] == count
        assert each["gaps"] + each["duplicates"] == published["gaps"], "a repeated frame's count does not go up either"
        assert each["missing"] == published["missing"]


@pytest.mark.parametrize("name", NAMES)
def test_packets_by_apid_are_those_published(data: Path, name: str) -> None:
    truth, frames = recording(data, name)
    stage = TransferFrames()
    packets = stage.receive(frames)
    pieces, published = list(frames), truth["space_packets_if_M_PDU"]
    found, loosely = apids(stage), naively(pieces, strict=False)
    assert all(agrees(counted, published.get(vcid, {})) for vcid, counted in loosely.items())
    assert {vcid: +counted for vcid, counted in found.items()} == naively(pieces, strict=True)
    assert (name in OTHER_VERSIONS) != all(agrees(each, published.get(vcid, {})) for vcid, each in found.items())
    assert len(space_packets(packets.data.tobytes())) == len(packets) + 1, "they follow each other by their lengths"


@pytest.mark.parametrize(("name", "frames", "wrong"), [("EMM_emm", 553, 0), ("Mars2020_safemode", 4, 1)])
def test_error_control_fields_are_verified(data: Path, name: str, frames: int, wrong: int) -> None:
    truth, _ = recording(data, name)
    rows = np.fromfile(data / FOLDER / truth["file"], np.uint8).reshape(-1, truth["frame_len"])
    stage = TransferFrames("aos", fecf=True, frame_length=truth["frame_len"])
    stage.receive(Frames.equal(rows, 0))
    assert (stage.frames, stage.fecf_failures) == (frames, wrong)
    assert frames - wrong == truth["fecf_valid"]
    assert sum(each["frames"] for each in stage.counts()["virtual_channels"].values()) == truth["fecf_valid"]


@pytest.mark.parametrize("name", ["Euclid_Euclid", "DART_dart_8421657814Hz_09-24-50"])
def test_another_package_reads_the_packets(data: Path, name: str) -> None:
    _, frames = recording(data, name)
    stage = TransferFrames("tm", keep_idle=True)
    packets = stage.receive(frames)
    stream = io.BytesIO(packets.data.tobytes())
    assert ccsdspy.utils.count_packets(stream) == len(packets)
    stream.seek(0)
    split = {apid: len(read.getvalue()) for apid, read in ccsdspy.utils.split_by_apid(stream).items()}
    counted = sum(apids(stage).values(), Counter())
    assert set(split) == set(counted)
    assert sum(split.values()) == len(packets.data) == stage.zones.packet_bytes + _idle_packet_bytes(packets)


def _idle_packet_bytes(packets: Frames) -> int:
    return sum(len(packet) for packet in packets if int.from_bytes(packet[:2], "big") & 0x7FF == 0x7FF)


@pytest.mark.parametrize("kind", ["tm", "aos"])
def test_jpss_packets_go_into_frames_and_come_back(data: Path, kind: str) -> None:
    stream = (data / "ccsds_xtce_spp" / "jpss" / "J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1").read_bytes()
    edges = space_packets(stream).tolist()
    sent = [stream[begin:end] for begin, end in pairwise(edges)]
    made = Multiplexer(kind, 1115, scid=159, vcid=6, fecf=True, ocf=True)
    frames = made.frames(sent)
    assert {len(frame) for frame in frames} == {1115}
    assert all(crc("crc-16/ibm-3740").good(frame) for frame in frames)
    stage = TransferFrames(kind, fecf=True, ocf=True)
    assert list(stage.receive(Frames.of(frames, 0))) == sent
    assert apids(stage)["6"][11] == 7200
    assert stage.zones.discarded == 0
