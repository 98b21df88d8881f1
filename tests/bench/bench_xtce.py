"""JPSS-1's packets through XTCE, every value of them, beside space_packet_parser on the same file in the same run.

Run it as a script. Both start from the file's bytes and an XTCE document read before; both end with all values, in
engineering units where there are any. Figures are the best of several rounds, of space_packet_parser of one.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from space_packet_parser.generators.ccsds import ccsds_generator
from space_packet_parser.xtce.definitions import XtcePacketDefinition

from protocols.decoder import VehicleDecoder
from protocols.framer import framer
from protocols.packet import Vehicle
from protocols.xtce.reading import read_xtce

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ccsds_xtce_spp" / "jpss"
DOCUMENT, PACKETS = DATA / "jpss1_geolocation_xtce_v1.xml", DATA / "J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
BLOCK, ROUNDS = 256 * 1024, 9


def ours(made: Vehicle, stream: bytes) -> dict[str, Any]:
    """All columns."""
    link, decoder, parts = framer("space_packet"), VehicleDecoder(made, ""), dict[str, list[Any]]()
    for begin in range(0, len(stream), BLOCK):
        for batch in decoder.decode(link.receive(stream[begin : begin + BLOCK], 0)):
            for path, column in batch.columns.items():
                parts.setdefault(path.removeprefix("header."), []).append(column)
    return {path: np.concatenate(columns) for path, columns in parts.items()}


def theirs(definition: Any, stream: bytes) -> list[dict[str, Any]]:
    """A mapping for each packet."""
    return [definition.parse_bytes(packet) for packet in ccsds_generator(stream)]


def main() -> int:
    """Print both, and the ratio; 1 where a value differs."""
    if not PACKETS.is_file():
        print(f"skipped: there is no {PACKETS}")
        return 0
    stream, definition = PACKETS.read_bytes(), XtcePacketDefinition.from_xtce(DOCUMENT)
    begin = time.perf_counter()
    made = read_xtce(DOCUMENT.read_bytes())
    loading = time.perf_counter() - begin
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        found = ours(made, stream)
        times.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    wanted = theirs(definition, stream)
    slow, fast, count = time.perf_counter() - begin, min(times), len(wanted)
    same = all(found[name].tolist() == [packet[name] for packet in wanted] for name in wanted[0])
    print(f"{count:,} packets of {len(found)} values; values equal: {same}; XTCE read in {loading * 1e3:.1f} ms")
    print(f"  here                 {fast / count * 1e6:8.3f} us a packet  {len(stream) / fast / 1e6:8.1f} MB/s")
    print(f"  space_packet_parser  {slow / count * 1e6:8.3f} us a packet  {len(stream) / slow / 1e6:8.1f} MB/s")
    print(f"  ratio                {slow / fast:8.0f}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
