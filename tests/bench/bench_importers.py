"""Importers: MB/s of file from opening to the last chunk, beside reading the file and splitting its lines; and memory.

Run it as a script, with the megabytes of each file if not 64. To add a format, add a line to CASES: its name, and what
writes a file of so many bytes. Times are those of the processor; compare ratios, since machines are busy. Memory is
that of a process that imports a file, and of one that imports a file four times as large: it should be the same.
"""

import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain, count, cycle, repeat
from pathlib import Path

from replay.recording import open_recording

DATA = Path(os.environ.get("GROUNDSTATION_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
BLOCK = 1 << 20


def eeprom(path: Path, size: int) -> None:
    """An AltOS log with the same flight again and again."""
    (real,) = (DATA / "cats_euroc21").glob("*.eeprom")
    header, records = real.read_bytes().split(b"\n}\n", 1)
    fill(path, size, [header + b"\n}\n"], [records])


def telem(path: Path, size: int) -> None:
    """AltOS telemetry."""
    lines = (
        b"TELEM 225310611005f7da007fe73d193ec83bce15010915321c1a0b170103004e002f007e8915\n",
        b"TELEM 225310291106080421072108230921101512151b1e1e1200000000000000002f007e858e\n",
    )
    fill(path, size, [], [b"".join(lines) * 1000])


def numbers(path: Path, size: int) -> None:
    """A table of ten channels at 100 Hz."""
    chance = random.Random(1)
    header = "time [s]," + ",".join(f"channel_{number} [V]" for number in range(10)) + "\n"
    values = ["," + ",".join(f"{chance.gauss(0, 100):.3f}" for _ in range(10)) + "\n" for _ in range(1000)]
    rows = (f"{number / 100:.2f}{row}".encode() for number, row in enumerate(cycle(values)))
    fill(path, size, [header.encode()], (b"".join(next(rows) for _ in range(1000)) for _ in repeat(None)))


def export(path: Path, size: int) -> None:
    """One of our own: four packet types with eight measurements each."""
    chance = random.Random(1)
    names = [f"{packet}.value_{number} [m]" for packet in "abcd" for number in range(8)]
    header = (
        ",".join(("received_ns", "mission_time [s]", "vehicle_time [s]", "link", "packet", "valid", *names)) + "\r\n"
    )
    values = [",".join(repr(chance.gauss(0, 100)) for _ in range(8)) for _ in range(1000)]

    def rows() -> Iterator[bytes]:
        for number, value in enumerate(cycle(values)):
            place = number % 4
            own = "," * (8 * place) + value + "," * (8 * (3 - place))
            yield f"{10**18 + number * 10**7},{number / 100},,radio,{'abcd'[place]},1,{own}\r\n".encode()

    made = rows()
    fill(path, size, [header.encode()], (b"".join(next(made) for _ in range(1000)) for _ in repeat(None)))


def receiver(path: Path, size: int) -> None:
    """A GNSS receiver's UBX messages and sentences, the same half minute again and again."""
    fill(path, size, [], [(DATA / "gnss_ubx/pygpsdata-MIXED.log").read_bytes()])


def sentences(path: Path, size: int) -> None:
    """NMEA 0183 alone."""
    fill(path, size, [], [(DATA / "gnss_ubx/pygpsdata-NMEA.log").read_bytes()])


def kiss(path: Path, size: int) -> None:
    """Frames of BY02."""
    fill(path, size, [], [(DATA / "by02_kiss/frames.kiss").read_bytes()])


def packet(protocol: int, segment: bytes) -> bytes:
    """A packet over IPv4 over Ethernet."""
    head = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(segment), 1, 0x4000, 64, protocol, 0, 0x0A000007, 0x0A000001)
    return bytes(12) + b"\x08\x00" + head + segment


def datagrams(path: Path, size: int) -> None:
    """A capture of datagrams of 100 bytes."""
    data = packet(17, struct.pack(">HHHH", 40000, 14550, 108, 0) + bytes(range(100)))
    records = [
        struct.pack("<IIII", 1_700_000_000 + n // 100, n % 100, len(data), len(data)) + data for n in range(5000)
    ]
    fill(path, size, [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)], [b"".join(records)])


def connection(path: Path, size: int) -> None:
    """A capture of Wireshark's of a connection, 100 bytes a segment."""
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + struct.pack(
        "<IIHHII", 1, 20, 1, 0, 0, 20
    )

    def block(number: int) -> bytes:
        sequence = number * 100 % 2**32
        data = packet(6, struct.pack(">HHIIHHI", 5760, 50000, sequence, 1, 0x5018, 8192, 0) + bytes(range(100)))
        length = 32 + len(data) + -len(data) % 4
        stamp = 1_700_000_000_000_000 + 10 * number
        head = struct.pack("<IIIIIII", 6, length, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data))
        return head + data + bytes(-len(data) % 4) + struct.pack("<I", length)

    made = map(block, count())
    fill(path, size, [section], (b"".join(next(made) for _ in range(1000)) for _ in repeat(None)))


CASES: dict[str, Callable[[Path, int], None]] = {
    "eeprom": eeprom,
    "telem": telem,
    "csv, numbers": numbers,
    "csv, our export": export,
    "GNSS, mixed": receiver,
    "NMEA 0183": sentences,
    "KISS": kiss,
    "pcap, UDP": datagrams,
    "pcapng, TCP": connection,
}
"""What writes a large file of each format."""


def fill(path: Path, size: int, first: list[bytes], then: "Iterator[bytes] | list[bytes]") -> None:
    """Write pieces, those of a list again and again, until there are so many bytes."""
    with path.open("wb") as file:
        for piece in chain(first, cycle(then) if isinstance(then, list) else then):
            file.write(piece)
            if file.tell() >= size:
                return


def read_only(path: Path) -> float:
    """Seconds to read a file and split its lines."""
    begin = time.process_time()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            block.split(b"\n")
    return time.process_time() - begin


def imported(path: Path) -> None:
    """Import a file and print seconds, chunks, and the process's peak memory in MB."""
    begin = time.process_time()
    recording = open_recording(path)
    chunks = sum(1 for _ in recording.chunks())
    spent = time.process_time() - begin
    assert not recording.damage.notes, recording.damage.notes[0]
    print(spent, chunks, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def child(path: Path) -> tuple[float, int, float]:
    """The same in a process of its own."""
    told = subprocess.run([sys.executable, __file__, "--import", path], check=True, capture_output=True, text=True)
    spent, chunks, memory = told.stdout.split()
    return float(spent), int(chunks), float(memory)


def main(megabytes: int) -> None:
    """Print a line for each format."""
    print(f"{'format':<18}{'MB/s':>7}{'us a chunk':>12}{'of reading':>12}{'memory MB':>11}{'at 4 times':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in CASES.items():
            path = Path(folder) / "large"
            make(path, megabytes * 1_000_000)
            size = path.stat().st_size / 1e6
            reading = min(read_only(path) for _ in range(3))
            spent, chunks, memory = min(child(path) for _ in range(2))
            make(path, 4 * megabytes * 1_000_000)
            _, _, more = child(path)
            rate, share = size / spent, reading / spent
            print(
                f"{name:<18}{rate:>7.1f}{1e6 * spent / chunks:>12.2f}{share:>11.1%}{memory:>11.0f}{more:>12.0f}",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--import"]:
        imported(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
