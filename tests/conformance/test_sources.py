"""What every kind of source keeps, whatever it reads from. A new kind needs a bench here, or the first test fails.

A bench is the far end of a source: a real pty, socket or FIFO.
"""

import asyncio
import itertools
import os
import socket
import tempfile
import time
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.source import Source, source, sources
from protocols.chunk import Chunk
from protocols.errors import SourceLost, SourceUnavailable
from tests.conftest import until
from tests.hardware.sources.rtl_tcp_peer import RtlTcpPeer
from tests.hardware.sources.soapy_peer import needs_radio


class Bench:
    """The far end. ``plug`` before a source is opened, ``meet`` after, then ``feed``; ``vanish`` unplugs."""

    address: str
    absent: str
    vanishes = True
    """Whether its leaving is a loss, which the source must tell."""
    sample = 1
    """Bytes of a sample: what is fed is whole samples. More than 1 for a source of samples, whose clock counts them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plug(self) -> None: ...

    def meet(self, opened: Source) -> None: ...

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    def vanish(self) -> None: ...

    async def settle(self) -> None:
        """Wait until the far end has let go of whoever left."""

    def dismantle(self) -> None:
        self.vanish()

    async def feed(self, data: bytes) -> None:
        """Write from a thread, as a peer does that does not wait for us."""
        await asyncio.to_thread(self.write, data)


class SerialBench(Bench):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = folder / "usb-FTDI_FT232R_A50285BI-if00-port0"
        self.address = f"serial:{self.name}?baud=921600"
        self.absent = f"serial:{folder / 'nothing'}"
        self.master = -1

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.name.symlink_to(os.ttyname(slave))
        self.slave = slave

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.master, data) :]

    def vanish(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            os.close(self.slave)
            self.name.unlink()
        self.master = -1


class SocketBench(Bench):
    connection: socket.socket | None = None

    def write(self, data: bytes) -> None:
        assert self.connection is not None
        self.connection.sendall(data)

    def vanish(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class TcpBench(SocketBench):
    """A server that a client source calls; it stays while its connections come and go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp:127.0.0.1:{self.listener.getsockname()[1]}"
        with socket.create_server(("127.0.0.1", 0)) as gone:
            self.absent = f"tcp:127.0.0.1:{gone.getsockname()[1]}"

    def meet(self, opened: Source) -> None:
        self.connection, _ = self.listener.accept()

    def dismantle(self) -> None:
        self.vanish()
        self.listener.close()


class TcpListenBench(SocketBench):
    """A vehicle that calls a listening source."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.address = "tcp:127.0.0.1:0?listen=true"
        self.absent = "tcp:203.0.113.1:5000?listen=true"  # an address of documentation (RFC 5737), never ours

    def meet(self, opened: Source) -> None:
        host, _, port = str(opened.state["listening"]).rpartition(":")
        self.connection = socket.create_connection((host, int(port)))


class UdpBench(SocketBench):
    vanishes = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.address = "udp:0"
        self.absent = "udp:203.0.113.1:5000"

    def meet(self, opened: Source) -> None:
        self.vanish()
        host, _, port = str(opened.state["listening"]).rpartition(":")
        self.connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.connection.connect((host, int(port)))


class FileBench(Bench):
    """A FIFO: the one file whose bytes come while it is read. Its writer leaving is an end, not a loss."""

    vanishes = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = folder / "fifo"
        self.address = f"file:{self.name}?chunk=1000"
        self.absent = f"file:{folder / 'nothing'}"
        os.mkfifo(self.name)
        self.writer = -1

    def meet(self, opened: Source) -> None:
        self.vanish()
        self.writer = os.open(self.name, os.O_WRONLY)

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.writer, data) :]

    def vanish(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = -1


class RtlTcpBench(SocketBench):
    """A server of rtl_tcp's protocol."""

    sample = 2

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.peer = RtlTcpPeer()
        self.address = f"rtl_tcp:127.0.0.1:{self.peer.port}?frequency=437.5M&rate=2.4M"
        with socket.create_server(("127.0.0.1", 0)) as gone:
            self.absent = f"rtl_tcp:127.0.0.1:{gone.getsockname()[1]}?frequency=437.5M"

    def meet(self, opened: Source) -> None:
        self.connection = self.peer.latest()

    def vanish(self) -> None:
        if self.connection is not None:
            self.connection.shutdown(socket.SHUT_RDWR)  # the peer's thread still listens for commands
        super().vanish()

    async def settle(self) -> None:
        await until(lambda: not self.peer.listening)
        while not self.peer.clients.empty():
            self.peer.clients.get().close()

    def dismantle(self) -> None:
        self.vanish()
        self.peer.close()


