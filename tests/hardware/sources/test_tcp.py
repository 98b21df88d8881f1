"""TCP against real sockets on loopback: calling, being called, leaving, being turned away."""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest

from hardware.source import source
from hardware.sources.tcp import Tcp
from protocols.errors import AddressError, SourceLost, SourceUnavailable


def tcp(rest: str) -> Tcp:
    made = source(f"tcp:{rest}", "downlink")
    assert isinstance(made, Tcp)
    return made


async def taken(opened: Tcp, size: int) -> bytes:
    data = b""
    async with asyncio.timeout(120):
        while len(data) < size:
            data += b"".join(each.data for each in await opened.receive())
    return data


def call(opened: Tcp) -> socket.socket:
    host, _, port = str(opened.state["listening"]).rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=120)


@pytest.mark.parametrize(("target", "host"), [("0", "127.0.0.1"), (":0", "127.0.0.1"), ("[::1]:0", "[::1]")])
async def test_listens_on_loopback_unless_told_otherwise(target: str, host: str) -> None:
    async with tcp(f"{target}?listen=true") as opened:
        assert str(opened.state["listening"]).rpartition(":")[0] == host
        with call(opened) as vehicle:
            vehicle.sendall(b"hello")
            assert await taken(opened, 5) == b"hello"
            own = vehicle.getsockname()
            assert opened.state["peer"] == f"{host}:{own[1]}"


async def test_calls_an_ipv6_server() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        async with tcp(f"[::1]:{server.getsockname()[1]}") as opened:
            vehicle, _ = server.accept()
            with vehicle:
                vehicle.sendall(b"six")
                assert await taken(opened, 3) == b"six"


async def test_a_second_caller_is_turned_away_and_the_first_notices_nothing() -> None:
    async with tcp("0?listen=true") as opened:
        with call(opened) as first:
            first.sendall(b"one")
            assert await taken(opened, 3) == b"one"
            for count in range(1, 4):
                with call(opened) as second:
                    with pytest.raises(ConnectionResetError):
                        await asyncio.to_thread(second.recv, 1)
                    assert opened.state["refused"] == count
            first.sendall(b"two")
            assert await taken(opened, 3) == b"two"


async def test_a_vehicle_that_leaves_is_lost_and_may_call_again_on_the_same_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    opened = tcp(f"{port}?listen=true")
    for _ in range(20):
        async with opened:
            with call(opened) as vehicle:
                vehicle.sendall(b"bye")
                assert await taken(opened, 3) == b"bye"
            with pytest.raises(SourceLost, match=f"tcp:{port}: the peer closed the connection; start it again"):
                await asyncio.wait_for(opened.receive(), 120)


async def test_a_broken_connection_is_lost_too() -> None:
    async with tcp("0?listen=true") as opened:
        with call(opened) as vehicle:
            vehicle.sendall(b"x")
            assert await taken(opened, 1) == b"x"
            vehicle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with pytest.raises(SourceLost, match=r"connection broken \(Connection reset by peer\); check"):
            await asyncio.wait_for(opened.receive(), 120)


async def test_a_caller_that_is_gone_before_it_is_served_blocks_nobody() -> None:
    async with tcp("0?listen=true") as opened:
        with call(opened) as hasty:  # accepted by the kernel; the source has its turn when this here waits
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with pytest.raises(SourceLost, match="connection broken"):
            await asyncio.wait_for(opened.receive(), 120)
        assert opened.state["peer"] == ""


async def test_what_was_sent_before_leaving_is_given_first(eventually: Callable[..., Awaitable[None]]) -> None:
    async with tcp("0?listen=true") as opened:
        with call(opened) as vehicle:
            vehicle.sendall(b"last words")
        arrivals = opened._arrivals
        assert arrivals is not None
        await eventually(lambda: arrivals._loss)
        assert await taken(opened, 10) == b"last words"
        with pytest.raises(SourceLost):
            await opened.receive()


async def test_a_port_in_use_and_a_port_nobody_serves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SourceUnavailable, match=f"tcp:{port}: the port is in use by another program; close that"):
            await tcp(f"{port}?listen=true").open()
    with pytest.raises(SourceUnavailable, match="connection refused; start the server, or say listen=true"):
        await tcp(f"127.0.0.1:{port}").open()


async def test_an_unknown_host_is_named() -> None:
    with pytest.raises(SourceUnavailable, match=r"no host is called 'ground\.invalid' .*; check the name"):
        await tcp("ground.invalid:5000").open()


async def test_a_server_that_does_not_answer() -> None:
    """A full backlog: the kernel leaves further calls without an answer."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(silent.getsockname())
        port = silent.getsockname()[1]
        with pytest.raises(SourceUnavailable, match=r"no answer in 0\.2 s; check that it is on and reachable"):
            await tcp(f"127.0.0.1:{port}?timeout=0.2").open()
        calling = asyncio.create_task(tcp(f"127.0.0.1:{port}?timeout=60").open())
        await asyncio.sleep(0.01)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        for each in waiting:
            each.close()


@pytest.mark.parametrize(("query", "on", "idle"), [("", 1, 5), ("&keepalive=30", 1, 30), ("&keepalive=0", 0, None)])
async def test_a_silent_peer_is_probed(query: str, on: int, idle: int | None) -> None:
    async with tcp(f"0?listen=true{query}") as opened:
        with call(opened) as vehicle:
            vehicle.sendall(b"x")
            assert await taken(opened, 1) == b"x"
            ours = opened._connection
            assert ours is not None
            assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == on
            if idle is not None:
                assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == idle


async def test_a_sender_is_slowed_when_nobody_asks_and_nothing_is_lost() -> None:
    sent = os.urandom(24_000_000)
    async with tcp("0?listen=true") as opened:
        with call(opened) as vehicle:
            vehicle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)  # however much a kernel would hold
            writing = asyncio.create_task(asyncio.to_thread(vehicle.sendall, sent))
            arrivals = None
            while arrivals is None or arrivals._fd < 0 or arrivals._watching:
                arrivals = opened._arrivals
                await asyncio.sleep(0.002)
            assert not writing.done()
            assert await taken(opened, len(sent)) == sent
            await writing


@pytest.mark.parametrize(
    "target", ["", "localhost", "localhost:", "localhost:http", "::1:5000", "1.2.3.4:65536", "a:-1"]
)
def test_targets_that_are_no_endpoint(target: str) -> None:
    with pytest.raises(AddressError, match=r"HOST:PORT"):
        tcp(target)


@pytest.mark.parametrize("query", ["timeout=0", "timeout=nan", "timeout=inf", "keepalive=-1", "keepalive=99999"])
def test_options_out_of_range(query: str) -> None:
    with pytest.raises(AddressError, match="want "):
        tcp(f"5000?{query}")
