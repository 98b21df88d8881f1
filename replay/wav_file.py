"""Samples in WAV files: audio in one channel, or in two that are alike; else two are I and Q.

RIFF, RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088).

Sizes in headers are often wrong: a program that was killed leaves 0, one that wrote to a pipe 0xFFFFFFFF, one that went
past 4 GiB what is left of 32 bits. Then samples go on to the end of the file, and that is noted.

SDR programs tell frequency and start in a chunk ``auxi``: SpectraVue's, which SDRuno and HDSDR write too (SYSTEMTIME
start and stop, then the frequency in Hz), or the XML of SDR Console.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from protocols.errors import NotARecording
from replay.raw_samples import named, starting
from replay.recording import Damage, TimeBase
from replay.sample_file import Capture, SampleFile, signal_of, whole
from replay.utc_text import SECOND_NS, utc_ns

TITLE = "WAV"
SUFFIXES = (".wav", ".rf64", ".bw64")
_KINDS = (b"RIFF", b"RF64", b"BW64")
_NO_SIZE = 0xFFFFFFFF
_WRAP = 1 << 32
_CHUNKS = 4096
"""The most chunks looked at: recorders write a handful."""
_CHUNK_BYTES = 65536
"""The most that is read of a chunk which explains."""
_LOOKED_AT = 1 << 20
"""Bytes of samples that tell whether two channels are alike."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_REST = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the format's number in the sub-format of WAVE_FORMAT_EXTENSIBLE."""
_NUMBERS = {
    (_PCM, 1): "u8",
    (_PCM, 2): "i16_le",
    (_PCM, 3): "i32_le",
    (_PCM, 4): "i32_le",
    (_FLOAT, 4): "f32_le",
    (_FLOAT, 8): "f64_le",
}
"""Samples by kind and bytes of a number (SigMF's names); those of 3 bytes are read as 4."""


@dataclass(slots=True)
class _Wave:
    """What was found in a file."""

    chunks: dict[bytes, bytes] = field(default_factory=dict)
    """``fmt ``, ``ds64`` and ``auxi``, the first of each."""
    data: tuple[int, int] | None = None
    """Where the samples begin, and their bytes."""


def recognise_wav(head: bytes) -> bool:
    """Whether a file begins as WAV files do."""
    return head[:4] in _KINDS and head[8:12] == b"WAVE"


def wav_file(path: Path, rate: float = 0.0, frequency: float = 0.0) -> SampleFile:
    """The samples of a WAV file; a rate or frequency given replaces the header's. Raises NotARecording, OSError."""
    damage = Damage()
    with path.open("rb", buffering=0) as file:
        wave = _walk(file.fileno(), path, damage)
    if wave.data is None:
        raise NotARecording(path, "a WAV file without samples: it has no data chunk; look for the file it came from")
    if b"fmt " not in wave.chunks:
        raise NotARecording(path, "a WAV file that does not tell its format: the fmt chunk is missing; record it anew")
    numbers, width, channels, own_rate = _format(path, wave.chunks[b"fmt "], damage)
    assumed: list[str] = []
    told, name = _auxiliary(wave.chunks.get(b"auxi", b"")), named(path)
    tuned = frequency or told[0] or name.frequency
    if name.frequency and not (frequency or told[0]):
        assumed.append(f"{name.frequency / 1e6:.6f} MHz, by the file's name")
    begin, size = wave.data
    stereo = channels == 2 and _alike(path, begin, min(size, _LOOKED_AT), width)
    if channels == 2:
        assumed.append("two channels are alike: audio in stereo" if stereo else "two channels are I and Q")
    signal = signal_of(path, ("c" if channels == 2 and not stereo else "r") + numbers, rate or own_rate, tuned)
    count = whole(size, width * channels, damage)
    start_ns, base = (told[1], TimeBase.UTC) if told[1] is not None else starting(name, assumed)
    captures = (Capture(0, count, begin, start_ns, signal.frequency),) if count else ()
    packed = width == 3
    return SampleFile(
        path, TITLE, signal, captures, base, packed=packed, doubled=stereo, assumed=assumed, damage=damage
    )


def _alike(path: Path, begin: int, size: int, width: int) -> bool:
    """Whether both of each two numbers are the same, where they are not all one: I and Q of a radio never are."""
    with path.open("rb", buffering=0) as file:
        data = os.pread(file.fileno(), size - size % (2 * width), begin)
    both = np.frombuffer(data[: len(data) - len(data) % (2 * width)], np.uint8).reshape(-1, 2, width)
    return bool(len(both)) and bool((both[:, 0] == both[:, 1]).all()) and bool((both != both[0]).any())


