"""The topic ``radio/LINK`` as values: what a receiver says of its signal, as ``docs/bus.md`` has it.

As everywhere here nothing trusts a payload. A key that is missing or of the wrong type is unknown; a message that does
not say when it is from, or whose spectrum is none, is refused as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundstation.console.payloads import Payload

Decibels = NDArray[np.float32]

MOST_BINS = 512
"""Bins of a spectrum; the bus has 256."""
MOST_TRANSMITTERS = 16
MOST_FRAMINGS = 16
MOST_FRAMES = 20
"""Frames that a message lists."""
TEXT_CELLS = 40
LOUDEST_DB = 300.0
"""No spectrum and no Eb/N0 is beyond this, above or below zero."""
HIGHEST_HZ = 1e12
PSK = frozenset({"psk", "qpsk", "oqpsk"})
DEVIATIONS = {"fsk": 0.25, "gfsk": 0.25, "gmsk": 0.25, "msk": 0.25, "pcm_fm": 0.35}
"""Of a modem that names none, in symbol rates: MSK's; of PCM/FM that of IRIG 106, chapter 2."""
ROLLOFF = 0.35
"""Excess bandwidth of a PSK signal whose modem names none: root raised cosine as CCSDS 413.0-G has it."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What the samples are."""

    samples: str = ""
    """Their format: ``cu8``."""
    rate: float = 0.0
    """Samples a second; 0 where unknown."""
    frequency: float = 0.0
    """The middle of the band in Hz; 0 where unknown."""

    @property
    def iq(self) -> bool:
        """Whether samples are complex: the spectrum then lies on both sides of the frequency."""
        return not self.samples.startswith("r")


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The power in each part of the band."""

    low_hz: float
    high_hz: float
    """The ends of the band, relative to the signal's frequency; of audio from 0."""
    decibels: Decibels
    """dB of full scale in n parts of equal width, float32 (n,); NaN where unknown."""


@dataclass(frozen=True, slots=True)
class Transmitter:
    """One signal that is received on the link."""

    kind: str = ""
    baud: float = 0.0
    framing: str = ""
    carrier_hz: float | None = None
    """Where its carrier is looked for, relative to the signal's frequency; None where there is none: audio."""
    width_hz: float | None = None
    """How much of the band it takes; None where that cannot be said."""
    eb_n0: float | None = None
    carrier_offset_hz: float | None = None
    sync: str = ""
    """``search`` or ``lock``; empty where unknown."""
    frames: int | None = None
    check_failures: int | None = None
    corrected: int | None = None
    bits_in: int | None = None

    @property
    def modem(self) -> str:
        """``fsk 9600``."""
        return f"{self.kind} {self.baud:g}" if self.baud else self.kind

    @property
    def place_hz(self) -> float | None:
        """Where its carrier is: as found, else where it is looked for."""
        return None if self.carrier_hz is None else self.carrier_hz + (self.carrier_offset_hz or 0.0)


@dataclass(frozen=True, slots=True)
class RadioFrame:
    """A frame received."""

    received_ns: int
    bytes: int | None
    eb_n0: float | None
    corrected: int | None
    transmitter: int


@dataclass(frozen=True, slots=True)
class Radio:
    """The newest ``radio/LINK``."""

    session: str
    at_ns: int
    signal: Signal
    spectrum: Spectrum | None
    samples_in: int | None
    invalid: int | None
    saturated: int | None
    transmitters: tuple[Transmitter, ...]
    recent: tuple[RadioFrame, ...]
    """Frames, the newest last."""


def read_radio(message: Payload) -> Radio:
    """A radio message from its JSON object. Raises KeyError, TypeError or ValueError where it is none."""
    at_ns = _count(message["at_ns"])
    if not at_ns:
        raise ValueError("says not when it is from")
    given = message.get("signal")
    signal = _signal(given) if isinstance(given, dict) else Signal()
    spectrum = message.get("spectrum")
    return Radio(
        session=str(message["session"]),
        at_ns=at_ns,
        signal=signal,
        spectrum=None if spectrum is None or spectrum["db"] == [] else _spectrum(spectrum),  # none before samples came
        samples_in=_count(message.get("samples_in")),
        invalid=_count(message.get("invalid")),
        saturated=_count(message.get("saturated")),
        transmitters=tuple(
            _transmitter(each, iq=signal.iq) for each in _objects(message.get("transmitters"))[:MOST_TRANSMITTERS]
        ),
        recent=tuple(_frames(message.get("recent"))),
    )


