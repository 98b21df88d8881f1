"""A simulated radio link: what goes in comes out of a receiver, at the level and the frequency it should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.simulator.downlink import QUEUE_S, Air, Radio
from protocols.errors import DeclarationError
from protocols.modem.transmitter_table import Transmitter
from protocols.signal import Signal

SIGNAL = Signal("cu8", 96_000, 437_500_000)
FSK = Transmitter.of({"modem": {"kind": "fsk", "baud": 9600}, "framing": "ax100_golay"})
PACKETS = [bytes([number]) * (20 + number % 50) for number in range(12)]


def heard(transmitter: Transmitter, signal: Signal, samples: bytes) -> list[bytes]:
    receiver = transmitter.receiver(signal)
    return [frame.body for frame in receiver.receive(signal.array(samples)) + receiver.finish()]


@pytest.mark.parametrize(
    ("modem", "framing", "samples"),
    [
        ({"kind": "fsk", "baud": 9600}, "ax100_golay", "cu8"),
        ({"kind": "gmsk", "baud": 9600}, "u482c", "ci16_le"),
        ({"kind": "fsk", "baud": 9600}, "ax100_reed_solomon", "cf32_le"),
        ({"kind": "psk", "baud": 9600, "differential": True}, {"kind": "hdlc", "g3ruh": True}, "cu8"),
    ],
)
def test_every_packet_is_received(modem: dict, framing: str | dict, samples: str) -> None:
    transmitter = Transmitter.of({"modem": modem, "framing": framing})
    signal = Signal(samples, 48_000, 437_500_000)
    downlink = Radio(transmitter, Air(eb_n0=14)).downlink(signal)
    data = downlink.samples(10_000)
    assert downlink.send(PACKETS[:6]) == 0
    data += downlink.samples(50_000)
    assert downlink.send(PACKETS[6:]) == 0
    data += downlink.samples(60_000)
    assert len(data) == 120_000 * signal.size
    assert heard(transmitter, signal, data) == PACKETS


def test_doppler_a_clock_that_is_off_and_fading_are_on_the_air() -> None:
    air = Air(eb_n0=16, offset=1500, drift=-100, clock_error=30, fading=(0.5, 3))
    downlink = Radio(FSK, air).downlink(SIGNAL)
    data = downlink.samples(30_000)
    downlink.send(PACKETS)
    assert heard(FSK, SIGNAL, data + downlink.samples(250_000)) == PACKETS


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 5000), max_size=12))
def test_how_samples_are_asked_for_changes_none_of_a_frame(cuts: list[int]) -> None:
    """Without noise, and while there are frames to send: bits between frames are random."""
    whole, cut = (Radio(FSK, Air(eb_n0=None)).downlink(SIGNAL) for _ in range(2))
    whole.send(PACKETS)
    cut.send(PACKETS)
    assert b"".join(cut.samples(count) for count in cuts) == whole.samples(sum(cuts))


@pytest.mark.parametrize(("eb_n0", "rms"), [(None, 0.5), (12.0, 0.25), (-10.0, 0.25)])
def test_its_level_fits_the_converter(eb_n0: float | None, rms: float) -> None:
    samples = SIGNAL.array(Radio(FSK, Air(eb_n0=eb_n0)).downlink(SIGNAL).samples(100_000))
    assert np.sqrt(np.mean(np.abs(samples) ** 2)) == pytest.approx(rms, rel=0.02)
    assert np.mean(np.abs(samples.view(np.float32)) > 0.99) < 1e-4


def test_noise_has_the_power_that_was_asked_for() -> None:
    """Far from the signal: of the noise in 96 kHz, 10 dB below 9600 bits/s, a tenth lies in each 9.6 kHz."""
    signal = Signal("cf32_le", 96_000, 437_500_000)
    samples = signal.array(Radio(FSK, Air(eb_n0=10)).downlink(signal).samples(1 << 18))
    power = np.abs(np.fft.fft(samples)) ** 2
    hertz = np.abs(np.fft.fftfreq(len(samples), 1 / 96_000))
    noise = power[hertz > 30_000].mean()
    carrier = power.sum() - noise * len(samples)
    assert 10 * np.log10(carrier / (noise * len(samples) / 10)) == pytest.approx(10, abs=0.1)


def test_tuned_beside_it_is_heard_there_and_outside_the_band_not_at_all() -> None:
    downlink = Radio(FSK, Air(eb_n0=20)).downlink(SIGNAL)

    def middle() -> float:
        downlink.samples(1000)
        power = np.abs(np.fft.fftshift(np.fft.fft(SIGNAL.array(downlink.samples(65_536))))) ** 2
        return float((power * np.linspace(-48_000, 48_000, 65_536)).sum() / power.sum())

    assert abs(middle()) < 1000
    downlink.tune(Signal("cu8", 96_000, 437_480_000))
    assert middle() > 15_000
    downlink.tune(Signal("cu8", 96_000, 437_400_000))
    assert abs(middle()) < 1000
    downlink.send(PACKETS)
    assert heard(FSK, SIGNAL, downlink.samples(200_000)) == []


def test_tuned_to_another_rate_it_is_received_at_that() -> None:
    downlink = Radio(FSK, Air(eb_n0=20)).downlink(SIGNAL)
    faster = Signal("cu8", 250_000, 437_500_000)
    downlink.tune(faster)
    data = downlink.samples(100_000)
    downlink.send(PACKETS)
    assert heard(FSK, faster, data + downlink.samples(400_000)) == PACKETS


def test_what_the_link_does_not_carry_is_dropped_and_counted() -> None:
    downlink = Radio(FSK, Air()).downlink(SIGNAL)
    packet = bytes(100)
    dropped = downlink.send([packet] * 100)
    assert downlink.waiting <= 9600 * QUEUE_S
    sent = 100 - dropped // 100
    assert 0 < sent < 10
    downlink.skip(int(SIGNAL.rate / 2))
    assert 0 < 100 - downlink.send([packet] * 100) // 100 < sent
    downlink.skip(int(2 * SIGNAL.rate))
    assert downlink.waiting == 0


@pytest.mark.parametrize(
    ("modem", "framing", "said"),
    [
        ({"kind": "fsk", "baud": 90_000}, "ax100_golay", "samples a symbol are needed"),
        ({"kind": "smoke", "baud": 1}, "ax100_golay", "none sends it"),
        ({"kind": "fsk", "baud": 9600}, "bottle", "there is none of that name"),
    ],
)
def test_radios_that_cannot_be(modem: dict, framing: str, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Radio(Transmitter.of({"modem": modem, "framing": framing})).downlink(SIGNAL)


def test_a_packet_that_a_framing_cannot_carry_is_refused() -> None:
    fixed = Transmitter.of({"modem": {"kind": "fsk", "baud": 9600}, "framing": "ao40"})
    with pytest.raises(DeclarationError, match="all have 256"):
        Radio(fixed).downlink(SIGNAL).send([b"short"])
