"""Samples without any header: their format by the file's ending, all else by its name or by who asks.

Names are read as the programs write them that record such files: gqrx
(``gqrx_20240101_120000_437500000_2400000_fc.raw``: date, time, frequency, rate), rtl_433 (``g001_433.92M_250k.cu8``),
SDR# and HDSDR (``SDRSharp_20240101_120000Z_437500000Hz_IQ``). Dates in names are taken for UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from protocols.errors import UnknownFormat
from replay.recording import Damage, TimeBase
from replay.sample_file import Capture, SampleFile, signal_of, whole
from replay.utc_text import utc_ns

TITLE = "raw samples"
FORMATS = {
    "cu8": "cu8",
    "cs8": "ci8",
    "ci8": "ci8",
    "cs16": "ci16_le",
    "ci16": "ci16_le",
    "cf32": "cf32_le",
    "fc32": "cf32_le",
    "cfile": "cf32_le",
}
"""What an ending, or a word of a name, stands for. Little-endian, as the programs write on all usual machines."""
SUFFIXES = (*(f".{each}" for each in FORMATS), ".iq", ".raw")
"""Endings of such files. The last two say nothing of the format."""

_DATE = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)[T_ -](\d\d)[:-]?(\d\d)[:-]?(\d\d)(?!\d)", re.ASCII)
_GQRX = re.compile(r"gqrx_\d{8}_\d{6}_(\d{1,15})(?:_(\d{1,15})_fc)?", re.ASCII)
_WORDS = re.compile(r"[^A-Za-z0-9.]+")
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(m|hz|khz|mhz|ghz|k|sps|ksps|msps|gsps)", re.ASCII)
_FACTORS = {"k": 1e3, "m": 1e6, "g": 1e9, "h": 1.0, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Named:
    """What a file's name tells; 0, empty and None where it does not."""

    samples: str = ""
    rate: float = 0.0
    frequency: float = 0.0
    start_ns: int | None = None


def named(path: Path) -> Named:
    """What a file's name tells of its samples."""
    rate = frequency = 0.0
    samples = FORMATS.get(path.suffix.lower().removeprefix("."), "")
    for word in _WORDS.split(path.stem.lower()):
        samples = samples or FORMATS.get(word, "")
        amount = _AMOUNT.fullmatch(word)
        if amount and (amount[2] == "k" or amount[2].endswith("sps")):
            rate = rate or float(amount[1]) * _FACTORS[amount[2][0]]
        elif amount:
            frequency = frequency or float(amount[1]) * _FACTORS[amount[2][0]]
    if gqrx := _GQRX.fullmatch(path.stem):
        frequency, rate = float(gqrx[1]), float(gqrx[2] or 0)
        samples = samples or ("cf32_le" if gqrx[2] else "")
    date = _DATE.search(path.stem)
    return Named(samples, rate, frequency, utc_ns(*map(int, date.groups())) if date else None)


def raw_file(path: Path, samples: str = "", rate: float = 0.0, frequency: float = 0.0) -> SampleFile:
    """A file of nothing but samples; what is not given comes from its name.

    Raises UnknownFormat where that does not tell, NotARecording where it cannot be, and OSError.
    """
    told = named(path)
    if not (samples or told.samples):
        raise UnknownFormat(
            path, "does not tell what its samples are; rename it, as in pass_2400k.cu8, or give format=ci16_le"
        )
    if not (rate or told.rate):
        raise UnknownFormat(path, "does not tell its rate; rename it, as in pass_2400k.cu8, or give rate=2.4M")
    signal = signal_of(path, samples or told.samples, rate or told.rate, frequency or told.frequency)
    assumed, damage = [], Damage()
    if not samples:
        assumed.append(f"{signal.datatype} samples, by the file's name")
    if not rate:
        assumed.append(f"{signal.rate:,.0f} samples a second, by the file's name")
    count = whole(path.stat().st_size, signal.size, damage)
    start_ns, base = starting(told, assumed)
    if told.frequency and not frequency:
        assumed.append(f"{told.frequency / 1e6:.6f} MHz, by the file's name")
    captures = (Capture(0, count, 0, start_ns, signal.frequency),) if count else ()
    return SampleFile(path, TITLE, signal, captures, base, assumed=assumed, damage=damage)


def starting(told: Named, assumed: list[str]) -> tuple[int, TimeBase]:
    """When a file begins that has no time inside: by its name, else 0; what is assumed then is added."""
    if told.start_ns is None:
        assumed.append("when it was made is not known: times count from its first sample")
        return 0, TimeBase.VEHICLE
    assumed.append("the date in the file's name is when it begins, in UTC")
    return told.start_ns, TimeBase.UTC
