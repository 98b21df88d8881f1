"""GOMX-1 and GOMX-3: frames off the air, decoded to the values that gr_satellites printed of them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.batch import Batch
from protocols.decoder import VehicleDecoder
from protocols.framer import framer
from protocols.vehicles import vehicle
from tests.protocols.modem.recordings import truth

LINE = re.compile(r"( *)(?:(\w+) = )?(.*?) *$")


def printed(text: str) -> list[dict[str, Any]]:
    """Packets that gr_satellites printed (construct's way), as nested dicts of texts and lists of them."""
    found: list[dict[str, Any]] = []
    stack: list[tuple[int, Any]] = []
    for line in text.splitlines():
        if line.startswith("->"):
            continue
        match = LINE.match(line)
        assert match
        indent, name, value = len(match[1]), match[2], match[3]
        while stack and stack[-1][0] >= indent:
            stack.pop()
        made: Any = {} if value == "Container:" else [] if value == "ListContainer:" else value
        if not stack:
            found.append(made)
        elif isinstance(stack[-1][1], list):
            stack[-1][1].append(made)
        else:
            stack[-1][1][name] = made
        if isinstance(made, (dict, list)):
            stack.append((indent, made))
    return found


def number(text: str) -> float:
    """A printed value as a number: a time as s since 1970, a flag as 0 or 1."""
    if text in ("True", "False"):
        return float(text == "True")
    if "+00:00" in text:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    if text.startswith("(enum)"):
        return float(text.rsplit(maxsplit=1)[-1])
    return float(int(text, 16)) if text.startswith("0x") else float(text)


def decoded(data: Path, name: str) -> list[Batch]:
    """What comes of a recording's frames through its vehicle's framing and decoder, which lose nothing."""
    made = vehicle(name)
    link, decoder = framer(str(made.framing)), VehicleDecoder(made, "radio")
    frames = truth(data, name)
    batches = [batch for frame in frames for batch in decoder.decode(link.receive(frame, 5))]
    assert (decoder.unknown_packets, decoder.malformed, link.ledger.crc_failures) == (0, 0, 0)
    assert sum(map(len, batches)) == len(frames)
    assert all(batch.valid.all() for batch in batches)
    return batches


def text_of(data: Path, name: str) -> str:
    return (data / "sat_wav" / "truth" / f"{name}.tlm.txt").read_text()


IN_MILLIAMPERES = {"curout", "curin", "cursun", "cursys", "last_tx_current"}
AS_BITS = {"eps.output", "hub.switch_status", "adcs.status", "adcs.ads_state", "adcs.acs_state"}
"""Values that are printed as one byte and declared by their bits."""


def test_every_value_of_gomx_1_is_the_printed_one(data: Path) -> None:
    (batch,), (wanted,) = decoded(data, "gomx_1"), printed(text_of(data, "gomx_1"))
    assert batch.packet == "beacon_a"
    compared = 0
    for unit, fields in wanted["beacon"].items():
        for field, values in fields.items():
            path = f"{unit}.{field}"
            if path in AS_BITS:
                continue
            truths = np.array([number(each) for each in values] if isinstance(values, list) else [number(values)])
            scale = 1e-3 if field in IN_MILLIAMPERES else 1.0
            np.testing.assert_allclose(np.ravel(batch[path]), truths * scale, rtol=1e-6, err_msg=path)
            compared += len(truths)
    assert compared == 89
    assert batch["header.time"][0] == number(wanted["beacon_time"])
    assert batch.time is not None
    assert batch.time[0] == number(wanted["beacon_time"])


def bits(batch: Batch, *paths: str) -> int:
    """Flags or small numbers of a byte, first the highest, as the byte."""
    widths = {"state": 4, "wanted": 4, "ping_result": 4, "beacon": 2}
    value = 0
    for path in paths:
        width = widths.get(path.rpartition(".")[2], 1)
        value = value << width | int(batch[path][0])
    return value


def test_the_bits_of_gomx_1_are_those_of_the_printed_bytes(data: Path) -> None:
    (batch,), (wanted,) = decoded(data, "gomx_1"), printed(text_of(data, "gomx_1"))
    beacon = wanted["beacon"]
    switches = ("arm_1", "arm_0", "k1s3", "k1s2", "k1s1", "k1s0", "k0s1", "k0s0")
    got = {
        "output": bits(batch, *(f"eps.output.channel_{bit}" for bit in range(7, -1, -1))),
        "switches": bits(batch, *(f"hub.switch_status.{name}" for name in switches)),
        "status": bits(batch, "adcs.status.magnetic_valid", "adcs.status.detumbled"),
        "ads": bits(batch, "adcs.ads.state", "adcs.ads.wanted"),
        "acs": bits(batch, "adcs.acs.state", "adcs.acs.wanted"),
        "flags": bits(batch, "header.flags.ping_result", "header.flags.live") << 3 | bits(batch, "header.flags.beacon"),
    }
    assert got == {
        "output": int(beacon["eps"]["output"]),
        "switches": int(beacon["hub"]["switch_status"]),
        "status": int(beacon["adcs"]["status"]),
        "ads": int(beacon["adcs"]["ads_state"]),
        "acs": int(beacon["adcs"]["acs_state"]),
        "flags": int(wanted["beacon_flags"]),
    }


def test_both_frames_of_gomx_3_are_decoded_with_the_printed_headers(data: Path) -> None:
    batches, wanted = decoded(data, "gomx_3"), printed(text_of(data, "gomx_3"))
    assert [batch.packet for batch in batches] == ["ping_reply", "beacon_adcs"]
    for batch, told in zip(batches, wanted, strict=True):
        header = {field: number(value) for field, value in told["csp_header"].items()}
        assert {field: float(batch[f"header.csp.{field}"][0]) for field in header} == header
        assert batch["header.type"][0] == number(told["beacon_type"])


def test_the_values_of_gomx_3_are_those_of_its_bytes(data: Path) -> None:
    ping, beacon = decoded(data, "gomx_3")
    assert ping["data"].tolist() == [list(range(1, 20))]
    frame = truth(data, "gomx_3")[1]
    assert beacon["timestamp"].tolist() == [int.from_bytes(frame[5:9], "big")]
    assert beacon["status_timestamp"][0] == beacon["timestamp"][0]
    assert datetime.fromtimestamp(int(beacon["timestamp"][0]), UTC).date().isoformat() == "2016-05-08"
    np.testing.assert_array_equal(beacon["values"][0], np.frombuffer(frame[9:137], ">f4"))
    assert beacon["status"].tolist() == [[-3, -3, -3, -3, -3, -3, 1, -3]]


@pytest.mark.parametrize("name", ["gomx_1", "gomx_3"])
def test_what_no_beacon_has_as_its_key_is_counted_as_unknown(data: Path, name: str) -> None:
    made = vehicle(name)
    decoder, link = VehicleDecoder(made, "radio"), framer("csp")
    frame = truth(data, name)[-1][:-4]
    for other in (bytes((frame[0] ^ 0x20,)) + frame[1:3] + b"\0" + frame[4:],) * 12:
        assert decoder.decode(link.receive(other, 0)) == []
    assert (decoder.unknown_packets, decoder.malformed) == (12, 0)
