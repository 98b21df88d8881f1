"""The recordings of real satellites that the modems and deframers cover, each with its published mode and nothing else.

Modulation, symbol rate, framing and the clock's limit are those of ``truth.json``; what its short names leave open
(basis and length of CCSDS frames, differential coding) is in the satellites' published descriptions.
"""

import json
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.deframing.deframer import Deframer, deframer
from protocols.modem.demodulator import demodulator
from protocols.modem.receiver import ReceivedFrame, Receiver
from protocols.modem.symbol_timing import CLOCK_ERROR, MOST_CLOCK_ERROR


@dataclass(frozen=True)
class Mode:
    """How a satellite transmits."""

    modem: str
    baud: float
    framing: str
    options: dict[str, Any] = field(default_factory=dict)
    modem_options: dict[str, Any] = field(default_factory=dict)

    def deframer(self) -> Deframer:
        return deframer(self.framing, **self.options)


def ax25(modem: str, baud: float, *, g3ruh: bool = True) -> Mode:
    return Mode(modem, baud, "hdlc", {"g3ruh": g3ruh})


def modes(*several: Mode) -> tuple[Mode, ...]:
    return several


U482C = modes(Mode("afsk", 4800, "u482c"))
GOLAY_4K8, GOLAY_9K6 = Mode("fsk", 4800, "ax100_golay"), Mode("fsk", 9600, "ax100_golay")
ASTROCAST = modes(
    Mode("fsk", 1200, "fx25", {"astrocast": True}),
    Mode("fsk", 1200, "fx25", {"astrocast": True, "nrzi": False}),
    Mode("fsk", 9600, "ccsds_tm", {"frame_length": 1115, "interleave": 5}),
)
SMOG_P = modes(
    Mode("fsk", 1250, "smog_p_signalling"),
    *(Mode("fsk", baud, "ao40", {"short": short}) for baud in (1250, 2500, 5000, 12500) for short in (False, True)),
)
RECORDINGS: dict[str, tuple[Mode, ...]] = {
    "1kuns_pf": (Mode("fsk", 1200, "ax100_golay"), GOLAY_9K6),
    "aalto1": modes(ax25("fsk", 9600)),
    "ao73": modes(Mode("psk", 1200, "ao40", modem_options={"differential": True})),
    "astrocast": ASTROCAST,
    "astrocast_old": ASTROCAST,
    "at03": modes(
        Mode("fsk", 9600, "packet", {"marker": "2dd4", "length": 64, "roots": 16, "check": "crc-16/arc:little"})
    ),
    "au03": U482C,
    "by701": modes(
        Mode("psk", 9600, "ccsds_concatenated", {"frame_length": 114, "basis": "conventional", "differential": True})
    ),
    "ca03_9k6": modes(Mode("fsk", 4800, "ax100_reed_solomon"), Mode("fsk", 9600, "ax100_reed_solomon")),
    "cape3": modes(Mode("fsk", 1200, "ax5043"), ax25("afsk", 1200, g3ruh=False)),
    "delphini1": (GOLAY_4K8, GOLAY_9K6),
    "dsat": U482C,
    "duchifat_3": modes(ax25("psk", 9600)),
    "fmn1": modes(ax25("psk", 9600)),
    "gomx_1": U482C,
    "gomx_3": modes(Mode("fsk", 19200, "ax100_reed_solomon")),
    "ideassat": modes(Mode("fsk", 9600, "ideassat")),
    "il01": modes(ax25("psk", 9600)),
    "innosat_2": modes(GOLAY_4K8),
    "koyo": modes(ax25("fsk", 9600)),
    "lilacsat1": modes(Mode("psk", 9600, "lilacsat_1")),
    "ops_sat": modes(Mode("fsk", 9600, "ax25_reed_solomon")),
    "picsat": modes(ax25("psk", 1200), ax25("psk", 9600)),
    "pwsat2": modes(ax25("psk", 1200), ax25("psk", 9600)),
    "sat_3cat_1": modes(
        Mode("fsk", 9600, "packet", {"marker": "d391d391", "length": 255, "whitening": "pn9", "roots": 32})
    ),
    "sat_3cat_2": modes(ax25("psk", 9600, g3ruh=False)),
    "se01": modes(ax25("fsk", 9600)),
    "smog_p": SMOG_P,
    "smog_p_long": SMOG_P,
    "snet_a": modes(Mode("afsk", 1200, "snet")),
    "spooqy_1": (GOLAY_9K6, GOLAY_4K8),
    "swiatowid-ax25": modes(ax25("afsk", 1200, g3ruh=False)),
    "technosat": modes(Mode("fsk", 4800, "mobitex")),
    "tigrisat": modes(ax25("fsk", 9600)),
    "trisat": modes(Mode("fsk", 9766, "ccsds_concatenated", {"frame_length": 223, "convolutional": "nasa-dsn"})),
    "tw_1b": modes(Mode("fsk", 4800, "ax100_reed_solomon")),
    "ty_2": modes(GOLAY_9K6),
    "us01": modes(ax25("fsk", 9600)),
    "vzlusat2": (GOLAY_9K6, GOLAY_4K8),
}


def audio(path: Path) -> tuple[NDArray[np.float32], int]:
    """The samples of a 16-bit mono WAV file, and their rate."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(np.float32) / 32768, file.getframerate()


def clock_error(options: str) -> float:
    """The deviation of the symbol rate that a recording's published options allow, as far as we search."""
    words = options.split()
    limit = float(words[words.index("--clk_limit") + 1]) if "--clk_limit" in words else CLOCK_ERROR
    return min(limit, MOST_CLOCK_ERROR)


def received(data: Path, name: str) -> list[ReceivedFrame]:
    """The frames in a recording, in all of its satellite's modes."""
    samples, rate = audio(data / "sat_wav" / f"{name}.wav")
    allowed = clock_error(facts(data)[name]["options"])
    frames: list[ReceivedFrame] = []
    for mode in RECORDINGS[name]:
        made = demodulator(mode.modem, rate, mode.baud, clock_error=allowed, **mode.modem_options)
        receiver = Receiver(made, [mode.deframer()])
        frames += receiver.receive(samples) + receiver.finish()
    return frames


def truth(data: Path, name: str, kind: str = "frames") -> list[bytes]:
    """The frames gr_satellites found; none of kind ``frames_extra`` where its runs agree."""
    path = data / "sat_wav" / "truth" / f"{name}.{kind}.hex"
    return [bytes.fromhex(line) for line in path.read_text().split()] if path.exists() else []


def facts(data: Path) -> dict[str, dict[str, Any]]:
    """What is known of each recording."""
    return dict(json.loads((data / "sat_wav" / "truth.json").read_text()))
