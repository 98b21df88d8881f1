"""How many bits a whole link gets wrong, from the modulator through the channel to soft bits, and what theory allows.

The carrier is off and the clock too, as on a real link, so a figure holds for a receiver that has to find both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import erfc, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardware.simulator.channel import Channel
from protocols.coding.convolutional import ConvolutionalEncoder, ViterbiDecoder
from protocols.modem.demodulator import SoftBits, demodulator
from protocols.modem.modulator import modulator

RATE, BAUD = 76_800.0, 9600.0
OFFSET, CLOCK_ERROR = 200.0, 15.0
"""Hz and parts per million that the transmitter is off: what 0.5 ppm at 400 MHz and an ordinary crystal give."""
SETTLING = 2000
"""Bits at the begin and the end of a run that are not counted."""
FRAME = 1000
"""Bits whose sign is found together where it is unknown (PSK), as a frame's marker does, and of QPSK their reading."""
VITERBI_WEIGHTS = {10: 36, 12: 211, 14: 1404, 16: 11633, 18: 77433, 20: 502690, 22: 3322763, 24: 21292910}
"""Wrong bits of all paths by their distance, (171, 133): J. Conan, IEEE Trans. Comm. 32(9), 1984."""


@dataclass(frozen=True)
class Link:
    """A modulation and the receiver for it."""

    title: str
    sent: str
    received: str
    theory: Callable[[float], float]
    """The error rate of the receiver it is compared with, at an Eb/N0 in dB."""
    reference: str
    """What receiver that is."""
    send: dict[str, Any] = field(default_factory=dict)
    receive: dict[str, Any] = field(default_factory=dict)
    coded: bool = False
    """Whether the bits are in the convolutional code of rate 1/2."""


@dataclass(frozen=True)
class Count:
    """The result of a run."""

    bits: int
    wrong: int
    slips: int = 0
    """Times that the sign or the reading changed from one frame to the next: the carrier slipped."""

    @property
    def rate(self) -> float:
        return self.wrong / max(1, self.bits)

    def __add__(self, other: "Count") -> "Count":
        return Count(self.bits + other.bits, self.wrong + other.wrong, self.slips + other.slips)


