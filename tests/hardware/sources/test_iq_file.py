"""Files of samples as a source: every sample, with times that count them, at the speed asked for."""

import asyncio
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.source import source
from protocols.chunk import Chunk
from protocols.errors import AddressError, SourceLost, SourceUnavailable
from protocols.signal import Signal
from replay.sample_file import elapsed_ns
from replay.sigmf_recorder import About, SigmfRecorder

START = 1_790_000_000_000_000_000


async def given(address: str, clock: Callable[[], int] = lambda: START) -> list[Chunk]:
    """All chunks of a source, to its end."""
    opened = source(address, "radio")
    opened.clock = clock
    chunks: list[Chunk] = []
    async with opened:
        while some := await opened.receive():
            chunks += some
    return chunks


def counted(chunks: list[Chunk], signal: Signal) -> None:
    """Whether each chunk's time is that of its last sample, counted from the first chunk's."""
    count = -(len(chunks[0].data) // signal.size)
    for chunk in chunks:
        assert len(chunk.data) % signal.size == 0
        count += len(chunk.data) // signal.size
        assert abs(chunk.received_ns - chunks[0].received_ns - elapsed_ns(count, signal.rate)) <= 1


async def test_a_raw_file_by_its_options_and_by_its_name(tmp_path: Path) -> None:
    data = os.urandom(1_000_002)
    for name, options in {
        "pass.iq": "?format=cs16&rate=2.4M&frequency=437.5M",
        "x_437.5M_2400k.cs16": "",
        "x_1M_1k.cs16": "?rate=2.4M&frequency=437.5M",
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        address = f"iq_file:{path}{options}"
        signal = source(address, "radio").signal
        assert signal == Signal("ci16_le", 2.4e6, 437.5e6)
        chunks = await given(address)
        assert b"".join(each.data for each in chunks) == data[:-2]
        assert chunks[0].received_ns == START
        assert len(chunks) > 3
        counted(chunks, signal)


async def test_a_real_wav_file(data: Path) -> None:
    path = data / "sat_wav" / "gomx_1.wav"
    address = f"iq_file:{path}?frequency=437.25M"
    chunks = await given(address)
    with wave.open(str(path)) as truth:
        assert b"".join(each.data for each in chunks) == truth.readframes(truth.getnframes())
    signal = source(address, "radio").signal
    assert signal == Signal("ri16_le", 48_000.0, 437.25e6)
    counted(chunks, signal)


def recorded(folder: Path, gap_ns: int) -> tuple[Path, bytes]:
    """A SigMF recording of two captures with a gap between, 0.1 s each."""
    signal, data = Signal("cu8", 1e6, 437.5e6), os.urandom(400_000)
    made = SigmfRecorder(folder / "pass.sigmf-data", signal, About("test"))
    made.write(data[:200_000], START + elapsed_ns(99_999, 1e6))
    made.write(data[200_000:], START + elapsed_ns(199_999, 1e6) + gap_ns)
    made.close()
    return made.meta, data


async def test_a_gap_between_captures_stays_one(tmp_path: Path) -> None:
    meta, data = recorded(tmp_path, 3_600_000_000_000)
    chunks = await given(f"iq_file:{meta}", lambda: 7)
    assert b"".join(each.data for each in chunks) == data
    middle = len(chunks) // 2
    assert chunks[0].received_ns == 7
    assert chunks[middle].received_ns - chunks[middle - 1].received_ns == 3_600_000_000_000 + 20_000_000


class Clock:
    """A loop's clock that stands still but for what is slept."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = loop.time()
        loop.time = lambda: self.now  # type: ignore[method-assign]
        select = loop._selector.select  # type: ignore[attr-defined]

        def passing(timeout: float | None = None) -> object:
            self.now += timeout or 0.0
            return select(0)

        loop._selector.select = passing  # type: ignore[attr-defined]


@pytest.mark.parametrize("speed", [1, 0.5, 10])
async def test_real_time_by_absolute_deadlines_gaps_included(tmp_path: Path, speed: float) -> None:
    meta, _ = recorded(tmp_path, 60_000_000_000)
    clock = Clock(asyncio.get_running_loop())
    opened = source(f"iq_file:{meta}?speed={speed}", "radio")
    async with opened:
        began, times, late = clock.now, [], iter([0.0, 0.004, 0.0, 0.007] * 10)
        while chunks := await opened.receive():
            times.append((clock.now - began, chunks[0].received_ns))
            clock.now += next(late)  # what the station needs for a chunk does not add up
    first_ns = times[0][1]
    for at, received_ns in times:
        due = (0.02 - 1e-6 + (received_ns - first_ns) / 1e9) / speed
        assert at == pytest.approx(due, abs=0.008)
        assert at >= due - 1e-6


async def test_state_says_what_it_is_and_how_far(tmp_path: Path) -> None:
    meta, _ = recorded(tmp_path, 0)
    async with source(f"iq_file:{meta}", "radio") as opened:
        await opened.receive()
        told = {"format": "cu8", "rate": "1M", "frequency": "437.5M", "position": 20_000, "size": 200_000}
        assert opened.state == told
        assert opened.finite


async def test_a_file_cut_short_is_a_loss_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "x_1000k.cu8"
    path.write_bytes(bytes(400_000))
    opened = source(f"iq_file:{path}", "radio")
    async with opened:
        await opened.receive()
        os.truncate(path, 50_000)
        with pytest.raises(SourceLost, match="open it again"):
            await given_rest(opened)
        await opened.open()
        assert sum(len(each.data) for each in await given_rest(opened)) == 50_000


async def given_rest(opened) -> list[Chunk]:
    chunks: list[Chunk] = []
    while some := await opened.receive():
        chunks += some
    return chunks


def test_options_out_of_range_are_named() -> None:
    for query, text in {
        "format=cu9": "format=cu9",
        "rate=fast": "rate='fast'",
        "frequency=-1": "frequency='-1'",
        "speed=-1": "speed=-1.0",
        "speed=inf": "speed=inf",
        "gain=3": "no option 'gain'",
    }.items():
        with pytest.raises(AddressError, match=text):
            source(f"iq_file:a.cu8?{query}", "radio")
    with pytest.raises(AddressError, match="names no file"):
        source("iq_file:", "radio")


async def test_what_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF1234WAVE")
    (tmp_path / "a.cu8").write_bytes(bytes(100))
    os.mkfifo(tmp_path / "fifo")
    wrong = {
        "nothing.cu8": "no such file; check the path",
        "a.wav": "no data chunk",
        "a.cu8": "rate=2.4M",
        "a.cu8?format=cu8": "rate=2.4M",
        "fifo": "no header; give format",
        "fifo?format=cu8&rate=1M&speed=1": "leave speed out",
        ".?format=cu8&rate=1M": "no file",
    }
    for target, text in wrong.items():
        opened = source(f"iq_file:{tmp_path}/{target}", "radio")
        with pytest.raises(SourceUnavailable, match=f"iq_file:.*{text}"):
            await opened.open()
        with pytest.raises(SourceUnavailable, match=text):
            assert opened.signal


PIPED = """
import asyncio, sys
from hardware.source import source
async def main():
    async with source("iq_file:-?format=cs16&rate=48k", "radio") as opened:
        while chunks := await opened.receive():
            for each in chunks:
                sys.stdout.buffer.write(each.data)
asyncio.run(main())
"""


def test_standard_input_gives_whole_samples_to_the_end() -> None:
    data = os.urandom(1_000_003)
    done = subprocess.run([sys.executable, "-c", PIPED], input=data, capture_output=True, check=True)
    assert done.stdout == data[:-3]
