"""What is sent: envelope, phase, frequencies and bandwidth by their definitions; and received again, frames and all."""

from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from protocols.deframing.deframer import deframer
from protocols.errors import DeclarationError
from protocols.modem.demodulator import demodulator
from protocols.modem.modulator import AUDIO, MODULATORS, Modulator, modulator
from protocols.modem.oscillator import Oscillator
from protocols.modem.receiver import Receiver

RATE, BAUD = 48_000.0, 4800.0
FREQUENCY_KINDS = ("fsk", "gfsk", "msk", "gmsk", "pcm_fm", "afsk")
PHASE_KINDS = ("psk", "qpsk", "oqpsk")
each_kind = pytest.mark.parametrize("kind", MODULATORS)
QUICK = settings(max_examples=12, deadline=None)


def random_bits(count: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 2, count, np.uint8)


def everything(made: Modulator, bits: NDArray[np.uint8], cuts: list[int] | None = None) -> NDArray[Any]:
    return np.concatenate([*(made.modulate(piece) for piece in np.split(bits, sorted(cuts or []))), made.finish()])


def frequencies(signal: NDArray[np.complex64], rate: float) -> NDArray[np.float64]:
    """The turn from sample to sample, in Hz."""
    return np.angle(signal[1:] * signal[:-1].conj()).astype(np.float64) * rate / (2 * pi)


def occupied(signal: NDArray[Any], rate: float, share: float = 0.99) -> float:
    """The width of the middle of the spectrum that holds so much of the power, in Hz (ITU-R SM.328)."""
    power = np.fft.fftshift(np.abs(np.fft.fft(signal * np.hanning(len(signal)))) ** 2)
    below = np.cumsum(power) / power.sum()
    begin, end = np.searchsorted(below, ((1 - share) / 2, (1 + share) / 2))
    return float(end - begin) * rate / len(signal)


@pytest.mark.parametrize("kind", FREQUENCY_KINDS)
def test_the_envelope_of_frequency_modulation_is_constant(kind: str) -> None:
    signal = everything(modulator(kind, 50_000, 4787.3), random_bits(2000))
    assert signal.dtype == np.complex64
    assert np.abs(np.abs(signal) - 1).max() < 1e-6


@pytest.mark.parametrize("kind", PHASE_KINDS)
def test_the_mean_power_of_phase_modulation_is_one(kind: str) -> None:
    made = modulator(kind, RATE, BAUD)
    signal = everything(made, random_bits(8000))
    middle = signal[int(made.first) : -int(made.first)]
    assert np.mean(np.abs(middle) ** 2) == pytest.approx(1, abs=0.02)


def test_fsk_holds_the_frequency_of_each_bit_for_a_symbol() -> None:
    bits = random_bits(500)
    turned = frequencies(everything(modulator("fsk", RATE, BAUD, deviation=3000.0), bits), RATE)
    assert turned == pytest.approx(np.repeat(np.where(bits, 3000.0, -3000.0), 10)[:-1], abs=0.1)
    swapped = frequencies(everything(modulator("fsk", RATE, BAUD, deviation=-3000.0), bits), RATE)
    assert swapped == pytest.approx(-turned, abs=0.1)


def test_a_carrier_moves_every_frequency_by_as_much() -> None:
    bits = random_bits(300)
    for kind in ("fsk", "pcm_fm"):
        middle, moved = (everything(modulator(kind, RATE, BAUD, carrier=carrier), bits) for carrier in (0.0, -7000.0))
        assert frequencies(moved, RATE) == pytest.approx(frequencies(middle, RATE) - 7000, abs=0.1)


