"""Writes large files of every format that is imported: real content again and again where there is some."""

import os
import random
import struct
from collections.abc import Callable, Iterator
from itertools import chain, count, cycle, repeat
from pathlib import Path

import orjson
from mcap.writer import CompressionType, Writer

from replay.recording import open_recording

DATA = Path(os.environ.get("GROUNDSTATION_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


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


def delivered(path: Path) -> list[bytes]:
    """What of a file is telemetry: chunk by chunk, without what lies between."""
    return [chunk.data for chunk in open_recording(path).chunks()]


def cfl(path: Path, size: int) -> None:
    """A log of a CATS flight computer, whose clock begins again with each repetition."""
    real = DATA / "cats_euroc23" / "07_aesir" / "main_1.cfl"
    version, _ = real.read_bytes().split(b"\0", 1)
    fill(path, size, [version + b"\0"], [b"".join(delivered(real))])


def mission(path: Path, size: int) -> None:
    """Carleton's packets."""
    lines = b"".join(
        data.hex().encode() + b"\n" for data in delivered(DATA / "carleton" / "hybrid_flight_data.mission")
    )
    fill(path, size, [], [lines])


def psas(path: Path, size: int) -> None:
    """Datagrams of a PSAS flight computer."""
    fill(path, size, [], [b"".join(delivered(DATA / "psas_packet" / "simple_logfile")) * 100])


def ulog(path: Path, size: int) -> None:
    """A PX4 log, and its data again and again."""
    real = DATA / "px4_ulog" / "sample_log_small.ulg"
    fill(path, size, [real.read_bytes()], [b"".join(delivered(real))])


def dataflash(path: Path, size: int) -> None:
    """An ArduPilot log, and its data again and again."""
    real = DATA / "ardupilot_dataflash" / "test.BIN"
    fill(path, size, [real.read_bytes()], [b"".join(delivered(real)) * 10])


def chapter_10(path: Path, size: int) -> None:
    """A recorder's packets."""
    fill(path, size, [], [(DATA / "irig106_ch10" / "sample.c10").read_bytes()])


def telemetry_log(path: Path, size: int) -> None:
    """A MAVLink log of a ground station."""
    fill(path, size, [], [(DATA / "mavlink" / "small.tlog").read_bytes()])


def json_messages(path: Path, size: int) -> None:
    """Somebody's MCAP of JSON: three topics at 100 Hz, each with sixteen numbers."""
    chance = random.Random(1)
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE)
        writer.start()
        topics = [writer.register_channel(f"/{name}", "json", 0) for name in "abc"]
        bodies = [orjson.dumps({f"value_{at}": chance.gauss(0, 100) for at in range(16)}) for _ in range(100)]
        for number in count():
            if file.tell() >= size:
                break
            at = 10**18 + number * 3_333_333
            writer.add_message(topics[number % 3], at, bodies[number % 100], at)
        writer.finish()


CASES: dict[str, Callable[[Path, int], None]] = {
    "cfl": cfl,
    "mission": mission,
    "psas": psas,
    "ulog": ulog,
    "dataflash": dataflash,
    "ch10": chapter_10,
    "tlog": telemetry_log,
    "mcap, JSON": json_messages,
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