class SoapyBench(FileBench):
    """A driver of SoapySDR's that reads a FIFO. Its writer leaving is the radio unplugged."""

    vanishes = True
    sample = 4

    def __init__(self, folder: Path) -> None:
        needs_radio()
        super().__init__(folder)
        self.address = f"soapy:driver=groundstation,fifo={self.name}?frequency=437.5M&rate=2.4M"
        self.absent = "soapy:driver=nothing?frequency=437.5M"

    def meet(self, opened: Source) -> None:
        """Open before the last writer is closed, for a FIFO without any is a radio unplugged."""
        last, self.writer = self.writer, os.open(self.name, os.O_WRONLY)
        if last >= 0:
            os.close(last)


class IqFileBench(FileBench):
    """A FIFO of raw samples, whose times are counted."""

    sample = 4

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.address = f"iq_file:{self.name}?format=cs16&rate=2.4M"
        self.absent = f"iq_file:{folder / 'nothing'}?format=cs16&rate=2.4M"


BENCHES: dict[str, type[Bench]] = {
    "serial": SerialBench,
    "tcp": TcpBench,
    "tcp-listen": TcpListenBench,
    "udp": UdpBench,
    "file": FileBench,
    "iq_file": IqFileBench,
    "rtl_tcp": RtlTcpBench,
    "soapy": SoapyBench,
}


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made = BENCHES[request.param](tmp_path)
    yield made
    made.dismantle()


@asynccontextmanager
async def connected(bench: Bench, clock: Callable[[], int] = time.time_ns) -> AsyncIterator[Source]:
    """A plugged bench and an open source on it."""
    bench.plug()
    made = source(bench.address, "link")
    made.clock = clock
    async with made as opened:
        bench.meet(opened)
        yield opened
    bench.vanish()


async def received(opened: Source, size: int) -> list[Chunk]:
    """Chunks until that many bytes are there."""
    chunks: list[Chunk] = []
    async with asyncio.timeout(120):
        while sum(len(each.data) for each in chunks) < size:
            chunks += await opened.receive()
    return chunks


def joined(chunks: list[Chunk]) -> bytes:
    return b"".join(each.data for each in chunks)


def watched() -> int:
    """How many descriptors the loop watches."""
    return len(asyncio.get_running_loop()._selector.get_map())  # type: ignore[attr-defined]  # no public way to ask


def descriptors() -> set[str]:
    """What is open, each by a name that no other has; a descriptor that goes while we look is none."""
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(f"{each.name} {each.readlink()}")
    return found


def test_every_kind_has_a_bench() -> None:
    assert {name.partition("-")[0] for name in BENCHES} == set(sources())


@pytest.mark.parametrize("kind", BENCHES)
@settings(max_examples=20, deadline=None)
@given(pieces=st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=20), together=st.booleans())
def test_bytes_arrive_complete_and_in_order(kind: str, pieces: list[bytes], together: bool) -> None:
    """Whether they are taken as they come, or after all were sent."""
    pieces = [piece * BENCHES[kind].sample for piece in pieces]

    async def run(bench: Bench) -> list[Chunk]:
        async with connected(bench) as opened:
            if together:
                for piece in pieces:
                    await bench.feed(piece)
                return await received(opened, len(b"".join(pieces)))
            async with asyncio.TaskGroup() as group:
                taken = group.create_task(received(opened, len(b"".join(pieces))))
                for piece in pieces:
                    await bench.feed(piece)
            return taken.result()

    with tempfile.TemporaryDirectory() as folder:
        bench = BENCHES[kind](Path(folder))
        try:
            chunks = asyncio.run(run(bench))
        finally:
            bench.dismantle()
    if kind == "udp":
        assert [each.data for each in chunks] == pieces
    assert joined(chunks) == b"".join(pieces)
    assert all(each.link == "link" and each.data for each in chunks)


