"""Checks by name against the models of the crccheck package, and against crccheck itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.coding.crc import Crc, catalogued, crc
from protocols.coding.crc_catalogue import catalogue
from protocols.coding.crc_table import TableCrc
from protocols.errors import DeclarationError

DIGITS = b"123456789"  # what the catalogue's check values are of


@pytest.fixture(scope="session")
def models(data: Path) -> list[dict[str, Any]]:
    return list(json.loads((data / "fec_vectors" / "crc_catalogue_crccheck.json").read_text()))


def named_by(model: dict[str, Any]) -> list[str]:
    """Its names; three of crccheck's have none and are found by their parameters."""
    if model["aliases"]:
        return [alias.lower() for alias in model["aliases"]]
    wanted = [int(model[key], 16) for key in ("poly", "init", "xorout")]
    ours = [m for m in catalogue().values() if [m.poly, m.init, m.xorout] == wanted and m.bits == model["width"]]
    return [m.name for m in ours if (m.refin, m.refout) == (model["refin"], model["refout"])]


def test_every_model_of_the_catalogue_gives_its_check_value(models: list[dict[str, Any]]) -> None:
    assert len(models) == 194
    for model in models:
        names = named_by(model)
        assert names, model
        for name in names:
            assert crc(name).compute(DIGITS) == int(model["check"], 16), name
            assert crc(name).width == -(-model["width"] // 8), name


def test_tables_alone_give_every_check_value_too(models: list[dict[str, Any]]) -> None:
    for model in models:
        ours = TableCrc(catalogue()[named_by(model)[0]])
        expected = int(model["check"], 16)
        assert ours.one(DIGITS) == expected
        if model["width"] <= 64:
            assert set(ours.rows(np.tile(np.frombuffer(DIGITS, np.uint8), (40, 1))).tolist()) == {expected}


def test_any_bytes_give_what_crccheck_gives(models: list[dict[str, Any]]) -> None:
    crccheck = pytest.importorskip("crccheck.crc", reason="the peer crccheck is not installed")
    made = np.random.default_rng(1).integers(0, 256, (36, 23), np.uint8)
    for model in models:
        judge = getattr(crccheck, model["name"])
        name = named_by(model)[0]
        expected = [judge.calc(row.tobytes()) for row in made]
        assert [crc(name).compute(row.tobytes()) for row in made] == expected, name
        if model["width"] <= 64:
            assert crc(name).algorithm.rows(made).tolist() == expected, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("xor-8", 0x31),  # 0x31 ^ ... ^ 0x39
        ("sum-8", 0xDD),  # 0x31 + ... + 0x39 = 0x1DD
        ("fletcher-16", 0x1EDE),  # 477 % 255 = 222, 2325 % 255 = 30
        ("fletcher-16/modulo-256", 0x15DD),  # 477 % 256 = 221, 2325 % 256 = 21
    ],
)
def test_simple_checksums_worked_by_hand(name: str, value: int) -> None:
    assert crc(name).compute(DIGITS) == value
    assert crc(name).algorithm.rows(np.frombuffer(DIGITS * 2, np.uint8).reshape(2, 9)).tolist() == [value] * 2


def test_the_receivers_own_poll_message_passes_as_its_maker_prints_it() -> None:
    """UBX-CFG-PRT poll, B5 62 06 00 00 00 06 18: CK_A = 0x06, CK_B = 0x18 over class to payload."""
    assert crc("fletcher-16/modulo-256:little").append(bytes.fromhex("06000000")) == bytes.fromhex("060000000618")


@pytest.mark.parametrize("name", [*catalogued(), "modbus:little", "ccitt-false", "CRC-16/XMODEM"])
def test_one_frame_many_rows_and_mixed_lengths_agree(name: str) -> None:
    check, random = crc(name), np.random.default_rng(2)
    bodies = [random.integers(0, 256, 1 + i % 7, np.uint8).tobytes() for i in range(300)]
    frames = [check.append(body) for body in bodies]
    for i in range(0, 300, 3):
        frames[i] = frames[i][:-1] + bytes((frames[i][-1] ^ 0x01,))  # in every width's check field
    frames[5], frames[8] = frames[5][: check.width], b""
    expected = [bool(i % 3) and i not in (5, 8) for i in range(300)]
    assert check.verify(frames) == expected
    offsets = np.concatenate(((0,), np.cumsum([len(frame) for frame in frames])))
    data = np.frombuffer(b"".join(frames), np.uint8)
    assert check.verify_frames(data, offsets).tolist() == expected
    whole = [i for i in range(300) if i not in (5, 8)]
    few = [i for i in whole if len(bodies[i]) == 4]
    rows = np.frombuffer(b"".join(frames[i] for i in few), np.uint8).reshape(len(few), -1)
    assert check.verify_rows(rows).tolist() == [expected[i] for i in few]


@given(st.binary(min_size=1, max_size=64), st.integers(0, 7), st.data())
def test_any_single_bit_wrong_is_found(body: bytes, bit: int, data: st.DataObject) -> None:
    check: Crc = crc("crc-16/ibm-3740")
    frame = bytearray(check.append(body))
    assert check.verify([bytes(frame)]) == [True]
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << bit
    assert check.verify([bytes(frame)]) == [False]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("crc-16/ibm-3741", "crc-16/ibm-3740"), ("ccittfalse", "ccitt-false"), ("crc-16", "crc-16/arc"), ("?", "xor-8")],
)
def test_an_unknown_name_is_refused_with_names_that_come_near(wrong: str, hint: str) -> None:
    with pytest.raises(DeclarationError, match=hint):
        crc(wrong)


def test_an_unknown_byte_order_is_refused() -> None:
    with pytest.raises(DeclarationError, match=":big or :little"):
        crc("modbus:middle")
