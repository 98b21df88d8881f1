"""From the bytes of a receiver to frames: how many times faster than real time one core is, and where the time goes.

Run it as a script. GFSK at 9600 baud with AX100 frames in 2.4 million cu8 samples a second, fed in pieces of several
sizes; the first filter beside scipy's polyphase one, if that is installed. Figures are the best of several rounds of
CPU time; compare ratios, since machines are busy.
"""

import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402 - the environment comes first
from numpy.typing import NDArray  # noqa: E402

from protocols.deframing.deframer import deframer  # noqa: E402
from protocols.modem.demodulator import demodulator  # noqa: E402
from protocols.modem.down_converter import DownConverter  # noqa: E402
from protocols.modem.modulator import modulator  # noqa: E402
from protocols.modem.receiver import Receiver  # noqa: E402
from protocols.signal import Signal  # noqa: E402

RATE, BAUD, CARRIER = 2.4e6, 9600.0, 200_000.0
SIGNAL = Signal("cu8", RATE)
SECONDS, ROUNDS = 2.0, 7
PIECES = (48_000, 131_072, 262_144)
CHAINS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("discriminator", "fsk", {}),
    ("several symbols together", "gfsk", {}),
    ("off the band's middle", "gfsk", {"carrier": CARRIER}),
    ("carrier searched, +-12 kHz", "gfsk", {"search": 12e3}),
)
TARGET = 30.0


def received(carrier: float) -> bytes:
    """Bursts in noise, as a radio gives them: about 15 dB Eb/N0."""
    random = np.random.default_rng(1)
    made = modulator("gmsk", RATE, BAUD)
    framing = deframer("ax100_golay")
    noise = np.empty(int(SECONDS * RATE), np.complex64)
    noise.real, noise.imag = random.normal(0, 0.1, (2, len(noise)))
    for begin in range(100_000, len(noise) - 400_000, 1_000_000):
        bits = framing.encode([random.bytes(100)])
        burst = np.concatenate(
            (made.modulate(np.concatenate((np.tile((0, 1), 200), bits)).astype(np.uint8)), made.finish())
        )
        turn = np.exp(2j * np.pi * carrier / RATE * np.arange(len(burst)))
        noise[begin : begin + len(burst)] += (0.07 * burst * turn).astype(np.complex64)[: len(noise) - begin]
    return SIGNAL.encode(noise)


def best(work: Callable[[], object]) -> float:
    """The least CPU time of one call, in s."""
    spent = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent)


def frames(data: bytes, kind: str, piece: int, options: dict[str, Any]) -> int:
    """How many frames the whole chain finds."""
    receiver = Receiver(demodulator(kind, RATE, BAUD, iq=True, **options), [deframer("ax100_golay"), deframer("hdlc")])
    step = piece * SIGNAL.size
    found = [receiver.receive(SIGNAL.array(data[at : at + step])) for at in range(0, len(data), step)]
    return len([frame for each in (*found, receiver.finish()) for frame in each if frame.deframer == 0])


def in_pieces(work: Callable[[NDArray[Any]], object], samples: NDArray[Any], piece: int) -> Callable[[], object]:
    """Work done on samples piece by piece."""
    return lambda: [work(samples[at : at + piece]) for at in range(0, len(samples), piece)]


def main() -> None:
    """Print the tables."""
    at_zero, aside = received(0.0), received(CARRIER)
    print(f"{'times real time, one core':32}" + "".join(f"{f'{piece / RATE * 1e3:.0f} ms':>9}" for piece in PIECES))
    least = float("inf")
    for title, kind, options in CHAINS:
        data = aside if "carrier" in options else at_zero
        ratios = []
        for piece in PIECES:
            found = frames(data, kind, piece, options)
            assert found, f"{title}: no frame was found"
            ratios.append(SECONDS / best(lambda: frames(data, kind, piece, options)))  # noqa: B023 - called at once
        least = min(least, *ratios)
        print(f"{title:32}" + "".join(f"{ratio:9.1f}" for ratio in ratios))
    print(f"least {least:.1f}, target {TARGET:g}")
    print("million samples a second, pieces of 32768")
    samples = SIGNAL.array(at_zero)
    converter = DownConverter(RATE, BAUD, 8, 0.75 * BAUD, carrier=CARRIER)
    ours = len(samples) / best(in_pieces(converter.receive, samples, 32_768)) / 1e6
    conversion = (
        len(samples)
        / best(lambda: [SIGNAL.array(at_zero[at : at + 65_536]) for at in range(0, len(at_zero), 65_536)])
        / 1e6
    )
    print(f"  bytes to complex numbers       {conversion:8.0f}")
    print(f"  carrier down, channel, 8/symbol{ours:8.0f}")
    try:
        upfirdn = import_module("scipy.signal").upfirdn
    except ImportError:
        print("  (scipy is not installed: nothing to compare with)")
        return
    taps = np.sinc(np.arange(-75, 76) / 25).astype(np.float32)
    theirs = len(samples) / best(in_pieces(lambda piece: upfirdn(taps, piece, 1, 25), samples, 32_768)) / 1e6
    print(f"  scipy's upfirdn, first stage   {theirs:8.0f}  ours is {ours / theirs:.1f} times faster, with mixing")


if __name__ == "__main__":
    main()