async def test_chunks_are_stamped_in_order_by_the_clock_given(bench: Bench) -> None:
    ticks = itertools.count(1000)
    async with connected(bench, lambda: next(ticks)) as opened:
        chunks = []
        for piece in (b"one", b"two", b"three"):
            await bench.feed(piece * bench.sample)
            chunks += await received(opened, len(piece) * bench.sample)
    if opened.signal is None:
        assert [each.received_ns for each in chunks] == list(range(1000, 1000 + len(chunks)))
    else:
        assert opened.signal.size == bench.sample
        assert [len(each.data) % bench.sample for each in chunks] == [0] * len(chunks)
        counts = itertools.accumulate(len(each.data) // bench.sample for each in chunks[1:])
        expected = [1000 + count * 1e9 / opened.signal.rate for count in (0, *counts)]
        assert [each.received_ns for each in chunks] == pytest.approx(expected, abs=1)


async def test_a_cancelled_receive_loses_nothing_and_leaves_nothing(bench: Bench) -> None:
    before = watched()
    async with connected(bench) as opened:
        for _ in range(20):
            waiting = asyncio.create_task(opened.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        sent = bytes(range(256))
        await bench.feed(sent)
        assert joined(await received(opened, len(sent))) == sent
    assert watched() == before


async def test_cancelled_while_bytes_pour_in(bench: Bench) -> None:
    sent = os.urandom(200_000)
    taken: list[Chunk] = []
    async with connected(bench) as opened, asyncio.timeout(120), asyncio.TaskGroup() as group:

        async def pour() -> None:
            for at in range(0, len(sent), 1000):
                await bench.feed(sent[at : at + 1000])

        group.create_task(pour())
        while len(joined(taken)) < len(sent):
            waiting = asyncio.create_task(opened.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                taken += await waiting
    assert joined(taken) == sent


async def test_close_twice_before_open_and_while_waiting(bench: Bench) -> None:
    before = watched()
    bench.plug()
    opened = source(bench.address, "link")
    await opened.close()
    await opened.open()
    bench.meet(opened)
    waiting = asyncio.create_task(opened.receive())
    await asyncio.sleep(0)
    await opened.close()
    await opened.close()
    with pytest.raises(SourceLost, match="open it again"):
        await waiting
    with pytest.raises(SourceLost, match="open it"):
        await opened.receive()
    assert watched() == before


async def test_receive_before_open_says_so(bench: Bench) -> None:
    with pytest.raises(SourceLost, match="not open; open it first"):
        await source(bench.address, "link").receive()


async def test_an_absent_target_is_named_and_leaves_nothing_open(bench: Bench) -> None:
    opened = source(bench.absent, "link")
    with pytest.raises(SourceUnavailable) as first:
        await opened.open()
    before, watched_before = descriptors(), watched()
    for _ in range(10):
        with pytest.raises(SourceUnavailable) as caught:
            await opened.open()
    await until(lambda: descriptors() <= before)  # threads of others may just be closing something
    assert watched() == watched_before
    problem, semicolon, remedy = str(caught.value).partition("; ")
    assert problem.startswith(bench.absent.partition("?")[0] + ": ")
    assert semicolon
    assert remedy
    assert str(first.value) == str(caught.value)


async def test_opening_and_closing_leaves_no_descriptor(bench: Bench) -> None:
    bench.plug()
    opened = source(bench.address, "link")
    await opened.open()
    await opened.close()
    await bench.settle()
    before = descriptors()
    for _ in range(20):
        await opened.open()
        await opened.close()
    await bench.settle()
    await until(lambda: descriptors() <= before)


@pytest.mark.parametrize("bench", [name for name, made in BENCHES.items() if made.vanishes], indirect=True)
async def test_what_arrived_before_a_loss_is_given_first_and_it_opens_again(bench: Bench) -> None:
    opened = source(bench.address, "link")
    for cycle in range(10):
        bench.plug()
        await opened.open()
        bench.meet(opened)
        sent = os.urandom(1 + 300 * cycle) * bench.sample
        await bench.feed(sent)
        assert joined(await received(opened, len(sent))) == sent
        waiting = asyncio.create_task(opened.receive())
        await asyncio.sleep(0)
        bench.vanish()
        with pytest.raises(SourceLost, match=r"^(serial|tcp|rtl_tcp|soapy):.*; .* again"):
            await asyncio.wait_for(waiting, 120)
        await opened.close()


async def test_opens_again_after_being_closed(bench: Bench) -> None:
    opened = source(bench.address, "link")
    bench.plug()
    for cycle in range(5):
        await opened.open()
        if isinstance(bench, SocketBench):
            bench.vanish()
        bench.meet(opened)
        await bench.feed(b"%d" % cycle * bench.sample)
        assert joined(await received(opened, bench.sample)) == b"%d" % cycle * bench.sample
        await opened.close()
