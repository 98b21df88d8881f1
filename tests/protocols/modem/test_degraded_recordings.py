"""The same frames come out of a recording that another sound card, program or operator would have made."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from protocols.modem.demodulator import demodulator
from protocols.modem.receiver import Receiver
from tests.protocols.modem.recordings import RECORDINGS, audio, clock_error, facts

NAMES = ("innosat_2", "swiatowid-ax25", "dsat", "spooqy_1")
Samples = NDArray[np.float32]


def resampled(samples: Samples, ratio: float) -> Samples:
    """At another rate, by the spectrum."""
    spectrum, count = np.fft.rfft(samples), round(len(samples) * ratio)
    kept = np.zeros(count // 2 + 1, np.complex128)
    both = min(len(kept), len(spectrum))
    kept[:both] = spectrum[:both]
    return (np.fft.irfft(kept, count) * (count / len(samples))).astype(np.float32)


def hummed(samples: Samples) -> Samples:
    """With a tenth of its own strength at 50 Hz, of 48 kHz."""
    return samples + (0.1 * np.std(samples) * np.sin(2 * np.pi * 50 / 48_000 * np.arange(len(samples)))).astype(
        np.float32
    )


DEGRADED: dict[str, tuple[Callable[[Samples], Samples], float]] = {
    "upside down": (lambda samples: -samples, 1.0),
    "40 dB weaker": (lambda samples: samples * np.float32(0.01), 1.0),
    "40 dB stronger": (lambda samples: samples * np.float32(100), 1.0),
    "off zero": (lambda samples: samples + np.float32(0.3), 1.0),
    "of 8 bits": (lambda samples: np.round(samples * 127).astype(np.float32) / 127, 1.0),
    "limited": (lambda samples: np.clip(samples, -np.std(samples), np.std(samples)), 1.0),
    "with hum": (hummed, 1.0),
    "at 44.1 kHz": (lambda samples: resampled(samples, 44_100 / 48_000), 44_100 / 48_000),
    "at 96 kHz": (lambda samples: resampled(samples, 2.0), 2.0),
}


def frames(data: Path, name: str, samples: Samples, rate: float) -> set[bytes]:
    allowed = clock_error(facts(data)[name]["options"])
    found: set[bytes] = set()
    for mode in RECORDINGS[name]:
        made = demodulator(mode.modem, rate, mode.baud, clock_error=allowed, **mode.modem_options)
        receiver = Receiver(made, [mode.deframer()])
        found |= {frame.body for frame in receiver.receive(samples) + receiver.finish()}
    return found


@pytest.mark.parametrize("how", DEGRADED)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_frames_come_out(data: Path, name: str, how: str) -> None:
    samples, rate = audio(data / "sat_wav" / f"{name}.wav")
    degraded, ratio = DEGRADED[how]
    whole = frames(data, name, samples, rate)
    assert whole
    assert frames(data, name, degraded(samples), rate * ratio) >= whole
