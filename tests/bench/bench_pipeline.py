"""The whole path of a link on one core: bytes, COBS, CRC, packets, engineering units, limits.

A frame is 64 bytes before COBS and CRC, with 32 values, 15 of them bits; 16 are measurements with a curve and limits.
Targets: 1,000,000 frames/s in large blocks, 20,000 in blocks of one. Absolute rates depend on the machine; the ratio
to construct's parse alone, in the same run, does not.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from construct import (
    BitsInteger,
    BitStruct,
    Flag,
    Float32b,
    Int8ub,
    Int16sb,
    Int16ub,
    Int32sb,
    Int32ub,
    Padding,
    Struct,
)

from groundstation.pipeline import Pipeline
from protocols.chunk import Chunk
from protocols.curve import Linear
from protocols.framer import framer
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

FRAMING = {"kind": "cobs", "check": "crc-16/ibm-3740"}
PRIMARY = BitStruct(
    "version" / BitsInteger(3),
    "type" / Flag,
    "secondary" / Flag,
    "apid" / BitsInteger(11),
    "sequence_flags" / BitsInteger(2),
    "sequence_count" / BitsInteger(14),
    "data_length" / BitsInteger(16),
)


def _limited(kind: object, scale: float) -> Measurement:
    return Measurement(kind, "V", Linear(scale, -1.0), yellow=(-40_000, 40_000), red=(-70_000, 70_000))


BODY = Struct(
    "seconds" / Int32ub,
    "state" / BitStruct("phase" / BitsInteger(4), "armed" / Flag, "igniter" / BitsInteger(3), "valve" / BitsInteger(8)),
    "trim"
    / BitStruct("pitch" / BitsInteger(6), "yaw" / BitsInteger(6), "roll" / BitsInteger(12), "gear" / BitsInteger(8)),
    "altitude" / Float32b,
    "speed" / Float32b,
    *(f"unsigned_{i}" / _limited(Int16ub, 0.5) for i in range(8)),
    *(f"signed_{i}" / _limited(Int16sb, 0.25) for i in range(8)),
    "latitude" / Int32sb,
    "mode" / Int8ub,
    Padding(3),
)
VEHICLE = Vehicle(
    "bench",
    "Bench",
    (Packet("state", BODY, key=100),),
    Header(PRIMARY, key="apid", sequence="sequence_count", length="data_length", length_bias=1),
    framing=FRAMING,
)


def stream(count: int, mode: int | None = None) -> list[bytes]:
    """count frames of random content, but for a mode if one is given; each framed by itself."""
    rows = np.random.default_rng(3).integers(0, 256, (count, 64), dtype=np.uint8)
    rows[:, 0:2] = np.frombuffer((0x0800 | 100).to_bytes(2, "big"), np.uint8)
    rows[:, 2:4] = (0xC000 | (np.arange(count) & 0x3FFF)).astype(">u2").view(np.uint8).reshape(count, 2)
    rows[:, 4:6] = np.frombuffer((64 - 7).to_bytes(2, "big"), np.uint8)
    if mode is not None:
        rows[:, 60] = mode
    encode = framer("cobs", check=FRAMING["check"]).encode
    return [encode([row.tobytes()]) for row in rows]


def rate(frames: list[bytes], block: int, *, values: bool) -> float:
    """Frames a second in blocks of so many; with values, every column is finished besides."""
    pipeline = Pipeline(VEHICLE, {"link": FRAMING})
    chunks = [Chunk("link", b"".join(frames[i : i + block]), i + 1) for i in range(0, len(frames), block)]
    began = time.process_time()
    for chunk in chunks:
        for batch in pipeline.receive(chunk).batches:
            if values:
                for path in batch.columns:
                    batch.columns[path]
    spent = time.process_time() - began
    counts = pipeline.links["link"].counts()
    assert counts["packets"] == {"state": len(frames)}, counts
    assert counts["discarded"] == counts["sequence_gaps"] == 0, counts
    assert not pipeline.alarms.totals()["red"]
    return len(frames) / spent


def main() -> dict[str, float]:
    """Print frames/s by block; the rates by name."""
    frames = stream(200_000)
    parse_began = time.process_time()
    for _ in range(2_000):
        BODY.parse(bytes(58))
    parse = 2_000 / (time.process_time() - parse_began)
    rates = {}
    for block in (1, 10, 100, 1_000, 4_096, 8_192):
        some = frames[: max(4_000, min(len(frames), block * 2_000))]
        for values in (False, True):
            name = f"blocks of {block}{', every value finished' if values else ''}"
            rates[name] = max(rate(some, block, values=values) for _ in range(3))
    lines = [
        f"  {name:40s} {value:12,.0f} frames/s  {value / parse:10,.1f} x construct parse"
        for name, value in rates.items()
    ]
    sys.stdout.write("bytes -> COBS -> CRC -> packets -> units -> limits, 64-byte frames, CPU of one core\n")
    sys.stdout.write("\n".join(lines) + "\n")
    return rates


if __name__ == "__main__":
    main()
