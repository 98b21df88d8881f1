"""Transfer frames to space packets, beside a plain loop over frames and packets in the same run.

Run it as a script. Figures are the best of several rounds; compare ratios, since machines are busy. The loop does for
one channel without losses what must be done at least: cut the zones, join them, cut the packets. It checks nothing.
"""

import time
from collections.abc import Callable

import numpy as np

from protocols.ccsds.frame_stage import TransferFrames
from protocols.ccsds.multiplexer import Multiplexer
from protocols.ccsds.space_packet import build
from protocols.frames import Frames

LENGTH, TOTAL, BLOCK = 1115, 4_000_000, 256 * 1024
ROUNDS = 7


def seconds(work: Callable[[], object]) -> float:
    """The best time of one call, in s."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def telemetry(shortest: int, longest: int) -> list[bytes]:
    """Packets of TOTAL bytes together."""
    random, found, size = np.random.default_rng(1), [], 0
    while size < TOTAL:
        packet = build(len(found) % 200, len(found) // 200, bytes(int(random.integers(shortest, longest + 1)) - 6))
        found.append(packet)
        size += len(packet)
    return found


def loop(frames: list[bytes]) -> list[bytes]:
    """Packets by slicing, frame after frame."""
    found, rest = [], b""
    for frame in frames:
        rest += frame[8:-2]
        while len(rest) >= 6:
            length = (rest[4] << 8 | rest[5]) + 7
            if len(rest) < length:
                break
            found.append(rest[:length])
            rest = rest[length:]
    return found


def main() -> None:
    """Print all figures."""
    print(f"{'packets of':>12} {'frames a call':>14} {'MB/s':>7} {'MB/s with FECF':>15} {'the loop':>9} {'ratio':>6}")
    for shortest, longest in ((20, 20), (64, 64), (40, 400), (1000, 1000)):
        packets = telemetry(shortest, longest)
        frames = Multiplexer("aos", LENGTH, fecf=True).frames(packets)
        plain = Multiplexer("aos", LENGTH - 2).frames(packets)
        slow = TOTAL / seconds(lambda frames=frames: loop(frames)) / 1e6
        for several in (1, BLOCK // LENGTH, len(frames)):
            rates = []
            for made, fecf in ((plain, False), (frames, True)):
                blocks = [Frames.of(made[at : at + several], 0) for at in range(0, len(made), several)]
                stage = TransferFrames("aos", fecf=fecf)
                assert sum(len(stage.receive(block)) for block in blocks) == len(packets)

                def work(stage: TransferFrames = stage, blocks: list[Frames] = blocks) -> None:
                    for block in blocks:
                        stage.receive(block)

                rates.append(TOTAL / seconds(work) / 1e6)
            what = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
            print(f"{what:>12} {several:14} {rates[0]:7.0f} {rates[1]:15.0f} {slow:9.0f} {rates[0] / slow:6.1f}")


if __name__ == "__main__":
    main()