def _walk(file: int, path: Path, damage: Damage) -> _Wave:
    """The chunks of an open file."""
    size, wave, at = os.fstat(file).st_size, _Wave(), 12
    head = os.pread(file, 12, 0)
    if not recognise_wav(head):
        raise NotARecording(path, "does not begin as WAV files do; check what it is")
    covered = int.from_bytes(head[4:8], "little") + 8
    for _ in range(_CHUNKS):
        begun = os.pread(file, 8, at)
        if len(begun) < 8:
            break
        name, length = begun[:4], int.from_bytes(begun[4:], "little")
        begin = at + 8
        if name == b"data" and wave.data is None:
            length = _data_size(wave, length, size - begin, damage, honest=covered >= size - 1)
            wave.data = begin, length
        elif name in (b"fmt ", b"ds64", b"auxi"):
            wave.chunks.setdefault(name, os.pread(file, min(length, _CHUNK_BYTES), begin))
        at = begin + length + length % 2
    return wave


def _data_size(wave: _Wave, told: int, left: int, damage: Damage, *, honest: bool) -> int:
    """The bytes of samples, for what their chunk tells and what is left of the file; honest: its RIFF size is right."""
    large = wave.chunks.get(b"ds64", b"")
    if told == _NO_SIZE and len(large) >= 16:
        told = int.from_bytes(large[8:16], "little")
    if told > left:
        known = told < _WRAP - 65536 or len(large) >= 16
        damage.note(
            f"cut short: {told - left:,} bytes of samples are missing at its end"
            if known
            else "its header gives no length; samples are read to the end of the file"
        )
        return left
    if (not told and left and not honest) or left - told >= _WRAP:
        damage.note(f"its header tells {told:,} bytes of samples; they are read to the end of the file")
        return left
    return told


def _format(path: Path, content: bytes, damage: Damage) -> tuple[str, int, int, int]:
    """Name and bytes of a number, channels, and rate. Raises NotARecording on what is not read here."""
    if len(content) < 16:
        raise NotARecording(path, "its fmt chunk is too short to tell the format; record it anew")
    kind, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", content)
    if kind == _EXTENSIBLE and content[26:40] == _GUID_REST:
        kind = int.from_bytes(content[24:26], "little")
    if channels not in (1, 2):
        raise NotARecording(path, f"has {channels} channels; give one of audio, or two of I and Q")
    width = (bits + 7) // 8
    container = align // channels
    if align == container * channels and container > width and (kind, container) in _NUMBERS:
        width = container  # fewer bits than their container: they stand at its top
    elif align != width * channels:
        damage.note(f"its header tells {align} bytes of a sample and {bits} bits of a number; the bits are believed")
    if (kind, width) not in _NUMBERS:
        text = f"its samples (WAV format {kind}, {bits} bits) are not read here; convert it to 16 bit PCM"
        raise NotARecording(path, text)
    return _NUMBERS[kind, width], width, channels, rate


def _auxiliary(content: bytes) -> tuple[float, int | None]:
    """Frequency in Hz, 0 where it does not tell, and start in ns UTC, None where not, of an ``auxi`` chunk."""
    if content[:2] in (b"<\0", b"\xff\xfe"):
        return _console(content.decode("utf-16-le", errors="replace"))
    if len(content) < 36:
        return 0.0, None
    year, month, _, day, hour, minute, second, milli, *_, frequency = struct.unpack_from("<16HI", content)
    return float(frequency), utc_ns(year, month, day, hour, minute, second, milli * 1_000_000)


def _console(text: str) -> tuple[float, int | None]:
    """The same of SDR Console's XML, whose attributes stand in any order."""
    frequency = re.search(r'RadioCenterFreq="(\d{1,15})"', text, re.ASCII)
    seconds = re.search(r'UTCSeconds="(\d{1,10})"', text, re.ASCII)
    date = re.search(r'CurrentTimeUTC="(\d\d)-(\d\d)-(\d{4}) (\d\d):(\d\d):(\d\d)"', text, re.ASCII)
    start_ns = int(seconds[1]) * SECOND_NS if seconds else None
    if start_ns is None and date:
        day, month, year, *clock = map(int, date.groups())
        start_ns = utc_ns(year, month, day, clock[0], clock[1], clock[2])
    return float(frequency[1]) if frequency else 0.0, start_ns
