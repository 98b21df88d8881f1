"""The rtl_tcp of osmocom itself, with a library of the tests' own in place of a dongle: tuned, received, overrun."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hardware.source import source
from protocols.errors import SourceLost, SourceUnavailable

DONGLE = Path(__file__).with_name("fake_dongle.c")
BUFFER = 1 << 18
Eventually = Callable[..., Awaitable[None]]


class RtlTcp:
    """A running rtl_tcp that keeps some buffers for a slow client: more than a busy machine delays us by."""

    def __init__(self, folder: Path) -> None:
        self.log, self.count = folder / "log", folder / "count"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(folder),
            "DONGLE_LOG": str(self.log),
            "DONGLE_COUNT": str(self.count),
        }
        command = ["rtl_tcp", "-a", "127.0.0.1", "-p", str(self.port), "-n", "100"]
        self.running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def given(self) -> int:
        """Bytes the dongle gave since the client came."""
        return int(self.count.read_text() or 0) if self.count.exists() else 0

    async def listens(self) -> None:
        """Wait until it does; its one place is not taken by looking."""
        port = f":{self.port:04X} 00000000:0000 0A"  # local port, any peer, TCP_LISTEN (proc_net_tcp)
        async with asyncio.timeout(120):
            while port not in Path("/proc/net/tcp").read_text():  # noqa: ASYNC240 procfs does not block
                assert self.running.poll() is None
                await asyncio.sleep(0.002)


def wanted() -> str:
    """The name by which this rtl_tcp asks for its library: librtlsdr.so.0, of newer systems librtlsdr.so.2."""
    told = subprocess.run(["ldd", str(shutil.which("rtl_tcp"))], capture_output=True, text=True, check=True)
    return next(word for word in told.stdout.split() if word.startswith("librtlsdr.so"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RtlTcp]:
    for program, package in (("rtl_tcp", "rtl-sdr"), ("gcc", "gcc")):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here: apt install {package}")
    name = wanted()
    command = ["gcc", "-shared", "-fPIC", "-O2", f"-Wl,-soname,{name}", "-o", str(tmp_path / name), str(DONGLE)]
    subprocess.run(command, check=True, timeout=240)
    made = RtlTcp(tmp_path)
    yield made
    made.running.kill()
    made.running.wait()


async def test_it_is_tuned_and_every_sample_arrives(server: RtlTcp, eventually: Eventually) -> None:
    await server.listens()
    address = f"rtl_tcp:127.0.0.1:{server.port}?frequency=2245.5M&rate=2.4M&gain=29.7&ppm=-2&bias_tee=true"
    async with source(address, "radio") as opened, asyncio.timeout(120):
        data = b""
        while len(data) < 12 * BUFFER:
            data += b"".join(each.data for each in await opened.receive())
        state = opened.state
        with pytest.raises(SourceUnavailable, match=r"the server sent nothing.* serves one at a time"):
            await source(address + "&timeout=0.2", "another").open()
    assert data == (np.arange(len(data)) % 251).astype(np.uint8).tobytes()
    assert (state["tuner"], state["gains"], state["overruns"]) == ("R828D", 29, 0)
    await eventually(lambda: "bias tee" in server.log.read_text())
    told = server.log.read_text().splitlines()
    assert told[-7:] == [
        "rate 2400000",
        f"frequency {2_245_500_000}",
        "ppm -2",
        "agc 0",
        "gain by hand 1",
        "gain 297",
        "bias tee 1",
    ]


async def test_what_it_drops_without_a_word_is_noticed(server: RtlTcp, eventually: Eventually) -> None:
    """We do not receive for a while. What we hold and the kernel holds comes after; what rtl_tcp dropped, never."""
    await server.listens()
    async with source(f"rtl_tcp:127.0.0.1:{server.port}?frequency=1M&rate=5M", "radio") as opened:
        got, last, breaks = 0, -1, 0

        async def receive() -> None:
            nonlocal got, last, breaks
            for each in await opened.receive():
                breaks += last >= 0 and each.data[-1] != (last + len(each.data)) % 251
                got, last = got + len(each.data), each.data[-1]

        def known() -> tuple[int, ...]:
            return breaks, *(int(opened.state[name]) for name in ("overruns", "lost_samples", "anchored"))

        async with asyncio.timeout(300):
            before: tuple[int, ...] = ()
            while before != known():  # until all is well for two windows of the clock, which then knows what is usual
                before, begin = known(), got
                while got < begin + 25_000_000:
                    await receive()
            begin, missing = server.given, got - server.given
            await eventually(lambda: server.given > begin + 70_000_000)
            while opened.state["overruns"] == before[1]:
                await receive()
            missing += server.given - got
        broken, overruns, lost, anchored = (now - then for now, then in zip(known(), before, strict=True))
        assert broken >= 1
        assert (overruns, anchored) == (1, 1)
        assert 2 * lost == pytest.approx(missing, abs=24 * BUFFER)


async def test_its_end_is_a_loss(server: RtlTcp) -> None:
    await server.listens()
    async with source(f"rtl_tcp:127.0.0.1:{server.port}?frequency=1M", "radio") as opened:

        async def receive_on() -> None:
            while True:
                assert await opened.receive()

        receiving = asyncio.create_task(receive_on())
        server.running.kill()
        with pytest.raises(SourceLost, match=r"the peer closed the connection; start it again|connection broken"):
            await asyncio.wait_for(receiving, 120)
