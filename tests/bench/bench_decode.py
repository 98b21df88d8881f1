"""Decoding speed: our columns against construct, ccsdspy and memcpy, on the same bytes in the same run.

The packet is the one of the field's usual comparisons: 64 bytes, a CCSDS primary header, 8 bytes of time and 50 bytes
of body, 32 values of which 15 are bit fields, big-endian. Targets: 2,000 times construct's parse, 8 times ccsdspy's
FixedLength, 30 % of memcpy; a batch of one at least as fast as construct's compiled parse.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from timeit import repeat
from typing import Any

import numpy as np
from construct import (
    BitsInteger,
    BitStruct,
    Flag,
    Float32b,
    Float64b,
    Int8ub,
    Int16sb,
    Int16ub,
    Int32sb,
    Int32ub,
    Padding,
    Struct,
)

from protocols.layout import Layout

try:
    import ccsdspy
except ImportError:
    ccsdspy = None

PACKET = Struct(
    "primary"
    / BitStruct(
        "version" / BitsInteger(3),
        "type" / Flag,
        "secondary" / Flag,
        "apid" / BitsInteger(11),
        "sequence_flags" / BitsInteger(2),
        "sequence_count" / BitsInteger(14),
        "data_length" / BitsInteger(16),
    ),
    "seconds" / Int32ub,
    "fraction" / Int32ub,
    "state" / BitStruct("phase" / BitsInteger(4), "armed" / Flag, "igniter" / BitsInteger(3), "valve" / BitsInteger(8)),
    "trim"
    / BitStruct("pitch" / BitsInteger(6), "yaw" / BitsInteger(6), "roll" / BitsInteger(12), "gear" / BitsInteger(8)),
    "altitude" / Float32b,
    "speed" / Float32b,
    "range" / Float64b,
    "pressure" / Int16ub,
    "pressure_2" / Int16ub,
    "temperature" / Int16sb,
    "temperature_2" / Int16sb,
    "volts" / Int16ub,
    "amps" / Int16sb,
    "latitude" / Int32sb,
    "longitude" / Int32sb,
    "gyro_x" / Int16sb,
    "gyro_y" / Int16sb,
    "gyro_z" / Int16sb,
    "mode" / Int8ub,
    Padding(1),
)
SIZE = 64
APID = 100


def packets(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """count packets of random content with a valid primary header, uint8 (count, 64)."""
    rows = np.random.default_rng(7).integers(0, 256, (count, SIZE), dtype=np.uint8)
    rows[:, 0:2] = np.frombuffer((0x0800 | APID).to_bytes(2, "big"), np.uint8)
    rows[:, 2:4] = (0xC000 | (np.arange(count) & 0x3FFF)).astype(">u2").view(np.uint8).reshape(count, 2)
    rows[:, 4:6] = np.frombuffer((SIZE - 7).to_bytes(2, "big"), np.uint8)
    return rows


def best(run: Callable[[], object], number: int = 1, times: int = 5) -> float:
    """Seconds of one run, the best of several."""
    return min(repeat(run, number=number, repeat=times)) / number


def everything(layout: Layout, rows: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """Every column of rows."""
    columns = layout.columns(rows)
    for path in columns:
        columns[path]


def in_blocks(layout: Layout, rows: np.ndarray[Any, np.dtype[np.uint8]], block: int) -> None:
    """Every column of rows, block by block as the pipeline hands them over."""
    for start in range(0, len(rows), block):
        everything(layout, rows[start : start + block])


def ccsdspy_seconds(rows: np.ndarray[Any, np.dtype[np.uint8]]) -> float | None:
    """The same by ccsdspy's FixedLength, None where it is not installed (extra `bench`)."""
    if ccsdspy is None:
        return None
    kinds = {"u": "uint", "i": "int", "f": "float"}
    layout, fields = Layout(PACKET), []
    for path, leaf in layout.leaves.items():
        if leaf.place.bit >= 48:  # ccsdspy knows the primary header by itself
            letter = layout.fields[path].raw_type[0]
            kind = "uint" if leaf.place.bits == 1 else kinds.get(letter, "uint")
            fields.append(
                ccsdspy.PacketField(name=path, data_type=kind, bit_length=leaf.place.bits, bit_offset=leaf.place.bit)
            )
    packet, data = ccsdspy.FixedLength(fields), rows.tobytes()

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            packet.load(io.BytesIO(data), include_primary_header=True)

    return best(run, times=3)


def main() -> dict[str, float]:
    """Print the table; the ratios by name."""
    layout, count = Layout(PACKET), 2_000_000  # 128 MB: more than any cache holds
    assert layout.size == SIZE, layout.size
    rows = packets(count)
    sizes = (1_000, 4_096, 8_192, 10_000)
    ours = {block: best(lambda block=block: in_blocks(layout, rows, block)) / count for block in sizes}
    block, fastest = min(ours.items(), key=lambda item: item[1])
    some = rows[:200_000]  # what the peers are given too
    same = min(best(lambda block=block: in_blocks(layout, some, block)) for block in sizes) / len(some)
    few = [bytes(row) for row in rows[:2_000]]
    compiled = PACKET.compile()
    parse = best(lambda: [PACKET.parse(each) for each in few], times=3) / len(few)
    quick = best(lambda: [compiled.parse(each) for each in few], times=3) / len(few)
    target = np.empty_like(rows)
    copy = best(lambda: np.copyto(target, rows)) / count
    fresh = best(rows.copy) / count
    peer = ccsdspy_seconds(some)
    single = best(lambda: everything(layout, rows[:1]), number=200)
    ratios = {
        "times construct's parse": parse / same,
        "of memcpy into memory at hand": copy / fastest,
        "of memcpy into new memory, as decoding writes": fresh / fastest,
        "batch of one against construct compiled": quick / single,
    }
    if peer is not None:
        ratios["times ccsdspy FixedLength"] = peer / len(some) / same
    out = [f"64-byte packets, {len(layout.fields)} values, {count:,} packets; best block {block:,}"]
    out += [f"  ours, blocks of {size:6,}: {seconds * 1e9:8.1f} ns/packet" for size, seconds in ours.items()]
    out += [f"  construct parse / compiled: {parse * 1e6:.1f} / {quick * 1e6:.1f} us/packet"]
    out += [f"  memcpy: {copy * 1e9:.1f} to {fresh * 1e9:.1f} ns/packet"]
    out += [f"  ours, a batch of one: {single * 1e6:.1f} us"]
    out += [f"  {name}: {value:,.2f}" for name, value in ratios.items()]
    sys.stdout.write("\n".join(out) + "\n")
    return ratios


if __name__ == "__main__":
    main()
