"""Satellites by name: every file of them makes a receiver, no name means two, and real passes are received by it."""

import tomllib
import wave
from collections import Counter
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from groundstation.campaign import make_framer
from groundstation.cli import main
from groundstation.satellite import satellite, satellites
from groundstation.transmitter_text import framing_texts, modem_text
from groundstation.transmitters import framing_table, radio_framing, transmitter
from protocols.deframing.deframer import deframer
from protocols.errors import DeclarationError
from protocols.modem.radio import Radio
from protocols.modem.transmitter_table import Transmitter
from protocols.signal import Signal
from protocols.vehicles import vehicles
from tests.protocols.modem.recordings import RECORDINGS, facts, truth

AUDIO, IQ = Signal("ri16_le", 48_000.0), Signal("cu8", 250_000.0)
CATALOGUE = 100_000
"""Numbers from here on are no objects of the catalogue yet."""
KEYS = {"name", "aliases", "norad", "vehicle", "source", "transmitters"}
NAMES = {"se01": "SE01"}
"""Of a recording whose truth was made without a satellite's name."""
FALSE = {"aalto1": "29 bytes of noise passed its 16-bit check; the beacon in it, which it missed, is received"}
"""Recordings whose true frame is none, and why."""
UNVOUCHED = {"lilacsat1": "nothing vouches for a frame, so what either takes for one in noise differs"}
"""Recordings where frames are only counted, and why."""


def plain(name: str) -> str:
    return "".join(each for each in name.lower() if each.isascii() and each.isalnum())


def received(data: Path, name: str, known_as: str) -> list[bytes]:
    """The frames that a WAV file gives in the modes of a satellite; its ledger is held to balance."""
    with wave.open(str(data / "sat_wav" / f"{name}.wav")) as file:
        signal, samples = Signal("ri16_le", float(file.getframerate())), file.readframes(file.getnframes())
    made = make_framer(radio_framing(signal, satellite(known_as).transmitters))
    frames = [*made.receive(samples, len(samples)), *made.finish()]
    ledger = made.ledger
    assert ledger.bytes_in == len(samples) == ledger.frame_bytes + ledger.discarded
    assert ledger.frames == len(frames)
    return frames


def test_there_is_nothing_in_a_file_that_is_not_read() -> None:
    for file in files("groundstation").joinpath("satellites").iterdir():
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        assert file.name == file.name.lower()
        assert set(table) <= KEYS, file.name
        assert table["source"]
        assert all(set(each) == {"modem", "framing"} for each in table["transmitters"]), file.name
        assert table.get("vehicle", vehicles()[0]) in vehicles()


@pytest.mark.parametrize("signal", [AUDIO, IQ], ids=["audio", "iq"])
def test_each_makes_a_receiver(signal: Signal) -> None:
    for name, each in satellites().items():
        made = make_framer(radio_framing(signal, each.transmitters))
        assert isinstance(made, Radio), name
        tables = [Transmitter.of(table) for table in each.transmitters]
        assert list(made.transmitters) == [table for table in tables if 2 * table.modem["baud"] <= signal.rate], name


def test_no_transmitter_stands_there_twice() -> None:
    for name, each in satellites().items():
        modems = [modem_text(table["modem"]) for table in each.transmitters]
        assert len(set(modems)) == len(modems), f"{name}: several framings of a signal go in one list"
        for table in each.transmitters:
            framings = framing_texts(table["framing"])
            assert len(set(framings)) == len(framings), name


def test_no_name_and_no_number_means_two() -> None:
    every = [plain(text) for each in satellites().values() for text in {*map(plain, (each.name, *each.aliases))} - {""}]
    numbers = [each.norad for each in satellites().values() if each.norad]
    assert [name for name, count in Counter([*every, *map(str, numbers)]).items() if count > 1] == []
    assert all(0 < number < CATALOGUE for number in numbers)
    assert len(every) > len(satellites()) > 300


def test_any_name_or_number_finds_it() -> None:
    for each in satellites().values():
        for text in (each.name, *each.aliases, *([str(each.norad)] if each.norad else [])):
            assert satellite(text) is each
            assert satellite(f" {text.upper().replace('-', ' ')} ") is each


def test_what_is_written_of_it_makes_the_same_again() -> None:
    for each in satellites().values():
        for table in each.transmitters:
            framings = framing_texts(table["framing"])
            again = transmitter(modem_text(table["modem"]), framings[0] if len(framings) == 1 else framings)
            assert again == table


def test_a_marker_is_bytes_whatever_digits_it_has() -> None:
    for marker in ("55551212", "00000102", "12e34567"):
        assert framing_table(f"packet?marker={marker}&length=12") == {"kind": "packet", "marker": marker, "length": 12}


@pytest.mark.parametrize(
    ("name", "near"), [("GOMX-2", "GOMX-3"), ("tevel", "TEVEL-1"), ("Delphini 2", "Delphini-1"), ("43131", "43132")]
)
def test_a_name_nobody_knows_is_refused_with_what_comes_near(name: str, near: str) -> None:
    with pytest.raises(
        DeclarationError, match=r"is not known here; near it are .*; or give its modem and framing"
    ) as e:
        satellite(name)
    assert satellite(near).name in str(e.value)


@pytest.mark.parametrize("name", ["", "---", "§", "voyager"])
def test_a_name_like_none_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match=r"`groundstation info` lists the 3.. that are"):
        satellite(name)


def test_info_tells_of_all_and_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"satellites {len(satellites())}: " in said
    assert all(each.name in said for each in satellites().values())
    assert main(["info", "--satellite", "eirsat 1"]) == 0
    said = capsys.readouterr().out
    assert "norad  58472" in said
    assert "--modem fsk:9600 --framing 'ccsds_concatenated?frame_length=892&interleave=4" in said
    assert main(["info", "pass.wav", "--satellite", "EIRSAT-1"]) == 2
    assert main(["info", "--satellite", "EIRSAT-9"]) == 2
    assert "EIRSAT-1" in capsys.readouterr().err


def test_the_beacon_of_ao_40_and_qo_100_is_received() -> None:
    """BPSK of 400 bit/s, each bit compared with the one before, a one as 1 0 and a zero as 0 1 (P. Karn, 2002)."""
    body = np.random.default_rng(40).bytes(256)
    bits = np.concatenate((np.tile([1, 0, 0], 100), deframer("ao40").encode([body]), np.zeros(200, np.uint8)))
    states = np.bitwise_xor.accumulate(1 - bits.astype(np.int64))
    halves = np.repeat(np.stack((states, 1 - states), axis=1).reshape(-1) * 2.0 - 1.0, 60)
    turned = halves * np.cos(2 * np.pi * 1530 / 48_000 * np.arange(len(halves)))
    audio = 6000 * (turned + np.random.default_rng(41).normal(0, 1, len(halves)))
    for known_as in ("QO-100", "26609"):
        made = make_framer(radio_framing(AUDIO, satellite(known_as).transmitters))
        assert [*made.receive(audio.astype("<i2").tobytes(), 0), *made.finish()] == [body]


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_a_recording_gives_what_gr_satellites_found_and_by_name_alone(data: Path, name: str) -> None:
    found = received(data, name, NAMES.get(name, facts(data)[name]["satellite"]))
    wanted = truth(data, name)
    if name in UNVOUCHED:
        assert len(found) >= len(wanted)
    elif name in FALSE:
        assert len(found) == 1
        assert not set(found) & set(wanted)
    else:
        assert set(wanted) <= set(found)
        assert set(truth(data, name, "frames_extra")) <= set(found)
    assert found