def run(link: Link, eb_n0: float, count: int, seed: int) -> Count:
    """Send so many random bits at an Eb/N0 in dB, and count the wrong ones, each frame's in the best sign."""
    bits = np.random.default_rng(seed).integers(0, 2, count, np.uint8)
    symbols = ConvolutionalEncoder().encode(bits) if link.coded else bits
    made = modulator(link.sent, RATE, BAUD, **link.send)
    bit_rate = BAUD * made.BITS / (2 if link.coded else 1)
    channel = Channel(
        RATE, eb_n0=eb_n0, bit_rate=bit_rate, offset=OFFSET, clock_error=CLOCK_ERROR, seed=seed + 1_000_000
    )
    signal = channel.receive(np.concatenate((made.modulate(symbols), made.finish())))
    receiver = demodulator(link.received, RATE, BAUD, iq=True, **link.receive)
    soft = SoftBits.join([receiver.receive(signal), receiver.finish()])
    places = (soft.places - channel.delay) * (1 + CLOCK_ERROR * 1e-6)
    together = 2 if link.sent == "qpsk" else 1  # bits at one place
    symbols_before = np.round((places - made.first) / made.spacing / together).astype(int)
    numbers = symbols_before * together + np.arange(len(places)) % together
    found = tuple(values > 0 for values in receiver.readings(soft.values))
    if link.coded:
        decoded, numbers = _decoded(soft.values, numbers)
        found = (decoded > 0,)
    inside = np.flatnonzero((numbers >= SETTLING) & (numbers < count - SETTLING))
    inside = inside[: len(inside) // FRAME * FRAME]
    wrong = [(each[inside] != bits[numbers[inside]]).reshape(-1, FRAME).sum(axis=1) for each in found]
    wrong += [FRAME - each for each in wrong]
    slips = np.count_nonzero(np.diff(np.argmin(wrong, axis=0)))
    return Count(len(inside), int(np.min(wrong, axis=0).sum()), int(slips))


def _decoded(soft: NDArray[np.float32], numbers: NDArray[np.int_]) -> tuple[NDArray[np.uint8], NDArray[np.int_]]:
    """The bits behind soft symbols of those numbers, and theirs: paired in both ways, as a receiver has to try."""
    bits, places = [], []
    for skip in (0, 1):
        decoder = ViterbiDecoder()
        decoded = np.concatenate((decoder.receive(soft[skip:]), decoder.flush()))
        firsts = numbers[skip::2][: len(decoded)]
        bits.append(decoded[firsts % 2 == 0])
        places.append(firsts[firsts % 2 == 0] // 2)
    order = np.argsort(np.concatenate(places), kind="stable")
    return np.concatenate(bits)[order], np.concatenate(places)[order]


def until(link: Link, eb_n0: float, errors: int, least: int, most: int, piece: int = 60_000) -> Count:
    """Runs until so many errors were seen in at least so many bits, as slips come rarely, or most bits sent."""
    total, seed = Count(0, 0), 1
    while total.bits < least or (total.wrong < errors and total.bits < most):
        total, seed = total + run(link, eb_n0, piece, seed), seed + 1
    return total


def bpsk(eb_n0: float) -> float:
    """Coherent BPSK and QPSK: Q(sqrt(2 Eb/N0))."""
    return erfc(sqrt(10 ** (eb_n0 / 10))) / 2


def viterbi(eb_n0: float) -> float:
    """The transfer function bound of soft decisions, which they meet from 3 dB on (CCSDS 130.1-G 4.3)."""
    return min(0.5, sum(w * erfc(sqrt(d * 10 ** (eb_n0 / 10) / 2)) / 2 for d, w in VITERBI_WEIGHTS.items()))


@dataclass(frozen=True)
class OptimumNoncoherent:
    """The best that can be decided from so many symbols of CPM of unknown phase, found by simulating it.

    W. P. Osborne, M. B. Luntz, "Coherent and noncoherent detection of CPFSK", IEEE Trans. Comm. 22(8), 1974: the middle
    bit is that for which the sum of I0(2 |correlation| / N0) over all signals with it is larger. It knows timing,
    frequency and Eb/N0.
    """

    deviation: float
    """Over the symbol rate."""
    bt: float | None
    symbols: int = 5
    bits: int = 60_000

    PER_SYMBOL = 4

    def __call__(self, eb_n0: float) -> float:
        return _optimum(self, eb_n0)

    def signals(self) -> tuple[NDArray[np.bool_], NDArray[np.complex64]]:
        """The middle bit of each sequence, and what is sent for it during the symbols, complex64 (n, samples)."""
        beyond = 0 if self.bt is None else 1  # neighbours whose filtered pulses reach in
        width = self.symbols + 2 * beyond
        sequences = (np.arange(1 << width)[:, np.newaxis] >> np.arange(width) & 1).astype(np.uint8)
        made = modulator("fsk", self.PER_SYMBOL, 1.0, deviation=self.deviation, bt=self.bt)
        around = np.zeros(4, np.uint8)
        begin = round(made.first + (len(around) + beyond - 0.5) * self.PER_SYMBOL)
        sent = [
            np.concatenate((made.modulate(np.concatenate((around, each, around))), made.finish())) for each in sequences
        ]
        inside = slice(begin, begin + self.symbols * self.PER_SYMBOL)
        return sequences[:, width // 2] == 1, np.array([each[inside] for each in sent])


@cache
def _optimum(detector: OptimumNoncoherent, eb_n0: float) -> float:
    bits = np.random.default_rng(17).integers(0, 2, detector.bits, np.uint8)
    per = detector.PER_SYMBOL
    made = modulator("fsk", per, 1.0, deviation=detector.deviation, bt=detector.bt)
    sent = np.concatenate((made.modulate(bits), made.finish()))
    received = Channel(per, eb_n0=eb_n0, bit_rate=1.0, seed=18).receive(sent)
    one, signals = detector.signals()
    windows = np.lib.stride_tricks.sliding_window_view(received[round(made.first - per / 2) :], detector.symbols * per)[
        ::per
    ][: detector.bits - detector.symbols + 1]
    decided = []
    for begin in range(0, len(windows), 4096):
        size = 2 * np.abs(windows[begin : begin + 4096] @ signals.conj().T) / per * 10 ** (eb_n0 / 10)
        likelihood = _log_i0(size)
        likelihood = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        decided.append(likelihood[:, one].sum(axis=1) > likelihood[:, ~one].sum(axis=1))
    middle = bits[detector.symbols // 2 :][: len(windows)]
    return float(np.mean(np.concatenate(decided) != middle))


def _log_i0(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """The logarithm of the modified Bessel function, to two parts in a thousand: asymptotic where that serves."""
    large = np.maximum(x, 4)
    values = large - np.log(2 * pi * large) / 2 + np.log1p(1 / (8 * large) + 9 / (128 * large**2))
    values[x < 4] = np.log(np.i0(x[x < 4]))
    return values


BPSK = Link("BPSK", "psk", "psk", bpsk, "coherent BPSK")
QPSK = Link("QPSK", "qpsk", "qpsk", bpsk, "coherent QPSK")
OQPSK = Link("OQPSK", "oqpsk", "oqpsk", bpsk, "coherent QPSK")
VITERBI = Link(
    "BPSK, convolutional code",
    "psk",
    "psk",
    viterbi,
    "transfer function bound",
    receive={"clock_error": 0.001},  # a wider search loses symbols, if rarely, in so much noise
    coded=True,
)
GFSK = Link(
    "GFSK, h = 0.5, BT = 0.5",
    "gfsk",
    "gfsk",
    OptimumNoncoherent(0.25, 0.5),
    "optimum noncoherent, 5 symbols",
)
PCM_FM = Link(
    "PCM/FM, h = 0.7",
    "pcm_fm",
    "pcm_fm",
    OptimumNoncoherent(0.35, 0.7),
    "optimum noncoherent, 5 symbols",
)
LINKS = (BPSK, QPSK, OQPSK, VITERBI, GFSK, PCM_FM)
