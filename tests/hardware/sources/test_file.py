"""Files, FIFOs and standard input: every byte, at the rate asked for, to the end or beyond."""

import asyncio
import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.source import Source, source
from protocols.errors import AddressError, SourceLost, SourceUnavailable


async def pieces(opened: Source) -> list[bytes]:
    """All pieces, to the end."""
    given: list[bytes] = []
    while chunks := await asyncio.wait_for(opened.receive(), 120):
        given += [each.data for each in chunks]
    return given


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "capture.bin"
    path.write_bytes(os.urandom(1_000_003))
    return path


Forbidden = Callable[[Path], AbstractContextManager[None]]


def content(path: Path) -> bytes:
    return path.read_bytes()


class Leaping(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next deadline instead of waiting for it."""

    def __init__(self) -> None:
        self.now = 0.0
        outer = self

        class Selector(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
                outer.now += timeout or 0.0
                return super().select(0)

        super().__init__(Selector())

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize("chunk", [1000, 65536, 1_000_003, 16_777_216])
async def test_a_file_is_given_whole_in_pieces_and_ends(capture: Path, chunk: int) -> None:
    async with source(f"file:{capture}?chunk={chunk}", "log") as opened:
        given = await pieces(opened)
        assert await opened.receive() == []
        assert opened.state == {"position": 1_000_003, "size": 1_000_003}
    assert b"".join(given) == content(capture)
    assert {len(each) for each in given[:-1]} <= {chunk}
    assert opened.finite


async def test_opened_again_it_begins_again(capture: Path) -> None:
    opened = source(f"file:{capture}", "log")
    for _ in range(3):
        async with opened:
            assert (await pieces(opened))[0] == content(capture)[:65536]


async def test_an_empty_file_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    async with source(f"file:{tmp_path / 'empty'}", "log") as opened:
        assert await opened.receive() == []


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 5000), chunk=st.integers(1, 700), rate=st.floats(1, 1e6), busy=st.floats(0, 3))
def test_the_rate_is_kept_by_absolute_deadlines(
    tmp_path_factory: pytest.TempPathFactory, size: int, chunk: int, rate: float, busy: float
) -> None:
    """Each piece comes when its last byte is due, or at once when that is past: lateness does not add up."""
    path = tmp_path_factory.mktemp("rate") / "log"
    path.write_bytes(bytes(size))

    async def run() -> None:
        loop = asyncio.get_running_loop()
        asked, count = 0.0, 0
        async with source(f"file:{path}?chunk={chunk}&rate={rate}", "log") as opened:
            while chunks := await opened.receive():
                count += len(chunks[0].data)
                assert loop.time() == pytest.approx(max(count / rate, asked), abs=1e-6)
                if count <= 2 * chunk:
                    await asyncio.sleep(busy)
                asked = loop.time()
        assert count == size

    with asyncio.Runner(loop_factory=Leaping) as runner:
        runner.run(run())


async def test_a_cancelled_receive_takes_nothing(capture: Path) -> None:
    async with source(f"file:{capture}?rate=1&chunk=10", "log") as opened:
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(opened.receive(), 0.001)
        assert opened.state["position"] == 0


async def test_closed_while_waiting_for_its_time(capture: Path) -> None:
    async with source(f"file:{capture}?rate=20&chunk=1", "log") as opened:
        waiting = asyncio.create_task(opened.receive())
        await asyncio.sleep(0)
        await opened.close()
        with pytest.raises(SourceLost, match="closed here; open it again"):
            await waiting


async def test_a_growing_file_is_followed(capture: Path) -> None:
    async with source(f"file:{capture}?follow=true&chunk=2000000", "log") as opened:
        given = b"".join(each.data for each in await opened.receive())
        for _ in range(3):
            waiting = asyncio.create_task(opened.receive())
            await asyncio.sleep(0)
            more = os.urandom(1000)
            with capture.open("ab") as file:
                file.write(more)
            given += b"".join(each.data for each in await asyncio.wait_for(waiting, 120))
        assert given == content(capture)
        os.truncate(capture, 10)
        with pytest.raises(SourceLost, match="cut short by another program; open it again"):
            await asyncio.wait_for(opened.receive(), 120)
        await opened.open()
        assert [each.data for each in await opened.receive()] == [content(capture)]


async def test_a_fifo_waits_for_its_first_writer_and_ends_with_its_last(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    sent = os.urandom(300_000)
    async with source(f"file:{fifo}", "radio") as opened:
        waiting = asyncio.create_task(pieces(opened))
        await asyncio.sleep(0)
        await asyncio.to_thread(fifo.write_bytes, sent)
        assert b"".join(await waiting) == sent
        assert opened.state == {}


async def test_a_followed_fifo_outlives_its_writers(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with source(f"file:{fifo}?follow=true", "radio") as opened:
        for each in (b"first", b"second", b"third"):
            await asyncio.to_thread(fifo.write_bytes, each)
            assert [chunk.data for chunk in await asyncio.wait_for(opened.receive(), 120)] == [each]


READ_STDIN = """if True:
    import asyncio, os, sys
    from hardware.source import source
    async def main():
        async with source("file:-?chunk=1000", "stdin") as opened:
            while chunks := await opened.receive():
                for each in chunks:
                    sys.stdout.buffer.write(each.data)
        assert os.get_blocking(0), "the terminal's mode must not be touched"
        os.fstat(0)
    asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_standard_input(kind: str, capture: Path) -> None:
    command = [sys.executable, "-c", READ_STDIN]
    if kind == "pipe":
        run = subprocess.run(command, input=capture.read_bytes(), capture_output=True, check=True)
    else:
        with capture.open("rb") as file:
            run = subprocess.run(command, stdin=file, capture_output=True, check=True)
    assert run.stdout == capture.read_bytes()
    assert run.stderr == b""


async def test_what_cannot_be_opened_says_what_to_do(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for rest, said in (
        (f"{tmp_path}/absent", "no such file; check the path"),
        (f"{tmp_path}", "a folder; name a file in it"),
        ("/dev/null", "neither a file nor a FIFO; name one"),
        (f"{fifo}?rate=100", "comes at its own rate; leave rate out"),
        (f"{tmp_path}/fifo/x", "; check the path"),
    ):
        with pytest.raises(SourceUnavailable, match=said):
            await source(f"file:{rest}", "log").open()


async def test_no_permission_is_told(capture: Path, forbidden: Forbidden) -> None:
    with forbidden(capture), pytest.raises(SourceUnavailable, match="no permission to read it; "):
        await source(f"file:{capture}", "log").open()


@pytest.mark.parametrize("rest", ["", "x?chunk=0", "x?chunk=-1", "x?chunk=99999999", "x?rate=-1", "x?rate=nan", "\0"])
def test_addresses_that_cannot_be_used(rest: str) -> None:
    with pytest.raises(AddressError, match="want "):
        source(f"file:{rest}", "log")
