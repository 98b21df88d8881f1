"""rtl_tcp against a server of its protocol on loopback: greeting, tuning, samples, what is missing, who is none."""

import asyncio
import itertools
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.arrivals import HELD_MAX, TURN_MAX
from hardware.source import source
from hardware.sources.rtl_tcp import RtlTcp
from protocols.chunk import Chunk
from protocols.errors import AddressError, SourceLost, SourceUnavailable
from protocols.signal import Signal
from tests.hardware.sources.rtl_tcp_peer import RtlTcpPeer

SECOND = 1_000_000_000


@pytest.fixture
def peer() -> Iterator[RtlTcpPeer]:
    made = RtlTcpPeer()
    yield made
    made.close()


def rtl_tcp(rest: str) -> RtlTcp:
    made = source(f"rtl_tcp:{rest}", "radio")
    assert isinstance(made, RtlTcp)
    return made


async def client_of(peer: RtlTcpPeer) -> socket.socket:
    return await asyncio.to_thread(peer.clients.get, timeout=120)


async def taken(opened: RtlTcp, size: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    async with asyncio.timeout(120):
        while sum(len(each.data) for each in chunks) < size:
            chunks += await opened.receive()
    return chunks


@pytest.mark.parametrize(
    ("query", "commands"),
    [
        (
            "frequency=2245.5M&rate=2.4M&gain=30&ppm=-3&bias_tee=true",
            [(2, 2_400_000), (1, 2_245_500_000), (5, 2**32 - 3), (8, 0), (3, 1), (4, 300), (14, 1)],
        ),
        (
            "frequency=437500000&rate=1.024M&agc=true",
            [(2, 1_024_000), (1, 437_500_000), (5, 0), (8, 1), (3, 0), (14, 0)],
        ),
        (
            "frequency=4.2G&gain=-1.25",
            [(2, 2_400_000), (1, 4_200_000_000), (5, 0), (8, 0), (3, 1), (4, 2**32 - 12), (14, 0)],
        ),
    ],
)
async def test_it_is_tuned_as_the_address_says(peer: RtlTcpPeer, query: str, commands: list[tuple[int, int]]) -> None:
    async with rtl_tcp(f"127.0.0.1:{peer.port}?{query}"):
        got = [await asyncio.to_thread(peer.commands.get, timeout=120) for _ in commands]
    assert got == commands


async def test_what_it_shows(peer: RtlTcpPeer) -> None:
    opened = rtl_tcp(f"127.0.0.1:{peer.port}?frequency=2245.5M&rate=2.4M&gain=30")
    assert opened.signal == Signal("cu8", 2.4e6, 2245.5e6)
    async with opened:
        assert opened.state == {
            "peer": f"127.0.0.1:{peer.port}",
            "tuner": "R820T",
            "gains": 29,
            "frequency": "2.2455G",
            "rate": "2.4M",
            "gain": "30 dB",
            "overruns": 0,
            "lost_samples": 0,
            "anchored": 0,
        }


@pytest.mark.parametrize(("number", "name"), [(0, "unknown"), (1, "E4000"), (6, "R828D"), (99, "type 99")])
async def test_the_tuner_is_named(number: int, name: str) -> None:
    peer = RtlTcpPeer(struct.pack(">4sII", b"RTL0", number, 0))
    async with rtl_tcp(f"127.0.0.1:{peer.port}?frequency=1M") as opened:
        assert (opened.state["tuner"], opened.state["gains"]) == (name, 0)
    peer.close()


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(2, 4001), min_size=1, max_size=12), rate=st.sampled_from([240_000, 2_400_000]))
def test_chunks_hold_whole_samples_and_times_that_are_counted(cuts: list[int], rate: int) -> None:
    """However the bytes are cut on the way, also between I and Q."""
    sent = os.urandom(sum(cuts) // 2 * 2)
    ticks = itertools.count(5 * SECOND, 1_000_000)

    async def run() -> list[Chunk]:
        opened = rtl_tcp(f"127.0.0.1:{peer.port}?frequency=1M&rate={rate}")
        opened.clock = lambda: next(ticks)
        chunks: list[Chunk] = []
        async with opened:
            with await client_of(peer) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                at = 0
                for cut in cuts:
                    client.sendall(sent[at : at + cut])
                    at += cut
                    if cut % 3:  # sometimes what was sent so far is received before more comes
                        chunks += await taken(opened, min(at, len(sent)) // 2 * 2 - sum(len(c.data) for c in chunks))
                return chunks + await taken(opened, len(sent) - sum(len(c.data) for c in chunks))

    peer = RtlTcpPeer()
    try:
        chunks = asyncio.run(run())
    finally:
        peer.close()
    assert b"".join(each.data for each in chunks) == sent
    assert not [each for each in chunks if len(each.data) % 2 or not each.data]
    counts = list(itertools.accumulate(len(each.data) // 2 for each in chunks))
    anchor = chunks[0].received_ns - counts[0] * SECOND // rate
    assert chunks[0].received_ns == 5 * SECOND
    assert all(abs(each.received_ns - anchor - count * SECOND // rate) <= 1
               for each, count in zip(chunks, counts, strict=True))  # fmt: skip


async def test_chunks_are_bounded(peer: RtlTcpPeer) -> None:
    sent = os.urandom(3_000_000)
    async with rtl_tcp(f"127.0.0.1:{peer.port}?frequency=1M") as opened:
        with await client_of(peer) as client:
            writing = asyncio.create_task(asyncio.to_thread(client.sendall, sent))
            chunks = await taken(opened, len(sent))
            await writing
    assert b"".join(each.data for each in chunks) == sent
    assert max(len(each.data) for each in chunks) <= (1 << 18) + 1


async def test_a_slow_reader_holds_the_server_up_and_memory_is_bounded(
    peer: RtlTcpPeer, eventually: Callable[..., Awaitable[None]]
) -> None:
    sent = os.urandom(24_000_000)
    async with rtl_tcp(f"127.0.0.1:{peer.port}?frequency=1M") as opened:
        with await client_of(peer) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)  # however much a kernel would hold
            writing = asyncio.create_task(asyncio.to_thread(client.sendall, sent))
            arrivals = opened._arrivals
            assert arrivals is not None
            await eventually(lambda: not (arrivals._watching or arrivals._resting))
            assert HELD_MAX <= arrivals._size < HELD_MAX + 2 * TURN_MAX
            assert not writing.done()
            assert b"".join(each.data for each in await taken(opened, len(sent))) == sent
            await writing


async def test_missing_samples_are_counted_by_the_time_that_went_by(peer: RtlTcpPeer) -> None:
    """A server that drops what a slow client does not take: the stream goes on without them, and only time tells."""
    now, rate, block = SECOND, 2_400_000, 131_072
    opened = rtl_tcp(f"127.0.0.1:{peer.port}?frequency=1M&rate={rate}")
    opened.clock = lambda: now
    async with opened:
        with await client_of(peer) as client:
            for number in range(60):
                now += block * SECOND // rate
                if number == 30:
                    now += 7 * block * SECOND // rate  # seven buffers were dropped here
                await asyncio.to_thread(client.sendall, bytes(2 * block))
                chunks = await taken(opened, 2 * block)
                if number == 29:
                    assert (opened.state["overruns"], opened.state["lost_samples"]) == (0, 0)
        assert opened.state["overruns"] == opened.state["anchored"] == 1
        assert opened.state["lost_samples"] == pytest.approx(7 * block, abs=100)
        assert abs(chunks[-1].received_ns - now) < block * SECOND // rate  # the first chunk may be part of a buffer


async def test_a_lost_server_is_called_again_and_times_begin_anew(peer: RtlTcpPeer) -> None:
    now = SECOND
    opened = rtl_tcp(f"127.0.0.1:{peer.port}?frequency=1M")
    opened.clock = lambda: now
    for cycle in range(3):
        now += 1000 * SECOND
        async with opened:
            with await client_of(peer) as client:
                client.sendall(b"IQIQI")  # and half a sample, which the next connection must not begin with
                chunks = await taken(opened, 4)
                assert [(each.data, each.received_ns) for each in chunks] == [(b"IQIQ", now)]
                client.shutdown(socket.SHUT_RDWR)
            with pytest.raises(SourceLost, match="the peer closed the connection; start it again"):
                await asyncio.wait_for(opened.receive(), 120)
        assert (opened.state["overruns"], opened.state["anchored"]) == (0, cycle)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"RTL1" + bytes(8), b"RTL", b"\x00" * 12])
async def test_a_peer_that_is_not_rtl_tcp_is_said_to_be_none(greeting: bytes) -> None:
    peer = RtlTcpPeer(greeting)
    patience = 60 if len(greeting) >= 12 else 1  # more than these three bytes is waited for in vain
    opened = rtl_tcp(f"127.0.0.1:{peer.port}?frequency=1M&timeout={patience}")
    with pytest.raises(
        SourceUnavailable, match=r"the server is not rtl_tcp: it began with b'.*' and not with RTL0; check"
    ):
        await opened.open()
    with pytest.raises(SourceLost):
        await opened.receive()
    peer.close()


async def test_a_peer_that_says_nothing_may_be_in_use() -> None:
    peer = RtlTcpPeer(b"")
    with pytest.raises(
        SourceUnavailable, match=r"it sent nothing and not with RTL0|sent nothing.*serves one at a time"
    ):
        await rtl_tcp(f"127.0.0.1:{peer.port}?frequency=1M&timeout=0.2").open()
    peer.close()


@pytest.mark.parametrize("greeting", [b"RTL0" + bytes(8), b"RTL0" + bytes(300_000), b"RTL0\0\0"])
@pytest.mark.parametrize("reset", [0, 1])
async def test_a_server_that_hangs_up_at_once_is_lost_or_unavailable_and_no_more(greeting: bytes, reset: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            served, _ = listener.accept()
            served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))
            served.sendall(greeting)
            served.close()

        async def received_to_its_end() -> None:
            async with rtl_tcp(f"127.0.0.1:{listener.getsockname()[1]}?frequency=1M") as opened:
                while True:
                    await opened.receive()

        serving = asyncio.create_task(asyncio.to_thread(serve))
        with pytest.raises((SourceUnavailable, SourceLost)):
            await asyncio.wait_for(received_to_its_end(), 120)
        await serving


async def test_a_port_nobody_serves_says_how_to_start_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(SourceUnavailable, match=f"connection refused; start it there: rtl_tcp -a 127.0.0.1 -p {port}"):
        await rtl_tcp(f"127.0.0.1:{port}?frequency=1M").open()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "says no frequency to tune to; add"),
        ("?frequency=fast", "frequency='fast': want a number above 0 with k, M or G"),
        ("?frequency=5G", "frequency=5G: rtl_tcp can be told of 4294967295 at most"),
        ("?frequency=1M&rate=0", "rate='0': want"),
        ("?frequency=1M&gain=high", "gain='high': want dB"),
        ("?frequency=1M&ppm=5000", "ppm=5000: want"),
        ("?frequency=1M&timeout=0", "timeout=0.0: want"),
        ("?frequency=1M&keepalive=-1", "keepalive=-1: want"),
    ],
)
def test_options_that_cannot_be(query: str, said: str) -> None:
    with pytest.raises(AddressError) as caught:
        rtl_tcp(f"127.0.0.1:1234{query}")
    assert said in str(caught.value)