def _signal(payload: Payload) -> Signal:
    return Signal(
        samples=_text(payload.get("samples")),
        rate=max(0.0, _number(payload.get("rate"), HIGHEST_HZ) or 0.0),
        frequency=max(0.0, _number(payload.get("frequency"), HIGHEST_HZ) or 0.0),
    )


def _spectrum(payload: Payload) -> Spectrum:
    low, high = _number(payload["low_hz"], HIGHEST_HZ), _number(payload["high_hz"], HIGHEST_HZ)
    listed = payload["db"]
    if low is None or high is None or not high - low > 1e-3:
        raise ValueError("a band has two ends")
    if not isinstance(listed, list) or not 2 <= len(listed) <= MOST_BINS:
        raise ValueError(f"a spectrum has 2 to {MOST_BINS} parts")
    decibels = np.array(listed, np.float64)
    if decibels.ndim != 1:
        raise ValueError("a number for each part")
    return Spectrum(low, high, np.clip(decibels, -LOUDEST_DB, LOUDEST_DB).astype(np.float32))


def _transmitter(payload: Payload, *, iq: bool) -> Transmitter:
    given = payload.get("modem")
    modem: Payload = given if isinstance(given, dict) else {}
    kind, baud = _text(modem.get("kind")), max(0.0, _number(modem.get("baud"), HIGHEST_HZ) or 0.0)
    sync = payload.get("sync")
    return Transmitter(
        kind=kind,
        baud=baud,
        framing=_framing(payload.get("framing")),
        carrier_hz=_number(modem.get("carrier"), HIGHEST_HZ) if "carrier" in modem else 0.0 if iq else None,
        width_hz=_width(kind, baud, modem),
        eb_n0=_number(payload.get("eb_n0"), LOUDEST_DB),
        carrier_offset_hz=_number(payload.get("carrier_offset_hz"), HIGHEST_HZ),
        sync=sync if sync in ("search", "lock") else "",
        frames=_count(payload.get("frames")),
        check_failures=_count(payload.get("check_failures")),
        corrected=_count(payload.get("corrected")),
        bits_in=_count(payload.get("bits_in")),
    )


def _width(kind: str, baud: float, modem: Payload) -> float | None:
    """The band a modulation takes in Hz: of PSK by its roll-off, of FSK by Carson's rule."""
    if kind in PSK and baud:
        return baud * (1 + ROLLOFF)
    if kind in DEVIATIONS and baud:
        deviation = _number(modem.get("deviation"), HIGHEST_HZ)
        return 2 * ((baud * DEVIATIONS[kind] if deviation is None else abs(deviation)) + baud / 2)
    return None


def _framing(raw: object) -> str:
    """A framing's name, or of several the names: each may be a name or a table with a kind."""
    several = raw if isinstance(raw, list) else [raw]
    names = (each.get("kind") if isinstance(each, dict) else each for each in several[:MOST_FRAMINGS])
    return plain_text(", ".join(name for name in names if isinstance(name, str)))


def _frames(items: object) -> list[RadioFrame]:
    found = []
    for item in _objects(items)[-MOST_FRAMES:]:
        received_ns = _count(item.get("received_ns"))
        if received_ns:
            found.append(
                RadioFrame(
                    received_ns,
                    _count(item.get("bytes")),
                    _number(item.get("eb_n0"), LOUDEST_DB),
                    _count(item.get("corrected")),
                    _count(item.get("transmitter")) or 0,
                )
            )
    return found


def _objects(items: object) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(raw: object) -> str:
    return plain_text(raw) if isinstance(raw, str) else ""


def plain_text(text: str) -> str:
    """A text from the network as a terminal may have it: short, and without control characters."""
    return "".join(each for each in text[:TEXT_CELLS] if each.isprintable())


def _number(raw: object, most: float) -> float | None:
    """A number of at most this size; None for everything else."""
    is_number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
    return float(raw) if is_number and abs(raw) <= most else None  # type: ignore[arg-type] # a number, tested above


def _count(raw: object) -> int | None:
    """A whole number from 0 that 63 bits hold; None for everything else."""
    return raw if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw < 2**63 else None