def test_msk_turns_by_a_quarter_for_each_bit_at_a_rate_that_is_not_whole() -> None:
    bits, baud = random_bits(3000), RATE / 7.3
    signal = everything(modulator("msk", RATE, baud), bits)
    edges = np.arange(len(bits) // 10) * 73  # every tenth symbol begins with a sample
    path = np.concatenate(([0], np.cumsum(bits * 2.0 - 1)))[: 10 * len(edges) : 10]
    assert signal[edges] == pytest.approx(np.exp(0.5j * pi * path), abs=1e-5)


def test_the_gaussian_filter_is_one_by_its_definition() -> None:
    """A GFSK pulse has the spectrum of a rectangle times a Gaussian that is half as strong at its bandwidth."""
    per, bt = 32, 0.5
    audio = modulator("gmsk", 32_000, 1000, iq=False)
    bits = np.zeros(64, np.uint8)
    bits[32] = 1
    levels = everything(audio, bits)[: 64 * per] / AUDIO
    lone = levels - everything(modulator("gmsk", 32_000, 1000, iq=False), bits * 0)[: 64 * per] / AUDIO
    spectrum = np.abs(np.fft.rfft(lone / 2)) / per
    cycles = np.fft.rfftfreq(64 * per) * per  # a symbol
    gauss = np.exp(-np.log(2) / 2 * (cycles / bt) ** 2)
    inside = cycles < 2
    assert spectrum[inside] == pytest.approx((np.abs(np.sinc(cycles)) * gauss)[inside], abs=2e-3)


@pytest.mark.parametrize(
    ("kind", "options", "widths"),
    [
        ("msk", {}, (1.16, 1.22)),  # 1.20: K. Murota, K. Hirade, "GMSK modulation", IEEE Trans. Comm. 29(7), 1981
        ("gmsk", {}, (1.01, 1.07)),  # 1.04 at BT = 0.5: ibid.
        ("fsk", {"bt": 0.25}, (0.84, 0.88)),  # 0.86 at BT = 0.25: ibid.
        ("pcm_fm", {}, (1.10, 1.22)),  # 1.16: IRIG 106, appendix A
        ("psk", {}, (1.10, 1.25)),  # within the band of its filter, 1.35
    ],
)
def test_ninety_nine_per_cent_of_the_power_lie_in_the_published_band(
    kind: str, options: dict[str, Any], widths: tuple[float, float]
) -> None:
    signal = everything(modulator(kind, 16.0, 1.0, **options), random_bits(20_000))
    assert widths[0] < occupied(signal, 16.0) < widths[1]


def test_pcm_fm_deviates_as_irig_106_says() -> None:
    turned = frequencies(everything(modulator("pcm_fm", 32.0, 1.0), np.repeat(random_bits(200), 8)), 32.0)
    assert turned.max() == pytest.approx(0.35, abs=1e-4)
    assert turned.min() == pytest.approx(-0.35, abs=1e-4)


def test_an_afsk_carrier_carries_the_audio_that_the_same_bits_give() -> None:
    bits = random_bits(300)
    audio = everything(modulator("afsk", RATE, 1200, iq=False), bits)
    carrier = everything(modulator("afsk", RATE, 1200, deviation=2500.0), bits)
    assert audio.dtype == np.float32
    assert frequencies(carrier, RATE) == pytest.approx(audio[1:] / AUDIO * 2500, abs=0.2)


def test_bits_of_qpsk_go_to_both_axes_in_turn_and_of_oqpsk_half_a_symbol_apart() -> None:
    bits = random_bits(400)
    for kind, later in (("qpsk", 0), ("oqpsk", 5)):
        made = modulator(kind, RATE, BAUD)
        signal = everything(made, bits)
        pulse = everything(modulator("psk", RATE, BAUD), np.ones(1, np.uint8)) / 10
        through = np.convolve(signal, pulse)[100:]  # behind the matched filter neighbours are not seen
        instants = round(made.first) + 10 * np.arange(200)
        assert through.real[instants] == pytest.approx((bits[0::2] * 2.0 - 1) / 2**0.5, abs=0.02)
        assert through.imag[instants + later] == pytest.approx((bits[1::2] * 2.0 - 1) / 2**0.5, abs=0.02)


@pytest.mark.parametrize("baud", [BAUD, 4787.3, RATE / 16])
@pytest.mark.parametrize(("kind", "whole"), [("psk", 1), ("qpsk", 2), ("oqpsk", 2)])
def test_rectangles_of_psk_follow_one_another_without_a_gap(kind: str, whole: int, baud: float) -> None:
    bits = random_bits(600)
    made = modulator(kind, RATE, baud, pulse="nrz")
    signal = everything(made, bits)
    symbol = RATE / baud
    size = np.abs(signal[int(symbol) : -int(symbol)])  # of OQPSK each axis is alone for half a symbol
    assert size.max() == pytest.approx(1, abs=1e-6)
    assert np.mean(size > 0.999) > 0.99  # all but samples on the very edge of two symbols
    numbers = np.floor((np.arange(len(signal)) - made.first) / symbol + 0.5 + 1e-9).astype(int)
    inside = (numbers >= 0) & (numbers < len(bits) // whole)
    assert np.mean((signal.real[inside] > 0) == bits[::whole][numbers[inside]]) > 0.999


@each_kind
@pytest.mark.parametrize("iq", [True, False])
@QUICK
@given(data=st.data())
def test_how_bits_are_cut_changes_no_sample(kind: str, iq: bool, data: st.DataObject) -> None:
    bits = random_bits(data.draw(st.integers(0, 5000)), data.draw(st.integers(0, 99)))
    baud = data.draw(st.sampled_from([1200.0, 4787.3, 48_000 / 7, 1000 / 3]))
    cuts = data.draw(st.lists(st.integers(0, len(bits)), max_size=30))
    options = data.draw(st.sampled_from([{}, {"differential": True}])) if kind in PHASE_KINDS else {}
    made = modulator(kind, RATE, baud, iq=iq, **options)
    whole, cut = everything(made, bits), everything(made, bits, cuts)  # finished, it begins anew
    assert np.array_equal(whole, cut)
    assert len(whole) == pytest.approx(len(bits) * made.spacing + 2 * made.first, abs=2 * RATE / baud + 1)


@pytest.mark.parametrize("kind", ["psk", "qpsk"])
def test_changes_of_phase_are_sent_as_the_demodulators_say(kind: str) -> None:
    bits = random_bits(400)
    made = modulator(kind, RATE, BAUD, pulse="nrz", differential=True)
    middle = everything(made, bits)[round(made.first) :: 10]
    quarters = np.round(np.angle(middle[1:] * middle[:-1].conj()) / (pi / 2)).astype(int) % 4
    ahead = {(1,): 0, (0,): 2, (1, 1): 0, (0, 1): 1, (0, 0): 2, (1, 0): 3}
    symbols = bits.reshape(-1, made.BITS).tolist()[1:]
    assert quarters[: len(symbols)].tolist() == [ahead[tuple(each)] for each in symbols]


def test_changes_of_either_axis_are_sent_of_oqpsk() -> None:
    bits = random_bits(400)
    made = modulator("oqpsk", RATE, BAUD, pulse="nrz", differential=True)
    signal = everything(made, bits)[round(made.first) :]
    axes = np.stack((signal.real[::10][:200], signal.imag[5::10][:200]), axis=1) > 0
    assert np.array_equal((axes[1:] == axes[:-1]).reshape(-1), bits[2:] == 1)


def test_a_bit_of_split_phase_is_two_halves() -> None:
    bits = random_bits(200)
    made = modulator("psk", RATE, BAUD, pulse="nrz", manchester=True)
    signal = everything(made, bits).real
    assert made.first == pytest.approx(5.0)
    halves = np.sign(signal[np.arange(200) * 10 + 2]), np.sign(signal[np.arange(200) * 10 + 7])
    assert np.array_equal(halves[0], bits * 2.0 - 1)
    assert np.array_equal(halves[1], 1 - bits * 2.0)


@given(st.floats(-0.5, 0.5), st.floats(-1e-9, 1e-9), st.integers(1, 1 << 40))
def test_an_oscillator_is_exact_after_any_time(frequency: float, drift: float, late: int) -> None:
    made = Oscillator(frequency, drift)
    made._sample = late
    unit = 1 << 64
    steps, bends = (round(each * unit) for each in (frequency, drift))
    exact = (late * steps + late * (late - 1) // 2 * bends) % unit / unit
    assert made.angles(1)[0] == pytest.approx(2 * pi * exact, abs=1e-9)


ROUND_TRIPS: list[tuple[str, float, dict[str, Any]]] = [
    ("fsk", 4800.0, {"deviation": 2400.0}),
    ("fsk", 4800.0, {"deviation": -2400.0}),
    ("fsk", 4800.0, {"deviation": 1200.0, "carrier": -9000.0}),
    ("msk", 4787.3, {}),
    ("gfsk", 4800.0, {"bt": 0.3, "deviation": 1800.0}),
    ("gmsk", 9600.0, {}),
    ("pcm_fm", 4800.0, {}),
    ("afsk", 1200.0, {}),
    ("psk", 4800.0, {"carrier": 300.0}),
    ("psk", 1200.0, {"differential": True}),
    ("psk", 4787.3, {"pulse": "nrz"}),
    ("psk", 2400.0, {"manchester": True}),
    ("psk", 2400.0, {"manchester": True, "differential": True}),
    ("qpsk", 4787.3, {}),
    ("qpsk", 4800.0, {"differential": True}),
    ("qpsk", 4800.0, {"pulse": "nrz"}),
    ("oqpsk", 4787.3, {}),
    ("oqpsk", 4800.0, {"differential": True}),
    ("oqpsk", 4800.0, {"carrier": 300.0}),
]


@pytest.mark.parametrize("iq", [True, False])
@pytest.mark.parametrize(("kind", "baud", "options"), ROUND_TRIPS)
def test_frames_come_back_through_demodulator_and_deframer(
    kind: str, baud: float, options: dict[str, Any], iq: bool
) -> None:
    """Both ends are made of the same words."""
    random = np.random.default_rng(3)
    bodies = [random.bytes(64) for _ in range(4)]
    framing = {"kind": "ccsds_tm", "frame_length": 64}
    if not iq and kind in PHASE_KINDS:
        options = options | {"carrier": 9000.0}
    bits = np.concatenate((random_bits(2000), deframer(**framing).encode(bodies), random_bits(2000)))
    signal = everything(modulator(kind, RATE, baud, iq=iq, **options), bits)
    receiver = Receiver(demodulator(kind, RATE, baud, iq=iq, **options), [deframer(**framing)])
    frames = receiver.receive(signal) + receiver.finish()
    assert [frame.body for frame in frames] == bodies
    assert all(frame.corrected == 0 for frame in frames)


def test_options_of_a_receiver_are_ignored_and_others_refused() -> None:
    bits = random_bits(100)
    plain = everything(modulator("psk", RATE, BAUD), bits)
    assert np.array_equal(everything(modulator("psk", RATE, BAUD, clock_error=0.01, search=0.2), bits), plain)
    with pytest.raises(DeclarationError, match=f"use one of {', '.join(MODULATORS)}"):
        modulator("ook", RATE, BAUD)
    with pytest.raises(DeclarationError, match="its options are iq, deviation, bt, carrier"):
        modulator("fsk", RATE, BAUD, shift=850)
    with pytest.raises(DeclarationError, match="at least 2 samples a symbol"):
        modulator("psk", RATE, 38_400)
    for kind, options in (
        ("fsk", {"bt": 0.0}),
        ("fsk", {"deviation": 24_000.0}),
        ("pcm_fm", {"carrier": -23_000.0}),
        ("afsk", {"tones": (1200.0, 30_000.0)}),
        ("psk", {"carrier": 24_000.0}),
        ("qpsk", {"rolloff": 0.0}),
        ("psk", {"pulse": "sine"}),
    ):
        with pytest.raises(DeclarationError):
            modulator(kind, RATE, BAUD, **options)
